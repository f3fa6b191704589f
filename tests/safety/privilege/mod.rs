//! Least privilege: every command works with exactly the policies of `deploy/`, and with none of their actions less.

mod denials;
mod policies;
mod scenario;
mod scope;
mod sessions;

pub(crate) use denials::{Denials, is_denial};
pub(crate) use policies::strings;
use policies::{DOCUMENTS, Right, Use};
use scenario::{Home, Scenario};

use crate::stage::in_virtual_time;

#[test]
fn every_command_works_with_exactly_the_policies_that_deploy_hands_out_and_nothing_is_ever_denied() {
    in_virtual_time(async {
        let scenario = Scenario::new(Home::Task);
        let denials = Denials::of(&scenario.stage.simulator);
        let done = scenario.play(true).await;
        assert_eq!(denials.found(), Vec::<String>::new());
        done.unwrap_or_else(|error| panic!("{error}"));
    });
}

#[test]
fn where_a_stack_set_makes_the_forwarding_roles_the_member_role_needs_no_iam_write_anywhere() {
    in_virtual_time(async {
        let scenario = Scenario::new(Home::Task);
        let denials = Denials::of(&scenario.stage.simulator);
        let done = scenario.play_with_existing_roles().await;
        assert_eq!(denials.found(), Vec::<String>::new());
        done.unwrap_or_else(|error| panic!("{error}"));
    });
}

#[test]
fn apply_ends_though_eventbridge_may_never_assume_the_role_of_the_management_account() {
    in_virtual_time(async {
        let scenario = Scenario::new(Home::Task);
        let (file, used) = ("forwarding-role-trust.json", Use::ForwarderTrust);
        for right in Right::all(&scenario, file, used) {
            right.is_taken_away(&scenario);
        }
        assert!(scenario.apply_ends().await);
    });
}

/// Without any one action of the document the short scenario does not fully succeed: a call is denied, or something
/// is not as desired at the end.
fn every_action_is_missed(file: &str) {
    let (file, used) = DOCUMENTS.into_iter().find(|(name, _)| *name == file).expect("it is listed");
    let rights = in_virtual_time(async { Right::all(&Scenario::new(Home::Task), file, used) });
    assert!(!rights.is_empty(), "{file} allows nothing");
    let idle: Vec<String> = rights
        .iter()
        .filter(|right| in_virtual_time(succeeds_without(right)))
        .map(|right| format!("{} of statement {}", right.action, right.statement))
        .collect();
    assert!(idle.is_empty(), "{file} allows what nothing needs: {idle:#?}");
}

async fn succeeds_without(right: &Right) -> bool {
    let scenario = Scenario::new(Home::Task);
    right.is_taken_away(&scenario);
    let denials = Denials::of(&scenario.stage.simulator);
    tokio::select! {
        biased;
        _ = denials.first() => false,
        done = scenario.play(false) => done.is_ok() && denials.found().is_empty(),
    }
}

#[test]
fn the_short_scenario_succeeds_so_that_its_failure_tells_something() {
    in_virtual_time(async {
        let scenario = Scenario::new(Home::Task);
        let denials = Denials::of(&scenario.stage.simulator);
        scenario.play(false).await.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(denials.found(), Vec::<String>::new());
    });
}

#[test]
fn no_action_of_the_task_role_could_be_left_out() {
    every_action_is_missed("central-task-policy.json");
}

#[test]
fn no_action_of_the_member_role_could_be_left_out() {
    every_action_is_missed("member-role-policy.json");
}

#[test]
fn no_action_of_the_member_role_in_the_management_account_could_be_left_out() {
    every_action_is_missed("management-member-policy.json");
}

#[test]
fn no_action_of_the_role_for_alarms_could_be_left_out() {
    every_action_is_missed("alarms-role-policy.json");
}

#[test]
fn no_action_of_the_organization_reader_could_be_left_out() {
    every_action_is_missed("organization-reader-policy.json");
}

#[test]
fn no_action_of_boundary_forwarding_role_and_trust_policies_could_be_left_out() {
    for (file, _) in DOCUMENTS {
        if file.ends_with("-trust.json")
            || ["boundary.json", "delivery-role-policy.json", "forwarding-role-policy.json"].contains(&file)
        {
            every_action_is_missed(file);
        }
    }
}
