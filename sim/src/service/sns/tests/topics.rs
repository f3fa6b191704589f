//! Topics, with their attributes, policies and tags.

use super::*;

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
fn a_topic_is_not_copied_by_reads() {
    let mut world = with_topic();
    let before = Arc::clone(&world.regional(OWNER, "us-east-1").sns.current().topics["alerts"]);
    attributes(&mut world);
    listed(&mut world);
    let after = &world.regional(OWNER, "us-east-1").sns.current().topics["alerts"];
    assert!(Arc::ptr_eq(&before, after));
}
