//! A listing of the organization that cannot be believed removes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use orgwatch_sim::service::organizations::Member;

use crate::stage::{Stage, in_virtual_time};

/// More than a fifth of them, and more than ten, can be missing.
const ACCOUNTS: usize = 16;
const MISSING: usize = 11;
/// Two listings, which are too few to agree.
const SHORT: Duration = Duration::from_secs(9 * 60);

type Members = BTreeMap<String, Member>;

/// What a listing lacks, and whether that makes it doubtful for ever.
fn without_everybody(_: &Stage, members: &mut Members) {
    members.clear();
}

fn without_the_central_account(stage: &Stage, members: &mut Members) {
    members.remove(&stage.accounts[0]);
}

fn without_a_large_part(stage: &Stage, members: &mut Members) {
    for account in &stage.accounts[ACCOUNTS - MISSING..] {
        members.remove(account);
    }
}

#[test]
fn a_listing_that_is_empty_or_lacks_the_central_account_or_many_others_removes_nothing() {
    for lacks in [without_everybody, without_the_central_account, without_a_large_part] {
        in_virtual_time(async {
            let stage = Stage::new(ACCOUNTS, 3);
            let config = stage.config("prune = true\n");
            let daemon = stage.daemon(&config);
            let around = async {
                tokio::time::sleep(Duration::from_secs(10 * 60)).await;
                stage.confirm_subscriptions();
                let (known, calls, held) = (daemon.controller.keys(), stage.calls(), stage.holdings());
                assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
                let all = stage.simulator.world().organization.members.clone();
                lacks(&stage, &mut stage.simulator.world().organization.members);
                tokio::time::sleep(SHORT).await;
                let snapshot = daemon.snapshot();
                assert!(snapshot.discovery.doubtful.is_some() || snapshot.discovery.error.is_some());
                assert_eq!(daemon.controller.keys(), known, "no account is forgotten");
                stage.simulator.world().organization.members = all;
                tokio::time::sleep(Duration::from_secs(40 * 60)).await;
                assert_eq!(stage.writes_since(calls), Vec::<String>::new());
                assert_eq!(held.changes(&stage.holdings()), Vec::<String>::new());
                assert_eq!(daemon.snapshot().discovery.doubtful, None);
                assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
            };
            futures::join!(around, daemon.serve_for(Duration::from_secs(60 * 60)));
        });
    }
}
