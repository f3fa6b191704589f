//! Which Regions each account has enabled, as far as that was read, and where something of ours may be left. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, Region};
use crate::model::target::{Side, TargetKey};

/// How long what was read is taken to be so: people enable a Region a few times a year.
const FRESH: SignedDuration = SignedDuration::from_hours(24);
/// How soon a reading that failed is tried again; one that was refused does not heal in minutes.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);
const AGAIN_REFUSED: SignedDuration = SignedDuration::from_hours(1);

/// What is known of one account.
#[derive(Clone, Debug, Default)]
struct Entry {
    /// None: never read. What was read once holds until it is read otherwise.
    enabled: Option<Arc<BTreeSet<Region>>>,
    /// Why the latest reading failed.
    error: Option<CloudError>,
    /// When it is to be read again; none: at once.
    due_at: Option<Timestamp>,
    /// Where forgotten rules were looked for since the start.
    searched: BTreeSet<Region>,
}

/// Which Regions each account has enabled, and where something of ours may be left that nobody wants any more.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    accounts: BTreeMap<AccountId, Entry>,
    /// The sets that were read; thousands of accounts share a few.
    sets: BTreeSet<Arc<BTreeSet<Region>>>,
    /// Targets that nobody wants, in which something of ours was found, or may be.
    left: BTreeSet<TargetKey>,
    /// Regions of the central account that were searched for forgotten queues since the start.
    searched_central: BTreeSet<Region>,
}

impl Regions {
    /// The Regions that an account has enabled; none as long as nobody could read them.
    pub fn enabled(&self, account: &AccountId) -> Option<&BTreeSet<Region>> {
        self.accounts.get(account)?.enabled.as_deref()
    }

    /// Why an account's Regions are not known.
    pub fn error(&self, account: &AccountId) -> Option<&CloudError> {
        let entry = self.accounts.get(account)?;
        entry.error.as_ref().filter(|_| entry.enabled.is_none())
    }

    /// Whether it is time to read an account's Regions.
    pub fn is_due(&self, account: &AccountId, now: Timestamp) -> bool {
        self.accounts.get(account).and_then(|entry| entry.due_at).is_none_or(|due| due <= now)
    }

    /// Takes over what a reading told; answers whether that is news. A reading that failed changes nothing of what was
    /// known. `jitter`, between 0 and 1, spreads the accounts over time.
    pub fn take(
        &mut self,
        account: &AccountId,
        read: Result<BTreeSet<Region>, CloudError>,
        now: Timestamp,
        jitter: f64,
    ) -> bool {
        let spread = |time: SignedDuration| now + time.mul_f64(0.8 + 0.2 * jitter);
        let enabled = match read {
            Ok(enabled) => self.shared(enabled),
            Err(error) => {
                let entry = self.accounts.entry(account.clone()).or_default();
                let refused = matches!(error.class, ErrorClass::Denied | ErrorClass::DeniedByScp);
                entry.due_at = Some(spread(if refused { AGAIN_REFUSED } else { AGAIN }));
                // That an account's Regions cannot be read is shown, and a reason is news once.
                let before = entry.error.replace(error);
                return before.as_ref().map(|e| e.class) != entry.error.as_ref().map(|e| e.class);
            }
        };
        let entry = self.accounts.entry(account.clone()).or_default();
        let news = entry.enabled.as_ref() != Some(&enabled) || entry.error.is_some();
        *entry = Entry {
            enabled: Some(enabled),
            error: None,
            due_at: Some(spread(FRESH)),
            searched: std::mem::take(&mut entry.searched),
        };
        news
    }

    fn shared(&mut self, enabled: BTreeSet<Region>) -> Arc<BTreeSet<Region>> {
        if let Some(shared) = self.sets.get(&enabled) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(enabled);
        self.sets.insert(Arc::clone(&shared));
        shared
    }

    /// A Region answered as one does that the account has not enabled: what was read is out of date.
    pub fn doubt(&mut self, account: &AccountId) {
        if let Some(entry) = self.accounts.get_mut(account) {
            entry.due_at = None;
        }
    }

    /// Forgets accounts that are no longer there.
    pub fn retain(&mut self, wanted: impl Fn(&AccountId) -> bool) {
        self.accounts.retain(|account, _| wanted(account));
        self.left.retain(|key| key.side == Side::Central || wanted(&key.account));
    }

    /// Of these Regions the ones in which nobody looked yet for what is left of an account. None of those that it is
    /// known not to have.
    pub fn unsearched(&self, account: &AccountId, among: &BTreeSet<Region>) -> Vec<Region> {
        let entry = self.accounts.get(account);
        let fresh = |region: &&Region| {
            entry.is_none_or(|entry| {
                !entry.searched.contains(*region)
                    && entry.enabled.as_ref().is_none_or(|enabled| enabled.contains(*region))
            })
        };
        among.iter().filter(fresh).cloned().collect()
    }

    /// Of these Regions the ones in which nobody looked yet for queues of the central account.
    pub fn unsearched_central(&self, among: &BTreeSet<Region>) -> Vec<Region> {
        among.difference(&self.searched_central).cloned().collect()
    }

    /// Notes that a target that nobody wants was searched, and whether something of ours was found there.
    pub fn searched(&mut self, key: &TargetKey, found: bool) {
        match key.side {
            Side::Central => self.searched_central.insert(key.region.clone()),
            Side::Audit => false,
            Side::Member => {
                let entry = self.accounts.entry(key.account.clone()).or_default();
                entry.searched.insert(key.region.clone())
            }
        };
        if found {
            self.left.insert(key.clone());
        }
    }

    /// Targets that nobody wants and that still have to be looked at.
    pub fn left(&self) -> &BTreeSet<TargetKey> {
        &self.left
    }

    /// A target that was worked on until now is no longer wanted: what is there is not forgotten.
    pub fn leave(&mut self, key: &TargetKey) {
        self.left.insert(key.clone());
    }

    /// Nothing is left there, or it is wanted again. Answers whether that is news.
    pub fn settle(&mut self, key: &TargetKey) -> bool {
        self.left.remove(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture::{at, error, member_id};

    fn set(names: &[&str]) -> BTreeSet<Region> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn a_failed_reading_takes_nothing_away_and_is_tried_again_sooner() {
        let (mut regions, account) = (Regions::default(), member_id(1));
        assert!(regions.is_due(&account, at(0)));
        assert!(regions.take(&account, Ok(set(&["us-east-1", "eu-west-1"])), at(0), 0.5));
        assert!(!regions.is_due(&account, at(3600)));
        assert!(regions.is_due(&account, at(24 * 3600)));
        regions.take(&account, Err(error(ErrorClass::Throttled)), at(24 * 3600), 0.5);
        assert_eq!(regions.enabled(&account), Some(&set(&["us-east-1", "eu-west-1"])));
        assert_eq!(regions.error(&account), None);
        assert!(regions.is_due(&account, at(24 * 3600 + 300)));
    }

    #[test]
    fn what_was_never_read_is_unknown_with_the_reason() {
        let (mut regions, account) = (Regions::default(), member_id(1));
        assert!(regions.take(&account, Err(error(ErrorClass::Denied)), at(0), 0.5));
        assert!(!regions.take(&account, Err(error(ErrorClass::Denied)), at(3600), 0.5));
        assert_eq!(regions.enabled(&account), None);
        assert_eq!(regions.error(&account).map(|e| e.class), Some(ErrorClass::Denied));
        // A refusal is not asked for again and again.
        assert!(!regions.is_due(&account, at(3600 + 600)));
    }

    #[test]
    fn the_same_regions_again_are_no_news_and_kept_once() {
        let mut regions = Regions::default();
        for n in 1..100 {
            assert!(regions.take(&member_id(n), Ok(set(&["us-east-1"])), at(0), 0.0));
        }
        assert!(!regions.take(&member_id(1), Ok(set(&["us-east-1"])), at(0), 0.0));
        assert_eq!(regions.sets.len(), 1);
    }

    #[test]
    fn a_region_that_answers_as_if_it_were_disabled_is_read_again() {
        let (mut regions, account) = (Regions::default(), member_id(1));
        regions.take(&account, Ok(set(&["us-east-1"])), at(0), 0.0);
        regions.doubt(&account);
        assert!(regions.is_due(&account, at(1)));
    }

    #[test]
    fn each_region_is_searched_once_and_none_that_the_account_does_not_have() {
        let (mut regions, account) = (Regions::default(), member_id(1));
        let all = set(&["us-east-1", "eu-west-1", "af-south-1"]);
        regions.take(&account, Ok(set(&["us-east-1", "eu-west-1"])), at(0), 0.0);
        assert_eq!(regions.unsearched(&account, &all).len(), 2);
        let key = |region: &str| TargetKey {
            side: Side::Member,
            account: account.clone(),
            region: region.parse().unwrap(),
        };
        regions.searched(&key("us-east-1"), false);
        regions.searched(&key("eu-west-1"), true);
        assert!(regions.unsearched(&account, &all).is_empty());
        assert_eq!(regions.left().iter().collect::<Vec<_>>(), [&key("eu-west-1")]);
        assert!(regions.settle(&key("eu-west-1")));
        assert!(!regions.settle(&key("eu-west-1")));
    }
}
