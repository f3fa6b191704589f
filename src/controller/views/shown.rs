//! What was shown last of each account, and which of it would be shown otherwise now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::controller::coverage::central::CentralHalf;
use crate::controller::fleet::Fleet;
use crate::model::ids::AccountId;
use crate::model::view::AccountView;

/// The accounts as shown last. Thousands stay as they are from one snapshot to the next, so only what has changed is put
/// together anew.
#[derive(Debug, Default)]
pub(super) struct Shown {
    accounts: BTreeMap<AccountId, Arc<AccountView>>,
    /// What all of them depend on: which accounts and targets there are, and how the central half stands.
    basis: Option<(u64, CentralHalf)>,
    /// Accounts that were given time when they were put together, by since when: it ends without anything happening.
    in_grace: BTreeSet<(Timestamp, AccountId)>,
}

impl Shown {
    /// The accounts that have to be put together anew.
    ///
    /// What an account is shown from changes with the fleet's revision, with the central half, with the end of its grace,
    /// or with the outcome of a pass, of which the fleet keeps note; whatever else it comes to depend on has to be told by
    /// [`Fleet::touch`].
    pub(super) fn due(
        &mut self,
        fleet: &mut Fleet,
        central: &CentralHalf,
        now: Timestamp,
    ) -> BTreeSet<AccountId> {
        let mut due = fleet.take_touched();
        let basis = Some((fleet.revision, central.clone()));
        if self.basis != basis {
            self.basis = basis;
            let known = fleet.inventory.known();
            due.extend(known.keys().chain(self.accounts.keys()).cloned());
            let in_grace = known.iter().filter(|(_, known)| fleet.in_grace_of(known, now));
            self.in_grace = in_grace.map(|(id, known)| (known.wanted_since, id.clone())).collect();
        }
        let is_over = |(since, _): &(Timestamp, AccountId)| !fleet.in_grace_since(*since, now);
        while self.in_grace.first().is_some_and(is_over) {
            due.extend(self.in_grace.pop_first().map(|(_, account)| account));
        }
        due
    }

    /// Shows an account as it stands now; none: no longer.
    pub(super) fn put(&mut self, account: AccountId, view: Option<AccountView>) {
        match view {
            Some(view) => drop(self.accounts.insert(account, Arc::new(view))),
            None => drop(self.accounts.remove(&account)),
        }
    }

    /// All accounts as they are shown.
    pub(super) fn accounts(&self) -> &BTreeMap<AccountId, Arc<AccountView>> {
        &self.accounts
    }
}

#[cfg(test)]
mod tests;
