//! An event in the form in which a rule's target gets it: EventBridge's input transformers, as far as ours use them.

use serde_json::Value;

use crate::model::call::Transformer;

/// What stands for placeholders that no path defines.
pub(super) struct Known<'a> {
    pub(super) rule_arn: &'a str,
    pub(super) rule_name: &'a str,
}

/// The message that a target gets: the event itself, or what the transformer makes of it.
///
/// AWS: a path that the event does not have leaves its place empty. In quoted text objects are written without quotes of
/// their own; the quotes around lines of text are delivered too.
pub(super) fn render(event: &Value, transformer: Option<&Transformer>, known: &Known<'_>) -> String {
    let Some(transformer) = transformer else { return event.to_string() };
    let mut message = String::new();
    let mut rest = transformer.template.as_str();
    let mut quoted = false;
    while let Some(letter) = rest.chars().next() {
        if let Some(name) = placeholder(rest) {
            let value = match name {
                "aws.events.rule-arn" => Some(Value::from(known.rule_arn)),
                "aws.events.rule-name" => Some(Value::from(known.rule_name)),
                "aws.events.event.ingestion-time" => Some(event["time"].clone()),
                "aws.events.event" | "aws.events.event.json" => Some(event.clone()),
                name => transformer.paths.get(name).and_then(|path| at(event, path)).cloned(),
            };
            message.push_str(&written(value, quoted));
            rest = &rest[name.len() + 2..];
            continue;
        }
        if letter == '\\' {
            let two = rest.chars().take(2).map(char::len_utf8).sum();
            message.push_str(&rest[..two]);
            rest = &rest[two..];
            continue;
        }
        quoted ^= letter == '"';
        message.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    message
}

/// The name of the placeholder that the text begins with.
fn placeholder(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('<')?.split_once('>')?;
    let spelled = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!name.is_empty() && name.chars().all(spelled)).then_some(name)
}

fn written(value: Option<Value>, quoted: bool) -> String {
    match value {
        None | Some(Value::Null) if quoted => String::new(),
        None => "\"\"".to_owned(),
        Some(Value::String(text)) if quoted => inside(&text),
        Some(value) if quoted => inside(&value.to_string().replace('"', "")),
        Some(value) => value.to_string(),
    }
}

/// A text as it may stand between quotes.
fn inside(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The value at a path like `$.detail.requestParameters.names[0]`.
fn at<'a>(event: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.strip_prefix('$')?;
    let mut value = event;
    for part in path.split('.').skip(1) {
        let (name, indexes) = part.split_once('[').map_or((part, ""), |(name, rest)| (name, rest));
        value = value.get(name)?;
        for index in indexes.split('[').filter(|index| !index.is_empty()) {
            value = value.get(index.strip_suffix(']')?.parse::<usize>().ok()?)?;
        }
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn rendered(template: &str) -> String {
        let paths = [
            ("who", "$.detail.who"),
            ("what", "$.detail.what"),
            ("first", "$.detail.list[0].x"),
            ("no", "$.detail.no"),
        ];
        let transformer = Transformer {
            paths: BTreeMap::from(paths.map(|(name, path)| (name.to_owned(), path.to_owned()))),
            template: template.to_owned(),
        };
        let event = json!({ "detail": { "who": "a \"b\"\nc", "what": { "k": "v" }, "list": [{ "x": 3 }] } });
        render(&event, Some(&transformer), &Known { rule_arn: "arn:rule", rule_name: "rule" })
    }

    #[test]
    fn values_stand_for_placeholders_in_text_and_in_json() {
        assert_eq!(rendered("\"<first> of <aws.events.rule-name>\""), "\"3 of rule\"");
        assert_eq!(rendered("\"<what>\"\n\"<no>\""), "\"{k:v}\"\n\"\"");
        let json: Value =
            serde_json::from_str(&rendered("{\"a\":<what>,\"b\":<who>,\"c\":\"x <who>\",\"d\":<no>}"))
                .unwrap();
        assert_eq!(json, json!({ "a": { "k": "v" }, "b": "a \"b\"\nc", "c": "x a \"b\"\nc", "d": "" }));
    }

    #[test]
    fn what_is_no_placeholder_stays() {
        assert_eq!(rendered("\"a < b > c \\\"<\""), "\"a < b > c \\\"<\"");
    }
}
