//! What a session may do at most, whatever its role may: one policy for looking, one for each plan.
//!
//! AWS allows a session what role and session policy both allow. So a pass that only looks cannot write even if
//! it wants to, and a writing session can do what its plan says and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::keys;
use crate::model::call::{Call, RuleTarget};
use crate::model::ids::Region;
use crate::model::partition::Partition;
use crate::model::plan::Change;
use crate::model::target::Side;
use crate::world::{Target, World};

/// What looking at a member takes.
pub const MEMBER_READS: [&str; 17] = [
    "account:ListRegions",
    "cloudtrail:DescribeTrails",
    "cloudtrail:GetEventSelectors",
    "cloudtrail:GetTrailStatus",
    "cloudwatch:DescribeAlarmsForMetric",
    "events:ListRules",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "iam:GetPolicy",
    "iam:GetPolicyVersion",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "iam:ListAttachedRolePolicies",
    "iam:ListRolePolicies",
    "iam:ListRoles",
    "logs:DescribeMetricFilters",
    "sns:ListSubscriptionsByTopic",
];

/// What looking at the central account takes.
pub const CENTRAL_READS: [&str; 26] = [
    "account:ListRegions",
    "cloudtrail:DescribeTrails",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DescribeAlarmsForMetric",
    "cloudwatch:GetMetricData",
    "cloudwatch:ListTagsForResource",
    "events:DescribeArchive",
    "events:DescribeEventBus",
    "events:ListEventBuses",
    "events:ListRules",
    "events:ListTagsForResource",
    "events:ListTargetsByRule",
    "iam:GetRole",
    "iam:GetRolePolicy",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "logs:DescribeMetricFilters",
    "sns:GetSubscriptionAttributes",
    "sns:GetTopicAttributes",
    "sns:ListSubscriptionsByTopic",
    "sns:ListTagsForResource",
    "sns:ListTopics",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ListQueueTags",
    "sqs:ListQueues",
];

/// What looking at the metric filters of the trail's log group, and at their alarms, takes.
pub const AUDIT_READS: [&str; 4] = [
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DescribeAlarmsForMetric",
    "cloudwatch:ListTagsForResource",
    "logs:DescribeMetricFilters",
];

/// What reading the inbox takes.
pub const INBOX: [&str; 3] = ["sqs:DeleteMessage", "sqs:GetQueueUrl", "sqs:ReceiveMessage"];

/// What discovery takes.
pub const ORGANIZATION_READS: [&str; 6] = [
    "organizations:DescribeOrganization",
    "organizations:ListAccounts",
    "organizations:ListAccountsForParent",
    "organizations:ListOrganizationalUnitsForParent",
    "organizations:ListRoots",
    "organizations:ListTagsForResource",
];

/// The sources of orgwatch's own events on the central bus.
const OWN_SOURCES: [&str; 3] = [crate::news::SOURCE, crate::drill::SOURCE, crate::news::HEARTBEAT_SOURCE];

/// To give EventBridge a role.
const PASS: &str = "iam:PassRole";
/// To give SNS a role; the same action under another condition.
const PASS_TO_SNS: &str = "iam:PassRole to sns";

/// The policy of a session that looks at one side of an account.
pub fn reads(side: Side) -> String {
    match side {
        Side::Central => allow(&CENTRAL_READS, "*"),
        Side::Member => allow(&MEMBER_READS, "*"),
        Side::Audit => allow(&AUDIT_READS, "*"),
    }
}

/// The policy of the session that reads the inbox.
pub fn inbox(world: &World) -> String {
    let queue = grant(&INBOX, json!(world.inbox_arn()));
    policy([queue].into_iter().chain(uses(&["kms:Decrypt"], world.key.as_deref())))
}

/// The policy of the session that sends canaries in a member.
pub fn canary(world: &World, target: &Target) -> String {
    let bus = world.arn("events", target.region(), target.account(), "event-bus/default");
    sends(&bus, &[crate::canary::SOURCE])
}

/// The policy of the session that puts orgwatch's own events on the central bus.
pub fn own_events(world: &World) -> String {
    sends(&world.bus_arn(), &OWN_SOURCES)
}

/// Of all sources of a call, of which there must be some, each is one of these.
fn sends(bus: &str, sources: &[&str]) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "events:PutEvents", "Resource": bus,
        "Condition": {
            "ForAllValues:StringEquals": { "events:source": sources },
            "Null": { "events:source": "false" },
        },
    }] })
    .to_string()
}

/// The policy of the session that looks through the dead letters of a Region, or delivers them too.
pub fn letters(world: &World, region: &Region, deliver: bool) -> String {
    let queue = world.dead_letter_arn(region);
    let mut actions = vec!["sqs:ChangeMessageVisibility", "sqs:GetQueueUrl", "sqs:ReceiveMessage"];
    if !deliver {
        let key = world.key.as_deref().filter(|_| *region == world.central_region);
        return policy([grant(&actions, json!(queue))].into_iter().chain(uses(&["kms:Decrypt"], key)));
    }
    actions.push("sqs:DeleteMessage");
    let topics = world.arn("sns", &world.central_region, &world.central, "*");
    let own = [grant(&actions, json!(queue)), grant(&["sns:Publish"], json!(topics))];
    policy(own.into_iter().chain(uses(&["kms:Decrypt", "kms:GenerateDataKey"], keys::all(world))))
}

/// What it takes to read and write what is encrypted with customers' keys; nothing where there are none.
fn uses<'a>(actions: &[&str], keys: impl IntoIterator<Item = &'a str>) -> Option<Value> {
    let keys: Vec<&str> = keys.into_iter().collect();
    (!keys.is_empty()).then(|| grant(actions, json!(keys)))
}

/// The policy of the session that discovers.
pub fn organization() -> String {
    allow(&ORGANIZATION_READS, "*")
}

/// The policy of a session that only goes on to other roles; whose trust decides how far.
pub fn assume(partition: Partition) -> String {
    allow(&["sts:AssumeRole"], &format!("arn:{partition}:iam::*:role/*"))
}

fn allow(actions: &[&str], resource: &str) -> String {
    policy([grant(actions, json!(resource))])
}

fn grant(actions: &[&str], resource: Value) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

fn policy(statements: impl IntoIterator<Item = Value>) -> String {
    let statements: Vec<Value> = statements.into_iter().collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// The policy of the session that makes these changes: their calls, on names of this installation.
pub fn writes<'a>(world: &World, target: &Target, changes: impl Iterator<Item = &'a Change>) -> String {
    let mut by_resource: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for (action, resource) in
        changes.flat_map(|change| &change.calls).flat_map(|call| grants(world, target, call))
    {
        by_resource.entry(resource).or_default().insert(action);
    }
    let statement = |(resource, actions): (String, BTreeSet<&str>)| {
        // A right to pass a role is a right to use it; only the service that is meant may be given it.
        let service = match () {
            () if actions.contains(PASS) => Some("events.amazonaws.com"),
            () if actions.contains(PASS_TO_SNS) => Some("sns.amazonaws.com"),
            () => None,
        };
        if let Some(service) = service {
            json!({ "Effect": "Allow", "Action": PASS, "Resource": resource,
                    "Condition": { "StringEquals": { "iam:PassedToService": service } } })
        } else {
            json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
        }
    };
    // PassRole has a condition of its own, so it never shares a statement.
    let mut pass = Vec::new();
    for (resource, actions) in &mut by_resource {
        for one in [PASS, PASS_TO_SNS].into_iter().filter(|one| actions.remove(one)) {
            pass.push((resource.clone(), BTreeSet::from([one])));
        }
    }
    by_resource.retain(|_, actions| !actions.is_empty());
    let statements: Vec<Value> = by_resource.into_iter().chain(pass).map(statement).collect();
    json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
}

/// The actions that a call needs, each with the resource that it needs it on.
fn grants(world: &World, target: &Target, call: &Call) -> Vec<(&'static str, String)> {
    let (region, account) = (target.region(), target.account());
    let prefix = world.prefix();
    let rule = |bus: &str| {
        let path = if bus == "default" { format!("rule/{prefix}*") } else { format!("rule/{bus}/{prefix}*") };
        world.arn("events", region, account, &path)
    };
    let bus = || world.arn("events", region, account, &format!("event-bus/{}", world.bus()));
    let archive = |name: &str| world.arn("events", region, account, &format!("archive/{name}"));
    let queue = |name: &str| world.arn("sqs", region, account, name);
    // A statement for each of many topics or rules would not fit into a session policy.
    let topics = || world.arn("sns", region, account, &format!("{prefix}*"));
    let role = |name: &str| format!("arn:{}:iam::{account}:role/{name}", world.partition);
    let passed = |targets: &BTreeMap<String, Box<RuleTarget>>| {
        targets.values().filter_map(|t| t.role_arn.clone()).map(|arn| (PASS, arn)).collect::<Vec<_>>()
    };
    let alarms = || world.arn("cloudwatch", region, account, &format!("alarm:{prefix}*"));
    // AWS asks for a group with all that is in it.
    let group = |name: &str| world.arn("logs", region, account, &format!("log-group:{name}:*"));
    match call {
        Call::PutMetricFilter { group: name, .. } => vec![("logs:PutMetricFilter", group(name))],
        Call::DeleteMetricFilter { group: name, .. } => vec![("logs:DeleteMetricFilter", group(name))],
        Call::PutMetricAlarm { .. } => {
            vec![("cloudwatch:PutMetricAlarm", alarms()), ("cloudwatch:TagResource", alarms())]
        }
        Call::TagAlarm { .. } => vec![("cloudwatch:TagResource", alarms())],
        Call::DeleteAlarms { .. } => vec![("cloudwatch:DeleteAlarms", alarms())],
        Call::CreateEventBus { .. } => vec![("events:CreateEventBus", bus()), ("events:TagResource", bus())],
        Call::UpdateEventBus { .. } => vec![("events:UpdateEventBus", bus())],
        // AWS names no resource for these two.
        Call::PutPermission { .. } => vec![("events:PutPermission", "*".to_owned())],
        Call::Unsubscribe { .. } => vec![("sns:Unsubscribe", "*".to_owned())],
        Call::DeleteEventBus { .. } => vec![("events:DeleteEventBus", bus())],
        Call::CreateArchive { name, .. } => vec![("events:CreateArchive", archive(name))],
        Call::UpdateArchive { name, .. } => vec![("events:UpdateArchive", archive(name))],
        Call::DeleteArchive { name } => vec![("events:DeleteArchive", archive(name))],
        Call::PutRule { bus, .. } => vec![("events:PutRule", rule(bus)), ("events:TagResource", rule(bus))],
        Call::PutTargets { bus, targets, .. } => {
            let mut grants = passed(targets);
            grants.push(("events:PutTargets", rule(bus)));
            grants
        }
        Call::RemoveTargets { bus, .. } => vec![("events:RemoveTargets", rule(bus))],
        Call::DeleteRule { bus, .. } => vec![("events:DeleteRule", rule(bus))],
        Call::TagEvents { arn, .. } if *arn == bus() => vec![("events:TagResource", bus())],
        Call::TagEvents { arn, .. } => {
            let on_central_bus = arn.contains(&format!(":rule/{}/", world.bus()));
            vec![("events:TagResource", rule(if on_central_bus { world.bus() } else { "default" }))]
        }
        Call::CreateTopic { .. } => vec![("sns:CreateTopic", topics()), ("sns:TagResource", topics())],
        Call::SetTopicAttribute { .. } => vec![("sns:SetTopicAttributes", topics())],
        Call::TagTopic { .. } => vec![("sns:TagResource", topics())],
        Call::DeleteTopic { .. } => vec![("sns:DeleteTopic", topics())],
        Call::Subscribe { attributes, .. } => {
            let role = attributes.get("SubscriptionRoleArn").and_then(Value::as_str);
            let passed = role.map(|role| (PASS_TO_SNS, role.to_owned()));
            passed.into_iter().chain([("sns:Subscribe", topics())]).collect()
        }
        // The ARN is looked up first.
        Call::SetSubscriptionAttribute { attribute, value, .. } => {
            let role = value.as_str().filter(|_| attribute == "SubscriptionRoleArn");
            let passed = role.map(|role| (PASS_TO_SNS, role.to_owned()));
            let set = [
                ("sns:ListSubscriptionsByTopic", topics()),
                ("sns:SetSubscriptionAttributes", "*".to_owned()),
            ];
            passed.into_iter().chain(set).collect()
        }
        Call::CreateQueue { name, .. } => {
            vec![("sqs:CreateQueue", queue(name)), ("sqs:TagQueue", queue(name))]
        }
        Call::SetQueueAttributes { name, .. } => {
            vec![("sqs:GetQueueUrl", queue(name)), ("sqs:SetQueueAttributes", queue(name))]
        }
        Call::TagQueue { name, .. } => vec![("sqs:GetQueueUrl", queue(name)), ("sqs:TagQueue", queue(name))],
        Call::DeleteQueue { name } => {
            vec![("sqs:DeleteQueue", queue(name)), ("sqs:GetQueueUrl", queue(name))]
        }
        Call::CreateRole { name, .. } => vec![("iam:CreateRole", role(name)), ("iam:TagRole", role(name))],
        Call::UpdateAssumeRolePolicy { role: name, .. } => vec![("iam:UpdateAssumeRolePolicy", role(name))],
        Call::UpdateRoleDescription { role: name, .. } => vec![("iam:UpdateRoleDescription", role(name))],
        Call::PutRolePermissionsBoundary { role: name, .. } => {
            vec![("iam:PutRolePermissionsBoundary", role(name))]
        }
        Call::PutRolePolicy { role: name, .. } => vec![("iam:PutRolePolicy", role(name))],
        Call::DeleteRolePolicy { role: name, .. } => vec![("iam:DeleteRolePolicy", role(name))],
        Call::DetachRolePolicy { role: name, .. } => vec![("iam:DetachRolePolicy", role(name))],
        Call::TagRole { role: name, .. } => vec![("iam:TagRole", role(name))],
        Call::DeleteRole { name } => vec![("iam:DeleteRole", role(name))],
    }
}

#[cfg(test)]
mod tests;
