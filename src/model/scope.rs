//! A part of the organization, as people name it, and that nothing is written there for a while.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;

use super::ids::{AccountId, IdError, OuId};

/// A part of the organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All of it, the central side included.
    All,
    /// A root or organizational unit with everything below it.
    Ou(OuId),
    /// One account.
    Account(AccountId),
}

/// Writing that a person has stopped for a while.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pause {
    /// `all`, or the id of an organizational unit, root or account.
    pub scope: String,
    /// Since when.
    pub since: Timestamp,
    /// Until when; none: until somebody ends it.
    pub until: Option<Timestamp>,
    /// Why, in the words of whoever asked for it.
    pub reason: String,
    /// Who asked for it, by the name of the token.
    pub by: String,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Ou(ou) => ou.fmt(f),
            Self::Account(account) => account.fmt(f),
        }
    }
}

impl FromStr for Scope {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if text == "all" {
            return Ok(Self::All);
        }
        let account = || text.parse().map(Self::Account);
        text.parse().map(Self::Ou).or_else(|_| account()).map_err(|_: IdError| IdError {
            found: text.to_owned(),
            expected: "all, the 12 digits of an account, or the id of an organizational unit or root such as ou-ab12-cdefgh34",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_gives_back_its_text() {
        for text in ["all", "ou-ab12-cdefgh34", "r-ab12", "012345678901"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        for bad in ["", "ALL", "12345678901", "Workloads", "o-a1b2c3d4e5"] {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }
}
