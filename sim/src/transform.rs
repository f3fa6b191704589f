//! Input transformers: what a target receives instead of the event.

use serde_json::Value;

/// A target's `Input`, `InputPath` or `InputTransformer`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transform {}

impl Transform {
    /// Reads it from a target of PutTargets.
    ///
    /// # Errors
    /// What AWS says of an invalid one.
    pub fn parse(_target: &serde_json::Map<String, Value>) -> Result<Self, String> {
        Ok(Self {})
    }
}
