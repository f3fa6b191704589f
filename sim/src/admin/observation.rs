//! What was asked, and what was received.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Asked, Fault, elsewhere};
use crate::journal::{Entry, Filter};
use crate::simulator::Simulator;
use crate::world::World;

/// How many entries one answer holds unless it is said.
const PAGE: usize = 10_000;

/// `next` is what to ask `since` for the entries behind these; `dropped` says that entries after `since` are gone.
pub(super) fn journal(simulator: &Simulator, asked: &Asked<'_>) -> Answer {
    let [since, account, service, operation, write, principal, refused, limit] = asked.query([
        "since",
        "account",
        "service",
        "operation",
        "write",
        "principal",
        "refused",
        "limit",
    ])?;
    let filter = Filter {
        since: parsed("since", since)?.unwrap_or_default(),
        account,
        service,
        operation,
        write: parsed("write", write)?,
        principal,
        refused: parsed("refused", refused)?,
    };
    let limit = parsed("limit", limit)?.unwrap_or(PAGE);
    let (mut entries, last, dropped) = {
        let journal = &simulator.world().journal;
        // One more than asked for tells whether these are all.
        let entries: Vec<Entry> = journal.filtered(&filter).take(limit.saturating_add(1)).cloned().collect();
        (entries, journal.last(), journal.oldest() > filter.since.saturating_add(1))
    };
    let complete = entries.len() <= limit;
    entries.truncate(limit);
    let next = if complete { last } else { entries.last().map_or(filter.since, |entry| entry.number) };
    Ok(json!({ "entries": entries, "next": next, "complete": complete, "dropped": dropped }))
}

fn parsed<T: std::str::FromStr>(name: &str, value: Option<String>) -> Result<Option<T>, Fault> {
    let parse = |value: String| value.parse().map_err(|_| Fault::bad(format!("{name} cannot be {value:?}")));
    value.map(parse).transpose()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    limit: Option<usize>,
    count_accounts: Option<bool>,
}

pub(super) fn set_journal(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Settings { limit, count_accounts } = asked.body()?;
    if let Some(limit) = limit {
        world.journal.set_limit(limit);
    }
    if let Some(on) = count_accounts {
        world.journal.count_accounts(on);
    }
    Ok(json!({ "limit": world.journal.limit(), "count_accounts": world.journal.accounts().is_some() }))
}

pub(super) fn clear_journal(world: &mut World) -> Answer {
    world.journal.clear();
    Ok(json!({ "next": world.journal.last() }))
}

pub(super) fn counters(world: &World) -> Value {
    json!({
        "calls": world.journal.last(),
        "operations": world.journal.counters(),
        "accounts": world.journal.accounts(),
        "quota_exceeded": world.faults.quotas.exceeded(),
    })
}

pub(super) fn received(world: &World, asked: &Asked<'_>) -> Answer {
    let [topic] = asked.query(["topic"])?;
    Ok(json!({ "received": elsewhere::received(world, topic.as_deref()) }))
}

pub(super) fn clear_received(world: &mut World) -> Answer {
    elsewhere::clear_received(world);
    Ok(json!({}))
}
