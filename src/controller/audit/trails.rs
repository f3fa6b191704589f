//! What passes did not read of the accounts' trails, because they had no need of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::{Known, Step, stopped};
use crate::compliance::evidence::{Account, Trails, Unseen, Watched};
use crate::controller::Controller;
use crate::model::error::CloudError;
use crate::model::ids::AccountId;
use crate::trail::{Reading, Readings, Selectors};
use crate::world::Target;

/// Accounts that see a trail and are asked about it, one after the other, until one answers.
const TRIES: usize = 3;

/// What a trail answered.
type Answer = (Result<bool, CloudError>, Result<Selectors, CloudError>);

/// The log groups of trails that could meet a control: multi-Region, and logging as far as that is known.
pub(super) fn log_groups<'a>(accounts: impl Iterator<Item = &'a Account>) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    let mut last: Option<&Readings> = None;
    for readings in accounts.filter_map(|account| account.trails.as_ref().ok()) {
        // Thousands of accounts in a row share one.
        if last.is_some_and(|last| Arc::ptr_eq(last, readings)) {
            continue;
        }
        last = Some(readings);
        let could =
            |reading: &&Reading| reading.trail.multi_region && !matches!(reading.logging, Some(Ok(false)));
        groups.extend(readings.iter().filter(could).filter_map(|reading| reading.trail.log_group.clone()));
    }
    groups
}

/// Whether nobody asked a trail that may matter: a pass stops at the first one that logs what its watches wait for.
fn is_open(reading: &Reading) -> bool {
    let stopped = matches!(reading.logging, Some(Ok(false)));
    let asked = reading.logging.is_some() && reading.selectors.is_some();
    reading.trail.multi_region && reading.trail.log_group.is_some() && !stopped && !asked
}

impl Controller {
    /// The accounts, with trails and Regions read where no pass has read them.
    pub(super) async fn with_gaps_filled(
        &self,
        known: Vec<Known>,
        stop: &CancellationToken,
        tell: &mut (dyn FnMut(Step<'_>) + Send),
    ) -> BTreeMap<AccountId, Account> {
        let (gaps, whole): (Vec<Known>, Vec<Known>) =
            known.into_iter().partition(|known| known.trails.is_none() || known.wants_regions);
        let account = |known: Known| {
            let trails = known.trails.unwrap_or_else(|| Err(stopped()));
            (known.id, Account { trails, watched: known.watched })
        };
        let mut accounts: BTreeMap<AccountId, Account> = whole.into_iter().map(account).collect();
        tell(Step::Begun(gaps.len()));
        let reads = gaps.into_iter().map(|known| async move {
            match known.home.clone() {
                Some(home) if !stop.is_cancelled() => self.fill_gaps(known, &home).await,
                _ => known,
            }
        });
        let mut reads = futures::stream::iter(reads).buffer_unordered(self.settings().reconcile.concurrency);
        while let Some(known) = reads.next().await {
            tell(Step::Read(known.id.as_str()));
            let (id, account) = account(known);
            accounts.insert(id, account);
        }
        accounts
    }

    async fn fill_gaps(&self, known: Known, home: &Target) -> Known {
        let session = match self.broker.read(home).await {
            Ok(session) => session,
            Err(error) => return Known { trails: Some(Err(Unseen::of(&error))), ..known },
        };
        let trails = match known.trails {
            Some(trails) => trails,
            None => self.list_trails(&session).await,
        };
        let mut watched = known.watched;
        if known.wants_regions {
            let region = self.settings().partition().iam_events_region();
            // What could not be read stays unknown.
            let enabled = self.cloud.enabled_regions(&session.in_region(&region)).await.ok();
            let enabled = enabled.map(|enabled| self.allowed(&enabled));
            watched = Arc::new(Watched { enabled, ..Watched::clone(&watched) });
        }
        Known { trails: Some(trails), watched, ..known }
    }

    async fn list_trails(&self, session: &crate::aws::Session) -> Trails {
        let trails = self.cloud.trails(session).await.map_err(|error| Unseen::of(&error))?;
        let reading = |trail| Reading { trail, logging: None, selectors: None };
        Ok(Arc::new(trails.into_iter().map(reading).collect()))
    }

    /// The same, with trails asked that nobody asked yet: each once, whoever sees it.
    pub(super) async fn with_trails_asked(
        &self,
        mut accounts: BTreeMap<AccountId, Account>,
        stop: &CancellationToken,
    ) -> BTreeMap<AccountId, Account> {
        let mut open: BTreeMap<String, Vec<AccountId>> = BTreeMap::new();
        for (id, account) in &accounts {
            for reading in account.trails.iter().flat_map(|readings| readings.iter()).filter(|r| is_open(r)) {
                let who = open.entry(reading.trail.arn.clone()).or_default();
                // The owner is never refused by others.
                if reading.trail.owner().as_ref() == Some(id) {
                    who.insert(0, id.clone());
                } else {
                    who.push(id.clone());
                }
                who.truncate(TRIES);
            }
        }
        if open.is_empty() {
            return accounts;
        }
        let asks = open.into_iter().map(|(arn, who)| async move {
            let answer = match stop.is_cancelled() {
                true => None,
                false => self.ask_trail(&arn, &who).await,
            };
            (arn, answer)
        });
        let asks = futures::stream::iter(asks).buffer_unordered(self.settings().reconcile.concurrency);
        let answers: BTreeMap<String, Option<Answer>> = asks.collect().await;
        let mut known: Vec<(Readings, Readings)> = Vec::new();
        for account in accounts.values_mut() {
            let Ok(readings) = &account.trails else { continue };
            if !readings.iter().any(is_open) {
                continue;
            }
            let same = known.iter().rev().find(|(before, _)| Arc::ptr_eq(before, readings));
            let answered = match same {
                Some((_, answered)) => Arc::clone(answered),
                None => {
                    let answered = Arc::new(readings.iter().map(|r| answered(r, &answers)).collect());
                    known.push((Arc::clone(readings), Arc::clone(&answered)));
                    answered
                }
            };
            account.trails = Ok(answered);
        }
        accounts
    }

    /// What a trail answers to the first of these accounts that it answers.
    async fn ask_trail(&self, arn: &str, who: &[AccountId]) -> Option<Answer> {
        let mut last = None;
        for account in who {
            let home = self.home_of(account);
            let Some(home) = home else { continue };
            let Ok(session) = self.broker.read(&home).await else { continue };
            let logging = self.cloud.trail_logs(&session, arn).await;
            let selectors = self.cloud.trail_selectors(&session, arn).await;
            let whole = logging.is_ok() && selectors.is_ok();
            last = Some((logging, selectors));
            if whole {
                break;
            }
        }
        last
    }

    fn home_of(&self, account: &AccountId) -> Option<Arc<Target>> {
        use crate::model::target::{Side, TargetKey};
        let fleet = self.fleet();
        let mut targets = fleet.targets.range(TargetKey::all_of(Side::Member, account));
        targets.find(|(_, target)| target.roles_here).map(|(_, target)| Arc::clone(target))
    }
}

fn answered(reading: &Reading, answers: &BTreeMap<String, Option<Answer>>) -> Reading {
    match answers.get(&reading.trail.arn) {
        Some(Some((logging, selectors))) if is_open(reading) => Reading {
            trail: reading.trail.clone(),
            logging: Some(logging.clone()),
            selectors: Some(selectors.clone()),
        },
        _ => reading.clone(),
    }
}
