//! Who gets a message, when, and in which form.

use super::*;

fn role(account: &str) -> Asker {
    Asker::Role {
        account: account.to_owned(),
        role_arn: format!("arn:aws:iam::{account}:role/sender"),
        service: "events.amazonaws.com".to_owned(),
        source_arn: "arn:aws:events:us-east-1:111111111111:rule/r".to_owned(),
    }
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
