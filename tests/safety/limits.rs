//! How much may be written: nothing in `observe` mode, and within any hour no more than the limits say.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use orgwatch_sim::journal::Entry;
use proptest::prelude::*;

use crate::drift::Drift;
use crate::script::{self, Script, TROUBLED};
use crate::stage::{Stage, in_virtual_time, is_write_of_ours};

/// The window of the limits.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// So many accounts may be rewritten whatever the percentage says.
const FEW: usize = 9;

/// The writing calls of ours since then, each with the account that it was made in.
fn writes(stage: &Stage, since: u64, counts: impl Fn(&Entry) -> bool) -> Vec<(Timestamp, String)> {
    let world = stage.simulator.world();
    let entries = world.journal.since(since).filter(|entry| is_write_of_ours(entry) && counts(entry));
    entries.map(|entry| (entry.call.at, entry.call.caller.account.clone())).collect()
}

/// The most that lies within any window, counted by `count`.
fn most_within_a_window(
    writes: &[(Timestamp, String)],
    count: impl Fn(&[(Timestamp, String)]) -> usize,
) -> usize {
    let windows = writes.iter().enumerate().map(|(first, (began, _))| {
        let end = writes.partition_point(|(at, _)| at.duration_since(*began) < WINDOW);
        count(&writes[first..end])
    });
    windows.max().unwrap_or(0)
}

fn accounts(writes: &[(Timestamp, String)]) -> usize {
    writes.iter().map(|(_, account)| account).collect::<BTreeSet<_>>().len()
}

#[test]
fn a_window_counts_what_lies_within_an_hour_and_each_account_once() {
    let at = |minute: i64| Timestamp::from_second(minute * 60).expect("a time");
    let written = |minute, account: &str| (at(minute), account.to_owned());
    let writes = [written(0, "a"), written(30, "b"), written(40, "b"), written(60, "c"), written(89, "a")];
    assert_eq!(most_within_a_window(&writes, accounts), 3, "b, c and a again");
    assert_eq!(most_within_a_window(&writes, <[_]>::len), 4);
    assert_eq!(most_within_a_window(&[], accounts), 0);
}

/// Aims the sender rules of so many accounts elsewhere at once, waits, and says how many were repaired within any hour.
async fn all_rules_drift(accounts_in_all: usize, hours: u32) -> usize {
    let stage = Stage::new(accounts_in_all, 4);
    stage.confirming(stage.daemon(&stage.config("")).apply()).await;
    stage.confirm_subscriptions();
    let daemon = stage.daemon(&stage.config("resync_interval = '30m'\n"));
    let mut most = 0;
    let around = async {
        tokio::time::sleep(Duration::from_secs(20 * 60)).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        let calls = stage.calls();
        for account in &stage.accounts {
            Drift::TargetReplaced.happens(&stage, account);
        }
        tokio::time::sleep(Duration::from_secs(3600) * hours).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new(), "the rest follows in later windows");
        let writes = writes(&stage, calls, |entry| entry.principal().contains("orgwatch-member"));
        let repaired: BTreeMap<&String, usize> =
            writes.iter().fold(BTreeMap::new(), |mut counts, (_, account)| {
                *counts.entry(account).or_default() += 1;
                counts
            });
        assert_eq!(repaired.len(), accounts_in_all, "each account is repaired");
        assert!(repaired.values().all(|times| *times == 1), "by one call: {repaired:?}");
        most = most_within_a_window(&writes, accounts);
    };
    let serving = daemon.serve_for(Duration::from_secs(3600) * hours + Duration::from_secs(25 * 60));
    futures::join!(around, serving);
    most
}

#[test]
fn rules_that_drift_in_thirty_accounts_at_once_are_repaired_nine_an_hour() {
    let most = in_virtual_time(all_rules_drift(30, 5));
    assert_eq!(most, FEW, "a tenth of 31 is less, and fewer than ten accounts are always allowed");
}

#[test]
fn no_more_than_the_limit_is_deleted_within_an_hour_and_the_rest_goes_later() {
    in_virtual_time(async {
        let stage = Stage::new(4, 4);
        let watches = |names: &[&str]| {
            let watch = |name: &&str| format!("[[watch]]\nname = '{name}'\npreset = 'iam-user-deletion'\n");
            names.iter().map(watch).collect::<String>()
        };
        let limit = "prune = true\n[reconcile.limits]\ndeletions = 4\n";
        let many = stage.config(&(limit.to_owned() + &watches(&["a"])));
        let moved = stage.config(&(limit.to_owned() + &watches(&["b"])));
        stage.confirming(stage.daemon(&many).apply()).await;
        stage.confirm_subscriptions();
        let calls = stage.calls();
        let daemon = stage.daemon(&moved);
        let around = async {
            tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        };
        futures::join!(around, daemon.serve_for(Duration::from_secs(3 * 3600 + 1)));
        let deleted = writes(&stage, calls, |entry| entry.call.operation == "DeleteRule");
        assert_eq!(deleted.len(), 5, "the old rule of each account, the management account's too");
        assert_eq!(most_within_a_window(&deleted, <[_]>::len), 4);
    });
}

const ACCOUNTS: usize = 3;

proptest! {
    #![proptest_config(crate::cases(6))]

    #[test]
    fn who_only_observes_writes_nothing_whatever_happens(
        seed in any::<u64>(),
        installed in any::<bool>(),
        script in script::script(ACCOUNTS),
    ) {
        in_virtual_time(observe(Stage::new(ACCOUNTS, seed), installed, script));
    }
}

async fn observe(stage: Stage, installed: bool, script: Script) {
    if installed {
        stage.confirming(stage.daemon(&stage.config("")).apply()).await;
    }
    let calls = stage.calls();
    let daemon = stage.daemon(&stage.config("[reconcile]\nmode = 'observe'\nprune = true\n"));
    futures::join!(script.play(&stage), daemon.serve_for(TROUBLED + Duration::from_secs(20 * 60)));
    assert!(stage.calls() > calls, "it looks");
    assert_eq!(stage.writes_since(calls), Vec::<String>::new());
}
