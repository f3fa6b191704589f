//! Who may be written: the central bus first, then the first accounts, then everybody.

use std::collections::BTreeSet;

use super::{Fleet, State};
use crate::model::ids::AccountId;
use crate::model::plan::Hold;
use crate::model::resource::{KEY_FIELD, Resource, Verdict};
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

/// Who may be a first account where nobody named them. Kept up with every pass, so that none looks through all members.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    /// Seen, and not stuck.
    usable: BTreeSet<TargetKey>,
    /// Not seen yet; without the central account's.
    unseen: BTreeSet<TargetKey>,
}

impl Fleet {
    /// Looks for the first accounts among these only.
    pub fn narrow(&mut self, accounts: BTreeSet<AccountId>) {
        self.narrowed = Some(accounts);
        self.count_candidates();
    }

    /// Finds the candidates anew, because targets changed.
    pub(super) fn count_candidates(&mut self) {
        self.candidates = Candidates::default();
        let members: Vec<TargetKey> = self.members().map(|(key, _)| key.clone()).collect();
        members.iter().for_each(|key| self.count_candidate(key));
    }

    /// Notes how a target stands now as a candidate.
    pub(super) fn count_candidate(&mut self, key: &TargetKey) {
        let able = key.side == Side::Member && self.is_among(key) && self.is_able(key);
        let view = view_of(self.states.get(key));
        let usable = able && view.is_some_and(|view| !is_stuck(view));
        let unseen = able && view.is_none() && !self.is_central(&key.account);
        for (is, among) in [(usable, &mut self.candidates.usable), (unseen, &mut self.candidates.unseen)] {
            if is {
                among.insert(key.clone());
            } else {
                among.remove(key);
            }
        }
    }

    /// Why a target is not written yet: bus and policy come first, then the first accounts.
    pub(super) fn not_yet(&mut self, target: &Target) -> Option<Hold> {
        let wait = |reason, message: &str| Some(Hold { reason, message: message.to_owned(), waits: true });
        match self.gate() {
            Gate::Open => None,
            // What stands beside the path waits for nobody.
            _ if target.key.side != Side::Member => None,
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
            _ if key.side != Side::Member => true,
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
        let first =
            if self.rules.first_accounts.is_empty() { self.default_first() } else { self.named_first() };
        let all_done = first.iter().all(|key| done(self.states.get(*key)));
        let accounts: BTreeSet<AccountId> = first.into_iter().map(|key| key.account.clone()).collect();
        // Whoever is seen next may be the first member; where all are stuck, waiting for one of them helps nobody.
        if self.lacks_a_member(&accounts) && !self.candidates.unseen.is_empty() {
            return Gate::First(accounts);
        }
        if all_done {
            self.first_done = (!accounts.is_empty()).then_some(self.generation);
            return Gate::Open;
        }
        Gate::First(accounts)
    }

    /// Whether the latest look at the central bus found it as desired. Whether it is encrypted already makes no difference to
    /// who may send to it, and may depend on somebody else.
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
                && view.resources.iter().any(|r| r.id.kind == "event_bus" && is_in_place(r))
        })
    }

    fn members(&self) -> impl Iterator<Item = (&TargetKey, Option<&State>)> {
        let among = |key: &&TargetKey| key.side == Side::Member && self.is_among(key);
        self.targets.keys().filter(among).map(|key| (key, self.states.get(key)))
    }

    /// The central account and the first other one that was seen; those that cannot be seen or must not be written
    /// pass their turn on, lest one broken account holds up all the others.
    fn default_first(&self) -> Vec<&TargetKey> {
        let usable = &self.candidates.usable;
        let of = |account: &AccountId| usable.range(TargetKey::all_of(Side::Member, account));
        let own = self.world.iter().flat_map(|world| of(&world.central));
        let other = usable.iter().find(|key| !self.is_central(&key.account));
        own.chain(other.into_iter().flat_map(|other| of(&other.account))).collect()
    }

    /// The targets of the accounts that the configuration names.
    fn named_first(&self) -> Vec<&TargetKey> {
        let of = |account| self.targets.range(TargetKey::all_of(Side::Member, account)).map(|(key, _)| key);
        self.rules.first_accounts.iter().flat_map(of).filter(|key| self.is_among(key)).collect()
    }

    /// Whether a command was not narrowed to others.
    fn is_among(&self, key: &TargetKey) -> bool {
        self.narrowed.as_ref().is_none_or(|accounts| accounts.contains(&key.account))
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
            && self.pause_of(&key.account).is_none()
    }
}

/// Whether a bus is as desired, but for its key.
fn is_in_place(bus: &Resource) -> bool {
    let only_its_key = || !bus.changes.is_empty() && bus.changes.iter().all(|c| c.path == KEY_FIELD);
    bus.verdict == Verdict::InSync || (bus.verdict == Verdict::Drifted && only_its_key())
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
