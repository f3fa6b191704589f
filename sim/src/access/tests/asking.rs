//! Services and their roles.

use super::*;

fn service(source_arn: &str) -> Asker {
    Asker::Service {
        service: "events.amazonaws.com".to_owned(),
        source_account: MEMBER.to_owned(),
        source_arn: source_arn.to_owned(),
    }
}

fn asker_may(world: &World, asker: &Asker, policy: Option<&Policy>) -> Result<(), String> {
    let resource = Resource { arn: BUS, owner: CENTRAL, policy };
    world.asker_may(asker, "events:PutEvents", resource, Context::new(), world.lags.effect)
}

fn admitting(principal: &str, condition: &str) -> Policy {
    Policy::parse(&format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"events:PutEvents","Resource":"*","Condition":{condition}}}}}"#
    ))
    .unwrap()
}

#[test]
fn a_service_is_admitted_by_the_resource_under_its_conditions() {
    let world = world();
    let events = r#"{"Service":"events.amazonaws.com"}"#;
    let rows = [
        (admitting(events, "{}"), true),
        (admitting(r#"{"Service":"sns.amazonaws.com"}"#, "{}"), false),
        (admitting(events, &format!(r#"{{"ArnEquals":{{"aws:SourceArn":"{RULE}"}}}}"#)), true),
        (admitting(events, r#"{"ArnLike":{"aws:SourceArn":"arn:aws:events:*:*:rule/other"}}"#), false),
        (admitting(events, r#"{"StringEquals":{"aws:SourceAccount":"300000000000"}}"#), true),
        (admitting(events, r#"{"StringEquals":{"aws:SourceAccount":"200000000000"}}"#), false),
        (admitting(events, r#"{"StringEquals":{"aws:SourceOrgID":"o-1"}}"#), true),
        (admitting(events, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#), false),
        (admitting(events, r#"{"Bool":{"aws:PrincipalIsAWSService":"true"}}"#), true),
        (admitting(events, r#"{"StringEquals":{"aws:PrincipalServiceName":"events.amazonaws.com"}}"#), true),
        (admitting(r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#), false),
    ];
    for (policy, allowed) in rows {
        assert_eq!(asker_may(&world, &service(RULE), Some(&policy)).is_ok(), allowed, "{policy:?}");
    }
    assert!(asker_may(&world, &service(RULE), None).is_err());
}

fn sender(world: &mut World, trust: &str, policies: &[String]) -> Asker {
    put(world, MEMBER, role(MEMBER, "sender", trust, policies));
    Asker::Role {
        account: MEMBER.to_owned(),
        role_arn: format!("arn:aws:iam::{MEMBER}:role/sender"),
        service: "events.amazonaws.com".to_owned(),
        source_arn: RULE.to_owned(),
    }
}

fn sender_trust() -> String {
    trust(
        r#"{"Service":"events.amazonaws.com"}"#,
        r#""sts:AssumeRole""#,
        &format!(
            r#"{{"StringEquals":{{"aws:SourceAccount":"{MEMBER}"}},"ArnEquals":{{"aws:SourceArn":"{RULE}"}}}}"#
        ),
    )
}

fn organization_bus() -> Policy {
    admitting(r#""*""#, r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#)
}

#[test]
fn a_sender_role_needs_its_trust_its_policy_and_the_bus() {
    let bus = organization_bus();
    let may = [allow("events:PutEvents", BUS)];
    let other_rule = sender_trust().replace("rule/sender", "rule/other");
    let rows = [
        (sender_trust(), &may[..], Some(&bus), true, "all agree"),
        (other_rule, &may[..], Some(&bus), false, "the trust is in another rule"),
        (trusting(CENTRAL), &may[..], Some(&bus), false, "the trust is in an account"),
        (sender_trust(), &[], Some(&bus), false, "the role may nothing"),
        (sender_trust(), &may[..], None, false, "the bus admits nobody"),
    ];
    for (trust, policies, bus, allowed, why) in rows {
        let mut world = world();
        let asker = sender(&mut world, &trust, policies);
        assert_eq!(asker_may(&world, &asker, bus).is_ok(), allowed, "{why}");
    }
}

#[test]
fn a_sender_role_is_bound_by_control_policies() {
    let mut world = world();
    let asker = sender(&mut world, &sender_trust(), &[allow("*", "*")]);
    attach(&mut world, "ou-work", "p-all", &allow("*", "*"));
    assert_eq!(asker_may(&world, &asker, Some(&organization_bus())), Ok(()));
    attach(&mut world, "ou-work", "p-deny", &deny("events:PutEvents", "{}"));
    let error = asker_may(&world, &asker, Some(&organization_bus())).unwrap_err();
    assert!(error.ends_with("with an explicit deny in a service control policy"), "{error}");
}

#[test]
fn a_delivery_is_asked_for_in_the_region_of_its_target() {
    let mut world = world();
    let asker = sender(&mut world, &sender_trust(), &[allow("*", "*")]);
    attach(&mut world, "r-1", "p-all", &allow("*", "*"));
    let outside =
        |region: &str| deny("*", &format!(r#"{{"StringNotEquals":{{"aws:RequestedRegion":"{region}"}}}}"#));
    attach(&mut world, "r-1", "p-region", &outside("us-east-1"));
    assert_eq!(asker_may(&world, &asker, Some(&organization_bus())), Ok(()));
    attach(&mut world, "r-1", "p-region", &outside("eu-west-1"));
    assert!(asker_may(&world, &asker, Some(&organization_bus())).is_err());
}

#[test]
fn a_new_role_serves_only_after_a_while_and_a_deleted_one_for_a_while() {
    let mut world = world();
    world.lags.effect = SignedDuration::from_secs(5);
    world.lags.role = SignedDuration::from_secs(10);
    let bus = organization_bus();
    let asker = sender(&mut world, &sender_trust(), &[allow("*", "*")]);
    let now = world.now();
    let iam = world.account(MEMBER).iam.write(now, SignedDuration::ZERO);
    iam.roles.get_mut("sender").unwrap().created_at = now;
    world.clock.advance(SignedDuration::from_secs(9));
    assert_eq!(
        asker_may(&world, &asker, Some(&bus)).unwrap_err(),
        "Provided role 'arn:aws:iam::300000000000:role/sender' cannot be assumed by principal \
         'events.amazonaws.com'."
    );
    world.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(asker_may(&world, &asker, Some(&bus)), Ok(()));
    let (now, lag) = (world.now(), world.lags.longest());
    world.account(MEMBER).iam.write(now, lag).roles.clear();
    world.clock.advance(SignedDuration::from_secs(4));
    assert_eq!(asker_may(&world, &asker, Some(&bus)), Ok(()));
    world.clock.advance(SignedDuration::from_secs(1));
    assert!(asker_may(&world, &asker, Some(&bus)).unwrap_err().contains("does not exist"));
}

#[test]
fn a_sender_role_is_meant_with_its_path() {
    let mut world = world();
    let Asker::Role { account, service, source_arn, .. } =
        sender(&mut world, &sender_trust(), &[allow("*", "*")])
    else {
        panic!("a role asks");
    };
    let role_arn = format!("arn:aws:iam::{MEMBER}:role/team/sender");
    let elsewhere = Asker::Role { account, role_arn, service, source_arn };
    assert!(asker_may(&world, &elsewhere, Some(&organization_bus())).unwrap_err().contains("does not exist"));
}
