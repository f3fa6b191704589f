//! A small world for tests, and calls made in it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{ORGANIZATION_ROLE, Plan, Seeded, build};
use crate::call::{Call, Caller, Principal, Refusal, Service, Session};
use crate::clock::Clock;
use crate::dispatch;
use crate::world::World;

/// A world whose time stands still unless it is advanced.
pub(crate) fn world(plan: &Plan) -> (World, Seeded) {
    let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    build(plan, Clock::from_source(move || now))
}

/// A call by the account's administrator: the user in the management account, the organization's role in others.
pub(crate) fn call(world: &World, account: &str, service: Service, operation: &str, input: Value) -> Call {
    let role = world.accounts.get(account).and_then(|a| a.iam.current().roles.get(ORGANIZATION_ROLE));
    let principal = role.map_or(Principal::Administrator, |role| {
        Principal::Session(Arc::new(Session {
            role_name: role.name.clone(),
            role_id: role.id.clone(),
            role_arn: role.arn.clone(),
            name: "tester".to_owned(),
            token: "token".to_owned(),
            expires_at: Timestamp::MAX,
            policies: Vec::new(),
            source_identity: Some("alice".to_owned()),
            chained: false,
        }))
    });
    let Value::Object(input) = input else { panic!("an input is an object") };
    Call {
        service,
        operation: operation.to_owned(),
        input,
        region: world.partition.iam_region.to_owned(),
        caller: Caller { account: account.to_owned(), principal, access_key: "ASIATEST".to_owned() },
        request_id: "request".to_owned(),
        at: world.now(),
    }
}

/// Makes such a call.
pub(crate) fn ask(
    world: &mut World,
    account: &str,
    service: Service,
    operation: &str,
    input: Value,
) -> Result<Value, Refusal> {
    let call = call(world, account, service, operation, input);
    dispatch::perform(world, &call)
}

/// The code that such a call is refused with.
pub(crate) fn refused(
    world: &mut World,
    account: &str,
    service: Service,
    operation: &str,
    input: Value,
) -> String {
    match ask(world, account, service, operation, input) {
        Ok(answer) => panic!("{operation} is not refused: {answer}"),
        Err(refusal) => refusal.code,
    }
}
