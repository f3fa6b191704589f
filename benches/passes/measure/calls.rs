//! How many calls a pass over an account in sync takes, as the simulator counts them.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::figure;
use crate::options::Options;
use crate::role::product::Work;
use crate::stage::{Stage, Wish};
use crate::table::Table;

/// Enough that the central side's own calls can be told from the members'.
const ACCOUNTS: usize = 500;

pub(super) async fn run(options: &Options) -> anyhow::Result<Table> {
    let wish = Wish { concurrency: options.concurrency, ..Wish::default() };
    let stage = Stage::installed(ACCOUNTS, wish).await?;
    let mut table = Table::new(format!("AWS calls of a pass over an account in sync ({ACCOUNTS} accounts)"));
    for existing_roles in [true, false] {
        let before = operations(&stage).await?;
        let report = stage.product(Wish { existing_roles, ..wish }, Work::Daemon).await?;
        let after = operations(&stage).await?;
        let made = after.iter().map(|(name, count)| (name, count - before.get(name).copied().unwrap_or(0)));
        // Two resyncs and what a start takes; what is asked of every account is asked about as often as there are some.
        let of_members: Vec<String> = made
            .map(|(name, count)| (name, count as f64 / figure(ACCOUNTS)))
            .filter(|(_, each)| *each > 0.5)
            .map(|(name, each)| format!("{name} {each:.2}"))
            .collect();
        let warm = report.lap("warm")?;
        table.row([
            ("forwarding role", json!(if existing_roles { "existing" } else { "managed" })),
            ("calls per account, warm resync", json!(warm.calls as f64 / figure(ACCOUNTS))),
            ("calls per account, cold and warm resync, by operation", json!(of_members.join(", "))),
        ]);
    }
    Ok(table)
}

/// How often each operation was called so far.
async fn operations(stage: &Stage) -> anyhow::Result<BTreeMap<String, u64>> {
    let counters = stage.counters().await?;
    let services = counters.get("operations").and_then(Value::as_object).context("no operations")?;
    let each = services.values().filter_map(Value::as_object).flatten();
    Ok(each
        .map(|(name, outcomes)| {
            (name.clone(), outcomes.get("performed").and_then(Value::as_u64).unwrap_or(0))
        })
        .collect())
}
