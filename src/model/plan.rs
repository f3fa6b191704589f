//! The plan: the one value that is printed, served, logged, tested and applied.

use serde::Serialize;

use super::call::Call;
use super::resource::{Fields, ResourceId};
use super::target::TargetKey;

/// What a change does to its resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Makes what is absent.
    Create,
    /// Puts right what differs.
    Update,
    /// Takes away what is ours and no longer desired.
    Delete,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// The action as in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The mark of the change in a printed plan.
    pub fn sign(self) -> char {
        match self {
            Self::Create => '+',
            Self::Update => '~',
            Self::Delete => '-',
        }
    }
}

/// The order in which changes may be made: nothing is revoked before its successor has been observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Creates and grants.
    Expand,
    /// Moves the user of a grant, in one call.
    Switch,
    /// Revokes and deletes; only in a later pass than the switch, after the settle time.
    Contract,
}

/// Why a change that is planned is not made now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// CamelCase constant: `DeletionLimit`, `WrongOrganization`, `WaitingForConfirmation`.
    pub reason: &'static str,
    /// What is held, and what releases it.
    pub message: String,
    /// Whether the change goes ahead by itself once what it waits for has happened; such a wait is no hold
    /// that a person must release.
    pub waits: bool,
}

/// One resource's change with the calls that make it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// What is changed.
    pub resource: ResourceId,
    /// What is done to it.
    pub action: Action,
    /// When in the order of things.
    pub stage: Stage,
    /// Why, in one sentence without a full stop.
    pub reason: String,
    /// The fields that will differ afterwards.
    pub fields: Fields,
    /// The writing calls that are left to be made, in order; none once all were made, until the next pass has looked, and
    /// none in a daemon that writes of a change that waits, which a later pass plans anew.
    pub calls: Vec<Call>,
    /// Why it is not made now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// Everything that one pass means to change in one target, in the order in which it is made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// Where.
    pub target: TargetKey,
    /// What, in order.
    pub changes: Vec<Change>,
}

impl Plan {
    /// The changes that may be made now.
    pub fn due(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|c| c.hold.is_none())
    }
}
