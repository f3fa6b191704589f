//! The operations, asked with calls made by hand.

mod buses;
mod permissions;
mod rules;
mod targets;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::partition;
use crate::policy::Policy;
use crate::service::iam::{Document, Role};
use crate::world::World;

pub(crate) const HOME: &str = "111111111111";
pub(crate) const AWAY: &str = "222222222222";
pub(crate) const REGION: &str = "us-east-1";

pub(crate) fn world() -> World {
    let start = Timestamp::from_second(1_800_000_000).unwrap();
    let clock = Clock::from_source(move || start);
    let mut world = World::new(partition::by_name("aws").unwrap(), clock, 7);
    world.organization.management = HOME.to_owned();
    world
}

pub(crate) fn call(account: &str, operation: &str, input: Value) -> Call {
    Call {
        service: Service::Events,
        operation: operation.to_owned(),
        input: input.as_object().unwrap().clone(),
        region: REGION.to_owned(),
        caller: Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        },
        request_id: "request".to_owned(),
        at: Timestamp::from_second(1_800_000_000).unwrap(),
    }
}

/// Asks as the administrator of an account.
pub(crate) fn ask_as(
    world: &mut World,
    account: &str,
    operation: &str,
    input: Value,
) -> Result<Value, Refusal> {
    super::perform(world, &call(account, operation, input))
}

pub(crate) fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, Refusal> {
    ask_as(world, HOME, operation, input)
}

pub(crate) fn code(result: Result<Value, Refusal>) -> String {
    result.map_or_else(|refusal| refusal.code, |answer| format!("success: {answer}"))
}

pub(crate) fn document(value: &Value) -> Document {
    let text = value.to_string();
    Document { policy: Arc::new(Policy::parse(&text).unwrap()), text: Arc::from(text) }
}

/// A role that EventBridge may assume, and that may do everything.
pub(crate) fn role(world: &mut World, account: &str, name: &str) -> String {
    let arn = format!("arn:aws:iam::{account}:role/{name}");
    let (created_at, lag) = (world.now(), world.lags.longest());
    let trust = document(&json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "events.amazonaws.com" },
        "Condition": { "StringEquals": { "aws:SourceAccount": account } },
    }] }));
    let everything = document(&json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "*", "Resource": "*",
    }] }));
    let role = Role {
        name: name.to_owned(),
        path: "/".to_owned(),
        id: format!("AROA{name}"),
        arn: arn.clone(),
        created_at,
        description: None,
        trust,
        inline: BTreeMap::from([("everything".to_owned(), everything)]),
        attached: BTreeSet::new(),
        boundary: None,
        tags: BTreeMap::new(),
        max_session_duration: 3_600,
    };
    world.account(account).iam.write(created_at, lag).roles.insert(name.to_owned(), role);
    arn
}

pub(crate) fn advance(world: &mut World, seconds: i64) {
    world.clock.advance(SignedDuration::from_secs(seconds));
}

/// A rule with a pattern that custom events of source `app` match.
pub(crate) fn rule(world: &mut World, account: &str, bus: &str, name: &str) {
    let pattern = json!({ "source": ["app", "aws.iam"] }).to_string();
    let input = json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern });
    ask_as(world, account, "PutRule", input).unwrap();
}
