//! Two copies of the product at work at once: with one configuration they do no harm, and a newer one is left alone.

use std::time::Duration;

use orgwatch::judge::NEWER_VERSION;
use orgwatch_sim::call::Service;
use proptest::prelude::*;
use serde_json::json;

use crate::converges::assert_everybody_is_heard;
use crate::drift::{self, Drift};
use crate::stage::{Daemon, Stage, Watchman, in_virtual_time};

const ACCOUNTS: usize = 2;
/// More than the longest time between two looks, so that each deed is repaired before the next.
const BETWEEN: Duration = Duration::from_secs(20 * 60);
/// Long enough for an installation, and for everything to settle.
const A_WHILE: Duration = Duration::from_secs(10 * 60);

type Deed = (usize, Drift);

/// Deeds that are repaired: a subscription that somebody added is only reported.
fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let repaired = |(_, deed): &Deed| *deed != Drift::SubscriptionAdded;
    proptest::collection::vec(drift::any(ACCOUNTS).prop_filter("it is repaired", repaired), 1..5)
}

proptest! {
    #![proptest_config(crate::cases(5))]

    #[test]
    fn two_with_one_configuration_converge_with_at_most_twice_the_writes_of_one(
        seed in any::<u64>(),
        deeds in deeds(),
    ) {
        let one = in_virtual_time(run(Stage::new(ACCOUNTS, seed), 1, &deeds));
        let two = in_virtual_time(run(Stage::new(ACCOUNTS, seed), 2, &deeds));
        prop_assert!(two.len() <= 2 * one.len(), "{} writes and {}: {one:#?}\n{two:#?}", one.len(), two.len());
    }
}

/// Lets so many copies serve through the deeds; answers their writes that took effect.
async fn run(stage: Stage, copies: usize, deeds: &[Deed]) -> Vec<String> {
    let daemons: Vec<Daemon> = (0..copies).map(|_| stage.daemon(&stage.config(""))).collect();
    let around = async {
        stage.confirming(tokio::time::sleep(A_WHILE)).await;
        let watchman = Watchman::post(&stage.simulator, "orgwatch-");
        for (account, deed) in deeds {
            deed.happens(&stage, &stage.accounts[*account]);
            tokio::time::sleep(BETWEEN).await;
        }
        watchman.assert_no_path_was_broken();
        let calls = stage.calls();
        tokio::time::sleep(2 * BETWEEN).await;
        assert_eq!(stage.told_writes_since(calls), Vec::<String>::new(), "they fight");
        for daemon in &daemons {
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        }
        assert_everybody_is_heard(&stage);
    };
    let deeds_take = BETWEEN * u32::try_from(deeds.len()).expect("a few");
    let whole = A_WHILE + deeds_take + 2 * BETWEEN + Duration::from_secs(60);
    let serving = futures::future::join_all(daemons.iter().map(|daemon| daemon.serve_for(whole)));
    futures::join!(around, serving);
    // A refused call ends with a space and the error.
    stage.told_writes_since(0).into_iter().filter(|told| told.ends_with(' ')).collect()
}

/// What a newer version might have made of our resources: it says so in their descriptions, and they differ.
fn a_newer_version_comes(stage: &Stage) {
    let mark = "its own words; managed by orgwatch/orgwatch v2";
    let pattern = json!({ "source": ["aws.iam", "aws.organizations"] }).to_string();
    let rule = |bus: &str| {
        json!({
            "EventBusName": bus, "Name": "orgwatch-iam-changes", "EventPattern": pattern, "Description": mark,
        })
    };
    for account in &stage.accounts {
        stage.make(account, Service::Events, "PutRule", rule("default"));
        let role = json!({ "RoleName": "orgwatch-forwarder", "Description": mark });
        stage.make(account, Service::Iam, "UpdateRole", role);
        Drift::RolePolicyAdded.happens(stage, account);
    }
    let central = &stage.accounts[0];
    stage.make(central, Service::Events, "PutRule", rule("orgwatch"));
    let bus = json!({ "Name": "orgwatch", "Description": mark });
    stage.make(central, Service::Events, "UpdateEventBus", bus);
    Drift::BusPolicyOpened.happens(stage, central);
}

#[test]
fn what_a_newer_version_made_is_shown_and_never_written_nor_removed() {
    in_virtual_time(async {
        let stage = Stage::new(ACCOUNTS, 7);
        let daemon = stage.daemon(&stage.config(""));
        let around = async {
            stage.confirming(tokio::time::sleep(A_WHILE)).await;
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
            a_newer_version_comes(&stage);
            let (calls, held) = (stage.calls(), stage.holdings());
            tokio::time::sleep(3 * BETWEEN).await;
            assert_eq!(stage.told_writes_since(calls), Vec::<String>::new());
            assert_shown_as_newer(&daemon);
            // One that has just been started knows no better, and one that no longer wants these names takes none away.
            let started = stage.daemon(&stage.config(""));
            stage.ends(started.apply()).await;
            assert_shown_as_newer(&started);
            assert_eq!(stage.told_writes_since(calls), Vec::<String>::new());
            let other = "prune = true\n[[watch]]\nname = 'renamed'\npreset = 'iam-changes'\n";
            stage.ends(stage.daemon(&stage.config(other)).apply()).await;
            let newer = |name: &str| held.what(name).is_some_and(|what| what.contains("orgwatch v2"));
            let changes = held
                .clone()
                .without(|name| !newer(name))
                .changes(&stage.holdings().without(|name| !newer(name)));
            assert_eq!(changes, Vec::<String>::new());
        };
        futures::join!(around, daemon.serve_for(A_WHILE + 3 * BETWEEN + Duration::from_secs(1)));
    });
}

/// Bus, alert rule, sender rules and roles carry the newer mark; topic and queue have no description.
fn assert_shown_as_newer(daemon: &Daemon) {
    let views = daemon.controller.views(&daemon.controller.keys());
    let newer =
        views.iter().flat_map(|view| &view.resources).filter(|r| r.reason == Some(NEWER_VERSION)).count();
    assert_eq!(newer, 2 + 2 * ACCOUNTS, "{:?}", daemon.out_of_sync());
}
