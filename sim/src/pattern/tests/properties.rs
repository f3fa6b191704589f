//! What holds for any pattern and event.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::Pattern;

/// A value without structure. No addresses: a plain address matches each way of writing it.
fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        "[a-zA-Z*\\\\\" ]{0,6}".prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ]
}

/// An object of objects and values, without arrays.
fn object() -> impl Strategy<Value = Value> {
    let leaf = scalar().boxed();
    let nested = leaf.prop_recursive(3, 12, 4, |inner| {
        prop::collection::btree_map("[a-e]", inner, 1..4).prop_map(|fields| json!(fields))
    });
    prop::collection::btree_map("[a-e]", nested, 1..4).prop_map(|fields| json!(fields))
}

/// The pattern that names each value of an event.
fn exact(event: &Value) -> Value {
    match event {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), exact(value))).collect(),
        value => json!([value]),
    }
}

/// The event without one of its values.
fn without_first(event: &Value) -> Value {
    let Value::Object(fields) = event else { return event.clone() };
    let mut left: Map<String, Value> = fields.clone();
    if let Some((name, value)) = fields.iter().next() {
        if value.is_object() {
            left.insert(name.clone(), without_first(value));
        } else {
            left.remove(name);
        }
    }
    Value::Object(left)
}

fn matches(pattern: &Value, event: &Value) -> bool {
    Pattern::parse(&pattern.to_string()).unwrap().matches(event)
}

proptest! {
    #[test]
    fn an_event_matches_the_pattern_of_its_own_values_and_not_without_one(event in object()) {
        let pattern = exact(&event);
        prop_assert!(matches(&pattern, &event));
        prop_assert!(!matches(&pattern, &without_first(&event)));
    }

    #[test]
    fn more_fields_in_the_event_change_nothing(event in object(), more in scalar()) {
        let pattern = exact(&event);
        let mut event = event;
        event["other"] = more;
        prop_assert!(matches(&pattern, &event));
    }

    #[test]
    fn the_order_of_alternatives_is_irrelevant(one in object(), other in object(), third in object(), event in object()) {
        let alternatives = [exact(&one), exact(&other), exact(&third)];
        let [a, b, c] = &alternatives;
        let forth = matches(&json!({"$or": [a, b, c]}), &event);
        prop_assert_eq!(forth, matches(&json!({"$or": [c, a, b]}), &event));
        prop_assert_eq!(forth, alternatives.iter().any(|pattern| matches(pattern, &event)));
        let third_matches = matches(&json!({"$or": [a, b, c]}), &third);
        prop_assert!(third_matches);
    }

    #[test]
    fn anything_but_is_the_contrary_of_the_value_where_the_field_is(value in "[a-c]{0,2}", event in scalar()) {
        let event = json!({"f": event});
        let is = matches(&json!({"f": [value]}), &event);
        prop_assert_ne!(is, matches(&json!({"f": [{"anything-but": value}]}), &event));
        let absent = matches(&json!({"f": [{"anything-but": value}]}), &json!({"g": 1}));
        prop_assert!(!absent);
    }

    #[test]
    fn a_field_exists_or_does_not(event in object(), name in "[a-f]") {
        let exists = matches(&json!({&name: [{"exists": true}]}), &event);
        prop_assert_ne!(exists, matches(&json!({&name: [{"exists": false}]}), &event));
    }

    #[test]
    fn a_prefix_is_a_wildcard_with_a_star_behind(prefix in "[ab]{0,3}", text in "[ab]{0,5}") {
        let event = json!({"f": text});
        prop_assert_eq!(
            matches(&json!({"f": [{"prefix": &prefix}]}), &event),
            matches(&json!({"f": [{"wildcard": format!("{prefix}*")}]}), &event)
        );
        prop_assert_eq!(
            matches(&json!({"f": [{"suffix": &prefix}]}), &event),
            matches(&json!({"f": [{"wildcard": format!("*{prefix}")}]}), &event)
        );
    }

    #[test]
    fn a_range_contains_what_lies_between(bottom in -100..100i32, width in 1..50i32, value in -200..200i32) {
        let top = bottom + width;
        let event = json!({"f": value});
        prop_assert_eq!(matches(&json!({"f": [{"numeric": [">", bottom, "<=", top]}]}), &event), bottom < value && value <= top);
        prop_assert_eq!(matches(&json!({"f": [{"numeric": [">=", bottom]}]}), &event), value >= bottom);
    }

    #[test]
    fn no_text_makes_the_compiler_panic(text in "[\\[\\]{}\",:a\\\\ é1-]{0,40}|\\PC{0,40}") {
        prop_assert!(Pattern::parse(&text).is_ok() || Pattern::parse(&text).is_err_and(|message| !message.is_empty()));
    }

    #[test]
    fn no_cut_pattern_makes_the_compiler_panic(cut in 0..250usize) {
        let whole = r#"{"a":[{"anything-but":{"wildcard":["é*",""]}},{"numeric":[">",1.5e3,"<=",2e4]},{"cidr":"::/1"}],
            "$or":[{"b":{"c":["\u00e9\"",null,-0.1]}},{"d":[{"prefix":{"equals-ignore-case":"Ä"}},{"exists":false}]}]}"#;
        let cut = whole.floor_char_boundary(cut.min(whole.len()));
        prop_assert_eq!(Pattern::parse(&whole[..cut]).is_ok(), cut == whole.len());
    }
}
