//! What was in place long enough to have taken effect everywhere.

use std::time::Duration;

use jiff::Timestamp;

use super::Fleet;
use crate::model::ids::AccountId;
use crate::model::resource::{KindName, ResourceId};
use crate::model::target::{Side, TargetKey};
use crate::world::World;

impl Fleet {
    /// Whether another target of the same account was not seen in sync with the present state of affairs, or has not
    /// settled.
    pub(super) fn open_elsewhere(&self, key: &TargetKey, now: Timestamp) -> bool {
        let of_account = self.targets.range(TargetKey::all_of(key.side, &key.account));
        let others = of_account.map(|(other, _)| other).filter(|other| other.region != key.region);
        let in_sync = |other: &TargetKey| {
            self.states.get(other).is_some_and(|s| s.in_sync_with == Some(self.generation))
                && self.is_settled(other, now)
        };
        others.into_iter().any(|other| !in_sync(other))
    }

    /// Whether all that is in place in a target was so for the settle time, and nothing was written there within it.
    pub(super) fn is_settled(&self, key: &TargetKey, now: Timestamp) -> bool {
        let settle = self.rules.settle;
        self.states.get(key).is_some_and(|state| {
            let wrote = state.last_change_at.map(|at| Duration::try_from(now.duration_since(at)));
            let in_place = || state.memory.values().filter(|remembered| remembered.in_place_since.is_some());
            wrote.is_none_or(|age| age.is_ok_and(|age| age >= settle))
                && in_place().all(|remembered| remembered.is_settled(settle, now))
        })
    }

    /// Whether what carries an account's events on, its forwarding role and the policy of the central bus, was in place for
    /// the settle time.
    pub(super) fn path_settled(&self, world: &World, account: &AccountId, now: Timestamp) -> bool {
        let settled = |key: &TargetKey, kind: KindName, name: &str| {
            let id = ResourceId { kind, name: name.to_owned() };
            let state = self.states.get(key);
            state
                .and_then(|state| state.memory.get(&id))
                .is_some_and(|one| one.is_settled(self.rules.settle, now))
        };
        let mut of_account = self.targets.range(TargetKey::all_of(Side::Member, account));
        let central = TargetKey {
            side: Side::Central,
            account: world.central.clone(),
            region: world.central_region.clone(),
        };
        of_account.any(|(key, target)| {
            target.roles_here && settled(key, "forwarding_role", &world.forwarder.role_name)
        }) && settled(&central, "event_bus", world.bus())
    }
}
