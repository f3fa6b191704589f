//! Metrics by the conventions of Prometheus, in the OpenMetrics text format or in Prometheus's own.
//!
//! What the snapshot says is computed when it is asked for; only what happens between two snapshots is counted here.
//! No label carries an account: the API answers for single accounts, and a label for each would multiply every series.

mod certificate;
mod classic;
mod configuration;
mod deliveries;
mod guard;
mod resources;
mod suppressed;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry, Unit};
use tokio::sync::watch;

use crate::model::error::ErrorClass;
use crate::model::plan::Action;
use crate::model::resource::{KindName, Verdict};
use crate::model::target::Side;
use crate::model::view::Snapshot;
use crate::tls::Tls;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    service: &'static str,
    operation: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ErrorLabels {
    service: &'static str,
    operation: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SideLabels {
    side: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DriftLabels {
    kind: KindName,
    verdict: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RepairLabels {
    kind: KindName,
    action: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FailureLabels {
    kind: KindName,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QueueLabels {
    state: &'static str,
}

/// Everything that is measured, in a registry of its own.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    calls: Family<CallLabels, Counter>,
    errors: Family<ErrorLabels, Counter>,
    passes: Family<SideLabels, Histogram>,
    canaries: Histogram,
    drift_found: Family<DriftLabels, Counter>,
    repaired: Family<RepairLabels, Counter>,
    writes_failed: Family<FailureLabels, Counter>,
    queue: Family<QueueLabels, Gauge>,
    discovery_failures: Counter,
    discovery_success: Gauge<f64, AtomicU64>,
    /// The guard's.
    pub guard: guard::Guard,
    /// The configuration's.
    pub configuration: configuration::Configuration,
    certificate: certificate::Certificate,
}

/// How metrics are written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As Prometheus asks for it: counters are declared without the `_total` that their series end in.
    OpenMetrics,
    /// As every scraper and `promtool check metrics` reads it: each series under the name that is declared.
    Classic,
}

impl Format {
    /// The one that a client asks for with this Accept header: OpenMetrics where it is named.
    pub fn asked_for(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Classic }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

impl Metrics {
    /// Starts every counter at zero; gauges follow `snapshot`.
    pub fn new(snapshot: watch::Receiver<Arc<Snapshot>>) -> Self {
        // From a lookup over a warm connection to a first installation that waits for a fresh role.
        let durations = || Histogram::new([0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0]);
        let passes = Family::new_with_constructor(durations as fn() -> Histogram);
        let success = "When a complete listing of the organization last succeeded; 0 before the first";
        let mut r = Registry::with_prefix("orgwatch");
        let metrics = Self {
            calls: added(&mut r, "aws_calls", None, "Calls to AWS", Family::default()),
            errors: added(&mut r, "aws_errors", None, "Calls to AWS without success", Family::default()),
            passes: added(
                &mut r,
                "pass_duration",
                Some(Unit::Seconds),
                "Time of one pass over one target",
                passes,
            ),
            canaries: added(
                &mut r,
                "canary_duration",
                Some(Unit::Seconds),
                "From sending a canary in a member to its arrival",
                durations(),
            ),
            drift_found: added(&mut r, "drift_found", None, "Resources found not in sync", Family::default()),
            repaired: added(&mut r, "drift_repaired", None, "Changes made", Family::default()),
            writes_failed: added(
                &mut r,
                "writes_failed",
                None,
                "Changes tried without success",
                Family::default(),
            ),
            queue: added(&mut r, "queue_depth", None, "Targets in the queue", Family::default()),
            discovery_failures: added(
                &mut r,
                "discovery_failures",
                None,
                "Listings of the organization without success",
                Counter::default(),
            ),
            discovery_success: added(
                &mut r,
                "discovery_last_success_timestamp",
                Some(Unit::Seconds),
                success,
                Gauge::default(),
            ),
            guard: guard::Guard::new(&mut r),
            configuration: configuration::Configuration::new(&mut r),
            certificate: certificate::Certificate::default(),
            registry: Registry::default(),
        };
        r.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        r.register_collector(Box::new(resources::Resources(snapshot.clone())));
        r.register_collector(Box::new(deliveries::Deliveries(snapshot.clone())));
        r.register_collector(Box::new(suppressed::Suppressed(snapshot.clone())));
        r.register_collector(Box::new(metrics.certificate.clone()));
        r.register_collector(Box::new(FromSnapshot(snapshot)));
        Self { registry: r, ..metrics }
    }

    /// We serve with this; it is asked when its certificate ends whenever somebody reads the metrics.
    pub fn serving_with(&self, tls: Arc<Tls>) {
        // A process serves with one.
        let _already = self.certificate.0.set(tls);
    }

    /// One call to AWS ended, with or without an error.
    pub fn aws_call(&self, service: &'static str, operation: &'static str, error: Option<ErrorClass>) {
        self.calls.get_or_create(&CallLabels { service, operation }).inc();
        if let Some(class) = error {
            self.errors.get_or_create(&ErrorLabels { service, operation, class: class.label() }).inc();
        }
    }

    /// One pass over a target took `seconds`.
    pub fn pass(&self, side: Side, seconds: f64) {
        self.passes.get_or_create(&SideLabels { side: side_label(side) }).observe(seconds);
    }

    /// A canary came back `seconds` after it was sent.
    pub fn canary(&self, seconds: f64) {
        self.canaries.observe(seconds);
    }

    /// A pass saw a resource that is not in sync.
    pub fn drift_found(&self, kind: KindName, verdict: Verdict) {
        self.drift_found.get_or_create(&DriftLabels { kind, verdict: verdict.label() }).inc();
    }

    /// A change was made.
    pub fn repaired(&self, kind: KindName, action: Action) {
        let action = match action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        };
        self.repaired.get_or_create(&RepairLabels { kind, action }).inc();
    }

    /// A change was tried and did not succeed.
    pub fn write_failed(&self, kind: KindName, class: ErrorClass) {
        self.writes_failed.get_or_create(&FailureLabels { kind, class: class.label() }).inc();
    }

    /// The queue holds this many targets: due now, waiting for their time, being worked on.
    pub fn queue_depth(&self, due: usize, waiting: usize, running: usize) {
        for (state, depth) in [("due", due), ("waiting", waiting), ("running", running)] {
            let depth = i64::try_from(depth).unwrap_or(i64::MAX);
            self.queue.get_or_create(&QueueLabels { state }).set(depth);
        }
    }

    /// A listing of the organization ended at `at`, complete or not.
    pub fn discovery(&self, ok: bool, at: Timestamp) {
        if ok {
            self.discovery_success.set(at.as_duration().as_secs_f64());
        } else {
            self.discovery_failures.inc();
        }
    }

    /// All metrics as OpenMetrics.
    #[expect(clippy::expect_used, reason = "writing to a string does not fail, and neither do our metrics")]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        text::encode(&mut text, &self.registry).expect("metrics are encoded into memory");
        text
    }

    /// All metrics in this format.
    pub fn encode_as(&self, format: Format) -> String {
        match format {
            Format::OpenMetrics => self.encode(),
            Format::Classic => classic::of(&self.encode()),
        }
    }
}

/// Registers `metric` and gives it back.
fn added<M: Metric + Clone>(
    registry: &mut Registry,
    name: &str,
    unit: Option<Unit>,
    help: &str,
    metric: M,
) -> M {
    match unit {
        Some(unit) => registry.register_with_unit(name, help, unit, metric.clone()),
        None => registry.register(name, help, metric.clone()),
    }
    metric
}

fn side_label(side: Side) -> &'static str {
    match side {
        Side::Central => "central",
        Side::Member => "member",
        Side::Audit => "audit",
    }
}

/// The gauges that follow from the latest snapshot.
#[derive(Debug)]
struct FromSnapshot(watch::Receiver<Arc<Snapshot>>);

impl Collector for FromSnapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let snapshot = self.0.borrow().clone();
        let accounts = snapshot.account_counts();
        let accounts = [
            ("in_sync", accounts.in_sync),
            ("pending", accounts.pending),
            ("orphan", accounts.orphan),
            ("unknown", accounts.unknown),
            ("drifted", accounts.drifted),
            ("foreign", accounts.foreign),
            ("excluded", accounts.excluded),
            ("inactive", accounts.inactive),
        ];
        let help = "Accounts by verdict; excluded and inactive ones have none and are counted as such.";
        family(&mut encoder, "accounts", help, "verdict", accounts)?;

        let coverage = snapshot.coverage_counts();
        let coverage = [
            ("proven", coverage.proven),
            ("configured", coverage.configured),
            ("pending", coverage.pending),
            ("broken", coverage.broken),
            ("unknown", coverage.unknown),
            ("uncovered", coverage.uncovered),
        ];
        let help = "Accounts by coverage, inactive ones left out; proven and configured ones are covered.";
        family(&mut encoder, "coverage_accounts", help, "coverage", coverage)?;

        let mut holds: BTreeMap<&str, usize> = BTreeMap::new();
        for hold in &snapshot.holds {
            *holds.entry(hold.reason).or_default() += 1;
        }
        if let Some(hold) = &snapshot.wrong_place {
            holds.entry(hold.reason).or_insert(1);
        }
        family(&mut encoder, "holds", "Changes that are planned and held.", "reason", holds)?;

        let modes = ["observe", "enforce"].map(|m| (m, usize::from(m == snapshot.mode)));
        family(&mut encoder, "mode", "1 for the mode that is in force.", "mode", modes)?;

        if let Some([proven, unproven, missing]) = snapshot.canary_rules {
            let rules = [("proven", proven), ("unproven", unproven), ("missing", missing)];
            let help = "Sender rules by whether their canaries come back.";
            family(&mut encoder, "canary_rules", help, "standing", rules)?;
        }

        let in_sync = f64::from(u8::from(snapshot.central.verdict == Verdict::InSync));
        gauge(&mut encoder, "central_in_sync", "Whether the receiving side is in sync.", None, in_sync)?;
        if let Some(letters) = &snapshot.dead_letters {
            #[expect(clippy::cast_precision_loss, reason = "far fewer than a float counts")]
            let count = letters.summary.letters as f64;
            let help = "Events in dead-letter queues, as they were last looked through.";
            gauge(&mut encoder, "dead_letters", help, None, count)?;
        }
        if let Some(age) = snapshot.oldest_observation_age(Timestamp::now()) {
            let help = "Age of the oldest reading of any target.";
            gauge(&mut encoder, "oldest_observation_age", help, Some(&Unit::Seconds), age)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    value: f64,
) -> Result<(), std::fmt::Error> {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?)
}

fn family(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    counts: impl IntoIterator<Item = (&'static str, usize)>,
) -> Result<(), std::fmt::Error> {
    let mut series = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (value, count) in counts {
        ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX))
            .encode(series.encode_family(&[(label, value)])?)?;
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::fixture;
    use crate::model::plan::Hold;

    pub(super) fn metrics() -> (watch::Sender<Arc<Snapshot>>, Metrics) {
        let (sender, receiver) =
            watch::channel(Arc::new(fixture::snapshot("2026-11-20T12:00:00Z".parse().unwrap())));
        (sender, Metrics::new(receiver))
    }

    pub(super) fn all_used(metrics: &Metrics) {
        let at = "2026-11-20T12:00:00Z".parse().unwrap();
        for error in [None, Some(ErrorClass::Denied), Some(ErrorClass::Throttled)] {
            metrics.aws_call("events", "PutRule", error);
        }
        metrics.aws_call("sts", "AssumeRole", None);
        metrics.pass(Side::Member, 0.3);
        metrics.pass(Side::Central, 200.0);
        metrics.canary(1.5);
        metrics.drift_found("sender_rule", Verdict::Drifted);
        metrics.repaired("sender_rule", Action::Update);
        metrics.write_failed("topic", ErrorClass::Denied);
        metrics.queue_depth(1, 2, 3);
        metrics.discovery(true, at);
        metrics.discovery(false, at);
    }

    #[test]
    fn what_happened_is_counted_by_its_labels() {
        let (_sender, metrics) = metrics();
        all_used(&metrics);
        let text = metrics.encode();
        for line in [
            r#"orgwatch_aws_calls_total{service="events",operation="PutRule"} 3"#,
            r#"orgwatch_aws_errors_total{service="events",operation="PutRule",class="denied"} 1"#,
            r#"orgwatch_pass_duration_seconds_bucket{le="0.5",side="member"} 1"#,
            r#"orgwatch_pass_duration_seconds_bucket{le="120.0",side="central"} 0"#,
            r#"orgwatch_pass_duration_seconds_count{side="central"} 1"#,
            r#"orgwatch_drift_found_total{kind="sender_rule",verdict="drifted"} 1"#,
            r#"orgwatch_drift_repaired_total{kind="sender_rule",action="update"} 1"#,
            r#"orgwatch_writes_failed_total{kind="topic",class="denied"} 1"#,
            r#"orgwatch_queue_depth{state="waiting"} 2"#,
            "orgwatch_discovery_failures_total 1",
            "orgwatch_discovery_last_success_timestamp_seconds 1795176000.0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
    }

    #[test]
    fn gauges_follow_the_snapshot_without_being_told() {
        let (sender, metrics) = metrics();
        let before = metrics.encode();
        for line in [
            r#"orgwatch_accounts{verdict="in_sync"} 2"#,
            r#"orgwatch_accounts{verdict="inactive"} 1"#,
            r#"orgwatch_coverage_accounts{coverage="broken"} 2"#,
            r#"orgwatch_holds{reason="ChangedAccountsLimit"} 1"#,
            r#"orgwatch_mode{mode="enforce"} 1"#,
            r#"orgwatch_mode{mode="observe"} 0"#,
            r#"orgwatch_canary_rules{standing="unproven"} 1"#,
            "orgwatch_config_last_reload_successful 1",
            "orgwatch_central_in_sync 0.0",
            concat!("orgwatch_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(before.lines().any(|l| l == line), "{line}\n{before}");
        }
        assert!(before.contains("orgwatch_oldest_observation_age_seconds "));
        sender.send_modify(|snapshot| {
            let snapshot = Snapshot::edited(snapshot);
            snapshot.accounts.clear();
            snapshot.central.targets.clear();
            snapshot.central.verdict = Verdict::InSync;
            snapshot.mode = "observe";
            snapshot.holds.clear();
            let message = "these credentials are of another organization".to_owned();
            snapshot.wrong_place = Some(Hold { reason: "WrongOrganization", message, waits: false });
        });
        let after = metrics.encode();
        assert!(after.contains("orgwatch_accounts{verdict=\"in_sync\"} 0\n"));
        assert!(after.contains("orgwatch_central_in_sync 1.0\n"));
        assert!(after.contains("orgwatch_mode{mode=\"observe\"} 1\n"));
        assert!(after.contains("orgwatch_holds{reason=\"WrongOrganization\"} 1\n"));
        assert!(!after.contains("orgwatch_oldest_observation_age_seconds "));
    }

    #[test]
    fn the_text_is_well_formed_names_no_account_and_has_no_series_twice() {
        let (_sender, metrics) = metrics();
        all_used(&metrics);
        let text = metrics.encode();
        assert!(text.ends_with("# EOF\n"));
        let (mut types, mut series) = (BTreeSet::new(), BTreeSet::new());
        for line in text.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                assert!(types.insert(declared.split(' ').next().unwrap()), "declared twice: {declared}");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert!(series.insert(name), "there twice: {name}");
                assert!(name.starts_with("orgwatch_"), "{name}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(types.iter().any(|t| name.starts_with(t)), "undeclared: {name}");
                assert!(!name.contains("33333333"), "an account in a label: {name}");
            }
        }
        assert!(series.len() > 40, "{}", series.len());
    }
}
