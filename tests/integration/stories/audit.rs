//! What auditors look for is there, found by the steps of their own procedures.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::config::Config;

/// The IAM policy changes of the benchmark.
const SIXTEEN: [&str; 16] = [
    "DeleteGroupPolicy",
    "DeleteRolePolicy",
    "DeleteUserPolicy",
    "PutGroupPolicy",
    "PutRolePolicy",
    "PutUserPolicy",
    "CreatePolicy",
    "DeletePolicy",
    "CreatePolicyVersion",
    "DeletePolicyVersion",
    "AttachRolePolicy",
    "DetachRolePolicy",
    "AttachUserPolicy",
    "DetachUserPolicy",
    "AttachGroupPolicy",
    "DetachGroupPolicy",
];

/// Asks for the alarm on IAM policy changes and nothing else.
fn asking(scene: &Scene) -> Config {
    scene.config().with("compliance = { metric_alarms = [\"cis-4.4\"] }")
}

fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array().into_iter().flatten().filter_map(|each| each[field].as_str()).collect()
}

#[test]
fn the_audit_of_iam_policy_changes_finds_filter_alarm_and_topic_and_after_a_teardown_none() {
    let scene = Scene::new(7);
    let central = scene.seed.central_account_id.clone();
    scene.emulator.trail(&scene.seed, &central);
    let audit = || scene.emulator.audit(&scene.seed, &central, "IAMPolicyEventCount");
    let before = audit();
    assert_eq!((&before["trails"], &before["filters"]), (&json!(["organization-trail"]), &json!([])));

    let orgwatch = scene.orgwatch(&asking(&scene));
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    let found = audit();
    assert_eq!(found["selectors"], json!([["All", true]]));
    let filters = found["filters"].as_array().expect("a list");
    assert_eq!(filters.len(), 1, "{found}");
    assert_eq!(filters[0]["metricNamespace"], "CloudTrailMetrics");
    assert_eq!(filters[0]["metricValue"], "1");
    let pattern = filters[0]["pattern"].as_str().expect("a text");
    for name in SIXTEEN {
        assert!(pattern.contains(&format!("($.eventName = {name})")), "{name} is missing in {pattern}");
    }
    let topic = format!("arn:aws:sns:us-east-1:{central}:orgwatch-iam-changes");
    assert_eq!(
        found["alarms"],
        json!([{
            "AlarmName": "orgwatch-CIS-4.4-IAMPolicyChanges", "Statistic": "Sum", "Period": 300,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching", "ActionsEnabled": true, "AlarmActions": [topic],
        }])
    );
    let subscriptions = found["subscriptions"].as_array().expect("a list");
    assert!(!subscriptions.is_empty(), "{found}");

    // What is there is left alone.
    scene.proxy.clear();
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    let operations: Vec<_> = scene.proxy.writes().into_iter().map(|call| call.operation).collect();
    assert!(!operations.iter().any(|operation| operation.contains("Metric")), "{operations:?}");

    orgwatch.run(&["teardown", "--yes", "--delete-data"]).expect_code(0);
    let after = audit();
    assert_eq!(texts(&after["filters"], "name"), [""; 0]);
    assert_eq!(texts(&after["alarms"], "AlarmName"), [""; 0]);
}
