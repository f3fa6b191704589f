//! Gathers what an audit is judged by: trails and Regions from what passes have read, and once for all accounts that share
//! them log groups, filters, alarms and topics. Reads only.

mod groups;
mod trails;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::Controller;
use crate::aws::Session;
use crate::compliance::evidence::{Evidence, Seen, Trails, Unseen, Watched};
use crate::compliance::{self, Report, Standard};
use crate::config::WatchRegions;
use crate::http::Audits;
use crate::model::ids::{AccountId, Region};
use crate::model::target::{Side, TargetKey};
use crate::model::view::{Snapshot, Standing};
use crate::trail::Filled;
use crate::world::{Target, World};

/// How far the gathering of evidence has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// So many things are to be read from here on.
    Begun(usize),
    /// One of them was read.
    Read(&'a str),
}

/// What was last read is old after so long; who asks then has it read anew, and gets what there is meanwhile.
const FRESH: SignedDuration = SignedDuration::from_mins(5);

/// What audits of the daemon are judged by: read when somebody asks.
#[derive(Debug, Default)]
pub(super) struct Audited {
    evidence: Mutex<Option<Arc<Evidence>>>,
    read_at: watch::Sender<Option<Timestamp>>,
    wanted: Notify,
}

/// Reads what audits are judged by whenever somebody wants it, until `stop` is cancelled.
pub(super) async fn read(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    loop {
        tokio::select! {
            () = stop.cancelled() => return "audits",
            () = controller.audited.wanted.notified() => {}
        }
        let mut nobody = |_: Step<'_>| ();
        let evidence = tokio::select! {
            () = stop.cancelled() => return "audits",
            evidence = controller.evidence(&stop, &mut nobody) => evidence,
        };
        let read_at = evidence.observed_at;
        *controller.audited.evidence.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Arc::new(evidence));
        controller.audited.read_at.send_replace(Some(read_at));
    }
}

impl Audits for Controller {
    fn ask(&self) -> watch::Receiver<Option<Timestamp>> {
        let read_at = *self.audited.read_at.borrow();
        if read_at.is_none_or(|at| self.clock.now().duration_since(at) > FRESH) {
            self.audited.wanted.notify_one();
        }
        self.audited.read_at.subscribe()
    }

    fn report(&self, standard: &'static Standard, snapshot: &Snapshot) -> Option<Report> {
        let evidence = self.audited.evidence.lock().unwrap_or_else(PoisonError::into_inner).clone();
        evidence.map(|evidence| self.audit(standard, &evidence, snapshot))
    }
}

/// One account as gathering begins.
struct Known {
    id: AccountId,
    /// Where its roles are kept; none: we cannot enter it.
    home: Option<Arc<Target>>,
    /// What passes have read; none: nothing yet.
    trails: Option<Trails>,
    watched: Arc<Watched>,
    /// Whether its Regions are of interest and nobody knows them.
    wants_regions: bool,
}

impl Controller {
    /// What an audit by this standard comes to.
    pub fn audit(&self, standard: &Standard, evidence: &Evidence, snapshot: &Snapshot) -> Report {
        compliance::audit(standard, evidence, snapshot, &self.settings())
    }

    /// Gathers what audits are judged by, whatever the standard. What is not reached before `stop` counts as not seen.
    pub async fn evidence(
        &self,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> Evidence {
        let known = self.known_accounts();
        let accounts = self.with_gaps_filled(known, stop, tell).await;
        let accounts = self.with_trails_asked(accounts, stop).await;
        let wanted = trails::log_groups(accounts.values());
        tell(Step::Begun(wanted.len()));
        let mut groups = BTreeMap::new();
        let patterns = &groups::Patterns::default();
        let reads = wanted.into_iter().map(|arn| async move {
            let group = match stop.is_cancelled() {
                true => Seen::Unseen(stopped()),
                false => self.read_group(&arn, patterns).await,
            };
            (arn, group)
        });
        let mut reads = futures::stream::iter(reads).buffer_unordered(self.settings().reconcile.concurrency);
        while let Some((arn, group)) = reads.next().await {
            tell(Step::Read(&arn));
            groups.insert(arn, group);
        }
        drop(reads);
        let topics = self.read_topics(&groups, stop).await;
        Evidence {
            partition: self.settings().partition(),
            regions_limited: !self.settings().organization.regions.is_empty(),
            accounts,
            groups,
            topics,
            observed_at: self.clock.now(),
        }
    }

    /// The wanted accounts with what passes have read of them.
    fn known_accounts(&self) -> Vec<Known> {
        let now = self.clock.now();
        let named =
            self.settings().watches.iter().any(|watch| matches!(watch.regions, WatchRegions::Only(_)));
        let fleet = self.fleet();
        let mut filled = Filled::default();
        let mut shared: BTreeSet<Arc<Watched>> = BTreeSet::new();
        let active = fleet.inventory.known().values().filter(|known| known.standing == Standing::Active);
        let known = active.map(|known| {
            let id = &known.account.id;
            let keys = || TargetKey::all_of(Side::Member, id);
            let targets = || fleet.targets.range(keys());
            let home = targets().map(|(_, target)| target).find(|target| target.roles_here).cloned();
            let failed = fleet.states.range(keys()).find_map(|(_, state)| state.view.as_ref()?.error.as_deref());
            let read = fleet.trails.as_ref().and_then(|trails| trails.readings(id, &mut filled, now));
            let trails = match (read, failed, &home) {
                (Some(read), ..) => Some(read.map_err(|error| Unseen::of(&error))),
                (None, Some(error), _) => Some(Err(Unseen::of(error))),
                (None, None, None) => Some(Err(Unseen::new(
                    "there is no role to look into the account with",
                    "install the member role there; for the management account set `organization.management_role_arn`",
                ))),
                (None, None, Some(_)) => None,
            };
            let mut watches: BTreeMap<String, BTreeSet<Region>> = BTreeMap::new();
            for (key, target) in targets() {
                for watch in &target.watches {
                    watches.entry(watch.name.clone()).or_default().insert(key.region.clone());
                }
            }
            let enabled = fleet.regions.enabled(id).map(|enabled| self.allowed(enabled));
            let wants_regions = named && enabled.is_none() && home.is_some() && failed.is_none();
            let watched = Watched { watches, enabled };
            let watched = match shared.get(&watched) {
                Some(known) => Arc::clone(known),
                None => {
                    let watched = Arc::new(watched);
                    shared.insert(Arc::clone(&watched));
                    watched
                }
            };
            Known { id: id.clone(), home, trails, watched, wants_regions }
        });
        known.collect()
    }

    /// Of an account's Regions those in which we may work.
    fn allowed(&self, enabled: &BTreeSet<Region>) -> BTreeSet<Region> {
        let settings = self.settings();
        let allowed = &settings.organization.regions;
        enabled.iter().filter(|region| allowed.is_empty() || allowed.contains(*region)).cloned().collect()
    }

    /// A session that looks into an account, at a log group there or at a topic, towards a Region; if there is none, why, and
    /// what would help.
    async fn session_into(
        &self,
        account: &AccountId,
        region: &Region,
        at_logs: bool,
    ) -> Result<Session, Unseen> {
        let target = self.way_into(account, at_logs)?;
        let session = self.broker.read(&target).await.map_err(|error| Unseen::of(&error))?;
        Ok(session.in_region(region))
    }

    fn way_into(&self, account: &AccountId, at_logs: bool) -> Result<Arc<Target>, Unseen> {
        let fleet = self.fleet();
        let of_side = |side| fleet.targets.range(TargetKey::all_of(side, account)).map(|(_, target)| target);
        let bus = |target: &&Arc<Target>| {
            fleet.world.as_deref().is_some_and(|world: &World| target.holds_bus(world))
        };
        // The role for alarms comes last: it may read the log group and its alarms, and no topics.
        let found = of_side(Side::Central)
            .find(bus)
            .or_else(|| of_side(Side::Member).find(|target| target.roles_here))
            .or_else(|| of_side(Side::Audit).find(|target| at_logs && target.log_group().is_some()));
        if let Some(target) = found {
            return Ok(Arc::clone(target));
        }
        let is_management = fleet.organization.as_ref().is_some_and(|(_, management)| management == account);
        let standing = fleet.inventory.known().get(account).map(|known| known.standing);
        Err(match standing {
            _ if is_management => Unseen::new(
                format!("there is no role to look into the management account {account} with"),
                "install the member role there and set `organization.management_role_arn`; of a trail's log group alone, \
                 where alarms are asked for, the role of `compliance.role_arn` will do",
            ),
            None => Unseen::new(
                format!("account {account} is not one of this organization"),
                "have its owner look: filters, alarms and topic are there",
            ),
            Some(_) => Unseen::new(
                format!("account {account} is left out by the configuration, or not active"),
                "take it in again, or look there yourself",
            ),
        })
    }
}

/// Why something was not looked at.
fn stopped() -> Unseen {
    Unseen::new("the audit was stopped", "run it again")
}
