use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::delivery::{Alerts, Todo};
use super::*;
use crate::world::fixture::{central, id, kind, settings, world};

const SMALLEST: &str = "";

fn message(rule_arn: &str, event: &Value) -> Message {
    let attributes = [
        ("RULE_ARN", rule_arn),
        ("TARGET_ARN", "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch"),
        ("ERROR_CODE", "NO_PERMISSIONS"),
        ("ERROR_MESSAGE", "not\nauthorized"),
    ];
    Message {
        id: "m-1".to_owned(),
        handle: "h-1".to_owned(),
        body: event.to_string(),
        attributes: attributes.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        sent_at: None,
    }
}

fn event() -> Value {
    json!({
        "version": "0", "id": "e", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": "333333333333", "time": "2026-11-20T12:00:00Z", "region": "us-east-1", "resources": [],
        "detail": { "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "eventID": "x",
                    "userIdentity": { "type": "IAMUser", "arn": "arn:aws:iam::333333333333:user/eve" } },
    })
}

const SENDER: &str = "arn:aws:events:us-east-1:333333333333:rule/orgwatch-iam-changes";
const RECEIVER: &str = "arn:aws:events:us-east-1:222222222222:rule/orgwatch/orgwatch-iam-changes";

fn alerts(text: &str) -> Alerts {
    let settings = settings(text);
    let world = world(&settings);
    let rules = kind("alert_rule").desired(&world, &central(&settings));
    Alerts::new(rules, world.bus(), "arn:aws:events:us-east-1:222222222222:rule/orgwatch/", None)
}

#[test]
fn a_letter_tells_account_rule_and_error() {
    let letter = Letter::read(&message(SENDER, &event()));
    assert_eq!(letter.account, Some(id("333333333333")));
    assert_eq!((letter.rule.name.as_str(), letter.rule.bus.as_deref()), ("orgwatch-iam-changes", None));
    assert_eq!((letter.error.as_str(), letter.message.as_str()), ("NO_PERMISSIONS", "notauthorized"));
    assert_eq!(letter.at.unwrap().to_string(), "2026-11-20T12:00:00Z");
    let letter = Letter::read(&message(RECEIVER, &event()));
    assert_eq!(
        (letter.rule.name.as_str(), letter.rule.bus.as_deref()),
        ("orgwatch-iam-changes", Some("orgwatch"))
    );
}

#[test]
fn a_letter_that_holds_no_event_is_seen_all_the_same() {
    for body in ["", "null", "{\"source\": 1}", "{\"source\": \"aws.iam\"}", "[[[["] {
        let letter = Letter::read(&Message { body: body.to_owned(), ..Message::default() });
        assert_eq!((letter.holds(), &letter.account), (Holds::Nothing, &None), "{body}");
        assert!(matches!(alerts(SMALLEST).todo(&letter), Todo::Leave(_)));
    }
}

#[test]
fn letters_are_listed_by_account_rule_and_error_and_departed_accounts_as_such() {
    let mut other = event();
    other["account"] = "444444444444".into();
    other["time"] = "2026-11-20T13:00:00Z".into();
    let mut later = event();
    later["time"] = "2026-11-20T14:00:00Z".into();
    let letters: Vec<Letter> =
        [event(), other, later].iter().map(|event| Letter::read(&message(SENDER, event))).collect();
    let summary = Summary::of(&letters, Some(&BTreeSet::from([id("333333333333")])));
    let told: Vec<_> = summary
        .groups
        .iter()
        .map(|g| (g.account.clone().unwrap().to_string(), g.departed, g.letters))
        .collect();
    assert_eq!(told, [("333333333333".to_owned(), false, 2), ("444444444444".to_owned(), true, 1)]);
    assert_eq!(summary.groups[0].newest.unwrap().to_string(), "2026-11-20T14:00:00Z");
    // Without a listing of the organization nobody has departed.
    assert!(Summary::of(&letters, None).groups.iter().all(|group| !group.departed));
}

#[test]
fn no_two_groups_look_the_same() {
    // One rule by its name, in two accounts: a group does not show whose rule it is.
    let elsewhere = SENDER.replace("333333333333", "444444444444");
    let letters = [SENDER, elsewhere.as_str()].map(|rule| Letter::read(&message(rule, &event())));
    let summary = Summary::of(&letters, None);
    assert_eq!(summary.groups.iter().map(|group| group.letters).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_lost_event_is_published_in_its_alerts_format_under_its_heading() {
    let Todo::Publish(late) = alerts(SMALLEST).todo(&Letter::read(&message(SENDER, &event()))) else {
        panic!()
    };
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].topic_arn, "arn:aws:sns:us-east-1:222222222222:orgwatch-iam-changes");
    assert_eq!(late[0].subject, "Delayed: CreateUser in account 333333333333");
    let lines: Vec<&str> = late[0].message.lines().collect();
    assert_eq!(
        lines[0],
        "DELAYED. This happened at 2026-11-20T12:00:00Z. It could not be delivered then (NO_PERMISSIONS) and is delivered now."
    );
    assert!(lines[2].contains("CreateUser") && lines[2].contains("333333333333"), "{}", lines[2]);
}

#[test]
fn what_was_lost_behind_one_alerts_rule_is_for_that_alert_alone() {
    let two = "[[alert]]\nname = 'iam-changes'\nsubscriptions = [{ protocol = 'email', endpoint = 'a@example.com' }]\n\
               [[alert]]\nname = 'other'\nsubscriptions = [{ protocol = 'email', endpoint = 'b@example.com' }]\n\
               [[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n";
    let topics = |rule: &str| match alerts(two).todo(&Letter::read(&message(rule, &event()))) {
        Todo::Publish(late) => {
            late.into_iter().map(|late| late.topic_arn.rsplit(':').next().unwrap().to_owned()).collect()
        }
        _ => Vec::new(),
    };
    assert_eq!(topics(SENDER), ["orgwatch-iam-changes", "orgwatch-other"]);
    assert_eq!(topics(RECEIVER), ["orgwatch-iam-changes"]);
    assert_eq!(
        topics("arn:aws:events:us-east-1:222222222222:rule/orgwatch/orgwatch-gone"),
        Vec::<String>::new()
    );
}

#[test]
fn nobody_hears_of_a_canary_and_what_no_alert_is_for_stays() {
    let mut canary = event();
    canary["source"] = "orgwatch.canary".into();
    assert_eq!(alerts(SMALLEST).todo(&Letter::read(&message(SENDER, &canary))), Todo::Remove);
    let mut other = event();
    other["source"] = "aws.s3".into();
    assert_eq!(
        alerts(SMALLEST).todo(&Letter::read(&message(SENDER, &other))),
        Todo::Leave("no alert is for it")
    );
}

#[test]
fn raw_events_stay_as_they_are_and_json_stays_json() {
    let raw = "[[alert]]\nname = 'iam-changes'\nformat = 'raw'\n\
               subscriptions = [{ protocol = 'email', endpoint = 'a@example.com' }]\n";
    let Todo::Publish(late) = alerts(raw).todo(&Letter::read(&message(SENDER, &event()))) else { panic!() };
    assert_eq!(serde_json::from_str::<Value>(&late[0].message).unwrap(), event());
    let rule = |template: &str| {
        json!({ "pattern": { "source": ["aws.iam"] }, "state": "ENABLED", "targets": { "topic": {
            "arn": "arn:aws:sns:us-east-1:222222222222:orgwatch-x",
            "transformer": { "paths": { "a": "$.account" }, "template": template } } } })
    };
    for (template, expected) in [
        ("{\"account\":<a>}", json!({ "account": "333333333333", "delayed": { "error": "NO_PERMISSIONS" } })),
        (
            "{\"content\":{\"title\":\"In <a>\"}}",
            json!({ "content": { "title": "DELAYED: In 333333333333" } }),
        ),
    ] {
        let alerts =
            Alerts::new(BTreeMap::from([("orgwatch-x".to_owned(), rule(template))]), "orgwatch", "", None);
        let Todo::Publish(late) = alerts.todo(&Letter::read(&message(SENDER, &event()))) else { panic!() };
        assert_eq!(serde_json::from_str::<Value>(&late[0].message).unwrap(), expected);
    }
}
