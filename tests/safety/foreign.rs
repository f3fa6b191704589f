//! What is not ours is never changed, whatever it is called and whatever we go through.

use std::time::Duration;

use orgwatch_sim::call::Service;
use proptest::prelude::*;
use serde_json::json;

use crate::drift::Drift;
use crate::script::{self, Script, TROUBLED};
use crate::stage::{Fuse, Ledger, Stage, in_virtual_time};
use crate::strangers::{self, Taken};

const ACCOUNTS: usize = 3;
/// Long enough for an installation.
const A_WHILE: Duration = Duration::from_secs(5 * 60);

/// Another watch and another alert, and what is no longer desired goes.
const CHANGED: &str = "prune = true\n[[watch]]\nname = 'renamed'\npreset = 'cis-4.4'\n\
     [[alert]]\nname = 'policies'\nsubscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n";

/// Somebody uses our bus and our topic.
fn guests_come(stage: &Stage) {
    let central = &stage.accounts[0];
    strangers::rule(stage, central, "orgwatch", "theirs");
    Drift::SubscriptionAdded.happens(stage, central);
}

#[test]
fn from_installation_to_teardown_everything_that_others_made_stays_as_it_was() {
    in_virtual_time(async {
        let stage = Stage::new(ACCOUNTS, 1);
        let bare = stage.holdings();
        strangers::settle(&stage, &[Taken::SenderRule]);
        let theirs = stage.holdings();
        let ledger = Ledger::post(&stage.simulator);
        stage.confirming(stage.daemon(&stage.config("")).apply()).await;
        guests_come(&stage);
        let guests = |name: &str| name.contains("/theirs") || name.ends_with("mallory@example.org");
        let with_guests = stage.holdings();
        for drift in [Drift::TargetAdded, Drift::RulePattern, Drift::RolePolicyAdded, Drift::RoleUntagged] {
            drift.happens(&stage, &stage.accounts[2]);
        }
        let daemon = stage.daemon(&stage.config(CHANGED));
        stage.confirming(daemon.serve_for(4 * A_WHILE)).await;
        let kept = |name: &str| theirs.what(name).is_some() || guests(name);
        let changes =
            with_guests.without(|name| !kept(name)).changes(&stage.holdings().without(|name| !kept(name)));
        assert_eq!(changes, Vec::<String>::new(), "after drift and another configuration");
        assert_eq!(
            ledger.left().iter().filter(|name| name.ends_with("/orgwatch-renamed")).count(),
            ACCOUNTS + 1
        );
        stage.teardown(&stage.config(CHANGED), true, Fuse::none()).apply().await;
        // AWS deletes no bus that has rules, so it stays with the guest's, and with what was to go after it. The guest
        // on the topic goes with the topic.
        let stays =
            ["bus orgwatch", "rule orgwatch/theirs", "queue orgwatch-dead-letters", "queue orgwatch-inbox"];
        let after = stage.holdings();
        let left: Vec<&str> = after.names().filter(|name| theirs.what(name).is_none()).collect();
        assert!(left.iter().all(|name| stays.iter().any(|kept| name.ends_with(kept))), "{left:?}");
        assert!(left.iter().any(|name| name.ends_with("rule orgwatch/theirs")), "{left:?}");
        assert_eq!(theirs.changes(&after.without(|name| theirs.what(name).is_none())), Vec::<String>::new());
        ledger.assert_nothing_of_others_was_touched();
        // When the guest has gone, nothing is left.
        let central = &stage.accounts[0];
        let named = json!({ "EventBusName": "orgwatch", "Rule": "theirs", "Ids": ["ears"] });
        stage.make(central, Service::Events, "RemoveTargets", named);
        stage.make(
            central,
            Service::Events,
            "DeleteRule",
            json!({ "EventBusName": "orgwatch", "Name": "theirs" }),
        );
        stage.teardown(&stage.config(CHANGED), true, Fuse::none()).apply().await;
        assert_eq!(theirs.changes(&stage.holdings()), Vec::<String>::new());
        assert!(bare.names().count() < theirs.names().count(), "there was something to spare");
    });
}

proptest! {
    #![proptest_config(crate::cases(5))]

    #[test]
    fn no_call_of_ours_ever_changes_what_others_made(
        seed in any::<u64>(),
        lags in script::lags(),
        taken in strangers::taken(),
        script in script::script(ACCOUNTS),
    ) {
        in_virtual_time(run(Stage::lagging(ACCOUNTS, seed, lags), &taken, script));
    }
}

async fn run(stage: Stage, taken: &[Taken], script: Script) {
    strangers::settle(&stage, taken);
    // PutRule makes or overwrites, and AWS has no other: who makes a rule at our name while reads do not show it yet loses
    // it, and nobody could know.
    let settled = stage.simulator.world().lags.longest();
    tokio::time::sleep(settled.unsigned_abs()).await;
    let ledger = Ledger::post(&stage.simulator);
    let daemon = stage.daemon(&stage.config(""));
    let around = async {
        tokio::time::sleep(A_WHILE).await;
        stage.confirm_subscriptions();
        if !taken.contains(&Taken::Topic) && !taken.contains(&Taken::Bus) {
            guests_come(&stage);
        }
        script.play(&stage).await;
    };
    futures::join!(around, daemon.serve_for(2 * A_WHILE + TROUBLED));
    let changed = stage.daemon(&stage.config(CHANGED));
    stage.confirming(changed.serve_for(2 * A_WHILE)).await;
    stage.teardown(&stage.config(CHANGED), true, Fuse::none()).apply().await;
    ledger.assert_nothing_of_others_was_touched();
}
