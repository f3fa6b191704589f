//! The trails of accounts: who is to be asked, and what that comes to.

use std::time::Duration;

use jiff::Timestamp;

use super::Fleet;
use crate::model::error::CloudError;
use crate::model::ids::AccountId;
use crate::model::target::{Side, TargetKey};
use crate::trail::{Need, Presence, Reading, Trails};
use crate::world::Target;

impl Fleet {
    /// Looks for each account's trails once in so long from now on; none: not at all.
    pub fn look_for_trails(&mut self, every: Option<Duration>) {
        match (every, &mut self.trails) {
            (Some(every), Some(trails)) => trails.set_interval(every),
            (every, trails) => *trails = every.map(Trails::new),
        }
    }

    /// What a pass over this target is to look for among the account's trails, if it is time for it.
    pub fn trail_due(&mut self, target: &Target, now: Timestamp, jitter: f64) -> Option<Need> {
        if target.key.side != Side::Member || !target.roles_here || target.leaving {
            return None;
        }
        let need = self.trail_need(target.account())?;
        let accounts = self.inventory.known().len();
        let waits = self.somebody_waits;
        let due = self.trails.as_mut()?.is_due(target.account(), accounts, waits, now, jitter);
        due.then_some(need)
    }

    /// Takes over what was read of an account's trails.
    pub fn learn_trails(
        &mut self,
        target: &Target,
        read: Result<Vec<Reading>, CloudError>,
        now: Timestamp,
        jitter: f64,
    ) {
        let account = target.account();
        let in_grace = self.in_grace(&target.key, now);
        let Some(trails) = self.trails.as_mut() else { return };
        if trails.take(account, read, in_grace, now, jitter) {
            // What one account could read of the organization's trail, all others are answered with.
            self.revision += 1;
        }
        self.touch(account);
    }

    /// Whether a trail logs what the account's watches wait for; none where nobody asks.
    pub fn trail_of(&self, account: &AccountId, now: Timestamp) -> Option<Presence> {
        let trails = self.trails.as_ref()?;
        let need = self.trail_need(account)?;
        Some(trails.presence(account, &need, now))
    }

    fn trail_need(&self, account: &AccountId) -> Option<Need> {
        let targets =
            || self.targets.range(TargetKey::all_of(Side::Member, account)).map(|(_, target)| target);
        let home = targets().find(|target| target.roles_here)?;
        let watches = targets()
            .flat_map(|target| target.watches.iter().map(move |watch| (target.region(), watch.as_ref())));
        Need::of(home.region(), watches)
    }
}
