//! HTTP while passes go on at their usual pace, the server on one processor.

use serde_json::{Value, json};
use tokio::process::Command;

use super::figure;
use crate::options::Options;
use crate::role::Role;
use crate::role::load::{Answers, Ask};
use crate::stage::daemon::Serving;
use crate::stage::{Stage, Wish};
use crate::table::Table;
use crate::usage;

const PER_SECOND: u32 = 200;
const SECONDS: u32 = 30;
/// The default of `reconcile.resync_interval`, in seconds.
const RESYNC: f64 = 1800.0;

pub(super) async fn run(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    let stage = Stage::installed(options.large, wish).await?;
    // The server has a processor, and all others share the other one.
    keep_to("1", stage.simulator()?.pid).await?;
    let mut serving = Serving::start(&stage, wish, &["taskset", "-c", "0"]).await?;
    serving.resynced().await?;
    let ask = Ask {
        url: serving.url.clone(),
        paths: vec!["/api/v1/status".to_owned(), "/api/v1/accounts".to_owned()],
        per_second: PER_SECOND,
        seconds: SECONDS,
        wake: Vec::new(),
        // After a start all accounts are due at almost the same time; this is the pace in the long run.
        wakes_per_second: figure(options.large) / RESYNC,
    };
    let awake = ask.wakes_per_second * f64::from(SECONDS);
    let due = stage.ready.accounts.iter().zip(0..).take_while(|(_, place)| f64::from(*place) < awake);
    let due: Vec<String> = due.map(|(account, _)| account.clone()).collect();
    let mut table = Table::new(format!(
        "HTTP at {PER_SECOND} requests/s, server on one processor, ms from when a request was due"
    ));
    // With nothing to do but answer, and with passes.
    for (what, wake) in [("no passes", Vec::new()), ("resync at the default pace", due)] {
        let cpu = usage::cpu_seconds(serving.pid()?)?;
        let role = Role::Load(Ask { wake, ..ask.clone() });
        let mut command = Command::new("taskset");
        command
            .args(["-c", "1"])
            .arg(std::env::current_exe()?)
            .arg("--role")
            .arg(serde_json::to_string(&role)?);
        let Answers { by_path, failures } = stage.output(command).await?;
        let (resident, peak) = usage::memory(serving.pid()?)?;
        let busy = (usage::cpu_seconds(serving.pid()?)? - cpu) / f64::from(SECONDS);
        for (path, mut took) in by_path {
            took.sort_by(f64::total_cmp);
            table.row([
                ("accounts", json!(options.large)),
                ("while", json!(what)),
                ("path", json!(path)),
                ("requests", json!(took.len())),
                ("failures", json!(failures)),
                ("p50 ms", quantile(&took, 0.5)),
                ("p99 ms", quantile(&took, 0.99)),
                ("highest ms", quantile(&took, 1.0)),
                ("server's CPU %", json!(busy * 100.0)),
                ("resident MiB", json!(resident)),
                ("peak MiB", json!(peak)),
            ]);
        }
    }
    serving.stop().await?;
    Ok(table)
}

/// Keeps a running process with all its threads to one processor.
async fn keep_to(processor: &str, pid: u32) -> anyhow::Result<()> {
    let done = Command::new("taskset").args(["-a", "-c", "-p", processor, &pid.to_string()]).output().await?;
    anyhow::ensure!(done.status.success(), "taskset: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// The figure that this part of all does not exceed.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list that fits into memory"
)]
fn quantile(sorted: &[f64], part: f64) -> Value {
    let place = (figure(sorted.len()) * part).ceil() as usize;
    json!(place.checked_sub(1).and_then(|place| sorted.get(place)))
}
