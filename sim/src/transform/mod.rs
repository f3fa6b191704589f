//! What a target receives instead of the event: `Input`, `InputPath` and `InputTransformer`.

mod path;
mod template;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use self::path::Path;
use self::template::Template;

/// How many variables an input transformer may define.
const PATHS: usize = 100;
/// The longest `InputPath`, name of a variable, and path of a variable.
const NAME: usize = 256;
/// The longest `Input` and `InputTemplate`.
const TEXT: usize = 8192;

/// The top-level fields of an event in the order in which EventBridge writes them.
const ENVELOPE: [&str; 9] =
    ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];

/// A target's `Input`, `InputPath` or `InputTransformer`; the default is none of them: the target receives the event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transform {
    kind: Kind,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Kind {
    #[default]
    Event,
    Constant(String),
    Part(Path),
    Transformer {
        paths: BTreeMap<String, Path>,
        template: Template,
    },
}

/// What templates may name beside the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vars {
    /// `<aws.events.rule-arn>`.
    pub rule_arn: String,
    /// `<aws.events.rule-name>`.
    pub rule_name: String,
    /// `<aws.events.event.ingestion-time>`, an ISO 8601 timestamp.
    pub ingestion_time: String,
}

impl Transform {
    /// Reads it from a target of PutTargets.
    ///
    /// AWS: the paths of variables are not validated; one that leads nowhere, in bracket notation for example, is empty.
    ///
    /// # Errors
    /// The message of AWS's `ValidationException`. The places of members that are too long are those of a call's only
    /// target. The wording for a malformed `Input` and for names that are reserved is not published.
    pub fn parse(target: &Map<String, Value>) -> Result<Self, String> {
        let id = target.get("Id").and_then(Value::as_str).unwrap_or_default();
        let input = target.get("Input").and_then(Value::as_str);
        let input_path = target.get("InputPath").and_then(Value::as_str);
        let transformer = target.get("InputTransformer").and_then(Value::as_object);
        let kind = match (input, input_path, transformer) {
            (None, None, None) => Kind::Event,
            (Some(input), None, None) => {
                within("input", input, 0, TEXT)?;
                if serde_json::from_str::<serde::de::IgnoredAny>(input).is_err() {
                    return Err(format!("JSON syntax error in input for target {id}."));
                }
                Kind::Constant(input.to_owned())
            }
            (None, Some(path), None) => {
                within("inputPath", path, 0, NAME)?;
                Kind::Part(Path::parse(path).ok_or_else(|| format!("Invalid InputPath for target {id}."))?)
            }
            (None, None, Some(transformer)) => self::transformer(id, transformer)?,
            _ => {
                return Err(format!(
                    "Only one of Input, InputPath, or InputTransformer must be provided for target {id}."
                ));
            }
        };
        Ok(Self { kind })
    }

    /// The text that the target receives, or would if it were valid: see [`Transform::delivered`].
    pub fn apply(&self, event: &Value, vars: &Vars) -> String {
        match &self.kind {
            Kind::Event => compact(event),
            Kind::Constant(input) => input.clone(),
            Kind::Part(path) => path.find(event).as_deref().map_or_else(|| "null".to_owned(), compact),
            Kind::Transformer { paths, template } => template.fill(|name| variable(name, paths, event, vars)),
        }
    }

    /// The text that the target receives; `None` when AWS delivers nothing, without an error anywhere.
    ///
    /// AWS: values are not escaped in a quoted part of a JSON template, so that an object, an array or a text with a
    /// quote there makes the document invalid, and the event is lost to this target.
    pub fn delivered(&self, event: &Value, vars: &Vars) -> Option<String> {
        let text = self.apply(event, vars);
        match &self.kind {
            Kind::Transformer { template, .. } if !template.yields_valid(&text) => None,
            _ => Some(text),
        }
    }
}

fn transformer(id: &str, transformer: &Map<String, Value>) -> Result<Kind, String> {
    let defined = transformer.get("InputPathsMap").and_then(Value::as_object);
    let member = "inputTransformer.inputPathsMap";
    if defined.is_some_and(|defined| defined.len() > PATHS) {
        return Err(constraint(
            member,
            "",
            &format!("Member must have length less than or equal to {PATHS}"),
        ));
    }
    let mut paths = BTreeMap::new();
    for (name, path) in defined.into_iter().flatten() {
        let path = path.as_str().unwrap_or_default();
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')) {
            let wanted = "Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [A-Za-z0-9\\_\\-]+]";
            return Err(constraint(member, name, wanted));
        }
        within(member, name, 1, NAME)?;
        within(member, path, 0, NAME)?;
        if name.starts_with("AWS") {
            return Err(format!("InputPathsMap for target {id} contains reserved key {name}."));
        }
        paths.insert(name.clone(), Path::parse(path).unwrap_or_default());
    }
    let template = transformer.get("InputTemplate").and_then(Value::as_str).unwrap_or_default();
    within("inputTransformer.inputTemplate", template, 1, TEXT)?;
    let template = Template::parse(id, template, |name| paths.contains_key(name))?;
    Ok(Kind::Transformer { paths, template })
}

/// Checks a member's length.
fn within(member: &str, value: &str, least: usize, most: usize) -> Result<(), String> {
    let length = value.chars().count();
    if length < least {
        return Err(constraint(
            member,
            value,
            &format!("Member must have length greater than or equal to {least}"),
        ));
    }
    if length > most {
        return Err(constraint(
            member,
            value,
            &format!("Member must have length less than or equal to {most}"),
        ));
    }
    Ok(())
}

fn constraint(member: &str, value: &str, wanted: &str) -> String {
    format!(
        "1 validation error detected: Value '{value}' at 'targets.1.member.{member}' failed to satisfy constraint: {wanted}"
    )
}

/// The value of a variable; `None` when the event has nothing there.
fn variable(name: &str, paths: &BTreeMap<String, Path>, event: &Value, vars: &Vars) -> Option<Value> {
    match name {
        template::RULE_ARN => Some(Value::from(vars.rule_arn.as_str())),
        template::RULE_NAME => Some(Value::from(vars.rule_name.as_str())),
        template::INGESTION_TIME => Some(Value::from(vars.ingestion_time.as_str())),
        template::EVENT => Some(without_detail(event)),
        template::EVENT_JSON => Some(event.clone()),
        _ => paths.get(name)?.find(event).map(std::borrow::Cow::into_owned),
    }
}

/// What `<aws.events.event>` stands for. AWS: the event without `detail`, with `detail-type` written `detailType`.
fn without_detail(event: &Value) -> Value {
    let fields = event.as_object().into_iter().flatten().filter(|(name, _)| *name != "detail");
    fields
        .map(|(name, value)| {
            let name = if name == "detail-type" { "detailType" } else { name };
            (name.to_owned(), value.clone())
        })
        .collect()
}

/// JSON without spaces; an event's envelope in the order of EventBridge.
fn compact(value: &Value) -> String {
    let Some(event) = value.as_object().filter(|fields| fields.contains_key("detail-type")) else {
        return value.to_string();
    };
    let rank = |name: &str| ENVELOPE.iter().position(|field| *field == name).unwrap_or(ENVELOPE.len());
    let mut fields: Vec<(&String, &Value)> = event.iter().collect();
    fields.sort_by_key(|(name, _)| rank(name));
    let fields: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}:{value}", Value::from(name.as_str()))).collect();
    format!("{{{}}}", fields.join(","))
}
