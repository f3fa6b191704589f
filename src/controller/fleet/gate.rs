//! Who may be written: the central bus first, then the first accounts, then everybody.

use std::collections::BTreeSet;

use super::{Fleet, State};
use crate::model::ids::AccountId;
use crate::model::plan::Hold;
use crate::model::resource::{Resource, Verdict};
use crate::model::target::{Side, TargetKey};
use crate::model::view::TargetView;
use crate::world::Target;

/// Members wait until the central bus was seen in place.
pub const WAITING_FOR_CENTRAL: &str = "WaitingForCentral";
/// The other members wait for the first ones.
pub const WAITING_FOR_FIRST_ACCOUNTS: &str = "WaitingForFirstAccounts";

/// Who may be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    /// Everybody.
    Open,
    /// The central side alone: bus and policy come first.
    Bus,
    /// The central side and these accounts.
    First(BTreeSet<AccountId>),
}

impl Fleet {
    /// Looks for the first accounts among these only.
    pub fn narrow(&mut self, accounts: BTreeSet<AccountId>) {
        self.narrowed = Some(accounts);
    }

    /// Why a target is not written yet: bus and policy come first, then the first accounts.
    pub(super) fn not_yet(&mut self, target: &Target) -> Option<Hold> {
        let wait = |reason, message: &str| Some(Hold { reason, message: message.to_owned(), waits: true });
        match self.gate() {
            Gate::Open => None,
            _ if target.key.side == Side::Central => None,
            Gate::Bus => wait(
                WAITING_FOR_CENTRAL,
                "members are written only after the central bus and its policy were seen in place",
            ),
            Gate::First(accounts) if accounts.contains(&target.key.account) => None,
            Gate::First(_) => wait(
                WAITING_FOR_FIRST_ACCOUNTS,
                "a new configuration goes to the first accounts first, and on when these were seen in sync",
            ),
        }
    }

    /// As long as it is open who the first accounts are: whom to look at next to find one.
    pub fn first_unseen(&mut self) -> Vec<TargetKey> {
        if !matches!(self.gate(), Gate::First(first) if self.lacks_a_member(&first)) {
            return Vec::new();
        }
        let central = self.world.as_ref().map(|world| &world.central);
        let unseen = || self.members().filter(|(key, state)| self.is_able(key) && view_of(*state).is_none());
        let other = unseen().map(|(key, _)| &key.account).find(|account| Some(*account) != central);
        let next = unseen()
            .map(|(key, _)| key)
            .filter(|key| Some(&key.account) == central || Some(&key.account) == other);
        next.cloned().collect()
    }

    /// Of these targets the ones whose turn has come.
    pub fn may_go(&mut self, keys: &[TargetKey]) -> Vec<TargetKey> {
        let gate = self.gate();
        let may = |key: &&TargetKey| match &gate {
            Gate::Open => true,
            _ if key.side == Side::Central => true,
            Gate::Bus => false,
            Gate::First(accounts) => accounts.contains(&key.account),
        };
        keys.iter().filter(may).cloned().collect()
    }

    /// The targets that waited for something that has happened since.
    pub fn take_waiting(&mut self) -> Vec<TargetKey> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let waiting: Vec<TargetKey> = self.waiting.iter().cloned().collect();
        let may = self.may_go(&waiting);
        for key in &may {
            self.waiting.remove(key);
        }
        may
    }

    /// Who may be written.
    pub(super) fn gate(&mut self) -> Gate {
        if self.rules.teardown {
            return Gate::Open;
        }
        if !self.bus_in_sync() {
            return Gate::Bus;
        }
        if self.first_done == Some(self.generation) {
            return Gate::Open;
        }
        let done = |state: Option<&State>| state.is_some_and(|s| s.in_sync_with == Some(self.generation));
        let first: Vec<(&TargetKey, Option<&State>)> = if self.rules.first_accounts.is_empty() {
            self.default_first()
        } else {
            self.members().filter(|(key, _)| self.rules.first_accounts.contains(&key.account)).collect()
        };
        let all_done = first.iter().all(|(_, state)| done(*state));
        let accounts: BTreeSet<AccountId> = first.into_iter().map(|(key, _)| key.account.clone()).collect();
        // Whoever is seen next may be the first member; where all are stuck, waiting for one of them helps nobody.
        let unseen = |(key, state): (&TargetKey, Option<&State>)| {
            self.is_able(key) && !self.is_central(&key.account) && view_of(state).is_none()
        };
        if self.lacks_a_member(&accounts) && self.members().any(unseen) {
            return Gate::First(accounts);
        }
        if all_done {
            self.first_done = (!accounts.is_empty()).then_some(self.generation);
            return Gate::Open;
        }
        Gate::First(accounts)
    }

    /// Whether the latest look at the central bus found it as desired.
    pub fn bus_in_sync(&self) -> bool {
        let Some(world) = &self.world else { return false };
        let key = TargetKey {
            side: Side::Central,
            account: world.central.clone(),
            region: world.central_region.clone(),
        };
        let view = self.states.get(&key).and_then(|state| state.view.as_ref());
        view.is_some_and(|view| {
            view.error.is_none()
                && view.observed_generation == self.generation
                && view.resources.iter().any(|r| r.id.kind == "event_bus" && r.verdict == Verdict::InSync)
        })
    }

    fn members(&self) -> impl Iterator<Item = (&TargetKey, Option<&State>)> {
        let among = |key: &&TargetKey| {
            key.side == Side::Member
                && self.narrowed.as_ref().is_none_or(|accounts| accounts.contains(&key.account))
        };
        self.targets.keys().filter(among).map(|key| (key, self.states.get(key)))
    }

    /// The central account and the first other one that was seen; those that cannot be seen or must not be written
    /// pass their turn on, lest one broken account holds up all the others.
    fn default_first(&self) -> Vec<(&TargetKey, Option<&State>)> {
        let central = self.world.as_ref().map(|world| &world.central);
        let usable = self
            .members()
            .filter(|(key, state)| self.is_able(key) && view_of(*state).is_some_and(|view| !is_stuck(view)));
        let (mut own, mut other): (Vec<_>, Vec<_>) =
            usable.partition(|(key, _)| Some(&key.account) == central);
        let first = other.first().map(|(key, _)| key.account.clone());
        other.retain(|(key, _)| Some(&key.account) == first.as_ref());
        own.append(&mut other);
        own
    }

    /// Whether these first accounts, where nobody named them, are the central one at most.
    fn lacks_a_member(&self, first: &BTreeSet<AccountId>) -> bool {
        self.rules.first_accounts.is_empty() && first.iter().all(|account| self.is_central(account))
    }

    fn is_central(&self, account: &AccountId) -> bool {
        self.world.as_ref().is_some_and(|world| world.central == *account)
    }

    /// Whether a target may be written at all, and is not one that is being left, where nothing new is tried.
    fn is_able(&self, key: &TargetKey) -> bool {
        self.targets.get(key).is_some_and(|target| target.enforce && !target.leaving)
    }
}

fn view_of(state: Option<&State>) -> Option<&TargetView> {
    state?.view.as_deref()
}

/// Whether a target cannot be seen, or holds what may not be written, so that waiting for it may take for ever.
fn is_stuck(view: &TargetView) -> bool {
    let hopeless = |r: &Resource| {
        r.error.is_some()
            || r.verdict == Verdict::Foreign
            || (r.verdict == Verdict::Drifted && !view.plan.changes.iter().any(|c| c.resource == r.id))
    };
    view.error.is_some() || view.resources.iter().any(hopeless)
}
