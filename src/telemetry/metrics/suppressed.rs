//! What alerts do not deliver on purpose.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::sync::watch;

use crate::config::SuppressState;
use crate::model::view::Snapshot;

/// What follows from the latest snapshot: a line for each alert that has suppressions.
#[derive(Debug)]
pub(super) struct Suppressed(pub(super) watch::Receiver<Arc<Snapshot>>);

impl Collector for Suppressed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let snapshot = self.0.borrow().clone();
        if snapshot.suppressed.is_empty() {
            return Ok(());
        }
        let help = "Events that an alert did not deliver, as its suppressions ask";
        let mut series = encoder.encode_descriptor("hidden_events", help, None, MetricType::Counter)?;
        for alert in &snapshot.suppressed {
            let labels = [("alert", alert.alert.as_str())];
            ConstCounter::new(alert.events).encode(series.encode_family(&labels)?)?;
        }
        let help = "Suppressions of an alert by how they stand";
        let mut series = encoder.encode_descriptor("suppressions", help, None, MetricType::Gauge)?;
        for alert in &snapshot.suppressed {
            for state in SuppressState::ALL {
                let count = alert.suppressions.iter().filter(|s| s.state == state).count();
                let labels = [("alert", alert.alert.as_str()), ("state", state.label())];
                ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
                    .encode(series.encode_family(&labels)?)?;
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
    fn what_alerts_do_not_deliver_is_counted_and_who_asked_for_it_too() {
        let snapshot = fixture::snapshot("2026-11-20T12:00:00Z".parse().unwrap());
        let (sender, receiver) = watch::channel(Arc::new(snapshot.clone()));
        let metrics = Metrics::new(receiver);
        let text = metrics.encode();
        for wanted in [
            "orgwatch_hidden_events_total{alert=\"iam-changes\"} 17",
            "orgwatch_suppressions{alert=\"iam-changes\",state=\"active\"} 0",
            "orgwatch_suppressions{alert=\"iam-changes\",state=\"ends_soon\"} 1",
        ] {
            assert!(text.lines().any(|line| line == wanted), "{wanted} is not in\n{text}");
        }
        sender.send_replace(Arc::new(Snapshot { suppressed: Vec::new(), ..snapshot }));
        let text = metrics.encode();
        assert!(
            !text.contains("orgwatch_hidden_events") && !text.contains("orgwatch_suppressions"),
            "{text}"
        );
    }
}
