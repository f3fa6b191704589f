use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{click_unsubscribe, confirm, perform, publish, would_reach, would_reach_at};
use crate::access::Asker;
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::partition::PARTITIONS;
use crate::pattern::Pattern;
use crate::service::sqs;
use crate::world::World;

pub(super) const OWNER: &str = "111111111111";
pub(super) const OTHER: &str = "222222222222";
pub(super) const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:alerts";
pub(super) const QUEUE: &str = "arn:aws:sqs:us-east-1:111111111111:inbox";
pub(super) const MAIL: &str = "security@example.com";

pub(super) fn world() -> World {
    let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut world = World::new(PARTITIONS[0], Clock::from_source(move || start), 7);
    world.organization.management = OWNER.to_owned();
    world
}

pub(super) fn wait(world: &mut World, time: SignedDuration) {
    world.clock.advance(time);
}

fn call(world: &World, account: &str, service: Service, operation: &str, input: Value) -> Call {
    let Value::Object(input) = input else { panic!("an input is an object") };
    Call {
        service,
        operation: operation.to_owned(),
        input,
        region: "us-east-1".to_owned(),
        caller: Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        },
        request_id: "request".to_owned(),
        at: world.now(),
    }
}

pub(super) fn ask_as(
    world: &mut World,
    account: &str,
    operation: &str,
    input: Value,
) -> Result<Value, Refusal> {
    let call = call(world, account, Service::Sns, operation, input);
    perform(world, &call)
}

pub(super) fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, Refusal> {
    ask_as(world, OWNER, operation, input)
}

pub(super) fn with_topic() -> World {
    let mut world = world();
    ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    world
}

pub(super) fn subscribe(world: &mut World, protocol: &str, endpoint: &str) -> String {
    let input = json!({
        "TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint, "ReturnSubscriptionArn": "true",
    });
    arn(ask(world, "Subscribe", input).unwrap())
}

fn arn(answer: Value) -> String {
    answer["SubscriptionArn"].as_str().unwrap().to_owned()
}

fn listed(world: &mut World) -> Vec<(String, String)> {
    let answer = ask(world, "ListSubscriptionsByTopic", json!({ "TopicArn": TOPIC })).unwrap();
    let text = |entry: &Value, name: &str| entry[name].as_str().unwrap().to_owned();
    let entries = answer["Subscriptions"].as_array().unwrap();
    entries.iter().map(|entry| (text(entry, "Endpoint"), text(entry, "SubscriptionArn"))).collect()
}

fn attributes(world: &mut World) -> Value {
    let answer = ask(world, "GetTopicAttributes", json!({ "TopicArn": TOPIC })).unwrap();
    answer["Attributes"]["$entries"].clone()
}

pub(super) fn set(world: &mut World, name: &str, value: &str) -> Result<Value, Refusal> {
    let input = json!({ "TopicArn": TOPIC, "AttributeName": name, "AttributeValue": value });
    ask(world, "SetTopicAttributes", input)
}

pub(super) fn events() -> Asker {
    Asker::Service {
        service: "events.amazonaws.com".to_owned(),
        source_account: OWNER.to_owned(),
        source_arn: "arn:aws:events:us-east-1:111111111111:rule/r".to_owned(),
    }
}

fn role(account: &str) -> Asker {
    Asker::Role {
        account: account.to_owned(),
        role_arn: format!("arn:aws:iam::{account}:role/sender"),
        service: "events.amazonaws.com".to_owned(),
        source_arn: "arn:aws:events:us-east-1:111111111111:rule/r".to_owned(),
    }
}

pub(super) fn inbox(world: &mut World) {
    let call = call(world, OWNER, Service::Sqs, "CreateQueue", json!({ "QueueName": "inbox" }));
    sqs::perform(world, &call).unwrap();
    // A queue admits SNS by its policy alone.
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "sns.amazonaws.com" },
        "Action": "sqs:SendMessage", "Resource": QUEUE,
    }]});
    let url = "http://localhost/111111111111/inbox";
    let input = json!({ "QueueUrl": url, "Attributes": { "Policy": policy.to_string() } });
    let call = self::call(world, OWNER, Service::Sqs, "SetQueueAttributes", input);
    sqs::perform(world, &call).unwrap();
}

pub(super) fn in_queue(world: &World) -> Vec<String> {
    let queue = &world.accounts[OWNER].regions["us-east-1"].sqs.queues["inbox"];
    queue.messages.iter().map(|message| message.body.clone()).collect()
}

/// Lets EventBridge publish.
pub(super) fn admit_events(world: &mut World) {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Sid": "Events", "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": "sns:Publish", "Resource": TOPIC,
    }]});
    set(world, "Policy", &policy.to_string()).unwrap();
}

fn mails(world: &World, protocol: &str) -> usize {
    world.outbox.all().filter(|received| received.protocol == protocol).count()
}

#[test]
fn creating_a_topic_again_answers_the_same_topic() {
    let mut world = with_topic();
    let again = ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    assert_eq!(again["TopicArn"], TOPIC);
}

#[test]
fn creating_a_topic_again_with_other_attributes_or_tags_is_refused() {
    let mut world = with_topic();
    let other = json!({ "Name": "alerts", "Attributes": { "DisplayName": "x" } });
    let refusal = ask(&mut world, "CreateTopic", other).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "InvalidParameter"));
    assert!(
        refusal.message.ends_with("Topic already exists with different attributes"),
        "{}",
        refusal.message
    );
    let other = json!({ "Name": "alerts", "Tags": [{ "Key": "k", "Value": "v" }] });
    let refusal = ask(&mut world, "CreateTopic", other).unwrap_err();
    assert!(refusal.message.ends_with("Topic already exists with different tags"), "{}", refusal.message);
    set(&mut world, "DisplayName", "x").unwrap();
    let same = json!({ "Name": "alerts", "Attributes": { "DisplayName": "x" } });
    assert!(ask(&mut world, "CreateTopic", same).is_ok());
}

#[test]
fn a_topic_name_is_letters_digits_hyphens_and_underscores() {
    let mut world = world();
    for name in ["", "a b", "a.b", "a.fifo", &"a".repeat(257)] {
        let refusal = ask(&mut world, "CreateTopic", json!({ "Name": name })).unwrap_err();
        assert_eq!(refusal.message, "Invalid parameter: Topic Name", "{name}");
    }
    let fifo = json!({ "Name": "a.fifo", "Attributes": { "FifoTopic": "true" } });
    assert!(ask(&mut world, "CreateTopic", fifo).is_ok());
    assert!(ask(&mut world, "CreateTopic", json!({ "Name": "a".repeat(256) })).is_ok());
}

#[test]
fn the_number_of_topics_is_limited() {
    let mut world = with_topic();
    world.regional(OWNER, "us-east-1").mailroom.options.topics = 1;
    assert!(ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).is_ok());
    let refusal = ask(&mut world, "CreateTopic", json!({ "Name": "more" })).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "TopicLimitExceeded"));
}

#[test]
fn a_new_topic_tells_the_attributes_that_aws_gives_it() {
    let mut world = with_topic();
    let told = attributes(&mut world);
    assert_eq!(told["TopicArn"], TOPIC);
    assert_eq!(told["Owner"], OWNER);
    assert_eq!(told["DisplayName"], "");
    for counter in ["SubscriptionsConfirmed", "SubscriptionsPending", "SubscriptionsDeleted"] {
        assert_eq!(told[counter], "0", "{counter}");
    }
    let policy: Value = serde_json::from_str(told["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Condition"]["StringEquals"]["AWS:SourceOwner"], OWNER);
    let delivery: Value = serde_json::from_str(told["EffectiveDeliveryPolicy"].as_str().unwrap()).unwrap();
    assert_eq!(delivery["http"]["defaultHealthyRetryPolicy"]["numRetries"], 3);
    assert_eq!(told.as_object().unwrap().len(), 8);
}

#[test]
fn topics_are_named_by_whole_arns_of_the_region() {
    let mut world = with_topic();
    let cases = [
        ("alerts", 400, "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ("arn:aws:sns:eu-west-1:111111111111:alerts", 400, "Invalid parameter: TopicArn"),
        ("arn:aws-cn:sns:us-east-1:111111111111:alerts", 400, "Invalid parameter: TopicArn"),
        ("arn:aws:sqs:us-east-1:111111111111:alerts", 400, "Invalid parameter: TopicArn"),
        ("arn:aws:sns:us-east-1:111111111111:nothing", 404, "Topic does not exist"),
    ];
    for (arn, status, message) in cases {
        let refusal = ask(&mut world, "GetTopicAttributes", json!({ "TopicArn": arn })).unwrap_err();
        assert_eq!((refusal.status, refusal.message.as_str()), (status, message), "{arn}");
    }
}

#[test]
fn attributes_are_checked_when_they_are_set() {
    let mut world = with_topic();
    let long = "x".repeat(101);
    let scope = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:*","Resource":"*"}]}"#;
    let role = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/none"},"Action":"sns:Publish","Resource":"*"}]}"#;
    let cases = [
        ("Nonsense", "x", "Invalid parameter: AttributeName"),
        ("FifoTopic", "true", "Invalid parameter: AttributeName"),
        ("DisplayName", long.as_str(), "Invalid parameter: DisplayName"),
        ("Policy", "no json", "Invalid parameter: Policy Error: null"),
        ("Policy", "{}", "Invalid parameter: Policy Error: null"),
        ("Policy", scope, "Invalid parameter: Policy statement action out of service scope!"),
        ("Policy", role, "Invalid parameter: Policy Error: PrincipalNotFound"),
        ("KmsMasterKeyId", "a key!", "Invalid parameter: KmsMasterKeyId"),
        ("MaximumMessageSize", "2000000", "Invalid parameter: MaximumMessageSize"),
    ];
    for (name, value, message) in cases {
        let refusal = set(&mut world, name, value).unwrap_err();
        assert_eq!(
            (refusal.code.as_str(), refusal.message.as_str()),
            ("InvalidParameter", message),
            "{name}"
        );
    }
    set(&mut world, "DisplayName", &long[..100]).unwrap();
    set(&mut world, "KmsMasterKeyId", "alias/mine").unwrap();
    assert_eq!(attributes(&mut world)["KmsMasterKeyId"], "alias/mine");
    set(&mut world, "KmsMasterKeyId", "").unwrap();
    assert!(attributes(&mut world)["KmsMasterKeyId"].is_null());
}

#[test]
fn setting_the_policy_replaces_all_of_it() {
    let mut world = with_topic();
    admit_events(&mut world);
    let policy: Value = serde_json::from_str(attributes(&mut world)["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
    assert_eq!(policy["Statement"][0]["Sid"], "Events");
}

#[test]
fn permissions_are_added_and_removed_by_their_label() {
    let mut world = with_topic();
    let input = json!({
        "TopicArn": TOPIC, "Label": "l", "AWSAccountId": [OTHER], "ActionName": ["Publish"],
    });
    ask(&mut world, "AddPermission", input.clone()).unwrap();
    let policy: Value = serde_json::from_str(attributes(&mut world)["Policy"].as_str().unwrap()).unwrap();
    let added = &policy["Statement"][1];
    assert_eq!(added["Principal"]["AWS"], "arn:aws:iam::222222222222:root");
    assert_eq!(added["Action"], "SNS:Publish");
    assert!(ask(&mut world, "AddPermission", input).unwrap_err().message.contains("already exists"));
    ask(&mut world, "RemovePermission", json!({ "TopicArn": TOPIC, "Label": "l" })).unwrap();
    let policy: Value = serde_json::from_str(attributes(&mut world)["Policy"].as_str().unwrap()).unwrap();
    assert_eq!(policy["Statement"].as_array().unwrap().len(), 1);
}

#[test]
fn tags_are_added_listed_and_removed() {
    let mut world = with_topic();
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    ask(&mut world, "TagResource", json!({ "ResourceArn": TOPIC, "Tags": tags })).unwrap();
    ask(&mut world, "UntagResource", json!({ "ResourceArn": TOPIC, "TagKeys": ["a"] })).unwrap();
    let listed = ask(&mut world, "ListTagsForResource", json!({ "ResourceArn": TOPIC })).unwrap();
    assert_eq!(listed["Tags"], json!([{ "Key": "b", "Value": "2" }]));
    let twice = json!([{ "Key": "a", "Value": "1" }, { "Key": "a", "Value": "2" }]);
    let refusal = ask(&mut world, "TagResource", json!({ "ResourceArn": TOPIC, "Tags": twice })).unwrap_err();
    assert_eq!(refusal.message, "Invalid parameter: Duplicated keys are not allowed.");
    let many: Vec<Value> = (0..51).map(|n| json!({ "Key": n.to_string(), "Value": "" })).collect();
    let refusal = ask(&mut world, "TagResource", json!({ "ResourceArn": TOPIC, "Tags": many })).unwrap_err();
    assert_eq!(refusal.code, "TagLimitExceeded");
    let nothing = json!({ "ResourceArn": "arn:aws:sns:us-east-1:111111111111:none" });
    assert_eq!(ask(&mut world, "ListTagsForResource", nothing).unwrap_err().code, "ResourceNotFound");
}

#[test]
fn topics_and_subscriptions_are_listed_by_the_hundred() {
    let mut world = with_topic();
    for number in 0..204 {
        ask(&mut world, "CreateTopic", json!({ "Name": format!("t{number}") })).unwrap();
        subscribe(&mut world, "sms", &format!("+1555{number:07}"));
    }
    for (operation, field, all) in [
        ("ListTopics", "Topics", 205),
        ("ListSubscriptionsByTopic", "Subscriptions", 204),
        ("ListSubscriptions", "Subscriptions", 204),
    ] {
        let (mut sizes, mut seen, mut next) = (Vec::new(), std::collections::BTreeSet::new(), Value::Null);
        loop {
            let answer = ask(&mut world, operation, json!({ "TopicArn": TOPIC, "NextToken": next })).unwrap();
            let page = answer[field].as_array().unwrap();
            sizes.push(page.len());
            seen.extend(page.iter().map(Value::to_string));
            next = answer["NextToken"].clone();
            if next.is_null() {
                break;
            }
        }
        assert_eq!((sizes.as_slice(), seen.len()), ([100, 100, all - 200].as_slice(), all), "{operation}");
    }
    assert!(ask(&mut world, "ListTopics", json!({ "NextToken": "!" })).is_err());
}

#[test]
fn an_endpoint_must_be_one_of_its_protocol() {
    let mut world = with_topic();
    let cases = [
        ("pigeon", "x", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"),
        ("email", "nobody", "Invalid parameter: Email address"),
        ("email", "a b@example.com", "Invalid parameter: Email address"),
        ("email", "a@example", "Invalid parameter: Email address"),
        ("https", "http://example.com/", "Invalid parameter: Endpoint must match the specified protocol"),
        ("https", "https://", "Invalid parameter: Endpoint must match the specified protocol"),
        ("sqs", "https://sqs/1/q", "Invalid parameter: SQS endpoint ARN"),
        ("lambda", QUEUE, "Invalid parameter: Lambda endpoint ARN"),
        ("sms", "call me", "Invalid parameter: Invalid SMS endpoint: call me"),
        ("application", "x", "Invalid parameter: ApplicationEndpoint ARN"),
    ];
    for (protocol, endpoint, message) in cases {
        let input = json!({ "TopicArn": TOPIC, "Protocol": protocol, "Endpoint": endpoint });
        let refusal = ask(&mut world, "Subscribe", input).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("InvalidParameter", message));
    }
    let firehose = "arn:aws:firehose:us-east-1:111111111111:deliverystream/s";
    let mut input = json!({ "TopicArn": TOPIC, "Protocol": "firehose", "Endpoint": firehose });
    assert!(ask(&mut world, "Subscribe", input.clone()).unwrap_err().message.contains("SubscriptionRoleArn"));
    input["Attributes"] = json!({ "SubscriptionRoleArn": "arn:aws:iam::111111111111:role/r" });
    assert!(ask(&mut world, "Subscribe", input).is_ok());
}

#[test]
fn an_address_is_pending_until_it_is_confirmed() {
    let mut world = with_topic();
    let input = json!({ "TopicArn": TOPIC, "Protocol": "email", "Endpoint": MAIL });
    let answer = ask(&mut world, "Subscribe", input).unwrap();
    assert_eq!(answer["SubscriptionArn"], "pending confirmation");
    assert_eq!(listed(&mut world), [(MAIL.to_owned(), "PendingConfirmation".to_owned())]);
    assert_eq!(attributes(&mut world)["SubscriptionsPending"], "1");
    assert!(confirm(&mut world, TOPIC, MAIL));
    assert!(!confirm(&mut world, TOPIC, MAIL), "it is confirmed already");
    let (_, arn) = listed(&mut world).remove(0);
    assert!(arn.starts_with(&format!("{TOPIC}:")), "{arn}");
    let told = ask(&mut world, "GetSubscriptionAttributes", json!({ "SubscriptionArn": arn })).unwrap();
    assert_eq!(told["Attributes"]["$entries"]["PendingConfirmation"], "false");
    assert_eq!(told["Attributes"]["$entries"]["ConfirmationWasAuthenticated"], "false");
}

#[test]
fn subscribing_a_pending_address_again_sends_a_mail_and_makes_no_other_subscription() {
    let mut world = with_topic();
    let first = subscribe(&mut world, "email", MAIL);
    assert_eq!(subscribe(&mut world, "email", MAIL), first);
    assert_eq!(listed(&mut world).len(), 1);
    assert_eq!(mails(&world, "confirmation"), 2);
    let address = format!("{TOPIC} email {MAIL}");
    assert_eq!(world.regional(OWNER, "us-east-1").mailroom.confirmations[&address], 2);
    confirm(&mut world, TOPIC, MAIL);
    assert_eq!(subscribe(&mut world, "email", MAIL), first);
    assert_eq!(mails(&world, "confirmation"), 2, "a confirmed address is left alone");
}

#[test]
fn a_pending_subscription_cannot_be_deleted_and_vanishes_after_two_days() {
    let mut world = with_topic();
    let arn = subscribe(&mut world, "email", MAIL);
    for name in ["PendingConfirmation", "pending confirmation"] {
        let refusal = ask(&mut world, "Unsubscribe", json!({ "SubscriptionArn": name })).unwrap_err();
        assert!(refusal.message.contains("An ARN must have at least 6 elements, not 1"));
    }
    let refusal = ask(&mut world, "Unsubscribe", json!({ "SubscriptionArn": arn })).unwrap_err();
    assert!(refusal.message.ends_with("Cannot unsubscribe a subscription that is pending confirmation"));
    wait(&mut world, SignedDuration::from_hours(48) - SignedDuration::from_secs(1));
    assert_eq!(listed(&mut world).len(), 1);
    wait(&mut world, SignedDuration::from_secs(1));
    assert!(listed(&mut world).is_empty());
    assert!(!confirm(&mut world, TOPIC, MAIL), "the link is too old");
    assert_eq!(attributes(&mut world)["SubscriptionsDeleted"], "1");
    let missing =
        ask(&mut world, "GetSubscriptionAttributes", json!({ "SubscriptionArn": arn })).unwrap_err();
    assert_eq!((missing.status, missing.message.as_str()), (404, "Subscription does not exist"));
    assert_ne!(subscribe(&mut world, "email", MAIL), arn, "it is a new subscription");
}

#[test]
fn unsubscribing_is_idempotent_and_counted() {
    let mut world = with_topic();
    let arn = subscribe(&mut world, "sqs", QUEUE);
    ask(&mut world, "Unsubscribe", json!({ "SubscriptionArn": arn })).unwrap();
    ask(&mut world, "Unsubscribe", json!({ "SubscriptionArn": arn })).unwrap();
    assert!(listed(&mut world).is_empty());
    assert_eq!(attributes(&mut world)["SubscriptionsDeleted"], "1");
    let refusal = ask(&mut world, "Unsubscribe", json!({ "SubscriptionArn": TOPIC })).unwrap_err();
    assert_eq!(refusal.message, "Invalid parameter: SubscriptionId");
}

#[test]
fn a_token_confirms_for_two_days_and_only_its_own_topic() {
    let mut world = with_topic();
    ask(&mut world, "CreateTopic", json!({ "Name": "other" })).unwrap();
    let arn = subscribe(&mut world, "https", "https://example.com/hook");
    let body = world.outbox.all().next().unwrap().body.clone();
    let request: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(request["Type"], "SubscriptionConfirmation");
    let token = request["Token"].clone();
    let with = |topic: &str, token: &Value| json!({ "TopicArn": topic, "Token": token });
    let other = "arn:aws:sns:us-east-1:111111111111:other";
    let wrong = ask(&mut world, "ConfirmSubscription", with(other, &token)).unwrap_err();
    assert_eq!(wrong.message, "Invalid parameter: Token");
    let garbage = ask(&mut world, "ConfirmSubscription", with(TOPIC, &json!("abc"))).unwrap_err();
    assert_eq!(garbage.message, "Invalid token");
    for _ in 0..2 {
        let answer = ask(&mut world, "ConfirmSubscription", with(TOPIC, &token)).unwrap();
        assert_eq!(answer["SubscriptionArn"], arn.as_str());
    }
    wait(&mut world, SignedDuration::from_hours(48));
    assert!(ask(&mut world, "ConfirmSubscription", with(TOPIC, &token)).is_err());
}

#[test]
fn whoever_has_the_link_can_unsubscribe_unless_that_needs_authentication() {
    let mut world = with_topic();
    subscribe(&mut world, "email", MAIL);
    assert!(!click_unsubscribe(&mut world, TOPIC, MAIL), "it is pending");
    confirm(&mut world, TOPIC, MAIL);
    assert!(click_unsubscribe(&mut world, TOPIC, MAIL));
    assert!(listed(&mut world).is_empty());

    subscribe(&mut world, "https", "https://example.com/hook");
    let body = world.outbox.all().last().unwrap().body.clone();
    let request: Value = serde_json::from_str(&body).unwrap();
    let input = json!({ "TopicArn": TOPIC, "Token": request["Token"], "AuthenticateOnUnsubscribe": "true" });
    let arn = arn(ask(&mut world, "ConfirmSubscription", input).unwrap());
    assert!(!click_unsubscribe(&mut world, TOPIC, "https://example.com/hook"));
    let denied = ask_as(&mut world, OTHER, "Unsubscribe", json!({ "SubscriptionArn": arn })).unwrap_err();
    assert_eq!((denied.status, denied.code.as_str()), (403, "AuthorizationError"));
    assert_eq!(listed(&mut world).len(), 1);
}

#[test]
fn a_queue_needs_confirmation_only_from_another_accounts_subscriber() {
    let mut world = with_topic();
    let foreign = "arn:aws:sqs:us-east-1:222222222222:theirs";
    subscribe(&mut world, "sqs", QUEUE);
    subscribe(&mut world, "sqs", foreign);
    let standing: std::collections::BTreeMap<String, String> = listed(&mut world).into_iter().collect();
    assert_ne!(standing[QUEUE], "PendingConfirmation");
    assert_eq!(standing[foreign], "PendingConfirmation");
    let admitted = json!({
        "TopicArn": TOPIC, "Label": "l", "AWSAccountId": [OTHER], "ActionName": ["Subscribe"],
    });
    ask(&mut world, "AddPermission", admitted).unwrap();
    let theirs =
        json!({ "TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:222222222222:q" });
    let answer = ask_as(&mut world, OTHER, "Subscribe", theirs).unwrap();
    assert_ne!(answer["SubscriptionArn"], "pending confirmation");
}

#[test]
fn subscribing_again_with_other_attributes_is_refused() {
    let mut world = with_topic();
    let with = |raw: &str| {
        json!({
            "TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE, "Attributes": { "RawMessageDelivery": raw },
        })
    };
    let first = ask(&mut world, "Subscribe", with("true")).unwrap();
    assert_eq!(ask(&mut world, "Subscribe", with("TRUE")).unwrap(), first);
    assert_eq!(subscribe(&mut world, "sqs", QUEUE), arn(first), "no attributes contradict nothing");
    let refusal = ask(&mut world, "Subscribe", with("false")).unwrap_err();
    assert_eq!(
        refusal.message,
        "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
    );
}

#[test]
fn attributes_of_subscriptions_are_checked() {
    let mut world = with_topic();
    let arn = subscribe(&mut world, "sqs", QUEUE);
    let six: String = json!({ "a": [1], "b": [1], "c": [1], "d": [1], "e": [1], "f": [1] }).to_string();
    let values: Vec<u32> = (0..151).collect();
    let many = json!({ "a": values }).to_string();
    let deep = json!({ "a": { "b": [1] } }).to_string();
    let cases = [
        ("Nonsense", "x", "AttributeName"),
        ("RawMessageDelivery", "maybe", "RawMessageDelivery: Invalid value [maybe]. Must be true or false."),
        (
            "RedrivePolicy",
            r#"{"deadLetterTargetArn":"x"}"#,
            "RedrivePolicy: deadLetterTargetArn is an invalid arn",
        ),
        ("FilterPolicy", "no json", "FilterPolicy: failed to parse JSON."),
        ("FilterPolicy", &six, "FilterPolicy: Filter policy can not have more than 5 keys"),
        ("FilterPolicy", &many, "FilterPolicy: Filter policy is too complex"),
        ("FilterPolicy", r#"{"a":[]}"#, "FilterPolicy: Empty arrays are not allowed"),
        ("FilterPolicy", r#"{"a":"b"}"#, "FilterPolicy: \"a\" must be an object or an array"),
        ("FilterPolicy", r#"{"a":[{"wildcard":"b*"}]}"#, "FilterPolicy: Unrecognized match type wildcard"),
        (
            "FilterPolicy",
            &deep,
            "Filter policy scope MessageAttributes does not support nested filter policy",
        ),
        ("FilterPolicyScope", "Everything", "FilterPolicyScope: Invalid value [Everything]."),
    ];
    for (name, value, message) in cases {
        let input = json!({ "SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value });
        let refusal = ask(&mut world, "SetSubscriptionAttributes", input).unwrap_err();
        assert!(refusal.message.starts_with(&format!("Invalid parameter: {message}")), "{}", refusal.message);
    }
    let raw = json!({ "TopicArn": TOPIC, "Protocol": "email", "Endpoint": MAIL, "Attributes": { "RawMessageDelivery": "true" } });
    let refusal = ask(&mut world, "Subscribe", raw).unwrap_err();
    assert!(refusal.message.contains("Delivery protocol [email] does not support raw message delivery."));
    for (name, value) in [("FilterPolicyScope", "MessageBody"), ("FilterPolicy", deep.as_str())] {
        let input = json!({ "SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value });
        ask(&mut world, "SetSubscriptionAttributes", input).unwrap();
    }
    let told = ask(&mut world, "GetSubscriptionAttributes", json!({ "SubscriptionArn": arn })).unwrap();
    assert_eq!(told["Attributes"]["$entries"]["FilterPolicy"], deep);
    let foreign = json!({ "SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": "{}" });
    assert_eq!(ask_as(&mut world, OTHER, "SetSubscriptionAttributes", foreign).unwrap_err().status, 403);
}

#[test]
fn filter_policies_of_a_topic_are_limited() {
    let mut world = with_topic();
    world.regional(OWNER, "us-east-1").mailroom.options.filters = 1;
    let with = |number: u32| {
        json!({
            "TopicArn": TOPIC, "Protocol": "sms", "Endpoint": format!("+1555000000{number}"),
            "Attributes": { "FilterPolicy": r#"{"a":["b"]}"# },
        })
    };
    ask(&mut world, "Subscribe", with(1)).unwrap();
    ask(&mut world, "Subscribe", with(1)).unwrap();
    let refusal = ask(&mut world, "Subscribe", with(2)).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "FilterPolicyLimitExceeded"));
}

#[test]
fn subscriptions_of_a_topic_are_limited() {
    let mut world = with_topic();
    world.regional(OWNER, "us-east-1").mailroom.options.subscriptions = 1;
    subscribe(&mut world, "email", MAIL);
    let more = json!({ "TopicArn": TOPIC, "Protocol": "email", "Endpoint": "more@example.com" });
    let refusal = ask(&mut world, "Subscribe", more).unwrap_err();
    assert_eq!((refusal.status, refusal.code.as_str()), (403, "SubscriptionLimitExceeded"));
}

#[test]
fn only_confirmed_subscriptions_get_a_message() {
    let mut world = with_topic();
    inbox(&mut world);
    admit_events(&mut world);
    subscribe(&mut world, "email", MAIL);
    subscribe(&mut world, "email", "pending@example.com");
    subscribe(&mut world, "sqs", QUEUE);
    confirm(&mut world, TOPIC, MAIL);
    let mut reached = would_reach(&world, TOPIC, "hello", &events()).unwrap();
    reached.sort();
    assert_eq!(reached, [format!("email {MAIL}"), format!("sqs {QUEUE}")]);
    assert_eq!(mails(&world, "email"), 0, "asking sends nothing");
    publish(&mut world, TOPIC, "hello", &events()).unwrap();
    let mail = world.outbox.all().find(|received| received.protocol == "email").unwrap();
    assert_eq!((mail.endpoint.as_str(), mail.body.as_str()), (MAIL, "hello"));
    let envelope: Value = serde_json::from_str(&in_queue(&world)[0]).unwrap();
    assert_eq!(
        (envelope["Type"].as_str(), envelope["Message"].as_str()),
        (Some("Notification"), Some("hello"))
    );
    assert_eq!(envelope["TopicArn"], TOPIC);
}

#[test]
fn a_raw_subscription_gets_the_bare_message() {
    let mut world = with_topic();
    inbox(&mut world);
    admit_events(&mut world);
    let input = json!({
        "TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE, "Attributes": { "RawMessageDelivery": "true" },
    });
    ask(&mut world, "Subscribe", input).unwrap();
    publish(&mut world, TOPIC, "hello", &events()).unwrap();
    assert_eq!(in_queue(&world), ["hello"]);
}

#[test]
fn what_a_queue_does_not_take_goes_to_the_subscriptions_dead_letter_queue() {
    let mut world = with_topic();
    inbox(&mut world);
    admit_events(&mut world);
    let gone = "arn:aws:sqs:us-east-1:111111111111:gone";
    let redrive = json!({ "deadLetterTargetArn": QUEUE }).to_string();
    let input = json!({
        "TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": gone,
        "Attributes": { "RedrivePolicy": redrive, "RawMessageDelivery": "true" },
    });
    ask(&mut world, "Subscribe", input).unwrap();
    assert!(would_reach(&world, TOPIC, "hello", &events()).unwrap().is_empty());
    publish(&mut world, TOPIC, "hello", &events()).unwrap();
    assert_eq!(in_queue(&world), ["hello"]);
    assert_eq!(mails(&world, "sqs"), 0);
}

#[test]
fn a_filter_decides_as_its_pattern_does() {
    let body = r#"{"detail":{"eventName":"CreateUser"}}"#;
    for filter in [
        r#"{"detail":{"eventName":["CreateUser"]}}"#,
        r#"{"detail":{"eventName":["DeleteUser"]}}"#,
        r#"{"detail":{"eventName":[{"prefix":"Create"}]}}"#,
    ] {
        let mut world = with_topic();
        admit_events(&mut world);
        let input = json!({
            "TopicArn": TOPIC, "Protocol": "sms", "Endpoint": "+15550000001",
            "Attributes": { "FilterPolicy": filter, "FilterPolicyScope": "MessageBody" },
        });
        ask(&mut world, "Subscribe", input).unwrap();
        let event: Value = serde_json::from_str(body).unwrap();
        let expected = usize::from(Pattern::parse(filter).unwrap().matches(&event));
        assert_eq!(would_reach(&world, TOPIC, body, &events()).unwrap().len(), expected, "{filter}");
        assert_eq!(would_reach(&world, TOPIC, "no json", &events()).unwrap().len(), 0);
        publish(&mut world, TOPIC, body, &events()).unwrap();
        assert_eq!(mails(&world, "sms"), expected);
    }
}

#[test]
fn a_filter_over_attributes_lets_no_event_through() {
    let mut world = with_topic();
    admit_events(&mut world);
    let input = json!({
        "TopicArn": TOPIC, "Protocol": "sms", "Endpoint": "+15550000001",
        "Attributes": { "FilterPolicy": r#"{"source":["aws.iam"]}"# },
    });
    ask(&mut world, "Subscribe", input).unwrap();
    assert!(would_reach(&world, TOPIC, r#"{"source":"aws.iam"}"#, &events()).unwrap().is_empty());
}

#[test]
fn more_than_ten_mails_a_second_send_an_address_back_to_be_confirmed() {
    let mut world = with_topic();
    admit_events(&mut world);
    subscribe(&mut world, "email", MAIL);
    confirm(&mut world, TOPIC, MAIL);
    for _ in 0..10 {
        publish(&mut world, TOPIC, "calm", &events()).unwrap();
    }
    wait(&mut world, SignedDuration::from_secs(1));
    for _ in 0..11 {
        publish(&mut world, TOPIC, "storm", &events()).unwrap();
    }
    assert_eq!(mails(&world, "email"), 20);
    assert_eq!(listed(&mut world), [(MAIL.to_owned(), "PendingConfirmation".to_owned())]);
    assert!(!confirm(&mut world, TOPIC, MAIL), "no mail has asked for it since");
    wait(&mut world, SignedDuration::from_hours(1));
    publish(&mut world, TOPIC, "quiet", &events()).unwrap();
    assert_eq!(mails(&world, "email"), 20);
    subscribe(&mut world, "email", MAIL);
    assert!(confirm(&mut world, TOPIC, MAIL));
    publish(&mut world, TOPIC, "back", &events()).unwrap();
    assert_eq!(mails(&world, "email"), 21);
}

#[test]
fn an_address_silenced_by_its_volume_vanishes_two_days_later() {
    let mut world = with_topic();
    admit_events(&mut world);
    subscribe(&mut world, "email", MAIL);
    confirm(&mut world, TOPIC, MAIL);
    wait(&mut world, SignedDuration::from_hours(100));
    for _ in 0..11 {
        publish(&mut world, TOPIC, "storm", &events()).unwrap();
    }
    wait(&mut world, SignedDuration::from_hours(47));
    assert_eq!(listed(&mut world).len(), 1);
    wait(&mut world, SignedDuration::from_hours(1));
    assert!(listed(&mut world).is_empty());
}

#[test]
fn queues_are_never_silenced_by_volume() {
    let mut world = with_topic();
    inbox(&mut world);
    admit_events(&mut world);
    subscribe(&mut world, "sqs", QUEUE);
    for _ in 0..50 {
        publish(&mut world, TOPIC, "storm", &events()).unwrap();
    }
    assert_eq!(in_queue(&world).len(), 50);
}

#[test]
fn a_topic_encrypted_with_the_services_own_key_takes_nothing_from_services() {
    let mut world = with_topic();
    admit_events(&mut world);
    assert_eq!(publish(&mut world, TOPIC, "x", &events()), Ok(()));
    set(&mut world, "KmsMasterKeyId", "alias/aws/sns").unwrap();
    assert_eq!(publish(&mut world, TOPIC, "x", &events()), Err("NO_PERMISSIONS".to_owned()));
    assert_eq!(would_reach(&world, TOPIC, "x", &role(OTHER)), Err("NO_PERMISSIONS".to_owned()));
    // A key that is not there.
    set(&mut world, "KmsMasterKeyId", "alias/own").unwrap();
    assert_eq!(publish(&mut world, TOPIC, "x", &events()), Err("NO_PERMISSIONS".to_owned()));
}

#[test]
fn a_message_is_at_most_256_kib() {
    let mut world = with_topic();
    admit_events(&mut world);
    let body = "x".repeat(256 * 1024);
    assert_eq!(publish(&mut world, TOPIC, &body, &events()), Ok(()));
    let more = format!("{body}x");
    assert_eq!(publish(&mut world, TOPIC, &more, &events()), Err("INVALID_PARAMETER".to_owned()));
    let refusal = ask(&mut world, "Publish", json!({ "TopicArn": TOPIC, "Message": more })).unwrap_err();
    assert_eq!(refusal.message, "Invalid parameter: Message too long");
    set(&mut world, "MaximumMessageSize", "1048576").unwrap();
    assert_eq!(publish(&mut world, TOPIC, &more, &events()), Ok(()));
    set(&mut world, "MaximumMessageSize", "").unwrap_err();
    set(&mut world, "MaximumMessageSize", "262144").unwrap();
    subscribe(&mut world, "email", MAIL);
    assert!(set(&mut world, "MaximumMessageSize", "1048576").is_err(), "mails are not that large");
}

#[test]
fn publishing_to_no_topic_finds_no_resource() {
    let mut world = world();
    for arn in [TOPIC, "nonsense", QUEUE] {
        assert_eq!(publish(&mut world, arn, "x", &events()), Err("NO_RESOURCE".to_owned()), "{arn}");
    }
    assert!(world.accounts.is_empty(), "asking for a topic makes nothing");
}

#[test]
fn a_topic_made_anew_has_none_of_the_former_subscriptions() {
    let mut world = with_topic();
    admit_events(&mut world);
    subscribe(&mut world, "email", MAIL);
    confirm(&mut world, TOPIC, MAIL);
    ask(&mut world, "DeleteTopic", json!({ "TopicArn": TOPIC })).unwrap();
    ask(&mut world, "DeleteTopic", json!({ "TopicArn": TOPIC })).unwrap();
    ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    assert!(listed(&mut world).is_empty());
    assert!(!confirm(&mut world, TOPIC, MAIL));
}

#[test]
fn a_deleted_link_confirms_nothing_on_a_topic_made_anew() {
    let mut world = with_topic();
    subscribe(&mut world, "https", "https://example.com/hook");
    let body = world.outbox.all().next().unwrap().body.clone();
    let request: Value = serde_json::from_str(&body).unwrap();
    ask(&mut world, "DeleteTopic", json!({ "TopicArn": TOPIC })).unwrap();
    ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    let input = json!({ "TopicArn": TOPIC, "Token": request["Token"] });
    assert!(ask(&mut world, "ConfirmSubscription", input).is_err());
}

#[test]
fn deliveries_respect_changes_only_after_their_lag() {
    let mut world = world();
    world.lags.effect = SignedDuration::from_secs(30);
    ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    admit_events(&mut world);
    subscribe(&mut world, "sms", "+15550000001");
    assert_eq!(would_reach(&world, TOPIC, "x", &events()), Err("NO_RESOURCE".to_owned()));
    assert_eq!(would_reach_at(&world, TOPIC, "x", &events(), SignedDuration::ZERO).unwrap().len(), 1);
    wait(&mut world, SignedDuration::from_secs(30));
    assert_eq!(would_reach(&world, TOPIC, "x", &events()).unwrap().len(), 1);
    ask(&mut world, "DeleteTopic", json!({ "TopicArn": TOPIC })).unwrap();
    assert_eq!(would_reach(&world, TOPIC, "x", &events()).unwrap().len(), 1);
    wait(&mut world, SignedDuration::from_secs(30));
    assert_eq!(would_reach(&world, TOPIC, "x", &events()), Err("NO_RESOURCE".to_owned()));
}

#[test]
fn an_address_silenced_by_its_volume_gets_nothing_more_even_while_changes_lag() {
    let mut world = with_topic();
    admit_events(&mut world);
    subscribe(&mut world, "email", MAIL);
    confirm(&mut world, TOPIC, MAIL);
    world.lags.effect = SignedDuration::from_secs(60);
    wait(&mut world, SignedDuration::from_secs(60));
    for _ in 0..30 {
        publish(&mut world, TOPIC, "storm", &events()).unwrap();
    }
    assert_eq!(mails(&world, "email"), 10);
}

#[test]
fn a_read_may_be_late() {
    let mut world = world();
    world.lags.read = SignedDuration::from_secs(60);
    ask(&mut world, "CreateTopic", json!({ "Name": "alerts" })).unwrap();
    let mut missed = 0;
    for _ in 0..20 {
        missed += u32::from(ask(&mut world, "GetTopicAttributes", json!({ "TopicArn": TOPIC })).is_err());
    }
    assert!(missed > 0);
    assert!(
        ask(
            &mut world,
            "SetTopicAttributes",
            json!({
                "TopicArn": TOPIC, "AttributeName": "DisplayName", "AttributeValue": "x",
            })
        )
        .is_ok(),
        "a write finds it at once"
    );
    wait(&mut world, SignedDuration::from_secs(61));
    assert_eq!(attributes(&mut world)["DisplayName"], "x");
}

#[test]
fn a_call_publishes_by_protocol_with_subject_and_attributes() {
    let mut world = with_topic();
    inbox(&mut world);
    subscribe(&mut world, "email", MAIL);
    confirm(&mut world, TOPIC, MAIL);
    subscribe(&mut world, "sqs", QUEUE);
    let message = json!({ "default": "all", "email": "you" }).to_string();
    let input = json!({
        "TopicArn": TOPIC, "Message": message, "MessageStructure": "json", "Subject": "Hi",
        "MessageAttributes": { "n": { "DataType": "Number", "StringValue": "1" } },
    });
    assert!(ask(&mut world, "Publish", input).unwrap()["MessageId"].is_string());
    let mail = world.outbox.all().find(|received| received.protocol == "email").unwrap();
    assert_eq!((mail.subject.as_deref(), mail.body.as_str()), (Some("Hi"), "you"));
    let envelope: Value = serde_json::from_str(&in_queue(&world)[0]).unwrap();
    assert_eq!((&envelope["Message"], &envelope["Subject"]), (&json!("all"), &json!("Hi")));
    assert_eq!(envelope["MessageAttributes"]["n"], json!({ "Type": "Number", "Value": "1" }));
    for (input, message) in [
        (json!({ "Message": "" }), "Invalid parameter: Empty message"),
        (json!({ "Message": "x", "Subject": "" }), "Invalid parameter: Subject"),
        (
            json!({ "Message": "x", "MessageStructure": "json" }),
            "Invalid parameter: Message Structure - JSON message body failed to parse",
        ),
        (
            json!({ "Message": "{}", "MessageStructure": "json" }),
            "Invalid parameter: Message Structure - No default entry in JSON message body",
        ),
    ] {
        let mut input = input;
        input["TopicArn"] = TOPIC.into();
        assert_eq!(ask(&mut world, "Publish", input).unwrap_err().message, message);
    }
}

#[test]
fn a_topic_is_not_copied_by_reads() {
    let mut world = with_topic();
    let before = Arc::clone(&world.regional(OWNER, "us-east-1").sns.current().topics["alerts"]);
    attributes(&mut world);
    listed(&mut world);
    let after = &world.regional(OWNER, "us-east-1").sns.current().topics["alerts"];
    assert!(Arc::ptr_eq(&before, after));
}
