//! What orgwatch tells people of itself: events of its own on the central bus, and a heartbeat. Pure.
//!
//! Whoever the bus admits can put events of these sources there; that they come from the central account, which EventBridge
//! says, is what rules go by.

mod between;
mod digest;

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::ids::AccountId;

pub use between::between;
pub use digest::{Bundle, Digest};

/// The source of events for people.
pub const SOURCE: &str = "orgwatch";
/// The source of the heartbeat.
pub const HEARTBEAT_SOURCE: &str = "orgwatch.heartbeat";
/// The built-in alert, its rule and its topic.
pub const HEALTH: &str = "health";
/// The rule that takes the heartbeat, and the alarm on it.
pub const HEARTBEAT: &str = "heartbeat";

/// What the rule of the built-in alert takes.
pub fn pattern(central: &AccountId) -> Value {
    json!({ "source": [SOURCE], "account": [central] })
}

/// What the heartbeat's rule takes.
pub fn heartbeat(central: &AccountId) -> Value {
    json!({ "source": [HEARTBEAT_SOURCE], "account": [central] })
}

/// The types of events for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Kind {
    /// Changes in an account would not, or not surely, reach people any more.
    AccountUncovered,
    /// They would again.
    AccountCovered,
    /// Something of ours is not as it should be any more.
    DriftFound,
    /// It is again.
    DriftRepaired,
    /// What somebody changed is as it should be again.
    TamperRepaired,
    /// The guard was not in place for a while.
    GuardWasBlind,
    /// A role of ours was used by somebody else.
    RoleUsedByOthers,
    /// More messages arrive in the inbox than an organization's own life explains.
    InboxFlooded,
    /// Somebody has to confirm a subscription.
    SubscriptionPending,
    /// A subscription has vanished.
    SubscriptionLost,
    /// A change waits for a person.
    HoldOpened,
    /// The latest listing of the organization is doubted.
    DiscoveryDoubtful,
}

impl Kind {
    /// The type as in events.
    pub fn label(self) -> &'static str {
        match self {
            Self::AccountUncovered => "AccountUncovered",
            Self::AccountCovered => "AccountCovered",
            Self::DriftFound => "DriftFound",
            Self::DriftRepaired => "DriftRepaired",
            Self::TamperRepaired => "TamperRepaired",
            Self::GuardWasBlind => "GuardWasBlind",
            Self::RoleUsedByOthers => "RoleUsedByOthers",
            Self::InboxFlooded => "InboxFlooded",
            Self::SubscriptionPending => "SubscriptionPending",
            Self::SubscriptionLost => "SubscriptionLost",
            Self::HoldOpened => "HoldOpened",
            Self::DiscoveryDoubtful => "DiscoveryDoubtful",
        }
    }

    /// So many of them, for people.
    fn said(self, count: u64) -> String {
        let (one, many) = match self {
            Self::AccountUncovered => {
                ("account is not covered any more", "accounts are not covered any more")
            }
            Self::AccountCovered => ("account is covered", "accounts are covered"),
            Self::DriftFound => ("resource is not as it should be", "resources are not as they should be"),
            Self::DriftRepaired => {
                ("resource is as it should be again", "resources are as they should be again")
            }
            Self::TamperRepaired => ("deed of tampering is undone", "deeds of tampering are undone"),
            Self::GuardWasBlind => {
                ("guard was not in place for a while", "guards were not in place for a while")
            }
            Self::RoleUsedByOthers => (
                "call with a role of orgwatch was not its own",
                "calls with roles of orgwatch were not its own",
            ),
            Self::InboxFlooded => ("flood of messages", "floods of messages"),
            Self::SubscriptionPending => {
                ("subscription waits for its confirmation", "subscriptions wait for their confirmation")
            }
            Self::SubscriptionLost => {
                ("subscription has vanished or is suspended", "subscriptions have vanished or are suspended")
            }
            Self::HoldOpened => ("hold waits for a person", "holds wait for a person"),
            Self::DiscoveryDoubtful => {
                ("listing of the organization is doubted", "listings of the organization are doubted")
            }
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Of which type.
    pub kind: Kind,
    /// What exactly, in one sentence.
    pub message: String,
}

impl Item {
    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl From<&crate::inbox::notice::Notice> for Item {
    fn from(notice: &crate::inbox::notice::Notice) -> Self {
        use crate::inbox::notice::Notice;
        let kind = match notice {
            Notice::TamperRepaired(_) => Kind::TamperRepaired,
            Notice::GuardWasBlind { .. } => Kind::GuardWasBlind,
            Notice::RoleUsedByOthers { .. } => Kind::RoleUsedByOthers,
            Notice::InboxFlooded { .. } => Kind::InboxFlooded,
        };
        Self::new(kind, notice.message())
    }
}
