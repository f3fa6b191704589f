//! One of the two ways in which a control can be met, as far as it was seen.

use std::sync::Arc;

use super::report::Status;

/// How one of the two ways stands: how far it leads, why it ends there, and what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Half<S, F> {
    pub(super) status: Status,
    pub(super) step: S,
    pub(super) reason: &'static str,
    pub(super) message: String,
    pub(super) advice: Option<String>,
    pub(super) remarks: Vec<String>,
    pub(super) facts: Option<Arc<F>>,
}

/// The reason of what is met.
pub(super) const MET: &str = "InPlace";

impl<S: Ord, F> Half<S, F> {
    fn new(status: Status, step: S, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, step, reason, message: message.into(), advice: None, remarks: Vec::new(), facts: None }
    }

    /// It leads to people.
    pub(super) fn met(step: S, message: impl Into<String>) -> Self {
        Self::new(Status::Met, step, MET, message)
    }

    /// It ends at a step.
    pub(super) fn unmet(step: S, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Status::Unmet, step, reason, message)
    }

    /// It could not be seen from a step on.
    pub(super) fn unknown(step: S, reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(Status::Unknown, step, reason, message)
    }

    /// With what to do.
    pub(super) fn advised(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()).filter(|advice| !advice.is_empty()), ..self }
    }

    /// Of two ways the one that decides: one that leads to people, else one of which nobody knows whether it does, else the
    /// one that leads further. Of equal ones the first.
    pub(super) fn better(self, other: Self) -> Self {
        // Statuses are ordered from unmet over unknown to met.
        if (other.status, &other.step) > (self.status, &self.step) { other } else { self }
    }
}
