//! The unit of work: one side of one account in one Region.

use std::fmt;

use serde::{Serialize, Serializer};

use super::ids::{AccountId, Region};

/// Which half of the alert path a target holds. The central account has both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Receives: bus, topics, alert rules, dead-letter queues.
    Central,
    /// Sends: forwarding role and sender rules.
    Member,
}

/// Names a target; the key by which work is queued and state is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetKey {
    /// Central before member, so that ordered walks meet the receiving side first.
    pub side: Side,
    /// The account that the resources live in.
    pub account: AccountId,
    /// The Region that the resources live in; IAM's roles are kept with the Region of IAM's events.
    pub region: Region,
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Central => "central",
            Side::Member => "member",
        };
        write!(f, "{side} {}/{}", self.account, self.region)
    }
}

impl Serialize for TargetKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
