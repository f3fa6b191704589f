//! What stands beside the log group of the trail.

use super::*;

#[test]
fn a_topic_takes_alarms_for_auditors_of_the_account_that_has_them_and_of_no_other() {
    let settings = fixture::settings("[compliance]\nmetric_alarms = ['cis-4.4']\n");
    let world = fixture::world(&settings);
    let policy = |place: Option<&str>| {
        let place = place.map(|account| {
            let arn = format!("arn:aws:logs:us-east-1:{account}:log-group:trail");
            std::sync::Arc::new(Place::At(LogGroup::parse(&arn).unwrap()))
        });
        let target = Target { place, ..fixture::central(&settings) };
        let spec = kind("topic").desired(&world, &target).remove("orgwatch-iam-changes").unwrap();
        let mut sids = BTreeMap::new();
        for statement in spec["policy"]["Statement"].as_array().unwrap() {
            sids.insert(statement["Sid"].as_str().unwrap().to_owned(), statement.clone());
        }
        sids
    };
    let unknown: Vec<String> = policy(None).into_keys().collect();
    assert_eq!(unknown, ["alert-rules", "owner"]);
    let here: Vec<String> = policy(Some(fixture::CENTRAL)).into_keys().collect();
    assert_eq!(here, ["alarms", "alert-rules", "owner"]);
    let elsewhere = policy(Some(fixture::MANAGEMENT));
    assert_eq!(
        elsewhere["audit-alarms"]["Condition"],
        json!({
            "ArnLike": { "aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111111111111:alarm:orgwatch-*" },
            "StringEquals": { "aws:SourceAccount": "111111111111" },
        })
    );
    assert_eq!(elsewhere["auditors"]["Principal"], json!({ "AWS": "111111111111" }));
    assert_eq!(elsewhere["auditors"]["Action"], "SNS:ListSubscriptionsByTopic");
}

#[test]
fn every_field_of_a_filter_or_its_alarm_is_mended_by_one_call_and_they_go_by_one_each() {
    let filter = standard("metric_filter");
    for (field, value) in [
        ("/pattern", json!("{ $.a = 1 }")),
        ("/metric", json!("Other")),
        ("/namespace", json!("Other")),
        ("/value", json!("2")),
        ("/default_value", json!(1.0)),
        ("/other", json!("transformed logs")),
    ] {
        assert_eq!(filter.mend(field, value), ["PutMetricFilter"], "{field}");
    }
    assert_eq!(filter.removal(filter.spec.clone(), Vec::new()), (vec!["DeleteMetricFilter"], None));
}
