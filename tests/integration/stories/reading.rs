//! How the stories read what AWS holds and what orgwatch prints.

use serde_json::Value;

use crate::{orgwatch::Orgwatch, proxy::Call};

/// The name of what the alert and the watch of the usual configuration are made of.
pub(crate) const RULE: &str = "orgwatch-iam-changes";

/// A document with its lists in one order and lists of one as their element, which is how AWS compares them.
pub(crate) fn by_meaning(document: &Value) -> Value {
    match document {
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (key.clone(), by_meaning(value))).collect::<Value>()
        }
        Value::Array(items) if items.len() == 1 => by_meaning(&items[0]),
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(by_meaning).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        leaf => leaf.clone(),
    }
}

/// What was read back, without what the emulator makes up anew for an equal thing.
pub(crate) fn steady(read: Value) -> Value {
    const MADE_UP: [&str; 4] =
        ["CreatedTimestamp", "LastModifiedTimestamp", "SubscriptionArn", "SubscriptionsDeleted"];
    match read {
        Value::Object(fields) => {
            let is_subscription = fields.contains_key("endpoint");
            let made_up = |key: &str| MADE_UP.contains(&key) || (is_subscription && key == "arn");
            fields
                .into_iter()
                .filter(|(key, _)| !made_up(key))
                .map(|(key, value)| (key, steady(value)))
                .collect::<Value>()
        }
        Value::Array(items) => items.into_iter().map(steady).collect::<Value>(),
        leaf => leaf,
    }
}

/// The items of a JSON list.
pub(crate) fn items(list: &Value) -> &[Value] {
    list.as_array().unwrap_or_else(|| panic!("not a list: {list}"))
}

/// What `plan --json --detailed-exitcode` and these arguments print; it must end with `code`.
pub(crate) fn plan(orgwatch: &Orgwatch, arguments: &[&str], code: i32) -> Value {
    let all = [&["plan", "--json", "--detailed-exitcode"], arguments].concat();
    orgwatch.run(&all).expect_code(code).json()
}

/// Every change of a printed plan with its target, e.g. `member 123456789012/us-east-1`.
pub(crate) fn changes(plan: &Value) -> Vec<(&str, &Value)> {
    items(&plan["plans"])
        .iter()
        .flat_map(|plan| {
            let target = plan["target"].as_str().expect("a plan names its target");
            items(&plan["changes"]).iter().map(move |change| (target, change))
        })
        .collect()
}

/// The account of a printed target.
pub(crate) fn account_of(target: &str) -> &str {
    let (_, place) = target.split_once(' ').expect("a target is a side and a place");
    place.split_once('/').expect("a place is an account and a Region").0
}

/// Where in `calls` the first is that fits; the test fails if there is none.
pub(crate) fn position(calls: &[Call], what: &str, fits: impl Fn(&Call) -> bool) -> usize {
    calls.iter().position(fits).unwrap_or_else(|| panic!("nobody made the call: {what}"))
}

/// Where in `calls` the last is that fits; the test fails if there is none.
pub(crate) fn last_position(calls: &[Call], what: &str, fits: impl Fn(&Call) -> bool) -> usize {
    calls.iter().rposition(fits).unwrap_or_else(|| panic!("nobody made the call: {what}"))
}
