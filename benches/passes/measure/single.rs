//! Budgets of one situation each: a cold start, a first install, a watch in every Region.

use std::time::Duration;

use serde_json::{Value, json};

use super::figure;
use crate::options::Options;
use crate::role::Report;
use crate::role::product::Work;
use crate::stage::{Stage, Wish};
use crate::table::Table;

/// The Regions that every account has without asking for them.
const REGIONS: [&str; 17] = [
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Right after the start, with nothing held: every account in sync is seen for the first time.
pub(super) async fn cold(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    let stage = Stage::installed(options.large, wish).await?;
    stage.latency(Duration::from_millis(20)).await?;
    stage.quotas().await?;
    let report = stage.product(wish, Work::Converge).await?;
    let title = "Cold start: every account in sync is seen for the first time; 20 ms latency, quotas on";
    table(title, &stage, options.large, &report).await
}

/// From accounts that have the member role and nothing else to all seen in sync.
pub(super) async fn install(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    let stage = Stage::start(options.large).await?;
    stage.latency(Duration::from_millis(20)).await?;
    stage.quotas().await?;
    let report = stage.product(wish, Work::Converge).await?;
    let title =
        "First install: empty accounts until all were seen in sync; 20 ms latency, quotas on, IAM pacing off";
    table(title, &stage, options.large, &report).await
}

/// Half as many accounts, with the watch in every Region.
pub(super) async fn regions(options: &Options) -> anyhow::Result<Table> {
    let one = Wish { concurrency: options.concurrency, ..Wish::default() };
    let wish = Wish { regions: &REGIONS, ..one };
    let accounts = options.large / 2;
    // First where the roles are kept: a rule that names a role that is not there yet is refused until the next resync.
    let stage = Stage::installed(accounts, one).await?;
    stage.product(wish, Work::Converge).await?;
    stage.latency(Duration::from_millis(50)).await?;
    let report = stage.product(wish, Work::Daemon).await?;
    let title = format!("{} Regions, one watch in each; 50 ms latency", REGIONS.len());
    table(&title, &stage, accounts, &report).await
}

async fn table(title: &str, stage: &Stage, accounts: usize, report: &Report) -> anyhow::Result<Table> {
    let mut table = Table::new(title);
    let counters = stage.counters().await?;
    let exceeded =
        counters.get("quota_exceeded").filter(|all| all.as_object().is_some_and(|all| !all.is_empty()));
    for lap in &report.laps {
        table.row([
            ("accounts", json!(accounts)),
            ("what", json!(lap.name)),
            ("s", json!(lap.seconds)),
            ("accounts/s", json!(figure(accounts) / lap.seconds)),
            ("calls/account", json!(lap.calls as f64 / figure(accounts))),
            ("CPU s", json!(lap.cpu_seconds)),
            ("AWS's CPU s", json!(lap.simulator_cpu_seconds)),
            ("peak MiB", json!(report.peak_mib)),
            ("quotas exceeded", exceeded.map_or(json!(0), Value::clone)),
        ]);
    }
    Ok(table)
}
