//! Each event arrives at the topics that its alerts say, once, and nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use orgwatch::route::route;
use orgwatch::{desired, presets};
use orgwatch_sim::call::Service;
use orgwatch_sim::delivery;
use serde_json::{Value, json};

use crate::corpus;
use crate::stage::{PEOPLE, Stage, in_virtual_time, settings};

/// An alert of a few watches, with people.
pub(crate) fn alert(name: &str, more: &str) -> String {
    format!(
        "[[alert]]\nname = '{name}'\nsubscriptions = [{{ protocol = 'email', endpoint = '{PEOPLE}' }}]\n{more}"
    )
}

/// An event happens in an account: how often each alert's people hear of it, the guard's own alert left aside.
pub(crate) fn hear(stage: &Stage, account: &str, event: &Value) -> BTreeMap<String, usize> {
    let region = stage.region();
    let mut world = stage.simulator.world();
    let before = world.outbox.all().count();
    delivery::put(&mut world, account, &region, "default", event.clone());
    let mut heard = BTreeMap::new();
    for message in world.outbox.all().skip(before).filter(|message| message.protocol == "email") {
        let topic = message.topic_arn.rsplit(":orgwatch-").next().unwrap_or_default();
        if topic == "tamper" {
            continue;
        }
        *heard.entry(topic.to_owned()).or_default() += 1;
    }
    heard
}

/// An event happens in an account: what comes to whom, each with its topic, the guard's own alert left aside.
fn received(stage: &Stage, account: &str, event: &Value) -> Vec<(String, String)> {
    let region = stage.region();
    let mut world = stage.simulator.world();
    let before = world.outbox.all().count();
    delivery::put(&mut world, account, &region, "default", event.clone());
    let new = world.outbox.all().skip(before).filter(|message| message.protocol == "email");
    let of_alerts = new.filter(|message| !message.topic_arn.ends_with(":orgwatch-tamper"));
    of_alerts.map(|message| (message.topic_arn.clone(), message.body.clone())).collect()
}

/// A call of IAM by a role of the account, as EventBridge has it.
pub(crate) fn call(stage: &Stage, account: &str, name: &str, role: &str, parameters: Value) -> Value {
    let partition = &stage.kit.partition;
    json!({
        "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": account, "time": "2026-11-20T12:00:00Z", "region": stage.region(), "resources": [],
        "detail": {
            "eventSource": "iam.amazonaws.com", "eventName": name, "eventID": "e", "requestParameters": parameters,
            "userIdentity": {
                "type": "AssumedRole", "arn": format!("arn:{partition}:sts::{account}:assumed-role/{role}/x"),
                "sessionContext": { "sessionIssuer": {
                    "type": "Role", "userName": role, "arn": format!("arn:{partition}:iam::{account}:role/{role}"),
                } },
            },
        },
    })
}

pub(crate) fn times(heard: &[(&str, usize)]) -> BTreeMap<String, usize> {
    heard.iter().map(|(name, times)| ((*name).to_owned(), *times)).collect()
}

pub(crate) async fn installed(stage: &Stage, config: &str) {
    let daemon = stage.daemon(config);
    stage.confirming(daemon.apply()).await;
    stage.confirm_subscriptions();
    assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
}

#[test]
fn a_deletion_that_three_watches_see_arrives_once_at_each_topic_that_should_get_it() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let watches: String = ["iam-changes", "iam-user-deletion", "cis-4.4"]
            .iter()
            .map(|preset| format!("[[watch]]\nname = '{}'\npreset = '{preset}'\n", preset.replace('.', "")))
            .collect();
        let alerts = alert("all", "")
            + &alert("changes", "watches = ['iam-changes']\n")
            + &alert("deletions", "watches = ['iam-user-deletion', 'cis-44']\n")
            + &alert("policies", "watches = ['cis-44']\n");
        // A name that ends in a dash and digits would be one of our own.
        let watches = watches.replace("'cis-44'", "'cis44'");
        let alerts = alerts.replace("'cis-44'", "'cis44'");
        installed(&stage, &stage.config(&(watches + &alerts))).await;
        let member = stage.accounts[1].clone();
        let deletion = call(&stage, &member, "DeleteUser", "admin", json!({ "userName": "x" }));
        assert_eq!(hear(&stage, &member, &deletion), times(&[("all", 1), ("changes", 1), ("deletions", 1)]));
        let policy = call(&stage, &member, "PutRolePolicy", "admin", json!({ "roleName": "x" }));
        let every = times(&[("all", 1), ("changes", 1), ("deletions", 1), ("policies", 1)]);
        assert_eq!(hear(&stage, &member, &policy), every);
    });
}

#[test]
fn each_event_of_the_corpus_arrives_where_its_alerts_say_and_nowhere_else() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let more = "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n\
                    [[watch]]\nname = 'policies'\npreset = 'cis-4.4'\n"
            .to_owned()
            + &alert("changes", "watches = ['iam-changes']\n")
            + &alert("policies", "watches = ['policies']\n")
            + &alert(
                "failures",
                "watches = ['iam-changes']\npattern = '{\"detail\":{\"errorCode\":[{\"exists\":true}]}}'\n",
            )
            + &alert(
                "elsewhere",
                &format!("watches = ['iam-changes']\naccounts = ['{}']\n", stage.accounts[0]),
            );
        installed(&stage, &stage.config(&more)).await;
        let member = stage.accounts[1].clone();
        let (mut delivered, mut left_aside) = (0, 0);
        for sample in corpus::samples() {
            let mut event = sample.event.clone();
            event["account"] = json!(member);
            // Our own objects are the next test's: who writes there decides, and the guard tells of it too.
            let object = event["detail"]["requestParameters"]["roleName"].as_str().unwrap_or_default();
            if object.starts_with("orgwatch-") {
                left_aside += 1;
                continue;
            }
            let sees = |preset: &str| sample.presets.contains(preset) && !sample.is_read();
            let failed = event["detail"].get("errorCode").is_some();
            let wanted = [
                ("changes", sees("iam-changes")),
                ("failures", sees("iam-changes") && failed),
                ("policies", sees("cis-4.4")),
            ];
            let wanted: Vec<(&str, usize)> =
                wanted.into_iter().filter(|(_, sees)| *sees).map(|(name, _)| (name, 1)).collect();
            delivered += wanted.len();
            assert_eq!(hear(&stage, &member, &event), times(&wanted), "{}", sample.name);
            // SNS suspends a mail subscription that gets more than ten messages in a second.
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        assert!(delivered > 50, "the corpus has little of IAM: {delivered}");
        assert!(left_aside < 5, "{left_aside} events of the corpus are about our own objects");
    });
}

/// One wide watch, and an alert for each preset, narrowed by its pattern; the formats take turns.
fn alert_for_each_preset() -> (String, BTreeMap<String, String>) {
    let formats = ["text", "json", "raw", "chat"];
    let sources: BTreeSet<String> =
        corpus::samples().iter().map(|sample| sample.event["source"].as_str().unwrap().to_owned()).collect();
    let pattern = json!({ "source": sources });
    let mut text = format!("[[watch]]\nname = 'everything'\npattern = '{pattern}'\n");
    let mut names = BTreeMap::new();
    for (i, preset) in presets::all().iter().enumerate() {
        // A name that ends in a dash and digits would be one of our own.
        let name = format!("{}-alert", preset.name.replace('.', "-"));
        let more = format!("format = '{}'\npattern = '{}'\n", formats[i % 4], preset.pattern().value());
        text.push_str(&alert(&name, &more));
        names.insert(preset.name.to_owned(), name);
    }
    (text, names)
}

#[test]
fn each_event_of_the_whole_corpus_arrives_as_match_renders_it_where_match_says_and_nowhere_else() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let (more, names) = alert_for_each_preset();
        // What the guard watches too comes by its own rule as well, so that neither can be silenced alone.
        let config = stage.config(&(more + "[guard]\nenabled = false\n"));
        installed(&stage, &config).await;
        let settings = settings(&config);
        let organization = settings.organization.id.clone().unwrap();
        let world = desired::world(&settings, &organization, stage.clock.now()).unwrap();
        let (member, region) = (stage.accounts[1].clone(), stage.region());
        let (mut delivered, mut left_aside, mut nowhere) = (0, 0, 0);
        for sample in corpus::samples() {
            let mut event = sample.event.clone();
            (event["account"], event["region"]) = (json!(member), json!(region));
            // Who writes to our own objects decides whether that is told, which has a test of its own.
            if event.to_string().contains("orgwatch-") {
                left_aside += 1;
                continue;
            }
            let route = route(&settings, &world, &event).unwrap();
            let predicted: BTreeMap<String, String> = route
                .alerts
                .iter()
                .filter(|rule| route.forwarded && rule.why_not.is_none())
                .flat_map(|rule| &rule.delivers)
                .map(|delivery| (delivery.topic.clone(), delivery.text.clone().expect("it makes JSON")))
                .collect();
            let arrived: Vec<(String, String)> = received(&stage, &member, &event);
            let once: BTreeMap<String, String> = arrived.iter().cloned().collect();
            assert_eq!(once.len(), arrived.len(), "{}: once at each topic", sample.name);
            assert_eq!(once, predicted, "{}", sample.name);
            // What the corpus itself says of the event, which no matcher made. AWS tells a reading call by its name: some
            // that only read are named otherwise, and arrive.
            let called = event["detail"]["eventName"].as_str().unwrap_or_default();
            let reads =
                sample.is_read() && ["Describe", "Get", "List"].iter().any(|read| called.starts_with(read));
            let wanted: BTreeSet<String> = sample
                .presets
                .iter()
                .filter(|_| !reads)
                .map(|preset| format!(":orgwatch-{}", names[preset]))
                .collect();
            let topics: BTreeSet<String> =
                once.keys().map(|topic| topic[topic.rfind(':').unwrap()..].to_owned()).collect();
            assert_eq!(topics, wanted, "{}", sample.name);
            delivered += once.len();
            nowhere += usize::from(once.is_empty());
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        println!("{delivered} deliveries; {nowhere} events arrived nowhere; {left_aside} left aside");
        assert!(delivered > 150 && nowhere > 20, "{delivered} deliveries, {nowhere} events reached nobody");
        assert!(left_aside < 10, "{left_aside} events of the corpus are about our own objects");
    });
}

#[test]
fn what_orgwatch_writes_on_its_own_objects_reaches_nobody_unless_that_is_wanted() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let alerts = alert("quiet", "") + &alert("loud", "own_writes = 'show'\n");
        installed(&stage, &stage.config(&alerts)).await;
        let member = stage.accounts[1].clone();
        let own = |name: &str, role: &str| {
            call(&stage, &member, name, "orgwatch-member", json!({ "roleName": role }))
        };
        // A call on a forwarding role comes by the sender rule and by the guard, so that neither can be silenced alone.
        assert_eq!(hear(&stage, &member, &own("CreateRole", "orgwatch-forwarder")), times(&[("loud", 2)]));
        assert_eq!(
            hear(&stage, &member, &own("CreateRole", "backdoor")),
            times(&[("loud", 1), ("quiet", 1)])
        );
        let other = call(&stage, &member, "DeleteRole", "admin", json!({ "roleName": "orgwatch-forwarder" }));
        assert_eq!(hear(&stage, &member, &other), times(&[("loud", 2), ("quiet", 2)]));
    });
}

#[test]
fn who_does_not_confirm_gets_one_mail_in_a_day_and_coverage_says_it() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        // Shown by the pass that asked for it, before anything else has looked.
        let first = stage.daemon(&stage.config(""));
        first.apply().await;
        let told = format!("{:?}", first.snapshot().central);
        assert!(told.contains("SubscriptionPending"), "{told}");
        assert_eq!(first.snapshot().coverage_counts().covered, 0, "nobody hears of anything");
        // Another process, which has no memory of the mail, sends no second one in all its passes.
        let daemon = stage.daemon(&stage.config(""));
        daemon.serve_for(Duration::from_secs(24 * 3600 - 120)).await;
        let mut asked: BTreeMap<String, usize> = BTreeMap::new();
        for message in stage.simulator.world().outbox.all().filter(|m| m.protocol == "confirmation") {
            *asked.entry(message.topic_arn.clone()).or_default() += 1;
        }
        assert_eq!(asked.len(), 2, "the alert's topic and the guard's: {asked:?}");
        assert!(asked.values().all(|mails| *mails == 1), "{asked:?}");
        let snapshot = daemon.snapshot();
        let told = format!("{:?}", snapshot.central);
        assert!(told.contains("SubscriptionPending"), "{told}");
        assert_eq!(snapshot.coverage_counts().covered, 0, "nobody hears of anything");
    });
}

#[test]
fn a_mailbox_that_its_volume_silenced_is_told_as_such_and_hears_again_once_it_was_asked_anew() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let daemon = stage.daemon(&stage.config(""));
        let member = stage.accounts[1].clone();
        let hour = Duration::from_secs(3600);
        let asked = || {
            let world = stage.simulator.world();
            let of_alert = |m: &&delivery::Received| m.topic_arn.ends_with(":orgwatch-iam-changes");
            world.outbox.all().filter(|m| m.protocol == "confirmation").filter(of_alert).count()
        };
        let around = async {
            tokio::time::sleep(hour).await;
            assert_eq!(daemon.snapshot().coverage_counts().covered, 3);
            let suspended_at = stage.clock.now();
            for _ in 0..11 {
                let event = call(&stage, &member, "CreateUser", "admin", json!({ "userName": "x" }));
                delivery::put(&mut stage.simulator.world(), &member, &stage.region(), "default", event);
            }
            tokio::time::sleep(hour).await;
            let snapshot = daemon.snapshot();
            assert_eq!(snapshot.coverage_counts().covered, 0, "nobody hears of anything");
            let notes: Vec<_> =
                snapshot.central.targets.iter().flat_map(|t| &t.resources).flat_map(|r| &r.notes).collect();
            let suspended = notes.iter().find(|note| note.reason == "SuspendedByVolume").expect("it is told");
            let since = suspended.message.split_once("since ").unwrap().1.split_once(": ").unwrap().0;
            let since: jiff::Timestamp = since.parse().unwrap();
            assert!(
                since >= suspended_at
                    && since.duration_since(suspended_at) <= jiff::SignedDuration::from_mins(16)
            );
            assert!(snapshot.accounts.values().all(|a| a.coverage_reason == "SuspendedByVolume"));
            assert_eq!(
                asked(),
                1,
                "who has had enough is not sent another mail while the subscription is there"
            );
            // AWS takes it away after two days; then it is asked for once.
            tokio::time::sleep(hour * 48).await;
            assert_eq!(asked(), 2);
            assert_eq!(daemon.snapshot().coverage_counts().covered, 3, "people clicked the new link");
            daemon.stop.cancel();
        };
        stage.confirming(async { futures::join!(around, daemon.serve_until_stopped()) }).await;
    });
}

#[test]
fn subscriptions_of_programs_get_what_their_filter_lets_through_without_an_envelope() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let (central, region) = (stage.kit.central_account.clone(), stage.region());
        let (partition, queue) = (&stage.kit.partition, format!("arn:aws:sqs:{region}:{central}:siem"));
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" }, "Action": "sqs:SendMessage",
            "Resource": queue }] });
        let input = json!({ "QueueName": "siem", "Attributes": { "Policy": policy.to_string() } });
        stage.make(&central, Service::Sqs, "CreateQueue", input);
        let subscription = format!(
            "[[alert]]\nname = 'siem'\nformat = 'json'\nsubscriptions = [{{ protocol = 'sqs', endpoint = '{queue}', raw = true, \
             filter = '{{\"event_name\":[\"DeleteUser\"]}}', dead_letter = 'arn:{partition}:sqs:{region}:{central}:lost' }}]\n"
        );
        installed(&stage, &stage.config(&subscription)).await;
        let member = stage.accounts[1].clone();
        for name in ["CreateUser", "DeleteUser"] {
            let event = call(&stage, &member, name, "admin", json!({ "userName": "x" }));
            delivery::put(&mut stage.simulator.world(), &member, &region, "default", event);
        }
        let url = format!("https://sqs/{central}/siem");
        let input = json!({ "QueueUrl": url, "MaxNumberOfMessages": 10 });
        let answer = stage.make(&central, Service::Sqs, "ReceiveMessage", input);
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        assert_eq!(messages.len(), 1, "{messages:?}");
        let body: Value = serde_json::from_str(messages[0]["Body"].as_str().unwrap()).unwrap();
        assert_eq!((&body["alert"], &body["event_name"]), (&json!("siem"), &json!("DeleteUser")));
    });
}
