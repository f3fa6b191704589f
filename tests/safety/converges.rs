//! From any drift, under faults that end, everything comes back, no path breaks on the way, and then there is silence.

use std::time::Duration;

use jiff::SignedDuration;
use orgwatch_sim::journal::Entry;
use orgwatch_sim::world::Lags;
use proptest::prelude::*;

use crate::script::{self, Script, TROUBLED};
use crate::stage::{PEOPLE, Stage, Watchman, in_virtual_time, reach};

const ACCOUNTS: usize = 3;
/// Long enough for the first installation, and for the people to confirm.
const INSTALLATION: Duration = Duration::from_secs(10 * 60);
/// Long enough for every backoff and two resyncs.
const RECOVERY: Duration = Duration::from_secs(60 * 60);
/// At least two resyncs more.
const SILENCE: Duration = Duration::from_secs(40 * 60);

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn from_any_drift_under_any_faults_everything_comes_back_and_then_there_is_silence(
        seed in any::<u64>(),
        lags in script::lags(),
        script in script::script(ACCOUNTS),
    ) {
        in_virtual_time(run(Stage::lagging(ACCOUNTS, seed, lags), script));
    }
}

async fn run(stage: Stage, script: Script) {
    let daemon = stage.daemon(&stage.config(""));
    let around = async {
        tokio::time::sleep(INSTALLATION).await;
        stage.confirm_subscriptions();
        let watchman = Watchman::post(&stage.simulator, "orgwatch-");
        script.play(&stage).await;
        tokio::time::sleep(RECOVERY).await;
        watchman.assert_no_path_was_broken();
        let left = daemon.out_of_sync();
        assert!(left.is_empty(), "not in sync an hour after the last trouble: {left:#?}");
        let calls = stage.calls();
        tokio::time::sleep(SILENCE).await;
        assert_eq!(stage.writes_since(calls), Vec::<String>::new(), "writes although everything is in sync");
        assert_everybody_is_heard(&stage);
    };
    let serving = daemon.serve_for(INSTALLATION + TROUBLED + RECOVERY + SILENCE + Duration::from_secs(60));
    let (_, ended_early) = futures::join!(around, serving);
    assert!(!ended_early);
}

/// An IAM event of each account reaches the people.
pub(crate) fn assert_everybody_is_heard(stage: &Stage) {
    let world = stage.simulator.world();
    let all = reach(&world, orgwatch_sim::delivery::View::Effective);
    for (cause, reached) in all.iter().filter(|(cause, _)| cause.region == world.partition.iam_region) {
        let wanted = format!("email {PEOPLE}");
        assert!(reached.contains(&wanted), "{cause:?} reaches {reached:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run_again() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let script =
        script::script(ACCOUNTS).new_tree(&mut TestRunner::deterministic()).expect("there is one").current();
    let lags = Lags {
        read: SignedDuration::from_secs(7),
        effect: SignedDuration::from_secs(3),
        role: SignedDuration::from_secs(11),
        uneven: Some(7),
    };
    let journal = || {
        in_virtual_time(async {
            let stage = Stage::lagging(ACCOUNTS, 5, lags);
            let daemon = stage.daemon(&stage.config(""));
            futures::join!(script.play(&stage), daemon.serve_for(TROUBLED));
            let world = stage.simulator.world();
            let told =
                |entry: &Entry| format!("{} {} {:?}", entry.call.at, entry.principal(), entry.call.input);
            world.journal.since(0).map(told).collect::<Vec<_>>()
        })
    };
    let (first, second) = (journal(), journal());
    assert!(first.len() > 200, "{}", first.len());
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first, second);
    }
    assert_eq!(first.len(), second.len());
}
