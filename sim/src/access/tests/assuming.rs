//! Who may assume a role.

use serde_json::{Value, json};

use super::*;
use crate::policy::PolicyKind;

/// Whether a session of the central account's role may assume a role of the member that trusts so.
fn may_assume(trust: &str, policies: &[String], input: &Value) -> Result<(), Refusal> {
    let mut world = world();
    put(&mut world, CENTRAL, role(CENTRAL, "daemon", &trusting(MANAGEMENT), policies));
    let mut target = role(MEMBER, "target", trust, &[]);
    let mut policy = Policy::parse_as(PolicyKind::Trust, trust).unwrap();
    policy.bind_roles(|arn| arn.ends_with("role/daemon").then(|| "AROADAEMON".to_owned())).unwrap();
    target.trust.policy = Arc::new(policy);
    let mut call = session(CENTRAL, "daemon");
    call.service = Service::Sts;
    call.input = input.as_object().unwrap().clone();
    world.may_assume(&call, &target, MEMBER, Context::new())
}

#[test]
fn a_role_is_assumed_where_trust_and_caller_agree() {
    let may = [allow("sts:*", "*")];
    let daemon = r#"{"AWS":"arn:aws:iam::200000000000:role/daemon"}"#;
    let root = r#"{"AWS":"arn:aws:iam::200000000000:root"}"#;
    let assume = r#""sts:AssumeRole""#;
    let named = r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::200000000000:role/daemon"}}"#;
    let renamed = r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::200000000000:role/other"}}"#;
    let secret = r#"{"StringEquals":{"sts:ExternalId":"secret"}}"#;
    let none = json!({});
    let rows = [
        (trusting(CENTRAL), &may[..], none.clone(), true, "the account is trusted"),
        (trusting(CENTRAL), &[], none.clone(), false, "but does not let the role"),
        (trusting(MANAGEMENT), &may[..], none.clone(), false, "another account is trusted"),
        (trust(daemon, assume, "{}"), &may[..], none.clone(), true, "the role is trusted"),
        (trust(daemon, assume, "{}"), &[], none.clone(), false, "across accounts that is not enough"),
        (trust(root, assume, named), &may[..], none.clone(), true, "the root on condition of the role"),
        (trust(root, assume, renamed), &may[..], none.clone(), false, "on condition of another role"),
        (trust(root, assume, secret), &may[..], none, false, "without the external id"),
        (trust(root, assume, secret), &may[..], json!({"ExternalId": "wrong"}), false, "with a wrong one"),
        (trust(root, assume, secret), &may[..], json!({"ExternalId": "secret"}), true, "with the right one"),
        (
            trust(r#"{"Service":"events.amazonaws.com"}"#, assume, "{}"),
            &may[..],
            json!({}),
            false,
            "only a service is trusted",
        ),
    ];
    for (trust, policies, input, allowed, why) in rows {
        assert_eq!(may_assume(&trust, policies, &input).is_ok(), allowed, "{why}");
    }
    assert_eq!(
        may_assume(&trusting(MANAGEMENT), &may, &json!({})),
        Err(Refusal::new(
            403,
            "AccessDenied",
            "User: arn:aws:sts::200000000000:assumed-role/daemon/anna is not authorized to perform: sts:AssumeRole \
             on resource: arn:aws:iam::300000000000:role/target"
        ))
    );
}

#[test]
fn a_source_identity_and_session_tags_need_actions_of_their_own() {
    let root = r#"{"AWS":"arn:aws:iam::200000000000:root"}"#;
    let trusted = |actions: &str| trust(root, actions, "{}");
    let all = r#"["sts:AssumeRole","sts:SetSourceIdentity","sts:TagSession"]"#;
    let only_assume = r#""sts:AssumeRole""#;
    let identity = json!({"SourceIdentity": "anna"});
    let tags = json!({"Tags": [{"Key": "team", "Value": "red"}]});
    let may_all = [allow("sts:*", "*")];
    let may_assume_only = [allow("sts:AssumeRole", "*")];
    for input in [&identity, &tags] {
        assert_eq!(may_assume(&trusted(all), &may_all, input), Ok(()));
        assert!(may_assume(&trusted(only_assume), &may_all, input).is_err(), "{input}");
        assert!(may_assume(&trusted(all), &may_assume_only, input).is_err(), "{input}");
    }
    let refused = may_assume(&trusted(only_assume), &may_all, &identity).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (403, "AccessDenied"));
}

#[test]
fn a_source_identity_kept_along_a_chain_counts_as_given() {
    let mut world = world();
    put(&mut world, CENTRAL, role(CENTRAL, "daemon", &trusting(MANAGEMENT), &[allow("*", "*")]));
    let target = role(MEMBER, "target", &trusting(CENTRAL), &[]);
    let chained = session_of(CENTRAL, "daemon", |session| session.source_identity = Some("anna".to_owned()));
    assert!(world.may_assume(&chained, &target, MEMBER, Context::new()).is_err());
    assert_eq!(world.may_assume(&session(CENTRAL, "daemon"), &target, MEMBER, Context::new()), Ok(()));
}

#[test]
fn within_an_account_a_trust_in_the_role_itself_is_enough_and_only_a_trust_is() {
    let mut world = world();
    put(&mut world, MEMBER, role(MEMBER, "ops", &trusting(CENTRAL), &[]));
    put(&mut world, MEMBER, role(MEMBER, "mighty", &trusting(CENTRAL), &[allow("*", "*")]));
    let in_role = trust(r#"{"AWS":"arn:aws:iam::300000000000:role/ops"}"#, r#""sts:AssumeRole""#, "{}");
    let target = role(MEMBER, "target", &in_role, &[]);
    let ask = |name: &str| world.may_assume(&session(MEMBER, name), &target, MEMBER, Context::new());
    assert_eq!(ask("ops"), Ok(()));
    assert!(ask("mighty").is_err(), "its own policies do not replace the trust");
    let resource = Resource { arn: &target.arn, owner: MEMBER, policy: Some(&target.trust.policy) };
    let direct = world.authorize_at(&session(MEMBER, "mighty"), "sts:AssumeRole", resource, Context::new());
    assert!(direct.is_err());
}

#[test]
fn within_an_account_a_source_identity_still_needs_the_callers_policy() {
    let trusted = trust(
        r#"{"AWS":"arn:aws:iam::300000000000:role/ops"}"#,
        r#"["sts:AssumeRole","sts:SetSourceIdentity"]"#,
        "{}",
    );
    for (policies, allowed) in [(vec![], false), (vec![allow("sts:SetSourceIdentity", "*")], true)] {
        let mut world = world();
        let mut caller = member_role(&mut world, &policies);
        caller.input.insert("SourceIdentity".to_owned(), json!("anna"));
        let target = role(MEMBER, "target", &trusted, &[]);
        assert_eq!(world.may_assume(&caller, &target, MEMBER, Context::new()).is_ok(), allowed);
    }
}

#[test]
fn a_role_that_is_too_new_is_not_assumed() {
    let mut world = world();
    world.lags.role = SignedDuration::from_secs(10);
    let mut target = role(MEMBER, "target", &trusting(MANAGEMENT), &[]);
    target.created_at = start();
    assert!(world.may_assume(&administrator(), &target, MEMBER, Context::new()).is_err());
    world.clock.advance(SignedDuration::from_secs(10));
    assert_eq!(world.may_assume(&administrator(), &target, MEMBER, Context::new()), Ok(()));
}
