//! What people hold back and let go: pauses of a part of the organization, and releases of single holds.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Fleet;
use crate::kinds::key::KEY_NOT_VERIFIED;
use crate::kinds::topic::WAITING_FOR_CONFIRMATION;
use crate::limits::{CHANGED_ACCOUNTS_LIMIT, DELETION_LIMIT};
use crate::model::ids::AccountId;
use crate::model::plan::Hold;
use crate::model::resource::ResourceId;
use crate::model::scope::{Pause, Scope};
use crate::model::target::TargetKey;

/// Somebody has paused writing here.
pub const PAUSED: &str = "Paused";

/// What a person may let go; what else is held needs another configuration, other credentials or a look at the data.
const RELEASABLE: [&str; 4] =
    [CHANGED_ACCOUNTS_LIMIT, DELETION_LIMIT, WAITING_FOR_CONFIRMATION, KEY_NOT_VERIFIED];
/// A release that was not used by then is forgotten: who gave it knew the state of that hour.
const RELEASE_LASTS: SignedDuration = SignedDuration::from_hours(1);

/// Why a hold is not released.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRefused {
    /// Nothing of this id is held.
    #[error("no hold `{0}` is open; GET /api/v1/holds lists those that are")]
    NoSuchHold(String),
    /// It is held for a reason that nobody can wave aside.
    #[error("a hold for {0} cannot be released: {1}")]
    NotReleasable(&'static str, String),
}

/// The name of what is held for a reason, for as long as it is: such as can stand in a path.
pub(in crate::controller) fn hold_id(reason: &str, resource: &ResourceId) -> String {
    let named = format!("{reason}-{resource}");
    named.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect()
}

/// Whether a person may let go what is held for this reason.
pub(in crate::controller) fn is_releasable(reason: &str) -> bool {
    RELEASABLE.contains(&reason)
}

impl Fleet {
    /// Pauses that are in force, in the order of their scopes.
    pub fn pauses(&self) -> impl Iterator<Item = &Pause> {
        self.pauses.values()
    }

    /// Begins a pause, in place of one of the same scope.
    pub fn pause(&mut self, scope: Scope, pause: Pause) {
        self.pauses.insert(scope, pause);
        self.pauses_changed();
    }

    /// Ends a pause; none if there was none of this scope.
    pub fn resume(&mut self, scope: &Scope) -> Option<Pause> {
        let pause = self.pauses.remove(scope);
        self.pauses_changed();
        pause
    }

    /// Ends the pauses whose time is over.
    pub fn expire_pauses(&mut self, now: Timestamp) -> Vec<Scope> {
        let over = |pause: &Pause| pause.until.is_some_and(|until| until <= now);
        let expired: Vec<Scope> =
            self.pauses.iter().filter(|(_, pause)| over(pause)).map(|(scope, _)| scope.clone()).collect();
        for scope in &expired {
            self.resume(scope);
        }
        expired
    }

    /// Who may be first, and what is shown, depend on who is paused.
    fn pauses_changed(&mut self) {
        self.count_candidates();
        self.revision += 1;
    }

    /// The pause that concerns an account, the narrowest first.
    pub fn pause_of(&self, account: &AccountId) -> Option<&Pause> {
        if self.pauses.is_empty() {
            return None;
        }
        let units =
            self.inventory.known().get(account).map(|known| known.account.units()).unwrap_or_default();
        let mut narrow_first = [Scope::Account(account.clone())]
            .into_iter()
            .chain(units.iter().rev().map(|unit| Scope::Ou(unit.clone())))
            .chain([Scope::All]);
        narrow_first.find_map(|scope| self.pauses.get(&scope))
    }

    /// The targets that a scope is about.
    pub fn in_scope(&self, scope: &Scope) -> Vec<TargetKey> {
        let within = |key: &&TargetKey| match scope {
            Scope::All => true,
            Scope::Account(account) => key.account == *account,
            Scope::Ou(ou) => self
                .inventory
                .known()
                .get(&key.account)
                .is_some_and(|known| known.account.units().contains(ou)),
        };
        self.targets.keys().filter(within).cloned().collect()
    }

    /// Why nothing is written in an account at the moment, if a person has paused it.
    pub(super) fn paused(&self, account: &AccountId, now: Timestamp) -> Option<Hold> {
        let pause = self.pause_of(account).filter(|pause| pause.until.is_none_or(|until| until > now))?;
        let until = pause.until.map(|until| format!(" until {until}")).unwrap_or_default();
        Some(Hold {
            reason: PAUSED,
            message: format!(
                "{} has paused {}{until}: {}; `orgwatch resume {}` lets it go on",
                pause.by, pause.scope, pause.reason, pause.scope
            ),
            waits: false,
        })
    }

    /// Lets go what is held under an id, as it is planned now; answers whose turn it is.
    pub fn release(&mut self, id: &str, now: Timestamp) -> Result<Vec<TargetKey>, ReleaseRefused> {
        let mut let_go = Vec::new();
        for (key, view) in self.states.iter().filter_map(|(key, state)| Some((key, state.view.as_ref()?))) {
            for change in &view.plan.changes {
                let Some(hold) = change.hold.as_ref().filter(|hold| !hold.waits) else { continue };
                if hold_id(hold.reason, &change.resource) != id {
                    continue;
                }
                if !is_releasable(hold.reason) {
                    return Err(ReleaseRefused::NotReleasable(hold.reason, hold.message.clone()));
                }
                let_go.push((key.clone(), change.resource.clone(), hold.reason));
            }
        }
        if let_go.is_empty() {
            return Err(ReleaseRefused::NoSuchHold(id.chars().take(80).collect()));
        }
        let mut keys: Vec<TargetKey> = let_go.iter().map(|(key, ..)| key.clone()).collect();
        keys.dedup();
        for (key, resource, reason) in let_go {
            self.released.entry(key).or_default().insert(resource, (reason, now));
        }
        Ok(keys)
    }

    /// What was released in a target and may still be used.
    pub(super) fn released_in(
        &mut self,
        key: &TargetKey,
        now: Timestamp,
    ) -> BTreeSet<(ResourceId, &'static str)> {
        let Some(released) = self.released.get_mut(key) else { return BTreeSet::new() };
        released.retain(|_, (_, at)| now.duration_since(*at) < RELEASE_LASTS);
        released.iter().map(|(resource, (reason, _))| (resource.clone(), *reason)).collect()
    }

    /// Forgets releases of what is no longer planned: the next change of the same resource is another one.
    pub(super) fn forget_releases(&mut self, key: &TargetKey, planned: &BTreeSet<ResourceId>) {
        if let Some(released) = self.released.get_mut(key) {
            released.retain(|resource, _| planned.contains(resource));
            if released.is_empty() {
                self.released.remove(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controller::fleet::simulation::Simulation;
    use crate::judge::OWNERSHIP_REMOVED;
    use crate::model::resource::Verdict;
    use crate::model::target::Side;
    use crate::world::fixture;

    fn member(n: u64) -> TargetKey {
        fixture::key(Side::Member, fixture::member_id(n))
    }

    fn spoil(simulation: &mut Simulation) {
        for (place, thing) in &mut simulation.aws.things {
            if place.2 == "sender_rule" {
                thing.spec["state"] = serde_json::json!("DISABLED");
            }
        }
    }

    fn pause(simulation: &Simulation, scope: &Scope, minutes: Option<i64>) -> Pause {
        Pause {
            scope: scope.to_string(),
            since: simulation.now,
            until: minutes.map(|minutes| simulation.now + SignedDuration::from_mins(minutes)),
            reason: "a migration".to_owned(),
            by: "oncall".to_owned(),
        }
    }

    fn reasons(simulation: &Simulation, key: &TargetKey) -> Vec<&'static str> {
        let view = simulation.fleet.states[key].view.as_ref().unwrap();
        view.plan.changes.iter().filter_map(|c| c.hold.as_ref()).map(|hold| hold.reason).collect()
    }

    #[test]
    fn where_somebody_has_paused_nothing_is_written_until_it_is_resumed() {
        let (one, other) = (member(1), member(2));
        for (scope, other_too) in [(Scope::All, true), (Scope::Account(one.account.clone()), false)] {
            let mut simulation = Simulation::installed(&fixture::settings(""));
            spoil(&mut simulation);
            let begins = pause(&simulation, &scope, None);
            simulation.fleet.pause(scope.clone(), begins.clone());
            let made = simulation.made.len();
            simulation.pass(&one);
            assert_eq!((simulation.made.len(), reasons(&simulation, &one)), (made, vec![PAUSED]));
            simulation.pass(&other);
            assert_eq!(simulation.made.len() == made, other_too, "{scope}");
            assert!(simulation.fleet.in_scope(&scope).contains(&one));
            assert_eq!(simulation.fleet.in_scope(&scope).contains(&other), other_too);
            assert_eq!(simulation.fleet.resume(&scope), Some(begins));
            assert_eq!(simulation.fleet.resume(&scope), None);
            let made = simulation.made.len();
            simulation.pass(&one);
            assert!(simulation.made.len() > made && reasons(&simulation, &one).is_empty());
        }
    }

    #[test]
    fn a_pause_ends_when_its_time_is_over() {
        let mut simulation = Simulation::installed(&fixture::settings(""));
        spoil(&mut simulation);
        let begins = pause(&simulation, &Scope::All, Some(60));
        simulation.fleet.pause(Scope::All, begins);
        simulation.pass(&member(1));
        assert_eq!(reasons(&simulation, &member(1)), [PAUSED]);
        assert!(simulation.fleet.expire_pauses(simulation.now).is_empty());
        simulation.now += SignedDuration::from_mins(60);
        assert_eq!(simulation.fleet.expire_pauses(simulation.now), [Scope::All]);
        simulation.pass(&member(1));
        assert!(reasons(&simulation, &member(1)).is_empty());
    }

    #[test]
    fn what_is_held_for_another_reason_than_a_limit_is_not_released() {
        let mut simulation = Simulation::installed(&fixture::settings(""));
        spoil(&mut simulation);
        let begins = pause(&simulation, &Scope::All, None);
        simulation.fleet.pause(Scope::All, begins);
        simulation.pass(&member(1));
        let view = simulation.fleet.states[&member(1)].view.as_ref().unwrap();
        let change = view.plan.changes.iter().find(|change| change.hold.is_some()).unwrap();
        let id = hold_id(PAUSED, &change.resource);
        assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{id}");
        let refused = simulation.fleet.release(&id, simulation.now).unwrap_err();
        assert!(matches!(refused, ReleaseRefused::NotReleasable(PAUSED, _)), "{refused}");
        let refused = simulation.fleet.release("DeletionLimit-x", simulation.now).unwrap_err();
        assert_eq!(refused, ReleaseRefused::NoSuchHold("DeletionLimit-x".to_owned()));
    }

    #[test]
    fn what_a_former_process_saw_as_ours_is_not_taken_for_somebody_elses() {
        let before = Simulation::installed(&fixture::settings(""));
        let owned = before.fleet.owned_in(&member(1));
        assert!(owned.iter().any(|id| id.kind == "sender_rule"));
        for remembers in [false, true] {
            let mut simulation = before_again(&before).restarted(&fixture::settings(""));
            for (place, thing) in &mut simulation.aws.things {
                if place.2 == "sender_rule" {
                    thing.tags.clear();
                    thing.spec["description"] = serde_json::json!("");
                }
            }
            if remembers {
                simulation.fleet.remember_owned(&member(1), owned.clone());
            }
            simulation.pass(&member(1));
            let view = simulation.fleet.states[&member(1)].view.as_ref().unwrap();
            let rule = view.resources.iter().find(|r| r.id.kind == "sender_rule").unwrap();
            let expected = if remembers {
                (Verdict::Drifted, Some(OWNERSHIP_REMOVED))
            } else {
                (Verdict::Foreign, Some(crate::judge::NAME_TAKEN))
            };
            assert_eq!((rule.verdict, rule.reason), expected);
        }
    }

    fn before_again(simulation: &Simulation) -> Simulation {
        Simulation::start(&fixture::settings(""), simulation.aws.clone(), simulation.now)
    }
}
