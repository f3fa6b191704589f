//! From nothing to a covered organization, and then nothing more to do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    reading::{RULE, account_of, by_meaning, changes, items, plan},
    scene::Scene,
};
use crate::{emulator::Seed, proxy::Call};

/// Account, operation and what it is about, of each writing call, with how often it is made.
type Writes = BTreeMap<(String, String, String), usize>;

fn count(writes: impl Iterator<Item = (String, String, String)>) -> Writes {
    let mut counted = Writes::new();
    for write in writes {
        *counted.entry(write).or_default() += 1;
    }
    counted
}

/// The writing calls that a printed plan announces.
fn announced(plan: &Value) -> Writes {
    let text = |call: &Value, names: &[&str]| {
        let found = names.iter().find_map(|name| call[name].as_str());
        found.unwrap_or_else(|| panic!("none of {names:?} in {call}")).to_owned()
    };
    count(changes(plan).into_iter().flat_map(|(target, change)| {
        items(&change["calls"]).iter().map(move |call| {
            let operation = match text(call, &["operation"]).as_str() {
                "TagTopic" | "TagEvents" => "TagResource".to_owned(),
                "SetTopicAttribute" => "SetTopicAttributes".to_owned(),
                same => same.to_owned(),
            };
            let subject = text(call, &["name", "rule", "role", "topic_arn", "arn", "bus"]);
            // The alert rule and the sender rule have one name, on two buses.
            let bus = call["bus"].as_str().unwrap_or_default();
            (account_of(target).to_owned(), operation, format!("{subject} {bus}"))
        })
    }))
}

/// The writing calls that were made.
fn made(writes: &[Call]) -> Writes {
    const SUBJECTS: [&str; 8] =
        ["Name", "Rule", "RoleName", "QueueName", "TopicArn", "ResourceArn", "ResourceARN", "EventBusName"];
    count(writes.iter().map(|call| {
        let subject = SUBJECTS.iter().find_map(|name| call.field(name));
        let subject = subject.unwrap_or_else(|| panic!("{} is about nothing: {}", call.operation, call.body));
        let bus = call.field("EventBusName").unwrap_or_default();
        let account = call.account.clone().expect("the proxy knows every key");
        (account, call.operation.clone(), format!("{subject} {bus}"))
    }))
}

fn bus(seed: &Seed) -> String {
    format!("arn:aws:events:us-east-1:{}:event-bus/orgwatch", seed.central_account_id)
}

fn dead_letters(seed: &Seed) -> String {
    format!("arn:aws:sqs:us-east-1:{}:orgwatch-dead-letters", seed.central_account_id)
}

fn pattern() -> Value {
    by_meaning(&json!({
        "source": ["aws.iam"],
        "detail": {
            "eventSource": ["iam.amazonaws.com"],
            "eventName": [{ "anything-but": { "prefix": ["Get", "List", "Simulate", "Generate"] } }],
        },
    }))
}

/// The sender rule of an account with its one target.
fn assert_sends(seed: &Seed, id: &str, member: &Value) {
    let rules = member["rules"].as_object().expect("rules by name");
    assert_eq!(rules.keys().collect::<Vec<_>>(), [RULE], "{id}");
    let rule = &rules[RULE];
    assert_eq!(by_meaning(&rule["pattern"]), pattern(), "{id}");
    assert_eq!(rule["state"], "ENABLED", "{id}");
    assert_eq!((&rule["schedule"], &rule["role_arn"]), (&Value::Null, &Value::Null), "{id}");
    assert_marked(rule, id);
    assert_eq!(
        rule["targets"],
        json!([{
            "Id": "central",
            "Arn": bus(seed),
            "RoleArn": format!("arn:aws:iam::{id}:role/orgwatch-forwarder"),
            "DeadLetterConfig": { "Arn": dead_letters(seed) },
            "RetryPolicy": { "MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400 },
        }]),
        "{id}"
    );
}

/// The mark in the description, and the tag.
fn assert_marked(thing: &Value, id: &str) {
    let description = thing["description"].as_str().expect("it is described");
    assert!(description.ends_with("managed by orgwatch/orgwatch v1"), "{id}: {description}");
    assert_eq!(thing["tags"], json!({ "orgwatch:managed-by": "orgwatch" }), "{id}");
}

/// The forwarding role of an account, which can do one thing for one service on behalf of this account only.
fn assert_forwards(seed: &Seed, id: &str, member: &Value) {
    let roles = member["roles"].as_object().expect("roles by name");
    assert_eq!(roles.keys().collect::<Vec<_>>(), ["orgwatch-forwarder"], "{id}");
    let role = &roles["orgwatch-forwarder"];
    let [trust] = items(&role["trust"]["Statement"]) else { panic!("{id}: {}", role["trust"]) };
    assert_eq!(
        (&trust["Effect"], &trust["Action"], &trust["Principal"]),
        (&json!("Allow"), &json!("sts:AssumeRole"), &json!({ "Service": "events.amazonaws.com" })),
        "{id}"
    );
    assert_eq!(
        trust["Condition"],
        json!({
            "StringEquals": { "aws:SourceAccount": id },
            "ArnLike": { "aws:SourceArn": format!("arn:aws:events:*:{id}:rule/orgwatch-*") },
        }),
        "{id}"
    );
    let policies = role["inline_policies"].as_object().expect("policies by name");
    let [policy] = policies.values().collect::<Vec<_>>()[..] else { panic!("{id}: {policies:?}") };
    let [grant] = items(&policy["Statement"]) else { panic!("{id}: {policy}") };
    assert_eq!(
        (&grant["Effect"], &grant["Action"], &grant["Resource"], grant.get("Condition")),
        (&json!("Allow"), &json!("events:PutEvents"), &json!(bus(seed)), None),
        "{id}"
    );
    assert_eq!(role["boundary"], format!("arn:aws:iam::{id}:policy/orgwatch-boundary"), "{id}");
    assert_eq!((&role["attached_policies"], &role["path"]), (&json!([]), &json!("/")), "{id}");
    assert_marked(role, id);
}

/// The bus, which lets in forwarding roles of this organization and nobody else.
fn assert_receives(seed: &Seed, central: &Value) {
    let [senders] = items(&central["bus"]["policy"]["Statement"]) else { panic!("{}", central["bus"]) };
    assert_eq!(
        by_meaning(senders),
        json!({
            "Sid": "senders",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": bus(seed),
            "Condition": {
                "StringEquals": { "aws:PrincipalOrgID": seed.organization_id },
                "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/orgwatch-forwarder*" },
            },
        })
    );
    assert_marked(&central["bus"], "bus");
}

/// The queue for what could not be delivered.
fn assert_keeps_dead_letters(seed: &Seed, central: &Value) {
    let queues = central["queues"].as_object().expect("queues by name");
    assert_eq!(queues.keys().collect::<Vec<_>>(), ["orgwatch-dead-letters"]);
    let queue = &queues["orgwatch-dead-letters"];
    assert_eq!(queue["attributes"]["MessageRetentionPeriod"], "1209600", "14 days");
    assert_eq!(queue["tags"], json!({ "orgwatch:managed-by": "orgwatch" }));
    let central_id = &seed.central_account_id;
    let wanted = json!([
        {
            "Sid": "dead-letters",
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": dead_letters(seed),
            "Condition": {
                "ArnLike": { "aws:SourceArn": [
                    "arn:aws:events:us-east-1:*:rule/orgwatch-*",
                    format!("arn:aws:events:us-east-1:{central_id}:rule/orgwatch/orgwatch-*"),
                ] },
                "StringEqualsIfExists": { "aws:SourceOrgID": seed.organization_id },
            },
        },
        {
            "Sid": "only-tls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": dead_letters(seed),
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        },
    ]);
    assert_eq!(by_meaning(&queue["policy"]["Statement"]), by_meaning(&wanted));
}

/// The alert: topic with subscription, and the rule that delivers to it.
fn assert_alerts(seed: &Seed, central: &Value) {
    let topics = central["topics"].as_object().expect("topics by name");
    assert_eq!(topics.keys().collect::<Vec<_>>(), [RULE]);
    let topic = &topics[RULE];
    let arn = format!("arn:aws:sns:us-east-1:{}:{RULE}", seed.central_account_id);
    let publishers = items(&topic["policy"]["Statement"])
        .iter()
        .filter(|s| by_meaning(s)["Principal"] != json!({ "AWS": seed.central_account_id }));
    let [publisher] = publishers.collect::<Vec<_>>()[..] else { panic!("{}", topic["policy"]) };
    assert_eq!(
        by_meaning(publisher),
        json!({
            "Sid": "alert-rules",
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sns:Publish",
            "Resource": arn,
        })
    );
    let [subscription] = items(&topic["subscriptions"]) else { panic!("{topic}") };
    assert_eq!(
        (&subscription["protocol"], &subscription["endpoint"]),
        (&json!("email"), &json!("security@example.com"))
    );

    let rules = central["rules"].as_object().expect("rules by name");
    assert_eq!(rules.keys().collect::<Vec<_>>(), [RULE]);
    let rule = &rules[RULE];
    // What the watch forwards, less what orgwatch itself does to its own roles.
    let mut heard = pattern();
    heard["detail"]["$or"] = json!([
        { "requestParameters": { "roleName": [{ "anything-but": { "prefix": "orgwatch-" } }, { "exists": false }] } },
        { "userIdentity": { "sessionContext": { "sessionIssuer": {
            "userName": [{ "anything-but": "OrganizationAccountAccessRole" }, { "exists": false }],
        } } } },
    ]);
    assert_eq!((by_meaning(&rule["pattern"]), &rule["state"]), (heard, &json!("ENABLED")));
    assert_marked(rule, "alert rule");
    let [target] = items(&rule["targets"]) else { panic!("{rule}") };
    assert_eq!(
        (&target["Arn"], &target["DeadLetterConfig"]["Arn"], target.get("RoleArn")),
        (&json!(arn), &json!(dead_letters(seed)), None)
    );
    let transformer = &target["InputTransformer"];
    let template = transformer["InputTemplate"].as_str().expect("people get a text");
    for (name, path) in transformer["InputPathsMap"].as_object().expect("paths by name") {
        assert!(template.contains(&format!("<{name}>")), "{path} is not used in {template}");
    }
    assert!(template.lines().all(|line| line.starts_with('"') && line.ends_with('"')), "{template}");
}

#[test]
fn thirty_accounts_are_covered_exactly_as_planned_and_then_nothing_is_left_to_do() {
    let scene = Scene::new(30);
    let (seed, proxy) = (&scene.seed, &scene.proxy);
    let orgwatch = scene.orgwatch(&scene.config());
    let read_all = || scene.emulator.read_back(seed, &seed.accounts);
    let before = read_all();

    let announced = announced(&plan(&orgwatch, &[], 2));
    assert_eq!(proxy.writes().len(), 0, "a plan writes nothing");
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    let made = made(&proxy.writes());
    assert_eq!(made, announced, "the plan announced something else than was made");
    assert!(made.values().all(|times| *times == 1), "something is written twice: {made:?}");

    let after = read_all();
    for account in seed.covered() {
        let member = &after["accounts"][&account.id];
        assert_sends(seed, &account.id, member);
        if account.id == seed.management_account_id {
            // It comes from the template; orgwatch never writes IAM in the management account.
            assert_eq!(member["roles"], before["accounts"][&account.id]["roles"]);
        } else {
            assert_forwards(seed, &account.id, member);
        }
    }
    let central = &after["central"];
    assert_receives(seed, central);
    assert_keeps_dead_letters(seed, central);
    assert_alerts(seed, central);
    for account in &seed.accounts {
        let [before, after] = [&before, &after].map(|read| &read["accounts"][&account.id]["foreign"]);
        assert_eq!(before, after, "what others have in {} was touched", account.name);
    }
    assert_eq!(before["central"]["foreign"], central["foreign"]);

    let second = plan(&orgwatch, &[], 0);
    assert_eq!(changes(&second), []);
    assert_eq!(second["summary"]["as_desired"], second["summary"]["targets"]);
    proxy.clear();
    orgwatch.run(&["apply", "--yes"]).expect_code(0);
    assert_eq!(proxy.writes().len(), 0, "a second apply writes nothing");
}

#[test]
fn an_excluded_and_a_suspended_account_are_never_called() {
    let scene = Scene::new(6);
    let (seed, proxy) = (&scene.seed, &scene.proxy);
    let left_out = [&seed.excluded_account_id, &seed.closed_account_id];
    let read_left_out = || {
        let accounts = seed.accounts.iter().filter(|account| left_out.contains(&&account.id));
        scene.emulator.read_back(seed, accounts)["accounts"].clone()
    };
    let before = read_left_out();
    let orgwatch = scene.orgwatch(&scene.config());
    for arguments in
        [&["plan"][..], &["apply", "--yes"], &["status"], &["check", "--aws"], &["teardown", "--yes"]]
    {
        orgwatch.run(arguments).expect_code(0);
    }
    for id in left_out {
        assert_eq!(proxy.for_account(id).len(), 0, "{id}");
    }
    assert!(proxy.for_account(scene.member(0)).len() > 10, "others were called");
    assert_eq!(read_left_out(), before);
}
