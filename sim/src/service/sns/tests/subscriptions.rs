//! Subscriptions, from asking for one to its end.

use super::*;

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
