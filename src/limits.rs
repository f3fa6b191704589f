//! How much may be rewritten and deleted over the whole installation within a sliding window.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::ids::AccountId;
use crate::world::Target;

/// More deletions were planned than may be made.
pub const DELETION_LIMIT: &str = "DeletionLimit";
/// More accounts were to be rewritten than may be.
pub const CHANGED_ACCOUNTS_LIMIT: &str = "ChangedAccountsLimit";

/// Rewriting fewer accounts than this never counts: small organizations and single mistakes are not mass changes.
const FEW_ACCOUNTS: usize = 10;

/// Why a change is beyond a limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// [`DELETION_LIMIT`] or [`CHANGED_ACCOUNTS_LIMIT`].
    pub reason: &'static str,
    /// Which limit, and how to go on.
    pub message: String,
}

/// Asked before each change that a limit counts. A granted request is used up.
pub trait Allowance {
    /// Whether in-force resources of this target's account may be rewritten.
    fn rewrite(&mut self, target: &Target) -> Result<(), Denial>;
    /// Whether one more resource may be deleted.
    fn delete(&mut self) -> Result<(), Denial>;
}

/// Grants everything; for plans that are only looked at by tests.
#[derive(Debug)]
pub struct Unlimited;

impl Allowance for Unlimited {
    fn rewrite(&mut self, _: &Target) -> Result<(), Denial> {
        Ok(())
    }

    fn delete(&mut self) -> Result<(), Denial> {
        Ok(())
    }
}

/// How many accounts may be rewritten within the window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ChangedAccounts {
    /// As many as there are.
    Off,
    /// This many.
    Count(u32),
    /// This part of all accounts, in per cent.
    Percent(f64),
}

/// The limits as configured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// The width of the sliding window.
    pub window: Duration,
    /// None: no limit.
    pub deletions: Option<u32>,
    /// Accounts whose in-force resources are rewritten.
    pub changed_accounts: ChangedAccounts,
}

/// What was granted within the window.
#[derive(Clone, Debug, Default)]
pub struct Window {
    deletions: VecDeque<Timestamp>,
    rewritten: BTreeMap<AccountId, Timestamp>,
}

/// A window at one moment, ready to be asked.
#[derive(Debug)]
pub struct Counter<'a> {
    window: &'a mut Window,
    limits: Limits,
    accounts: usize,
    now: Timestamp,
}

impl Window {
    /// The window at `now`, in an installation of `accounts` accounts.
    pub fn at(&mut self, limits: Limits, accounts: usize, now: Timestamp) -> Counter<'_> {
        // A clock that was set back makes ages negative; that must not empty the window.
        let window = SignedDuration::try_from(limits.window).unwrap_or(SignedDuration::MAX);
        let within = |at: Timestamp| now.duration_since(at) < window;
        self.deletions.retain(|at| within(*at));
        self.rewritten.retain(|_, at| within(*at));
        Counter { window: self, limits, accounts, now }
    }
}

impl Window {
    /// Gives back the latest deletion that was granted and then failed.
    pub fn give_back_deletion(&mut self) {
        self.deletions.pop_back();
    }
}

impl Allowance for Counter<'_> {
    fn rewrite(&mut self, target: &Target) -> Result<(), Denial> {
        let account = target.account();
        let limit = match self.limits.changed_accounts {
            ChangedAccounts::Off => return Ok(()),
            ChangedAccounts::Count(count) => count as usize,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a part of a count of accounts"
            )]
            ChangedAccounts::Percent(part) => (self.accounts as f64 * part / 100.0).floor() as usize,
        };
        let would_be =
            self.window.rewritten.len() + usize::from(!self.window.rewritten.contains_key(account));
        if would_be >= FEW_ACCOUNTS && would_be > limit {
            return Err(Denial {
                reason: CHANGED_ACCOUNTS_LIMIT,
                message: format!(
                    "resources in force were rewritten in {} accounts within {}; the limit is {limit}. If that is meant, raise \
                     `reconcile.limits.changed_accounts`; else it goes on by itself as the window moves",
                    would_be - 1,
                    humantime::format_duration(self.limits.window),
                ),
            });
        }
        self.window.rewritten.insert(account.clone(), self.now);
        Ok(())
    }

    fn delete(&mut self) -> Result<(), Denial> {
        if let Some(limit) =
            self.limits.deletions.filter(|limit| self.window.deletions.len() >= *limit as usize)
        {
            return Err(Denial {
                reason: DELETION_LIMIT,
                message: format!(
                    "{limit} resources were deleted within {}, which is the limit. If more is meant, raise \
                     `reconcile.limits.deletions`; else it goes on by itself as the window moves",
                    humantime::format_duration(self.limits.window),
                ),
            });
        }
        self.window.deletions.push_back(self.now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::target::{Side, TargetKey};
    use crate::world::Reach;

    fn target(n: u64) -> Target {
        Target {
            key: TargetKey {
                side: Side::Member,
                account: format!("{n:012}").parse().unwrap(),
                region: "us-east-1".parse().unwrap(),
            },
            reach: Reach::Ambient,
            watches: Vec::new(),
            roles_here: true,
            watched: true,
            dead_letters: true,
            writes_role: true,
            enforce: true,
            leaving: false,
            place: None,
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    const LIMITS: Limits = Limits {
        window: Duration::from_secs(3600),
        deletions: Some(10),
        changed_accounts: ChangedAccounts::Percent(10.0),
    };

    #[test]
    fn fewer_than_ten_accounts_are_rewritten_whatever_the_limit() {
        let mut window = Window::default();
        for n in 0..9 {
            assert_eq!(window.at(LIMITS, 30, at(0)).rewrite(&target(n)), Ok(()), "{n}");
        }
        assert_eq!(
            window.at(LIMITS, 30, at(0)).rewrite(&target(9)).unwrap_err().reason,
            CHANGED_ACCOUNTS_LIMIT
        );
        // An account that was rewritten already counts once.
        assert_eq!(window.at(LIMITS, 30, at(0)).rewrite(&target(3)), Ok(()));
    }

    #[test]
    fn a_part_of_the_accounts_may_be_rewritten_within_the_window_and_more_when_it_moves() {
        let mut window = Window::default();
        for n in 0..100 {
            assert_eq!(window.at(LIMITS, 1000, at(0)).rewrite(&target(n)), Ok(()), "{n}");
        }
        assert!(window.at(LIMITS, 1000, at(59)).rewrite(&target(100)).is_err());
        assert_eq!(window.at(LIMITS, 1000, at(60)).rewrite(&target(100)), Ok(()));
    }

    #[test]
    fn the_eleventh_deletion_within_an_hour_is_held() {
        let mut window = Window::default();
        for _ in 0..10 {
            assert_eq!(window.at(LIMITS, 30, at(0)).delete(), Ok(()));
        }
        assert_eq!(window.at(LIMITS, 30, at(30)).delete().unwrap_err().reason, DELETION_LIMIT);
        assert_eq!(window.at(LIMITS, 30, at(61)).delete(), Ok(()));
    }

    #[test]
    fn without_limits_nothing_is_held() {
        let free = Limits { deletions: None, changed_accounts: ChangedAccounts::Off, ..LIMITS };
        let mut window = Window::default();
        for n in 0..1000 {
            assert_eq!(window.at(free, 1000, at(0)).rewrite(&target(n)), Ok(()));
            assert_eq!(window.at(free, 1000, at(0)).delete(), Ok(()));
        }
    }
}
