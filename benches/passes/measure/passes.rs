//! Full resyncs of an organization in sync: the product beside two references, and how all of them grow.

use std::time::Duration;

use serde_json::json;

use super::figure;
use crate::options::Options;
use crate::role::product::Work;
use crate::role::{Lap, Report};
use crate::stage::{Stage, Wish};
use crate::table::Table;

pub(super) async fn run(options: &Options) -> anyhow::Result<Table> {
    let mut table =
        Table::new("Full resync of accounts in sync; warm: sessions are held, cold: right after the start");
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    for accounts in &options.accounts {
        let stage = Stage::installed(*accounts, wish).await?;
        for latency in &options.latency {
            stage.latency(*latency).await?;
            // They take turns, so that a machine that others use as well is as busy for one as for the other.
            let (mut bare, mut daemon, mut walk) = (Vec::new(), Vec::new(), Vec::new());
            for _ in 0..options.rounds {
                bare.push(stage.bare(options).await?);
                daemon.push(stage.product(wish, Work::Daemon).await?);
                walk.push(stage.product(wish, Work::Walk).await?);
            }
            let mut lines =
                vec![("bare loop", bare), ("orgwatch, daemon", daemon), ("orgwatch, command", walk)];
            if let Some(python) = options.python.as_ref().filter(|_| *accounts <= options.python_accounts) {
                lines.push(("Python and boto3", vec![stage.script(python, options).await?]));
            }
            for (who, reports) in &lines {
                add(&mut table, *accounts, *latency, who, reports, &lines[0].1)?;
            }
        }
        stage.latency(Duration::ZERO).await?;
    }
    Ok(table)
}

fn add(
    table: &mut Table,
    accounts: usize,
    latency: Duration,
    who: &str,
    reports: &[Report],
    bare: &[Report],
) -> anyhow::Result<()> {
    for name in ["cold", "warm"] {
        let Some(each) = laps(reports, name) else { continue };
        let seconds = median(&each, |lap| lap.seconds);
        let reference = laps(bare, name).map(|laps| median(&laps, |lap| lap.seconds));
        let milliseconds = |figures: f64| figures * 1000.0 / figure(accounts);
        table.row([
            ("accounts", json!(accounts)),
            ("latency", json!(humantime::format_duration(latency).to_string())),
            ("who", json!(who)),
            ("resync", json!(name)),
            ("s", json!(seconds)),
            ("accounts/s", json!(figure(accounts) / seconds)),
            ("of bare", json!(reference.map(|reference| reference / seconds))),
            ("calls/account", json!(median(&each, |lap| lap.calls as f64) / figure(accounts))),
            ("CPU ms/account", json!(milliseconds(median(&each, |lap| lap.cpu_seconds)))),
            ("AWS's CPU ms/account", json!(milliseconds(median(&each, |lap| lap.simulator_cpu_seconds)))),
            ("peak MiB", json!(reports.iter().map(|report| report.peak_mib).fold(0.0, f64::max))),
        ]);
    }
    Ok(())
}

/// The sections of that name; none if there are none.
fn laps<'a>(reports: &'a [Report], name: &str) -> Option<Vec<&'a Lap>> {
    reports.iter().map(|report| report.lap(name).ok()).collect()
}

fn median(laps: &[&Lap], figure: impl Fn(&Lap) -> f64) -> f64 {
    let mut figures: Vec<f64> = laps.iter().map(|lap| figure(lap)).collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
