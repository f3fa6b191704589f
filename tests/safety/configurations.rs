//! Across every change of the configuration, no call takes a path away before another one carries.

use std::time::Duration;

use orgwatch_sim::call::Service;
use orgwatch_sim::world::Lags;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::converges::assert_everybody_is_heard;
use crate::keys;
use crate::script;
use crate::stage::{PEOPLE, Stage, Watchman, in_virtual_time};

/// Long enough to install, or to change over with every settle time.
const SETTLED: Duration = Duration::from_secs(2 * 60 * 60);

/// Two configurations between which people change, back and forth.
#[derive(Clone, Copy, Debug)]
struct Change {
    what: &'static str,
    from: &'static str,
    to: &'static str,
}

const SECOND_REGION: &str = "eu-west-1";
const RECONCILE: &str = "[reconcile]\nmode = 'enforce'\niam_writes_per_second = 'off'\nprune = true\n";

const CHANGES: [Change; 12] = [
    Change {
        what: "a watch is renamed",
        from: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n",
        to: "[[watch]]\nname = 'identities'\npreset = 'iam-changes'\n",
    },
    Change {
        what: "a watch becomes wider",
        from: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n",
        to: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-any'\n",
    },
    Change {
        what: "a watch is added beside another",
        from: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n",
        to: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n\
             [[watch]]\nname = 'users'\npreset = 'iam-user-deletion'\n",
    },
    Change {
        what: "the forwarding role is renamed",
        from: "[member]\nforwarding_role_name = 'orgwatch-forwarder'\n",
        to: "[member]\nforwarding_role_name = 'orgwatch-forwarder-2'\n",
    },
    Change { what: "the bus gets a key", from: "", to: "kms_key_arn = '<key>'\n" },
    Change {
        what: "the topic gets a key",
        from: "[[alert]]\nname = 'iam-changes'\n\
               subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
        to: "[[alert]]\nname = 'iam-changes'\nkms_key_arn = '<key>'\n\
             subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
    },
    Change { what: "the bus admits the whole organization", from: "", to: "senders = 'organization'\n" },
    Change {
        what: "the alert is renamed, and with it its topic",
        from: "[[alert]]\nname = 'iam-changes'\n\
               subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
        to: "[[alert]]\nname = 'identities'\n\
             subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
    },
    Change {
        what: "the alert gets a display name",
        from: "[[alert]]\nname = 'iam-changes'\n\
               subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
        to: "[[alert]]\nname = 'iam-changes'\ndisplay_name = 'IAM'\n\
             subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
    },
    Change {
        what: "the rule delivers by a role",
        from: "[[alert]]\nname = 'iam-changes'\n\
               subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
        to: "[[alert]]\nname = 'iam-changes'\ndelivery = 'role'\n\
             subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
    },
    Change {
        what: "a second alert is added",
        from: "[[alert]]\nname = 'iam-changes'\n\
               subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n",
        to: "[[alert]]\nname = 'iam-changes'\n\
             subscriptions = [{ protocol = 'email', endpoint = 'security@example.com' }]\n\
             [[alert]]\nname = 'auditors'\n\
             subscriptions = [{ protocol = 'email', endpoint = 'audit@example.com' }]\n",
    },
    Change {
        what: "a Region is added",
        from: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\nregions = ['us-east-1']\n",
        to: "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\nregions = ['us-east-1', 'eu-west-1']\n",
    },
];

fn any_lags() -> impl Strategy<Value = Lags> {
    script::lags()
}

proptest! {
    #![proptest_config(proptest::test_runner::Config { max_shrink_iters: 0, ..crate::cases(1) })]

    #[test]
    fn no_change_of_the_configuration_breaks_a_path(
        seed in any::<u64>(),
        lags in any_lags(),
        backwards in any::<bool>(),
    ) {
        for change in CHANGES {
            in_virtual_time(run(Stage::lagging(2, seed, lags), change, backwards));
        }
    }
}

async fn run(stage: Stage, change: Change, backwards: bool) {
    // In the management account people install the roles themselves, before they change over.
    for role in ["orgwatch-forwarder-2", "orgwatch-forwarder-2-guard"] {
        stage.kit.install_forwarder(&mut stage.simulator.world(), &stage.management, role);
    }
    let key = keys::make(&stage, &keys::lets_in());
    let with_key = |part: &str| part.replace("<key>", &key);
    let (from, to) = (with_key(change.from), with_key(change.to));
    let (from, to) = if backwards { (to, from) } else { (from, to) };
    let what = format!("{}{}", change.what, if backwards { ", backwards" } else { "" });
    serve(&stage, &configuration(&stage, &from), &what).await;
    assert_everybody_is_heard(&stage);
    let watchman = Watchman::post(&stage.simulator, "orgwatch-");
    // A Region that is taken out is no longer watched, as somebody wished.
    if from.contains(SECOND_REGION) && !to.contains(SECOND_REGION) {
        watchman.let_end(SECOND_REGION);
    }
    serve(&stage, &configuration(&stage, &to), &what).await;
    watchman.assert_no_path_was_broken();
    assert_everybody_is_heard(&stage);
}

fn configuration(stage: &Stage, part: &str) -> String {
    // A key of [central] goes where that section is.
    if part.starts_with("senders") || part.starts_with("kms_key_arn") {
        let text = stage.config(RECONCILE);
        text.replace("[central]\n", &format!("[central]\n{part}"))
    } else {
        stage.config(&format!("{RECONCILE}{part}"))
    }
}

/// What arrived before the path had taken effect lies there, and keeps the queue of a Region that is taken out.
fn read_dead_letters(stage: &Stage) {
    let central = &stage.kit.central_account;
    for region in [stage.region(), SECOND_REGION.to_owned()] {
        let queue = json!({ "QueueUrl": format!("https://sqs/{central}/orgwatch-dead-letters") });
        let Value::Object(queue) = queue else { unreachable!("an object is one") };
        let read =
            stage.simulator.ask(&stage.administrator(central), Service::Sqs, &region, "PurgeQueue", queue);
        // Not every configuration has one there.
        assert!(read.is_ok() || region == SECOND_REGION, "{read:?}");
    }
}

/// A process with this configuration, whose mails people answer half an hour after they come, and whose dead letters they read then.
async fn serve(stage: &Stage, config: &str, what: &str) {
    let daemon = stage.daemon(config);
    let people = async {
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_secs(30 * 60)).await;
            stage.confirm_subscriptions();
            read_dead_letters(stage);
        }
    };
    let (_, ended_early) = futures::join!(people, daemon.serve_for(SETTLED));
    assert!(!ended_early);
    let left = daemon.out_of_sync();
    assert!(
        left.is_empty(),
        "{what}: not in sync at the end with {PEOPLE} having confirmed: {left:#?}\n{config}"
    );
}
