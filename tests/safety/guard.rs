//! Whoever tampers with what is ours is noticed and told of within seconds, and so is its undoing; and nobody gains
//! anything by the queue that this takes.

#![expect(clippy::print_stdout, reason = "what was measured is worth reading when a test is run by hand")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use orgwatch::inbox::notice::{Notice, Tell};
use orgwatch::model::resource::Verdict;
use orgwatch::model::target::{Side, TargetKey};
use orgwatch_sim::access::Asker;
use orgwatch_sim::call::{Caller, Principal, Service, Session};
use orgwatch_sim::journal::Entry;
use orgwatch_sim::service::{organizations, sqs};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::drift::{Drift, IN_CENTRAL, IN_MEMBERS};
use crate::stage::{Daemon, Stage, in_virtual_time};

const GUARDED: &str = "[guard]\nenabled = true\n";
/// What an event of a real account may take at most to its repair.
const AT_ONCE: Duration = Duration::from_secs(5);

/// Keeps what people would be told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<Notice>>);

impl Tell for Told {
    fn tell(&self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}

impl Told {
    fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap().clone()
    }
}

/// A daemon that guards, and what it tells people.
fn guarding(stage: &Stage) -> (Daemon, Arc<Told>) {
    guarding_with(stage, "")
}

fn guarding_with(stage: &Stage, more: &str) -> (Daemon, Arc<Told>) {
    let daemon = stage.daemon(&stage.config(&format!("{GUARDED}{more}")));
    let told = Arc::new(Told::default());
    daemon.controller.tell_to(Arc::clone(&told) as Arc<dyn Tell>);
    (daemon, told)
}

/// How many alerts about tampering people have got.
fn alerts(stage: &Stage) -> usize {
    let world = stage.simulator.world();
    world
        .outbox
        .all()
        .filter(|received| {
            received.protocol == "email" && received.body.contains("Tampering with orgwatch: ")
        })
        .count()
}

/// The key of a member's target, or of the central one.
fn target(stage: &Stage, side: Side, account: &str) -> TargetKey {
    TargetKey { side, account: account.parse().unwrap(), region: stage.region().parse().unwrap() }
}

/// Waits until a pass that began later saw the target in sync; answers how long that took.
async fn until_repaired(
    daemon: &Daemon,
    stage: &Stage,
    key: &TargetKey,
    patience: Duration,
) -> Option<Duration> {
    let (began, at) = (tokio::time::Instant::now(), stage.clock.now());
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let views = daemon.controller.views(std::slice::from_ref(key));
        let repaired = views.first().is_some_and(|view| {
            view.observed_at >= at
                && view.error.is_none()
                && view.resources.iter().all(|resource| resource.verdict == Verdict::InSync)
        });
        if repaired {
            return Some(began.elapsed());
        }
        if began.elapsed() > patience {
            return None;
        }
    }
}

/// Everything is installed, confirmed and quiet.
async fn until_quiet(stage: &Stage) {
    tokio::time::sleep(Duration::from_secs(300)).await;
    stage.confirm_subscriptions();
    tokio::time::sleep(Duration::from_secs(120)).await;
}

/// What is left to people, or what AWS itself delays: a name of a queue is free again after a minute.
fn takes_longer(drift: Drift) -> bool {
    matches!(drift, Drift::SubscriptionAdded | Drift::QueueDeleted)
}

fn tampering_is_noticed_and_undone(accounts: usize, deeds: usize) {
    in_virtual_time(async {
        let stage = Stage::new(accounts, 7);
        // So many deeds within an hour are more than is undone without asking.
        let (daemon, told) = guarding_with(&stage, "[reconcile.limits]\nchanged_accounts = 'off'\n");
        let mut chance = StdRng::seed_from_u64(11);
        let around = async {
            until_quiet(&stage).await;
            let (mut took, mut changing) = (Vec::new(), 0);
            for _ in 0..deeds {
                let central = chance.random_ratio(1, 6);
                let (side, account, drift) = if central {
                    let quick: Vec<Drift> = IN_CENTRAL.into_iter().filter(|d| !takes_longer(*d)).collect();
                    (Side::Central, stage.accounts[0].clone(), *quick.choose(&mut chance).unwrap())
                } else {
                    let account = stage.accounts.choose(&mut chance).unwrap().clone();
                    (Side::Member, account, *IN_MEMBERS.choose(&mut chance).unwrap())
                };
                let before = alerts(&stage);
                // The mark in the description still says whose the rule is.
                changing += usize::from(drift != Drift::RuleUntagged);
                drift.happens(&stage, &account);
                let key = target(&stage, side, &account);
                let repaired = until_repaired(&daemon, &stage, &key, Duration::from_secs(1200)).await;
                let repaired = repaired.unwrap_or_else(|| panic!("{drift:?} in {key} stays"));
                took.push((repaired, format!("{drift:?} in {key}")));
                assert!(alerts(&stage) > before, "{drift:?} in {account} is told to nobody");
                tokio::time::sleep(Duration::from_secs(13)).await;
            }
            took.sort();
            let p99 = &took[(took.len() * 99).div_ceil(100) - 1];
            println!(
                "{} deeds in {accounts} accounts: p50 {:?}, p99 {:?}",
                took.len(),
                took[took.len() / 2].0,
                p99.0
            );
            assert!(p99.0 <= AT_ONCE, "{p99:?}, at most {:?}", took.last());
            let undone = told.all().into_iter().filter(|n| matches!(n, Notice::TamperRepaired(_))).count();
            assert!(undone >= changing, "{undone} of {changing} are told to be undone");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn any_tampering_is_noticed_told_and_undone_within_five_seconds() {
    tampering_is_noticed_and_undone(20, 60);
}

#[test]
#[ignore = "takes minutes; .ci/deep runs it"]
fn any_tampering_in_five_hundred_accounts_is_noticed_told_and_undone_within_five_seconds() {
    tampering_is_noticed_and_undone(500, 200);
}

#[test]
fn without_the_guard_the_next_pass_repairs_and_says_how_long_it_was_blind() {
    in_virtual_time(async {
        let stage = Stage::new(3, 3);
        let (daemon, told) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            let make = |service, operation, input| stage.make(&account, service, operation, input);
            make(Service::Events, "DisableRule", json!({ "Name": "orgwatch-guard" }));
            make(Service::Events, "DisableRule", json!({ "Name": "orgwatch-iam-changes" }));
            let key = target(&stage, Side::Member, &account);
            let soon = until_repaired(&daemon, &stage, &key, Duration::from_secs(10)).await;
            assert_eq!(soon, None, "nothing was there to notice it");
            let later = until_repaired(&daemon, &stage, &key, Duration::from_secs(17 * 60)).await;
            assert!(later.is_some());
            let blind = told.all().into_iter().find_map(|notice| match notice {
                Notice::GuardWasBlind { target, since, until } if target == key => Some((since, until)),
                _ => None,
            });
            let (since, until) = blind.expect("it is told");
            assert!(until.duration_since(since) < SignedDuration::from_mins(17), "{since} to {until}");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn what_one_script_deletes_together_is_back_with_the_next_pass_at_the_latest() {
    in_virtual_time(async {
        let stage = Stage::new(3, 4);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[2].clone();
            for rule in ["orgwatch-guard", "orgwatch-iam-changes"] {
                let make = |operation, input| stage.make(&account, Service::Events, operation, input);
                make("RemoveTargets", json!({ "Rule": rule, "Ids": ["central"] }));
                make("DeleteRule", json!({ "Name": rule }));
            }
            for role in ["orgwatch-forwarder-guard", "orgwatch-forwarder"] {
                let make = |operation, input| stage.make(&account, Service::Iam, operation, input);
                make("DeleteRolePolicy", json!({ "RoleName": role, "PolicyName": "orgwatch-forward" }));
                make("DeleteRole", json!({ "RoleName": role }));
            }
            let key = target(&stage, Side::Member, &account);
            let took = until_repaired(&daemon, &stage, &key, Duration::from_secs(17 * 60)).await;
            println!("one script: repaired after {took:?}");
            assert!(took.is_some());
            crate::converges::assert_everybody_is_heard(&stage);
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

/// A new account in which the member role is installed after a while.
async fn joins(stage: &Stage, role_after: Duration) -> String {
    let account = {
        let mut world = stage.simulator.world();
        let id = organizations::join(
            &mut world,
            "new",
            "new@example.com",
            "",
            std::collections::BTreeMap::new(),
            SignedDuration::ZERO,
        );
        if role_after.is_zero() {
            stage.kit.install_member(&mut world, &id);
        }
        id
    };
    if !role_after.is_zero() {
        tokio::time::sleep(role_after).await;
        stage.kit.install_member(&mut stage.simulator.world(), &account);
    }
    account
}

#[test]
fn a_new_account_is_covered_five_seconds_after_it_joined_or_twenty_after_its_role_came() {
    in_virtual_time(async {
        let stage = Stage::new(3, 5);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            for (role_after, within) in [(0, 5), (40, 20)] {
                let account = joins(&stage, Duration::from_secs(role_after)).await;
                let key = target(&stage, Side::Member, &account);
                let took = until_repaired(&daemon, &stage, &key, Duration::from_secs(600)).await;
                println!("joined, the role {role_after} s later: covered {took:?} after the role");
                assert!(took.is_some_and(|took| took <= Duration::from_secs(within)), "{took:?}");
            }
            let measured = daemon.snapshot().latency.join_to_covered_seconds;
            assert!(measured.is_some_and(|seconds| seconds >= 40.0), "{measured:?}");
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
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
                serde_json::from_str(include_str!("../corpus/guard/events-disable-rule.json")).unwrap();
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

/// A session of a role, whoever opened it.
fn session_of(stage: &Stage, account: &str, role: &str) -> Caller {
    let world = stage.simulator.world();
    let held = world.accounts[account].iam.current().roles[role].clone();
    let session = Session {
        role_name: held.name,
        role_id: held.id,
        role_arn: held.arn,
        name: "mallory".to_owned(),
        token: String::new(),
        expires_at: world.now() + SignedDuration::from_hours(1),
        policies: Vec::new(),
        source_identity: None,
        chained: false,
    };
    Caller {
        account: account.to_owned(),
        principal: Principal::Session(Arc::new(session)),
        access_key: "stolen".to_owned(),
    }
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
        serde_json::from_str(include_str!("../corpus/guard/events-disable-rule.json")).unwrap();
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

/// How often a member was looked at since a call.
fn passes(stage: &Stage, since: u64, account: &str) -> usize {
    let world = stage.simulator.world();
    let lists = |entry: &&orgwatch_sim::journal::Entry| {
        entry.call.operation == "ListRules" && entry.call.caller.account == account
    };
    world.journal.since(since).filter(lists).count()
}

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

#[test]
fn what_we_write_ourselves_alarms_nobody_and_who_else_uses_our_role_is_told() {
    in_virtual_time(async {
        let stage = Stage::new(3, 10);
        let (daemon, told) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            Drift::RuleDisabled.happens(&stage, &account);
            tokio::time::sleep(Duration::from_secs(120)).await;
            // One alert for what was done; the repair is told by the daemon, and its own calls are not.
            assert_eq!(alerts(&stage), 1);
            let strange = |notice: &Notice| matches!(notice, Notice::RoleUsedByOthers { .. });
            assert!(!told.all().iter().any(strange), "{:#?}", told.all());

            let thief = session_of(&stage, &account, "orgwatch-member");
            let Value::Object(input) = json!({ "Rule": "orgwatch-iam-changes", "Ids": ["central"] }) else {
                unreachable!()
            };
            let region = stage.region();
            stage
                .simulator
                .ask(&thief, Service::Events, &region, "RemoveTargets", input)
                .expect("the role may");
            let key = target(&stage, Side::Member, &account);
            let took = until_repaired(&daemon, &stage, &key, Duration::from_secs(60)).await;
            assert!(took.is_some(), "what others do with our role is undone as well");
            assert!(told.all().iter().any(strange), "{:#?}", told.all());
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn a_call_that_failed_is_told_and_makes_nobody_look() {
    in_virtual_time(async {
        let stage = Stage::new(2, 12);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            let (calls, before) = (stage.calls(), alerts(&stage));
            let refused =
                stage.ask(&account, Service::Iam, "DeleteRole", json!({ "RoleName": "orgwatch-forwarder" }));
            assert!(refused.is_err(), "it has policies");
            tokio::time::sleep(Duration::from_secs(30)).await;
            assert!(alerts(&stage) > before);
            assert_eq!(passes(&stage, calls, &account), 0);
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn a_pass_over_a_member_in_sync_takes_eleven_calls() {
    in_virtual_time(async {
        let stage = Stage::new(2, 13);
        let (daemon, _) = guarding(&stage);
        let around = async {
            until_quiet(&stage).await;
            let account = stage.accounts[1].clone();
            let calls = stage.calls();
            tokio::time::sleep(Duration::from_secs(3600)).await;
            // Trails are looked at once an hour, beside the passes.
            let of_pass = |entry: &&Entry| {
                entry.call.caller.account == account && entry.call.service != Service::CloudTrail
            };
            let made = stage.simulator.world().journal.since(calls).filter(of_pass).count();
            let passes = passes(&stage, calls, &account);
            assert!(passes >= 3, "{passes}");
            assert_eq!(made, passes * 11);
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}

#[test]
fn every_family_of_calls_that_we_may_make_is_proven_to_be_heard_and_nothing_is_changed_by_it() {
    in_virtual_time(async {
        let stage = Stage::new(2, 14);
        let config = stage.config(GUARDED);
        stage.daemon(&config).apply().await;
        stage.confirm_subscriptions();
        let daemon = stage.daemon(&config);
        daemon.apply().await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        let (before, told) = (stage.holdings(), alerts(&stage));
        let proofs = daemon.controller.prove_guard().await.expect("everything is in sync");
        let calls: Vec<&str> = proofs.iter().map(|proof| proof.call.as_str()).collect();
        for family in
            ["events:PutRule", "events:PutTargets", "events:TagResource", "iam:TagRole", "sns:TagResource"]
        {
            assert!(calls.contains(&family), "{calls:?}");
        }
        for proof in &proofs {
            assert!(proof.seconds.is_some(), "{proof:?}");
        }
        assert_eq!(stage.holdings(), before);
        assert_eq!(alerts(&stage), told, "people are not told of it");
    });
}
