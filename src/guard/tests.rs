use std::path::Path;

use orgwatch_sim::pattern::Pattern;
use serde_json::Value;

use super::{fields, pattern};
use crate::pattern::Pattern as Checked;
use crate::world::World;
use crate::world::fixture::{self, CENTRAL, member_id, region, settings};

fn world() -> World {
    fixture::world(&settings("[guard]\nenabled = true\n"))
}

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/guard").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap().matches(event)
}

/// The pattern of the member that the samples are of.
fn member(world: &World) -> Value {
    pattern::member(world, &"333333333333".parse().unwrap(), &region(), false)
}

#[test]
fn each_field_is_where_its_sample_has_it() {
    for field in fields::ALL {
        let event = sample(field.sample);
        let detail = &event["detail"];
        assert_eq!(event["source"], format!("aws.{}", field.service), "{}", field.sample);
        assert!(detail["requestParameters"].get(field.field).is_some(), "{}: {}", field.sample, field.field);
        let operation = detail["eventName"].as_str().unwrap();
        assert!(field.operations.is_empty() || field.operations.contains(&operation), "{}", field.sample);
    }
}

#[test]
fn every_deed_in_a_member_is_forwarded_wakes_and_is_told() {
    let world = world();
    for field in [
        fields::PUT_RULE,
        fields::RULE,
        fields::TARGETS,
        fields::EVENTS_TAGS,
        fields::ROLE,
        fields::POLICY,
        fields::TRAIL,
    ] {
        let event = sample(field.sample);
        for (what, pattern) in
            [("guard", member(&world)), ("wake", pattern::wake(&world)), ("tamper", pattern::tamper(&world))]
        {
            assert!(matches(&pattern, &event), "{what}: {} {pattern}", field.sample);
        }
    }
}

#[test]
fn every_deed_on_the_receiving_side_is_told() {
    let world = world();
    for field in [
        fields::BUS,
        fields::ON_BUS,
        fields::ARCHIVED,
        fields::ARCHIVE,
        fields::TOPIC,
        fields::TOPIC_TAGS,
        fields::SUBSCRIPTION,
        fields::QUEUE,
    ] {
        let event = sample(field.sample);
        assert!(matches(&pattern::central(&world), &event), "{}", field.sample);
        assert!(!matches(&pattern::central_own(&world), &event), "{}", field.sample);
        let mut own = event;
        own["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] = "orgwatch-task".into();
        assert!(!matches(&pattern::central(&world), &own), "{}", field.sample);
        assert!(matches(&pattern::central_own(&world), &own), "{}", field.sample);
    }
}

#[test]
fn what_is_others_is_nobodys_business() {
    let world = world();
    for (name, parameter, value) in [
        ("events-put-rule", "name", "theirs"),
        ("events-remove-targets", "rule", "theirs"),
        ("events-untag-resource", "resourceARN", "arn:aws:events:us-east-1:333333333333:rule/theirs"),
        ("iam-delete-role-policy", "roleName", "orgwatch"),
        ("sns-delete-topic", "topicArn", "arn:aws:sns:us-east-1:222222222222:theirs"),
        ("sqs-delete-queue", "queueUrl", "https://sqs.us-east-1.amazonaws.com/222222222222/theirs"),
        ("events-put-permission", "eventBusName", "theirs"),
    ] {
        let mut event = sample(name);
        event["detail"]["requestParameters"][parameter] = value.into();
        for pattern in
            [member(&world), pattern::wake(&world), pattern::tamper(&world), pattern::central(&world)]
        {
            assert!(!matches(&pattern, &event), "{name} {pattern}");
        }
    }
}

#[test]
fn a_call_that_is_too_long_to_be_told_is_noticed_all_the_same() {
    let world = world();
    for parameters in [Value::Null, serde_json::json!({ "omitted": true, "originalSize": 102_401 })] {
        let mut event = sample("events-put-rule");
        event["detail"]["requestParameters"] = parameters;
        assert!(matches(&member(&world), &event));
        assert!(matches(&pattern::wake(&world), &event));
    }
}

#[test]
fn a_call_that_failed_is_told_and_wakes_nobody() {
    let world = world();
    let mut event = sample("events-disable-rule");
    event["detail"]["errorCode"] = "AccessDenied".into();
    assert!(matches(&member(&world), &event));
    assert!(matches(&pattern::tamper(&world), &event));
    assert!(!matches(&pattern::wake(&world), &event));
}

#[test]
fn what_our_own_role_does_is_told_to_us_and_to_nobody_else() {
    let world = world();
    let mut event = sample("events-disable-rule");
    event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["userName"] = "orgwatch-member".into();
    assert!(matches(&pattern::wake(&world), &event));
    assert!(!matches(&pattern::tamper(&world), &event));
    // Somebody without a session is not us.
    event["detail"]["userIdentity"] = serde_json::json!({ "type": "Root" });
    assert!(matches(&pattern::tamper(&world), &event));
}

#[test]
fn who_joins_wakes_us_by_the_management_account_alone() {
    let world = world();
    let mut event = sample("events-put-rule");
    event["source"] = "aws.organizations".into();
    event["detail"] = serde_json::json!({
        "eventSource": "organizations.amazonaws.com", "eventName": "AccountJoinedOrganization",
    });
    let management = pattern::member(&world, &fixture::id(fixture::MANAGEMENT), &region(), true);
    for kind in ["AWS API Call via CloudTrail", "AWS Service Event via CloudTrail"] {
        event["detail-type"] = kind.into();
        assert!(matches(&management, &event), "{kind}");
        assert!(matches(&pattern::wake(&world), &event), "{kind}");
        assert!(!matches(&member(&world), &event), "{kind}");
        assert!(!matches(&pattern::tamper(&world), &event), "{kind}");
    }
}

#[test]
fn no_pattern_believes_in_a_source_that_members_may_claim() {
    let world = world();
    let mut event = sample("events-disable-rule");
    event["source"] = "aws-events".into();
    let account = member_id(1);
    for pattern in [
        pattern::member(&world, &account, &region(), true),
        pattern::wake(&world),
        pattern::tamper(&world),
        pattern::central(&world),
        pattern::central_own(&world),
    ] {
        assert!(!matches(&pattern, &event));
        let sources = pattern["source"].as_array().unwrap();
        assert!(sources.iter().all(|s| s.as_str().is_some_and(|s| s.starts_with("aws."))), "{pattern}");
        // A rule's ARN in whatever account and Region is the one wildcard, on our own bus.
        let checked = Checked::parse(&pattern.to_string()).unwrap();
        let findings = checked.findings();
        assert!(findings.iter().all(|f| f.code == "W-pattern-wildcard"), "{findings:?}");
    }
    assert!(!member(&world).to_string().contains("wildcard"));
}

#[test]
fn the_longest_names_fit_into_the_quota() {
    let long = "a".repeat(20);
    let settings = settings(&format!("installation = '{long}'\n[guard]\nenabled = true\n"));
    let world = fixture::world(&settings);
    let ours =
        |world: &World| pattern::member(world, &CENTRAL.parse().unwrap(), &region(), true).to_string().len();
    assert!(ours(&world) <= 2048, "{}", ours(&world));
    for pattern in [pattern::wake(&world), pattern::tamper(&world), pattern::central(&world)] {
        assert!(pattern.to_string().len() <= 2048, "{}: {pattern}", pattern.to_string().len());
    }
    let world = self::world();
    assert!(member(&world).to_string().len() <= 1300, "{}", member(&world).to_string().len());
}
