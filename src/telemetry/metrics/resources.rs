//! Single resources that are not as they should be, and remarks about those that are: how many, by kind and reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::sync::watch;

use crate::model::view::Snapshot;

/// The gauges on resources that follow from the latest snapshot.
#[derive(Debug)]
pub(super) struct Resources(pub(super) watch::Receiver<Arc<Snapshot>>);

impl Collector for Resources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let snapshot = self.0.borrow().clone();
        let mut drift: BTreeMap<_, i64> = BTreeMap::new();
        for (_, resource) in snapshot.drift() {
            let place = (resource.id.kind, resource.verdict.label(), resource.reason.unwrap_or(""));
            *drift.entry(place).or_default() += 1;
        }
        let help = "Resources that are not in sync, with the reason where the verdict alone does not say it";
        let counts = drift.into_iter().map(|((kind, verdict, reason), n)| {
            ([("kind", kind), ("verdict", verdict), ("reason", reason)], n)
        });
        family(&mut encoder, "drift", help, counts)?;

        let mut notes: BTreeMap<_, i64> = BTreeMap::new();
        for note in snapshot.targets().flat_map(|t| &t.resources).flat_map(|r| &r.notes) {
            *notes.entry(note.reason).or_default() += 1;
        }
        let help = "Remarks about resources that are no drift, such as SubscriptionPending";
        family(&mut encoder, "notes", help, notes.into_iter().map(|(reason, n)| ([("reason", reason)], n)))
    }
}

fn family<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    counts: impl IntoIterator<Item = (L, i64)>,
) -> Result<(), std::fmt::Error> {
    let mut series = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, count) in counts {
        ConstGauge::new(count).encode(series.encode_family(&labels)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::fixture;
    use crate::telemetry::metrics::Metrics;

    #[test]
    fn resources_are_counted_by_what_is_wrong_with_them_and_what_is_remarked() {
        let snapshot = fixture::snapshot("2026-11-20T12:00:00Z".parse().unwrap());
        let drift = snapshot.drift().count();
        let notes = snapshot.targets().flat_map(|t| &t.resources).map(|r| r.notes.len()).sum::<usize>();
        assert!(drift > 0 && notes > 0);
        let (_sender, receiver) = watch::channel(Arc::new(snapshot));
        let text = Metrics::new(receiver).encode();
        let total = |name: &str| -> f64 {
            text.lines()
                .filter(|line| line.starts_with(name))
                .map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap())
                .sum()
        };
        assert_eq!(total("orgwatch_drift{"), drift as f64, "{text}");
        assert_eq!(total("orgwatch_notes{"), notes as f64, "{text}");
        let pending = r#"orgwatch_notes{reason="SubscriptionPending"} 1"#;
        assert!(text.lines().any(|line| line == pending), "{text}");
    }
}
