//! Calls made by hand, for the tests of IAM and STS.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::dispatch;
use crate::partition;
use crate::policy::Context;
use crate::service::organizations::Member;
use crate::world::{Lags, World};

mod permissions;
mod policies;
mod roles;
mod users;

pub(crate) const MANAGEMENT: &str = "111111111111";
pub(crate) const MEMBER: &str = "222222222222";
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole"}]}"#;
pub(crate) const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:*","Resource":"*"}]}"#;

/// A management account and one member, at noon.
pub(crate) fn world() -> World {
    let noon: Timestamp = "2026-11-20T12:00:00.25Z".parse().unwrap();
    let clock = Clock::from_source(move || noon);
    let mut world = World::new(partition::by_name("aws").unwrap(), clock, 7);
    world.organization.management = MANAGEMENT.to_owned();
    world.organization.id = "o-test".to_owned();
    world.organization.root = "r-test".to_owned();
    for id in [MANAGEMENT, MEMBER] {
        world.account(id);
        let member = Member {
            id: id.to_owned(),
            name: id.to_owned(),
            email: format!("{id}@example.com"),
            parent: "r-test".to_owned(),
            state: "ACTIVE".to_owned(),
            joined_method: "CREATED".to_owned(),
            joined_at: noon,
            tags: BTreeMap::new(),
        };
        world.organization.members.insert(id.to_owned(), member);
    }
    world
}

/// Changes take ten seconds to be seen, new roles twenty to be usable.
pub(crate) fn slow(world: &mut World) {
    let seconds = SignedDuration::from_secs;
    world.lags = Lags { read: seconds(10), effect: seconds(10), role: seconds(20), ..Lags::default() };
}

pub(crate) fn administrator() -> Caller {
    Caller {
        account: MANAGEMENT.to_owned(),
        principal: Principal::Administrator,
        access_key: "test".to_owned(),
    }
}

pub(crate) fn ask_as(
    world: &mut World,
    caller: &Caller,
    service: Service,
    operation: &str,
    input: Value,
) -> Result<Value, Refusal> {
    let Value::Object(input) = input else { panic!("an input is an object") };
    let call = Call {
        service,
        operation: operation.to_owned(),
        input,
        region: "us-east-1".to_owned(),
        caller: caller.clone(),
        request_id: "request".to_owned(),
        at: world.now(),
    };
    dispatch::perform(world, &call)
}

/// The management account's administrator asks IAM.
pub(crate) fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, Refusal> {
    ask_as(world, &administrator(), Service::Iam, operation, input)
}

/// Status and code of a refusal.
pub(crate) fn refused(result: Result<Value, Refusal>) -> (u16, String) {
    let refusal = result.expect_err("it should be refused");
    (refusal.status, refusal.code)
}

pub(crate) fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) fn create_role(world: &mut World, name: &str) {
    ask(world, "CreateRole", json!({ "RoleName": name, "AssumeRolePolicyDocument": TRUST })).unwrap();
}

#[test]
fn condition_keys_tell_tags_and_boundary_in_lower_case() {
    let tags = [super::Given { key: "Owner", value: "Ann" }];
    let present = BTreeMap::from([("Team".to_owned(), "Blue".to_owned())]);
    let keys = super::context::Keys::new()
        .resource_tags(&present)
        .request_tags(&tags)
        .boundary(Some("arn:b"))
        .policy_arn("arn:p");
    let keys: Context = keys.into();
    let expected = [
        ("aws:requesttag/owner", "Ann"),
        ("aws:resourcetag/team", "Blue"),
        ("aws:tagkeys", "Owner"),
        ("iam:permissionsboundary", "arn:b"),
        ("iam:policyarn", "arn:p"),
        ("iam:resourcetag/team", "Blue"),
    ];
    let expected: Context =
        expected.into_iter().map(|(key, value)| (key.to_owned(), vec![value.to_owned()])).collect();
    assert_eq!(keys, expected);
}

#[test]
fn an_operation_that_is_not_known_is_an_invalid_action() {
    assert_eq!(refused(ask(&mut world(), "CreateRoll", json!({}))), code(400, "InvalidAction"));
}
