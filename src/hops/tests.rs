use std::sync::Arc;

use super::*;
use crate::http::fixture;
use crate::model::plan::Hold;

fn snapshot() -> Snapshot {
    fixture::snapshot("2026-11-20T12:00:00Z".parse().unwrap())
}

/// The hops of an account as one text, with what is said at the end.
fn told(snapshot: &Snapshot, id: &str) -> String {
    let account = &snapshot.accounts[&id.parse().unwrap()];
    let hops = of_account(snapshot, account);
    let states: Vec<_> = hops.iter().map(|hop| format!("{} {}", hop.hop, hop.state.label())).collect();
    let Diagnosis { sentence, command, .. } = diagnose(snapshot, account, &hops);
    format!("{}\n{sentence}\n{}", states.join(", "), command.unwrap_or_default())
}

#[test]
fn a_path_is_told_from_the_trail_to_people() {
    let mut snapshot = snapshot();
    let accounts = told(&snapshot, "222222222222");
    insta::assert_snapshot!(accounts, @r"
    trail not_watched, sender_rule works, forwarding_role works, event_bus broken, alert_rule works, topic works, people works
    An IAM change in account 222222222222 ends at the event bus, which is broken: orgwatch differs in policy.Statement[0].Condition.StringEquals.aws:PrincipalOrgID.
    orgwatch apply --account 222222222222
    ");
    let targets = &mut snapshot.central.targets;
    let mut target = (*targets[0]).clone();
    target.resources.retain(|resource| resource.id.kind != "event_bus");
    target.resources.push(Resource {
        verdict: Verdict::InSync,
        changes: [].into(),
        id: crate::model::resource::ResourceId { kind: "event_bus", name: "orgwatch".to_owned() },
        ..target.resources[0].clone()
    });
    targets[0] = Arc::new(target);
    assert!(
        told(&snapshot, "222222222222").ends_with("reaches people.\n"),
        "{}",
        told(&snapshot, "222222222222")
    );
}

#[test]
fn what_is_held_is_released_and_what_is_paused_is_resumed() {
    let mut snapshot = snapshot();
    insta::assert_snapshot!(told(&snapshot, "333333333333"), @r"
    trail not_watched, sender_rule broken, forwarding_role works, event_bus broken, alert_rule works, topic works, people works
    An IAM change in account 333333333333 ends at the sender rule, which is broken: orgwatch-iam-changes differs in state, pattern.detail.eventName[0].anything-but.prefix[3], targets.central.role_arn.
    orgwatch release changedaccountslimit-333333333333
    ");
    let pause = crate::model::scope::Pause {
        scope: "ou-ab12-prod0001".to_owned(),
        since: snapshot.taken_at,
        until: None,
        reason: "a migration".to_owned(),
        by: "oncall".to_owned(),
    };
    snapshot.pauses.push(pause);
    snapshot.holds[0].reason = "Paused";
    let account = snapshot.accounts.get_mut(&"333333333333".parse().unwrap()).unwrap();
    let mut view = (**account).clone();
    let mut target = (*view.targets[0]).clone();
    target.plan.changes[0].hold = Some(Hold { reason: "Paused", message: "paused".to_owned(), waits: false });
    view.targets = vec![Arc::new(target)];
    *account = Arc::new(view);
    assert!(told(&snapshot, "333333333333").ends_with("\norgwatch resume ou-ab12-prod0001"));
}

#[test]
fn who_cannot_be_looked_into_is_told_how_to_install_the_role() {
    insta::assert_snapshot!(told(&snapshot(), "555555555555"), @r"
    trail not_watched, sender_rule unknown, forwarding_role unknown, event_bus broken, alert_rule works, topic works, people works
    An IAM change in account 555555555555 ends at the sender rule, which could not be looked at: sts:AssumeRole in account 555555555555: AccessDenied: not authorized to perform: sts:AssumeRole on resource orgwatch-member [request 0a1b2c3d-1111-2222-3333-444455556666]; install the member role in this account.
    aws cloudformation create-stack-instances --stack-set-name orgwatch-member --deployment-targets Accounts=555555555555,AccountFilterType=INTERSECTION,OrganizationalUnitIds=r-ab12 --regions cn-north-1
    ");
}

#[test]
fn what_is_somebody_elses_gets_no_command() {
    let told = told(&snapshot(), "444444444444");
    assert!(told.contains("is not ours; rename it, or take it over with `reconcile.adopt`.\n"), "{told}");
    assert!(told.ends_with('\n'), "{told}");
}

#[test]
fn who_is_left_out_is_said_to_be() {
    assert!(
        told(&snapshot(), "666666666666")
            .contains("is not watched: listed in organization.exclude_accounts.")
    );
    assert!(told(&snapshot(), "777777777777").contains("is not watched: SUSPENDED."));
    assert!(told(&snapshot(), "012345678901").contains("sender_rule pending"));
}

#[test]
fn what_watches_over_the_path_is_no_part_of_it() {
    let mut snapshot = snapshot();
    let mut target = (*snapshot.central.targets[0]).clone();
    let mut wake = target.resources.iter().find(|r| r.id.kind == "alert_rule").unwrap().clone();
    wake.id.name = "orgwatch-wake".to_owned();
    wake.verdict = Verdict::Foreign;
    target.resources.push(wake);
    snapshot.central.targets = vec![Arc::new(target)];
    let hop = of_central(&snapshot).into_iter().find(|hop| hop.hop == "alert_rule").unwrap();
    assert_eq!((hop.state, hop.names), (HopState::Works, vec!["orgwatch-iam-changes".to_owned()]));
}
