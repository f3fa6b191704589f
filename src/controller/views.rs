//! Puts together what is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::{Arc, PoisonError};

use jiff::Timestamp;

use super::Controller;
use super::coverage::{self, Facts, Judgement};
use super::fleet::Fleet;
use crate::config::{Mode, Settings};
use crate::inventory::Known;
use crate::model::ids::AccountId;
use crate::model::resource::Verdict;
use crate::model::target::{Side, TargetKey};
use crate::model::view::{
    AccountView, CentralView, Condition, Coverage, DiscoveryView, HoldView, ResyncView, Snapshot, Standing,
    TargetView,
};
use crate::world::Target;

/// Since when things are as they are, and how the walks over all targets go.
#[derive(Debug, Default)]
pub struct Chronicle {
    /// By what it is about: its state, and since when.
    since: BTreeMap<String, (String, Timestamp)>,
    /// Since when each hold is there.
    held: BTreeMap<String, Timestamp>,
    /// What was shown last of each account; it is shown again until something changes.
    shown: BTreeMap<AccountId, Shown>,
    /// The walk that is under way: when it began, and who is still to come.
    walk: Option<(Timestamp, BTreeSet<TargetKey>)>,
    /// The latest complete walk.
    last_resync: Option<ResyncView>,
}

/// An account as shown, and what that was made from.
#[derive(Debug)]
struct Shown {
    revision: u64,
    central: Judgement,
    in_grace: bool,
    view: Arc<AccountView>,
}

/// What an account is shown from, besides what only a change of accounts and targets changes.
struct Sources<'a> {
    known: &'a Known,
    targets: Vec<&'a Arc<Target>>,
    views: Vec<Arc<TargetView>>,
    in_grace: bool,
}

impl Shown {
    /// Whether the account would be shown the same now.
    fn still_holds(&self, revision: u64, central: &Judgement, sources: &Sources<'_>) -> bool {
        let same = |(before, now): (&Arc<TargetView>, &Arc<TargetView>)| Arc::ptr_eq(before, now);
        self.revision == revision
            && self.in_grace == sources.in_grace
            && self.view.targets.len() == sources.views.len()
            && self.view.targets.iter().zip(&sources.views).all(same)
            && self.central == *central
    }
}

impl Chronicle {
    /// Since when `what` is in `state`; from `now` on if it was in another.
    fn since(&mut self, what: String, state: &str, now: Timestamp) -> Timestamp {
        let entry = self.since.entry(what).or_insert_with(|| (state.to_owned(), now));
        if entry.0 != state {
            *entry = (state.to_owned(), now);
        }
        entry.1
    }

    /// Notes that a target was looked at, from `began` to `finished_at`; `all` are the targets of a walk.
    pub(super) fn observed(
        &mut self,
        key: &TargetKey,
        began: Timestamp,
        finished_at: Timestamp,
        all: impl FnOnce() -> BTreeSet<TargetKey>,
    ) {
        let (started_at, left) = self.walk.get_or_insert_with(|| (began, all()));
        left.remove(key);
        if left.is_empty() {
            let duration_seconds = finished_at.duration_since(*started_at).as_secs_f64();
            self.last_resync = Some(ResyncView { started_at: *started_at, finished_at, duration_seconds });
            self.walk = None;
        }
    }

    /// Begins the count anew, because the targets changed.
    pub(super) fn retarget(&mut self, all: &BTreeSet<TargetKey>) {
        if let Some((_, left)) = &mut self.walk {
            left.retain(|key| all.contains(key));
        }
    }
}

impl Snapshot {
    /// What is shown before anything was looked at.
    pub fn before_anything(settings: &Settings, now: Timestamp) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            installation: settings.installation.to_string(),
            mode: mode(settings.reconcile.mode),
            generation: 0,
            organization_id: settings.organization.id.clone(),
            wrong_place: None,
            discovery: DiscoveryView::default(),
            accounts: BTreeMap::new(),
            central: CentralView {
                account: settings.central.account_id.clone(),
                region: settings.central_region(),
                verdict: Verdict::Pending,
                conditions: Vec::new(),
                targets: Vec::new(),
                observed_at: None,
            },
            holds: Vec::new(),
            last_resync: None,
            taken_at: now,
            started_at: now,
        }
    }
}

fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Observe => "observe",
        Mode::Enforce => "enforce",
    }
}

impl Controller {
    /// The latest outcomes of these targets, in their order.
    pub fn views(&self, keys: &[TargetKey]) -> Vec<Arc<TargetView>> {
        let fleet = self.fleet();
        keys.iter().filter_map(|key| fleet.states.get(key)?.view.clone()).collect()
    }

    /// How everything stands now.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.clock.now();
        let fleet = self.fleet();
        let mut chronicle = self.chronicle.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = &self.settings;
        let (central, central_coverage) = self.central_view(&fleet, &mut chronicle, now);
        // All three are in the order of the accounts, so one walk over them suffices.
        let mut targets = fleet.targets.iter().filter(|(key, _)| key.side == Side::Member).peekable();
        let mut states = fleet.states.iter().filter(|(key, _)| key.side == Side::Member).peekable();
        let mut before = std::mem::take(&mut chronicle.shown);
        let mut account = |(id, known): (&AccountId, &Known)| {
            let sources = Sources {
                known,
                targets: take_of(&mut targets, id),
                views: take_of(&mut states, id).into_iter().filter_map(|state| state.view.clone()).collect(),
                in_grace: fleet.in_grace_of(known, now),
            };
            let holds = |shown: &Shown| shown.still_holds(fleet.revision, &central_coverage, &sources);
            let shown = before.remove(id).filter(holds).unwrap_or_else(|| Shown {
                revision: fleet.revision,
                central: central_coverage.clone(),
                in_grace: sources.in_grace,
                view: Arc::new(self.account_view(&fleet, &mut chronicle, sources, &central_coverage, now)),
            });
            (id.clone(), shown)
        };
        let shown: BTreeMap<AccountId, Shown> = fleet.inventory.known().iter().map(&mut account).collect();
        let accounts = shown.iter().map(|(id, shown)| (id.clone(), Arc::clone(&shown.view))).collect();
        chronicle.shown = shown;
        let holds = holds(&fleet, &mut chronicle, now);
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            installation: settings.installation.to_string(),
            mode: mode(settings.reconcile.mode),
            generation: fleet.generation,
            organization_id: fleet.organization.as_ref().map(|(id, _)| id.clone()),
            wrong_place: fleet.wrong_place.clone().or_else(|| fleet.wrong_bus.clone()),
            discovery: fleet.discovery.clone(),
            accounts,
            central,
            holds,
            last_resync: chronicle.last_resync.clone(),
            taken_at: now,
            started_at: self.started_at,
        }
    }

    fn central_view(
        &self,
        fleet: &Fleet,
        chronicle: &mut Chronicle,
        now: Timestamp,
    ) -> (CentralView, Judgement) {
        let keys: Vec<_> = fleet.targets.iter().filter(|(key, _)| key.side == Side::Central).collect();
        let targets: Vec<Arc<TargetView>> = keys
            .iter()
            .filter_map(|(key, _)| fleet.states.get(*key).and_then(|state| state.view.clone()))
            .collect();
        let views: Vec<&TargetView> = targets.iter().map(AsRef::as_ref).collect();
        let facts = Facts {
            standing: Standing::Active,
            standing_reason: None,
            no_management_role: false,
            watched: true,
            targets: keys.len().max(1),
            views: &views,
            in_grace: false,
            enforce: keys.iter().all(|(_, target)| target.enforce),
        };
        let alerts = fleet.world.as_ref().map_or(0, |world| world.alerts.len());
        let judgement = coverage::of_central(&facts, alerts);
        let settings = &self.settings;
        let view = CentralView {
            account: settings.central.account_id.clone(),
            region: settings.central_region(),
            verdict: worst(&targets, keys.len().max(1)),
            conditions: conditions(chronicle, "central", &targets, &judgement, now),
            observed_at: targets.iter().map(|t| t.observed_at).min(),
            targets,
        };
        (view, judgement)
    }

    fn account_view(
        &self,
        fleet: &Fleet,
        chronicle: &mut Chronicle,
        sources: Sources<'_>,
        central: &Judgement,
        now: Timestamp,
    ) -> AccountView {
        let Sources { known, targets: wanted, views: targets, in_grace } = sources;
        let account = &known.account;
        let count = wanted.len();
        let views: Vec<&TargetView> = targets.iter().map(AsRef::as_ref).collect();
        let management = fleet.organization.as_ref().is_some_and(|(_, management)| *management == account.id);
        let first = wanted.first();
        let facts = Facts {
            standing: known.standing,
            standing_reason: known.reason.as_deref(),
            no_management_role: management && self.settings.organization.management_role_arn.is_none(),
            watched: first.is_some_and(|target| target.watched),
            targets: count,
            views: &views,
            in_grace,
            enforce: first.is_some_and(|target| target.enforce),
        };
        let judgement = coverage::of_account(&facts, central);
        let state = format!("{}/{}", judgement.coverage.label(), judgement.reason);
        let path =
            std::iter::once(fleet.organization.as_ref().map(|(id, _)| id.to_string()).unwrap_or_default())
                .chain(account.units().iter().map(ToString::to_string))
                .map(|part| part + "/")
                .collect();
        AccountView {
            id: account.id.clone(),
            name: account.name.clone(),
            email: account.email.clone(),
            path,
            state: account.state.name().to_owned(),
            standing: known.standing,
            standing_reason: known.reason.clone(),
            verdict: if judgement.coverage == Coverage::Pending && judgement.reason == "NotReady" {
                Verdict::Pending
            } else {
                worst(&targets, count)
            },
            coverage: judgement.coverage,
            coverage_reason: judgement.reason,
            coverage_since: chronicle.since(format!("coverage {}", account.id), &state, now),
            conditions: conditions(chronicle, account.id.as_str(), &targets, &judgement, now),
            coverage_message: judgement.message,
            observed_at: targets.iter().map(|t| t.observed_at).min(),
            last_change_at: targets.iter().filter_map(|t| t.last_change_at).max(),
            targets,
        }
    }
}

/// Takes what is of this account off the front of what is in the order of accounts, and what is of those before it.
fn take_of<'a, T>(
    rest: &mut Peekable<impl Iterator<Item = (&'a TargetKey, &'a T)>>,
    account: &AccountId,
) -> Vec<&'a T> {
    while rest.next_if(|(key, _)| key.account < *account).is_some() {}
    std::iter::from_fn(|| rest.next_if(|(key, _)| key.account == *account)).map(|(_, one)| one).collect()
}

/// The worst verdict of an account: what cannot be seen at all is unknown, what was not looked at is pending.
fn worst(targets: &[Arc<TargetView>], count: usize) -> Verdict {
    let of_target = |view: &Arc<TargetView>| {
        let resources = view.resources.iter().map(|r| r.verdict).max().unwrap_or(Verdict::InSync);
        if view.error.is_some() { resources.max(Verdict::Unknown) } else { resources }
    };
    let seen = targets.iter().map(of_target).max().unwrap_or(Verdict::InSync);
    if targets.len() < count { seen.max(Verdict::Pending) } else { seen }
}

fn conditions(
    chronicle: &mut Chronicle,
    of: &str,
    targets: &[Arc<TargetView>],
    judgement: &Judgement,
    now: Timestamp,
) -> Vec<Condition> {
    let error = targets.iter().find_map(|t| t.error.as_ref());
    let reachable = match error {
        _ if targets.is_empty() => ("Unknown", "NotObserved", "not looked at yet".to_owned()),
        Some(error) => ("False", error.class.reason(), error.to_string()),
        None => ("True", "Reached", "every Region could be looked into".to_owned()),
    };
    let synced = match worst(targets, 1) {
        _ if targets.is_empty() => ("Unknown", "NotObserved", "not looked at yet".to_owned()),
        Verdict::InSync | Verdict::Orphan => ("True", "InSync", "observed as desired".to_owned()),
        Verdict::Unknown | Verdict::Pending => {
            ("Unknown", "NotSeen", "not everything could be seen".to_owned())
        }
        Verdict::Drifted => ("False", "Drifted", "something differs from what is desired".to_owned()),
        Verdict::Foreign => {
            ("False", crate::judge::NAME_TAKEN, "something stands at our name that is not ours".to_owned())
        }
    };
    let deliverable = match judgement.coverage {
        Coverage::Proven | Coverage::Configured => "True",
        Coverage::Broken | Coverage::Uncovered => "False",
        Coverage::Pending | Coverage::Unknown => "Unknown",
    };
    let deliverable = (deliverable, judgement.reason, judgement.message.clone());
    [("Reachable", reachable), ("Synced", synced), ("Deliverable", deliverable)]
        .into_iter()
        .map(|(kind, (status, reason, message))| Condition {
            kind,
            status,
            reason,
            message,
            last_transition: chronicle.since(format!("{kind} {of}"), status, now),
        })
        .collect()
}

fn holds(fleet: &Fleet, chronicle: &mut Chronicle, now: Timestamp) -> Vec<HoldView> {
    let mut holds: BTreeMap<String, HoldView> = BTreeMap::new();
    for (key, view) in fleet.states.iter().filter_map(|(key, state)| Some((key, state.view.as_ref()?))) {
        for change in &view.plan.changes {
            let Some(hold) = change.hold.as_ref().filter(|hold| !hold.waits) else { continue };
            // Unclaimed characters keep the id usable in a path.
            let id: String = format!("{}-{}", hold.reason, change.resource)
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
                .collect();
            let since = *chronicle.held.entry(id.clone()).or_insert(now);
            let entry = holds.entry(id.clone()).or_insert_with(|| HoldView {
                id,
                reason: hold.reason,
                message: hold.message.clone(),
                accounts: Vec::new(),
                changes: 0,
                since,
            });
            entry.changes += 1;
            // In the order of the keys an account's stand together, but for the central one's, which are first as well.
            if ![entry.accounts.first(), entry.accounts.last()].contains(&Some(&key.account)) {
                entry.accounts.push(key.account.clone());
            }
        }
    }
    // A hold that lapsed begins anew when it comes back.
    chronicle.held.retain(|id, _| holds.contains_key(id));
    holds.into_values().collect()
}

#[cfg(test)]
mod tests;
