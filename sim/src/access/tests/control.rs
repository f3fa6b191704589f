//! Service control policies.

use super::*;

#[test]
fn control_policies_bind_by_where_the_account_is() {
    let condition = r#"{"ArnNotLike":{"aws:PrincipalARN":"arn:aws:iam::*:role/breakglass"}}"#;
    for (place, bound) in
        [("r-1", true), ("ou-work", true), (MEMBER, true), ("ou-security", false), (CENTRAL, false)]
    {
        let mut world = world();
        let caller = member_role(&mut world, &[allow("*", "*")]);
        put(&mut world, MEMBER, role(MEMBER, "breakglass", &trusting(CENTRAL), &[allow("*", "*")]));
        attach(&mut world, place, "p-all", &allow("*", "*"));
        attach(&mut world, place, "p-protect", &deny("events:PutRule", condition));
        assert_eq!(put_rule(&world, &caller).is_err(), bound, "{place}");
        assert_eq!(put_rule(&world, &session(MEMBER, "breakglass")), Ok(()), "{place}");
        if bound {
            assert!(
                refusal(&world, &caller).ends_with("with an explicit deny in a service control policy"),
                "{place}"
            );
        }
    }
}

#[test]
fn each_level_with_control_policies_must_allow() {
    let mut world = world();
    let caller = member_role(&mut world, &[allow("*", "*")]);
    assert_eq!(put_rule(&world, &caller), Ok(()), "nothing is attached anywhere: as FullAWSAccess");
    world.organization.attachments.insert("r-1".to_owned(), BTreeSet::from(["p-FullAWSAccess".to_owned()]));
    assert_eq!(put_rule(&world, &caller), Ok(()));
    world.organization.attachments.insert("ou-work".to_owned(), BTreeSet::new());
    assert_eq!(put_rule(&world, &caller), Ok(()), "the last one was detached");
    attach(&mut world, "ou-work", "p-list", &allow("iam:*", "*"));
    assert!(refusal(&world, &caller).ends_with("no service control policy allows the events:PutRule action"));
    attach(&mut world, "ou-work", "p-more", &allow("events:*", "*"));
    assert_eq!(put_rule(&world, &caller), Ok(()));
}

#[test]
fn control_policies_do_not_bind_service_linked_roles() {
    let mut world = world();
    let mut linked = role(MEMBER, "linked", &trusting(CENTRAL), &[allow("*", "*")]);
    linked.path = "/aws-service-role/x.amazonaws.com/".to_owned();
    put(&mut world, MEMBER, linked);
    attach(&mut world, "r-1", "p-deny", &deny("*", "{}"));
    assert_eq!(put_rule(&world, &session(MEMBER, "linked")), Ok(()));
}
