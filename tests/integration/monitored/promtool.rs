//! What Prometheus would make of what was scraped: the series go on as they went, and `promtool` evaluates the rules of
//! `deploy/monitoring` over the hours that they take to fire.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::staged::Staged;

const RULES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/monitoring/alerts.yaml");
/// Longer than the longest that a rule waits.
const MINUTES: usize = 360;
/// So many scrapes, so far apart, tell which series move, and how fast.
const SCRAPES: usize = 3;
const APART: std::time::Duration = std::time::Duration::from_secs(2);

/// What was scraped at one moment.
struct Scrape {
    /// Seconds since the epoch.
    at: f64,
    values: BTreeMap<String, f64>,
}

/// What was scraped, as promtool's input.
pub(crate) struct Series(BTreeMap<String, String>);

impl Series {
    /// Scrapes a daemon some times.
    pub(crate) fn of(daemon: &Staged) -> Self {
        let mut scrapes = Vec::new();
        for n in 0..SCRAPES {
            if n > 0 {
                std::thread::sleep(APART);
            }
            scrapes.push(scrape(daemon));
        }
        let (first, last) = (&scrapes[0], &scrapes[SCRAPES - 1]);
        let seconds = last.at - first.at;
        let go_on = |(name, value): (&String, &f64)| {
            let before = first.values.get(name).copied();
            (name.clone(), going_on(name, before.unwrap_or(0.0), *value, seconds, last.at))
        };
        Self(last.values.iter().map(go_on).collect())
    }

    /// As if the daemon had been gone a few minutes after it was scraped.
    pub(crate) fn that_end(mut self) -> Self {
        for values in self.0.values_mut() {
            let first = values.split(['+', 'x']).next().unwrap_or_default().to_owned();
            *values = format!("{first}x5 stale");
        }
        self
    }

    /// Fails unless exactly the alerts that are named fire; of those in `also` it does not matter.
    pub(crate) fn fire(&self, alerts: &[&str], also: &[&str]) {
        let known = known();
        for named in alerts.iter().chain(also) {
            assert!(known.contains(*named), "{RULES} has no alert {named}");
        }
        let asked = known.iter().filter(|alert| !also.contains(&alert.as_str())).map(|alert| {
            let fires = u8::from(alerts.contains(&alert.as_str()));
            json!({
                "expr": format!("group(ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}) or vector(0)"),
                "eval_time": format!("{}m", MINUTES - 1),
                "exp_samples": [{ "labels": "{}", "value": fires }],
            })
        });
        let series: Vec<Value> =
            self.0.iter().map(|(series, values)| json!({ "series": series, "values": values })).collect();
        let test = json!({
            "rule_files": [RULES],
            "evaluation_interval": "1m",
            "tests": [{
                "interval": "1m", "input_series": series, "promql_expr_test": asked.collect::<Vec<_>>(),
            }],
        });
        let folder = TempDir::new().expect("a temporary directory can be made");
        let file = folder.path().join("tests.yaml");
        // JSON is YAML.
        fs::write(&file, test.to_string()).expect("our directory is writable");
        let output = Command::new("promtool").args(["test", "rules"]).arg(&file).output();
        let output = output.expect("this test needs promtool, of Debian's package `prometheus`");
        let said = [output.stdout, output.stderr].concat();
        let scraped: Vec<String> =
            self.0.iter().map(|(series, values)| format!("{series} {values}")).collect();
        assert!(
            output.status.success(),
            "{alerts:?} should fire and no other:\n{}\nover\n{}",
            String::from_utf8_lossy(&said),
            scraped.join("\n")
        );
    }
}

/// Every alert that there is.
pub(crate) fn known() -> BTreeSet<String> {
    let text = fs::read_to_string(RULES).expect("the rules are there");
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("- alert: "));
    names.map(str::to_owned).collect()
}

fn scrape(daemon: &Staged) -> Scrape {
    let (status, text) = daemon.ask(reqwest::Method::GET, "/metrics");
    assert_eq!(status, 200, "{text}");
    let at = jiff::Timestamp::now().as_duration().as_secs_f64();
    let value = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let comma = if labels == "}" { "" } else { "," };
        Some((format!("{name}{{instance=\"a\"{comma}{labels}"), value.parse().ok()?))
    };
    let lines = text.lines().filter(|line| !line.starts_with('#') && line.starts_with("orgwatch_"));
    let values: BTreeMap<String, f64> = lines.filter_map(value).collect();
    assert!(values.len() > 20, "{text}");
    Scrape { at, values }
}

/// The values of a series from the last scrape on, minute by minute, as promtool writes them. Its clock begins at 0 with
/// the last scrape, so moments are told from there.
fn going_on(series: &str, before: f64, value: f64, seconds: f64, at: f64) -> String {
    let name = series.split('{').next().unwrap_or_default();
    let a_second = (value - before) / seconds;
    let counts = ["_total", "_count", "_sum", "_bucket"].iter().any(|end| name.ends_with(end));
    let (value, a_minute) = if name.ends_with("_timestamp_seconds") {
        (value - at, if a_second > 0.0 { 60.0 } else { 0.0 })
    } else if name == "orgwatch_oldest_observation_age_seconds" {
        // It rises with the clock only where nothing is read any more.
        if a_second > 0.95 { (value, 60.0) } else { (value.max(before), 0.0) }
    } else if counts {
        (value, a_second.max(0.0) * 60.0)
    } else {
        (value, 0.0)
    };
    format!("{value:.3}+{a_minute:.3}x{MINUTES}")
}

#[test]
fn a_series_goes_on_as_it_went() {
    let on = |series: &str, before, value| going_on(series, before, value, 4.0, 1000.0);
    assert_eq!(on("orgwatch_holds{instance=\"a\"}", 0.0, 2.0), "2.000+0.000x360");
    assert_eq!(on("orgwatch_aws_errors_total{}", 10.0, 14.0), "14.000+60.000x360");
    assert_eq!(on("orgwatch_oldest_observation_age_seconds", 3.0, 7.0), "7.000+60.000x360");
    assert_eq!(on("orgwatch_oldest_observation_age_seconds", 3.0, 4.0), "4.000+0.000x360");
    assert_eq!(on("orgwatch_x_timestamp_seconds", 990.0, 994.0), "-6.000+60.000x360");
    assert_eq!(on("orgwatch_x_timestamp_seconds", 990.0, 990.0), "-10.000+0.000x360");
    assert_eq!(on("orgwatch_x_timestamp_seconds", 5000.0, 5000.0), "4000.000+0.000x360");
}
