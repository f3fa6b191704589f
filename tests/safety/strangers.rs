//! Other people's things, with names that a careless hand would take for ours.

use orgwatch_sim::call::Service;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::Stage;

/// A name of ours at which somebody else's thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    SenderRule,
    ForwardingRole,
    Bus,
    Topic,
    Queue,
    AlertRule,
}

/// Some of them, often none.
pub(crate) fn taken() -> impl Strategy<Value = Vec<Taken>> {
    use Taken::{AlertRule, Bus, ForwardingRole, Queue, SenderRule, Topic};
    let all = vec![SenderRule, ForwardingRole, Bus, Topic, Queue, AlertRule];
    proptest::sample::subsequence(all, 0..3)
}

const RULE: &str = "orgwatch-iam-changes";

fn pattern() -> String {
    json!({ "source": ["com.example.shop"] }).to_string()
}

fn tags() -> Value {
    json!([{ "Key": "owner", "Value": "shop" }])
}

fn trust() -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" },
        }],
    })
    .to_string()
}

/// A rule with a target.
pub(crate) fn rule(stage: &Stage, account: &str, bus: &str, name: &str) {
    let input = json!({
        "EventBusName": bus, "Name": name, "EventPattern": pattern(), "Description": "orders", "Tags": tags(),
    });
    stage.make(account, Service::Events, "PutRule", input);
    let ears = format!("arn:{}:sqs:{}:{account}:ears", stage.kit.partition, stage.region());
    let input = json!({ "EventBusName": bus, "Rule": name, "Targets": [{ "Id": "ears", "Arn": ears }] });
    stage.make(account, Service::Events, "PutTargets", input);
}

fn bus(stage: &Stage, account: &str, name: &str) {
    let input = json!({ "Name": name, "Description": "orders", "Tags": tags() });
    stage.make(account, Service::Events, "CreateEventBus", input);
    let arn = format!("arn:{}:events:{}:{account}:event-bus/{name}", stage.kit.partition, stage.region());
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "shop", "Effect": "Allow", "Principal": { "AWS": account }, "Action": "events:PutEvents",
            "Resource": arn,
        }],
    });
    let input = json!({ "EventBusName": name, "Policy": policy.to_string() });
    stage.make(account, Service::Events, "PutPermission", input);
}

fn role(stage: &Stage, account: &str, name: &str) {
    let input = json!({
        "RoleName": name, "AssumeRolePolicyDocument": trust(), "Description": "the shop's", "Tags": tags(),
    });
    stage.make(account, Service::Iam, "CreateRole", input);
}

fn topic(stage: &Stage, account: &str, name: &str) {
    let made = stage.make(account, Service::Sns, "CreateTopic", json!({ "Name": name, "Tags": tags() }));
    let input = json!({
        "TopicArn": made["TopicArn"], "Protocol": "email", "Endpoint": "shop@example.org",
    });
    stage.make(account, Service::Sns, "Subscribe", input);
}

fn queue(stage: &Stage, account: &str, name: &str) {
    let input = json!({
        "QueueName": name, "Attributes": { "MessageRetentionPeriod": "3600" }, "tags": { "owner": "shop" },
    });
    stage.make(account, Service::Sqs, "CreateQueue", input);
}

/// Puts them into every account, and at the `taken` names of ours.
pub(crate) fn settle(stage: &Stage, taken: &[Taken]) {
    for account in stage.accounts.iter().chain([&stage.management]) {
        for name in ["ears", "orgwatch2-dead-letters", "orgwatch-theirs"] {
            queue(stage, account, name);
        }
        let rules =
            ["orgwatchful", "orgwatch", "other-iam-changes", "orgwatch2-iam-changes", "orgwatch-theirs"];
        for name in rules {
            rule(stage, account, "default", name);
        }
        let arn = format!(
            "arn:{}:events:{}:{account}:rule/orgwatch2-iam-changes",
            stage.kit.partition,
            stage.region()
        );
        let another = json!([{ "Key": "orgwatch:managed-by", "Value": "orgwatch2" }]);
        let input = json!({ "ResourceARN": arn, "Tags": another });
        stage.make(account, Service::Events, "TagResource", input);
        for name in ["orgwatch-forward", "Orgwatch-forwarders", "orgwatch-forwarder-theirs"] {
            role(stage, account, name);
        }
        for name in ["orgwatch", "orgwatch2-iam-changes", "orgwatch-theirs"] {
            topic(stage, account, name);
        }
        bus(stage, account, "orgwatch2");
        rule(stage, account, "orgwatch2", RULE);
    }
    let (central, member) = (&stage.accounts[0], &stage.accounts[1]);
    for name in taken {
        match name {
            Taken::SenderRule => rule(stage, member, "default", RULE),
            Taken::ForwardingRole => role(stage, member, "orgwatch-forwarder"),
            Taken::Bus => bus(stage, central, "orgwatch"),
            Taken::Topic => topic(stage, central, RULE),
            Taken::Queue => queue(stage, central, "orgwatch-dead-letters"),
            Taken::AlertRule => {
                if !taken.contains(&Taken::Bus) {
                    bus(stage, central, "orgwatch");
                }
                rule(stage, central, "orgwatch", RULE);
            }
        }
    }
}
