//! What the algebra says is judged by the simulator's engine, which was written from AWS's and knows nothing of this.

use orgwatch_sim::pattern::Pattern;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::pattern::MAX_CHARACTERS;

fn events(pattern: Value) -> Events {
    Events::of(&pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap_or_else(|error| panic!("{pattern}: {error}")).matches(event)
}

fn is_in(set: &Events, event: &Value) -> bool {
    match set.pattern() {
        Ok(pattern) => matches(&pattern, event),
        Err(emit::CannotEmit::Nothing) => false,
        Err(error) => panic!("{error}"),
    }
}

const NOT_GET: &str =
    r#"{"source":["aws.iam"],"detail":{"eventName":[{"anything-but":{"prefix":["Get","List"]}}]}}"#;

fn not_get() -> Events {
    events(serde_json::from_str(NOT_GET).unwrap())
}

#[test]
fn a_pattern_that_is_read_and_written_again_is_the_same() {
    for pattern in [
        NOT_GET,
        r#"{"account":["1","2"],"source":["aws.s3"]}"#,
        r#"{"account":[{"anything-but":["1"]}],"source":[{"prefix":"aws."}]}"#,
        r#"{"detail":{"eventName":["A",{"suffix":"B"}],"errorCode":[{"exists":false}]},"source":["aws.iam"]}"#,
        r#"{"source":["aws.iam"],"detail":{"$or":[{"eventName":["A"]},{"errorCode":["B"],"eventName":["C"]}]}}"#,
        r#"{"source":["x"],"detail":{"n":[{"numeric":[">",0,"<",5]}],"ip":[{"cidr":"10.0.0.0/8"}]}}"#,
        r#"{"source":["x"],"detail":{"s":[{"equals-ignore-case":"a"},null,true,5,{"wildcard":"a*b\\*"}]}}"#,
    ] {
        let value: Value = serde_json::from_str(pattern).unwrap();
        let written = events(value.clone()).pattern().unwrap();
        assert!(
            crate::pattern::Pattern::same(&value.to_string(), &written.to_string()),
            "{pattern}\n{written}"
        );
    }
}

#[test]
fn not_x_is_also_the_field_that_is_not_there() {
    let rest =
        events(json!({"source": ["s"]})).minus(&events(json!({"detail": {"errorCode": ["x"]}}))).unwrap();
    assert_eq!(
        rest.pattern().unwrap(),
        json!({"source": ["s"], "detail": {"errorCode": [{"anything-but": ["x"]}, {"exists": false}]}})
    );
    assert!(is_in(&rest, &json!({"source": "s", "detail": {}})));
}

#[test]
fn the_rest_of_two_conditions_stands_in_one_or_beside_what_all_ask() {
    let hidden = events(json!({"account": ["1"], "detail": {"userIdentity": {"arn": [{"prefix": "a"}]}}}));
    assert_eq!(
        not_get().minus(&hidden).unwrap().pattern().unwrap(),
        json!({
            "source": ["aws.iam"],
            "detail": {"eventName": [{"anything-but": {"prefix": ["Get", "List"]}}]},
            "$or": [
                {"account": [{"anything-but": ["1"]}]},
                {"detail": {"userIdentity": {"arn": [{"anything-but": {"prefix": "a"}}, {"exists": false}]}}},
            ],
        })
    );
}

#[test]
fn names_and_prefixes_are_excluded_together_by_wildcards() {
    let narrower = not_get().minus(&events(json!({"detail": {"eventName": ["TagRole"]}}))).unwrap();
    assert_eq!(
        narrower.pattern().unwrap()["detail"]["eventName"],
        json!([{"anything-but": {"wildcard": ["Get*", "List*", "TagRole"]}}])
    );
}

#[test]
fn what_no_pattern_says_is_an_error_that_names_field_and_both_sides() {
    let add = events(json!({"source": ["aws.iam"], "detail": {"eventName": [{"prefix": "Add"}]}}));
    let error = add.minus(&events(json!({"detail": {"eventName": ["AddUser"]}}))).unwrap_err();
    assert_eq!(error.field, "detail.eventName");
    assert_eq!(
        (error.left.as_str(), error.right.as_str()),
        (r#"{"prefix":"Add"}"#, r#"{"anything-but":["AddUser"]}"#)
    );
    // A list may hold what is asked for and what is not.
    let listed = events(json!({"resources": ["a"]}));
    assert!(listed.complement().is_err());
    assert!(listed.and(&events(json!({"resources": ["b"]}))).is_err());
    assert!(!listed.is_apart_from(&events(json!({"resources": ["b"]}))));
    // Two elements may each have one of these, and one alone both.
    let key = events(json!({"detail": {"requestParameters": {"tags": {"key": ["a"]}}}}));
    assert!(key.and(&events(json!({"detail": {"requestParameters": {"tags": {"value": ["b"]}}}}))).is_err());
}

#[test]
fn two_conditions_that_eventbridge_would_make_one_are_refused() {
    let error =
        Events::of(&json!({"account": ["1"], "$or": [{"account": ["2"]}, {"source": ["x"]}]})).unwrap_err();
    assert_eq!(error.field, "account");
    assert!(Events::of(&json!({"a": "x"})).is_err());
    assert!(Events::of(&json!({"a": []})).is_err());
    assert!(Events::of(&json!({"$or": ["x"]})).is_err());
}

#[test]
fn what_ships_is_contained_where_it_is_and_apart_where_it_is() {
    let preset = |name: &str| events(crate::presets::by_name(name).unwrap().pattern().value().clone());
    for inner in ["cis-4.4", "iam-user-deletion"] {
        assert!(preset(inner).is_within(&preset("iam-changes")), "{inner}");
        assert!(!preset("iam-changes").is_within(&preset(inner)), "{inner}");
    }
    assert!(preset("cis-4.4").is_apart_from(&preset("iam-user-deletion")));
    assert!(!preset("cis-4.4").is_apart_from(&preset("iam-changes-blog")));
}

#[test]
fn what_is_too_long_becomes_several_patterns_that_no_event_matches_two_of() {
    let accounts: Vec<String> = (0..400).map(|n| format!("{n:012}")).collect();
    let list = Events::with("account", accounts.iter().map(String::as_str));
    let whole = not_get().and(&list).unwrap();
    let patterns = whole.patterns(MAX_CHARACTERS).unwrap();
    assert!(patterns.len() > 2);
    for account in &accounts {
        let event = json!({"source": "aws.iam", "account": account, "detail": {"eventName": "PutX"}});
        assert_eq!(patterns.iter().filter(|pattern| matches(pattern, &event)).count(), 1);
    }
    assert!(patterns.iter().all(|pattern| pattern.to_string().len() <= MAX_CHARACTERS));
    assert!(matches!(not_get().patterns(20), Err(emit::CannotEmit::TooLong(..))));
    assert_eq!(Events::none().patterns(20), Err(emit::CannotEmit::Nothing));
}

/// Fields of one value, and one that may be a list.
const FIELDS: [&str; 4] = ["account", "source", "detail.errorCode", "detail.userIdentity.arn"];

fn alternative() -> impl Strategy<Value = Value> {
    let text = || "[ab]{1,2}";
    prop_oneof![
        4 => text().prop_map(Value::from),
        2 => text().prop_map(|t| json!({"prefix": t})),
        1 => text().prop_map(|t| json!({"suffix": t})),
        1 => text().prop_map(|t| json!({"equals-ignore-case": t})),
        1 => "[ab]\\*[ab]".prop_map(|t: String| json!({"wildcard": t})),
        2 => prop::collection::vec(text(), 1..3).prop_map(|t| json!({"anything-but": t})),
        1 => text().prop_map(|t| json!({"anything-but": {"prefix": t}})),
        1 => text().prop_map(|t| json!({"anything-but": {"suffix": t}})),
        1 => Just(json!({"exists": false})),
        1 => Just(json!({"exists": true})),
    ]
}

/// What a pattern asks of each field, if anything.
fn asked() -> impl Strategy<Value = Vec<Option<Vec<Value>>>> {
    let condition = prop::option::of(prop::collection::vec(alternative(), 1..3));
    prop::collection::vec(condition, FIELDS.len())
}

fn object(asked: &[Option<Vec<Value>>]) -> Value {
    let mut pattern = json!({});
    for (field, list) in FIELDS.iter().zip(asked) {
        let Some(list) = list else { continue };
        let mut place = &mut pattern;
        for step in field.split('.') {
            place = &mut place[step];
        }
        *place = Value::from(list.clone());
    }
    pattern
}

/// Patterns of one to three boxes, as sets and as what EventBridge would be given for each box.
fn union() -> impl Strategy<Value = (Events, Vec<Value>)> {
    prop::collection::vec(asked(), 1..3).prop_map(|boxes| {
        let patterns: Vec<Value> =
            boxes.iter().map(|asked| object(asked)).filter(|p| *p != json!({})).collect();
        let set = patterns.iter().fold(Events::none(), |set, pattern| set.or(&events(pattern.clone())));
        (set, patterns)
    })
}

fn event() -> impl Strategy<Value = Value> {
    let value = prop_oneof![
        6 => "[abAB]{1,3}".prop_map(Value::from),
        1 => Just(json!(null)),
        1 => Just(json!(5)),
    ];
    prop::collection::vec(prop::option::weighted(0.8, value), FIELDS.len()).prop_map(|values| {
        // What EventBridge puts into every event is there.
        let mut event = json!({ "version": "0", "account": "b", "source": "a", "detail": {} });
        for (field, value) in FIELDS.iter().zip(values) {
            let Some(value) = value else { continue };
            let mut place = &mut event;
            for step in field.split('.') {
                place = &mut place[step];
            }
            *place = value;
        }
        event
    })
}

/// Whether the patterns, each by itself, say that the event is meant.
fn meant(patterns: &[Value], event: &Value) -> bool {
    patterns.iter().any(|pattern| matches(pattern, event))
}

proptest! {
    #![proptest_config(crate::world::fixture::cases(150))]

    #[test]
    fn what_is_put_together_matches_if_and_only_if_it_is_meant(
        (a, in_a) in union(), (b, in_b) in union(), events in prop::collection::vec(event(), 12),
    ) {
        for event in &events {
            let (of_a, of_b) = (meant(&in_a, event), meant(&in_b, event));
            prop_assert_eq!(is_in_or_unsaid(&Ok(a.or(&b)), event), Some(of_a || of_b).filter(|_| a.or(&b).pattern().is_ok() || a.or(&b).is_empty()));
            for (set, wanted) in [(a.and(&b), of_a && of_b), (a.minus(&b), of_a && !of_b), (a.complement(), !of_a)] {
                if let Some(is) = is_in_or_unsaid(&set, event) {
                    prop_assert_eq!(is, wanted, "{:?}\n{:?}\n{}", in_a, in_b, event);
                }
            }
            prop_assert!(!a.is_within(&b) || !of_a || of_b, "{:?} within {:?}: {}", in_a, in_b, event);
            prop_assert!(!(a.is_apart_from(&b) && of_a && of_b), "{:?} apart {:?}: {}", in_a, in_b, event);
        }
    }

    #[test]
    fn parts_of_what_is_too_long_are_each_matched_once(
        (a, in_a) in union(), (b, in_b) in union(), events in prop::collection::vec(event(), 12), longest in 60_usize..200,
    ) {
        let Ok(set) = a.minus(&b) else { return Ok(()) };
        let Ok(patterns) = set.patterns(longest) else { return Ok(()) };
        for event in &events {
            let wanted = meant(&in_a, event) && !meant(&in_b, event);
            let found = patterns.iter().filter(|pattern| matches(pattern, event)).count();
            prop_assert_eq!(found, usize::from(wanted), "{:?}\n{:?}\n{:?}\n{}", in_a, in_b, patterns, event);
        }
    }
}

/// Whether the event is in the set, if the set can be said at all.
fn is_in_or_unsaid(set: &Result<Events, CannotSay>, event: &Value) -> Option<bool> {
    match set.as_ref().ok()?.pattern() {
        Ok(pattern) => Some(matches(&pattern, event)),
        Err(emit::CannotEmit::Nothing) => Some(false),
        Err(_) => None,
    }
}
