//! Where there is something to do besides the targets that are wanted: Regions to be read, and what is left in others.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Fleet, State};
use crate::compliance::place::Place;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, Region};
use crate::model::resource::Resource;
use crate::model::target::{Side, TargetKey};
use crate::model::view::Standing;
use crate::world::{Target, Targets};

impl Fleet {
    /// Takes over where metric filters belong. What was known stays where nobody could look, and the same failure is told
    /// once.
    pub fn learn_place(&mut self, found: Option<Place>) {
        let keeps = match (&self.place, &found) {
            (Some(Place::Unread(before)), Some(Place::Unread(error))) => before.class == error.class,
            (Some(_), Some(Place::Unread(_))) => true,
            _ => false,
        };
        if !keeps {
            self.place = found;
        }
    }

    /// Whether a pass over this target is to read which Regions the account has enabled.
    ///
    /// The central account's are always of interest, as what is left of ours is found by them; members' only where a
    /// watch is for every Region.
    pub fn regions_due(&self, target: &Target, now: Timestamp) -> bool {
        let asks = match target.key.side {
            Side::Central => self.is_bus(target),
            Side::Member => target.roles_here && (self.rules.everywhere || self.rules.thorough),
            Side::Audit => false,
        };
        asks && self.regions.is_due(target.account(), now)
    }

    /// Takes over what the account's Regions are; what was known stays where they could not be read.
    pub fn learn_regions(
        &mut self,
        target: &Target,
        read: Result<BTreeSet<Region>, CloudError>,
        now: Timestamp,
        jitter: f64,
    ) {
        if self.regions.take(target.account(), read, now, jitter) {
            self.moved = true;
        }
    }

    /// The Regions in which a pass over this target is to search for what is left: each is asked once in a process.
    ///
    /// A dead-letter queue of ours says that we work in its Region, or did: it goes last. So the central account is
    /// searched for queues, and the members for rules only where there is one.
    pub fn to_search(&self, target: &Target) -> Vec<Region> {
        let account = target.account();
        let of_side = |side: Side| self.targets.range(TargetKey::all_of(side, account));
        let has = |side: Side| of_side(side).map(|(key, _)| key.region.clone()).collect::<BTreeSet<_>>();
        let enabled = || {
            let enabled = self.regions.enabled(account).into_iter().flatten();
            enabled.filter(|region| self.is_allowed(region)).cloned().collect::<BTreeSet<_>>()
        };
        match target.key.side {
            // As long as nobody knows where rules are wanted, no queue is left over.
            Side::Central if !self.is_bus(target) || self.somebodys_regions_are_unknown() => Vec::new(),
            Side::Central => self.regions.unsearched_central(&(&enabled() - &has(Side::Central))),
            Side::Audit => Vec::new(),
            Side::Member if !target.roles_here || target.leaving && !self.rules.teardown => Vec::new(),
            Side::Member => {
                // The central side comes first: every pass asks this, and must not walk through all members for it.
                let queues = self.targets.keys().take_while(|key| key.side == Side::Central);
                let mut where_we_work: BTreeSet<Region> = queues.map(|key| key.region.clone()).collect();
                where_we_work.retain(|region| self.is_allowed(region));
                if self.rules.thorough {
                    where_we_work.extend(enabled());
                }
                self.regions.unsearched(account, &(&where_we_work - &has(Side::Member)))
            }
        }
    }

    /// The target of the central bus, if a pass over it is to search for what is left.
    pub fn unsearched_bus(&self) -> Option<TargetKey> {
        let bus = self.targets.values().find(|target| self.is_bus(target))?;
        (!self.to_search(bus).is_empty()).then(|| bus.key.clone())
    }

    /// Takes over whether something of ours was found in a Region where nobody wants anything of this target's account.
    pub fn searched(&mut self, target: &Target, region: Region, found: bool) {
        let key = TargetKey { region, ..target.key.clone() };
        if self.targets.contains_key(&key) {
            return;
        }
        self.regions.searched(&key, found);
        self.moved |= found;
    }

    /// Whether a target is only looked into for what is left there.
    pub(super) fn is_left(&self, key: &TargetKey) -> bool {
        self.regions.left().contains(key)
    }

    /// What is no longer wanted is looked into as long as something of ours is there, if the account is still ours to
    /// look into; what is wanted again is left no longer.
    pub fn leave_behind(&mut self, wanted: &Targets) {
        let gone = self.targets.keys().filter(|key| !wanted.contains_key(*key));
        let gone: Vec<TargetKey> = gone.filter(|key| self.can_be_entered(key)).cloned().collect();
        gone.iter().for_each(|key| self.regions.leave(key));
        let left = self.regions.left().iter();
        let over: Vec<TargetKey> =
            left.filter(|key| wanted.contains_key(*key) || !self.can_be_entered(key)).cloned().collect();
        for key in over {
            self.regions.settle(&key);
        }
    }

    fn can_be_entered(&self, key: &TargetKey) -> bool {
        // A log group that is the trail's no longer is its owner's affair.
        if key.side == Side::Audit {
            return false;
        }
        let known = self.inventory.known().get(&key.account);
        let active = key.side == Side::Central || known.is_some_and(|k| k.standing == Standing::Active);
        let has = self.regions.enabled(&key.account).is_none_or(|enabled| enabled.contains(&key.region));
        active && has && self.is_allowed(&key.region)
    }

    /// Whether a dead-letter queue may still be needed by rules of ours in its Region, as far as anybody looked.
    pub(super) fn senders_left(&self, region: &Region) -> bool {
        let something = |state: Option<&State>| {
            let view = state.and_then(|state| state.view.as_ref());
            view.is_none_or(|view| view.error.is_some() || !view.resources.is_empty())
        };
        let members = || self.targets.iter().filter(|(key, _)| key.side == Side::Member);
        let there = BTreeSet::from([region.clone()]);
        let unsearched = |account: &AccountId| !self.regions.unsearched(account, &there).is_empty();
        self.somebodys_regions_are_unknown()
            || members().any(|(key, _)| key.region == *region && something(self.states.get(key)))
            || members().any(|(key, target)| {
                let here = TargetKey { region: region.clone(), ..key.clone() };
                target.roles_here && !self.targets.contains_key(&here) && unsearched(&key.account)
            })
    }

    /// Takes from the outcome of a pass what it says of its place.
    pub(super) fn learn_from(&mut self, key: &TargetKey, resources: &[Resource], error: Option<&CloudError>) {
        if error.is_none() && resources.is_empty() && self.regions.settle(key) {
            self.regions.searched(key, false);
            self.moved = true;
        }
        let home = self.world.as_ref().map(|world| world.partition.iam_events_region());
        let disabled = |error: &CloudError| match error.class {
            ErrorClass::RegionDisabled => true,
            // EventBridge answers so where the account has not enabled the Region.
            ErrorClass::Credentials => home.as_ref() != Some(&key.region),
            _ => false,
        };
        if resources.iter().filter_map(|r| r.error.as_deref()).chain(error).any(disabled) {
            self.regions.doubt(&key.account);
        }
    }

    /// Whether a watch is for every Region, and of some account nobody knows which ones it has.
    fn somebodys_regions_are_unknown(&self) -> bool {
        let members =
            self.targets.iter().filter(|(key, target)| key.side == Side::Member && target.roles_here);
        self.rules.everywhere
            && members.into_iter().any(|(key, _)| self.regions.enabled(&key.account).is_none())
    }

    fn is_allowed(&self, region: &Region) -> bool {
        self.rules.allowed.is_empty() || self.rules.allowed.contains(region)
    }

    fn is_bus(&self, target: &Target) -> bool {
        self.world.as_ref().is_some_and(|world| target.holds_bus(world))
    }
}
