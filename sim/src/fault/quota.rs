//! AWS's request quotas: token buckets, filled as time passes.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::wording;
use crate::call::{Call, Refusal, Service};
use crate::journal::is_write;

/// A quota, by what it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quota {
    /// EventBridge but PutEvents, per account and Region. AWS: 50 a second.
    EventsControlPlane,
    /// PutEvents, per account and Region. AWS: 10,000 a second.
    EventsPutEvents,
    /// STS, per caller's account and Region. AWS: 600 a second for AssumeRole and its like together.
    Sts,
    /// Organizations, for the organization as a whole. AWS publishes no figure.
    Organizations,
    /// ListTopics. AWS: 30 a second.
    SnsListTopics,
    /// ListSubscriptionsByTopic. AWS: 30 a second.
    SnsListSubscriptions,
    /// TagResource. AWS: 10 a second.
    SnsTagResource,
    /// SetTopicAttributes. AWS: 10 a second.
    SnsSetTopicAttributes,
    /// SetSubscriptionAttributes. AWS: 10 a second.
    SnsSetSubscriptionAttributes,
    /// Subscribe. AWS: 100 a second.
    SnsSubscribe,
    /// Unsubscribe. AWS: 100 a second.
    SnsUnsubscribe,
    /// Writes of IAM, per account. AWS publishes no figure.
    IamWrites,
    /// Account Management, per caller's account. AWS publishes figures of this size.
    Account,
}

impl Quota {
    /// The quota that a call counts against.
    fn of(call: &Call) -> Option<Self> {
        Some(match (call.service, call.operation.as_str()) {
            (Service::Events, "PutEvents") => Self::EventsPutEvents,
            (Service::Events, _) => Self::EventsControlPlane,
            (Service::Sts, _) => Self::Sts,
            (Service::Organizations, _) => Self::Organizations,
            (Service::Account, _) => Self::Account,
            (Service::Iam, operation) if is_write(operation) => Self::IamWrites,
            (Service::Sns, "ListTopics") => Self::SnsListTopics,
            (Service::Sns, "ListSubscriptionsByTopic") => Self::SnsListSubscriptions,
            (Service::Sns, "TagResource") => Self::SnsTagResource,
            (Service::Sns, "SetTopicAttributes") => Self::SnsSetTopicAttributes,
            (Service::Sns, "SetSubscriptionAttributes") => Self::SnsSetSubscriptionAttributes,
            (Service::Sns, "Subscribe") => Self::SnsSubscribe,
            (Service::Sns, "Unsubscribe") => Self::SnsUnsubscribe,
            _ => return None,
        })
    }

    /// What shares a bucket: account and Region, both empty where they do not matter.
    fn scope(self, call: &Call) -> (&str, &str) {
        match self {
            Self::Organizations => ("", ""),
            Self::IamWrites | Self::Account => (&call.caller.account, ""),
            _ => (&call.caller.account, &call.region),
        }
    }
}

/// How many calls a second, and how many at once.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// So many a second in the long run.
    pub rate: f64,
    /// So many at once after a rest.
    pub burst: f64,
}

impl Limit {
    const fn steady(rate: f64) -> Self {
        Self { rate, burst: rate }
    }

    fn check(self) -> Result<(), String> {
        if self.rate > 0.0 && self.burst >= 1.0 && self.rate.is_finite() && self.burst.is_finite() {
            return Ok(());
        }
        Err("a rate must be above zero, and a burst at least one".to_owned())
    }
}

const LIMITS: [(Quota, Limit); 13] = [
    (Quota::EventsControlPlane, Limit::steady(50.0)),
    (Quota::EventsPutEvents, Limit::steady(10_000.0)),
    (Quota::Sts, Limit::steady(600.0)),
    (Quota::Organizations, Limit { rate: 10.0, burst: 20.0 }),
    (Quota::SnsListTopics, Limit::steady(30.0)),
    (Quota::SnsListSubscriptions, Limit::steady(30.0)),
    (Quota::SnsTagResource, Limit::steady(10.0)),
    (Quota::SnsSetTopicAttributes, Limit::steady(10.0)),
    (Quota::SnsSetSubscriptionAttributes, Limit::steady(10.0)),
    (Quota::SnsSubscribe, Limit::steady(100.0)),
    (Quota::SnsUnsubscribe, Limit::steady(100.0)),
    (Quota::IamWrites, Limit::steady(20.0)),
    (Quota::Account, Limit::steady(10.0)),
];

/// What to change about the quotas; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct QuotaChange {
    /// Whether quotas are enforced.
    pub quotas: Option<bool>,
    /// Whether Organizations refuses a call while another one is in progress.
    pub one_organizations_call: Option<bool>,
    /// Figures by quota; null switches one off.
    pub limits: BTreeMap<Quota, Option<Limit>>,
}

/// The quotas.
#[derive(Debug, Serialize)]
pub struct Quotas {
    /// Whether they are enforced; at first they are not.
    #[serde(rename = "quotas")]
    on: bool,
    one_organizations_call: bool,
    limits: BTreeMap<Quota, Limit>,
    /// How many calls each service refused for them.
    exceeded: BTreeMap<&'static str, u64>,
    /// By quota, account and Region.
    #[serde(skip)]
    buckets: HashMap<Quota, HashMap<String, Vec<(String, Bucket)>>>,
    /// The id of the Organizations call that is in progress.
    #[serde(skip)]
    in_progress: Option<String>,
}

impl Default for Quotas {
    fn default() -> Self {
        Self {
            on: false,
            one_organizations_call: true,
            limits: BTreeMap::from(LIMITS),
            exceeded: BTreeMap::new(),
            buckets: HashMap::new(),
            in_progress: None,
        }
    }
}

impl Quotas {
    /// Changes them. Buckets start full again.
    ///
    /// # Errors
    /// What is wrong with a figure; then nothing is changed.
    pub fn change(&mut self, change: QuotaChange) -> Result<(), String> {
        change.limits.values().flatten().try_for_each(|limit| limit.check())?;
        self.on = change.quotas.unwrap_or(self.on);
        self.one_organizations_call = change.one_organizations_call.unwrap_or(self.one_organizations_call);
        for (quota, limit) in change.limits {
            match limit {
                Some(limit) => self.limits.insert(quota, limit),
                None => self.limits.remove(&quota),
            };
        }
        self.buckets.clear();
        self.in_progress = None;
        Ok(())
    }

    /// How many calls each service (by prefix) refused since the beginning, because a quota was exceeded.
    pub fn exceeded(&self) -> &BTreeMap<&'static str, u64> {
        &self.exceeded
    }

    /// What a quota says against a call. `Ok(true)`: the call is in progress until [`Quotas::finished`].
    pub(super) fn admit(&mut self, call: &Call) -> Result<bool, Refusal> {
        if !self.on {
            return Ok(false);
        }
        let alone = self.one_organizations_call && call.service == Service::Organizations;
        let refusal = if alone && self.in_progress.is_some() {
            Some(wording::busy())
        } else {
            (!self.take(call)).then(|| wording::throttled(call.service))
        };
        if let Some(refusal) = refusal {
            *self.exceeded.entry(call.service.prefix()).or_default() += 1;
            return Err(refusal);
        }
        if alone {
            self.in_progress = Some(call.request_id.clone());
        }
        Ok(alone)
    }

    /// A call has ended.
    pub(super) fn finished(&mut self, call: &Call) {
        if self.in_progress.as_ref() == Some(&call.request_id) {
            self.in_progress = None;
        }
    }

    fn take(&mut self, call: &Call) -> bool {
        let Some(quota) = Quota::of(call) else { return true };
        let Some(limit) = self.limits.get(&quota) else { return true };
        let (account, region) = quota.scope(call);
        let accounts = self.buckets.entry(quota).or_default();
        // An account's first call alone pays for the copy of its id.
        if !accounts.contains_key(account) {
            accounts.insert(account.to_owned(), Vec::new());
        }
        let Some(regions) = accounts.get_mut(account) else { return true };
        match regions.iter_mut().find(|(name, _)| name == region) {
            Some((_, bucket)) => bucket.take(*limit, call.at),
            None => {
                let mut bucket = Bucket { tokens: limit.burst, at: call.at };
                let taken = bucket.take(*limit, call.at);
                regions.push((region.to_owned(), bucket));
                taken
            }
        }
    }
}

/// Tokens, as many as there were at a time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    fn take(&mut self, limit: Limit, now: Timestamp) -> bool {
        let elapsed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + elapsed * limit.rate).min(limit.burst);
        self.at = self.at.max(now);
        let taken = self.tokens >= 1.0;
        if taken {
            self.tokens -= 1.0;
        }
        taken
    }
}
