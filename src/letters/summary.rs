//! Dead letters as they are listed: by account, rule and error.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::{Holds, Letter};
use crate::model::ids::{AccountId, Region};

/// The most groups that are listed; the rest is only counted.
const MOST: usize = 500;

/// Letters of one account, rule and error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The account that the events are of; none for what holds no event.
    pub account: Option<AccountId>,
    /// Whether the organization no longer has that account.
    pub departed: bool,
    /// The Region of the rule.
    pub region: Option<Region>,
    /// The bus of the rule; none for the default bus.
    pub bus: Option<String>,
    /// The rule that could not deliver.
    pub rule: String,
    /// EventBridge's error code.
    pub error: String,
    /// The error in EventBridge's words, of the latest letter.
    pub message: String,
    /// Whether these are canaries and the like, of which people need not hear.
    pub own: bool,
    /// How many.
    pub letters: usize,
    /// When the first of the events happened.
    pub oldest: Option<Timestamp>,
    /// When the last of them happened.
    pub newest: Option<Timestamp>,
}

/// All letters that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// By account, rule and error.
    pub groups: Vec<Group>,
    /// How many letters were read, those of groups that are not listed too.
    pub letters: usize,
}

impl Summary {
    /// Groups letters. `known` are the accounts of the organization; none: nothing is known of it.
    pub fn of<'a>(
        letters: impl IntoIterator<Item = &'a Letter>,
        known: Option<&BTreeSet<AccountId>>,
    ) -> Self {
        let mut groups: BTreeMap<_, Group> = BTreeMap::new();
        let mut count = 0;
        for letter in letters {
            count += 1;
            let own = letter.holds() == Holds::Own;
            // By what a group shows, so that no two look the same.
            let rule = &letter.rule;
            let key = (
                letter.account.clone(),
                rule.region.clone(),
                rule.bus.clone(),
                rule.name.clone(),
                letter.error.clone(),
                own,
            );
            if !groups.contains_key(&key) && groups.len() >= MOST {
                continue;
            }
            let group = groups.entry(key).or_insert_with(|| Group {
                account: letter.account.clone(),
                departed: letter.account.as_ref().zip(known).is_some_and(|(id, known)| !known.contains(id)),
                region: rule.region.clone(),
                bus: rule.bus.clone(),
                rule: rule.name.clone(),
                error: letter.error.clone(),
                message: letter.message.clone(),
                own,
                letters: 0,
                oldest: letter.at,
                newest: letter.at,
            });
            group.letters += 1;
            if letter.at >= group.newest {
                group.newest = letter.at;
                group.message.clone_from(&letter.message);
            }
            group.oldest = match (group.oldest, letter.at) {
                (Some(oldest), Some(at)) => Some(oldest.min(at)),
                (oldest, at) => oldest.or(at),
            };
        }
        Self { groups: groups.into_values().collect(), letters: count }
    }
}

/// What the daemon knows of the dead letters of all Regions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overview {
    /// The letters that could be read.
    #[serde(flatten)]
    pub summary: Summary,
    /// Queues that could not be read, with why.
    pub unreadable: Vec<Unreadable>,
    /// When they were read.
    pub observed_at: Timestamp,
}

/// A queue that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unreadable {
    /// Its Region.
    pub region: Region,
    /// Why.
    pub error: String,
}
