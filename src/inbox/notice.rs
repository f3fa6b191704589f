//! What the daemon has to tell people of tampering, besides what AWS told them already.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::ids::{AccountId, Region};
use crate::model::target::TargetKey;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type")]
pub enum Notice {
    /// What somebody changed is as it should be again.
    TamperRepaired(TamperRepaired),
    /// The guard itself was not in place, so nothing would have been noticed in the meantime.
    GuardWasBlind {
        /// Where.
        target: TargetKey,
        /// When it was last seen in place.
        since: Timestamp,
        /// When it was seen in place again.
        until: Timestamp,
    },
    /// A call with a role of ours that this process did not make: another process of orgwatch, or somebody else.
    RoleUsedByOthers {
        /// The account.
        account: AccountId,
        /// The Region.
        region: Region,
        /// What was done, `<service>:<operation>`.
        call: String,
        /// As CloudTrail names who did it.
        actor: String,
        /// AWS's id of the request.
        request_id: Option<String>,
        /// When.
        at: Timestamp,
    },
    /// More messages arrive in the inbox than an organization's own life explains.
    InboxFlooded {
        /// When that began.
        at: Timestamp,
    },
}

/// What somebody changed is as it should be again.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TamperRepaired {
    /// Where.
    pub target: TargetKey,
    /// What was done, `<service>:<operation>`.
    pub call: String,
    /// As CloudTrail names who did it.
    pub actor: String,
    /// When it was done.
    pub at: Timestamp,
    /// When we knew.
    pub noticed_at: Timestamp,
    /// When it was observed to be undone.
    pub repaired_at: Timestamp,
    /// From the one to the other.
    pub seconds: f64,
}

/// Whoever passes notices on to people.
pub trait Tell: Send + Sync {
    /// Takes a notice; must not block.
    fn tell(&self, notice: &Notice);
}

impl Notice {
    /// For people, in one sentence.
    pub fn message(&self) -> String {
        match self {
            Self::TamperRepaired(repaired) => format!(
                "{} by {} in {} was undone {:.1} s after it was done",
                repaired.call, repaired.actor, repaired.target, repaired.seconds
            ),
            Self::GuardWasBlind { target, since, until } => format!(
                "The guard of {target} was not in place at some time between {since} and {until}; tampering in that time \
                 was found by the passes alone"
            ),
            Self::RoleUsedByOthers { account, call, actor, .. } => format!(
                "{call} in account {account} was made with orgwatch's own role ({actor}) and not by this process; if \
                 nobody ran orgwatch elsewhere, somebody else uses the role"
            ),
            Self::InboxFlooded { .. } => {
                "More messages arrive in the inbox than an organization's own life explains; targets are woken less often, \
                 passes by the timer go on as ever"
                    .to_owned()
            }
        }
    }
}
