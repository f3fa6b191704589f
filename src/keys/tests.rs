use serde_json::{Value, json};

use super::*;
use crate::world::fixture;

const KEY: &str = "arn:aws:kms:us-east-1:222222222222:key/1";

fn policy(statements: Value) -> Value {
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn world() -> World {
    fixture::world(&fixture::settings(""))
}

fn deliveries() -> Use {
    of_queue("orgwatch-inbox")
}

fn allow(principal: Value, action: Value, condition: Value) -> Value {
    json!({ "Sid": "s", "Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*", "Condition": condition })
}

fn events(condition: Value) -> Value {
    allow(json!({ "Service": EVENTS }), json!(["kms:GenerateDataKey*", "kms:Decrypt"]), condition)
}

#[test]
fn a_key_lets_in_whom_a_statement_names_with_every_action_that_it_takes() {
    for (statement, lets) in [
        (events(json!({})), true),
        (allow(json!("*"), json!("kms:*"), json!({})), true),
        (allow(json!({ "AWS": "*" }), json!("*"), json!({})), true),
        (allow(json!({ "Service": ["sns.amazonaws.com", EVENTS] }), json!("KMS:*"), json!({})), true),
        (allow(json!({ "Service": EVENTS }), json!("kms:Decrypt"), json!({})), false),
        (allow(json!({ "Service": "sns.amazonaws.com" }), json!("kms:*"), json!({})), false),
        (allow(json!({ "AWS": "arn:aws:iam::222222222222:root" }), json!("kms:*"), json!({})), false),
    ] {
        let told = ask(&policy(json!([statement])), KEY, &deliveries());
        assert_eq!(told == Answer::Lets, lets, "{statement}: {told:?}");
        // One statement need not stand in a list.
        assert_eq!(ask(&policy(statement), KEY, &deliveries()), told);
    }
}

#[test]
fn a_deny_wins_and_another_keys_statement_says_nothing() {
    let deny =
        json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey", "Resource": "*" });
    let told = ask(&policy(json!([events(json!({})), deny])), KEY, &deliveries());
    assert!(matches!(told, Answer::Refuses(why) if why.contains("denies kms:GenerateDataKey")));
    let mut other = events(json!({}));
    other["Resource"] = json!("arn:aws:kms:us-east-1:222222222222:key/2");
    assert!(matches!(ask(&policy(json!([other])), KEY, &deliveries()), Answer::Refuses(_)));
}

#[test]
fn a_condition_on_the_source_never_holds_for_deliveries_and_holds_for_the_bus() {
    let world = world();
    let [_, bus] = of_bus(&world);
    let account = json!({ "StringEquals": { "aws:SourceAccount": world.central.to_string() } });
    let told = ask(&policy(json!([events(account.clone())])), KEY, &deliveries());
    assert!(matches!(told, Answer::Refuses(why) if why.contains("never holds")));
    assert_eq!(ask(&policy(json!([events(account)])), KEY, &bus), Answer::Lets);
    let context = |bus: &str| json!({ "StringEquals": { BUS_CONTEXT: bus } });
    assert_eq!(ask(&policy(json!([events(context(&world.bus_arn()))])), KEY, &bus), Answer::Lets);
    let other = ask(
        &policy(json!([events(context("arn:aws:events:us-east-1:222222222222:event-bus/x"))])),
        KEY,
        &bus,
    );
    assert!(matches!(other, Answer::Refuses(_)));
}

#[test]
fn conditions_are_read_with_all_their_forms() {
    use super::condition::{Truth, hold};
    let world = world();
    let [_, bus] = of_bus(&world);
    let arn = world.bus_arn();
    for (condition, of_bus, of_queue) in [
        (json!({ "ArnLike": { "aws:SourceArn": "arn:aws:events:*:event-bus/*" } }), Truth::Yes, Truth::No),
        (json!({ "ArnNotLike": { "aws:SourceArn": "arn:aws:events:*" } }), Truth::No, Truth::Yes),
        (json!({ "StringEqualsIfExists": { "aws:SourceArn": "x" } }), Truth::No, Truth::Yes),
        (json!({ "StringEqualsIgnoreCase": { "AWS:SourceArn": arn.to_uppercase() } }), Truth::Yes, Truth::No),
        (json!({ "Null": { "aws:SourceArn": "false" } }), Truth::Yes, Truth::No),
        (json!({ "Null": { "aws:SourceArn": "true" } }), Truth::No, Truth::Yes),
        (json!({ "ForAllValues:StringEquals": { "aws:SourceArn": ["x", arn] } }), Truth::Yes, Truth::Yes),
        (json!({ "ForAnyValue:StringLike": { "aws:SourceArn": "arn:aws:event?:*" } }), Truth::Yes, Truth::No),
        (json!({ "StringEquals": { "kms:ViaService": "sns" } }), Truth::Unclear, Truth::Unclear),
        (json!({ "Bool": { "aws:PrincipalIsAWSService": "true" } }), Truth::Unclear, Truth::Unclear),
        (json!({ "StringEquals": { "aws:SourceArn": "x", "kms:ViaService": "sns" } }), Truth::No, Truth::No),
    ] {
        assert_eq!(hold(Some(&condition), &bus), of_bus, "{condition}");
        assert_eq!(hold(Some(&condition), &deliveries()), of_queue, "{condition}");
    }
}

#[test]
fn what_depends_on_what_nobody_here_knows_is_unclear_and_never_taken_for_a_refusal() {
    let unclear = json!({ "StringEquals": { "kms:EncryptionContext:aws:sns:topicArn": "x" } });
    assert!(matches!(ask(&policy(json!([events(unclear.clone())])), KEY, &deliveries()), Answer::Unclear(_)));
    let mut deny = events(unclear);
    deny["Effect"] = json!("Deny");
    assert!(matches!(ask(&policy(json!([events(json!({})), deny])), KEY, &deliveries()), Answer::Unclear(_)));
    let mut others = events(json!({}));
    others.as_object_mut().unwrap().remove("Principal");
    others["NotPrincipal"] = json!({ "AWS": "222222222222" });
    assert!(matches!(ask(&policy(json!([others])), KEY, &deliveries()), Answer::Unclear(_)));
}

#[test]
fn the_printed_statements_let_in_all_who_use_the_key() {
    let settings = "[guard]\nenabled = true\n[notify]\nalert = 'orgwatch-health'\n";
    let mut world = fixture::world(&fixture::settings(settings));
    let elsewhere = KEY.replace("222222222222", "444444444444");
    for key in [KEY, &elsewhere] {
        for of_world in [true, false] {
            world.key = of_world.then(|| key.to_owned());
            for alert in &mut world.alerts {
                alert.topic.as_mut().unwrap().key = Some(key.to_owned());
            }
            if let Some(health) = &mut world.health {
                health.alert.topic.as_mut().unwrap().key = Some(key.to_owned());
            }
            let document = policy(Value::Array(statements(&world, key)));
            let uses = uses(&world, key);
            let labels: Vec<String> = uses.iter().map(Use::label).collect();
            assert_eq!(labels.iter().any(|label| label.contains("event bus")), of_world, "{labels:?}");
            assert!(labels.iter().any(|label| label.starts_with(CLOUDWATCH)), "{labels:?}");
            for usage in uses {
                assert_eq!(ask(&document, key, &usage), Answer::Lets, "{usage:?}");
            }
            let reads =
                document["Statement"].as_array().unwrap().iter().any(|s| s["Principal"]["AWS"].is_string());
            assert_eq!(
                reads,
                key != KEY,
                "what the account itself does needs saying in other accounts alone"
            );
            assert_eq!(all(&world), BTreeSet::from([key]));
        }
    }
    assert!(statements(&world, "arn:aws:kms:us-east-1:222222222222:key/other").is_empty());
}

#[test]
fn patterns_of_iam_match_as_iam_does() {
    use super::condition::like;
    for (pattern, text, fits) in [
        ("*", "", true),
        ("a*c", "abbc", true),
        ("a*c", "abbd", false),
        ("a?c", "abc", true),
        ("a?c", "ac", false),
        ("*b*b", "abab", true),
        ("kms:generatedatakey*", "kms:generatedatakey", true),
        ("", "x", false),
    ] {
        assert_eq!(like(pattern, text), fits, "{pattern} {text}");
    }
}
