//! The calls that each drift makes, against answers as AWS gives them.

use serde_json::json;

use super::*;

/// Plays a drift before scripted answers; its outcome, and the writes that it made.
fn play(
    request: Value,
    answer: impl Fn(&str, &Value) -> Value,
) -> (Result<String, String>, Vec<(String, Value)>) {
    let mut request = request;
    request["account"] = json!("111122223333");
    let request: Request = serde_json::from_value(request).unwrap();
    let mut writes = Vec::new();
    let mut ask = |_: Service, operation: &str, input: Map<String, Value>| {
        let input = Value::Object(input);
        let answered = answer(operation, &input);
        if crate::journal::is_write(operation) {
            writes.push((operation.to_owned(), input));
        }
        Ok(answered)
    };
    let outcome = Scene { request: &request, partition: "aws", ask: &mut ask }.play();
    (outcome.map_err(|fault| fault.body["message"].as_str().unwrap_or_default().to_owned()), writes)
}

const RULE: &str = "arn:aws:events:us-east-1:111122223333:rule/orgwatch-iam";

/// An account with a rule on the second page, a role, a bus and a topic.
fn account(operation: &str, input: &Value) -> Value {
    let first_page = input.get("NextToken").is_none() && input.get("Marker").is_none();
    match operation {
        "ListRules" if first_page => json!({ "Rules": [{ "Name": "another" }], "NextToken": "t" }),
        "ListRules" => {
            json!({ "Rules": [{ "Name": "orgwatch-iam" }, { "Name": "orgwatch-z" }], "NextToken": null })
        }
        "ListTargetsByRule" => json!({ "Targets": [{ "Id": "central" }] }),
        "DescribeRule" => {
            json!({ "Arn": RULE, "State": "ENABLED", "Description": "ours", "RoleArn": null, "EventPattern": "{}" })
        }
        "ListTagsForResource" => json!({ "Tags": [{ "Key": "owner", "Value": "x" }] }),
        "ListEventBuses" => json!({ "EventBuses": [{ "Name": "default" }, { "Name": "orgwatch" }] }),
        "DescribeEventBus" => {
            json!({ "Arn": "arn:bus", "Policy": r#"{"Version":"2012-10-17","Statement":{"Sid":"org"}}"# })
        }
        "ListRoles" if first_page => {
            json!({ "Roles": [{ "RoleName": "x" }], "IsTruncated": "true", "Marker": "m" })
        }
        "ListRoles" => json!({ "Roles": [{ "RoleName": "orgwatch-forwarder" }], "IsTruncated": "false" }),
        "ListRolePolicies" => json!({ "PolicyNames": ["put"] }),
        "ListAttachedRolePolicies" => json!({ "AttachedPolicies": [{ "PolicyArn": "arn:p" }] }),
        "GetRole" => json!({ "Role": { "AssumeRolePolicyDocument":
            "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Condition%22%3A%7B%7D%7D%5D%7D" } }),
        "ListTopics" => {
            json!({ "Topics": [{ "TopicArn": "arn:aws:sns:us-east-1:111122223333:orgwatch-iam" }] })
        }
        "ListSubscriptionsByTopic" => json!({ "Subscriptions": [
            { "SubscriptionArn": "PendingConfirmation", "Endpoint": "a@example.com" },
            { "SubscriptionArn": "arn:sub:b", "Endpoint": "b@example.com" },
            { "SubscriptionArn": "arn:sub:c", "Endpoint": "c@example.com" },
        ] }),
        "DescribeMetricFilters" => json!({ "metricFilters": [
            { "logGroupName": "trail", "filterName": "another", "metricTransformations": [] },
            { "logGroupName": "trail", "filterName": "orgwatch-cis", "metricTransformations": [{ "metricValue": "1" }] },
        ] }),
        "DescribeAlarms" => json!({ "MetricAlarms": [
            { "AlarmName": "another" },
            { "AlarmName": "orgwatch-cis", "Period": 300, "AlarmActions": ["arn:topic"], "Threshold": 1.0 },
        ] }),
        _ => Value::Null,
    }
}

/// What a drift of that kind changes, and the operations of its writes.
fn writes(kind: &str) -> (String, Vec<(String, Value)>) {
    let (outcome, writes) = play(json!({ "kind": kind }), account);
    (outcome.unwrap(), writes)
}

#[test]
fn each_kind_makes_the_calls_of_a_person() {
    let expected: [(&str, &str, &[&str]); 18] = [
        ("rule-disabled", "orgwatch-iam", &["DisableRule"]),
        ("rule-deleted", "orgwatch-iam", &["RemoveTargets", "DeleteRule"]),
        ("rule-pattern", "orgwatch-iam", &["PutRule"]),
        ("targets-removed", "orgwatch-iam", &["RemoveTargets"]),
        ("target-added", "orgwatch-iam", &["PutTargets"]),
        ("tags-removed", "orgwatch-iam", &["UntagResource"]),
        ("role-deleted", "orgwatch-forwarder", &["DeleteRolePolicy", "DetachRolePolicy", "DeleteRole"]),
        ("role-trust", "orgwatch-forwarder", &["UpdateAssumeRolePolicy"]),
        ("role-policy", "orgwatch-forwarder", &["PutRolePolicy"]),
        ("bus-policy-removed", "orgwatch", &["RemovePermission"]),
        ("bus-policy-opened", "orgwatch", &["PutPermission"]),
        ("topic-policy", "arn:aws:sns:us-east-1:111122223333:orgwatch-iam", &["SetTopicAttributes"]),
        ("subscription-removed", "arn:sub:b", &["Unsubscribe"]),
        ("metric-filter-pattern", "orgwatch-cis", &["PutMetricFilter"]),
        ("metric-filter-deleted", "orgwatch-cis", &["DeleteMetricFilter"]),
        ("alarm-disabled", "orgwatch-cis", &["DisableAlarmActions"]),
        ("alarm-actions-removed", "orgwatch-cis", &["PutMetricAlarm"]),
        ("alarm-period", "orgwatch-cis", &["PutMetricAlarm"]),
    ];
    for (kind, changed, operations) in expected {
        let (outcome, writes) = writes(kind);
        let made: Vec<_> = writes.iter().map(|(operation, _)| operation.as_str()).collect();
        assert_eq!((outcome.as_str(), made.as_slice()), (changed, operations), "{kind}");
    }
}

#[test]
fn a_changed_pattern_leaves_the_rest_of_the_rule() {
    let (_, writes) = writes("rule-pattern");
    let expected = json!({ "Name": "orgwatch-iam", "EventBusName": "default", "State": "ENABLED",
        "Description": "ours", "EventPattern": r#"{"source":["aws.s3"]}"# });
    assert_eq!(writes[0].1, expected);
}

#[test]
fn an_opened_bus_keeps_its_own_statement() {
    let (_, writes) = writes("bus-policy-opened");
    let policy: Value = serde_json::from_str(writes[0].1["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&policy["Statement"][0]["Sid"], &policy["Statement"][1]["Principal"]),
        (&json!("org"), &json!("*"))
    );
}

#[test]
fn a_filter_and_an_alarm_keep_the_rest_of_what_they_are() {
    let (_, filter) = writes("metric-filter-pattern");
    assert_eq!(filter[0].1["metricTransformations"], json!([{ "metricValue": "1" }]));
    assert_eq!(filter[0].1["logGroupName"], "trail");
    let (_, alarm) = writes("alarm-period");
    let expected = json!({ "AlarmName": "orgwatch-cis", "Period": 60, "AlarmActions": ["arn:topic"],
        "Threshold": 1.0 });
    assert_eq!(alarm[0].1, expected);
}

#[test]
fn a_trust_loses_its_conditions_only() {
    let (_, writes) = writes("role-trust");
    assert_eq!(writes[0].1["PolicyDocument"], r#"{"Statement":[{"Effect":"Allow"}]}"#);
}

#[test]
fn a_thing_can_be_named() {
    let (outcome, _) = play(json!({ "kind": "rule-disabled", "name": "another" }), account);
    assert_eq!(outcome.unwrap(), "another");
    let (outcome, _) = play(json!({ "kind": "subscription-removed", "endpoint": "c@example.com" }), account);
    assert_eq!(outcome.unwrap(), "arn:sub:c");
}

#[test]
fn a_drift_that_would_change_nothing_is_refused() {
    let (outcome, writes) = play(json!({ "kind": "rule-disabled", "installation": "other" }), account);
    assert!(outcome.unwrap_err().contains("no rule other") && writes.is_empty());
    let bare = |operation: &str, input: &Value| match operation {
        "ListTargetsByRule" | "ListTagsForResource" | "ListRolePolicies" => json!({}),
        "GetRole" => json!({ "Role": { "AssumeRolePolicyDocument": r#"{"Statement":{"Effect":"Allow"}}"# } }),
        "ListSubscriptionsByTopic" => {
            json!({ "Subscriptions": [{ "SubscriptionArn": "PendingConfirmation" }] })
        }
        _ => account(operation, input),
    };
    for kind in ["targets-removed", "tags-removed", "role-policy", "role-trust", "subscription-removed"] {
        let (outcome, writes) = play(json!({ "kind": kind }), bare);
        assert!(outcome.is_err() && writes.is_empty(), "{kind}: {outcome:?}");
    }
}

#[test]
fn a_failed_entry_is_a_refusal() {
    let failing = |operation: &str, input: &Value| match operation {
        "PutTargets" => json!({ "FailedEntryCount": 1, "FailedEntries": [{ "TargetId": "payroll",
            "ErrorCode": "LimitExceededException", "ErrorMessage": "too many" }] }),
        _ => account(operation, input),
    };
    let (outcome, _) = play(json!({ "kind": "target-added" }), failing);
    assert_eq!(outcome.unwrap_err(), "too many");
}
