//! The effective configuration as it may be shown: each value, where it comes from, and no secret.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;
use toml::{Table, Value};

use crate::model::endpoint::Endpoint;

/// What stands in the place of a secret.
const SECRET: &str = "(secret)";
/// Keys whose values nobody is shown; each is a secret, or lets somebody in who knows it.
const SECRETS: [&str; 1] = ["external_id"];

/// One value that is in force.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// The key: `reconcile.limits.deletions`, `alert[0].name`.
    pub path: String,
    /// Its value; a secret is not shown.
    pub value: Json,
    /// `default`, `file`, or the name of the variable.
    pub source: String,
}

/// Every value of `merged`, in the order of the keys.
pub(super) fn settings(merged: &Table, file: &Table, variables: &BTreeMap<String, String>) -> Vec<Setting> {
    let mut found = Vec::new();
    let root = Value::Table(merged.clone());
    walk(&root, Some(&Value::Table(file.clone())), "", variables, &mut found);
    found
}

fn walk(
    value: &Value,
    in_file: Option<&Value>,
    path: &str,
    variables: &BTreeMap<String, String>,
    found: &mut Vec<Setting>,
) {
    match value {
        Value::Table(table) if !table.is_empty() => {
            for (key, inner) in table {
                let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let inner = &shown(table, key, inner);
                walk(inner, in_file.and_then(|file| file.get(key)), &below, variables, found);
            }
        }
        Value::Array(all) if all.iter().any(Value::is_table) => {
            for (i, inner) in all.iter().enumerate() {
                walk(inner, in_file.and_then(|file| file.get(i)), &format!("{path}[{i}]"), variables, found);
            }
        }
        _ => {
            let source = match (variables.get(path), in_file) {
                (Some(variable), _) => variable.clone(),
                (None, Some(_)) => "file".to_owned(),
                (None, None) => "default".to_owned(),
            };
            // TOML that JSON cannot say, such as a date, is no value of any key of ours.
            let value = serde_json::to_value(value).unwrap_or_else(|_| Json::String(SECRET.to_owned()));
            found.push(Setting { path: path.to_owned(), value, source });
        }
    }
}

/// The value of `key` as it may be shown.
fn shown(table: &Table, key: &str, value: &Value) -> Value {
    match value.as_str() {
        Some(text) if SECRETS.contains(&key) && !text.is_empty() => Value::String(SECRET.to_owned()),
        Some(text) if key == "endpoint" => {
            let protocol = table.get("protocol").and_then(Value::as_str).unwrap_or("https");
            Value::String(Endpoint::shown_of(protocol, text))
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::parse;

    #[test]
    fn every_value_says_where_it_comes_from_and_no_secret_is_among_them() {
        let text = "[central]\naccount_id = '222222222222'\n[member]\nexternal_id = 'planted-secret'\n\
                    [[alert]]\nname = 'iam-changes'\nsubscriptions = [{ protocol = 'https', \
                    endpoint = 'https://hooks.example.com/services/planted-secret' }, \
                    { protocol = 'email', endpoint = 'security@example.com' }]";
        let environment = [("ORGWATCH__LOG__LEVEL".to_owned(), "debug".to_owned())];
        let loaded = parse(text, environment).unwrap();
        let of = |path: &str| {
            let one = loaded.effective.iter().find(|setting| setting.path == path);
            let one = one.unwrap_or_else(|| panic!("{path} is not in {:?}", loaded.effective));
            (one.value.to_string(), one.source.clone())
        };
        let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
        assert_eq!(of("central.account_id"), pair("\"222222222222\"", "file"));
        assert_eq!(of("log.level"), pair("\"debug\"", "ORGWATCH__LOG__LEVEL"));
        assert_eq!(of("reconcile.concurrency"), pair("64", "default"));
        assert_eq!(of("reconcile.limits.deletions"), pair("10", "default"));
        assert_eq!(of("member.external_id"), pair("\"(secret)\"", "file"));
        assert_eq!(of("alert[0].subscriptions[1].endpoint"), pair("\"security@example.com\"", "file"));
        assert!(of("alert[0].subscriptions[0].endpoint").0.contains("https://hooks.example.com/...#"));
        assert!(!format!("{:?}", loaded.effective).contains("planted-secret"));
    }
}
