//! What CloudWatch counts of alerts' deliveries.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use tokio::sync::watch;

use crate::model::view::{DeliveryCounts, Snapshot};

/// What follows from the latest snapshot: a line for each alert of which something was read.
#[derive(Debug)]
pub(super) struct Deliveries(pub(super) watch::Receiver<Arc<Snapshot>>);

/// What is counted within an hour: the name of the series, its help, the figure.
type Series = (&'static str, &'static str, fn(&DeliveryCounts) -> u64);

const LAST_HOUR: [Series; 3] = [
    (
        "alert_failed_invocations",
        "Events of the last hour that EventBridge could not hand to the alert's topic",
        |counts| counts.failed_invocations,
    ),
    (
        "alert_lost_dead_letters",
        "Events of the last hour that the dead-letter queue of the alert's rules did not take either",
        |counts| counts.lost_dead_letters,
    ),
    (
        "alert_failed_notifications",
        "Messages of the last hour that the alert's topic could not bring to a subscriber",
        |counts| counts.notifications_failed,
    ),
];

impl Collector for Deliveries {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let snapshot = self.0.borrow().clone();
        if snapshot.deliveries.is_empty() {
            return Ok(());
        }
        let help = "When an event last came through the alert's rule and topic to a subscriber";
        let name = "alert_last_delivery_timestamp";
        let mut series = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        for alert in &snapshot.deliveries {
            if let Some(at) = alert.last_delivered_at {
                let labels = [("alert", alert.alert.as_str())];
                ConstGauge::new(at.as_second()).encode(series.encode_family(&labels)?)?;
            }
        }
        for (name, help, count) in LAST_HOUR {
            let mut series = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for alert in &snapshot.deliveries {
                let labels = [("alert", alert.alert.as_str())];
                let counted = i64::try_from(count(&alert.last_hour)).unwrap_or(i64::MAX);
                ConstGauge::new(counted).encode(series.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fixture;
    use crate::telemetry::metrics::Metrics;

    #[test]
    fn each_alert_has_its_figures_as_soon_as_something_was_read() {
        let snapshot = fixture::snapshot("2026-11-20T12:00:00Z".parse().unwrap());
        let (sender, receiver) = watch::channel(Arc::new(snapshot.clone()));
        let metrics = Metrics::new(receiver);
        let text = metrics.encode();
        for wanted in [
            "orgwatch_alert_last_delivery_timestamp_seconds{alert=\"iam-changes\"} 1795173600",
            "orgwatch_alert_failed_invocations{alert=\"iam-changes\"} 0",
            "orgwatch_alert_failed_notifications{alert=\"iam-changes\"} 1",
        ] {
            assert!(text.lines().any(|line| line == wanted), "{wanted} is not in\n{text}");
        }
        sender.send_replace(Arc::new(Snapshot { deliveries: Vec::new(), ..snapshot }));
        assert!(!metrics.encode().contains("orgwatch_alert_"));
    }
}
