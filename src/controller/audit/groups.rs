//! Log groups with their filters and alarms, and the topics of these.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::stopped;
use crate::aws::Session;
use crate::compliance::evidence::{Alarm, Filter, Group, Seen, Subscriptions, Unseen};
use crate::compliance::filter::Normal;
use crate::compliance::themes;
use crate::controller::Controller;
use crate::model::error::CloudError;
use crate::model::ids::{AccountId, Region};

/// Where the thing of an ARN is, and what follows there: `arn:<partition>:<service>:<region>:<account>:<rest>`.
fn place(arn: &str) -> Result<(Region, AccountId, &str), Unseen> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let read = || {
        let [_, _, _, region, account, rest] = parts.as_slice() else { return None };
        Some((region.parse().ok()?, account.parse().ok()?, *rest))
    };
    read().ok_or_else(|| Unseen::new(format!("{arn} is no ARN of an account and Region"), ""))
}

/// Every pattern that was seen, once: accounts that each have a trail of their own have the same filters on it.
#[derive(Debug, Default)]
pub(super) struct Patterns(Mutex<BTreeMap<Arc<str>, Arc<Normal>>>);

impl Patterns {
    /// The text as everybody has it, and what it means.
    fn shared(&self, text: &str) -> (Arc<str>, Arc<Normal>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, normal)) = known.get_key_value(text) {
            return (Arc::clone(text), Arc::clone(normal));
        }
        let (text, normal) = (Arc::from(text), Arc::new(Normal::of(text)));
        known.insert(Arc::clone(&text), Arc::clone(&normal));
        (text, normal)
    }
}

impl Controller {
    /// The metric filters of a log group, and of those that are of interest the alarms.
    pub(super) async fn read_group(&self, arn: &str, patterns: &Patterns) -> Seen<Group> {
        let (session, name) = match self.session_for(arn).await {
            Ok((session, rest)) => (session, rest.strip_prefix("log-group:").unwrap_or(rest).to_owned()),
            Err(unseen) => return Seen::Unseen(unseen),
        };
        let found = match Seen::of(self.cloud.metric_filters(&session, &name).await) {
            Seen::There(found) => found,
            Seen::Missing => return Seen::Missing,
            Seen::Unseen(unseen) => return Seen::Unseen(unseen),
        };
        let mut filters = Vec::new();
        let mut alarms: BTreeMap<(String, String), Seen<Vec<Alarm>>> = BTreeMap::new();
        for (name, mut filter) in found {
            let (pattern, normal) = patterns.shared(&filter.pattern);
            filter.pattern = pattern;
            let metric = (filter.namespace.clone(), filter.metric.clone());
            let of_interest = themes::all().iter().any(|theme| theme.knows(&normal));
            if of_interest && !alarms.contains_key(&metric) {
                let read = self.alarms_on(&session, &metric.0, &metric.1).await;
                alarms.insert(metric.clone(), Seen::of(read));
            }
            let alarms = alarms.get(&metric).filter(|_| of_interest).cloned();
            filters.push(Filter { name, filter, normal, alarms: alarms.unwrap_or(Seen::There(Vec::new())) });
        }
        Seen::There(Group { filters, observed_at: self.clock.now() })
    }

    async fn alarms_on(
        &self,
        session: &Session,
        namespace: &str,
        metric: &str,
    ) -> Result<Vec<Alarm>, CloudError> {
        let found = self.cloud.alarms_for_metric(session, namespace, metric).await?;
        Ok(found.into_iter().map(|(name, arn, alarm)| Alarm { name, arn, alarm }).collect())
    }

    /// The subscriptions of every topic that an alarm of these groups tells.
    pub(super) async fn read_topics(
        &self,
        groups: &BTreeMap<String, Seen<Group>>,
        stop: &CancellationToken,
    ) -> BTreeMap<String, Seen<Subscriptions>> {
        let mut topics = BTreeSet::new();
        for group in groups.values() {
            let Seen::There(group) = group else { continue };
            for filter in &group.filters {
                let Seen::There(alarms) = &filter.alarms else { continue };
                let actions = alarms.iter().flat_map(|alarm| &alarm.alarm.alarm_actions);
                topics.extend(actions.filter(|arn| arn.split(':').nth(2) == Some("sns")).cloned());
            }
        }
        let reads = topics.into_iter().map(|arn| async move {
            let read = match stop.is_cancelled() {
                true => Seen::Unseen(stopped()),
                false => self.read_topic(&arn).await,
            };
            (arn, read)
        });
        futures::stream::iter(reads).buffer_unordered(self.settings().reconcile.concurrency).collect().await
    }

    async fn read_topic(&self, arn: &str) -> Seen<Subscriptions> {
        let session = match self.session_for(arn).await {
            Ok((session, _)) => session,
            Err(unseen) => return Seen::Unseen(unseen),
        };
        let count = |rows: Vec<crate::aws::sns::SubscriptionRow>| {
            let confirmed = rows.iter().filter(|row| row.is_confirmed()).count();
            // What somebody has ended stands there as deleted for a while.
            let pending = rows.iter().filter(|row| row.is_pending()).count();
            Subscriptions { confirmed, pending }
        };
        Seen::of(self.cloud.list_subscriptions(&session, arn).await.map(count))
    }

    /// A session that looks where the thing of this ARN is, and what follows the account in it.
    async fn session_for<'a>(&self, arn: &'a str) -> Result<(Session, &'a str), Unseen> {
        let (region, account, rest) = place(arn)?;
        let at_logs = arn.split(':').nth(2) == Some("logs");
        Ok((self.session_into(&account, &region, at_logs).await?, rest))
    }
}
