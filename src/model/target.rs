//! The unit of work: one side of one account in one Region.

use std::fmt;
use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use super::ids::{AccountId, Region};

/// Which half of the alert path a target holds, or what stands beside it for auditors. The central account has both halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Receives: bus, topics, alert rules, dead-letter queues.
    Central,
    /// Sends: forwarding role and sender rules.
    Member,
    /// Beside the path: metric filters on the log group of the organization's trail, and their alarms.
    Audit,
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

impl TargetKey {
    /// From before the first to past the last key that one side of an account can have.
    pub fn all_of(side: Side, account: &AccountId) -> RangeInclusive<Self> {
        #[expect(clippy::expect_used, reason = "two constants that are Region codes")]
        let region = |code: &str| code.parse().expect("a Region code");
        // Every Region code begins with a letter, so these two stand around all of them.
        let key = |code| Self { side, account: account.clone(), region: region(code) };
        key("0-0-0")..=key("zzzz-zzzz-9")
    }
}

impl fmt::Display for TargetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match self.side {
            Side::Central => "central",
            Side::Member => "member",
            Side::Audit => "audit",
        };
        write!(f, "{side} {}/{}", self.account, self.region)
    }
}

impl Serialize for TargetKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_code_of_any_length_lies_within_the_keys_of_its_account() {
        let account = |n: u64| format!("{n:012}").parse::<AccountId>().unwrap();
        let keys = TargetKey::all_of(Side::Member, &account(2));
        for region in ["af-south-1", "us-gov-west-1", "eusc-de-east-1"] {
            let key = |side, n| TargetKey { side, account: account(n), region: region.parse().unwrap() };
            assert!(keys.contains(&key(Side::Member, 2)), "{region}");
            assert!(
                !keys.contains(&key(Side::Member, 1)) && !keys.contains(&key(Side::Member, 3)),
                "{region}"
            );
            assert!(!keys.contains(&key(Side::Central, 2)), "{region}");
        }
    }
}
