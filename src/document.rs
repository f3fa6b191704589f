//! JSON documents compared by meaning: policies and event patterns in one normal form.
//!
//! AWS hands documents back with other spacing, key order and principal forms than they were sent with,
//! and a scalar for a list of one. A comparison of text would see drift that never ends.

use serde_json::{Map, Value};

/// Brings a policy document into normal form: one-element lists as scalars, lists as sorted sets,
/// statements sorted, principals of an account's root as the bare account id, no `Id`.
///
/// The result is still a valid policy and is what gets sent. A text that is no JSON stays a text, so
/// that it differs from every document.
pub fn policy(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(document) => normal_policy(document),
        Err(_) => Value::String(text.to_owned()),
    }
}

/// As [`policy`], from a parsed document.
pub fn normal_policy(document: Value) -> Value {
    let Value::Object(mut document) = document else { return document };
    document.remove("Id");
    if let Some(statements) = document.remove("Statement") {
        let mut statements: Vec<Value> = list(statements).into_iter().map(normal_statement).collect();
        statements.sort_by_key(sort_key);
        statements.dedup();
        document.insert("Statement".to_owned(), Value::Array(statements));
    }
    Value::Object(document)
}

fn normal_statement(statement: Value) -> Value {
    let Value::Object(statement) = statement else { return statement };
    let normal = |(key, value): (String, Value)| {
        let value = match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => set(value),
            "Principal" | "NotPrincipal" => normal_principal(value),
            "Condition" => normal_condition(value),
            _ => value,
        };
        (key, value)
    };
    Value::Object(statement.into_iter().map(normal).collect())
}

/// `{"AWS": "*"}` and `"*"` are the same in a policy that allows; an account's root ARN and its bare id too.
fn normal_principal(principal: Value) -> Value {
    let Value::Object(map) = principal else { return principal };
    let mut normal = Map::new();
    for (kind, value) in map {
        let values = list(value).into_iter().map(|v| match v {
            Value::String(arn) => Value::String(root_account(&arn).unwrap_or(arn)),
            other => other,
        });
        normal.insert(kind, set(Value::Array(values.collect())));
    }
    if normal.len() == 1 && normal.get("AWS").is_some_and(|v| v == "*") {
        return Value::String("*".to_owned());
    }
    Value::Object(normal)
}

/// `arn:<partition>:iam::<account>:root` -> `<account>`; some answers write `*` for the account.
fn root_account(arn: &str) -> Option<String> {
    let parts: Vec<&str> = arn.split(':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, "root"] => Some(account.to_owned()),
        _ => None,
    }
}

fn normal_condition(condition: Value) -> Value {
    let Value::Object(operators) = condition else { return condition };
    let normal_keys = |keys: Value| match keys {
        Value::Object(keys) => {
            Value::Object(keys.into_iter().map(|(k, v)| (k, condition_values(v))).collect())
        }
        other => other,
    };
    Value::Object(operators.into_iter().map(|(operator, keys)| (operator, normal_keys(keys))).collect())
}

/// Condition values are texts to AWS: `true` and `"true"` are the same.
fn condition_values(values: Value) -> Value {
    let text = |v: Value| match v {
        Value::Bool(b) => Value::String(b.to_string()),
        Value::Number(n) => Value::String(n.to_string()),
        other => other,
    };
    set(Value::Array(list(values).into_iter().map(text).collect()))
}

/// Brings an event pattern into normal form: alternatives as sorted sets. Operands of `numeric`, whose
/// order means something, stay as they are.
pub fn pattern(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(document) => normal_pattern(document),
        Err(_) => Value::String(text.to_owned()),
    }
}

/// As [`pattern`], from a parsed pattern.
pub fn normal_pattern(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(k, v)| {
                    let v = if k == "numeric" { v } else { normal_pattern(v) };
                    (k, v)
                })
                .collect(),
        ),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(normal_pattern).collect();
            items.sort_by_key(sort_key);
            items.dedup();
            Value::Array(items)
        }
        other => other,
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        other => vec![other],
    }
}

fn set(value: Value) -> Value {
    let mut items = list(value);
    items.sort_by_key(sort_key);
    items.dedup();
    if items.len() == 1 { items.remove(0) } else { Value::Array(items) }
}

fn sort_key(value: &Value) -> String {
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn key_order_one_element_lists_and_principal_forms_do_not_matter() {
        let sent = json!({"Version": "2012-10-17", "Id": "x", "Statement": [
            {"Sid": "a", "Effect": "Allow", "Principal": {"AWS": "222222222222"}, "Action": ["events:PutEvents"],
             "Resource": ["r2", "r1"], "Condition": {"Bool": {"aws:SecureTransport": [true]}}}]});
        let read = r#"{"Statement": {"Condition":{"Bool":{"aws:SecureTransport":"true"}},"Resource":["r1","r2","r1"],
            "Action":"events:PutEvents","Principal":{"AWS":["arn:aws:iam::222222222222:root"]},"Effect":"Allow","Sid":"a"},
            "Version":"2012-10-17"}"#;
        assert_eq!(normal_policy(sent), policy(read));
    }

    #[test]
    fn everybody_is_everybody_in_both_spellings() {
        let star = |p: Value| normal_policy(json!({"Statement": [{"Principal": p}]}));
        assert_eq!(star(json!("*")), star(json!({"AWS": "*"})));
        assert_eq!(star(json!("*")), star(json!({"AWS": ["*"]})));
        assert_ne!(star(json!("*")), star(json!({"Service": "*"})));
    }

    #[test]
    fn another_account_another_condition_or_another_statement_is_a_difference() {
        let base = json!({"Statement": [{"Sid": "a", "Principal": {"AWS": "1"}, "Condition": {"StringEquals": {"k": "v"}}}]});
        for other in [
            json!({"Statement": [{"Sid": "a", "Principal": {"AWS": "2"}, "Condition": {"StringEquals": {"k": "v"}}}]}),
            json!({"Statement": [{"Sid": "a", "Principal": {"AWS": "1"}, "Condition": {"StringEquals": {"k": ["v", "w"]}}}]}),
            json!({"Statement": [{"Sid": "a", "Principal": {"AWS": "1"}}]}),
            json!({"Statement": []}),
        ] {
            assert_ne!(normal_policy(base.clone()), normal_policy(other));
        }
    }

    #[test]
    fn the_operands_of_numeric_keep_their_order() {
        let range = json!({"detail": {"n": [{"numeric": [">", 0, "<=", 5]}]}});
        assert_eq!(normal_pattern(range.clone()), range);
        assert_eq!(pattern(r#"{"a":["y","x","y"]}"#), json!({"a": ["x", "y"]}));
    }

    #[test]
    fn a_text_that_is_no_json_equals_only_itself() {
        assert_eq!(policy("{oops"), Value::String("{oops".to_owned()));
        assert_eq!(pattern("{oops"), Value::String("{oops".to_owned()));
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::Bool), "[a-c*]{0,3}".prop_map(Value::String)];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("(Statement|Sid|Principal|AWS|Action|[a-c])", inner, 0..4)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_normal_form(value in json_value()) {
            let policy = normal_policy(value.clone());
            prop_assert_eq!(normal_policy(policy.clone()), policy);
            let pattern = normal_pattern(value);
            prop_assert_eq!(normal_pattern(pattern.clone()), pattern);
        }
    }
}
