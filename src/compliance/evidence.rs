//! What an audit is judged by: what was read of trails, log groups, filters, alarms and topics. What could not be seen is
//! kept as such.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::filter::Normal;
use crate::model::alarm::MetricAlarm;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, Region};
use crate::model::metric_filter::MetricFilter;
use crate::model::partition::Partition;
use crate::trail::Reading;

/// Why something could not be seen, and what would help.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unseen {
    /// Why.
    pub message: String,
    /// What to do.
    pub advice: String,
}

impl Unseen {
    /// Something that was not seen, for this reason.
    pub fn new(message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { message: message.into(), advice: advice.into() }
    }

    /// A call that failed. Ids of accounts and requests, which differ from account to account, are left out.
    pub fn of(error: &CloudError) -> Self {
        let CloudError { service, operation, code, hint, .. } = error;
        Self::new(format!("{service}:{operation} was answered with {code}"), hint.clone())
    }
}

/// What a look told. What could not be seen is not missing.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen<T> {
    /// It is there.
    There(T),
    /// AWS says that it is not.
    Missing,
    /// It could not be seen.
    Unseen(Unseen),
}

impl<T> Seen<T> {
    /// What an answer tells, an error that says "not found" included.
    pub fn of(answer: Result<T, CloudError>) -> Self {
        match answer {
            Ok(there) => Self::There(there),
            Err(error) if error.class == ErrorClass::NotFound => Self::Missing,
            Err(error) => Self::Unseen(Unseen::of(&error)),
        }
    }
}

/// An alarm with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Alarm {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it is.
    pub alarm: MetricAlarm,
}

/// A metric filter with the alarms on its metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// Its name.
    pub name: String,
    /// What it is.
    pub filter: MetricFilter,
    /// What it counts, by its meaning.
    pub normal: Arc<Normal>,
    /// The alarms on its metric; empty where no theme has its pattern, so that nobody asked.
    pub alarms: Seen<Vec<Alarm>>,
}

/// A log group with its metric filters.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its filters.
    pub filters: Vec<Filter>,
    /// When they were read.
    pub observed_at: Timestamp,
}

/// The subscriptions of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subscriptions {
    /// Those that somebody confirmed.
    pub confirmed: usize,
    /// Those that nobody confirmed yet.
    pub pending: usize,
}

/// What an account forwards, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Watched {
    /// By watch, the Regions that have its sender rule, or that of one around it.
    pub watches: BTreeMap<String, BTreeSet<Region>>,
    /// The Regions that the account has enabled and in which we may work; none: nobody could read them.
    pub enabled: Option<BTreeSet<Region>>,
}

/// What was seen of the trails of an account.
pub type Trails = Result<Arc<Vec<Reading>>, Unseen>;

/// What an account's controls are judged by, besides its coverage.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its trails.
    pub trails: Trails,
    /// What it forwards. Thousands of accounts share a few of them.
    pub watched: Arc<Watched>,
}

/// Everything that an audit is judged by, besides the accounts' coverage.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// Where all of this is.
    pub partition: Partition,
    /// Whether the configuration keeps us from working in some Regions.
    pub regions_limited: bool,
    /// The accounts that are wanted.
    pub accounts: BTreeMap<AccountId, Account>,
    /// Log groups by ARN.
    pub groups: BTreeMap<String, Seen<Group>>,
    /// Topics by ARN.
    pub topics: BTreeMap<String, Seen<Subscriptions>>,
    /// When it was read.
    pub observed_at: Timestamp,
}
