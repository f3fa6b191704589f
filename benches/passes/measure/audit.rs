//! The real program's audit of everybody: a pass over the organization, what it reads besides, and the report.

use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::figure;
use crate::options::Options;
use crate::stage::{Stage, Wish};
use crate::table::Table;
use crate::usage;

/// The one with the most controls that a metric filter and an alarm must meet.
const STANDARD: &str = "cis-1.4";
/// How often the process is asked what it has used. It cannot be asked after its end: what it uses in its last moments is
/// not counted.
const PACE: Duration = Duration::from_millis(2);

/// What a process used until it ended.
#[derive(Debug, Default)]
struct Used {
    seconds: f64,
    cpu_seconds: f64,
    peak_mib: f64,
}

pub(super) async fn run(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, alarms: true, ..Wish::default() };
    let accounts = options.large / 2;
    let stage = Stage::installed(accounts, wish).await?;
    stage.confirm().await?;
    let mut table = Table::new(format!(
        "`orgwatch audit --standard {STANDARD} --json`: one trail for all, everything in its place"
    ));
    for latency in &options.latency {
        stage.latency(*latency).await?;
        for _ in 0..options.rounds {
            let before = calls(&stage).await?;
            let (used, report) = audit(&stage, wish).await?;
            let made = calls(&stage).await? - before;
            table.row([
                ("accounts", json!(accounts)),
                ("latency", json!(humantime::format_duration(*latency).to_string())),
                ("s", json!(used.seconds)),
                ("calls", json!(made)),
                ("calls/account", json!(made as f64 / figure(accounts))),
                ("CPU s", json!(used.cpu_seconds)),
                ("peak MiB", json!(used.peak_mib)),
                ("report, KiB", json!(report.len() / 1024)),
                ("met, unmet, unknown", json!(counts(&report)?)),
            ]);
        }
    }
    Ok(table)
}

/// Runs the program to its end; what it used, and what it printed.
async fn audit(stage: &Stage, wish: Wish<'_>) -> anyhow::Result<(Used, String)> {
    let (report, errors) = (stage.file("report.json"), stage.file("audit.log"));
    let began = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_orgwatch"))
        .arg("--config")
        .arg(stage.config(wish)?)
        .args(["audit", "--standard", STANDARD, "--json"])
        .env_clear()
        .envs(stage.environment())
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(&report)?)
        .stderr(std::fs::File::create(&errors)?)
        .kill_on_drop(true)
        .spawn()?;
    let pid = process.id().context("it has ended before it began")?;
    let mut used = Used::default();
    let ended = loop {
        if let Some(ended) = process.try_wait()? {
            break ended;
        }
        // Between its end and the moment in which that is seen there is nothing to read.
        if let (Ok(cpu_seconds), Ok((_, peak_mib))) = (usage::cpu_seconds(pid), usage::memory(pid)) {
            used = Used { cpu_seconds, peak_mib, ..used };
        }
        sleep(PACE).await;
    };
    used.seconds = began.elapsed().as_secs_f64();
    anyhow::ensure!(ended.success(), "audit: {ended}\n{}", std::fs::read_to_string(errors)?);
    Ok((used, std::fs::read_to_string(report)?))
}

/// How many calls AWS has answered.
async fn calls(stage: &Stage) -> anyhow::Result<u64> {
    stage.counters().await?.get("calls").and_then(Value::as_u64).context("no counter")
}

/// How many controls of accounts stand how.
fn counts(report: &str) -> anyhow::Result<String> {
    let report: Value = serde_json::from_str(report)?;
    let counts = report.get("counts").context("no counts")?;
    let count = |status: &str| counts.get(status).and_then(Value::as_u64).context("a count is missing");
    Ok(format!("{}, {}, {}", count("met")?, count("unmet")?, count("unknown")?))
}
