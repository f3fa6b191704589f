use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

const CASES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matching/cases.toml"));

#[derive(Deserialize)]
struct Table {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    pattern: String,
    event: String,
    matches: bool,
    source: String,
}

fn verdict(pattern: &str, event: Value) -> Result<(), Mismatch> {
    Pattern::parse(pattern).unwrap().verdict(&event)
}

fn why(pattern: &str, event: Value) -> String {
    verdict(pattern, event).unwrap_err().to_string()
}

#[test]
fn what_aws_says_of_each_operator_holds() {
    let Table { case } = toml::from_str(CASES).unwrap();
    assert!(case.len() >= 100, "{}", case.len());
    for Case { pattern, event, matches, source } in case {
        let event: Value = serde_json::from_str(&event).unwrap();
        let verdict = verdict(&pattern, event.clone());
        assert_eq!(verdict.is_ok(), matches, "{pattern} on {event} ({source}): {verdict:?}");
        let quick = Pattern::parse(&pattern).unwrap().matcher().is_ok_and(|matcher| matcher.matches(&event));
        assert_eq!(quick, matches, "{pattern} on {event}, without a reason");
    }
}

#[test]
fn the_first_field_that_fails_is_told_with_what_is_there_and_what_was_asked() {
    let pattern =
        r#"{"source":["aws.iam"],"detail":{"eventName":["DeleteUser"],"errorCode":[{"exists":false}]}}"#;
    let event =
        |name: &str| json!({"source": "aws.iam", "detail": {"eventName": name, "errorCode": "AccessDenied"}});
    let Err(Mismatch::Fields(misses)) = verdict(pattern, event("CreateUser")) else { panic!() };
    assert_eq!(
        misses,
        [Miss {
            path: "detail.eventName".to_owned(),
            asked: vec![json!("DeleteUser")],
            found: Found::Values(vec![json!("CreateUser")]),
        }]
    );
    insta::assert_snapshot!(why(pattern, event("CreateUser")), @r#"`detail.eventName` is "CreateUser"; asked for is "DeleteUser""#);
    insta::assert_snapshot!(why(pattern, event("DeleteUser")), @r#"`detail.errorCode` is "AccessDenied"; asked for is {"exists":false}"#);
    insta::assert_snapshot!(why(pattern, json!({"detail": {"eventName": "DeleteUser"}})), @r#"the event has no `source`; asked for is "aws.iam""#);
}

#[test]
fn arms_that_fail_at_the_same_field_are_told_once_and_others_each() {
    let shared = r#"{"source":["aws.iam"],"$or":[{"account":["1"]},{"region":["x"]}]}"#;
    insta::assert_snapshot!(why(shared, json!({"source": "aws.sts"})), @r#"`source` is "aws.sts"; asked for is "aws.iam""#);
    insta::assert_snapshot!(why(shared, json!({"source": "aws.iam", "account": "2"})), @r#"`account` is "2"; asked for is "1"; and the event has no `region`; asked for is "x""#);
}

#[test]
fn a_long_list_is_cut_and_an_element_of_another_place_is_named() {
    let names: Vec<String> = (0..9).map(|n| format!("Name{n}")).collect();
    let pattern = json!({"source": names}).to_string();
    insta::assert_snapshot!(why(&pattern, json!({"source": "x"})), @r#"`source` is "x"; asked for is one of "Name0", "Name1", "Name2", "Name3" and 5 more"#);
    insta::assert_snapshot!(
        why(r#"{"l":{"a":[1],"b":[2]}}"#, json!({"l": [{"a": 1}, {"b": 2}]})),
        @"`l.b` is 2, but not in the same element of its list as the fields before it; asked for is 2"
    );
}

#[test]
fn a_pattern_that_eventbridge_refuses_matches_nothing_and_says_so() {
    for refused in [
        r#"{"a":"x"}"#,
        r#"{"a":[]}"#,
        r#"{"a":{}}"#,
        r#"{"a":[{}]}"#,
        r#"{"a":[["x"]]}"#,
        r#"{"a":[{"prefx":"x"}]}"#,
        r#"{"a":[{"prefix":1}]}"#,
        r#"{"a":[{"prefix":{"suffix":"x"}}]}"#,
        r#"{"a":[{"wildcard":"a**"}]}"#,
        r#"{"a":[{"wildcard":"a\\b"}]}"#,
        r#"{"a":[{"numeric":[">",5,"<",1]}]}"#,
        r#"{"a":[{"numeric":["<",5,">",1]}]}"#,
        r#"{"a":[{"numeric":[">"]}]}"#,
        r#"{"a":[{"numeric":[">","5"]}]}"#,
        r#"{"a":[{"numeric":["!",5]}]}"#,
        r#"{"a":[{"numeric":5}]}"#,
        r#"{"a":[{"cidr":"10.0.0.0"}]}"#,
        r#"{"a":[{"cidr":"10.0.0.0/32"}]}"#,
        r#"{"a":[{"cidr":"10.0.0/8"}]}"#,
        r#"{"a":[{"exists":"true"}]}"#,
        r#"{"a":[{"anything-but":null}]}"#,
        r#"{"a":[{"anything-but":[]}]}"#,
        r#"{"a":[{"anything-but":["x",1]}]}"#,
        r#"{"a":[{"anything-but":{"numeric":["=",1]}}]}"#,
        r#"{"a":[{"anything-but":{"prefix":""}}]}"#,
        r#"{"$or":[{"a":["x"]}]}"#,
    ] {
        let verdict = verdict(refused, json!({"a": "x", "$or": "x"}));
        assert!(matches!(verdict, Err(Mismatch::Refused(_))), "{refused}: {verdict:?}");
    }
}

#[test]
fn the_combinations_of_or_are_bounded() {
    let or = |n: usize| json!({"$or": (0..n).map(|i| json!({format!("f{i}"): [1]})).collect::<Vec<_>>()});
    let of = |a, b, c| Matcher::of(&json!({"a": or(a), "b": or(b), "c": or(c)}));
    assert_eq!(of(10, 10, 10).unwrap().branches.len(), MAX_COMBINATIONS);
    assert_eq!(of(10, 10, 11).unwrap_err().code, "E-pattern-combinations");
}

#[test]
fn wildcards_are_noticed_wherever_they_stand() {
    for (pattern, uses) in [
        (r#"{"a":[{"wildcard":"x*"}]}"#, true),
        (r#"{"a":["x"],"b":[{"anything-but":{"wildcard":["y*"]}}]}"#, true),
        (r#"{"$or":[{"a":["x"]},{"a":[{"wildcard":"x*"}]}]}"#, true),
        (r#"{"a":[{"prefix":"*"},{"anything-but":["*"]}]}"#, false),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().matcher().unwrap().uses_wildcards(), uses, "{pattern}");
    }
}
