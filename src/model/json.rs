//! JSON in little room, for what is kept of thousands of accounts at once.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// A JSON value as compact text. Plans of thousands of accounts hold documents, and as trees these take ten times the
/// room.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Json(Option<Arc<str>>);

impl Json {
    /// Whether it is `null`.
    pub fn is_null(&self) -> bool {
        self.0.is_none()
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("null")
    }

    /// The value.
    #[expect(clippy::expect_used, reason = "the text was made from a value")]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.as_str()).expect("JSON")
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Self {
        Self((!value.is_null()).then(|| value.to_string().into()))
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self::from(&value)
    }
}

impl PartialEq<Value> for Json {
    fn eq(&self, other: &Value) -> bool {
        self.value() == *other
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_comes_back_as_it_was_and_is_shown_as_itself() {
        for value in [json!(null), json!("a \"b\""), json!(1.5), json!({ "b": [1, null], "a": { "x": {} } })]
        {
            let kept = Json::from(&value);
            assert_eq!(kept.value(), value);
            assert_eq!(kept.is_null(), value.is_null());
            assert_eq!(serde_json::to_value(&kept).unwrap(), value);
            assert_eq!(kept.to_string(), value.to_string());
        }
        assert_eq!(Json::default(), Json::from(Value::Null));
    }
}
