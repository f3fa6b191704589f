//! What reaches the daemon itself, by the queue `<installation>-inbox`: each message is read once into a [`Message`].
//!
//! Nothing of it is believed. A message makes a target due or answers a question that we asked; what is then done there
//! follows from the desired state alone. Where it comes from is told by the envelope's `account`, which EventBridge sets.

mod flood;
pub mod hidden;
pub mod notice;
mod parse;
pub mod repairs;
mod seen;
#[cfg(test)]
mod tests;
mod wake;
mod writes;

use jiff::Timestamp;

use crate::canary::Nonce;
use crate::model::ids::{AccountId, Region};

pub use flood::Flood;
pub use parse::{LONGEST, parse};
pub use seen::Seen;
pub use wake::Wakes;
pub use writes::Writes;

/// What a message tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Somebody did something to what is ours.
    Wake(Tampering),
    /// The organization has other accounts, or has them elsewhere.
    Organization {
        /// The account that tells it; the management account alone can know.
        account: AccountId,
        /// CloudTrail's name of what happened.
        event: String,
        /// When.
        at: Timestamp,
    },
    /// An alert did not deliver an event, as its suppressions ask.
    Hidden(hidden::HiddenEvent),
    /// Says to be a canary.
    Canary {
        /// The account that sent it, as EventBridge says.
        account: AccountId,
        /// The sender rule that took it, as the message says.
        rule: String,
        /// What it carries.
        nonce: Nonce,
    },
    /// The daemon's own heartbeat, or that of another copy.
    Heartbeat {
        /// The account that sent it, as EventBridge says.
        account: AccountId,
    },
    /// No message that we know: dropped and counted, with the reason as a constant.
    Foreign(&'static str),
}

/// A call that concerns what is ours.
#[derive(Clone, Debug, PartialEq)]
pub struct Tampering {
    /// CloudTrail's id of the event; the same in every copy of it.
    pub event_id: String,
    /// AWS's id of the request.
    pub request_id: Option<String>,
    /// The account in which it was done, as EventBridge says.
    pub account: AccountId,
    /// The Region in which it appeared.
    pub region: Region,
    /// The service: `events`, `iam`.
    pub service: String,
    /// The operation: `DisableRule`.
    pub operation: String,
    /// The ARN of who did it, as CloudTrail says; cut off where it is long.
    pub actor: String,
    /// The name, without path, of the role whose session it was.
    pub role: Option<String>,
    /// Whether it failed, so that nothing changed.
    pub failed: bool,
    /// When it was done, to the second.
    pub at: Timestamp,
}
