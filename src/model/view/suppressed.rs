//! What alerts do not deliver on purpose, as shown.

use jiff::Timestamp;
use serde::Serialize;

use crate::config::SuppressState;
use crate::inbox::hidden::HiddenEvent;
use crate::model::ids::AccountId;

/// An alert with suppressions, as in `/api/v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuppressedView {
    /// The alert.
    pub alert: String,
    /// Events that it did not deliver, since the daemon started.
    pub events: u64,
    /// When the latest of them was counted.
    pub last_at: Option<Timestamp>,
    /// The latest ones, newest first; of more than ten in a second only the first ten are kept.
    pub latest: Vec<HiddenEvent>,
    /// Why.
    pub suppressions: Vec<SuppressionView>,
}

/// A suppression, as in `/api/v1/status`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SuppressionView {
    /// Whose events.
    pub principal_arn: String,
    /// Where they happen; empty: everywhere.
    pub accounts: Vec<AccountId>,
    /// Only these; empty: all.
    pub event_names: Vec<String>,
    /// Why.
    pub reason: String,
    /// Who is asked about it.
    pub owner: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// How it stands.
    pub state: SuppressState,
}
