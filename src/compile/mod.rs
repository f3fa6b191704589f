//! From watches and alerts to the patterns of rules: what members send, what each alert delivers, and what it hides.
//! Pure.
//!
//! EventBridge cannot ask two things of one field, nor for the opposite of a pattern. So narrowing an alert, limiting
//! it to accounts and taking noise from it is done here, on sets of events, and either exactly or not at all.

mod alerts;
mod arms;
mod check;
mod naming;
mod own;
mod senders;
mod suppress;
mod wider;

#[cfg(test)]
mod tests;

pub use alerts::{AlertRules, Rule, alert};
pub use arms::with_arms;
pub use check::{checked, problems};
pub use naming::{family, hidden_name, is_hidden, rule_names};
pub use senders::{Relation, contained_in, relation, sender};

use crate::config::Problem;
use crate::pattern::algebra::CannotEmit;

/// Two places of the configuration ask for what no event pattern can say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("E-cannot-combine: {place} cannot be combined with {other}: {reason}")]
pub struct CannotCombine {
    /// The key that asks for more: `alert[0].accounts`.
    pub place: String,
    /// The key that it meets: `watch[1].pattern`.
    pub other: String,
    /// Why.
    pub reason: CannotEmit,
}

impl CannotCombine {
    /// The same as a problem of the configuration.
    pub fn into_problem(self) -> Problem {
        Problem {
            code: "E-cannot-combine",
            path: self.place,
            found: format!("what cannot be combined with {}", self.other),
            expected: "conditions that EventBridge can ask for at once".to_owned(),
            hint: self.reason.to_string(),
        }
    }
}
