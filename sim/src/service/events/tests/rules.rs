use jiff::SignedDuration;
use serde_json::json;

use super::*;

const PATTERN: &str = r#"{"source":["app"]}"#;

fn rule_arn(name: &str) -> String {
    format!("arn:aws:events:{REGION}:{HOME}:rule/{name}")
}

#[test]
fn put_rule_replaces_the_rule_but_keeps_its_targets_and_tags() {
    let mut world = world();
    let role = role(&mut world, HOME, "r");
    let first = json!({
        "Name": "a", "EventPattern": PATTERN, "State": "DISABLED", "Description": "one", "RoleArn": role,
        "Tags": [{ "Key": "owner", "Value": "me" }],
    });
    assert_eq!(ask(&mut world, "PutRule", first).unwrap()["RuleArn"], rule_arn("a"));
    let targets = json!({ "Rule": "a", "Targets": [{ "Id": "1", "Arn": "arn:aws:lambda:us-east-1:111111111111:function:f" }] });
    ask(&mut world, "PutTargets", targets).unwrap();
    let second = json!({
        "Name": "a", "EventPattern": r#"{"source":["other"]}"#, "Tags": [{ "Key": "owner", "Value": "you" }],
    });
    ask(&mut world, "PutRule", second).unwrap();

    let rule = ask(&mut world, "DescribeRule", json!({ "Name": "a" })).unwrap();
    let wanted = json!({
        "Name": "a", "Arn": rule_arn("a"), "State": "ENABLED", "EventBusName": "default",
        "EventPattern": r#"{"source":["other"]}"#, "CreatedBy": HOME,
    });
    assert_eq!(rule, wanted);
    let tags = ask(&mut world, "ListTagsForResource", json!({ "ResourceARN": rule_arn("a") })).unwrap();
    assert_eq!(tags["Tags"], json!([{ "Key": "owner", "Value": "me" }]));
    let targets = ask(&mut world, "ListTargetsByRule", json!({ "Rule": "a" })).unwrap();
    assert_eq!(targets["Targets"][0]["Id"], "1");
}

#[test]
fn what_the_api_refuses_of_a_rule() {
    let long = "x".repeat(65);
    let table = [
        (json!({ "EventPattern": PATTERN }), "ValidationException"),
        (json!({ "Name": "a b", "EventPattern": PATTERN }), "ValidationException"),
        (json!({ "Name": long, "EventPattern": PATTERN }), "ValidationException"),
        (json!({ "Name": "a" }), "ValidationException"),
        (json!({ "Name": "a", "EventPattern": "{}" }), "InvalidEventPatternException"),
        (json!({ "Name": "a", "EventPattern": r#"{"source":"app"}"# }), "InvalidEventPatternException"),
        (json!({ "Name": "a", "EventPattern": PATTERN, "State": "BOGUS" }), "ValidationException"),
        (
            json!({ "Name": "a", "EventPattern": PATTERN, "Description": "x".repeat(513) }),
            "ValidationException",
        ),
        (
            json!({ "Name": "a", "EventPattern": PATTERN, "EventBusName": "none" }),
            "ResourceNotFoundException",
        ),
        (json!({ "Name": "a", "ScheduleExpression": "now" }), "ValidationException"),
        (
            json!({ "Name": "a", "EventPattern": format!("{{\"a\":[\"{}\"]}}", "x".repeat(4_100)) }),
            "ValidationException",
        ),
        (
            json!({ "Name": "a", "EventPattern": format!("{{\"a\":[\"{}\"]}}", "x".repeat(2_100)) }),
            "LimitExceededException",
        ),
        (
            json!({ "Name": "a", "EventPattern": PATTERN, "RoleArn": "arn:aws:iam::111111111111:role/none" }),
            "ValidationException",
        ),
        (
            json!({ "Name": "a", "EventPattern": PATTERN, "RoleArn": "arn:aws:iam::222222222222:role/r" }),
            "AccessDeniedException",
        ),
        (
            json!({ "Name": "a", "EventPattern": PATTERN, "EventBusName": "arn:aws:events:us-east-1:222222222222:event-bus/default" }),
            "AccessDeniedException",
        ),
        (
            json!({ "Name": "a", "EventPattern": PATTERN, "Tags": [{ "Key": "aws:x", "Value": "" }] }),
            "ValidationException",
        ),
    ];
    for (input, wanted) in table {
        let mut world = world();
        assert_eq!(code(ask(&mut world, "PutRule", input.clone())), wanted, "{input}");
    }
}

#[test]
fn a_rule_with_targets_is_not_deleted_and_a_missing_one_is() {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    let target = json!({ "Id": "1", "Arn": "arn:aws:lambda:us-east-1:111111111111:function:f" });
    ask(&mut world, "PutTargets", json!({ "Rule": "a", "Targets": [target] })).unwrap();
    let refusal = ask(&mut world, "DeleteRule", json!({ "Name": "a" })).unwrap_err();
    assert_eq!(refusal.code, "ValidationException");
    assert!(refusal.message.contains("Rule can't be deleted since it has targets"));
    ask(&mut world, "RemoveTargets", json!({ "Rule": "a", "Ids": ["1"] })).unwrap();
    ask(&mut world, "DeleteRule", json!({ "Name": "a" })).unwrap();
    ask(&mut world, "DeleteRule", json!({ "Name": "a" })).unwrap();
    assert_eq!(code(ask(&mut world, "DescribeRule", json!({ "Name": "a" }))), "ResourceNotFoundException");
    let elsewhere = json!({ "Name": "a", "EventBusName": "none" });
    assert_eq!(code(ask(&mut world, "DeleteRule", elsewhere)), "ResourceNotFoundException");
}

#[test]
fn enable_and_disable_change_only_the_state() {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    ask(&mut world, "DisableRule", json!({ "Name": "a" })).unwrap();
    let rule = ask(&mut world, "DescribeRule", json!({ "Name": "a" })).unwrap();
    assert_eq!(rule["State"], "DISABLED");
    assert!(rule["EventPattern"].is_string());
    ask(&mut world, "EnableRule", json!({ "Name": "a" })).unwrap();
    assert_eq!(ask(&mut world, "DescribeRule", json!({ "Name": "a" })).unwrap()["State"], "ENABLED");
    assert_eq!(code(ask(&mut world, "EnableRule", json!({ "Name": "b" }))), "ResourceNotFoundException");
}

#[test]
fn rules_are_listed_by_prefix_in_pages_without_gaps() {
    let mut world = world();
    for name in ["a", "p-1", "p-2", "p-3", "q"] {
        rule(&mut world, HOME, "default", name);
    }
    let mut names = Vec::new();
    let mut token = json!(null);
    loop {
        let input = json!({ "NamePrefix": "p-", "Limit": 2, "NextToken": token });
        let page = ask(&mut world, "ListRules", input).unwrap();
        let rules = page["Rules"].as_array().unwrap();
        assert!(rules.len() <= 2);
        names.extend(rules.iter().map(|rule| rule["Name"].as_str().unwrap().to_owned()));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(names, ["p-1", "p-2", "p-3"]);
    for limit in [0, 101] {
        assert_eq!(code(ask(&mut world, "ListRules", json!({ "Limit": limit }))), "ValidationException");
    }
}

#[test]
fn a_stale_or_foreign_token_is_refused() {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    rule(&mut world, HOME, "default", "b");
    let token = ask(&mut world, "ListRules", json!({ "Limit": 1 })).unwrap()["NextToken"].clone();
    let again = json!({ "Limit": 1, "NextToken": token });
    assert_eq!(ask(&mut world, "ListRules", again.clone()).unwrap()["Rules"][0]["Name"], "b");
    assert_eq!(code(ask(&mut world, "ListEventBuses", again.clone())), "InvalidToken");
    assert_eq!(code(ask(&mut world, "ListRules", json!({ "NextToken": "x" }))), "InvalidToken");
    advance(&mut world, 25 * 3_600);
    assert_eq!(code(ask(&mut world, "ListRules", again)), "InvalidToken");
}

#[test]
fn a_bus_bears_so_many_rules_and_so_many_wildcards() {
    let mut world = world();
    world.events.rules_per_bus = 2;
    rule(&mut world, HOME, "default", "a");
    rule(&mut world, HOME, "default", "b");
    let third = json!({ "Name": "c", "EventPattern": PATTERN });
    assert_eq!(code(ask(&mut world, "PutRule", third)), "LimitExceededException");
    rule(&mut world, HOME, "default", "b");

    world.events.rules_per_bus = 300;
    let wild = |name: String| json!({ "Name": name, "EventPattern": r#"{"a":[{"wildcard":"x*"}]}"# });
    for number in 0..30 {
        ask(&mut world, "PutRule", wild(format!("w{number}"))).unwrap();
    }
    assert_eq!(code(ask(&mut world, "PutRule", wild("w30".to_owned()))), "LimitExceededException");
    ask(&mut world, "PutRule", wild("w29".to_owned())).unwrap();
    rule(&mut world, HOME, "default", "tame");
}

#[test]
fn a_new_rule_may_go_unseen_until_the_read_lag_is_over() {
    let mut world = world();
    world.lags.read = SignedDuration::from_secs(60);
    rule(&mut world, HOME, "default", "a");
    advance(&mut world, 30);
    let mut seen = [0, 0];
    for _ in 0..50 {
        let found = ask(&mut world, "DescribeRule", json!({ "Name": "a" })).is_ok();
        seen[usize::from(found)] += 1;
    }
    assert!(seen.iter().all(|times| *times > 0), "{seen:?}");
    // Decisions do not lag.
    ask(&mut world, "DisableRule", json!({ "Name": "a" })).unwrap();
    advance(&mut world, 61);
    for _ in 0..50 {
        ask(&mut world, "DescribeRule", json!({ "Name": "a" })).unwrap();
    }
}

#[test]
fn a_managed_rule_is_not_changed_without_force() {
    let mut world = world();
    let source = format!("arn:aws:events:{REGION}:{HOME}:event-bus/default");
    let archive = json!({ "ArchiveName": "kept", "EventSourceArn": source });
    ask(&mut world, "CreateArchive", archive.clone()).unwrap();
    assert_eq!(code(ask(&mut world, "CreateArchive", archive)), "ResourceAlreadyExistsException");
    let name = "Events-Archive-kept";
    let rule = ask(&mut world, "DescribeRule", json!({ "Name": name })).unwrap();
    assert_eq!(rule["ManagedBy"], "prod.vhs.events.aws.internal");
    for (operation, input) in [
        ("PutRule", json!({ "Name": name, "EventPattern": PATTERN })),
        ("DisableRule", json!({ "Name": name })),
        ("EnableRule", json!({ "Name": name })),
        ("DeleteRule", json!({ "Name": name })),
        (
            "PutTargets",
            json!({ "Rule": name, "Targets": [{ "Id": "1", "Arn": "arn:aws:lambda:us-east-1:111111111111:function:f" }] }),
        ),
        ("RemoveTargets", json!({ "Rule": name, "Ids": [name] })),
        ("TagResource", json!({ "ResourceARN": rule["Arn"], "Tags": [{ "Key": "a", "Value": "b" }] })),
    ] {
        assert_eq!(code(ask(&mut world, operation, input)), "ManagedRuleException", "{operation}");
    }
    let described = ask(&mut world, "DescribeArchive", json!({ "ArchiveName": "kept" })).unwrap();
    assert_eq!((&described["State"], &described["RetentionDays"]), (&json!("ENABLED"), &json!(0)));
    ask(&mut world, "DeleteArchive", json!({ "ArchiveName": "kept" })).unwrap();
    assert_eq!(code(ask(&mut world, "DescribeRule", json!({ "Name": name }))), "ResourceNotFoundException");
}

#[test]
fn tags_are_added_replaced_and_removed() {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    let tag = |key: &str, value: &str| json!({ "Key": key, "Value": value });
    let arn = rule_arn("a");
    ask(&mut world, "TagResource", json!({ "ResourceARN": arn, "Tags": [tag("a", "1"), tag("b", "1")] }))
        .unwrap();
    ask(&mut world, "TagResource", json!({ "ResourceARN": arn, "Tags": [tag("a", "2")] })).unwrap();
    ask(&mut world, "UntagResource", json!({ "ResourceARN": arn, "TagKeys": ["b", "none"] })).unwrap();
    let tags = ask(&mut world, "ListTagsForResource", json!({ "ResourceARN": arn })).unwrap();
    assert_eq!(tags["Tags"], json!([tag("a", "2")]));
    let missing = json!({ "ResourceARN": rule_arn("none") });
    assert_eq!(code(ask(&mut world, "ListTagsForResource", missing)), "ResourceNotFoundException");
    let many: Vec<_> = (0..51).map(|number| tag(&format!("k{number}"), "")).collect();
    let many = json!({ "ResourceARN": arn, "Tags": many });
    assert_eq!(code(ask(&mut world, "TagResource", many)), "LimitExceededException");
}

#[test]
fn a_pattern_is_tested_only_on_a_whole_event() {
    let mut world = world();
    let mut event = json!({
        "id": "1", "account": HOME, "source": "app", "time": "2026-11-20T00:00:00Z", "region": REGION,
        "resources": [], "detail-type": "t",
    });
    for (pattern, wanted) in [(PATTERN, true), (r#"{"source":["other"]}"#, false)] {
        let input = json!({ "EventPattern": pattern, "Event": event.to_string() });
        assert_eq!(ask(&mut world, "TestEventPattern", input).unwrap()["Result"], wanted);
    }
    event.as_object_mut().unwrap().remove("time");
    let event = event.to_string();
    let refused = ask(&mut world, "TestEventPattern", json!({ "EventPattern": PATTERN, "Event": event }));
    assert_eq!(code(refused), "ValidationException");
    let refused = ask(&mut world, "TestEventPattern", json!({ "EventPattern": PATTERN, "Event": "x" }));
    assert_eq!(code(refused), "ValidationException");
}
