use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Map;

use super::*;
use crate::call::{Caller, Service, Session};
use crate::clock::Clock;
use crate::partition;
use crate::service::iam::{Document, ManagedPolicy};
use crate::service::organizations::{ControlPolicy, Member, Unit};

mod asking;
mod assuming;
mod control;

const MANAGEMENT: &str = "100000000000";
const CENTRAL: &str = "200000000000";
const MEMBER: &str = "300000000000";
const STRANGER: &str = "900000000000";
const RULE: &str = "arn:aws:events:us-east-1:300000000000:rule/sender";
const BUS: &str = "arn:aws:events:us-east-1:200000000000:event-bus/central";

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn document(text: &str) -> Document {
    Document { text: text.into(), policy: Arc::new(Policy::parse(text).unwrap()) }
}

fn allow(action: &str, resource: &str) -> String {
    format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}}}"#)
}

fn deny(action: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":"{action}","Resource":"*","Condition":{condition}}}}}"#
    )
}

fn trust(principal: &str, actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":{actions},"Condition":{condition}}}}}"#
    )
}

fn trusting(account: &str) -> String {
    trust(&format!(r#"{{"AWS":"{account}"}}"#), r#""sts:AssumeRole""#, "{}")
}

/// A management account in the root, a central account in `ou-security`, a member in `ou-work`; a stranger outside.
fn world() -> World {
    let clock = Clock::from_source(start);
    let mut world = World::new(partition::by_name("aws").unwrap(), clock, 1);
    let organization = &mut world.organization;
    organization.id = "o-1".to_owned();
    organization.management = MANAGEMENT.to_owned();
    organization.root = "r-1".to_owned();
    for id in ["ou-security", "ou-work"] {
        let unit = Unit { id: id.to_owned(), name: id.to_owned(), parent: "r-1".to_owned() };
        organization.units.insert(id.to_owned(), unit);
    }
    for (id, parent) in [(MANAGEMENT, "r-1"), (CENTRAL, "ou-security"), (MEMBER, "ou-work")] {
        let member = Member {
            id: id.to_owned(),
            name: id.to_owned(),
            email: String::new(),
            parent: parent.to_owned(),
            state: "ACTIVE".to_owned(),
            joined_method: "CREATED".to_owned(),
            joined_at: start(),
            tags: BTreeMap::new(),
        };
        organization.members.insert(id.to_owned(), member);
    }
    world
}

fn role(account: &str, name: &str, trust: &str, policies: &[String]) -> Role {
    Role {
        name: name.to_owned(),
        path: "/".to_owned(),
        id: format!("AROA{}", name.to_ascii_uppercase()),
        arn: format!("arn:aws:iam::{account}:role/{name}"),
        created_at: start() - SignedDuration::from_hours(1),
        description: None,
        trust: document(trust),
        inline: policies.iter().enumerate().map(|(n, text)| (n.to_string(), document(text))).collect(),
        attached: BTreeSet::new(),
        boundary: None,
        tags: BTreeMap::new(),
        max_session_duration: 3600,
    }
}

fn put(world: &mut World, account: &str, role: Role) {
    let (now, lag) = (world.now(), world.lags.longest());
    world.account(account).iam.write(now, lag).roles.insert(role.name.clone(), role);
}

/// A role of the member that may do these things.
fn member_role(world: &mut World, policies: &[String]) -> Call {
    put(world, MEMBER, role(MEMBER, "ops", &trusting(CENTRAL), policies));
    session(MEMBER, "ops")
}

fn call(caller: Caller) -> Call {
    Call {
        service: Service::Events,
        operation: "PutRule".to_owned(),
        input: Map::new(),
        region: "us-east-1".to_owned(),
        caller,
        request_id: "1".to_owned(),
        at: start(),
    }
}

fn session_of(account: &str, name: &str, change: impl FnOnce(&mut Session)) -> Call {
    let mut session = Session {
        role_name: name.to_owned(),
        role_id: format!("AROA{}", name.to_ascii_uppercase()),
        role_arn: format!("arn:aws:iam::{account}:role/{name}"),
        name: "anna".to_owned(),
        token: String::new(),
        expires_at: start() + SignedDuration::from_hours(1),
        policies: Vec::new(),
        source_identity: None,
        chained: false,
    };
    change(&mut session);
    call(Caller {
        account: account.to_owned(),
        principal: Principal::Session(Arc::new(session)),
        access_key: "ASIA".to_owned(),
    })
}

fn session(account: &str, name: &str) -> Call {
    session_of(account, name, |_| ())
}

fn administrator() -> Call {
    call(Caller {
        account: MANAGEMENT.to_owned(),
        principal: Principal::Administrator,
        access_key: "test".to_owned(),
    })
}

fn attach(world: &mut World, place: &str, id: &str, text: &str) {
    let policy = ControlPolicy { name: id.to_owned(), document: document(text) };
    world.organization.policies.insert(id.to_owned(), policy);
    world.organization.attachments.entry(place.to_owned()).or_default().insert(id.to_owned());
}

fn put_rule(world: &World, call: &Call) -> Result<(), Refusal> {
    world.authorize(call, "events:PutRule", RULE, Context::new())
}

fn refusal(world: &World, call: &Call) -> String {
    put_rule(world, call).unwrap_err().message
}

#[test]
fn the_administrator_may_everything_and_no_control_policy_binds_it() {
    let mut world = world();
    attach(&mut world, "r-1", "p-deny", &deny("*", "{}"));
    assert_eq!(put_rule(&world, &administrator()), Ok(()));
}

#[test]
fn a_session_may_what_its_roles_policies_allow_and_no_more() {
    let mut world = world();
    let caller = member_role(&mut world, &[allow("events:Put*", "arn:aws:events:*:*:rule/sender")]);
    assert_eq!(put_rule(&world, &caller), Ok(()));
    let refused = world.authorize(&caller, "events:DeleteRule", RULE, Context::new()).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (400, "AccessDeniedException"));
    assert_eq!(
        refused.message,
        format!(
            "User: arn:aws:sts::{MEMBER}:assumed-role/ops/anna is not authorized to perform: events:DeleteRule on \
             resource: {RULE} because no identity-based policy allows the events:DeleteRule action"
        )
    );
}

#[test]
fn attached_policies_count_as_far_as_they_are_known() {
    let mut world = world();
    let caller = member_role(&mut world, &[]);
    let own = format!("arn:aws:iam::{MEMBER}:policy/own");
    let managed =
        ManagedPolicy::new("own", "ANPA".to_owned(), document(&allow("events:PutRule", "*")), start());
    let rows = [
        (own.as_str(), true, false),
        ("arn:aws:iam::aws:policy/AdministratorAccess", true, true),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", false, true),
        ("arn:aws:iam::aws:policy/SecurityAudit", false, true),
        ("arn:aws:iam::aws:policy/AmazonS3FullAccess", false, false),
        ("arn:aws:iam::300000000000:policy/gone", false, false),
    ];
    for (arn, writes, reads) in rows {
        let iam = world.account(MEMBER).iam.write(start(), SignedDuration::ZERO);
        iam.policies.insert(own.clone(), managed.clone());
        iam.roles.get_mut("ops").unwrap().attached = BTreeSet::from([arn.to_owned()]);
        assert_eq!(put_rule(&world, &caller).is_ok(), writes, "{arn}");
        let read = world.authorize(&caller, "events:DescribeRule", RULE, Context::new());
        assert_eq!(read.is_ok(), reads, "{arn}");
    }
}

#[test]
fn a_boundary_limits_and_one_that_is_gone_allows_nothing() {
    let mut world = world();
    let caller = member_role(&mut world, &[allow("*", "*")]);
    for (boundary, allowed) in [
        (None, true),
        (Some("arn:aws:iam::aws:policy/AdministratorAccess"), true),
        (Some("arn:aws:iam::aws:policy/ReadOnlyAccess"), false),
        (Some("arn:aws:iam::300000000000:policy/gone"), false),
    ] {
        let iam = world.account(MEMBER).iam.write(start(), SignedDuration::ZERO);
        iam.roles.get_mut("ops").unwrap().boundary = boundary.map(str::to_owned);
        assert_eq!(put_rule(&world, &caller).is_ok(), allowed, "{boundary:?}");
    }
    assert!(refusal(&world, &caller).ends_with("no permissions boundary allows the events:PutRule action"));
}

#[test]
fn session_policies_limit() {
    let mut world = world();
    member_role(&mut world, &[allow("*", "*")]);
    let limited = |action: &str| {
        let policy = Arc::new(Policy::parse(&allow(action, "*")).unwrap());
        session_of(MEMBER, "ops", |session| session.policies = vec![policy])
    };
    assert_eq!(put_rule(&world, &limited("events:PutRule")), Ok(()));
    assert!(
        refusal(&world, &limited("iam:*")).ends_with("no session policy allows the events:PutRule action")
    );
}

#[test]
fn the_session_of_a_deleted_or_remade_role_may_nothing() {
    let mut world = world();
    let caller = member_role(&mut world, &[allow("*", "*")]);
    assert_eq!(put_rule(&world, &caller), Ok(()));
    let mut remade = role(MEMBER, "ops", &trusting(CENTRAL), &[allow("*", "*")]);
    remade.id = "AROAOTHER".to_owned();
    put(&mut world, MEMBER, remade);
    assert!(put_rule(&world, &caller).is_err());
    world.account(MEMBER).iam.write(start(), SignedDuration::ZERO).roles.clear();
    assert!(put_rule(&world, &caller).is_err());
    let open = Policy::parse(
        r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"events:*","Resource":"*"}}"#,
    )
    .unwrap();
    let resource = Resource { arn: RULE, owner: MEMBER, policy: Some(&open) };
    assert!(world.authorize_at(&caller, "events:PutRule", resource, Context::new()).is_err());
}

#[test]
fn a_change_of_rights_takes_effect_late() {
    let mut world = world();
    world.lags.effect = SignedDuration::from_secs(10);
    let caller = member_role(&mut world, &[]);
    world.clock.advance(SignedDuration::from_secs(60));
    put(&mut world, MEMBER, role(MEMBER, "ops", &trusting(CENTRAL), &[allow("*", "*")]));
    assert!(put_rule(&world, &caller).is_err());
    world.clock.advance(SignedDuration::from_secs(9));
    assert!(put_rule(&world, &caller).is_err());
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(put_rule(&world, &caller), Ok(()));
}

#[test]
fn the_global_keys_hold_what_aws_says() {
    let mut world = world();
    put(&mut world, STRANGER, role(STRANGER, "ops", &trusting(CENTRAL), &[allow("*", "*")]));
    let mut tagged = role(MEMBER, "ops", &trusting(CENTRAL), &[allow("*", "*")]);
    tagged.tags.insert("Team".to_owned(), "red".to_owned());
    put(&mut world, MEMBER, tagged);
    let identified = session_of(MEMBER, "ops", |s| s.source_identity = Some("anna@example".to_owned()));
    let rows = [
        (
            "aws:PrincipalArn",
            Some("arn:aws:iam::300000000000:role/ops"),
            Some("arn:aws:iam::900000000000:role/ops"),
        ),
        ("aws:PrincipalAccount", Some(MEMBER), Some(STRANGER)),
        ("aws:PrincipalOrgID", Some("o-1"), None),
        ("aws:PrincipalOrgPaths", Some("o-1/r-1/ou-work/"), None),
        ("aws:PrincipalType", Some("AssumedRole"), Some("AssumedRole")),
        ("aws:PrincipalTag/Team", Some("red"), None),
        ("aws:userid", Some("AROAOPS:anna"), Some("AROAOPS:anna")),
        ("aws:username", None, None),
        ("aws:RequestedRegion", Some("us-east-1"), Some("us-east-1")),
        ("aws:SourceIdentity", Some("anna@example"), None),
        ("aws:SecureTransport", Some("true"), Some("true")),
        ("aws:CurrentTime", Some("2027-01-15T08:00:00Z"), Some("2027-01-15T08:00:00Z")),
        ("aws:EpochTime", Some("1800000000"), Some("1800000000")),
        ("aws:ResourceAccount", Some(CENTRAL), Some(CENTRAL)),
        ("aws:ResourceOrgID", Some("o-1"), Some("o-1")),
        ("aws:ResourceOrgPaths", Some("o-1/r-1/ou-security/"), Some("o-1/r-1/ou-security/")),
        ("aws:PrincipalIsAWSService", Some("false"), Some("false")),
        ("aws:ViaAWSService", Some("false"), Some("false")),
        ("aws:SourceAccount", None, None),
        ("aws:SourceArn", None, None),
    ];
    for (key, of_member, of_stranger) in rows {
        for (caller, value) in [(&identified, of_member), (&session(STRANGER, "ops"), of_stranger)] {
            let condition = match value {
                Some(value) => format!(r#"{{"StringEquals":{{"{key}":"{value}"}}}}"#),
                None => format!(r#"{{"Null":{{"{key}":"true"}}}}"#),
            };
            let text = format!(
                r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"*","Condition":{condition}}}}}"#
            );
            let policy = Policy::parse(&text).unwrap();
            let resource = Resource { arn: BUS, owner: CENTRAL, policy: Some(&policy) };
            let result = world.authorize_at(caller, "events:PutEvents", resource, Context::new());
            assert_eq!(result, Ok(()), "{key}");
        }
    }
}

#[test]
fn global_services_are_asked_in_their_own_region() {
    let mut world = world();
    let elsewhere = r#"{"StringNotEquals":{"aws:RequestedRegion":"us-east-1"}}"#;
    let mut caller = member_role(&mut world, &[allow("*", "*"), deny("*", elsewhere)]);
    caller.region = "eu-west-1".to_owned();
    assert!(put_rule(&world, &caller).is_err());
    caller.service = Service::Iam;
    assert_eq!(world.authorize(&caller, "iam:GetRole", "*", Context::new()), Ok(()));
}

#[test]
fn across_accounts_the_resource_must_allow_as_well() {
    let mut world = world();
    let caller = member_role(&mut world, &[allow("events:PutEvents", "*")]);
    let organization = |id: &str| {
        Policy::parse(&format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","Resource":"{BUS}","Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"{id}"}}}}}}}}"#
        ))
        .unwrap()
    };
    let (own, other) = (organization("o-1"), organization("o-2"));
    let ask = |caller: &Call, policy| {
        let resource = Resource { arn: BUS, owner: CENTRAL, policy };
        world.authorize_at(caller, "events:PutEvents", resource, Context::new())
    };
    assert_eq!(ask(&caller, Some(&own)), Ok(()));
    assert!(ask(&caller, Some(&other)).is_err());
    let refused = ask(&caller, None).unwrap_err();
    assert!(refused.message.ends_with("no resource-based policy allows the events:PutEvents action"));
}
