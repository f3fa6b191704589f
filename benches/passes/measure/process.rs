//! Start and stop of the real program.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::options::Options;
use crate::stage::daemon::Serving;
use crate::stage::{Stage, Wish};
use crate::table::Table;

/// How slow AWS is when the stop comes: as usual, and so slow that running passes cannot end in time.
const LATENCIES: [Duration; 2] = [Duration::from_millis(20), Duration::from_secs(5)];
/// After this discovery is over and the first passes are under way, which go on for longer than this at the pace of
/// AssumeRole.
const UNDER_WAY: Duration = Duration::from_secs(3);

pub(super) async fn run(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    let stage = Stage::installed(options.large, wish).await?;
    let mut table = Table::new("Start and stop of `serve`, stopped during the first passes");
    for latency in LATENCIES {
        for _ in 0..options.rounds {
            stage.latency(Duration::ZERO).await?;
            let mut serving = Serving::start(&stage, wish, &[]).await?;
            sleep(UNDER_WAY).await;
            stage.latency(latency).await?;
            sleep(Duration::from_secs(1)).await;
            let verdicts = serving.status().await?["accounts"].clone();
            let told = Instant::now();
            let status = serving.stop().await?;
            table.row([
                ("accounts", json!(options.large)),
                ("latency at the stop", json!(humantime::format_duration(latency).to_string())),
                ("start to ready, ms", json!(serving.ready_after.as_secs_f64() * 1000.0)),
                ("SIGTERM to exit, ms", json!(told.elapsed().as_secs_f64() * 1000.0)),
                ("exit", json!(status.to_string())),
                ("seen in sync by then", verdicts["in_sync"].clone()),
            ]);
        }
    }
    Ok(table)
}
