//! What a reader gets: an event filled into an input transformer, as EventBridge does it. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::model::call::Transformer;

/// The fields of an event in the order in which EventBridge writes them.
const ENVELOPE: [&str; 9] =
    ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];

/// The text that a target gets of an event; nothing where the template is JSON and what comes of it is none, which
/// EventBridge drops without an error.
///
/// A template is lines of quoted text, whose quotes are delivered too, or JSON. A path that leads nowhere is an empty
/// text. In quotes a text stands as it is, without escapes, and in lines of text what is no text loses its quotes.
pub fn delivered(transformer: Option<&Transformer>, event: &Value, rule: &str) -> Option<String> {
    let Some(Transformer { paths, template }) = transformer else { return Some(compact(event)) };
    let lines = template.trim_start().starts_with('"');
    let mut text = String::new();
    let mut rest = template.as_str();
    let (mut quoted, mut escaped) = (false, false);
    while let Some(character) = rest.chars().next() {
        if let Some((name, behind)) = placeholder(rest) {
            text.push_str(&filled(&variable(name, paths, event, rule), quoted, lines));
            rest = behind;
            continue;
        }
        if character == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = character == '\\' && !escaped;
        // The spaces of a JSON template are not delivered.
        if lines || quoted || !character.is_ascii_whitespace() {
            text.push(character);
        }
        rest = &rest[character.len_utf8()..];
    }
    (lines || serde_json::from_str::<Value>(&text).is_ok()).then_some(text)
}

/// The name of the placeholder that a text begins with, and what stands behind it.
fn placeholder(text: &str) -> Option<(&str, &str)> {
    let (name, behind) = text.strip_prefix('<')?.split_once('>')?;
    (!name.contains('\n')).then_some((name, behind))
}

fn filled(value: &Value, quoted: bool, lines: bool) -> String {
    match value {
        Value::String(text) if quoted => text.clone(),
        value if quoted && lines => value.to_string().replace('"', ""),
        value => value.to_string(),
    }
}

/// What a placeholder stands for; an empty text for what the event does not have.
fn variable(name: &str, paths: &BTreeMap<String, String>, event: &Value, rule: &str) -> Value {
    match name {
        "aws.events.rule-name" => Value::from(rule),
        "aws.events.event.json" => event.clone(),
        "aws.events.event" => head(event),
        _ => paths.get(name).and_then(|path| find(event, path)).unwrap_or_else(|| Value::from("")),
    }
}

/// The event without `detail`, in which `detail-type` is written `detailType`.
fn head(event: &Value) -> Value {
    let fields = event.as_object().into_iter().flatten().filter(|(name, _)| *name != "detail");
    let renamed = |name: &str| if name == "detail-type" { "detailType".to_owned() } else { name.to_owned() };
    Value::Object(fields.map(|(name, value)| (renamed(name), value.clone())).collect::<Map<_, _>>())
}

/// What lies at a path such as `$.detail.items[0].name`; `*` finds the list of all that lies there.
fn find(event: &Value, path: &str) -> Option<Value> {
    let steps = path.trim().strip_prefix('$')?.replace('[', ".[");
    let mut found = vec![event];
    let mut every = false;
    for step in steps.split('.').skip(1) {
        let index = step.strip_prefix('[').and_then(|step| step.strip_suffix(']'));
        every |= matches!(index.unwrap_or(step), "*");
        found = found.into_iter().flat_map(|value| inside(value, step, index)).collect();
    }
    if every {
        Some(found.into_iter().cloned().collect())
    } else {
        found.first().map(|value| (*value).clone())
    }
}

fn inside<'e>(value: &'e Value, step: &str, index: Option<&str>) -> Vec<&'e Value> {
    match (value, index) {
        (Value::Array(all), Some("*")) | (Value::Array(all), None) if index.is_some() || step == "*" => {
            all.iter().collect()
        }
        (Value::Array(all), Some(index)) => {
            index.parse().ok().and_then(|i: usize| all.get(i)).into_iter().collect()
        }
        (Value::Object(fields), None) if step == "*" => fields.values().collect(),
        (Value::Object(fields), None) => fields.get(step).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// The event itself as it is delivered: without spaces, its envelope in EventBridge's order.
fn compact(event: &Value) -> String {
    let Value::Object(fields) = event else { return event.to_string() };
    let rank = |name: &str| ENVELOPE.iter().position(|field| *field == name).unwrap_or(ENVELOPE.len());
    let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
    fields.sort_by_key(|(name, _)| rank(name));
    let fields: Vec<String> =
        fields.into_iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
    format!("{{{}}}", fields.join(","))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({
            "version": "0", "id": "7bf7", "detail-type": "Change", "source": "aws.iam", "account": "111122223333",
            "time": "2026-11-20T21:29:54Z", "region": "us-east-1", "resources": ["arn:one"],
            "detail": {"name": "DeleteUser", "list": [{"n": 1}, {"n": 2}], "parameters": {"userName": "dave"},
                       "quote": "say \"hi\"", "no": null},
        })
    }

    fn text(template: &str) -> Option<String> {
        let paths = [
            ("name", "$.detail.name"),
            ("first", "$.detail.list[0].n"),
            ("each", "$.detail.list[*].n"),
            ("parameters", "$.detail.parameters"),
            ("quote", "$.detail.quote"),
            ("absent", "$.detail.absent"),
            ("type", "$.detail-type"),
        ];
        let transformer = Transformer {
            paths: paths.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            template: template.to_owned(),
        };
        delivered(Some(&transformer), &event(), "orgwatch-iam-changes")
    }

    #[test]
    fn lines_of_text_keep_their_quotes_and_take_values_as_they_are() {
        for (template, expected) in [
            (r#""<name> by <absent>.""#, r#""DeleteUser by .""#),
            ("\"one <name>\"\n\"two <type>\"", "\"one DeleteUser\"\n\"two Change\""),
            (r#""what: <parameters>, <first> of <each>""#, r#""what: {userName:dave}, 1 of [1,2]""#),
            (r#""by <aws.events.rule-name>""#, r#""by orgwatch-iam-changes""#),
            (r#""2 < 3""#, r#""2 < 3""#),
        ] {
            assert_eq!(text(template).as_deref(), Some(expected), "{template}");
        }
    }

    #[test]
    fn json_takes_values_as_json_and_is_dropped_where_it_becomes_none() {
        assert_eq!(
            text("{ \"what\": <name>, \"of\": \"<type> x\", \"all\": <parameters>, \"no\": <absent> }")
                .as_deref(),
            Some(r#"{"what":"DeleteUser","of":"Change x","all":{"userName":"dave"},"no":""}"#)
        );
        assert_eq!(text(r#"{"what": "<parameters>"}"#), None);
        assert_eq!(text(r#"{"what": "<quote>"}"#), None);
        let whole = text(r#"{"e": <aws.events.event.json>, "h": <aws.events.event>}"#).unwrap();
        let whole: Value = serde_json::from_str(&whole).unwrap();
        assert_eq!((&whole["e"], &whole["h"]["detailType"]), (&event(), &json!("Change")));
        assert_eq!(whole["h"].get("detail"), None);
    }

    #[test]
    fn without_a_transformer_the_event_comes_in_the_order_of_its_envelope() {
        let text = delivered(None, &event(), "r").unwrap();
        assert!(
            text.starts_with(r#"{"version":"0","id":"7bf7","detail-type":"Change","source":"aws.iam","#),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), event());
    }
}
