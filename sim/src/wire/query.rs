//! The query protocol's requests: a form whose keys are paths.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::{Protocol, Read};
use crate::call::{Refusal, Service};

/// Reads a form. `A.member.2.B=x` is the field B of the second member of the list A; `A.entry.1.key`/`.value` is a
/// map's first entry.
pub(super) fn read(body: &Bytes) -> Result<Read, Refusal> {
    let mut tree = Map::new();
    let (mut action, mut version) = (None, None);
    for (key, value) in form_urlencoded::parse(body) {
        match key.as_ref() {
            "Action" => action = Some(value.into_owned()),
            "Version" => version = Some(value.into_owned()),
            _ => insert(&mut tree, &key, value.into_owned()),
        }
    }
    let service = match version.as_deref() {
        Some("2010-05-08") => Service::Iam,
        Some("2011-06-15") => Service::Sts,
        Some("2010-03-31") => Service::Sns,
        other => {
            let message = format!("no service has version {other:?} of the query protocol");
            return Err(Refusal::bad("InvalidAction", message));
        }
    };
    let action = action.ok_or_else(|| Refusal::bad("MissingAction", "Action is missing"))?;
    let input = tree.into_iter().map(|(name, value)| (name, fold(value))).collect();
    Ok((Protocol::Query, service, action, input))
}

fn insert(tree: &mut Map<String, Value>, path: &str, value: String) {
    match path.split_once('.') {
        None => {
            tree.insert(path.to_owned(), Value::String(value));
        }
        Some((first, rest)) => {
            let below = tree.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

/// Turns `{"member": {"1": a, "2": b}}` into `[a, b]`, and `{"entry": {"1": {"key": k, "value": v}}}` into `{k: v}`.
fn fold(value: Value) -> Value {
    let Value::Object(mut fields) = value else { return value };
    if fields.len() == 1 {
        if let Some(Value::Object(members)) = fields.remove("member") {
            return Value::Array(in_order(members));
        }
        if let Some(Value::Object(entries)) = fields.remove("entry") {
            let pairs = in_order(entries).into_iter().filter_map(|entry| {
                // A map's own names for its sides: SNS's MessageAttributes say Name and Value.
                let key = entry.get("key").or_else(|| entry.get("Name"))?.as_str()?.to_owned();
                let value = entry.get("value").or_else(|| entry.get("Value"));
                Some((key, value.cloned().unwrap_or(Value::Null)))
            });
            return Value::Object(pairs.collect());
        }
    }
    Value::Object(fields.into_iter().map(|(name, value)| (name, fold(value))).collect())
}

fn in_order(numbered: Map<String, Value>) -> Vec<Value> {
    let mut items: Vec<(u32, Value)> = numbered
        .into_iter()
        .filter_map(|(number, value)| Some((number.parse().ok()?, fold(value))))
        .collect();
    items.sort_by_key(|(number, _)| *number);
    items.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_maps_are_folded_in_order() {
        let body = Bytes::from_static(
            b"Action=CreateTopic&Version=2010-03-31&Name=a%2Bb&Tags.member.10.Key=ten&Tags.member.2.Key=two\
              &Attributes.entry.1.key=Policy&Attributes.entry.1.value=%7B%7D",
        );
        let (_, service, action, input) = read(&body).unwrap();
        assert_eq!((service, action.as_str()), (Service::Sns, "CreateTopic"));
        let expected = json!({ "Name": "a+b", "Tags": [{ "Key": "two" }, { "Key": "ten" }], "Attributes": { "Policy": "{}" } });
        assert_eq!(Value::Object(input), expected);
    }

    #[test]
    fn a_map_whose_sides_are_called_name_and_value_is_one_as_well() {
        let body = Bytes::from_static(
            b"Action=Publish&Version=2010-03-31&MessageAttributes.entry.1.Name=n\
              &MessageAttributes.entry.1.Value.DataType=Number&MessageAttributes.entry.1.Value.StringValue=1",
        );
        let (.., input) = read(&body).unwrap();
        let expected = json!({ "MessageAttributes": { "n": { "DataType": "Number", "StringValue": "1" } } });
        assert_eq!(Value::Object(input), expected);
    }
}
