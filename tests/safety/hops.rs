//! Each hop of the path of an alert, broken by itself: coverage turns to `broken` in exactly the accounts whose alerts take
//! it, names it, and turns back when it is mended. The doctor ends at the same hop.

use std::collections::BTreeSet;
use std::time::Duration;

use orgwatch::controller::Purpose;
use orgwatch::hops;
use orgwatch::model::view::{Coverage, Snapshot};
use orgwatch_sim::call::Service::{self, CloudTrail, Events, Iam, Sns};
use serde_json::{Value, json};

use crate::drift::Drift;
use crate::stage::{Fuse, PEOPLE, Stage, in_virtual_time};

/// Until every account was looked at by the timer.
const A_ROUND: Duration = Duration::from_secs(20 * 60);
/// Until every account's trails were looked at.
const A_PROBE: Duration = Duration::from_secs(90 * 60);

/// Whose alerts take a hop.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Everybody,
    /// The account in which it is.
    Account,
    /// The one account that a second alert is for.
    SecondAlert,
}

use Whose::{Account, Everybody, SecondAlert};

/// A hop by the name, how it is broken in the account that is hit or in the central one, how it is mended where
/// that is not orgwatch's to do, whose it is, and what coverage says: the hop, the reason, and a word of the message.
struct Case {
    name: &'static str,
    breaks: fn(&Stage, &str),
    mends: Option<fn(&Stage)>,
    whose: Whose,
    hop: &'static str,
    reason: &'static str,
    word: &'static str,
    seen_after: Duration,
}

const fn case(
    name: &'static str,
    breaks: fn(&Stage, &str),
    whose: Whose,
    hop: &'static str,
    reason: &'static str,
    word: &'static str,
) -> Case {
    Case { name, breaks, mends: None, whose, hop, reason, word, seen_after: A_ROUND }
}

fn central(stage: &Stage, service: Service, operation: &str, input: Value) -> Value {
    stage.make(&stage.accounts[0], service, operation, input)
}

fn topic(stage: &Stage, name: &str) -> String {
    let kit = &stage.kit;
    format!("arn:{}:sns:{}:{}:{name}", kit.partition, stage.region(), kit.central_account)
}

/// Deletes the bus with all that AWS asks to be deleted before it.
fn delete_bus(stage: &Stage) {
    central(stage, Events, "DeleteArchive", json!({ "ArchiveName": "orgwatch" }));
    let bus = json!({ "EventBusName": "orgwatch" });
    for rule in central(stage, Events, "ListRules", bus)["Rules"].as_array().unwrap() {
        let of_rule = json!({ "EventBusName": "orgwatch", "Rule": rule["Name"] });
        let targets = central(stage, Events, "ListTargetsByRule", of_rule);
        let ids: Vec<&Value> = targets["Targets"].as_array().unwrap().iter().map(|t| &t["Id"]).collect();
        let input = json!({ "EventBusName": "orgwatch", "Rule": rule["Name"], "Ids": ids });
        central(stage, Events, "RemoveTargets", input);
        central(stage, Events, "DeleteRule", json!({ "EventBusName": "orgwatch", "Name": rule["Name"] }));
    }
    central(stage, Events, "DeleteEventBus", json!({ "Name": "orgwatch" }));
}

fn unsubscribe(stage: &Stage, name: &str) {
    let listed = central(stage, Sns, "ListSubscriptionsByTopic", json!({ "TopicArn": topic(stage, name) }));
    for row in listed["Subscriptions"].as_array().unwrap() {
        central(stage, Sns, "Unsubscribe", json!({ "SubscriptionArn": row["SubscriptionArn"] }));
    }
}

fn cases() -> Vec<Case> {
    vec![
        Case {
            mends: Some(|stage| {
                stage.make(&stage.management, CloudTrail, "StartLogging", json!({ "Name": TRAIL }));
            }),
            seen_after: A_PROBE,
            ..case(
                "trail",
                |stage, _| {
                    stage.make(&stage.management, CloudTrail, "StopLogging", json!({ "Name": TRAIL }));
                },
                Everybody,
                hops::TRAIL,
                "TrailStopped",
                "logging",
            )
        },
        case(
            "rule",
            |stage, hit| Drift::RuleDeleted.happens(stage, hit),
            Account,
            hops::SENDER_RULE,
            "SenderRuleMissing",
            "is not there",
        ),
        case(
            "rule's state",
            |stage, hit| Drift::RuleDisabled.happens(stage, hit),
            Account,
            hops::SENDER_RULE,
            "SenderRuleDrifted",
            "state",
        ),
        case(
            "pattern",
            |stage, hit| Drift::RulePattern.happens(stage, hit),
            Account,
            hops::SENDER_RULE,
            "SenderRuleDrifted",
            "pattern",
        ),
        case(
            "target",
            |stage, hit| Drift::TargetsRemoved.happens(stage, hit),
            Account,
            hops::SENDER_RULE,
            "SenderRuleDrifted",
            "targets",
        ),
        case(
            "role trust",
            |stage, hit| Drift::RoleTrust.happens(stage, hit),
            Account,
            hops::FORWARDING_ROLE,
            "ForwardingRoleDrifted",
            "trust",
        ),
        case(
            "role policy",
            |stage, hit| Drift::RolePolicyRemoved.happens(stage, hit),
            Account,
            hops::FORWARDING_ROLE,
            "ForwardingRoleDrifted",
            "polic",
        ),
        case(
            "boundary",
            |stage, hit| {
                let other = format!("arn:{}:iam::aws:policy/ReadOnlyAccess", stage.kit.partition);
                let input = json!({ "RoleName": "orgwatch-forwarder", "PermissionsBoundary": other });
                stage.make(hit, Iam, "PutRolePermissionsBoundary", input);
            },
            Account,
            hops::FORWARDING_ROLE,
            "ForwardingRoleDrifted",
            "boundary",
        ),
        case(
            "bus policy",
            |stage, _| Drift::BusPolicyRemoved.happens(stage, &stage.accounts[0]),
            Everybody,
            hops::EVENT_BUS,
            "BusDrifted",
            "policy",
        ),
        case("bus", |stage, _| delete_bus(stage), Everybody, hops::EVENT_BUS, "BusMissing", "is not there"),
        case(
            "receiver rule",
            |stage, _| {
                let input = json!({ "EventBusName": "orgwatch", "Name": "orgwatch-second" });
                central(stage, Events, "DisableRule", input);
            },
            SecondAlert,
            hops::ALERT_RULE,
            "AlertRuleDrifted",
            "state",
        ),
        case(
            "topic policy",
            |stage, _| {
                let arn = topic(stage, "orgwatch-second");
                let nobody = json!({ "Version": "2012-10-17", "Statement": [
                    { "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": arn },
                ] });
                let input = json!({
                    "TopicArn": arn, "AttributeName": "Policy", "AttributeValue": nobody.to_string(),
                });
                central(stage, Sns, "SetTopicAttributes", input);
            },
            SecondAlert,
            hops::TOPIC,
            "TopicDrifted",
            "policy",
        ),
        case(
            "key",
            |stage, _| set_key(stage, "alias/aws/sns"),
            SecondAlert,
            hops::TOPIC,
            "TopicDrifted",
            "kms_key_arn",
        ),
        case(
            "subscription",
            |stage, _| unsubscribe(stage, "orgwatch-second"),
            SecondAlert,
            hops::PEOPLE,
            "TopicDrifted",
            "subscriptions",
        ),
    ]
}

/// Sets the key of the second alert's topic; SNS's own lets no event of EventBridge in.
fn set_key(stage: &Stage, key: &str) {
    let topic = topic(stage, "orgwatch-second");
    let input = json!({ "TopicArn": topic, "AttributeName": "KmsMasterKeyId", "AttributeValue": key });
    central(stage, Sns, "SetTopicAttributes", input);
}

const TRAIL: &str = "organization-trail";

/// An alert for everybody, and one for the second account alone.
fn config(stage: &Stage) -> String {
    let people = format!("subscriptions = [{{ protocol = 'email', endpoint = '{PEOPLE}' }}]");
    let one = &stage.accounts[2];
    stage.config(&format!(
        "[reconcile]\nmode = 'observe'\niam_writes_per_second = 'off'\n\
         [[alert]]\nname = 'iam-changes'\n{people}\n\
         [[alert]]\nname = 'second'\naccounts = ['{one}']\n{people}\n"
    ))
}

async fn mend(stage: &Stage, config: &str) {
    let enforcing = Purpose { enforce_all: true, ..Purpose::default() };
    stage.confirming(stage.process(config, enforcing, Fuse::none()).apply()).await;
    stage.confirm_subscriptions();
}

/// The accounts whose coverage is broken.
fn broken(snapshot: &Snapshot) -> BTreeSet<String> {
    let broken = snapshot.accounts.values().filter(|account| account.coverage == Coverage::Broken);
    broken.map(|account| account.id.to_string()).collect()
}

fn assert_covered(snapshot: &Snapshot, when: &str) {
    for account in snapshot.accounts.values() {
        assert!(account.coverage.is_covered(), "{when}: {} {}", account.id, account.coverage_message);
    }
}

#[test]
fn each_broken_hop_breaks_exactly_the_accounts_whose_alerts_take_it_and_is_named_until_it_is_mended() {
    in_virtual_time(async {
        let stage = Stage::new(4, 41);
        let config = config(&stage);
        mend(&stage, &config).await;
        let daemon = stage.daemon(&config);
        let around = async {
            tokio::time::sleep(A_PROBE).await;
            assert_covered(&daemon.snapshot(), "installed");
            for Case { name, breaks, mends, whose, hop, reason, word, seen_after } in cases() {
                let hit = stage.accounts[2].clone();
                breaks(&stage, &hit);
                tokio::time::sleep(seen_after).await;
                let snapshot = daemon.snapshot();
                let expected: BTreeSet<String> = match whose {
                    Everybody => snapshot.accounts.keys().map(ToString::to_string).collect(),
                    Account | SecondAlert => BTreeSet::from([hit]),
                };
                assert_eq!(broken(&snapshot), expected, "{name}");
                for id in &expected {
                    let account = &snapshot.accounts[&id.parse().unwrap()];
                    let said = (account.coverage_hop, account.coverage_reason);
                    assert_eq!(said, (Some(hop), reason), "{name} in {id}: {}", account.coverage_message);
                    assert!(account.coverage_message.contains(word), "{name}: {}", account.coverage_message);
                    let path = hops::of_account(&snapshot, account);
                    let ends = hops::diagnose(&snapshot, account, &path);
                    assert_eq!(ends.hop, Some(hop), "{name} in {id}: {}", ends.sentence);
                }
                match mends {
                    Some(mends) => mends(&stage),
                    None => mend(&stage, &config).await,
                }
                tokio::time::sleep(seen_after).await;
                assert_covered(&daemon.snapshot(), name);
            }
            daemon.stop.cancel();
        };
        futures::join!(around, daemon.serve_until_stopped());
    });
}
