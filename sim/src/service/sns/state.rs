//! What SNS keeps: topics with their subscriptions, which settle, and what it has sent, which does not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::filter::Filter;
use crate::service::iam::Document;

/// What an account holds of SNS in one Region.
#[derive(Clone, Debug, Default)]
pub struct Sns {
    /// Topics by name.
    pub topics: BTreeMap<String, Arc<Topic>>,
}

/// A topic.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its ARN.
    pub arn: String,
    /// Its access policy; a new topic has one that admits its owner.
    pub policy: Document,
    /// The attributes that were set, the policy not among them.
    pub attributes: BTreeMap<String, String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its subscriptions by the last part of their ARN. Some may be past their time: see [`Subscription::lives`].
    pub subscriptions: BTreeMap<String, Arc<Subscription>>,
    /// The same by protocol and endpoint, of which each exists once.
    pub by_endpoint: BTreeMap<(String, String), String>,
    /// How many subscriptions it had that are gone.
    pub deleted: u64,
}

/// A subscription.
#[derive(Clone, Debug)]
pub struct Subscription {
    /// Its ARN: the topic's and an id. Lists do not tell it while it is pending.
    pub arn: String,
    /// The account that subscribed.
    pub owner: String,
    /// The ARN of who subscribed.
    pub principal: String,
    /// Its protocol.
    pub protocol: String,
    /// Its endpoint.
    pub endpoint: String,
    /// Whether it was confirmed.
    pub standing: Standing,
    /// The attributes that were set.
    pub attributes: BTreeMap<String, String>,
    /// Its filter policy, compiled; `None` admits everything.
    pub filter: Option<Arc<Filter>>,
}

/// Whether a subscription was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It gets nothing, cannot be deleted, and vanishes.
    Pending {
        /// Since when: it was made, or sent back for its volume.
        since: Timestamp,
    },
    /// It gets messages.
    Confirmed {
        /// Whether whoever has the unsubscribe link cannot use it without credentials.
        authenticated: bool,
    },
}

impl Subscription {
    /// Whether it waits for its confirmation.
    pub fn pending(&self) -> bool {
        matches!(self.standing, Standing::Pending { .. })
    }

    /// Whether it still is there. AWS: a subscription that is not confirmed within 48 hours is deleted.
    pub fn lives(&self, now: Timestamp, options: &Options) -> bool {
        match self.standing {
            Standing::Confirmed { .. } => true,
            Standing::Pending { since } => now.duration_since(since) < options.unconfirmed_for,
        }
    }

    /// Whether messages come without the envelope of SNS.
    pub fn raw(&self) -> bool {
        self.attributes.get("RawMessageDelivery").is_some_and(|value| value == "true")
    }

    /// The last part of its ARN.
    pub fn id(&self) -> &str {
        self.arn.rsplit(':').next().unwrap_or(&self.arn)
    }
}

impl Topic {
    /// The subscriptions that are still there.
    pub fn living<'a>(
        &'a self,
        now: Timestamp,
        options: &'a Options,
    ) -> impl Iterator<Item = &'a Arc<Subscription>> {
        self.subscriptions.values().filter(move |subscription| subscription.lives(now, options))
    }

    /// The subscription of that protocol and endpoint, if it is still there.
    pub fn find(
        &self,
        protocol: &str,
        endpoint: &str,
        now: Timestamp,
        options: &Options,
    ) -> Option<&Arc<Subscription>> {
        let id = self.by_endpoint.get(&(protocol.to_owned(), endpoint.to_owned()))?;
        self.subscriptions.get(id).filter(|subscription| subscription.lives(now, options))
    }

    /// Adds a subscription.
    pub(super) fn insert(&mut self, subscription: Subscription) {
        let id = subscription.id().to_owned();
        self.by_endpoint.insert((subscription.protocol.clone(), subscription.endpoint.clone()), id.clone());
        self.subscriptions.insert(id, Arc::new(subscription));
    }

    /// Removes a subscription; whether there was one.
    pub(super) fn remove(&mut self, id: &str) -> bool {
        let Some(gone) = self.subscriptions.remove(id) else { return false };
        self.by_endpoint.remove(&(gone.protocol.clone(), gone.endpoint.clone()));
        self.deleted += 1;
        true
    }

    /// Removes the subscriptions whose time to be confirmed is over.
    pub(super) fn tidy(&mut self, now: Timestamp, options: &Options) {
        let over: Vec<String> = self
            .subscriptions
            .iter()
            .filter(|(_, subscription)| !subscription.lives(now, options))
            .map(|(id, _)| id.clone())
            .collect();
        for id in over {
            self.remove(&id);
        }
    }
}

/// The limits of SNS in one account and Region; tests make them smaller.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long a subscription may stay unconfirmed.
    pub unconfirmed_for: SignedDuration,
    /// How long the link of a confirmation mail works.
    pub token_valid_for: SignedDuration,
    /// More messages in a second than this send an email subscription back to be confirmed.
    pub emails_per_second: usize,
    /// How many topics there may be.
    pub topics: usize,
    /// How many subscriptions a topic may have.
    pub subscriptions: usize,
    /// How many filter policies a topic's subscriptions may have.
    pub filters: usize,
}

impl Default for Options {
    /// AWS's quotas.
    fn default() -> Self {
        Self {
            unconfirmed_for: SignedDuration::from_hours(48),
            token_valid_for: SignedDuration::from_hours(48),
            emails_per_second: 10,
            topics: 100_000,
            subscriptions: 12_500_000,
            filters: 200,
        }
    }
}

/// What SNS has sent from an account and Region.
#[derive(Clone, Debug, Default)]
pub struct Mailroom {
    /// The limits.
    pub options: Options,
    /// How many requests for a confirmation went out, by `topic-arn protocol endpoint`.
    pub confirmations: BTreeMap<String, u64>,
    /// What confirms a subscription.
    pub(super) tokens: BTreeMap<String, Token>,
    /// When an email subscription got its last messages, by its ARN.
    pub(super) meters: BTreeMap<String, VecDeque<Timestamp>>,
}

/// What confirms a subscription.
#[derive(Clone, Debug)]
pub(super) struct Token {
    /// The ARN of the topic.
    pub(super) topic: String,
    /// The id of the subscription.
    pub(super) id: String,
    /// When it was sent.
    pub(super) sent_at: Timestamp,
}

impl Mailroom {
    /// Whether the token still works.
    pub(super) fn valid(&self, token: &Token, now: Timestamp) -> bool {
        now.duration_since(token.sent_at) < self.options.token_valid_for
    }

    /// Notes that an email subscription gets a message; whether that is too many for one second.
    pub(super) fn floods(&mut self, arn: &str, now: Timestamp) -> bool {
        let limit = self.options.emails_per_second;
        let times = self.meters.entry(arn.to_owned()).or_default();
        while times.front().is_some_and(|at| now.duration_since(*at) >= SignedDuration::from_secs(1)) {
            times.pop_front();
        }
        if times.len() >= limit {
            self.meters.remove(arn);
            return true;
        }
        times.push_back(now);
        false
    }
}
