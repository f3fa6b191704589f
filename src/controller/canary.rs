//! Sends canaries and takes note of those that return.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Controller;
use super::coverage::Lost;
use crate::aws::sending::Event;
use crate::canary::ledger::{Ledger, Pace, Returned, Standing};
use crate::canary::tally::{SHOWN, Tally};
use crate::canary::{self, Nonce, Route, detail};
use crate::config::CanarySettings;
use crate::hops;
use crate::kinds::KINDS;
use crate::letters::Group;
use crate::model::error::CloudError;
use crate::model::ids::{AccountId, Region};
use crate::model::resource::Verdict;
use crate::model::target::{Side, TargetKey};
use crate::model::view::CanaryHour;
use crate::world::{Target, World};

/// How often due and missing canaries are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So many are on their way at once; with a look a second that is a limit of their rate, too.
const AT_ONCE: usize = 20;
/// After so many looks the history is told what became of them.
const TELL_EVERY: u32 = 60;
/// How soon a canary is tried again that could not be sent, or whose rule is not in place.
const TRY_AGAIN: SignedDuration = SignedDuration::from_mins(2);

/// The ledger, and of which desired state its routes are.
#[derive(Debug)]
pub(super) struct Canaries {
    ledger: Ledger,
    revision: Option<u64>,
    tally: Tally,
}

impl Canaries {
    /// A ledger for these settings; none where no canaries are sent.
    pub(super) fn new(settings: CanarySettings) -> Option<Self> {
        Some(Self { ledger: Ledger::new(pace(settings)?), revision: None, tally: Tally::default() })
    }

    /// Sends them as these settings say from now on. What is known of the routes stays, unless none are sent any more.
    pub(super) fn go_by(canaries: &mut Option<Self>, settings: CanarySettings, now: Timestamp) {
        match (pace(settings), &mut *canaries) {
            (Some(pace), Some(canaries)) => canaries.ledger.set_pace(pace, now),
            _ => *canaries = Self::new(settings),
        }
    }
}

/// How often canaries are sent by these settings; none where none are.
fn pace(settings: CanarySettings) -> Option<Pace> {
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    Some(Pace { interval: signed(settings.interval?), timeout: signed(settings.timeout) })
}

/// What the canaries say of one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Every rule of it has let a canary through; the oldest was sent then.
    Proven(Timestamp),
    /// Not yet, or no longer.
    Unproven,
    /// Canaries of this rule are missing since then.
    Missing {
        /// Where the rule is.
        region: Region,
        /// The rule.
        rule: String,
        /// Since when.
        since: Timestamp,
    },
}

/// Sends canaries until `stop` is cancelled.
pub(super) async fn send(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    let mut sending: JoinSet<()> = JoinSet::new();
    let mut looks = 0_u32;
    controller.resume_tally().await;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        // Ended ones are taken away; a panic in one of them is told by the runtime and leaves its canary missing.
        while sending.try_join_next().is_some() {}
        for (route, target, world) in controller.due_canaries(AT_ONCE.saturating_sub(sending.len())) {
            let controller = Arc::clone(&controller);
            sending.spawn(async move { controller.send_one(route, &target, &world).await });
        }
        looks += 1;
        if looks.is_multiple_of(TELL_EVERY) {
            controller.tell_tally().await;
        }
    }
    sending.shutdown().await;
    controller.tell_tally().await;
    "canaries"
}

impl Controller {
    pub(super) fn canaries(&self) -> std::sync::MutexGuard<'_, Option<Canaries>> {
        self.canaries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of the canaries of the latest hours.
    pub(super) fn canary_hours(&self, now: Timestamp) -> Vec<CanaryHour> {
        self.canaries().as_ref().map(|canaries| canaries.tally.view(now)).unwrap_or_default()
    }

    /// How many rules are proven, not proven, and lose their canaries.
    pub(super) fn canary_rules(&self, now: Timestamp) -> Option<[usize; 3]> {
        self.canaries().as_ref().map(|canaries| canaries.ledger.standings(now))
    }

    /// Goes on counting where an earlier process ended.
    async fn resume_tally(&self) {
        if self.canaries().is_none() {
            return;
        }
        let since = self.clock.now().saturating_sub(SHOWN).unwrap_or(Timestamp::MIN);
        match self.history.canaries_since(since).await {
            Ok(kept) => self.canaries().iter_mut().for_each(|canaries| canaries.tally.resume(&kept)),
            Err(error) => tracing::warn!(%error, "What became of earlier canaries is not shown"),
        }
    }

    async fn tell_tally(&self) {
        let untold = self.canaries().as_mut().map(|canaries| canaries.tally.untold()).unwrap_or_default();
        self.history.canaries(untold).await;
    }

    /// The routes that are due and whose rule is in place; the others are put off. Tells of what has become missing.
    fn due_canaries(&self, most: usize) -> Vec<(Route, Arc<Target>, Arc<World>)> {
        let now = self.clock.now();
        let mut fleet = self.fleet();
        let mut held = self.canaries();
        let (Some(canaries), Some(world)) = (held.as_mut(), fleet.world.clone()) else { return Vec::new() };
        if canaries.revision != Some(fleet.revision) {
            canaries.revision = Some(fleet.revision);
            let members =
                fleet.targets.iter().filter(|(key, target)| key.side == Side::Member && !target.leaving);
            canaries.ledger.retarget(members.flat_map(|(key, target)| routes(&world, key, target)), now);
        }
        for route in canaries.ledger.expire(now) {
            tracing::warn!(
                account.id = %route.target.account, region = %route.target.region, rule = route.rule,
                "Two canaries in a row through {} in account {} are missing", route.rule, route.target.account,
            );
            fleet.touch(&route.target.account);
            self.changed.notify_one();
        }
        for route in canaries.ledger.outdated(now) {
            fleet.touch(&route.target.account);
            self.changed.notify_one();
        }
        let mut due = Vec::new();
        for route in canaries.ledger.due(now, most) {
            let in_place =
                fleet.states.get(&route.target).and_then(|state| state.view.as_ref()).is_some_and(|view| {
                    view.error.is_none()
                        && view.resources.iter().any(|resource| {
                            resource.id.kind == "sender_rule"
                                && resource.id.name == route.rule
                                && matches!(resource.verdict, Verdict::InSync)
                        })
                });
            match fleet.targets.get(&route.target).filter(|_| in_place) {
                Some(target) => {
                    // Taken: the next look must not take it again.
                    canaries.ledger.put_off(&route, now.saturating_add(TRY_AGAIN).unwrap_or(now));
                    due.push((route, Arc::clone(target), Arc::clone(&world)));
                }
                None => canaries.ledger.put_off(&route, now.saturating_add(TRY_AGAIN).unwrap_or(now)),
            }
        }
        due
    }

    async fn send_one(&self, route: Route, target: &Target, world: &World) {
        let session = match self.broker.canary(world, target).await {
            Ok(session) => session,
            Err(error) => return self.not_sent(&route, &error),
        };
        // Not from the clock's chance, which tests repeat: nobody may guess it. Nothing is decided by it.
        let nonce = Nonce::new(rand::random());
        let sent_at = self.clock.now();
        if let Some(canaries) = self.canaries().as_mut() {
            canaries.ledger.sent(&route, nonce.clone(), sent_at);
        }
        if let Err(error) = self.cloud.put_events(&session, None, &[event(&route, &nonce)]).await {
            let retry = self.clock.now().saturating_add(TRY_AGAIN).unwrap_or(Timestamp::MAX);
            if let Some(canaries) = self.canaries().as_mut() {
                canaries.ledger.not_sent(&nonce, retry);
            }
            self.not_sent(&route, &error);
        } else if let Some(canaries) = self.canaries().as_mut() {
            canaries.tally.sent(&route.target.region, sent_at);
        }
    }

    fn not_sent(&self, route: &Route, error: &CloudError) {
        tracing::warn!(
            account.id = %route.target.account, region = %route.target.region, rule = route.rule, %error,
            "A canary could not be sent in account {}; it is tried again", route.target.account,
        );
    }

    /// A message of the inbox says to be a canary; answers what it is counted as.
    pub(super) fn canary_returned(&self, account: &AccountId, rule: &str, nonce: &Nonce) -> &'static str {
        let now = self.clock.now();
        let returned = match self.canaries().as_mut() {
            Some(canaries) => {
                let returned = canaries.ledger.returned(account, rule, nonce, now);
                if let Returned::Proves { region, sent_at, took } = &returned {
                    canaries.tally.returned(region, *sent_at, *took);
                }
                returned
            }
            None => return "foreign",
        };
        match returned {
            Returned::Proves { took, .. } => {
                let seconds = took.as_secs_f64();
                self.metrics.canary(seconds);
                self.heard().latency.canary_seconds = Some(seconds);
                self.fleet().touch(account);
                self.changed.notify_one();
                "canary"
            }
            Returned::Unknown => "canary_unknown",
            Returned::Elsewhere => "canary_elsewhere",
        }
    }
}

impl Controller {
    /// What canaries say of an account's targets; none where none are sent.
    pub(super) fn proof<'a>(
        &self,
        targets: impl Iterator<Item = &'a TargetKey>,
        now: Timestamp,
    ) -> Option<Proof> {
        let held = self.canaries();
        let ledger = &held.as_ref()?.ledger;
        let mut proven: Option<Timestamp> = None;
        let mut whole = true;
        for target in targets {
            for (route, standing) in ledger.of(target, now) {
                match standing {
                    Standing::Missing { since } => {
                        return Some(Proof::Missing {
                            region: target.region.clone(),
                            rule: route.rule.clone(),
                            since,
                        });
                    }
                    Standing::Proven { sent_at } => {
                        proven = Some(proven.map_or(sent_at, |oldest| oldest.min(sent_at)));
                    }
                    Standing::Unproven => whole = false,
                }
            }
        }
        Some(proven.filter(|_| whole).map_or(Proof::Unproven, Proof::Proven))
    }

    /// Where a missing canary was lost, as far as a dead letter and the canaries of others tell.
    pub(super) fn lost(&self, account: &AccountId, rule: &str) -> Lost {
        let overview = self.overview.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of_account = |group: &&Group| group.own && group.account.as_ref() == Some(account);
        let groups = || overview.iter().flat_map(|overview| &overview.summary.groups).filter(of_account);
        if let Some(Group { error, message, .. }) = groups().find(|g| g.bus.is_none() && g.rule == rule) {
            let told = format!(
                "a dead letter tells that EventBridge could not send it from the account to the central bus: {error} \
                 {message}"
            );
            // Where those of others arrive the bus lets events in.
            let others = self.canaries().as_ref().is_some_and(|held| held.ledger.others_return(account));
            return if others {
                let message = format!(
                    "{told}; those of other accounts arrive, so it is the forwarding role here, its boundary, or a \
                     service control policy"
                );
                Lost { hop: hops::FORWARDING_ROLE, message }
            } else {
                let message = format!(
                    "{told}; those of no other account arrive either, so look at the central bus first"
                );
                Lost { hop: hops::EVENT_BUS, message }
            };
        }
        if let Some(Group { error, message, .. }) = groups().find(|group| group.bus.is_some()) {
            let message = format!(
                "a dead letter tells that it reached the central bus and was lost behind it, on its way to the inbox: \
                 {error} {message}"
            );
            return Lost { hop: hops::EVENT_BUS, message };
        }
        let message =
            "no dead letter tells where: the rule did not take it, or its letter could not be kept either";
        Lost { hop: hops::SENDER_RULE, message: message.to_owned() }
    }
}

/// A canary as it is sent.
fn event(route: &Route, nonce: &Nonce) -> Event {
    Event {
        source: canary::SOURCE,
        detail_type: canary::DETAIL_TYPE.to_owned(),
        detail: detail(route, nonce),
    }
}

/// The routes of a target: its sender rules by name.
fn routes(world: &World, key: &TargetKey, target: &Target) -> Vec<Route> {
    let kind = KINDS.iter().find(|kind| kind.name() == "sender_rule");
    let rules = kind.map(|kind| kind.desired(world, target)).unwrap_or_default();
    let own = rules.into_keys().filter(|rule| !world.is_beside("sender_rule", rule));
    own.map(|rule| Route { target: key.clone(), rule }).collect()
}
