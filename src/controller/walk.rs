//! Walks over targets for commands that begin and end: plan, apply, status, teardown.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Controller;
use super::pass::PassOutcome;
use crate::model::error::ErrorClass;
use crate::model::ids::{AccountId, OuId};
use crate::model::resource::Verdict;
use crate::model::target::{Side, TargetKey};

/// How a command walks.
#[derive(Debug, Default)]
pub struct WalkOptions {
    /// Only these accounts; empty: all.
    pub accounts: Vec<AccountId>,
    /// Only accounts below these; empty: all.
    pub ous: Vec<OuId>,
    /// Change at most this many accounts.
    pub limit: Option<usize>,
    /// Begin with no further account when so many failed.
    pub max_failures: usize,
}

impl WalkOptions {
    /// Whether it leaves somebody out.
    fn narrows(&self) -> bool {
        !self.accounts.is_empty() || !self.ous.is_empty() || self.limit.is_some()
    }
}

/// How long after the last progress a command still waits for writes to show, beyond the settle time.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before the first look at what was written; it doubles as long as nothing happens.
const PAUSE: Duration = Duration::from_millis(250);
/// How many accounts are tried, one after the other, for a first one that can be seen.
const FIRST_TRIES: usize = 5;
/// The longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

impl Controller {
    /// Looks at every target once, and writes nothing: at the central side, then at the first accounts, then at all
    /// others, so that what is said to wait for whom does not depend on who answers first. Tells each target once.
    pub async fn look_at_all(&self, stop: &CancellationToken, tell: &mut (dyn FnMut(&PassOutcome) + Send)) {
        let mut told = BTreeSet::new();
        let mut tell = |outcome: PassOutcome| {
            if told.insert(outcome.target.clone()) {
                tell(&outcome);
            }
        };
        self.fleet().somebody_waits = true;
        let mut seen: BTreeSet<TargetKey> = BTreeSet::new();
        let central: Vec<_> = self.keys().into_iter().filter(|key| key.side == Side::Central).collect();
        self.look_round(central, &mut seen, stop, &mut tell).await;
        // A few tries: where one account after the other cannot be seen, it is the same for all.
        for _ in 0..FIRST_TRIES {
            let first = self.fleet().first_unseen();
            if first.is_empty() || stop.is_cancelled() {
                break;
            }
            self.look_round(first.clone(), &mut seen, stop, &mut tell).await;
            // Once more, now that their turn has come.
            let may = self.fleet().may_go(&first);
            self.round(may, false, stop, &mut tell).await;
        }
        // What an account's Regions are, and where something is left, is known only after a look at it.
        let mut again = true;
        loop {
            let rest: Vec<_> = self.keys().into_iter().filter(|key| !seen.contains(key)).collect();
            // Once more, as only now it may be known where rules are wanted; what cannot be searched then stays so.
            let search = self.fleet().unsearched_bus().filter(|_| again);
            if (rest.is_empty() && search.is_none()) || stop.is_cancelled() {
                break;
            }
            // The central side in a round of its own: members are searched where it has a queue.
            let (central, members): (Vec<_>, Vec<_>) =
                rest.into_iter().partition(|key| key.side == Side::Central);
            let next = if central.is_empty() && members.is_empty() {
                again = false;
                search.into_iter().collect()
            } else if central.is_empty() {
                members
            } else {
                central
            };
            self.look_round(next, &mut seen, stop, &mut tell).await;
        }
    }

    /// Looks at the central side and at one account, and writes nothing.
    pub async fn look_into(&self, account: &AccountId, stop: &CancellationToken) {
        let mut seen = BTreeSet::new();
        let central: Vec<_> = self.keys().into_iter().filter(|key| key.side == Side::Central).collect();
        self.look_round(central, &mut seen, stop, &mut |_| ()).await;
        // What its Regions are is known only after a first look at it.
        loop {
            let all = self.keys().into_iter();
            let rest: Vec<_> = all
                .filter(|key| key.side != Side::Central && key.account == *account && !seen.contains(key))
                .collect();
            if rest.is_empty() || stop.is_cancelled() {
                return;
            }
            self.look_round(rest, &mut seen, stop, &mut |_| ()).await;
        }
    }

    /// Looks at these targets, and derives anew what targets there are.
    async fn look_round(
        &self,
        keys: Vec<TargetKey>,
        seen: &mut BTreeSet<TargetKey>,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(PassOutcome) + Send),
    ) {
        seen.extend(keys.iter().cloned());
        self.round(keys, false, stop, tell).await;
        self.aim_again();
    }

    /// The targets that a command is narrowed to, in order.
    pub fn chosen(&self, options: &WalkOptions) -> Vec<TargetKey> {
        let fleet = self.fleet();
        let all = options.accounts.is_empty() && options.ous.is_empty();
        let wanted = |key: &&TargetKey| {
            let path =
                || fleet.inventory.known().get(&key.account).map(|k| k.account.units()).unwrap_or_default();
            all || options.accounts.contains(&key.account) || path().iter().any(|ou| options.ous.contains(ou))
        };
        fleet.targets.keys().filter(wanted).cloned().collect()
    }

    /// Makes the planned changes of `keys`: the central side, then the first accounts, then all others, each until
    /// it was seen as desired or nothing more happens. Tells every pass and keeps none, for there are many.
    pub async fn carry_out(
        &self,
        keys: Vec<TargetKey>,
        options: &WalkOptions,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&PassOutcome) + Send),
    ) {
        let (central, members): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| key.side == Side::Central);
        let teardown = self.fleet().rules.teardown;
        // What is left of the central side goes after what is left of the members.
        let (left, central): (Vec<_>, Vec<_>) = {
            let fleet = self.fleet();
            central.into_iter().partition(|key| !teardown && fleet.regions.left().contains(key))
        };
        let phases = if teardown { [members, central, left] } else { [central, members, left] };
        for phase in phases {
            // Without its senders the bus may go; while some are left or cannot be seen it stays, and a second run
            // goes on.
            let bus_goes = teardown && phase.iter().any(|key| key.side == Side::Central);
            if bus_goes && self.members_left() {
                break;
            }
            self.until_done(phase, options, stop, tell).await;
        }
    }

    /// Whether a member still has something of ours, or could not be seen.
    fn members_left(&self) -> bool {
        let fleet = self.fleet();
        let members = fleet.targets.keys().filter(|key| key.side == Side::Member);
        let view = |key: &TargetKey| fleet.states.get(key).and_then(|state| state.view.clone());
        members.map(view).any(|view| view.is_none_or(|v| v.error.is_some() || !v.resources.is_empty()))
    }

    async fn until_done(
        &self,
        keys: Vec<TargetKey>,
        options: &WalkOptions,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(&PassOutcome) + Send),
    ) {
        let patience = self.settings().reconcile.settle_time + PATIENCE;
        let mut open: BTreeSet<TargetKey> = self.limited(keys, options).into_iter().collect();
        // Who is not worked on here must not be waited for.
        if options.narrows() {
            self.fleet().narrow(open.iter().map(|key| key.account.clone()).collect());
        }
        let mut failed: BTreeSet<AccountId> = BTreeSet::new();
        // Too many failures end the walk within a round, not after it.
        let halt = stop.child_token();
        let mut last_progress = Instant::now();
        let mut pause = PAUSE;
        while !open.is_empty() && !halt.is_cancelled() {
            // When nobody's turn has come, nothing that happens in this phase lets it come.
            let ready = self.fleet().may_go(&open.iter().cloned().collect::<Vec<_>>());
            if ready.is_empty() {
                break;
            }
            let before = open.len();
            let mut wrote = false;
            self.round(ready, true, &halt, &mut |outcome| {
                tell(&outcome);
                // What AWS refuses time and again is no progress: a command ends some time.
                wrote |= outcome.written.iter().any(|w| w.outcome.is_ok());
                if goes_on(&outcome) {
                    return;
                }
                open.remove(&outcome.target);
                if troubled(&outcome) {
                    failed.insert(outcome.target.account);
                    if failed.len() >= options.max_failures.max(1) {
                        halt.cancel();
                    }
                }
            })
            .await;
            if wrote {
                pause = PAUSE;
            }
            if wrote || open.len() < before {
                last_progress = Instant::now();
            }
            if last_progress.elapsed() > patience {
                break;
            }
            if !open.is_empty() {
                tokio::select! {
                    () = halt.cancelled() => {}
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// At most so many accounts as the command may change.
    fn limited(&self, keys: Vec<TargetKey>, options: &WalkOptions) -> Vec<TargetKey> {
        let Some(limit) = options.limit else { return keys };
        let mut accounts: BTreeSet<AccountId> = BTreeSet::new();
        keys.into_iter()
            .filter(|key| {
                let room = accounts.len() < limit || accounts.contains(&key.account);
                key.side != Side::Member
                    || (room && {
                        accounts.insert(key.account.clone());
                        true
                    })
            })
            .collect()
    }

    /// One pass over each, so many at once as are configured; `each` takes them as they end.
    async fn round(
        &self,
        keys: Vec<TargetKey>,
        write: bool,
        stop: &CancellationToken,
        each: &mut (dyn FnMut(PassOutcome) + Send),
    ) {
        let passes = keys.into_iter().map(|key| async move {
            if stop.is_cancelled() {
                return None;
            }
            self.pass(&key, write, stop).await
        });
        let mut passes =
            futures::stream::iter(passes).buffer_unordered(self.settings().reconcile.concurrency);
        while let Some(ended) = passes.next().await {
            ended.into_iter().for_each(&mut *each);
        }
    }
}

/// Whether something could not be seen or written.
fn troubled(outcome: &PassOutcome) -> bool {
    outcome.error.is_some() || outcome.written.iter().any(|w| w.outcome.is_err())
}

/// Whether another look at this target may bring it further.
fn goes_on(outcome: &PassOutcome) -> bool {
    let passing = |class: ErrorClass| {
        matches!(
            class,
            ErrorClass::Throttled | ErrorClass::NotReady | ErrorClass::Conflict | ErrorClass::NotFound
        )
    };
    let errors = outcome.error.iter().chain(outcome.written.iter().filter_map(|w| w.outcome.as_ref().err()));
    let classes: Vec<ErrorClass> = errors.map(|e| e.class).collect();
    if !classes.is_empty() {
        return classes.iter().all(|class| passing(*class));
    }
    !outcome.written.is_empty()
        || outcome.plan.changes.iter().any(|c| c.hold.as_ref().is_some_and(|h| h.waits))
        || outcome.resources.iter().any(|r| r.verdict == Verdict::Pending)
}

#[cfg(test)]
mod tests;
