//! Canaries: what no look at the configuration can see is seen by what does not come back, in exactly the accounts that it
//! concerns; and no canary ever reaches a person.

use std::time::Duration;

use orgwatch::model::view::{AccountView, Coverage, Snapshot};
use orgwatch_sim::call::Service;
use serde_json::{Value, json};

use crate::stage::{Daemon, PEOPLE, Stage, in_virtual_time};

const ON: &str = "[canary]\ninterval = '10m'\n";
/// Long enough for two canaries to be missing, for the dead letters to be looked through, and for the next one to return.
const A_WHILE: Duration = Duration::from_secs(40 * 60);

/// An installed organization that has run with canaries for a while.
async fn installed(accounts: usize) -> Stage {
    let stage = Stage::new(accounts, 3);
    let config = stage.config(ON);
    stage.confirming(stage.process(&config, enforcing(), crate::stage::Fuse::none()).apply()).await;
    stage.simulator.world().outbox.clear();
    stage
}

fn enforcing() -> orgwatch::controller::Purpose {
    orgwatch::controller::Purpose { enforce_all: true, ..Default::default() }
}

async fn serve(stage: &Stage) -> Daemon {
    let daemon = stage.daemon(&stage.config(ON));
    daemon.serve_for(A_WHILE).await;
    daemon
}

fn account<'a>(snapshot: &'a Snapshot, id: &str) -> &'a AccountView {
    &snapshot.accounts[&id.parse().unwrap()]
}

/// The accounts whose canaries are missing, with what is said of each.
fn missing(snapshot: &Snapshot) -> Vec<(String, String)> {
    let broken = snapshot.accounts.values().filter(|account| account.coverage_reason == "CanaryMissing");
    broken
        .inspect(|account| assert_eq!(account.coverage, Coverage::Broken))
        .map(|account| (account.id.to_string(), account.coverage_message.clone()))
        .collect()
}

fn assert_no_canary_reached_anybody(stage: &Stage) {
    let world = stage.simulator.world();
    let heard = world.outbox.all().filter(|received| received.endpoint == PEOPLE);
    let canaries: Vec<_> = heard.filter(|received| received.body.contains("canary")).collect();
    assert!(canaries.is_empty(), "{canaries:?}");
}

#[test]
fn canaries_come_back_from_every_account_and_reach_nobody() {
    in_virtual_time(async {
        let stage = installed(4).await;
        let snapshot = serve(&stage).await.snapshot();
        assert_eq!(missing(&snapshot), []);
        for account in snapshot.accounts.values() {
            assert!(account.coverage.is_covered(), "{}: {}", account.id, account.coverage_message);
            assert!(account.coverage_message.contains("a canary sent at"), "{}", account.coverage_message);
        }
        assert_no_canary_reached_anybody(&stage);
    });
}

/// Something that stands in the way of one account's events, and that no look at what orgwatch manages shows.
type Obstacle = (&'static str, fn(&Stage, &str), fn(&Stage, &str));

fn boundary(stage: &Stage, account: &str, action: &str) {
    let arn = format!("arn:{}:iam::{account}:policy/orgwatch-boundary", stage.kit.partition);
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": action, "Resource": "*" }],
    });
    let input = json!({ "PolicyArn": arn, "PolicyDocument": document.to_string(), "SetAsDefault": true });
    stage.make(account, Service::Iam, "CreatePolicyVersion", input);
}

const OBSTACLES: [Obstacle; 1] = [(
    "the boundary allows something else",
    |stage, account| boundary(stage, account, "s3:GetObject"),
    |stage, account| boundary(stage, account, "events:PutEvents"),
)];

#[test]
fn what_no_look_can_see_breaks_exactly_the_account_that_it_concerns_until_it_is_mended() {
    in_virtual_time(async {
        for (what, happens, is_mended) in OBSTACLES {
            let stage = installed(4).await;
            let hit = stage.accounts[2].clone();
            happens(&stage, &hit);
            let snapshot = serve(&stage).await.snapshot();
            let found = missing(&snapshot);
            assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [hit.as_str()], "{what}");
            assert!(
                found[0].1.contains("could not send it from the account to the central bus: NO_PERMISSIONS"),
                "{what}: {}",
                found[0].1
            );
            let hop = account(&snapshot, &hit).coverage_hop;
            assert_eq!(hop, Some(orgwatch::hops::FORWARDING_ROLE), "{what}");
            is_mended(&stage, &hit);
            let snapshot = serve(&stage).await.snapshot();
            assert_eq!(missing(&snapshot), [], "{what}");
            assert!(account(&snapshot, &hit).coverage_message.contains("a canary sent at"), "{what}");
            assert_no_canary_reached_anybody(&stage);
        }
    });
}

#[test]
fn a_forged_canary_proves_nothing() {
    in_virtual_time(async {
        let stage = installed(3).await;
        let (forger, hit) = (stage.accounts[1].clone(), stage.accounts[2].clone());
        boundary(&stage, &hit, "s3:GetObject");
        let daemon = stage.daemon(&stage.config(ON));
        let forging = async {
            loop {
                // What the hit account's canaries carry, as its administrator may read it, sent by the forger, and a guess.
                let sent: Vec<Value> = {
                    let world = stage.simulator.world();
                    let calls = world.journal.since(0).filter(|entry| entry.call.operation == "PutEvents");
                    let of_hit = calls.filter(|entry| entry.call.caller.account == hit);
                    of_hit.flat_map(|entry| entry.call.list("Entries").to_vec()).collect()
                };
                let details = sent.iter().filter_map(|entry| entry["Detail"].as_str());
                let guess = json!({ "rule": "orgwatch-iam-changes", "nonce": "0".repeat(32) }).to_string();
                for detail in details.map(str::to_owned).chain([guess]) {
                    let entry = json!({ "Source": "orgwatch.canary", "DetailType": "x", "Detail": detail });
                    stage.make(&forger, Service::Events, "PutEvents", json!({ "Entries": [entry] }));
                }
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
        };
        tokio::select! {
            _ = daemon.serve_for(A_WHILE) => {}
            () = forging => {}
        }
        let found = missing(&daemon.snapshot());
        assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), [hit.as_str()]);
        assert_no_canary_reached_anybody(&stage);
    });
}
