//! When the certificate ends that we serve with.

use std::sync::{Arc, OnceLock};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::tls::Tls;

/// What we serve with; nothing is told without TLS.
#[derive(Clone, Debug, Default)]
pub(super) struct Certificate(pub(super) Arc<OnceLock<Arc<Tls>>>);

impl Collector for Certificate {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(ends) = self.0.get().and_then(|tls| tls.ends()) else { return Ok(()) };
        let help = "When the first of the certificates ends that are served with";
        let name = "certificate_expiry_timestamp";
        let series = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Gauge)?;
        ConstGauge::new(ends.as_second()).encode(series)
    }
}
