//! Whether a trail logs what the watches wait for: each way to lack one is judged right, and what could not be read is
//! never called broken.

use std::time::Duration;

use orgwatch::model::view::{AccountView, Coverage};
use orgwatch_sim::call::Service::{self, CloudTrail, Iam};
use orgwatch_sim::trail::Trail;
use serde_json::{Value, json};

use crate::stage::{Daemon, Stage, in_virtual_time};

const TRAIL: &str = "organization-trail";
/// Long enough for every account's next look at its trails.
const PROBED: Duration = Duration::from_secs(90 * 60);

/// How the trail of the `n`th account stands: status and reason of its condition, coverage and its reason.
fn judged(daemon: &Daemon, stage: &Stage, n: usize) -> (&'static str, &'static str, Coverage, &'static str) {
    of(&daemon.snapshot().accounts[&stage.accounts[n].parse().unwrap()])
}

fn of(view: &AccountView) -> (&'static str, &'static str, Coverage, &'static str) {
    let condition = view.conditions.iter().find(|condition| condition.kind == "TrailPresent");
    let condition = condition.expect("trails are looked at");
    (condition.status, condition.reason, view.coverage, view.coverage_reason)
}

const FINE: (&str, &str, Coverage, &str) = ("True", "TrailLogs", Coverage::Configured, "InSync");

fn broken(reason: &'static str) -> (&'static str, &'static str, Coverage, &'static str) {
    ("False", reason, Coverage::Broken, reason)
}

/// The management account's administrator changes the organization's trail.
fn change(stage: &Stage, operation: &str, input: Value) {
    stage.make(&stage.management, CloudTrail, operation, input);
}

#[test]
fn a_stopped_trail_and_one_whose_selectors_leave_out_what_is_wanted_are_broken_until_they_are_mended() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let daemon = stage.daemon(&stage.config(""));
        let around = async {
            tokio::time::sleep(PROBED).await;
            assert_eq!(judged(&daemon, &stage, 1), FINE);

            change(&stage, "StopLogging", json!({ "Name": TRAIL }));
            tokio::time::sleep(PROBED).await;
            for n in 0..3 {
                assert_eq!(judged(&daemon, &stage, n), broken("TrailStopped"));
            }
            change(&stage, "StartLogging", json!({ "Name": TRAIL }));
            tokio::time::sleep(PROBED).await;
            assert_eq!(judged(&daemon, &stage, 1), FINE);

            let management = json!({ "Field": "eventCategory", "Equals": ["Management"] });
            for (fields, reason) in [
                (
                    json!([{ "Field": "eventCategory", "Equals": ["Data"] },
                        { "Field": "resources.type", "Equals": ["AWS::S3::Object"] }]),
                    "TrailWithoutManagementEvents",
                ),
                (
                    json!([management, { "Field": "readOnly", "Equals": ["true"] }]),
                    "TrailWithoutManagementEvents",
                ),
                (
                    json!([management, { "Field": "eventName", "NotStartsWith": ["Create", "Attach"] }]),
                    "TrailExcludesEvents",
                ),
            ] {
                let selectors = json!([{ "Name": "some", "FieldSelectors": fields }]);
                change(
                    &stage,
                    "PutEventSelectors",
                    json!({ "TrailName": TRAIL, "AdvancedEventSelectors": selectors }),
                );
                tokio::time::sleep(PROBED).await;
                assert_eq!(judged(&daemon, &stage, 1), broken(reason), "{selectors}");
            }
            // What leaves out another service leaves nothing out here.
            let kms = json!([{ "FieldSelectors":
                [management, { "Field": "eventSource", "NotEquals": ["kms.amazonaws.com"] }] }]);
            change(&stage, "PutEventSelectors", json!({ "TrailName": TRAIL, "AdvancedEventSelectors": kms }));
            tokio::time::sleep(PROBED).await;
            assert_eq!(judged(&daemon, &stage, 1), FINE);
        };
        futures::join!(stage.confirming(around), daemon.serve_for(8 * PROBED));
    });
}

#[test]
fn an_account_without_a_trail_is_broken_and_one_that_logs_elsewhere_alone_is_no_better() {
    in_virtual_time(async {
        let stage = Stage::new(4, 1);
        change(&stage, "DeleteTrail", json!({ "Name": TRAIL }));
        let own = |account: &str, home: &str, change: &dyn Fn(&mut Trail)| {
            let mut trail = Trail::new("aws", account, home, "own-trail");
            change(&mut trail);
            stage.simulator.world().account(account).trails.push(trail);
        };
        own(&stage.accounts[1], "eu-west-1", &|_| ());
        own(&stage.accounts[2], "us-east-1", &|trail| trail.global_events = false);
        own(&stage.accounts[3], "us-east-1", &|_| ());
        let daemon = stage.daemon(&stage.config(""));
        stage.confirming(daemon.serve_for(PROBED)).await;
        assert_eq!(judged(&daemon, &stage, 0), broken("NoTrail"));
        // AWS shows a trail of one Region in that Region alone.
        assert_eq!(judged(&daemon, &stage, 1), broken("NoTrail"));
        assert_eq!(judged(&daemon, &stage, 2), broken("TrailWithoutGlobalEvents"));
        assert_eq!(judged(&daemon, &stage, 3), FINE);
    });
}

#[test]
fn where_members_may_not_read_the_organizations_trail_its_owner_answers_for_them_and_else_it_is_unknown() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        stage.simulator.world().organization.hides_selectors = true;
        let config = stage.config("");
        let daemon = stage.daemon(&config);
        stage.confirming(daemon.serve_for(PROBED)).await;
        for n in 0..3 {
            assert_eq!(judged(&daemon, &stage, n), FINE);
        }
        // Nobody looks into the account that owns it.
        let without: String = config
            .lines()
            .filter(|line| !line.starts_with("management_role_arn"))
            .map(|l| format!("{l}\n"))
            .collect();
        let daemon = stage.daemon(&without);
        daemon.serve_for(PROBED).await;
        for n in 0..3 {
            let unknown = ("Unknown", "TrailUnreadable", Coverage::Unknown, "TrailUnreadable");
            assert_eq!(judged(&daemon, &stage, n), unknown);
            let snapshot = daemon.snapshot();
            let view = &snapshot.accounts[&stage.accounts[n].parse().unwrap()];
            assert!(view.coverage_message.contains(&stage.management), "{}", view.coverage_message);
        }
    });
}

#[test]
fn what_the_role_may_not_read_is_unknown_and_never_broken_though_another_trail_is_stopped() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let member = stage.accounts[1].clone();
        let mut own = Trail::new("aws", &member, "us-east-1", "own-trail");
        own.logging = false;
        stage.simulator.world().account(&member).trails.push(own);
        let document = stage.kit.document("member-role-policy.json", &member);
        let document = document.replace("cloudtrail:GetEventSelectors", "orgwatch:Nothing");
        let input = json!({ "RoleName": "orgwatch-member", "PolicyName": "member-role-policy", "PolicyDocument": document });
        stage.make(&member, Iam, "PutRolePolicy", input);
        // Its owner is not looked into either.
        let config: String = stage
            .config("")
            .lines()
            .filter(|line| !line.starts_with("management_role_arn"))
            .map(|line| format!("{line}\n"))
            .collect();
        let daemon = stage.daemon(&config);
        daemon.serve_for(Duration::from_secs(600)).await;
        // The central account could read it, and that is as good an answer.
        assert_eq!(judged(&daemon, &stage, 1).1, "TrailLogs");
        let own = |operation: &str| {
            let document = stage.kit.document("member-role-policy.json", &stage.accounts[0]);
            let document = document.replace(operation, "orgwatch:Nothing");
            let input = json!({
                "RoleName": "orgwatch-member", "PolicyName": "member-role-policy", "PolicyDocument": document,
            });
            stage.make(&stage.accounts[0], Iam, "PutRolePolicy", input);
        };
        own("cloudtrail:GetEventSelectors");
        let daemon = stage.daemon(&config);
        daemon.serve_for(Duration::from_secs(600)).await;
        assert_eq!(judged(&daemon, &stage, 1).1, "TrailUnreadable");
    });
}

#[test]
fn an_accounts_trails_cost_three_calls_an_hour_and_with_required_false_none() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let daemon = stage.daemon(&stage.config(""));
        stage.confirming(daemon.serve_for(Duration::from_secs(4 * 3600))).await;
        let calls_of = |account: &str, since: u64| {
            let world = stage.simulator.world();
            let all = world.journal.since(since).map(|entry| &entry.call);
            all.filter(|call| call.service == Service::CloudTrail && call.caller.account == account).count()
        };
        for account in &stage.accounts {
            let calls = calls_of(account, 0);
            assert!((9..=15).contains(&calls) && calls % 3 == 0, "{calls} calls in four hours");
        }
        let since = stage.calls();
        let daemon = stage.daemon(&stage.config("[trail]\nrequired = false\n"));
        daemon.serve_for(Duration::from_secs(3600)).await;
        assert_eq!(calls_of(&stage.accounts[1], since), 0);
        let snapshot = daemon.snapshot();
        let view = &snapshot.accounts[&stage.accounts[1].parse().unwrap()];
        assert!(view.conditions.iter().all(|condition| condition.kind != "TrailPresent"));
        assert_eq!(view.coverage, Coverage::Configured);
    });
}
