//! What an administrator of a member, or a stranger, sends to the bus or the inbox gains him nothing.

use std::time::Duration;

use jiff::SignedDuration;
use orgwatch::inbox::notice::Notice;
use orgwatch::model::target::Side;
use orgwatch_sim::access::Asker;
use orgwatch_sim::call::{Caller, Service};
use orgwatch_sim::service::sqs;
use serde_json::{Value, json};

use super::{guarding, passes, session_of, target, until_quiet, until_repaired};
use crate::drift::Drift;
use crate::stage::{Stage, in_virtual_time};

fn received(stage: &Stage) -> usize {
    stage.simulator.world().outbox.all().count()
}

fn since(stage: &Stage, count: usize) -> Vec<String> {
    let world = stage.simulator.world();
    world.outbox.all().skip(count).filter(|r| r.protocol != "sqs").map(|r| r.body.clone()).collect()
}

/// A role of a member's own, of a name that the bus admits, with the right to send there.
fn a_sender_of_their_own(stage: &Stage, account: &str) -> Caller {
    let name = "orgwatch-forwarder-x";
    let statement =
        |statement: Value| json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let trust = statement(json!({
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": account },
    }));
    let rights = statement(json!({ "Effect": "Allow", "Action": "events:PutEvents", "Resource": "*" }));
    stage.make(
        account,
        Service::Iam,
        "CreateRole",
        json!({ "RoleName": name, "AssumeRolePolicyDocument": trust }),
    );
    stage.make(
        account,
        Service::Iam,
        "PutRolePolicy",
        json!({ "RoleName": name, "PolicyName": "send", "PolicyDocument": rights }),
    );
    session_of(stage, account, name)
}

#[test]
fn an_event_put_straight_on_the_central_bus_reaches_no_people_and_wakes_nobody() {
    in_virtual_time(async {
        let stage = Stage::new(3, 6);
        let (daemon, told) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let (received, account) = (received(&stage), stage.accounts[1].clone());
            let (calls, woken) = (stage.calls(), daemon.snapshot().inbox.woken);
            let sender = a_sender_of_their_own(&stage, &account);
            let region = stage.region();
            let bus = format!(
                "arn:{}:events:{region}:{}:event-bus/orgwatch",
                stage.kit.partition, stage.kit.central_account
            );
            // Copied from a real one, down to the victim's account.
            let detail: Value =
                serde_json::from_str(include_str!("../../corpus/guard/events-disable-rule.json")).unwrap();
            let mut detail = detail["detail"].clone();
            detail["userIdentity"] = json!({ "type": "Root", "accountId": stage.accounts[2] });
            detail["recipientAccountId"] = stage.accounts[2].clone().into();
            let mut admitted = 0;
            for source in
                ["aws.events", "aws.iam", "aws.organizations", "orgwatch", "orgwatch.guard", "events"]
            {
                let entry = json!({
                    "Source": source, "DetailType": "AWS API Call via CloudTrail", "EventBusName": bus,
                    "Detail": detail.to_string(),
                });
                let Value::Object(input) = json!({ "Entries": [entry] }) else { unreachable!() };
                let answer = stage.simulator.ask(&sender, Service::Events, &region, "PutEvents", input);
                admitted += usize::from(answer.is_ok_and(|answer| answer["FailedEntryCount"] == 0));
            }
            assert!(admitted > 0, "an attempt that AWS refuses altogether proves nothing");
            tokio::time::sleep(Duration::from_secs(60)).await;
            // Making the role is told, as it is an IAM change; nothing else is.
            let more: Vec<String> =
                since(&stage, received).into_iter().filter(|b| !b.contains("orgwatch-forwarder-x")).collect();
            assert_eq!(more, Vec::<String>::new());
            assert_eq!(daemon.snapshot().inbox.woken, woken);
            let ours =
                stage.told_writes_since(calls).into_iter().filter(|write| !write.contains("PutEvents"));
            assert_eq!(ours.collect::<Vec<_>>(), Vec::<String>::new());
            assert_eq!(told.all(), Vec::new());
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

/// Puts a message into the inbox as a rule would.
fn send(stage: &Stage, body: &str) {
    let central = &stage.kit.central_account;
    let (partition, region) = (&stage.kit.partition, stage.region());
    let asker = Asker::Service {
        service: "events.amazonaws.com".to_owned(),
        source_account: central.clone(),
        source_arn: format!("arn:{partition}:events:{region}:{central}:rule/orgwatch/orgwatch-wake"),
    };
    let queue = format!("arn:{partition}:sqs:{region}:{central}:orgwatch-inbox");
    let sent =
        sqs::send(&mut stage.simulator.world(), &queue, body, &std::collections::BTreeMap::new(), &asker);
    sent.expect("the rule may send");
}

/// A deed in an account as it arrives.
fn deed(stage: &Stage, account: &str, id: usize) -> Value {
    let mut event: Value =
        serde_json::from_str(include_str!("../../corpus/guard/events-disable-rule.json")).unwrap();
    event["account"] = account.into();
    event["time"] = stage.clock.now().to_string().into();
    event["detail"]["eventID"] = format!("forged-{id}").into();
    event
}

#[test]
fn a_flood_of_forged_messages_is_told_and_starves_nobody() {
    in_virtual_time(async {
        let stage = Stage::new(4, 8);
        let (daemon, told) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let victim = stage.accounts[1].clone();
            let (calls, began) = (stage.calls(), tokio::time::Instant::now());
            for n in 0..10_000 {
                let body = match n % 5 {
                    0 => "not even JSON".to_owned(),
                    1 => json!({ "source": "orgwatch.canary", "account": victim }).to_string(),
                    2 => deed(&stage, "999999999999", n).to_string(),
                    3 => deed(&stage, &victim, 0).to_string(),
                    _ => deed(&stage, &victim, n).to_string(),
                };
                send(&stage, &body);
            }
            // A real deed in another account right behind the flood.
            let other = stage.accounts[2].clone();
            Drift::RuleDisabled.happens(&stage, &other);
            let key = target(&stage, Side::Member, &other);
            let repaired = until_repaired(&daemon, &stage, &key, Duration::from_secs(600)).await;
            println!("10,000 forged messages: the real one behind them repaired after {repaired:?}");
            assert!(repaired.is_some());
            tokio::time::sleep(Duration::from_secs(20 * 60)).await;
            assert!(told.all().iter().any(|notice| matches!(notice, Notice::InboxFlooded { .. })));
            let writes = stage.told_writes_since(calls);
            assert!(
                writes.iter().all(|write| write.contains(other.as_str()) || write.contains("DeleteMessage")),
                "{writes:#?}"
            );
            // Looks at the victim: one in ten seconds while forged deeds came, then by the timer.
            let looks = passes(&stage, calls, &victim);
            println!("{looks} passes over the flooded target within {:?}", began.elapsed());
            assert!(looks < 60, "{looks}");
            for view in daemon.controller.views(&daemon.controller.keys()) {
                let age = stage.clock.now().duration_since(view.observed_at);
                assert!(age < SignedDuration::from_mins(18), "{} was not looked at for {age}", view.target);
            }
            assert_eq!(daemon.snapshot().inbox.flooded_since, None, "it is over");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}
