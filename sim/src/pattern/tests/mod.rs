//! What patterns match and what is refused, row by row with the sentence that says so.

mod properties;
mod refusals;
mod rows;

use serde_json::{Value, json};

use super::{COMBINATIONS, Pattern};

fn matches(pattern: &str, event: &Value) -> bool {
    Pattern::parse(pattern).unwrap_or_else(|message| panic!("{pattern}: {message}")).matches(event)
}

fn reason(pattern: &str) -> String {
    Pattern::parse(pattern).expect_err(pattern)
}

#[test]
fn the_pattern_of_the_benchmark_matches_a_policy_change_in_its_envelope() {
    let pattern = r#"{"source":["aws.iam"],"detail-type":["AWS API Call via CloudTrail"],"detail":{"eventSource":
        ["iam.amazonaws.com"],"eventName":["DeleteGroupPolicy","PutRolePolicy","AttachRolePolicy"]}}"#;
    let mut event = json!({
        "version": "0", "id": "1", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": "111122223333", "time": "2026-11-20T00:00:00Z", "region": "us-east-1", "resources": [],
        "detail": {"eventSource": "iam.amazonaws.com", "eventName": "AttachRolePolicy", "errorCode": null}
    });
    assert!(matches(pattern, &event));
    event["detail"]["eventName"] = json!("GetRolePolicy");
    assert!(!matches(pattern, &event));
}

#[test]
fn a_refusal_names_reason_source_and_place() {
    assert_eq!(
        reason("{\"a\": [{\n \"prefix\": 1}]}"),
        "Event pattern is not valid. Reason: prefix match pattern must be a string\n at [Source: (String)\"{\"a\": [{\n \"prefix\": 1}]}\"; line: 2, column: 13]"
    );
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(600));
    assert!(reason(&long).contains("x\"[truncated 108 chars]; line: 1, column: 7]"), "{}", reason(&long));
}

#[test]
fn a_thousand_combinations_are_accepted_and_more_are_refused() {
    let or = |count: usize| {
        let objects: Vec<Value> = (0..count).map(|n| json!({format!("f{n}"): [1]})).collect();
        json!({ "$or": objects })
    };
    let pattern = |one, other, third| json!({"a": or(one), "b": or(other), "c": or(third)}).to_string();
    assert_eq!(
        Pattern::parse(&pattern(10, 10, 10)).map(|pattern| pattern.alternatives.len()),
        Ok(COMBINATIONS)
    );
    assert!(reason(&pattern(7, 11, 13)).contains("combinations"));
}

#[test]
fn a_wildcard_anywhere_counts_against_the_wildcard_rules() {
    for (pattern, wildcards) in [
        (r#"{"a":[{"wildcard":"*"}]}"#, true),
        (r#"{"a":["b"],"c":{"d":["e",{"anything-but":{"wildcard":["f","g*"]}}]}}"#, true),
        (r#"{"$or":[{"a":["b"]},{"a":[{"wildcard":"b*"}]}]}"#, true),
        (r#"{"a":["*",{"prefix":"*"},{"anything-but":{"suffix":"*"}}]}"#, false),
    ] {
        assert_eq!(Pattern::parse(pattern).unwrap().wildcards(), wildcards, "{pattern}");
    }
}

#[test]
fn many_values_in_arrays_do_not_multiply_the_work() {
    let list: Vec<Value> = (0..3000).map(|n| json!({"a": n, "b": n, "c": n})).collect();
    let scalars = json!(vec!["x"; 3000]);
    let event = json!({"list": list, "d": scalars, "e": scalars, "f": scalars, "g": ["y"]});
    let all = r#"{"d":["x"],"e":["x"],"f":["x"],"g":["y"],"list":{"a":[2999],"b":[2999],"c":[2999]}}"#;
    assert!(matches(all, &event));
    assert!(!matches(&all.replace(r#""b":[2999]"#, r#""b":[2998]"#), &event));
}

#[test]
fn deep_nesting_is_refused_before_the_stack_ends() {
    let deep = |levels: usize| format!("{}[1]{}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(Pattern::parse(&deep(800)).is_ok());
    assert!(reason(&deep(5000)).contains("nesting depth"));
}
