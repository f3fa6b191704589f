//! Teardown after any history leaves nothing of ours, and everything else as it was.

use std::time::Duration;

use orgwatch_sim::call::Service;
use proptest::prelude::*;
use serde_json::json;

use crate::script::{self, Script, TROUBLED};
use crate::stage::{Fuse, Ledger, Stage, in_virtual_time};

const ACCOUNTS: usize = 3;
const QUEUE: &str = "orgwatch-dead-letters";

/// Configurations that one installation may go through.
const CONFIGURATIONS: [&str; 4] = [
    "",
    "[[watch]]\nname = 'renamed'\npreset = 'iam-changes'\n",
    "prune = true\n[[watch]]\nname = 'policies'\npreset = 'cis-4.4'\n[[watch]]\nname = 'users'\npreset = 'iam-user-deletion'\n",
    "[[alert]]\nname = 'second'\nsubscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n\
     [member]\nforwarding_role_name = 'orgwatch-forwarder-2'\n",
];

/// What came before the teardown.
#[derive(Clone, Debug)]
enum Chapter {
    /// An `apply` with a configuration, ended after so many calls, if it makes as many.
    Applied { configuration: usize, calls: i64 },
    /// A daemon with a configuration, while things happen around it.
    Served { configuration: usize, script: Script },
    /// A teardown, ended after so many calls.
    TornDown { calls: i64 },
}

fn chapter() -> impl Strategy<Value = Chapter> {
    let configuration = || 0..CONFIGURATIONS.len();
    let calls = || prop_oneof![Just(i64::MAX), 1..150_i64];
    prop_oneof![
        3 => (configuration(), calls())
            .prop_map(|(configuration, calls)| Chapter::Applied { configuration, calls }),
        1 => (configuration(), script::script(ACCOUNTS))
            .prop_map(|(configuration, script)| Chapter::Served { configuration, script }),
        1 => calls().prop_map(|calls| Chapter::TornDown { calls }),
    ]
}

impl Chapter {
    async fn happens(&self, stage: &Stage) {
        match self {
            Self::Applied { configuration, calls } => {
                let config = stage.config(CONFIGURATIONS[*configuration]);
                let purpose = orgwatch::controller::Purpose::default();
                let apply = stage.process(&config, purpose, Fuse::after(*calls));
                stage.ends(stage.confirming(apply.apply_until_the_fuse_blows())).await;
            }
            Self::Served { configuration, script } => {
                let daemon = stage.daemon(&stage.config(CONFIGURATIONS[*configuration]));
                let around = stage.confirming(script.play(stage));
                futures::join!(around, daemon.serve_for(TROUBLED + Duration::from_secs(60)));
            }
            Self::TornDown { calls } => {
                let teardown = stage.teardown(&stage.config(""), false, Fuse::after(*calls));
                stage.ends(teardown.apply_until_the_fuse_blows()).await;
            }
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(6))]

    #[test]
    fn after_any_history_it_leaves_nothing_of_ours_and_everything_else_as_it_was(
        seed in any::<u64>(),
        history in proptest::collection::vec(chapter(), 1..4),
        delete_data in any::<bool>(),
    ) {
        in_virtual_time(run(Stage::new(ACCOUNTS, seed), &history, delete_data));
    }
}

async fn run(stage: Stage, history: &[Chapter], delete_data: bool) {
    let ledger = Ledger::post(&stage.simulator);
    for chapter in history {
        chapter.happens(&stage).await;
    }
    // The last configuration is not known to whoever tears down: names that were once desired are found all the same.
    let filled = fill_the_queue(&stage);
    let teardown = stage.teardown(&stage.config(""), delete_data, Fuse::none());
    stage.ends(teardown.apply()).await;
    ledger.assert_nothing_of_others_was_touched();
    let mut left = ledger.left();
    // A rule that somebody made on our bus, at a name of ours too, is theirs, and AWS deletes no bus that has one.
    if has_a_rule(&stage) {
        let before = left.len();
        left.retain(|name| !name.ends_with(" bus orgwatch"));
        assert_eq!(left.len() + 1, before, "{left:?}");
    }
    if delete_data {
        assert_eq!(left, Vec::<String>::new());
        return;
    }
    // Events stay: those in a queue that holds some, and those in the archive with the bus that it belongs to.
    let kept = |name: &&String| name.ends_with(QUEUE);
    let archived = |name: &&String| name.ends_with(" archive orgwatch") || name.ends_with(" bus orgwatch");
    assert!(left.iter().all(|name| kept(&name) || archived(&name)), "{left:?}");
    assert_eq!(left.iter().filter(kept).count(), usize::from(filled), "a queue that holds events stays");
    let events = left.iter().filter(archived).count();
    let archive_alone = usize::from(has_a_rule(&stage));
    assert!(
        events == 0 || events + archive_alone == 2,
        "an archive stays with its bus, and no bus without one: {left:?}"
    );
}

/// Whether a rule is on our bus. Ours are gone, so it is somebody else's.
fn has_a_rule(stage: &Stage) -> bool {
    let central = &stage.kit.central_account;
    let rules = stage.ask(central, Service::Events, "ListRules", json!({ "EventBusName": "orgwatch" }));
    rules.is_ok_and(|found| found["Rules"].as_array().is_some_and(|rules| !rules.is_empty()))
}

/// Puts a dead letter into the queue, if there is one.
fn fill_the_queue(stage: &Stage) -> bool {
    let central = &stage.kit.central_account;
    let url = format!("https://sqs/{central}/{QUEUE}");
    let input = json!({ "QueueUrl": url, "MessageBody": "{}" });
    stage.ask(central, Service::Sqs, "SendMessage", input).is_ok()
}
