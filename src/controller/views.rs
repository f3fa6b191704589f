//! Puts together what is shown.

use std::collections::{BTreeMap, BTreeSet};
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

/// Since when things are as they are, and how the walks over all targets go.
#[derive(Debug, Default)]
pub struct Chronicle {
    /// By what it is about: its state, and since when.
    since: BTreeMap<String, (String, Timestamp)>,
    /// The walk that is under way: when it began, and who is still to come.
    walk: Option<(Timestamp, BTreeSet<TargetKey>)>,
    /// The latest complete walk.
    last_resync: Option<ResyncView>,
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
        let mut views: BTreeMap<&AccountId, Vec<Arc<TargetView>>> = BTreeMap::new();
        let mut counts: BTreeMap<&AccountId, usize> = BTreeMap::new();
        for key in fleet.targets.keys().filter(|key| key.side == Side::Member) {
            *counts.entry(&key.account).or_default() += 1;
            if let Some(view) = fleet.states.get(key).and_then(|state| state.view.clone()) {
                views.entry(&key.account).or_default().push(view);
            }
        }
        let account = |(id, known): (&AccountId, &Known)| {
            let targets = views.get(id).cloned().unwrap_or_default();
            let count = counts.get(id).copied().unwrap_or(0);
            let view =
                self.account_view(&fleet, &mut chronicle, known, targets, count, &central_coverage, now);
            (id.clone(), Arc::new(view))
        };
        let accounts = fleet.inventory.known().iter().map(account).collect();
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

    #[expect(clippy::too_many_arguments, reason = "the parts of one view, put together in one place")]
    fn account_view(
        &self,
        fleet: &Fleet,
        chronicle: &mut Chronicle,
        known: &Known,
        targets: Vec<Arc<TargetView>>,
        count: usize,
        central: &Judgement,
        now: Timestamp,
    ) -> AccountView {
        let account = &known.account;
        let views: Vec<&TargetView> = targets.iter().map(AsRef::as_ref).collect();
        let management = fleet.organization.as_ref().is_some_and(|(_, management)| *management == account.id);
        let first = fleet.targets.range(member_keys(&account.id)).next();
        let facts = Facts {
            standing: known.standing,
            standing_reason: known.reason.as_deref(),
            no_management_role: management && self.settings.organization.management_role_arn.is_none(),
            watched: first.is_some_and(|(_, target)| target.watched),
            targets: count,
            views: &views,
            in_grace: fleet.in_grace_of(known, now),
            enforce: first.is_some_and(|(_, target)| target.enforce),
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

/// From the first to past the last key of an account's member targets.
fn member_keys(account: &AccountId) -> std::ops::RangeInclusive<TargetKey> {
    #[expect(clippy::expect_used, reason = "two constants that are Region codes")]
    let region = |code: &str| code.parse().expect("a Region code");
    // Every Region code begins with a letter, so these two stand around all of them.
    let key = |code| TargetKey { side: Side::Member, account: account.clone(), region: region(code) };
    key("0-0-0")..=key("zzzz-zzzz-9")
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
            let since = chronicle.since(format!("hold {id}"), "held", now);
            let entry = holds.entry(id.clone()).or_insert_with(|| HoldView {
                id,
                reason: hold.reason,
                message: hold.message.clone(),
                accounts: Vec::new(),
                changes: 0,
                since,
            });
            entry.changes += 1;
            if !entry.accounts.contains(&key.account) {
                entry.accounts.push(key.account.clone());
            }
        }
    }
    // A hold that lapsed begins anew when it comes back.
    chronicle.since.retain(|what, _| what.strip_prefix("hold ").is_none_or(|id| holds.contains_key(id)));
    holds.into_values().collect()
}

#[cfg(test)]
mod tests;
