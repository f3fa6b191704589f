//! What we do ourselves alarms nobody and costs what it should; what fails or only proves changes nothing.

use std::time::Duration;

use orgwatch::inbox::notice::Notice;
use orgwatch::model::target::Side;
use orgwatch_sim::call::Service;
use orgwatch_sim::journal::Entry;
use serde_json::{Value, json};

use super::{GUARDED, alerts, guarding, passes, session_of, target, until_quiet, until_repaired};
use crate::drift::Drift;
use crate::stage::{Stage, in_virtual_time};

#[test]
fn what_we_write_ourselves_alarms_nobody_and_who_else_uses_our_role_is_told() {
    in_virtual_time(async {
        let stage = Stage::new(3, 10);
        let (daemon, told) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            Drift::RuleDisabled.happens(&stage, &account);
            tokio::time::sleep(Duration::from_secs(120)).await;
            // One alert for what was done; the repair is told by the daemon, and its own calls are not.
            assert_eq!(alerts(&stage), 1);
            let strange = |notice: &Notice| matches!(notice, Notice::RoleUsedByOthers { .. });
            assert!(!told.all().iter().any(strange), "{:#?}", told.all());

            let thief = session_of(&stage, &account, "orgwatch-member");
            let Value::Object(input) = json!({ "Rule": "orgwatch-iam-changes", "Ids": ["central"] }) else {
                unreachable!()
            };
            let region = stage.region();
            stage
                .simulator
                .ask(&thief, Service::Events, &region, "RemoveTargets", input)
                .expect("the role may");
            let key = target(&stage, Side::Member, &account);
            let took = until_repaired(&daemon, &stage, &key, Duration::from_secs(60)).await;
            assert!(took.is_some(), "what others do with our role is undone as well");
            assert!(told.all().iter().any(strange), "{:#?}", told.all());
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn a_call_that_failed_is_told_and_makes_nobody_look() {
    in_virtual_time(async {
        let stage = Stage::new(2, 12);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            let (calls, before) = (stage.calls(), alerts(&stage));
            let refused =
                stage.ask(&account, Service::Iam, "DeleteRole", json!({ "RoleName": "orgwatch-forwarder" }));
            assert!(refused.is_err(), "it has policies");
            tokio::time::sleep(Duration::from_secs(30)).await;
            assert!(alerts(&stage) > before);
            assert_eq!(passes(&stage, calls, &account), 0);
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn a_pass_over_a_member_in_sync_takes_eleven_calls() {
    in_virtual_time(async {
        let stage = Stage::new(2, 13);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            let calls = stage.calls();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            // Trails are looked at once an hour, beside the passes.
            let of_pass = |entry: &&Entry| {
                entry.call.caller.account == account && entry.call.service != Service::CloudTrail
            };
            let made = stage.simulator.world().journal.since(calls).filter(of_pass).count();
            let passes = passes(&stage, calls, &account);
            assert!(passes >= 3, "{passes}");
            assert_eq!(made, passes * 11);
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn every_family_of_calls_that_we_may_make_is_proven_to_be_heard_and_nothing_is_changed_by_it() {
    in_virtual_time(async {
        let stage = Stage::new(2, 14);
        let config = stage.config(GUARDED);
        stage.daemon(&config).apply().await;
        stage.confirm_subscriptions();
        let daemon = stage.daemon(&config);
        daemon.apply().await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        let (before, told) = (stage.holdings(), alerts(&stage));
        let proofs = daemon.controller.prove_guard().await.expect("everything is in sync");
        let calls: Vec<&str> = proofs.iter().map(|proof| proof.call.as_str()).collect();
        for family in
            ["events:PutRule", "events:PutTargets", "events:TagResource", "iam:TagRole", "sns:TagResource"]
        {
            assert!(calls.contains(&family), "{calls:?}");
        }
        for proof in &proofs {
            assert!(proof.seconds.is_some(), "{proof:?}");
        }
        assert_eq!(stage.holdings(), before);
        assert_eq!(alerts(&stage), told, "people are not told of it");
    });
}
