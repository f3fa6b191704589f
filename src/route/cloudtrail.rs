//! Events as people have them: one that EventBridge delivered, or what CloudTrail keeps of it. Pure.

use serde_json::{Value, json};

/// The events in a JSON document: one with its envelope, or records of CloudTrail, wrapped as EventBridge wraps them.
/// It may be one record, `{"Records": [...]}` as in the files of a trail, or `{"Events": [...]}` as `aws cloudtrail
/// lookup-events` prints.
///
/// # Errors
/// It is none of these, in a sentence.
pub fn events(document: &Value) -> Result<Vec<Value>, String> {
    let list = |name: &str| document.get(name).and_then(Value::as_array);
    if let Some(records) = list("Records") {
        return records.iter().map(wrapped).collect();
    }
    if let Some(looked_up) = list("Events") {
        let record = |event: &Value| {
            let text =
                event["CloudTrailEvent"].as_str().ok_or("an entry of `Events` has no `CloudTrailEvent`")?;
            let record = serde_json::from_str(text)
                .map_err(|error| format!("a `CloudTrailEvent` is no JSON: {error}"))?;
            wrapped(&record)
        };
        return looked_up.iter().map(record).collect();
    }
    if let Value::Array(all) = document {
        return all.iter().map(one).collect();
    }
    Ok(vec![one(document)?])
}

fn one(document: &Value) -> Result<Value, String> {
    if document.get("detail").is_some() && document.get("source").is_some() {
        Ok(document.clone())
    } else {
        wrapped(document)
    }
}

/// A record of CloudTrail in the envelope in which EventBridge delivers it.
fn wrapped(record: &Value) -> Result<Value, String> {
    let text = |name: &str| record[name].as_str();
    let Some(host) = text("eventSource") else {
        return Err(
            "neither an event (with `source` and `detail`) nor a record of CloudTrail (with `eventSource`)"
                .to_owned(),
        );
    };
    let kind = match text("eventType") {
        Some("AwsServiceEvent") => "AWS Service Event via CloudTrail",
        Some("AwsConsoleSignIn") => "AWS Console Sign In via CloudTrail",
        Some("AwsConsoleAction") => "AWS Console Action via CloudTrail",
        Some("AwsCloudTrailInsight") => "AWS Insight via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    let account = text("recipientAccountId").or_else(|| record["userIdentity"]["accountId"].as_str());
    Ok(json!({
        "version": "0",
        "id": text("eventID").unwrap_or_default(),
        "detail-type": kind,
        "source": format!("aws.{}", host.strip_suffix(".amazonaws.com").unwrap_or(host)),
        "account": account.unwrap_or_default(),
        "time": text("eventTime").unwrap_or_default(),
        "region": text("awsRegion").unwrap_or_default(),
        "resources": [],
        "detail": record,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::samples;

    #[test]
    fn a_record_is_wrapped_as_eventbridge_delivered_it() {
        let of_cloudtrail = samples().into_iter().map(|sample| sample.event).filter(|event| {
            let kind = event["detail-type"].as_str().unwrap();
            // The other spelling of sign-ins and what is not AWS's cannot be told from the record.
            kind.ends_with("via CloudTrail")
                && !kind.contains("Signin")
                && event["source"] != "my.application"
        });
        for mut event in of_cloudtrail {
            for document in [
                event["detail"].clone(),
                json!({"Records": [event["detail"]]}),
                json!({"Events": [{"CloudTrailEvent": event["detail"].to_string()}]}),
            ] {
                let mut wrapped = events(&document).unwrap();
                assert_eq!(wrapped.len(), 1);
                event["id"] = event["detail"]["eventID"].clone();
                assert_eq!(wrapped.remove(0), event);
            }
        }
    }

    #[test]
    fn an_event_stays_as_it_is_and_what_is_none_is_refused() {
        let sample = samples().remove(0).event;
        assert_eq!(events(&sample), Ok(vec![sample.clone()]));
        assert_eq!(events(&json!([sample, sample])).unwrap().len(), 2);
        for none in [
            json!({}),
            json!("text"),
            json!({"detail": {}}),
            json!({"Events": [{}]}),
            json!({"Records": [1]}),
        ] {
            assert!(events(&none).is_err(), "{none}");
        }
    }
}
