//! Leaf-by-leaf comparison of what is desired with what was observed.

use serde_json::{Map, Value};

use crate::model::resource::FieldChange;

/// Every leaf in which `observed` differs from `desired`, in the order of their paths. Empty means in sync.
pub fn fields(desired: &Value, observed: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    walk("", desired, observed, &mut changes);
    changes
}

fn walk(path: &str, desired: &Value, observed: &Value, changes: &mut Vec<FieldChange>) {
    if desired == observed {
        return;
    }
    match (as_map(desired), as_map(observed)) {
        (Some(desired), Some(observed)) => {
            let keys: std::collections::BTreeSet<&String> = desired.keys().chain(observed.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(
                    &path,
                    desired.get(key).unwrap_or(&Value::Null),
                    observed.get(key).unwrap_or(&Value::Null),
                    changes,
                );
            }
        }
        _ => changes.push(FieldChange {
            path: path.to_owned(),
            desired: desired.into(),
            observed: observed.into(),
        }),
    }
}

/// An object as it is; a list of statements with distinct `Sid`s by these, so that a difference names the statement.
fn as_map(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(map) => Some(map.clone()),
        Value::Array(items) if !items.is_empty() => {
            let mut map = Map::new();
            for item in items {
                let sid = item.get("Sid")?.as_str()?;
                if map.insert(sid.to_owned(), item.clone()).is_some() {
                    return None;
                }
            }
            Some(map)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn paths(desired: Value, observed: Value) -> Vec<String> {
        fields(&desired, &observed).into_iter().map(|c| c.path).collect()
    }

    #[test]
    fn only_the_leaf_that_differs_is_named() {
        let desired = json!({"state": "ENABLED", "targets": {"central": {"arn": "a", "role_arn": "r"}}});
        let observed = json!({"state": "ENABLED", "targets": {"central": {"arn": "a", "role_arn": "x"}}});
        assert_eq!(paths(desired, observed), ["targets.central.role_arn"]);
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_are_differences() {
        assert_eq!(paths(json!({"a": 1}), json!({"b": 2})), ["a", "b"]);
    }

    #[test]
    fn statements_are_compared_by_their_sid() {
        let desired =
            json!({"Statement": [{"Sid": "b", "Effect": "Allow"}, {"Sid": "a", "Effect": "Allow"}]});
        let observed =
            json!({"Statement": [{"Sid": "a", "Effect": "Deny"}, {"Sid": "b", "Effect": "Allow"}]});
        assert_eq!(paths(desired, observed), ["Statement.a.Effect"]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i8>().prop_map(Value::from),
            "[a-b]{0,2}".prop_map(Value::String)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
                prop::collection::btree_map("[a-c]", inner, 0..3)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn equals_have_no_difference(a in value()) {
            prop_assert!(fields(&a, &a).is_empty());
        }

        #[test]
        fn what_differs_in_more_than_absence_has_a_difference(a in value(), b in value()) {
            // `null` and "not there" mean the same in a spec, so only that may be passed over.
            fn bare(v: &Value) -> Value {
                match v {
                    Value::Object(m) => Value::Object(m.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), bare(v))).collect()),
                    other => other.clone(),
                }
            }
            if bare(&a) != bare(&b) {
                prop_assert!(!fields(&a, &b).is_empty());
            }
        }
    }
}
