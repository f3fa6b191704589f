//! Event patterns as EventBridge reads them, its silent mistakes included.

use serde_json::Value;

/// A compiled event pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The message of AWS's `InvalidEventPatternException`.
    pub fn parse(_text: &str) -> Result<Self, String> {
        Ok(Self {})
    }

    /// Whether the event matches.
    pub fn matches(&self, _event: &Value) -> bool {
        false
    }
}
