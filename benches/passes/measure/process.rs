//! Start and stop of the real program.

use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::options::Options;
use crate::stage::{Stage, Wish, daemon};
use crate::table::Table;

pub(super) async fn run(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    let stage = Stage::installed(options.large, wish).await?;
    // Slow answers, so that there are passes to be ended.
    stage.latency(Duration::from_millis(200)).await?;
    let mut table = Table::new("Start and stop of `serve`, 200 ms latency");
    for round in 1..=options.rounds {
        let mut serving = daemon::Serving::start(&stage, wish, &[]).await?;
        let ready = serving.ready_after;
        // Long enough that discovery is over and passes are under way.
        tokio::time::sleep(Duration::from_secs(options.large as u64 / 50 / 5 + 5)).await;
        let looked_at = serving.status().await?;
        let told = Instant::now();
        let status = serving.stop().await?;
        table.row([
            ("round", json!(round)),
            ("accounts", json!(options.large)),
            ("start to ready, ms", json!(ready.as_secs_f64() * 1000.0)),
            ("SIGTERM to exit, ms", json!(told.elapsed().as_secs_f64() * 1000.0)),
            ("exit", json!(status.to_string())),
            ("accounts by verdict at SIGTERM", json!(looked_at["accounts"].to_string())),
        ]);
    }
    Ok(table)
}
