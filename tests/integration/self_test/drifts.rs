//! Each drift changes what it says, and the independent reader sees it.

use std::fmt::Write;

use aws_sdk_eventbridge::{
    Client as EventBridge,
    types::{Tag, Target},
};
use aws_sdk_iam::Client as Iam;
use aws_sdk_sns::Client as Sns;
use serde_json::{Value, json};

use crate::{
    emulator::{Emulator, Seed},
    sdk::{self, block_on},
};

const PATTERN: &str = r#"{"source":["aws.iam"]}"#;
const MARK: &str = "managed by orgwatch/orgwatch v1";

const IN_A_MEMBER: [&str; 14] = [
    "rule-deleted",
    "rule-disabled",
    "rule-pattern",
    "rule-bare-put",
    "rule-foreign",
    "mark-removed",
    "ownership-removed",
    "target-removed",
    "target-role",
    "target-foreign",
    "role-deleted",
    "role-trust",
    "role-policy",
    "role-attached",
];

/// In an order in which each still finds what it changes.
const IN_THE_CENTRAL_ACCOUNT: [&str; 9] = [
    "alert-rule-pattern",
    "alert-rule-disabled",
    "alert-target-removed",
    "topic-policy",
    "subscription-unknown",
    "subscription-removed",
    "topic-deleted",
    "bus-policy",
    "bus-deleted",
];

/// What a member has, in outline.
async fn install_member(endpoint: &str, seed: &Seed, account: &str) {
    let config = sdk::member(endpoint, seed, account, None).await;
    let role = format!("arn:aws:iam::{account}:role/orgwatch-forwarder");
    let bus = format!("arn:aws:events:us-east-1:{}:event-bus/orgwatch", seed.central_account_id);
    let trust = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "aws:SourceAccount": account } },
    }] });
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "events:PutEvents", "Resource": bus },
    ] });
    let iam = Iam::new(&config);
    let create =
        iam.create_role().role_name("orgwatch-forwarder").assume_role_policy_document(trust.to_string());
    create.send().await.expect("the name is free");
    let put = iam.put_role_policy().role_name("orgwatch-forwarder").policy_name("orgwatch-forward");
    put.policy_document(policy.to_string()).send().await.expect("the role is there");
    put_rule(&EventBridge::new(&config), "default", Target::builder().arn(bus).role_arn(role)).await;
}

async fn put_rule(
    events: &EventBridge,
    bus: &str,
    target: aws_sdk_eventbridge::types::builders::TargetBuilder,
) {
    let name = "orgwatch-iam-changes";
    let tag = Tag::builder().key("orgwatch:managed-by").value("orgwatch").build().expect("it is complete");
    let put = events.put_rule().name(name).event_bus_name(bus).event_pattern(PATTERN);
    put.description(MARK).tags(tag).send().await.expect("the bus is there");
    let target = target.id("orgwatch").build().expect("it is complete");
    let put = events.put_targets().rule(name).event_bus_name(bus).targets(target);
    put.send().await.expect("the rule is there");
}

/// What the central account has besides, in outline.
async fn install_central(endpoint: &str, seed: &Seed) {
    let config = sdk::central(endpoint, seed);
    let (events, sns) = (EventBridge::new(&config), Sns::new(&config));
    let bus = events.create_event_bus().name("orgwatch").send().await.expect("the name is free");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "orgwatch", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents",
        "Resource": bus.event_bus_arn, "Condition": { "StringEquals": { "aws:PrincipalOrgID": seed.organization_id } },
    }] });
    let put = events.put_permission().event_bus_name("orgwatch").policy(policy.to_string());
    put.send().await.expect("the bus is there");
    let topic = sns.create_topic().name("orgwatch-iam-changes").send().await.expect("the name is free");
    let topic = topic.topic_arn.expect("it has an ARN");
    let subscribe = sns.subscribe().topic_arn(&topic).protocol("email").endpoint("security@example.com");
    subscribe.send().await.expect("the topic is there");
    put_rule(&events, "orgwatch", Target::builder().arn(topic)).await;
}

/// Every leaf that differs, one a line.
fn differences(path: &str, before: &Value, after: &Value, lines: &mut String) {
    let at = |key: &dyn std::fmt::Display| format!("{path}/{key}");
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                differences(&at(key), &before[key], &after[key], lines);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                differences(&at(&index), old, new, lines);
            }
        }
        _ => {
            let short = |value: &Value| match value {
                Value::Object(_) => "{...}".to_owned(),
                Value::Array(items) => format!("[{}]", items.len()),
                leaf => leaf.to_string(),
            };
            writeln!(lines, "  {path}: {} -> {}", short(before), short(after)).expect("text grows");
        }
    }
}

#[test]
fn every_drift_is_seen_by_the_independent_reader() {
    let emulator = Emulator::start();
    let seed = emulator.seed(30);
    let members: Vec<_> = seed.members().take(IN_A_MEMBER.len()).collect();
    block_on(async {
        install_central(emulator.endpoint(), &seed).await;
        for member in &members {
            install_member(emulator.endpoint(), &seed, &member.id).await;
        }
    });

    let before = emulator.read_back(&seed, members.iter().copied());
    for (member, drift) in members.iter().zip(IN_A_MEMBER) {
        emulator.drift(&member.id, drift);
    }
    let after = emulator.read_back(&seed, members.iter().copied());
    let mut seen = String::new();
    for (member, drift) in members.iter().zip(IN_A_MEMBER) {
        seen += &format!("{drift}\n");
        let [before, after] = [&before, &after].map(|read| &read["accounts"][&member.id]);
        differences("", before, after, &mut seen);
        seen = seen.replace(&member.id, "MEMBER");
    }
    let mut before = before;
    for drift in IN_THE_CENTRAL_ACCOUNT {
        emulator.drift(&seed.central_account_id, drift);
        seen += &format!("{drift}\n");
        let after = emulator.read_back(&seed, []);
        differences("", &before["central"], &after["central"], &mut seen);
        before = after;
    }
    seen = seen.replace(&seed.central_account_id, "CENTRAL");
    insta::assert_snapshot!(seen, @r#"
    rule-deleted
      /rules/orgwatch-iam-changes: {...} -> null
    rule-disabled
      /rules/orgwatch-iam-changes/state: "ENABLED" -> "DISABLED"
    rule-pattern
      /rules/orgwatch-iam-changes/pattern/source/0: "aws.iam" -> "aws.s3"
    rule-bare-put
      /rules/orgwatch-iam-changes/description: "managed by orgwatch/orgwatch v1" -> null
    rule-foreign
      /rules/orgwatch-iam-changes/description: "managed by orgwatch/orgwatch v1" -> null
      /rules/orgwatch-iam-changes/pattern/source/0: "aws.iam" -> "aws.s3"
      /rules/orgwatch-iam-changes/tags/orgwatch:managed-by: "orgwatch" -> null
      /rules/orgwatch-iam-changes/targets: [1] -> [0]
    mark-removed
      /rules/orgwatch-iam-changes/description: "managed by orgwatch/orgwatch v1" -> "formerly something else"
    ownership-removed
      /rules/orgwatch-iam-changes/description: "managed by orgwatch/orgwatch v1" -> "formerly something else"
      /rules/orgwatch-iam-changes/tags/orgwatch:managed-by: "orgwatch" -> null
    target-removed
      /rules/orgwatch-iam-changes/targets: [1] -> [0]
    target-role
      /rules/orgwatch-iam-changes/targets/0/RoleArn: "arn:aws:iam::MEMBER:role/orgwatch-forwarder" -> "arn:aws:iam::MEMBER:role/payroll-runner"
    target-foreign
      /rules/orgwatch-iam-changes/targets: [1] -> [2]
    role-deleted
      /roles/orgwatch-forwarder: {...} -> null
    role-trust
      /roles/orgwatch-forwarder/trust/Statement/0/Condition: {...} -> null
    role-policy
      /roles/orgwatch-forwarder/inline_policies/orgwatch-forward/Statement/0/Resource: "arn:aws:events:us-east-1:CENTRAL:event-bus/orgwatch" -> "*"
    role-attached
      /roles/orgwatch-forwarder/attached_policies: [0] -> [1]
    alert-rule-pattern
      /rules/orgwatch-iam-changes/pattern/source/0: "aws.iam" -> "aws.s3"
    alert-rule-disabled
      /rules/orgwatch-iam-changes/state: "ENABLED" -> "DISABLED"
    alert-target-removed
      /rules/orgwatch-iam-changes/targets: [1] -> [0]
    topic-policy
      /topics/orgwatch-iam-changes/policy/Id: "__default_policy_ID" -> null
      /topics/orgwatch-iam-changes/policy/Statement/0/Action: [8] -> "sns:Publish"
      /topics/orgwatch-iam-changes/policy/Statement/0/Condition: {...} -> null
      /topics/orgwatch-iam-changes/policy/Statement/0/Principal/AWS: "*" -> "arn:aws:iam::CENTRAL:root"
      /topics/orgwatch-iam-changes/policy/Statement/0/Sid: "__default_statement_ID" -> "payroll"
      /topics/orgwatch-iam-changes/policy/Version: "2008-10-17" -> "2012-10-17"
    subscription-unknown
      /topics/orgwatch-iam-changes/subscriptions: [1] -> [2]
    subscription-removed
      /topics/orgwatch-iam-changes/subscriptions: [2] -> [0]
    topic-deleted
      /topics/orgwatch-iam-changes: {...} -> null
    bus-policy
      /bus/policy/Statement: [1] -> [2]
    bus-deleted
      /bus: {...} -> null
      /rules/orgwatch-iam-changes: {...} -> null
    "#);
}
