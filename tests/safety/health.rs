//! People hear of orgwatch itself: what changed, at most once a minute for each type, and that the daemon is dead.

use std::collections::BTreeMap;
use std::time::Duration;

use orgwatch_sim::call::Service;
use serde_json::{Value, json};

use crate::drift::Drift;
use crate::stage::{Daemon, PEOPLE, Stage, in_virtual_time};

const TOLD: &str = "[notify]\nalert = 'orgwatch-health'\n";

fn daemon(stage: &Stage) -> Daemon {
    stage.daemon(&stage.config(TOLD))
}

/// Serves until everything is installed, confirmed and quiet.
async fn quiet(stage: &Stage) {
    stage.confirming(daemon(stage).serve_for(Duration::from_secs(8 * 60))).await;
}

/// The mails that people got since they were last read.
fn mails(stage: &Stage) -> Vec<String> {
    // Whoever looks into the world brings its alarms up to date.
    stage.make(&stage.accounts[0], Service::CloudWatch, "DescribeAlarms", json!({}));
    let mut world = stage.simulator.world();
    let mails: Vec<String> =
        world.outbox.all().filter(|mail| mail.endpoint == PEOPLE).map(|mail| mail.body.clone()).collect();
    world.outbox.clear();
    mails
}

fn alarms(mails: &[String], state: &str) -> usize {
    mails.iter().filter(|mail| mail.contains(&format!("\"NewStateValue\":\"{state}\""))).count()
}

#[test]
fn while_the_daemon_is_dead_alerts_go_on_and_the_heartbeats_alarm_says_so() {
    in_virtual_time(async {
        let stage = Stage::new(3, 21);
        quiet(&stage).await;
        assert_eq!(alarms(&mails(&stage), "ALARM"), 0, "the heart beats");
        let member = stage.accounts[1].clone();
        let mut told = Vec::new();
        for minute in 0..10 {
            stage.make(&member, Service::Iam, "CreateUser", json!({ "UserName": format!("eve-{minute}") }));
            tokio::time::sleep(Duration::from_secs(60)).await;
            told.extend(mails(&stage));
        }
        for minute in 0..10 {
            let user = format!("eve-{minute}");
            let count =
                told.iter().filter(|mail| mail.contains("CreateUser") && mail.contains(&user)).count();
            assert_eq!(count, 1, "{user}");
        }
        assert_eq!(alarms(&told, "ALARM"), 1);
        let back = daemon(&stage);
        back.serve_for(Duration::from_secs(4 * 60)).await;
        assert_eq!(alarms(&mails(&stage), "OK"), 1);
        assert!(back.snapshot().inbox.last_message_at.is_some(), "it hears its own heart");
    });
}

/// How many events of each type orgwatch put since then, by minute.
fn told_by_minute(stage: &Stage, since: u64) -> BTreeMap<(i64, String), usize> {
    let world = stage.simulator.world();
    let calls = world.journal.since(since).filter(|entry| entry.call.operation == "PutEvents");
    let mut counts = BTreeMap::new();
    for entry in calls {
        for event in entry.call.list("Entries").iter().filter(|event| event["Source"] == "orgwatch") {
            let kind = event["DetailType"].as_str().unwrap_or_default().to_owned();
            *counts.entry((entry.call.at.as_second() / 60, kind)).or_insert(0) += 1;
        }
    }
    counts
}

#[test]
fn what_changes_is_told_with_numbers_and_never_more_than_once_a_minute_for_each_type() {
    in_virtual_time(async {
        let stage = Stage::new(12, 22);
        quiet(&stage).await;
        mails(&stage);
        let calls = stage.calls();
        let daemon = daemon(&stage);
        let around = async {
            tokio::time::sleep(Duration::from_secs(120)).await;
            for account in stage.accounts.clone() {
                Drift::RuleDisabled.happens(&stage, &account);
                tokio::time::sleep(Duration::from_secs(7)).await;
            }
            tokio::time::sleep(Duration::from_secs(180)).await;
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
        let told: Vec<String> =
            mails(&stage).into_iter().filter(|mail| mail.contains("orgwatch: ")).collect();
        for words in ["deed", "of tampering", "undone", " s after it was done"] {
            assert!(told.iter().any(|mail| mail.contains(words)), "{words}: {told:#?}");
        }
        assert!(
            told.iter()
                .any(|mail| mail.contains("is not covered any more")
                    || mail.contains("are not covered any more")),
            "{told:#?}"
        );
        let counts = told_by_minute(&stage, calls);
        assert!(counts.keys().any(|(_, kind)| kind == "TamperRepaired"), "{counts:?}");
        assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    });
}

#[test]
fn an_event_of_our_source_by_somebody_else_is_told_to_nobody() {
    in_virtual_time(async {
        let stage = Stage::new(2, 23);
        quiet(&stage).await;
        mails(&stage);
        // By way of the sender's own role and rule, as the bus admits it.
        let member = stage.accounts[1].clone();
        let pattern = json!({ "source": ["orgwatch", "orgwatch.heartbeat"] }).to_string();
        let kit = &stage.kit;
        let bus = format!(
            "arn:{}:events:{}:{}:event-bus/orgwatch",
            kit.partition,
            stage.region(),
            kit.central_account
        );
        let role = format!("arn:{}:iam::{member}:role/orgwatch-forwarder", kit.partition);
        let make = |operation: &str, input: Value| stage.make(&member, Service::Events, operation, input);
        make("PutRule", json!({ "Name": "orgwatch-mine", "EventPattern": pattern }));
        make(
            "PutTargets",
            json!({ "Rule": "orgwatch-mine", "Targets": [{ "Id": "x", "Arn": bus, "RoleArn": role }] }),
        );
        for source in ["orgwatch", "orgwatch.heartbeat"] {
            let detail = json!({ "message": "all is well", "examples": "" }).to_string();
            let entry = json!({ "Source": source, "DetailType": "AccountCovered", "Detail": detail });
            make("PutEvents", json!({ "Entries": [entry] }));
        }
        tokio::time::sleep(Duration::from_secs(9 * 60)).await;
        let told = mails(&stage);
        assert!(!told.iter().any(|mail| mail.contains("all is well")), "{told:#?}");
        assert_eq!(alarms(&told, "ALARM"), 1, "a stranger's heart is not ours");
    });
}
