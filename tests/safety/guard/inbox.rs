//! Without the inbox everything goes on by the timer.

use std::time::Duration;

use orgwatch::model::target::Side;
use orgwatch_sim::call::Service;
use serde_json::json;

use super::{AT_ONCE, guarding, target, until_quiet, until_repaired};
use crate::drift::Drift;
use crate::stage::{Stage, in_virtual_time};

#[test]
fn without_the_inbox_everything_goes_on_by_the_timer_and_that_is_shown() {
    in_virtual_time(async {
        let stage = Stage::new(3, 9);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            assert_eq!(daemon.snapshot().inbox.state, "reading", "{:?}", daemon.snapshot().inbox);
            let central = stage.accounts[0].clone();
            let url = format!("https://sqs/{central}/orgwatch-inbox");
            stage.make(&central, Service::Sqs, "DeleteQueue", json!({ "QueueUrl": url }));
            tokio::time::sleep(Duration::from_secs(30)).await;
            let shown = daemon.snapshot().inbox;
            assert_eq!(shown.state, "unavailable");
            assert!(shown.message.is_some_and(|message| message.contains("by the timer")));
            let account = stage.accounts[1].clone();
            Drift::RuleDisabled.happens(&stage, &account);
            let key = target(&stage, Side::Member, &account);
            assert!(until_repaired(&daemon, &stage, &key, Duration::from_secs(17 * 60)).await.is_some());
            tokio::time::sleep(Duration::from_secs(17 * 60)).await;
            assert_eq!(daemon.snapshot().inbox.state, "reading", "the queue is made again");
            Drift::RuleDisabled.happens(&stage, &account);
            let took = until_repaired(&daemon, &stage, &key, Duration::from_secs(60)).await;
            assert!(took.is_some_and(|took| took <= AT_ONCE), "{took:?}");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}
