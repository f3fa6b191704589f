//! What customers' keys encrypt: nothing before the key lets in who needs it, so that no alert is lost over a key.

use std::time::Duration;

use orgwatch_sim::call::Service;
use serde_json::{Value, json};

use crate::alerts::{alert, call, hear, times};
use crate::drift::Drift;
use crate::stage::{Daemon, Stage, in_virtual_time};

const MINUTE: Duration = Duration::from_secs(60);

/// What a key's policy has to say for everything that is encrypted with it, as AWS's documents have it.
pub(crate) fn lets_in() -> Vec<Value> {
    vec![json!({
        "Sid": "deliveries", "Effect": "Allow", "Resource": "*",
        "Principal": { "Service": ["events.amazonaws.com", "cloudwatch.amazonaws.com"] },
        "Action": ["kms:DescribeKey", "kms:GenerateDataKey*", "kms:Decrypt"],
    })]
}

/// The same under a condition of which KMS is told nothing where EventBridge delivers.
fn lets_in_on_a_condition() -> Vec<Value> {
    let mut statements = lets_in();
    statements[0]["Condition"] = json!({ "StringLike": { "aws:SourceAccount": "*" } });
    statements
}

/// A key of an account whose policy leaves everything to that account, and says this besides; its ARN.
fn make_in(stage: &Stage, account: &str, statements: &[Value]) -> String {
    let input = json!({ "Policy": policy(stage, account, statements) });
    let answer = stage.make(account, Service::Kms, "CreateKey", input);
    answer["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

/// A key of the central account.
pub(crate) fn make(stage: &Stage, statements: &[Value]) -> String {
    make_in(stage, &stage.kit.central_account, statements)
}

fn policy(stage: &Stage, account: &str, statements: &[Value]) -> String {
    let root = format!("arn:{}:iam::{account}:root", stage.kit.partition);
    let own = json!({ "Effect": "Allow", "Principal": { "AWS": root }, "Action": "kms:*", "Resource": "*" });
    let all: Vec<Value> = [own].into_iter().chain(statements.iter().cloned()).collect();
    json!({ "Version": "2012-10-17", "Statement": all }).to_string()
}

fn give(stage: &Stage, account: &str, key: &str, statements: &[Value]) {
    let input = json!({ "KeyId": key, "Policy": policy(stage, account, statements) });
    stage.make(account, Service::Kms, "PutKeyPolicy", input);
}

/// A configuration that encrypts everything with a key.
fn encrypted(stage: &Stage, key: &str) -> String {
    let text = stage.config(&alert("x", &format!("kms_key_arn = '{key}'\n")));
    text.replacen("[central]\n", &format!("[central]\nkms_key_arn = '{key}'\n"), 1)
}

/// The keys of bus, topic, archive, dead-letter queue and inbox, in this order.
fn in_use(stage: &Stage) -> Vec<Option<String>> {
    let central = &stage.kit.central_account;
    let topic = format!("arn:{}:sns:{}:{central}:orgwatch-x", stage.kit.partition, stage.region());
    let ask = |service, operation: &str, input: Value, path: &str| {
        let answer = stage.make(central, service, operation, input);
        answer.pointer(path).and_then(Value::as_str).filter(|key| !key.is_empty()).map(str::to_owned)
    };
    let queue = |name: &str| {
        let input = json!({ "QueueUrl": format!("https://sqs/{central}/{name}"), "AttributeNames": ["KmsMasterKeyId"] });
        ask(Service::Sqs, "GetQueueAttributes", input, "/Attributes/KmsMasterKeyId")
    };
    vec![
        ask(Service::Events, "DescribeEventBus", json!({ "Name": "orgwatch" }), "/KmsKeyIdentifier"),
        ask(
            Service::Sns,
            "GetTopicAttributes",
            json!({ "TopicArn": topic }),
            "/Attributes/$entries/KmsMasterKeyId",
        ),
        ask(Service::Events, "DescribeArchive", json!({ "ArchiveName": "orgwatch" }), "/KmsKeyIdentifier"),
        queue("orgwatch-dead-letters"),
        queue("orgwatch-inbox"),
    ]
}

fn all(key: &str) -> Vec<Option<String>> {
    vec![Some(key.to_owned()); 5]
}

/// Serves for so many minutes; every ten seconds something happens that people must hear of, once.
async fn heard_throughout(stage: &Stage, daemon: &Daemon, minutes: u32) {
    let member = stage.accounts[1].clone();
    let around = async {
        for second in 0..minutes * 6 {
            let event =
                call(stage, &member, "CreateUser", "admin", json!({ "userName": format!("u{second}") }));
            assert_eq!(hear(stage, &member, &event), times(&[("x", 1)]), "after {} s", second * 10);
            tokio::time::sleep(Duration::from_secs(10)).await;
        }
        daemon.stop.cancel();
    };
    stage.confirming(async { futures::join!(around, daemon.serve_until_stopped()) }).await;
}

fn covered(daemon: &Daemon) -> usize {
    daemon.snapshot().coverage_counts().covered
}

fn holds(daemon: &Daemon) -> Vec<&'static str> {
    let mut reasons: Vec<&str> = daemon.snapshot().holds.iter().map(|hold| hold.reason).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}

fn notes(daemon: &Daemon, reason: &str) -> Vec<String> {
    let snapshot = daemon.snapshot();
    let resources = snapshot.central.targets.iter().flat_map(|target| &target.resources);
    let notes = resources.flat_map(|resource| &resource.notes).filter(|note| note.reason == reason);
    notes.map(|note| note.message.clone()).collect()
}

#[test]
fn everything_is_encrypted_from_the_first_apply_on_and_everybody_is_heard() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let key = make(&stage, &lets_in());
        crate::alerts::installed(&stage, &encrypted(&stage, &key)).await;
        assert_eq!(in_use(&stage), all(&key));
        let calls = stage.calls();
        let daemon = stage.daemon(&encrypted(&stage, &key));
        heard_throughout(&stage, &daemon, 20).await;
        assert_eq!(stage.writes_since(calls), Vec::<String>::new());
        assert_eq!(covered(&daemon), 3);
    });
}

#[test]
fn a_key_is_taken_only_when_it_lets_in_who_needs_it_and_no_alert_is_lost_on_the_way() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let central = stage.kit.central_account.clone();
        crate::alerts::installed(&stage, &stage.config(&alert("x", ""))).await;
        for statements in [Vec::new(), lets_in_on_a_condition()] {
            let key = make(&stage, &statements);
            let daemon = stage.daemon(&encrypted(&stage, &key));
            heard_throughout(&stage, &daemon, 20).await;
            assert_eq!(holds(&daemon), ["KeyRefuses"]);
            let told = notes(&daemon, "KeyRefuses");
            assert!(told.iter().any(|note| note.contains(r#""events.amazonaws.com""#)), "{told:?}");
            let used: Vec<_> = in_use(&stage).into_iter().flatten().collect();
            assert!(!used.contains(&key), "{used:?}");
            // It holds up nothing else.
            Drift::RuleDeleted.happens(&stage, &stage.accounts[1]);
            let daemon = stage.daemon(&encrypted(&stage, &key));
            daemon.apply().await;
            let broken: Vec<String> =
                daemon.out_of_sync().into_iter().filter(|who| who.contains("sender_rule")).collect();
            assert_eq!(broken, Vec::<String>::new());
            // Of a former key, which nobody looks at any more, it is not known whether it lets alerts through.
            let known = if used.is_empty() { 3 } else { 0 };
            assert_eq!(covered(&daemon), known, "nothing is encrypted with it");

            give(&stage, &central, &key, &lets_in());
            let daemon = stage.daemon(&encrypted(&stage, &key));
            heard_throughout(&stage, &daemon, 20).await;
            assert_eq!((holds(&daemon), in_use(&stage)), (Vec::new(), all(&key)));
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        }
        // Without a key again.
        let daemon = stage.daemon(&stage.config(&alert("x", "")));
        heard_throughout(&stage, &daemon, 20).await;
        assert_eq!(in_use(&stage), vec![None; 5]);
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
    });
}

#[test]
fn a_key_that_is_switched_off_while_it_is_used_uncovers_everybody_until_it_is_on_again() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let central = stage.kit.central_account.clone();
        let key = make(&stage, &lets_in());
        let daemon = stage.daemon(&encrypted(&stage, &key));
        let around = async {
            tokio::time::sleep(MINUTE * 10).await;
            assert_eq!(covered(&daemon), 3);
            for (operation, covered) in [("DisableKey", 0), ("EnableKey", 3), ("ScheduleKeyDeletion", 0)] {
                stage.make(&central, Service::Kms, operation, json!({ "KeyId": key }));
                tokio::time::sleep(MINUTE * 20).await;
                let snapshot = daemon.snapshot();
                assert_eq!(snapshot.coverage_counts().covered, covered, "{operation}");
                let told = snapshot.accounts.values().filter(|a| a.coverage_reason == "KeyRefuses").count();
                assert_eq!(told, if covered == 0 { 3 } else { 0 }, "{operation}");
            }
            daemon.stop.cancel();
        };
        stage.confirming(async { futures::join!(around, daemon.serve_until_stopped()) }).await;
    });
}

#[test]
fn of_another_accounts_key_its_owner_is_told_the_statements_with_which_it_works() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let owner = stage.accounts[2].clone();
        let key = make_in(&stage, &owner, &lets_in());
        crate::alerts::installed(&stage, &encrypted(&stage, &key)).await;
        assert_eq!(in_use(&stage), all(&key));
        let daemon = stage.daemon(&encrypted(&stage, &key));
        daemon.apply().await;
        let [told] = notes(&daemon, "KeyNotVerified").try_into().unwrap();
        let statements = &told[told.find("[{").expect("as JSON")..];
        let statements: Vec<Value> = serde_json::from_str(statements).unwrap();
        give(&stage, &owner, &key, &statements);
        let daemon = stage.daemon(&encrypted(&stage, &key));
        heard_throughout(&stage, &daemon, 20).await;
        assert!(daemon.snapshot().inbox.last_message_at.is_some(), "the inbox is read with it as well");

        // In place of a key that works it is taken only when a person says that its owner has seen to it.
        let other = make_in(&stage, &owner, &[]);
        let daemon = stage.daemon(&encrypted(&stage, &other));
        heard_throughout(&stage, &daemon, 20).await;
        assert_eq!(holds(&daemon), ["KeyNotVerified"]);
        assert!(daemon.snapshot().holds.iter().all(|hold| hold.releasable));
        assert_eq!(in_use(&stage), all(&key));
    });
}
