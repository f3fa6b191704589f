//! `history`: what happened, asked of a daemon or read from its file.

use std::io::IsTerminal;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::daemon::Daemon;
use super::{Invocation, complain, say, say_json};
use crate::cli::exit::Outcome;
use crate::cli::history::{HistoryArgs, Told};
use crate::clock::Clock;
use crate::history::{self, Filter, History, HistoryError, Order, Page, Place, Record, What};
use crate::render::history as rendered;

/// So many are read at once.
const AT_ONCE: usize = 1000;

impl From<Told> for What {
    fn from(told: Told) -> Self {
        match told {
            Told::Write => Self::Write,
            Told::Drift => Self::Drift,
            Told::Verdict => Self::Verdict,
            Told::Coverage => Self::Coverage,
            Told::Operation => Self::Operation,
        }
    }
}

/// Where the records come from.
enum Source {
    Daemon(Daemon),
    File(std::path::PathBuf),
}

pub(super) async fn run(invocation: &Invocation, arguments: &HistoryArgs) -> anyhow::Result<Outcome> {
    let source = match Daemon::of(&arguments.daemon)? {
        Some(daemon) => Source::Daemon(daemon),
        None => {
            let settings = match invocation.settings()? {
                Ok(loaded) => loaded.settings,
                Err(outcome) => return Ok(outcome),
            };
            match settings.history.place(std::io::stderr().is_terminal()) {
                Place::File(path) => Source::File(path),
                Place::Memory => {
                    complain(
                        "error: `history.path` is \"off\", so a daemon keeps its history in memory; ask it with --url\n",
                    )?;
                    return Ok(Outcome::Error);
                }
            }
        }
    };
    let filter = match filter(arguments, Clock::system().now()) {
        Ok(filter) => filter,
        Err(error) => {
            complain(&format!("error: {error}\n"))?;
            return Ok(Outcome::Error);
        }
    };
    let print = Print { json: arguments.json, json_lines: arguments.json_lines, csv: arguments.csv };
    if print.csv {
        say(&rendered::csv_header())?;
    }
    let wanted = if arguments.limit == 0 { usize::MAX } else { arguments.limit };
    let (mut left, mut filter, mut kept) = (wanted, filter, Vec::new());
    let total = loop {
        let page = match read(&source, &filter, left.min(AT_ONCE)).await? {
            Ok(page) => page,
            Err(outcome) => return Ok(outcome),
        };
        left = left.saturating_sub(page.records.len());
        filter.cursor = page.next_cursor;
        if print.json_lines || print.csv {
            say(&print.lines(&page.records)?)?;
        } else {
            kept.extend(page.records);
        }
        if page.next_cursor.is_none() || left == 0 {
            break page.total;
        }
    };
    if print.json {
        let next = filter.cursor.map(|cursor| cursor.to_string());
        say_json(&json!({ "items": kept, "next_cursor": next, "total": total }))?;
    } else if !print.json_lines && !print.csv {
        say(&rendered::records(&kept, total, invocation.style))?;
    }
    Ok(Outcome::Done)
}

struct Print {
    json: bool,
    json_lines: bool,
    csv: bool,
}

impl Print {
    fn lines(&self, records: &[Record]) -> anyhow::Result<String> {
        let mut text = String::new();
        for record in records {
            if self.csv {
                text.push_str(&rendered::csv(record));
            } else {
                text.push_str(&serde_json::to_string(record)?);
                text.push('\n');
            }
        }
        Ok(text)
    }
}

fn filter(arguments: &HistoryArgs, now: Timestamp) -> Result<Filter, String> {
    let moment = |name: &str, text: &Option<String>| {
        let read = |text: &String| history::moment(text, now).map_err(|error| format!("--{name}: {error}"));
        text.as_ref().map(read).transpose()
    };
    // An export that is limited would otherwise be the oldest, which nobody wants.
    let exports = (arguments.json_lines || arguments.csv) && arguments.limit == 0;
    Ok(Filter {
        what: arguments.what.iter().map(|told| What::from(*told)).collect(),
        account: arguments.account.as_ref().map(ToString::to_string),
        kind: arguments.kind.clone(),
        name: arguments.name.clone(),
        outcome: arguments.outcome.as_deref().and_then(history::Outcome::of_label),
        since: moment("since", &arguments.since)?,
        until: moment("until", &arguments.until)?,
        order: if exports { Order::OldestFirst } else { Order::NewestFirst },
        cursor: None,
    })
}

async fn read(source: &Source, filter: &Filter, limit: usize) -> anyhow::Result<Result<Page, Outcome>> {
    match source {
        Source::Daemon(daemon) => {
            let answer = daemon.get("/api/v1/changes", &query(filter, limit)).await?;
            Ok(match answer {
                Ok(answer) => Ok(page(answer)?),
                Err(outcome) => Err(outcome),
            })
        }
        Source::File(path) => match History::read_file(path, filter, limit) {
            Ok(Some(page)) => Ok(Ok(page)),
            Ok(None) => {
                complain(&format!(
                    "error: there is no history at {}; `history.path` says where it is kept, and --url asks a daemon\n",
                    path.display()
                ))?;
                Ok(Err(Outcome::Error))
            }
            Err(error) => {
                let error: HistoryError = error;
                complain(&format!("error: {}: {error}; --url asks the daemon itself\n", path.display()))?;
                Ok(Err(Outcome::Error))
            }
        },
    }
}

/// The filter as the daemon takes it.
fn query(filter: &Filter, limit: usize) -> Vec<(&'static str, String)> {
    let what: Vec<&str> = filter.what.iter().map(|what| what.label()).collect();
    let what = if what.is_empty() { "all".to_owned() } else { what.join(",") };
    let sort = if filter.order == Order::OldestFirst { "at" } else { "-at" };
    let optional = [
        ("account", filter.account.clone()),
        ("kind", filter.kind.clone()),
        ("name", filter.name.clone()),
        ("outcome", filter.outcome.map(|outcome| outcome.label().to_owned())),
        ("since", filter.since.map(|at| at.to_string())),
        ("until", filter.until.map(|at| at.to_string())),
        ("cursor", filter.cursor.map(|cursor| cursor.to_string())),
    ];
    let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    [("what", what), ("sort", sort.to_owned()), ("limit", limit.to_string())]
        .into_iter()
        .chain(optional)
        .collect()
}

fn page(answer: Value) -> anyhow::Result<Page> {
    let total = answer["total"].as_u64().and_then(|total| total.try_into().ok()).unwrap_or_default();
    let next_cursor = answer["next_cursor"].as_str().and_then(|cursor| cursor.parse().ok());
    let records = serde_json::from_value(answer["items"].clone())?;
    Ok(Page { records, next_cursor, total })
}
