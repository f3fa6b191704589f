//! The fleet working on a small AWS in memory, pass by pass, as the controller does it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Decided, Fleet, Rules};
use crate::config::Settings;
use crate::kinds::KINDS;
use crate::kinds::model::Aws;
use crate::limits::{ChangedAccounts, Limits};
use crate::model::resource::{ResourceId, Verdict};
use crate::model::target::TargetKey;
use crate::world::fixture;

pub(super) const MEMBERS: u64 = 2;

pub(super) fn rules() -> Rules {
    Rules {
        settle: Duration::from_secs(60),
        grace: Duration::from_secs(1800),
        limits: Limits {
            window: Duration::from_secs(3600),
            deletions: None,
            changed_accounts: ChangedAccounts::Off,
        },
        first_accounts: std::collections::BTreeSet::new(),
        prune: false,
        enforces: true,
        organization_given: true,
        teardown: false,
        delete_data: false,
        everywhere: false,
        allowed: std::collections::BTreeSet::new(),
        thorough: false,
    }
}

#[derive(Debug)]
pub(super) struct Simulation {
    pub(super) fleet: Fleet,
    pub(super) aws: Aws,
    pub(super) now: Timestamp,
    /// How many calls may still be made before the process is cut off.
    pub(super) calls_left: usize,
    /// Whether no working path may be lost on the way.
    pub(super) careful: bool,
    /// Every call that was made.
    pub(super) made: Vec<(TargetKey, ResourceId, &'static str)>,
    /// What AWS would not do.
    pub(super) refused: Vec<String>,
}

impl Simulation {
    /// A process that has just started, and sees `aws`.
    pub(super) fn start(settings: &Settings, aws: Aws, now: Timestamp) -> Self {
        let mut fleet = Fleet::new(rules());
        fleet.set(fixture::world(settings), fixture::targets(settings, MEMBERS));
        Self {
            fleet,
            aws,
            now,
            calls_left: usize::MAX,
            careful: false,
            made: Vec::new(),
            refused: Vec::new(),
        }
    }

    /// The same after everything was installed and everybody has confirmed.
    pub(super) fn installed(settings: &Settings) -> Self {
        let mut simulation = Self::start(settings, Aws::default(), fixture::at(0));
        simulation.settle(|keys| keys);
        simulation.aws.confirm_all();
        simulation.settle(|keys| keys);
        assert_eq!(simulation.out_of_sync(), Vec::<String>::new());
        assert_eq!(simulation.refused, Vec::<String>::new());
        simulation
    }

    /// The process ends and another one starts with these settings.
    pub(super) fn restarted(self, settings: &Settings) -> Self {
        Self::start(settings, self.aws, self.now)
    }

    pub(super) fn keys(&self) -> Vec<TargetKey> {
        self.fleet.targets.keys().cloned().collect()
    }

    /// One pass over one target.
    pub(super) fn pass(&mut self, key: &TargetKey) {
        self.now += SignedDuration::from_secs(1);
        let begun = self.fleet.begin(key).unwrap();
        let (world, target) = (begun.world.clone(), begun.target.clone());
        let look =
            |(index, scope): &(usize, _)| (*index, self.aws.look(KINDS[*index], &world, &target, scope));
        let sights: Vec<_> = begun.scopes.iter().map(look).collect();
        let Decided { judged, plan } = self.fleet.decide(&begun, &sights, true, self.now);
        let due: Vec<_> = plan.due().filter(|_| target.enforce).cloned().collect();
        'plan: for change in due {
            for call in &change.calls {
                if self.calls_left == 0 {
                    return;
                }
                self.calls_left -= 1;
                let working = self.paths();
                if let Err(refusal) = self.aws.apply(&world, &target, call) {
                    // Whatever stood on this call is left to the next pass.
                    self.refused.push(format!("{refusal}: {call:?} in {key}"));
                    break 'plan;
                }
                if self.careful {
                    let still = self.paths();
                    let lost: Vec<_> = working.iter().filter(|path| !still.contains(path)).collect();
                    assert!(lost.is_empty(), "{call:?} in {key} broke {lost:?}");
                }
                self.made.push((key.clone(), change.resource.clone(), call.operation()));
                let seen = judged.iter().find(|j| j.resource.id == change.resource);
                let seen = seen.and_then(|j| j.seen.clone());
                self.fleet.wrote(key, &change.resource, seen, call, self.now);
            }
            self.fleet.repaired(key, &change.resource, change.action, self.now);
        }
        let resources = judged.into_iter().map(|j| j.resource).collect();
        self.fleet.finish(&begun, resources, plan, None, self.now);
    }

    /// Passes over all targets in this order, until three rounds changed nothing.
    pub(super) fn settle(&mut self, order: impl Fn(Vec<TargetKey>) -> Vec<TargetKey>) {
        let mut quiet = 0;
        for _ in 0..30 {
            let keys = order(self.keys());
            let before = self.made.len() + self.refused.len();
            keys.iter().for_each(|key| self.pass(key));
            quiet = if self.made.len() + self.refused.len() == before { quiet + 1 } else { 0 };
            if quiet == 3 || self.calls_left == 0 {
                return;
            }
            self.now += SignedDuration::from_secs(61);
        }
        panic!("no end of changes: {:#?}", self.made);
    }

    /// The paths that work, with the account in which each begins.
    fn paths(&self) -> Vec<(String, String)> {
        let world = self.fleet.world.as_ref().unwrap();
        let accounts: std::collections::BTreeSet<_> = self.fleet.targets.keys().map(|k| &k.account).collect();
        let of = |account| self.aws.paths(world, account).into_iter().map(move |p| (account.to_string(), p));
        accounts.into_iter().flat_map(of).collect()
    }

    /// Accounts from which every watch gets to people.
    pub(super) fn covered(&self) -> usize {
        let accounts: std::collections::BTreeSet<_> =
            self.paths().into_iter().map(|(account, _)| account).collect();
        accounts.len()
    }

    /// What was last seen and is not as desired.
    pub(super) fn out_of_sync(&self) -> Vec<String> {
        let views = self.fleet.states.values().filter_map(|state| state.view.as_ref());
        views
            .flat_map(|v| v.resources.iter().map(move |r| (&v.target, r)))
            .filter(|(_, r)| !matches!(r.verdict, Verdict::InSync | Verdict::Orphan))
            .map(|(key, r)| format!("{key}: {} {:?} {:?} {:?}", r.id, r.verdict, r.reason, r.changes))
            .collect()
    }
}
