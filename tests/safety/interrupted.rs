//! Stopped after any call and started again, it arrives where an undisturbed process does, and breaks nothing on the way.

use crate::converges::assert_everybody_is_heard;
use crate::stage::{Daemon, Fuse, Holdings, Stage, Watchman, in_virtual_time, is_write_of_ours};

/// The central account and a member, each of which is written.
const ACCOUNTS: usize = 2;
const SEED: u64 = 5;
/// More calls than anything here makes.
const PLENTY: i64 = 10_000;

/// What a process is started for.
type Start = fn(&Stage, std::sync::Arc<Fuse>) -> Daemon;

fn install(stage: &Stage, fuse: std::sync::Arc<Fuse>) -> Daemon {
    stage.process(&stage.config(""), orgwatch::controller::Purpose::default(), fuse)
}

/// Another name for the watch: another rule in every member, after which the old one goes.
fn rename(stage: &Stage, fuse: std::sync::Arc<Fuse>) -> Daemon {
    let config = stage
        .config("prune = true\nsettle_time = '2s'\n[[watch]]\nname = 'renamed'\npreset = 'iam-changes'\n");
    stage.process(&config, orgwatch::controller::Purpose::default(), fuse)
}

fn take_away(stage: &Stage, fuse: std::sync::Arc<Fuse>) -> Daemon {
    stage.teardown(&stage.config(""), true, fuse)
}

/// A stage on which everything is installed and confirmed.
async fn installed() -> Stage {
    let stage = Stage::new(ACCOUNTS, SEED);
    stage.confirming(install(&stage, Fuse::none()).apply()).await;
    stage.confirm_subscriptions();
    stage
}

/// A stage with nothing of ours on it.
async fn bare() -> Stage {
    Stage::new(ACCOUNTS, SEED)
}

/// What `start` does when nobody disturbs it.
struct Undisturbed {
    /// What is there in the end.
    holdings: Holdings,
    /// How many calls it makes.
    calls: i64,
    /// Which of them write.
    writes: Vec<i64>,
}

async fn undisturbed(stage: Stage, start: Start) -> Undisturbed {
    let (before, fuse) = (stage.calls(), Fuse::after(PLENTY));
    let blew = stage.confirming(start(&stage, fuse.clone()).apply_until_the_fuse_blows()).await;
    assert!(!blew, "it ends by itself");
    stage.confirm_subscriptions();
    let calls = PLENTY - fuse.left();
    let writes = {
        let world = stage.simulator.world();
        let numbered = (1..).zip(world.journal.since(before));
        numbered.filter(|(_, entry)| is_write_of_ours(entry)).map(|(number, _)| number).collect()
    };
    Undisturbed { holdings: stage.holdings(), calls, writes }
}

impl Undisturbed {
    /// After which calls to end a process that waits and looks most of the time: after every write. What it has read
    /// dies with it, so to end it after a read is to end it a little later than after the write before.
    fn ends(&self) -> Vec<i64> {
        if crate::many_are_asked_for() { (1..=self.calls).collect() } else { self.writes.clone() }
    }
}

/// Ends a process after its `calls`th call, whose answer is lost, and lets a second one go on.
async fn interrupted(stage: Stage, start: Start, calls: i64, expected: &Holdings, broken_paths: bool) {
    let watchman = Watchman::post(&stage.simulator, "orgwatch-");
    let blew = stage.confirming(start(&stage, Fuse::after(calls)).apply_until_the_fuse_blows()).await;
    assert!(blew, "it makes as many calls as when nobody disturbs it");
    let second = start(&stage, Fuse::none());
    stage.confirming(second.apply()).await;
    stage.confirm_subscriptions();
    assert_eq!(second.out_of_sync(), Vec::<String>::new(), "ended after call {calls}");
    assert_eq!(expected.unlike(&stage.holdings()), Vec::<String>::new(), "ended after call {calls}");
    if !broken_paths {
        watchman.assert_no_path_was_broken();
        assert_everybody_is_heard(&stage);
    }
}

#[test]
fn a_first_installation_that_ends_after_any_call_is_completed_by_the_next() {
    let first = in_virtual_time(async { undisturbed(bare().await, install).await });
    for n in 1..=first.calls {
        in_virtual_time(async { interrupted(bare().await, install, n, &first.holdings, false).await });
    }
}

#[test]
fn a_renamed_watch_that_ends_after_any_write_is_completed_by_the_next_and_no_path_breaks() {
    let renamed = in_virtual_time(async { undisturbed(installed().await, rename).await });
    let old = |name: &str| name.ends_with("rule default/orgwatch-iam-changes");
    assert!(!renamed.holdings.names().any(old), "the old rules go: {:?}", renamed.holdings);
    for n in renamed.ends() {
        in_virtual_time(async { interrupted(installed().await, rename, n, &renamed.holdings, false).await });
    }
}

#[test]
fn a_teardown_that_ends_after_any_write_is_completed_by_the_next_and_leaves_nothing() {
    let gone = in_virtual_time(async { undisturbed(installed().await, take_away).await });
    let bare = in_virtual_time(async { bare().await.holdings() });
    assert_eq!(bare.unlike(&gone.holdings), Vec::<String>::new(), "a teardown leaves nothing behind");
    for n in gone.ends() {
        in_virtual_time(async { interrupted(installed().await, take_away, n, &gone.holdings, true).await });
    }
}
