//! The organization as last seen: who is in it, who is wanted, who is gone, and whether a listing can be believed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::call::Tags;
use crate::model::ids::{AccountId, OuId};
use crate::model::view::Standing;

/// AWS's state of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Fully operational; the only state in which a role can be assumed.
    Active,
    /// Anything else, by AWS's name.
    Other(&'static str),
}

impl AccountState {
    /// AWS's name of the state.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Other(name) => name,
        }
    }
}

/// An account as the organization lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name.
    pub name: String,
    /// Its e-mail address.
    pub email: String,
    /// Its state.
    pub state: AccountState,
    /// Root and organizational units from the top down; none while its place is not known.
    pub path: Option<Vec<OuId>>,
    /// When it joined.
    pub joined_at: Option<Timestamp>,
    /// Its tags, where a filter needs them.
    pub tags: Option<Tags>,
}

impl Account {
    /// Root and organizational units from the top down, as far as they are known.
    pub fn units(&self) -> &[OuId] {
        self.path.as_deref().unwrap_or_default()
    }
}

/// Which accounts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Empty: the whole organization.
    pub include_ous: BTreeSet<OuId>,
    /// Left out with everything below.
    pub exclude_ous: BTreeSet<OuId>,
    /// Left out.
    pub exclude_accounts: BTreeSet<AccountId>,
    /// All of them must be there. Empty: no matter.
    pub include_tags: Tags,
    /// One of them suffices.
    pub exclude_tags: Tags,
}

impl Filter {
    /// Whether a decision needs the accounts' tags; each account's cost a call.
    pub fn needs_tags(&self) -> bool {
        !self.include_tags.is_empty() || !self.exclude_tags.is_empty()
    }

    /// How an account stands, and why if it is not wanted.
    pub fn decide(&self, account: &Account) -> Decision {
        if account.state != AccountState::Active {
            let reason = Some(format!("the account is {}", account.state.name()));
            return Decision { standing: Standing::Inactive, reason, certain: true };
        }
        let excluded =
            |why: String| Decision { standing: Standing::Excluded, reason: Some(why), certain: true };
        // Looking into an account could not be undone, so one of which we do not know enough is left out; and as we
        // do not know enough, nothing is taken away in it either.
        let not_known = |what: &str| Decision { certain: false, ..excluded(format!("{what} not known yet")) };
        let Some(path) = &account.path else { return not_known("its place in the organization is") };
        let within = |ous: &BTreeSet<OuId>| path.iter().find(|ou| ous.contains(*ou)).cloned();
        if self.exclude_accounts.contains(&account.id) {
            return excluded("listed in `organization.exclude_accounts`".to_owned());
        }
        if let Some(ou) = within(&self.exclude_ous) {
            return excluded(format!("below {ou}, which is in `organization.exclude_ous`"));
        }
        if !self.include_ous.is_empty() && within(&self.include_ous).is_none() {
            return excluded("below none of `organization.include_ous`".to_owned());
        }
        if self.needs_tags() {
            let Some(tags) = &account.tags else { return not_known("its tags are") };
            if let Some((key, value)) = self.exclude_tags.iter().find(|(k, v)| tags.get(*k) == Some(v)) {
                return excluded(format!("tagged {key}={value}, which is in `organization.exclude_tags`"));
            }
            if let Some((key, value)) = self.include_tags.iter().find(|(k, v)| tags.get(*k) != Some(v)) {
                return excluded(format!(
                    "not tagged {key}={value}, which `organization.include_tags` asks for"
                ));
            }
        }
        Decision { standing: Standing::Active, reason: None, certain: true }
    }
}

/// How an account stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// How.
    pub standing: Standing,
    /// Why, if it is not wanted.
    pub reason: Option<String>,
    /// Whether that follows from what we know, and not from what we do not know yet.
    pub certain: bool,
}

/// An account that we know, with what we remember of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// As last listed.
    pub account: Account,
    /// How it stands.
    pub standing: Standing,
    /// Why, if it is not wanted.
    pub reason: Option<String>,
    /// Whether that follows from what we know; else nothing is taken away for it.
    pub certain: bool,
    /// The latest of joined, first seen, moved into scope and became active: its grace counts from here.
    pub wanted_since: Timestamp,
}

impl Known {
    /// Since when it is wanted if it stands so from now on.
    fn wanted_since_with(&self, standing: Standing, now: Timestamp) -> Timestamp {
        if self.standing == Standing::Active || standing != Standing::Active {
            // Same standing as before: its grace goes on counting.
            self.wanted_since
        } else {
            // Moved into scope, or became active.
            now
        }
    }
}

/// How many complete listings must agree before a doubtful one is believed.
const AGREEING_LISTINGS: usize = 3;
/// Over how long they must agree.
const AGREEING_FOR: Duration = Duration::from_secs(15 * 60);

/// Everybody that we know of.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    known: BTreeMap<AccountId, Known>,
    /// Doubtful listings in a row: when, and who was in them.
    doubted: VecDeque<(Timestamp, BTreeSet<AccountId>)>,
    /// Why the latest listing was doubted.
    doubt: Option<String>,
    /// Accounts that left, with when we noticed.
    departed: BTreeMap<AccountId, Timestamp>,
}

impl Inventory {
    /// Every account that we know of, departed ones excepted.
    pub fn known(&self) -> &BTreeMap<AccountId, Known> {
        &self.known
    }

    /// Why the latest listing is doubted.
    pub fn doubt(&self) -> Option<&str> {
        self.doubt.as_deref()
    }

    /// Accounts that left the organization since the start.
    pub fn departed(&self) -> &BTreeMap<AccountId, Timestamp> {
        &self.departed
    }

    /// Takes a complete listing in. Additions and changes count at once; disappearances only if the listing can be
    /// believed, because a caller without rights may get an empty list instead of an error.
    pub fn take(&mut self, listing: Vec<Account>, filter: &Filter, central: &AccountId, now: Timestamp) {
        let listed: BTreeSet<AccountId> = listing.iter().map(|a| a.id.clone()).collect();
        self.doubt = self.why_doubt(&listed, central);
        let first_listing = self.known.is_empty();
        for mut account in listing {
            self.departed.remove(&account.id);
            let before = self.known.get(&account.id);
            if account.path.is_none() {
                account.path = before.and_then(|known| known.account.path.clone());
            }
            let Decision { standing, reason, certain } = filter.decide(&account);
            let wanted_since = match before {
                Some(known) => known.wanted_since_with(standing, now),
                // First seen. In the first listing of a process everybody is, so the date of joining counts alone.
                None if first_listing => account.joined_at.unwrap_or(now),
                None => now,
            };
            self.known.insert(account.id.clone(), Known { account, standing, reason, certain, wanted_since });
        }
        if self.doubt.is_some() && !self.agreed(&listed, now) {
            return;
        }
        self.doubt = None;
        self.doubted.clear();
        let gone: Vec<AccountId> = self.known.keys().filter(|id| !listed.contains(*id)).cloned().collect();
        for id in gone {
            self.known.remove(&id);
            self.departed.insert(id, now);
        }
    }

    /// Decides anew who is wanted, of those who were listed last.
    pub fn filter_anew(&mut self, filter: &Filter, now: Timestamp) {
        for known in self.known.values_mut() {
            let Decision { standing, reason, certain } = filter.decide(&known.account);
            known.wanted_since = known.wanted_since_with(standing, now);
            (known.standing, known.reason, known.certain) = (standing, reason, certain);
        }
    }

    /// Believes the latest listing, because a person does: how many accounts have departed with it. None when it is not
    /// doubted, or is empty, which no organization is.
    pub fn accept(&mut self, now: Timestamp) -> Option<usize> {
        self.doubt.as_ref()?;
        let (_, listed) = self.doubted.pop_back()?;
        self.doubt = None;
        self.doubted.clear();
        let gone: Vec<AccountId> = self.known.keys().filter(|id| !listed.contains(*id)).cloned().collect();
        for id in &gone {
            self.known.remove(id);
            self.departed.insert(id.clone(), now);
        }
        Some(gone.len())
    }

    fn why_doubt(&self, listed: &BTreeSet<AccountId>, central: &AccountId) -> Option<String> {
        if listed.is_empty() {
            return Some(
                "the listing is empty; check that the reader may list the organization's accounts".to_owned(),
            );
        }
        if !listed.contains(central) {
            return Some(format!("the central account {central} is missing from the listing"));
        }
        let missing = self.known.keys().filter(|id| !listed.contains(*id)).count();
        (missing > 10 && missing * 5 > self.known.len())
            .then(|| format!("{missing} of {} known accounts are missing from the listing", self.known.len()))
    }

    /// Whether this doubtful listing and the ones before it agree for long enough.
    fn agreed(&mut self, listed: &BTreeSet<AccountId>, now: Timestamp) -> bool {
        // An organization without accounts cannot be.
        if listed.is_empty() {
            return false;
        }
        if self.doubted.back().is_some_and(|(_, before)| before != listed) {
            self.doubted.clear();
        }
        self.doubted.push_back((now, listed.clone()));
        let first = self.doubted.front().map_or(now, |(at, _)| *at);
        let lasted = Duration::try_from(now.duration_since(first)).unwrap_or_default();
        self.doubted.len() >= AGREEING_LISTINGS && lasted >= AGREEING_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u64) -> AccountId {
        format!("{n:012}").parse().unwrap()
    }

    fn account(n: u64) -> Account {
        Account {
            id: id(n),
            name: format!("account {n}"),
            email: format!("a{n}@example.com"),
            state: AccountState::Active,
            path: Some(vec!["r-ab12".parse().unwrap()]),
            joined_at: Some("2020-01-01T00:00:00Z".parse().unwrap()),
            tags: None,
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    fn listing(n: std::ops::Range<u64>) -> Vec<Account> {
        n.map(account).collect()
    }

    fn inventory(n: u64) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.take(listing(0..n), &Filter::default(), &id(0), at(0));
        inventory
    }

    #[test]
    fn a_person_may_believe_a_listing_that_we_doubt_but_not_an_empty_one() {
        let mut inventory = inventory(30);
        assert_eq!(inventory.accept(at(1)), None, "nothing is doubted");
        inventory.take(Vec::new(), &Filter::default(), &id(0), at(1));
        assert_eq!(inventory.accept(at(2)), None);
        inventory.take(listing(0..10), &Filter::default(), &id(0), at(3));
        assert_eq!((inventory.known().len(), inventory.doubt().is_some()), (30, true));
        assert_eq!(inventory.accept(at(4)), Some(20));
        assert_eq!((inventory.known().len(), inventory.departed().len(), inventory.doubt()), (10, 20, None));
    }

    #[test]
    fn another_filter_counts_at_once_and_who_comes_into_scope_gets_grace() {
        let mut inventory = inventory(3);
        let without = Filter { exclude_accounts: BTreeSet::from([id(1)]), ..Filter::default() };
        inventory.filter_anew(&without, at(5));
        let standing = |inventory: &Inventory, n| inventory.known()[&id(n)].standing;
        assert_eq!(
            (standing(&inventory, 1), standing(&inventory, 2)),
            (Standing::Excluded, Standing::Active)
        );
        let joined = inventory.known()[&id(2)].wanted_since;
        inventory.filter_anew(&Filter::default(), at(6));
        assert_eq!(standing(&inventory, 1), Standing::Active);
        assert_eq!(
            (inventory.known()[&id(1)].wanted_since, inventory.known()[&id(2)].wanted_since),
            (at(6), joined)
        );
        // Tags that nobody has read yet are waited for.
        let tagged = Filter {
            exclude_tags: crate::model::call::Tags::from([("orgwatch".to_owned(), "off".to_owned())]),
            ..Filter::default()
        };
        inventory.filter_anew(&tagged, at(7));
        let known = &inventory.known()[&id(2)];
        assert_eq!((known.standing, known.certain), (Standing::Excluded, false));
    }

    #[test]
    fn an_empty_listing_removes_nobody_however_often_it_comes() {
        let mut inventory = inventory(30);
        for minute in 1..60 {
            inventory.take(Vec::new(), &Filter::default(), &id(0), at(minute));
        }
        assert_eq!(inventory.known().len(), 30);
        assert!(inventory.doubt().unwrap().contains("empty"));
    }

    #[test]
    fn a_listing_without_the_central_account_is_doubted() {
        let mut inventory = inventory(30);
        inventory.take(listing(1..30), &Filter::default(), &id(0), at(5));
        assert_eq!(inventory.known().len(), 30);
        assert!(inventory.doubt().unwrap().contains("central account"));
    }

    #[test]
    fn one_account_that_left_is_believed_at_once() {
        let mut inventory = inventory(30);
        inventory.take(listing(0..29), &Filter::default(), &id(0), at(5));
        assert_eq!(inventory.known().len(), 29);
        assert!(inventory.departed().contains_key(&id(29)));
    }

    #[test]
    fn a_great_loss_is_believed_only_when_three_listings_over_fifteen_minutes_agree() {
        let mut inventory = inventory(100);
        for minute in [5, 10, 15] {
            inventory.take(listing(0..50), &Filter::default(), &id(0), at(minute));
            assert_eq!(inventory.known().len(), 100, "after {minute} minutes");
        }
        inventory.take(listing(0..50), &Filter::default(), &id(0), at(20));
        assert_eq!(inventory.known().len(), 50);
        assert_eq!(inventory.doubt(), None);
    }

    #[test]
    fn listings_that_disagree_start_the_count_again() {
        let mut inventory = inventory(100);
        for (minute, n) in [(5, 50), (10, 51), (15, 50), (20, 51), (25, 50)] {
            inventory.take(listing(0..n), &Filter::default(), &id(0), at(minute));
        }
        assert_eq!(inventory.known().len(), 100);
    }

    #[test]
    fn additions_in_a_doubtful_listing_count() {
        let mut inventory = inventory(100);
        inventory.take(listing(70..120), &Filter::default(), &id(0), at(5));
        assert_eq!(inventory.known().len(), 120);
    }

    #[test]
    fn grace_counts_from_the_latest_of_joining_first_sight_and_moving_into_scope() {
        let mut inventory = inventory(30);
        assert_eq!(inventory.known()[&id(3)].wanted_since, "2020-01-01T00:00:00Z".parse().unwrap());
        inventory.take(listing(0..31), &Filter::default(), &id(0), at(5));
        assert_eq!(inventory.known()[&id(30)].wanted_since, at(5));
        let without_3 = Filter { exclude_accounts: BTreeSet::from([id(3)]), ..Filter::default() };
        inventory.take(listing(0..31), &without_3, &id(0), at(10));
        inventory.take(listing(0..31), &Filter::default(), &id(0), at(15));
        assert_eq!(inventory.known()[&id(3)].wanted_since, at(15));
    }

    #[test]
    fn filters_say_why_an_account_is_left_out() {
        let tagged = |key: &str, value: &str| Account {
            tags: Some(Tags::from([(key.to_owned(), value.to_owned())])),
            ..account(1)
        };
        let off = Filter {
            exclude_tags: Tags::from([("orgwatch".to_owned(), "off".to_owned())]),
            ..Filter::default()
        };
        assert_eq!(off.decide(&tagged("orgwatch", "off")).standing, Standing::Excluded);
        assert_eq!(off.decide(&tagged("orgwatch", "on")).standing, Standing::Active);
        // Not seen is not "not tagged".
        assert_eq!(off.decide(&account(1)).standing, Standing::Excluded);
        let ou = Filter { exclude_ous: BTreeSet::from(["r-ab12".parse().unwrap()]), ..Filter::default() };
        assert!(ou.decide(&account(1)).reason.unwrap().contains("r-ab12"));
        let elsewhere = Filter {
            include_ous: BTreeSet::from(["ou-ab12-cdefgh34".parse().unwrap()]),
            ..Filter::default()
        };
        assert_eq!(elsewhere.decide(&account(1)).standing, Standing::Excluded);
        let suspended = Account { state: AccountState::Other("SUSPENDED"), ..account(1) };
        assert_eq!(Filter::default().decide(&suspended).standing, Standing::Inactive);
    }

    #[test]
    fn what_is_not_known_of_an_account_leaves_it_out_and_takes_nothing_away() {
        let nowhere = Account { path: None, ..account(1) };
        let decision = Filter::default().decide(&nowhere);
        assert_eq!((decision.standing, decision.certain), (Standing::Excluded, false));
        let tagged =
            Filter { include_tags: Tags::from([("a".to_owned(), "b".to_owned())]), ..Filter::default() };
        assert!(!tagged.decide(&account(1)).certain);
        // A place that was known once is kept while the listing does not tell it.
        let mut inventory = inventory(30);
        let mut listed = listing(0..30);
        listed[7].path = None;
        inventory.take(listed, &Filter::default(), &id(0), at(5));
        assert_eq!(inventory.known()[&id(7)].standing, Standing::Active);
    }
}
