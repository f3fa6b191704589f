use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{may_send, perform, query_code, send};
use crate::access::Asker;
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::partition::PARTITIONS;
use crate::world::World;

const OWNER: &str = "111111111111";
const ARN: &str = "arn:aws:sqs:us-east-1:111111111111:inbox";
const URL: &str = "http://127.0.0.1:4566/111111111111/inbox";

fn world() -> World {
    let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut world = World::new(PARTITIONS[0], Clock::from_source(move || start), 7);
    world.organization.management = OWNER.to_owned();
    world
}

fn with_queue() -> World {
    let mut world = world();
    ask(&mut world, "CreateQueue", json!({ "QueueName": "inbox" })).unwrap();
    world
}

fn ask(world: &mut World, operation: &str, input: Value) -> Result<Value, Refusal> {
    let Value::Object(input) = input else { panic!("an input is an object") };
    let call = Call {
        service: Service::Sqs,
        operation: operation.to_owned(),
        input,
        region: "us-east-1".to_owned(),
        caller: Caller {
            account: OWNER.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        },
        request_id: "request".to_owned(),
        at: world.now(),
    };
    perform(world, &call)
}

/// Asks about the queue.
fn of(world: &mut World, operation: &str, mut input: Value) -> Result<Value, Refusal> {
    input["QueueUrl"] = URL.into();
    ask(world, operation, input)
}

fn wait(world: &mut World, seconds: i64) {
    world.clock.advance(SignedDuration::from_secs(seconds));
}

fn put(world: &mut World, body: &str) {
    of(world, "SendMessage", json!({ "MessageBody": body })).unwrap();
}

fn receive(world: &mut World) -> Vec<Value> {
    let input =
        json!({ "MaxNumberOfMessages": 10, "AttributeNames": ["All"], "MessageAttributeNames": ["All"] });
    let answer = of(world, "ReceiveMessage", input).unwrap();
    answer["Messages"].as_array().cloned().unwrap_or_default()
}

fn bodies(world: &mut World) -> Vec<String> {
    receive(world).iter().map(|message| message["Body"].as_str().unwrap().to_owned()).collect()
}

fn attributes(world: &mut World) -> Value {
    of(world, "GetQueueAttributes", json!({ "AttributeNames": ["All"] })).unwrap()["Attributes"].clone()
}

fn set(world: &mut World, name: &str, value: &str) -> Result<Value, Refusal> {
    of(world, "SetQueueAttributes", json!({ "Attributes": { name: value } }))
}

fn events() -> Asker {
    Asker::Service {
        service: "events.amazonaws.com".to_owned(),
        source_account: OWNER.to_owned(),
        source_arn: "arn:aws:events:us-east-1:111111111111:rule/r".to_owned(),
    }
}

fn admit_events(world: &mut World) {
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": "sqs:SendMessage", "Resource": ARN,
    }]});
    set(world, "Policy", &policy.to_string()).unwrap();
}

#[test]
fn a_queue_has_the_url_that_aws_gives_it_and_answers_under_any_host() {
    let mut world = with_queue();
    let answer = ask(&mut world, "GetQueueUrl", json!({ "QueueName": "inbox" })).unwrap();
    assert_eq!(answer["QueueUrl"], "https://sqs.us-east-1.amazonaws.com/111111111111/inbox");
    assert_eq!(attributes(&mut world)["QueueArn"], ARN);
}

#[test]
fn a_queue_that_is_not_there_is_refused_as_clients_know_it() {
    let mut world = world();
    for operation in ["GetQueueAttributes", "SendMessage", "ReceiveMessage", "DeleteQueue", "PurgeQueue"] {
        let refusal = of(&mut world, operation, json!({ "MessageBody": "x" })).unwrap_err();
        assert_eq!((refusal.status, refusal.code.as_str()), (400, "com.amazonaws.sqs#QueueDoesNotExist"));
    }
    assert_eq!(query_code("com.amazonaws.sqs#QueueDoesNotExist"), "AWS.SimpleQueueService.NonExistentQueue");
    assert_eq!(query_code("AccessDenied"), "AccessDenied");
}

#[test]
fn creating_a_queue_again_answers_it_unless_attributes_differ() {
    let mut world = world();
    let with = |seconds: &str| json!({ "QueueName": "q", "Attributes": { "VisibilityTimeout": seconds } });
    let first = ask(&mut world, "CreateQueue", with("60")).unwrap();
    assert_eq!(ask(&mut world, "CreateQueue", with("60")).unwrap(), first);
    assert_eq!(ask(&mut world, "CreateQueue", json!({ "QueueName": "q" })).unwrap(), first);
    let refusal = ask(&mut world, "CreateQueue", with("61")).unwrap_err();
    assert!(refusal.code.ends_with("#QueueNameExists"), "{}", refusal.code);
    assert!(refusal.message.ends_with("different value for attribute VisibilityTimeout"));
    let default = json!({ "QueueName": "d", "Attributes": { "DelaySeconds": "0" } });
    ask(&mut world, "CreateQueue", json!({ "QueueName": "d" })).unwrap();
    assert!(ask(&mut world, "CreateQueue", default).is_ok(), "a default is an attribute as well");
}

#[test]
fn the_name_of_a_deleted_queue_is_kept_back_for_a_minute() {
    let mut world = with_queue();
    of(&mut world, "DeleteQueue", json!({})).unwrap();
    wait(&mut world, 59);
    let refusal = ask(&mut world, "CreateQueue", json!({ "QueueName": "inbox" })).unwrap_err();
    assert!(refusal.code.ends_with("#QueueDeletedRecently"), "{}", refusal.code);
    wait(&mut world, 1);
    assert!(ask(&mut world, "CreateQueue", json!({ "QueueName": "inbox" })).is_ok());
}

#[test]
fn a_queue_name_is_checked() {
    let mut world = world();
    for name in ["", "a b", "a.fifo", &"a".repeat(81)] {
        let refusal = ask(&mut world, "CreateQueue", json!({ "QueueName": name })).unwrap_err();
        assert_eq!(refusal.code, "InvalidParameterValue", "{name}");
    }
    assert_eq!(ask(&mut world, "CreateQueue", json!({})).unwrap_err().code, "MissingParameter");
}

#[test]
fn queues_are_listed_by_prefix_and_page() {
    let mut world = with_queue();
    for number in 0..5 {
        ask(&mut world, "CreateQueue", json!({ "QueueName": format!("work-{number}") })).unwrap();
    }
    let all = ask(&mut world, "ListQueues", json!({})).unwrap();
    assert_eq!(all["QueueUrls"].as_array().unwrap().len(), 6);
    let mut found = Vec::new();
    let mut next = Value::Null;
    loop {
        let input = json!({ "QueueNamePrefix": "work", "MaxResults": 2, "NextToken": next });
        let answer = ask(&mut world, "ListQueues", input).unwrap();
        found.extend(answer["QueueUrls"].as_array().unwrap().clone());
        next = answer["NextToken"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(found.len(), 5);
    assert_eq!(ask(&mut world, "ListQueues", json!({ "QueueNamePrefix": "x" })).unwrap(), json!({}));
}

#[test]
fn a_new_queue_tells_the_defaults() {
    let mut world = with_queue();
    let told = attributes(&mut world);
    for (name, value) in [
        ("VisibilityTimeout", "30"),
        ("MessageRetentionPeriod", "345600"),
        ("DelaySeconds", "0"),
        ("ReceiveMessageWaitTimeSeconds", "0"),
        ("MaximumMessageSize", "1048576"),
        ("SqsManagedSseEnabled", "true"),
        ("ApproximateNumberOfMessages", "0"),
    ] {
        assert_eq!(told[name], value, "{name}");
    }
    assert!(told["Policy"].is_null() && told["KmsMasterKeyId"].is_null());
    let one = of(&mut world, "GetQueueAttributes", json!({ "AttributeNames": ["QueueArn"] })).unwrap();
    assert_eq!(one, json!({ "Attributes": { "QueueArn": ARN } }));
    let wrong = of(&mut world, "GetQueueAttributes", json!({ "AttributeNames": ["Nonsense"] })).unwrap_err();
    assert!(wrong.code.ends_with("#InvalidAttributeName"));
}

#[test]
fn attributes_are_checked_when_they_are_set() {
    let mut world = with_queue();
    for (name, value, code) in [
        ("Nonsense", "x", "InvalidAttributeName"),
        ("QueueArn", "x", "InvalidAttributeName"),
        ("VisibilityTimeout", "43201", "InvalidAttributeValue"),
        ("MessageRetentionPeriod", "59", "InvalidAttributeValue"),
        ("Policy", "no json", "InvalidAttributeValue"),
        ("RedrivePolicy", "{}", "InvalidAttributeValue"),
        ("SqsManagedSseEnabled", "maybe", "InvalidAttributeValue"),
    ] {
        let refusal = set(&mut world, name, value).unwrap_err();
        assert_eq!(refusal.code, format!("com.amazonaws.sqs#{code}"), "{name}");
    }
    set(&mut world, "KmsMasterKeyId", "alias/own").unwrap();
    let told = attributes(&mut world);
    assert_eq!(
        (told["SqsManagedSseEnabled"].as_str(), told["KmsMasterKeyId"].as_str()),
        (Some("false"), Some("alias/own"))
    );
    admit_events(&mut world);
    assert!(attributes(&mut world)["Policy"].is_string());
    set(&mut world, "Policy", "").unwrap();
    assert!(attributes(&mut world)["Policy"].is_null());
}

#[test]
fn a_received_message_is_hidden_until_its_timeout_and_counted() {
    let mut world = with_queue();
    put(&mut world, "one");
    let first = receive(&mut world).remove(0);
    assert_eq!(first["Attributes"]["ApproximateReceiveCount"], "1");
    assert_eq!(first["Attributes"]["SentTimestamp"], "1795176000000");
    assert!(receive(&mut world).is_empty());
    assert_eq!(attributes(&mut world)["ApproximateNumberOfMessagesNotVisible"], "1");
    wait(&mut world, 29);
    assert!(receive(&mut world).is_empty());
    wait(&mut world, 1);
    let again = receive(&mut world).remove(0);
    assert_eq!(again["Attributes"]["ApproximateReceiveCount"], "2");
    assert_ne!(again["ReceiptHandle"], first["ReceiptHandle"]);
    of(&mut world, "DeleteMessage", json!({ "ReceiptHandle": first["ReceiptHandle"] })).unwrap();
    wait(&mut world, 30);
    let third = receive(&mut world).remove(0);
    assert_eq!(third["Body"], "one", "an old handle deletes nothing");
    of(&mut world, "DeleteMessage", json!({ "ReceiptHandle": third["ReceiptHandle"] })).unwrap();
    wait(&mut world, 30);
    assert!(receive(&mut world).is_empty());
    let wrong = of(&mut world, "DeleteMessage", json!({ "ReceiptHandle": "x" })).unwrap_err();
    assert!(wrong.code.ends_with("#ReceiptHandleIsInvalid"));
}

#[test]
fn the_visibility_of_a_message_in_flight_can_be_changed() {
    let mut world = with_queue();
    put(&mut world, "one");
    let handle = receive(&mut world)[0]["ReceiptHandle"].clone();
    let change = json!({ "ReceiptHandle": handle, "VisibilityTimeout": 0 });
    of(&mut world, "ChangeMessageVisibility", change.clone()).unwrap();
    let refusal = of(&mut world, "ChangeMessageVisibility", change).unwrap_err();
    assert!(refusal.code.ends_with("#MessageNotInflight"));
    assert_eq!(bodies(&mut world), ["one"]);
}

#[test]
fn messages_come_delayed_and_are_forgotten_after_their_retention() {
    let mut world = with_queue();
    of(&mut world, "SendMessage", json!({ "MessageBody": "later", "DelaySeconds": 10 })).unwrap();
    assert_eq!(attributes(&mut world)["ApproximateNumberOfMessagesDelayed"], "1");
    assert!(receive(&mut world).is_empty());
    wait(&mut world, 10);
    assert_eq!(bodies(&mut world), ["later"]);
    set(&mut world, "MessageRetentionPeriod", "60").unwrap();
    put(&mut world, "short");
    wait(&mut world, 59);
    assert_eq!(bodies(&mut world), ["short"]);
    wait(&mut world, 1);
    assert_eq!(attributes(&mut world)["ApproximateNumberOfMessagesNotVisible"], "0");
}

#[test]
fn a_queue_keeps_only_so_many_messages() {
    let mut world = with_queue();
    world.regional(OWNER, "us-east-1").sqs.options.messages = 3;
    for number in 0..5 {
        put(&mut world, &number.to_string());
    }
    assert_eq!(bodies(&mut world), ["2", "3", "4"]);
    assert_eq!(world.regional(OWNER, "us-east-1").sqs.queues["inbox"].messages.dropped, 2);
}

#[test]
fn a_purge_empties_a_queue_once_a_minute() {
    let mut world = with_queue();
    put(&mut world, "one");
    of(&mut world, "PurgeQueue", json!({})).unwrap();
    assert!(receive(&mut world).is_empty());
    let refusal = of(&mut world, "PurgeQueue", json!({})).unwrap_err();
    assert!(refusal.code.ends_with("#PurgeQueueInProgress"));
    wait(&mut world, 60);
    assert!(of(&mut world, "PurgeQueue", json!({})).is_ok());
}

#[test]
fn a_message_is_checked_and_answered_with_its_digests() {
    let mut world = with_queue();
    let input = json!({ "MessageBody": "hello world", "MessageAttributes": {
        "attr1": { "DataType": "Number", "StringValue": "99.12" },
        "other": { "DataType": "Binary", "BinaryValue": "AgME" },
    }});
    let sent = of(&mut world, "SendMessage", input).unwrap();
    assert_eq!(sent["MD5OfMessageBody"], "5eb63bbbe01eeed093cb22bb8f5acdc3");
    let input = json!({ "MessageAttributeNames": ["attr.*", "attr1"] });
    let received = of(&mut world, "ReceiveMessage", input).unwrap()["Messages"][0].clone();
    assert_eq!(
        received["MD5OfMessageAttributes"], "d302007e9aa062660afc85fd0a482472",
        "of those that are told"
    );
    assert_eq!(
        received["MessageAttributes"],
        json!({ "attr1": { "DataType": "Number", "StringValue": "99.12" } })
    );
    assert!(received["Attributes"].is_null());
    for (input, code) in [
        (json!({}), "MissingParameter"),
        (json!({ "MessageBody": "x".repeat(1_048_577) }), "InvalidParameterValue"),
        (json!({ "MessageBody": "\u{1}" }), "com.amazonaws.sqs#InvalidMessageContents"),
        (json!({ "MessageBody": "x", "DelaySeconds": 901 }), "InvalidParameterValue"),
        (
            json!({ "MessageBody": "x", "MessageAttributes": { "a": { "DataType": "Odd" } } }),
            "InvalidParameterValue",
        ),
    ] {
        assert_eq!(of(&mut world, "SendMessage", input).unwrap_err().code, code);
    }
    assert!(of(&mut world, "ReceiveMessage", json!({ "MaxNumberOfMessages": 11 })).is_err());
}

#[test]
fn each_entry_of_a_batch_succeeds_or_fails_by_itself() {
    let mut world = with_queue();
    let entries = json!([{ "Id": "a", "MessageBody": "one" }, { "Id": "b", "MessageBody": "" }]);
    let answer = of(&mut world, "SendMessageBatch", json!({ "Entries": entries })).unwrap();
    assert_eq!(answer["Successful"][0]["Id"], "a");
    assert_eq!(answer["Failed"][0]["Id"], "b");
    assert_eq!(answer["Failed"][0]["Code"], "MissingParameter");
    let handle = receive(&mut world)[0]["ReceiptHandle"].clone();
    let entries = json!([{ "Id": "a", "ReceiptHandle": handle }, { "Id": "b", "ReceiptHandle": "x" }]);
    let answer = of(&mut world, "DeleteMessageBatch", json!({ "Entries": entries })).unwrap();
    assert_eq!((&answer["Successful"][0]["Id"], &answer["Failed"][0]["Id"]), (&json!("a"), &json!("b")));
    let eleven: Vec<Value> = (0..11).map(|n| json!({ "Id": n.to_string(), "MessageBody": "x" })).collect();
    for (entries, code) in [
        (json!([]), "EmptyBatchRequest"),
        (json!(eleven), "TooManyEntriesInBatchRequest"),
        (json!([{ "Id": "a" }, { "Id": "a" }]), "BatchEntryIdsNotDistinct"),
        (json!([{ "Id": "a b" }]), "InvalidBatchEntryId"),
    ] {
        let refusal = of(&mut world, "SendMessageBatch", json!({ "Entries": entries })).unwrap_err();
        assert_eq!(refusal.code, format!("com.amazonaws.sqs#{code}"));
    }
}

#[test]
fn tags_are_added_listed_and_removed() {
    let mut world = world();
    ask(&mut world, "CreateQueue", json!({ "QueueName": "inbox", "tags": { "a": "1" } })).unwrap();
    of(&mut world, "TagQueue", json!({ "Tags": { "b": "2" } })).unwrap();
    of(&mut world, "UntagQueue", json!({ "TagKeys": ["a"] })).unwrap();
    assert_eq!(of(&mut world, "ListQueueTags", json!({})).unwrap(), json!({ "Tags": { "b": "2" } }));
}

#[test]
fn a_service_sends_with_text_attributes() {
    let mut world = with_queue();
    admit_events(&mut world);
    let attributes = BTreeMap::from([("ERROR_CODE".to_owned(), "NO_PERMISSIONS".to_owned())]);
    send(&mut world, ARN, "dead", &attributes, &events()).unwrap();
    let message = receive(&mut world).remove(0);
    assert_eq!(message["Body"], "dead");
    let expected = json!({ "DataType": "String", "StringValue": "NO_PERMISSIONS" });
    assert_eq!(message["MessageAttributes"]["ERROR_CODE"], expected);
}

#[test]
fn a_service_cannot_send_to_nothing_or_past_the_services_own_key() {
    let mut world = with_queue();
    admit_events(&mut world);
    assert_eq!(may_send(&world, ARN, &events()), Ok(()));
    let none = "arn:aws:sqs:us-east-1:111111111111:none";
    assert_eq!(may_send(&world, none, &events()), Err("NO_RESOURCE".to_owned()));
    set(&mut world, "KmsMasterKeyId", "alias/aws/sqs").unwrap();
    assert_eq!(send(&mut world, ARN, "x", &BTreeMap::new(), &events()), Err("NO_PERMISSIONS".to_owned()));
    assert!(receive(&mut world).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_rather_wait_receives_what_arrives_meanwhile_and_nothing_after_its_patience() {
    use crate::simulator::Simulator;
    use std::time::Duration;
    use tokio::time::{Instant, sleep};

    let simulator = Simulator::new(with_queue());
    let receive = |seconds: u32| {
        let body = json!({ "QueueUrl": URL, "WaitTimeSeconds": seconds }).to_string();
        let request =
            http::Request::post("/").header("x-amz-target", "AmazonSQS.ReceiveMessage").body(body.into());
        let (simulator, request) = (simulator.clone(), request.unwrap());
        async move {
            let answer = simulator.handle(request).await.response;
            serde_json::from_slice::<Value>(answer.body()).unwrap()
        }
    };
    let began = Instant::now();
    assert_eq!(receive(20).await, json!({}));
    assert_eq!(began.elapsed(), Duration::from_secs(20));
    let began = Instant::now();
    let arrives = async {
        sleep(Duration::from_secs(7)).await;
        let message = json!({ "QueueUrl": URL, "MessageBody": "hello" });
        ask(&mut simulator.world(), "SendMessage", message).unwrap();
    };
    let (received, ()) = tokio::join!(receive(20), arrives);
    assert_eq!(received["Messages"][0]["Body"], "hello");
    assert_eq!(began.elapsed(), Duration::from_secs(7));
    // Whoever does not want to wait gets what there is.
    let began = Instant::now();
    assert_eq!(receive(0).await, json!({}));
    assert_eq!(began.elapsed(), Duration::ZERO);
}
