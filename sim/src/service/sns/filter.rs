//! Filter policies of subscriptions.
//!
//! AWS: they are EventBridge patterns without some of its operators, over the message's attributes unless the scope
//! says its body.

use serde_json::{Map, Value};

use crate::pattern::Pattern;

/// AWS: five attribute names at the top, 150 combinations, 256 KiB.
const KEYS: usize = 5;
const COMBINATIONS: usize = 150;
const BYTES: usize = 256 * 1024;

/// A filter policy, compiled.
#[derive(Clone, Debug)]
pub struct Filter {
    pattern: Pattern,
    scope: Scope,
}

/// What a filter policy is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The attributes of the message. EventBridge gives it none.
    #[default]
    MessageAttributes,
    /// The body of the message, which must be a JSON object.
    MessageBody,
}

impl Scope {
    /// The scope of that name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "MessageAttributes" => Some(Self::MessageAttributes),
            "MessageBody" => Some(Self::MessageBody),
            _ => None,
        }
    }
}

impl Filter {
    /// Compiles a filter policy; `None` for one that admits everything.
    ///
    /// # Errors
    /// What SNS says about it, after the name of the parameter.
    pub fn parse(text: &str, scope: Scope) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let json: Value =
            serde_json::from_str(text).map_err(|e| format!("FilterPolicy: failed to parse JSON. {e}"))?;
        let Value::Object(fields) = json else {
            return Err("FilterPolicy: failed to parse JSON. Filter is not an object".to_owned());
        };
        if fields.is_empty() {
            return Ok(None);
        }
        if text.len() > BYTES {
            return Err("FilterPolicy: Filter policy is too large".to_owned());
        }
        if fields.len() > KEYS {
            return Err("FilterPolicy: Filter policy can not have more than 5 keys".to_owned());
        }
        if combinations(&fields, scope, 1, 1)? > COMBINATIONS {
            return Err("FilterPolicy: Filter policy is too complex".to_owned());
        }
        if fields.values().any(|value| uses(value, "wildcard")) {
            return Err("FilterPolicy: Unrecognized match type wildcard".to_owned());
        }
        let pattern = Pattern::parse(text).map_err(|reason| format!("FilterPolicy: {reason}"))?;
        Ok(Some(Self { pattern, scope }))
    }

    /// Whether it lets a message through. AWS: a body that is no JSON object never matches.
    pub fn admits(&self, body: Option<&Value>, attributes: &Value) -> bool {
        match self.scope {
            Scope::MessageAttributes => self.pattern.matches(attributes),
            Scope::MessageBody => body.is_some_and(|body| body.is_object() && self.pattern.matches(body)),
        }
    }
}

/// AWS: the number of values of all keys multiplied, each by the depth of its key.
fn combinations(
    fields: &Map<String, Value>,
    scope: Scope,
    depth: usize,
    so_far: usize,
) -> Result<usize, String> {
    let mut total = so_far;
    for (key, value) in fields {
        total = match value {
            Value::Object(_) if scope == Scope::MessageAttributes => {
                return Err(
                    "Filter policy scope MessageAttributes does not support nested filter policy".to_owned()
                );
            }
            Value::Object(below) => combinations(below, scope, depth + 1, total)?,
            Value::Array(values) if values.is_empty() => {
                return Err("FilterPolicy: Empty arrays are not allowed".to_owned());
            }
            Value::Array(values) if key == "$or" => {
                let mut sum: usize = 0;
                for alternative in values.iter().filter_map(Value::as_object) {
                    sum = sum.saturating_add(combinations(alternative, scope, depth, total)?);
                }
                sum
            }
            Value::Array(values) => total.saturating_mul(values.len()).saturating_mul(depth),
            _ => return Err(format!("FilterPolicy: \"{key}\" must be an object or an array")),
        };
    }
    Ok(total)
}

/// Whether an operator is used: an object's key inside an array.
fn uses(value: &Value, operator: &str) -> bool {
    match value {
        Value::Object(fields) => fields.values().any(|value| uses(value, operator)),
        Value::Array(values) => values.iter().any(|value| match value {
            Value::Object(fields) => fields.contains_key(operator) || uses(value, operator),
            _ => false,
        }),
        _ => false,
    }
}
