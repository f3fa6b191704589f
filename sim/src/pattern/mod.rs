//! Event patterns as EventBridge reads them, its silent mistakes included.
//!
//! AWS publishes its engine as `aws/event-ruler`; this module follows that engine's compiler and matching, and the user
//! guide where the guide says more. What a person takes for a mistake is accepted where the engine accepts it: a field
//! that stands beside `$or` and again inside it is overwritten, a key written twice keeps its last value, and a
//! malformed `$or` is a field of that name.

mod address;
mod compile;
mod event;
mod field;
mod number;
mod operator;
mod reader;
mod text;
mod wildcard;

#[cfg(test)]
mod tests;

use serde_json::Value;

use self::event::{Fields, Leaves};
use self::field::Field;
use std::sync::Arc;

/// The longest pattern that the API takes, in characters.
pub const API_LIMIT: usize = 4096;

/// The quota of a pattern's size, in characters; AWS: adjustable, and counted on the text as it was sent.
pub const SIZE_QUOTA: usize = 2048;

/// How many rules with a wildcard a bus may hold; AWS: not adjustable.
pub const WILDCARD_RULES: usize = 30;

/// How many combinations the `$or` of one pattern may make.
pub const COMBINATIONS: usize = 1000;

/// A compiled event pattern: alternatives of fields, each with what it accepts.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    fields: Fields,
    /// Each alternative's fields in the order of their paths, which decides what an absent field of an array means.
    alternatives: Vec<Vec<(usize, Arc<Field>)>>,
    wildcards: bool,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// The size is left to the caller: see [`API_LIMIT`] and [`SIZE_QUOTA`].
    ///
    /// # Errors
    /// The message of AWS's `InvalidEventPatternException`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let branches = compile::compile(text)
            .map_err(|reason| format!("Event pattern is not valid. Reason: {reason}"))?;
        let mut fields = Fields::default();
        let mut wildcards = false;
        let alternatives = branches
            .into_iter()
            .map(|branch| {
                branch
                    .into_iter()
                    .map(|(path, field)| {
                        wildcards |= field.wildcards();
                        (fields.add(&path), field)
                    })
                    .collect()
            })
            .collect();
        Ok(Self { fields, alternatives, wildcards })
    }

    /// Whether the event, with its envelope, matches.
    pub fn matches(&self, event: &Value) -> bool {
        let leaves = Leaves::of(event, &self.fields);
        self.alternatives.iter().any(|fields| leaves.satisfy(fields))
    }

    /// Whether an operator of it is a wildcard, which counts against [`WILDCARD_RULES`].
    pub fn wildcards(&self) -> bool {
        self.wildcards
    }
}
