//! Which alarms a topic takes: that on the heartbeat, and those for auditors, wherever they are.

use serde_json::{Value, json};

use crate::compliance::Installed;
use crate::model::ids::AccountId;
use crate::world::{Target, World};

/// The statement by which a topic takes alarms of the central account.
const ALARMS: &str = "alarms";
/// The statement by which it takes those of the account that holds the trail's log group.
const AUDIT_ALARMS: &str = "audit-alarms";
/// The statement by which that account may see that somebody is subscribed.
const AUDITORS: &str = "auditors";

/// The statements that admit them.
pub(super) fn admitted(world: &World, target: &Target, topic: &str) -> Vec<Value> {
    let place = target.log_group().filter(|_| for_auditors(world, topic));
    let elsewhere = place.map(|group| &group.account).filter(|account| **account != world.central);
    let here = on_heartbeat(world, topic) || (place.is_some() && elsewhere.is_none());
    let mut statements: Vec<Value> = Vec::new();
    statements.extend(here.then(|| admits(world, ALARMS, &world.central, topic)));
    if let Some(account) = elsewhere {
        statements.push(admits(world, AUDIT_ALARMS, account, topic));
        // Whoever audits that account is to find people behind its alarms.
        statements.push(json!({
            "Sid": AUDITORS,
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:{}:iam::{account}:root", world.partition) },
            "Action": "SNS:ListSubscriptionsByTopic",
            "Resource": topic,
        }));
    }
    statements
}

/// Admits the alarms of ours in an account, and no others.
fn admits(world: &World, sid: &str, account: &AccountId, topic: &str) -> Value {
    let alarms =
        world.arn("cloudwatch", &world.central_region, account, &format!("alarm:{}*", world.prefix()));
    json!({
        "Sid": sid,
        "Effect": "Allow",
        "Principal": { "Service": "cloudwatch.amazonaws.com" },
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": {
            "ArnLike": { "aws:SourceArn": alarms },
            "StringEquals": { "aws:SourceAccount": account },
        },
    })
}

fn on_heartbeat(world: &World, topic: &str) -> bool {
    world.health.as_ref().is_some_and(|health| health.alert.topic_arn == topic)
}

fn for_auditors(world: &World, topic: &str) -> bool {
    let told = |installed: &Installed| installed.topic_arn == topic && !installed.themes.is_empty();
    world.installed.as_ref().is_some_and(told)
}

/// A policy as it is compared: as long as nobody knows in which account the alarms for auditors are, what admits them is
/// neither missed nor taken away.
pub(super) fn as_far_as_known(world: &World, target: &Target, topic: &str, mut policy: Value) -> Value {
    let known = target.log_group().is_some();
    if known || !for_auditors(world, topic) {
        return policy;
    }
    let left_out = |statement: &Value| match statement["Sid"].as_str() {
        Some(ALARMS) => !on_heartbeat(world, topic),
        Some(sid) => [AUDIT_ALARMS, AUDITORS].contains(&sid),
        None => false,
    };
    if let Some(statements) = policy["Statement"].as_array_mut() {
        statements.retain(|statement| !left_out(statement));
    }
    policy
}
