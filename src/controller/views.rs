//! Puts together what is shown.

mod holds;
mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError};

use jiff::{SignedDuration, Timestamp};
use litemap::LiteMap;

use self::holds::holds;
use self::shown::Shown;
use super::Controller;
use super::canary::Proof;
use super::coverage::central::{CentralHalf, Figures, Part, alerts_of};
use super::coverage::{self, Facts, Judgement};
use super::fleet::Fleet;
use crate::config::{Mode, Settings};
use crate::inventory::Known;
use crate::model::ids::AccountId;
use crate::model::resource::Verdict;
use crate::model::scope::Pause;
use crate::model::target::{Side, TargetKey};
use crate::model::view::{
    AccountView, CentralView, Condition, Coverage, DiscoveryView, HistoryView, InboxView, LatencyView,
    ResyncView, Snapshot, Standing, TargetView, Totals,
};
use crate::trail::{self, Presence};
use crate::world::Target;

/// What a state is about: an account, or the central half, and which aspect of it.
type Aspect = (Option<AccountId>, &'static str);
/// The states of all aspects of one of them, each since when. A handful.
type States = LiteMap<&'static str, (State, Timestamp)>;
/// A state and its reason, as constants.
type State = (&'static str, &'static str);

/// Since when things are as they are, and how the walks over all targets go.
#[derive(Debug, Default)]
pub struct Chronicle {
    since: BTreeMap<Option<AccountId>, States>,
    /// Since when each hold is there.
    held: BTreeMap<String, Timestamp>,
    shown: Shown,
    /// Sets of alerts that accounts share.
    alert_sets: Vec<Arc<BTreeSet<String>>>,
    /// The walk that is under way: when it began, and who is still to come.
    walk: Option<(Timestamp, BTreeSet<TargetKey>)>,
    /// The latest complete walk.
    last_resync: Option<ResyncView>,
}

/// What an account is shown from, besides what only a change of accounts and targets changes.
struct Sources<'a> {
    known: &'a Known,
    targets: Vec<&'a Arc<Target>>,
    views: Vec<Arc<TargetView>>,
    in_grace: bool,
}

impl<'a> Sources<'a> {
    fn of(fleet: &'a Fleet, known: &'a Known, now: Timestamp) -> Self {
        let keys = || TargetKey::all_of(Side::Member, &known.account.id);
        Self {
            known,
            targets: fleet.targets.range(keys()).map(|(_, target)| target).collect(),
            views: fleet.states.range(keys()).filter_map(|(_, state)| state.view.clone()).collect(),
            in_grace: fleet.in_grace_of(known, now),
        }
    }
}

impl Chronicle {
    /// Since when `what` is in `state`; from `now` on if it was in another.
    fn since(&mut self, (whose, aspect): Aspect, state: State, now: Timestamp) -> Timestamp {
        let entry = self.since.entry(whose).or_default().entry(aspect).or_insert((state, now));
        if entry.0 != state {
            *entry = (state, now);
        }
        entry.1
    }

    /// The set of these alerts, shared with the other accounts that have the same.
    fn shared_set(&mut self, alerts: &BTreeSet<&str>) -> Arc<BTreeSet<String>> {
        let same = |set: &&Arc<BTreeSet<String>>| set.iter().map(String::as_str).eq(alerts.iter().copied());
        if let Some(set) = self.alert_sets.iter().find(same) {
            return Arc::clone(set);
        }
        let set: Arc<BTreeSet<String>> = Arc::new(alerts.iter().map(|alert| (*alert).to_owned()).collect());
        // Sets that nobody has any more go first; there are never more than the accounts have.
        self.alert_sets.retain(|set| Arc::strong_count(set) > 1);
        self.alert_sets.push(Arc::clone(&set));
        set
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
            units: Arc::default(),
            central: CentralView {
                account: settings.central.account_id.clone(),
                region: settings.central_region(),
                verdict: Verdict::Pending,
                conditions: Vec::new(),
                targets: Vec::new(),
                beside: Vec::new(),
                observed_at: None,
            },
            holds: Vec::new(),
            inbox: InboxView::default(),
            suppressed: Vec::new(),
            deliveries: Vec::new(),
            latency: LatencyView::default(),
            canaries: Vec::new(),
            canary_rules: None,
            last_resync: None,
            pauses: Vec::new(),
            history: HistoryView::default(),
            dead_letters: None,
            totals: Totals::default(),
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

    /// How everything stands now. Puts together what has changed since the last time, and shares the rest with it.
    pub fn snapshot(&self) -> Snapshot {
        let now = self.clock.now();
        let mut fleet = self.fleet();
        let mut chronicle = self.chronicle.lock().unwrap_or_else(PoisonError::into_inner);
        let settings = &self.settings();
        let (central, central_coverage) = self.central_view(&fleet, &mut chronicle, now);
        for id in chronicle.shown.due(&mut fleet, &central_coverage, now) {
            let sources = fleet.inventory.known().get(&id).map(|known| Sources::of(&fleet, known, now));
            let view = sources
                .map(|sources| self.account_view(&fleet, &mut chronicle, sources, &central_coverage, now));
            if view.is_none() {
                chronicle.since.remove(&Some(id.clone()));
            }
            chronicle.shown.put(id, view);
        }
        let holds = holds(&fleet, &mut chronicle, now);
        let (mut inbox, latency) = {
            let heard = self.heard();
            (heard.view.clone(), heard.latency)
        };
        let repaired = central.targets.iter().filter_map(|target| target.last_change_at).max();
        if let Some(since) = self.deliveries().inbox_fails(repaired) {
            inbox.message.get_or_insert_with(|| {
                format!(
                    "since {since:.0} EventBridge can put nothing into the inbox, as CloudWatch counts it: tampering is \
                     found by the timer alone, and canaries cannot return; look at what orgwatch does not keep there, such \
                     as the queue's key"
                )
            });
        }
        Snapshot {
            version: env!("CARGO_PKG_VERSION"),
            installation: settings.installation.to_string(),
            mode: mode(settings.reconcile.mode),
            generation: fleet.generation,
            organization_id: fleet.organization.as_ref().map(|(id, _)| id.clone()),
            wrong_place: fleet.wrong_place.clone().or_else(|| fleet.wrong_bus.clone()),
            discovery: fleet.discovery.clone(),
            accounts: chronicle.shown.accounts().clone(),
            units: self.units().names(),
            central,
            holds,
            inbox,
            suppressed: self.suppressed(now),
            deliveries: self.deliveries().view(),
            latency,
            canaries: self.canary_hours(now),
            canary_rules: self.canary_rules(now),
            last_resync: chronicle.last_resync.clone(),
            pauses: fleet.pauses().cloned().collect(),
            history: self.history.view(),
            dead_letters: self.overview.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            totals: Totals::default(),
            taken_at: now,
            started_at: self.started_at,
        }
    }

    fn central_view(
        &self,
        fleet: &Fleet,
        chronicle: &mut Chronicle,
        now: Timestamp,
    ) -> (CentralView, CentralHalf) {
        let keys: Vec<_> = fleet.targets.iter().filter(|(key, _)| key.side == Side::Central).collect();
        let targets: Vec<Arc<TargetView>> = keys
            .iter()
            .filter_map(|(key, _)| fleet.states.get(*key).and_then(|state| state.view.clone()))
            .collect();
        let views: Vec<&TargetView> = targets.iter().map(AsRef::as_ref).collect();
        let deliveries = self.deliveries();
        let max_age = SignedDuration::try_from(self.settings().drill.max_age).unwrap_or(SignedDuration::MAX);
        let facts = Facts {
            standing: Standing::Active,
            standing_reason: None,
            no_management_role: false,
            watched: true,
            targets: keys.len().max(1),
            views: &views,
            in_grace: false,
            enforce: keys.iter().all(|(_, target)| target.enforce),
            world: fleet.world.as_deref(),
            regions_unknown: None,
            trail: None,
            proof: None,
            lost: None,
            part: Part::Whole,
            figures: Some(Figures { deliveries: &deliveries, now, max_age }),
        };
        let half = CentralHalf::of(&facts, fleet.world.as_deref());
        let settings = &self.settings();
        // Filters and alarms belong to the installation, in whatever account they are, and carry no event.
        let beside = fleet.targets.keys().filter(|key| key.side == Side::Audit);
        let beside = beside.filter_map(|key| fleet.states.get(key)?.view.clone()).collect();
        let view = CentralView {
            account: settings.central.account_id.clone(),
            region: settings.central_region(),
            verdict: worst(&targets, keys.len().max(1)),
            conditions: conditions(
                chronicle,
                None,
                &targets,
                half.whole(),
                None,
                fleet.pause_of(&settings.central.account_id),
                now,
            ),
            observed_at: targets.iter().map(|t| t.observed_at).min(),
            targets,
            beside,
        };
        (view, half)
    }

    fn account_view(
        &self,
        fleet: &Fleet,
        chronicle: &mut Chronicle,
        sources: Sources<'_>,
        central: &CentralHalf,
        now: Timestamp,
    ) -> AccountView {
        let Sources { known, targets: wanted, views: targets, in_grace } = sources;
        let account = &known.account;
        let count = wanted.len();
        let views: Vec<&TargetView> = targets.iter().map(AsRef::as_ref).collect();
        let management = fleet.organization.as_ref().is_some_and(|(_, management)| *management == account.id);
        let first = wanted.first();
        let trail = fleet.trail_of(&account.id, now);
        let proof = self.proof(wanted.iter().map(|target| &target.key), now);
        let lost = match &proof {
            Some(Proof::Missing { rule, .. }) => Some(self.lost(&account.id, rule)),
            _ => None,
        };
        let watches = wanted.iter().flat_map(|target| &target.watches).map(|watch| watch.name.as_str());
        let settings = self.settings();
        let alerts = alerts_of(&settings.alerts, &account.id, &watches.collect());
        let facts = Facts {
            standing: known.standing,
            standing_reason: known.reason.as_deref(),
            no_management_role: management && settings.organization.management_role_arn.is_none(),
            watched: first.is_some_and(|target| target.watched),
            targets: count,
            views: &views,
            in_grace,
            enforce: first.is_some_and(|target| target.enforce),
            world: fleet.world.as_deref(),
            regions_unknown: fleet.regions.error(&account.id).filter(|_| fleet.rules.everywhere),
            trail: trail.as_ref(),
            proof: proof.as_ref(),
            lost: lost.as_ref(),
            part: Part::Whole,
            figures: None,
        };
        let judgement = coverage::of_account(&facts, &central.of_account(&alerts));
        let paused = fleet.pause_of(&account.id);
        let state = (judgement.coverage.label(), judgement.reason);
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
            coverage_hop: judgement.hop,
            alerts: chronicle.shared_set(&alerts),
            coverage_since: chronicle.since((Some(account.id.clone()), "Coverage"), state, now),
            conditions: conditions(
                chronicle,
                Some(&account.id),
                &targets,
                &judgement,
                trail.as_ref(),
                paused,
                now,
            ),
            coverage_message: judgement.message,
            observed_at: targets.iter().map(|t| t.observed_at).min(),
            last_change_at: targets.iter().filter_map(|t| t.last_change_at).max(),
            targets,
        }
    }
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
    of: Option<&AccountId>,
    targets: &[Arc<TargetView>],
    judgement: &Judgement,
    trail: Option<&Presence>,
    paused: Option<&Pause>,
    now: Timestamp,
) -> Vec<Condition> {
    let error = targets.iter().find_map(|t| t.error.as_deref());
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
    let trail = trail.map(|trail| match trail {
        Presence::Present(arn) => ("True", trail::LOGS, format!("{arn} logs what its watches wait for")),
        Presence::Missing(reason, message) => ("False", *reason, message.clone()),
        Presence::Unknown(reason, message) => ("Unknown", *reason, message.clone()),
    });
    let paused = match paused {
        Some(pause) => {
            ("True", "PausedByOperator", format!("{} has paused {}: {}", pause.by, pause.scope, pause.reason))
        }
        None => ("False", "NotPaused", "changes are made as configured".to_owned()),
    };
    [("Reachable", reachable), ("Synced", synced), ("Deliverable", deliverable), ("Paused", paused)]
        .into_iter()
        .chain(trail.map(|trail| ("TrailPresent", trail)))
        .map(|(kind, (status, reason, message))| Condition {
            kind,
            status,
            reason,
            message,
            last_transition: chronicle.since((of.cloned(), kind), (status, ""), now),
        })
        .collect()
}

#[cfg(test)]
mod tests;
