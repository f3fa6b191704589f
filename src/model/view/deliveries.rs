//! What CloudWatch counts of an alert's deliveries, as shown.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An alert's deliveries, as in `/api/v1/alerts`. Moments are beginnings of the periods of CloudWatch, five minutes long, or
/// an hour where they lie before the start of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryView {
    /// The alert.
    #[serde(skip)]
    pub alert: String,
    /// When an event last came through rule and topic to a subscriber.
    pub last_delivered_at: Option<Timestamp>,
    /// When EventBridge last could not hand over any event to the topic.
    pub last_failed_at: Option<Timestamp>,
    /// When SNS last could not bring any message to a subscriber.
    pub last_not_delivered_at: Option<Timestamp>,
    /// What was counted within the last hour.
    pub last_hour: DeliveryCounts,
    /// When CloudWatch was read.
    pub observed_at: Timestamp,
}

/// When an alert was last delivered, and when not, as in `/api/v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredView {
    /// The alert.
    pub alert: String,
    /// When an event last came through rule and topic to a subscriber.
    pub last_delivered_at: Option<Timestamp>,
    /// When EventBridge last could not hand over any event to the topic.
    pub last_failed_at: Option<Timestamp>,
    /// When SNS last could not bring any message to a subscriber.
    pub last_not_delivered_at: Option<Timestamp>,
}

impl From<&DeliveryView> for DeliveredView {
    fn from(view: &DeliveryView) -> Self {
        Self {
            alert: view.alert.clone(),
            last_delivered_at: view.last_delivered_at,
            last_failed_at: view.last_failed_at,
            last_not_delivered_at: view.last_not_delivered_at,
        }
    }
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DeliveryCounts {
    /// Events that the alert's rules handed to the topic, or could not.
    pub invocations: u64,
    /// Those that they could not.
    pub failed_invocations: u64,
    /// Those of them that lie in the dead-letter queue.
    pub dead_letters: u64,
    /// Those of them that it did not take either.
    pub lost_dead_letters: u64,
    /// Messages that the topic brought to its subscribers, whoever published them.
    pub notifications_delivered: u64,
    /// Those that it could not bring.
    pub notifications_failed: u64,
}
