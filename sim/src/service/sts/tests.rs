use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::call::{Caller, Principal, Refusal, Service};
use crate::service::iam::tests::{
    ALLOW, MANAGEMENT, MEMBER, TRUST, administrator, ask as ask_iam, ask_as, code, create_role, refused,
    slow, world,
};
use crate::service::iam::{Document, NewRole, install_role};
use crate::world::World;

const ROLE: &str = "arn:aws:iam::222222222222:role/member";

/// An administrator's role in the member account, trusted by both accounts.
fn with_role() -> World {
    let mut world = world();
    let trust = TRUST
        .replace(r#""arn:aws:iam::111111111111:root""#, r#"["111111111111","222222222222"]"#)
        .replace(r#""sts:AssumeRole""#, r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#);
    let mut role = NewRole::new("member", Document::parse(&trust).unwrap());
    role.attached.insert("arn:aws:iam::aws:policy/AdministratorAccess".to_owned());
    role.max_session_duration = 7200;
    install_role(&mut world, MEMBER, role);
    world
}

fn ask(world: &mut World, caller: &Caller, operation: &str, input: Value) -> Result<Value, Refusal> {
    ask_as(world, caller, Service::Sts, operation, input)
}

fn assume_as(world: &mut World, caller: &Caller, more: Value) -> Result<Value, Refusal> {
    let mut input = json!({ "RoleArn": ROLE, "RoleSessionName": "watch" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    ask(world, caller, "AssumeRole", input)
}

fn assume(world: &mut World, more: Value) -> Result<Value, Refusal> {
    assume_as(world, &administrator(), more)
}

fn caller_of(world: &World, answer: &Value) -> Caller {
    let key = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
    let (account, session) = world.sessions.by_key[key].clone();
    Caller { account, principal: Principal::Session(session), access_key: key.to_owned() }
}

#[test]
fn an_assumed_role_is_who_asks_from_then_on() {
    let mut world = with_role();
    let answer = assume(&mut world, json!({})).unwrap();
    let id = world.accounts[MEMBER].iam.current().roles["member"].id.clone();
    let arn = "arn:aws:sts::222222222222:assumed-role/member/watch";
    assert_eq!(answer["AssumedRoleUser"], json!({ "AssumedRoleId": format!("{id}:watch"), "Arn": arn }));
    assert_eq!(answer["Credentials"]["Expiration"], "2026-11-20T13:00:00Z");
    assert_eq!(answer["PackedPolicySize"], Value::Null);
    let caller = caller_of(&world, &answer);
    let identity = ask(&mut world, &caller, "GetCallerIdentity", json!({})).unwrap();
    assert_eq!(identity, json!({ "UserId": format!("{id}:watch"), "Account": MEMBER, "Arn": arn }));
    let key = json!({ "AccessKeyId": caller.access_key });
    assert_eq!(ask(&mut world, &administrator(), "GetAccessKeyInfo", key).unwrap()["Account"], MEMBER);
}

#[test]
fn parameters_that_do_not_fit_are_told_in_one_validation_error() {
    let mut world = with_role();
    for more in [
        json!({ "RoleSessionName": "a b" }),
        json!({ "RoleSessionName": "a" }),
        json!({ "RoleSessionName": "x".repeat(65) }),
        json!({ "ExternalId": "x" }),
        json!({ "ExternalId": "with space" }),
        json!({ "SourceIdentity": "a/b" }),
        json!({ "DurationSeconds": "899" }),
        json!({ "DurationSeconds": "43201" }),
        json!({ "DurationSeconds": "7201" }),
        json!({ "RoleArn": "arn:aws:iam::222222222222:user/member" }),
        json!({ "RoleArn": "arn:aws-cn:iam::222222222222:role/member" }),
        json!({ "RoleArn": "member" }),
        json!({ "Policy": "x".repeat(2049) }),
        json!({ "RoleArn": null }),
    ] {
        assert_eq!(refused(assume(&mut world, more.clone())), code(400, "ValidationError"), "{more}");
    }
    let two = assume(&mut world, json!({ "RoleSessionName": "a b", "DurationSeconds": "60" })).unwrap_err();
    assert!(
        two.message.starts_with("2 validation errors detected: Value 'a b' at 'roleSessionName'"),
        "{two:?}"
    );
    assume(&mut world, json!({ "DurationSeconds": "7200", "ExternalId": "a:/b", "SourceIdentity": "ann" }))
        .unwrap();
}

#[test]
fn what_cannot_be_assumed_is_denied_in_the_same_words() {
    let mut world = with_role();
    let denied = |role: &str| {
        Refusal::new(
            403,
            "AccessDenied",
            format!(
                "User: arn:aws:iam::111111111111:user/administrator is not authorized to perform: sts:AssumeRole on \
                 resource: {role}"
            ),
        )
    };
    for role in [
        "arn:aws:iam::222222222222:role/ghost",
        "arn:aws:iam::222222222222:role/path/member",
        "arn:aws:iam::333333333333:role/member",
    ] {
        assert_eq!(assume(&mut world, json!({ "RoleArn": role })).unwrap_err(), denied(role));
    }
    world.organization.members.get_mut(MEMBER).unwrap().state = "SUSPENDED".to_owned();
    assert_eq!(assume(&mut world, json!({})).unwrap_err(), denied(ROLE));
}

#[test]
fn a_role_of_an_account_outside_the_organization_is_assumed_like_any_other() {
    let mut world = with_role();
    world.organization.members.remove(MEMBER);
    assume(&mut world, json!({})).unwrap();
}

#[test]
fn a_new_role_can_be_assumed_when_its_lag_is_over() {
    let mut world = world();
    slow(&mut world);
    create_role(&mut world, "own");
    let own = json!({ "RoleArn": "arn:aws:iam::111111111111:role/own" });
    world.clock.advance(SignedDuration::from_secs(19));
    assert_eq!(refused(assume(&mut world, own.clone())), code(403, "AccessDenied"));
    world.clock.advance(SignedDuration::from_secs(1));
    assume(&mut world, own.clone()).unwrap();
    ask_iam(&mut world, "DeleteRole", json!({ "RoleName": "own" })).unwrap();
    assume(&mut world, own.clone()).unwrap();
    world.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(refused(assume(&mut world, own)), code(403, "AccessDenied"));
}

#[test]
fn a_chain_lasts_an_hour_at_most_and_keeps_its_source_identity() {
    let mut world = with_role();
    let first = assume(&mut world, json!({ "SourceIdentity": "ann" })).unwrap();
    let caller = caller_of(&world, &first);
    let long = json!({ "DurationSeconds": "3601" });
    assert_eq!(refused(assume_as(&mut world, &caller, long)), code(400, "ValidationError"));
    let other = json!({ "SourceIdentity": "bob" });
    assert_eq!(refused(assume_as(&mut world, &caller, other)), code(403, "AccessDenied"));
    let second = assume_as(&mut world, &caller, json!({})).unwrap();
    assert_eq!(second["SourceIdentity"], "ann");
    let Principal::Session(session) = caller_of(&world, &second).principal else { panic!("a session") };
    assert!(session.chained && session.source_identity.as_deref() == Some("ann"));
}

#[test]
fn session_policies_are_kept_and_their_size_is_limited() {
    let mut world = with_role();
    let given = json!({
        "Policy": ALLOW, "PolicyArns": [{ "arn": "arn:aws:iam::aws:policy/ReadOnlyAccess" }]
    });
    let answer = assume(&mut world, given).unwrap();
    let Principal::Session(session) = caller_of(&world, &answer).principal else { panic!("a session") };
    assert_eq!(session.policies.len(), 2);
    assert_eq!(answer["PackedPolicySize"], (ALLOW.len() + 38) * 100 / 2048 + 1);

    let arns = json!([{ "arn": "arn:aws:iam::aws:policy/ReadOnlyAccess" }]);
    let large = ALLOW.replace("events:*", &format!("events:{}", "x".repeat(2040 - ALLOW.len())));
    let both = assume(&mut world, json!({ "Policy": large, "PolicyArns": arns }));
    assert_eq!(refused(both), code(400, "PackedPolicyTooLarge"));
    assert_eq!(refused(assume(&mut world, json!({ "Policy": "{" }))), code(400, "MalformedPolicyDocument"));
    let missing = json!({ "PolicyArns": [{ "arn": "arn:aws:iam::222222222222:policy/ghost" }] });
    assert_eq!(refused(assume(&mut world, missing)), code(400, "ValidationError"));
}

#[test]
fn a_region_that_the_account_did_not_enable_gives_no_credentials() {
    let mut world = with_role();
    let call = |world: &mut World| {
        let input = json!({ "RoleArn": ROLE, "RoleSessionName": "watch" });
        let call = crate::call::Call {
            service: Service::Sts,
            operation: "AssumeRole".to_owned(),
            input: input.as_object().unwrap().clone(),
            region: "af-south-1".to_owned(),
            caller: administrator(),
            request_id: "request".to_owned(),
            at: world.now(),
        };
        super::perform(world, &call)
    };
    assert_eq!(refused(call(&mut world)), code(403, "RegionDisabledException"));
    world.account(MEMBER).opted_in.push("af-south-1".to_owned());
    call(&mut world).unwrap();
}

#[test]
fn sessions_that_ended_long_ago_are_forgotten() {
    let mut world = with_role();
    for _ in 0..100 {
        assume(&mut world, json!({})).unwrap();
    }
    world.clock.advance(SignedDuration::from_mins(90));
    assume(&mut world, json!({})).unwrap();
    assert_eq!(world.sessions.by_key.len(), 101, "ended ones are still told from unknown ones");
    world.clock.advance(SignedDuration::from_mins(40));
    assume(&mut world, json!({})).unwrap();
    assert_eq!((world.sessions.by_key.len(), world.sessions.by_end.len()), (2, 2));
}

#[test]
fn credentials_can_be_issued_without_a_call() {
    let mut world = with_role();
    let policy = Arc::clone(&Document::parse(ALLOW).unwrap().policy);
    let hour = SignedDuration::from_hours(1);
    let credentials = super::issue(&mut world, MEMBER, "member", "admin", vec![policy], hour).unwrap();
    assert!(credentials.access_key_id.starts_with("ASIA") && credentials.access_key_id.len() == 20);
    let (account, session) = &world.sessions.by_key[&credentials.access_key_id];
    assert_eq!((account.as_str(), session.token.as_str()), (MEMBER, credentials.session_token.as_str()));
    assert_eq!((session.policies.len(), session.chained), (1, false));
    let missing = super::issue(&mut world, MANAGEMENT, "member", "admin", Vec::new(), hour);
    assert_eq!(missing.unwrap_err().code, "NoSuchEntity");
}

#[test]
fn the_same_seed_gives_the_same_credentials() {
    let answers: Vec<Value> = (0..2).map(|_| assume(&mut with_role(), json!({})).unwrap()).collect();
    assert_eq!(answers[0], answers[1]);
}
