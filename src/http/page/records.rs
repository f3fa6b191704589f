//! What the history tells, as lines for people.

use jiff::Timestamp;
use serde_json::Value;

use super::words::{self, Badge, badge};
use crate::history::{Filter, Outcome, Record, What};
use crate::http::HttpState;
use crate::model::ids::AccountId;
use crate::model::json::Json;
use crate::model::view::Snapshot;

/// One thing that happened.
pub(super) struct Line {
    pub(super) at: Timestamp,
    pub(super) badge: Badge,
    pub(super) what: String,
    /// Where: the account's id and name, if one is concerned.
    pub(super) account: Option<(String, String)>,
    pub(super) region: String,
    pub(super) central: bool,
    pub(super) why: String,
    /// The call and AWS's id of it, or how long a drift lasted.
    pub(super) facts: Vec<String>,
    pub(super) error: Option<String>,
    pub(super) fields: Vec<Field>,
}

/// A field that differed or was changed.
pub(super) struct Field {
    pub(super) path: String,
    pub(super) desired: Option<String>,
    pub(super) observed: Option<String>,
}

/// A page of lines.
pub(super) struct Lines {
    pub(super) lines: Vec<Line>,
    pub(super) next_cursor: Option<i64>,
    pub(super) total: usize,
    /// Why there are none, where the history cannot be read.
    pub(super) error: Option<String>,
}

/// What the history tells of what `filter` lets through.
pub(super) async fn lines(state: &HttpState, snapshot: &Snapshot, filter: &Filter, limit: usize) -> Lines {
    match state.history.page(filter, limit).await {
        Ok(page) => Lines {
            lines: page.records.into_iter().map(|record| line(snapshot, record)).collect(),
            next_cursor: page.next_cursor,
            total: page.total,
            error: None,
        },
        Err(error) => {
            tracing::warn!(%error, "The history could not be read for a page");
            Lines { lines: Vec::new(), next_cursor: None, total: 0, error: Some(error.to_string()) }
        }
    }
}

fn line(snapshot: &Snapshot, record: Record) -> Line {
    let name_of = |id: &str| {
        let known = id.parse::<AccountId>().ok().and_then(|id| snapshot.accounts.get(&id));
        known.map_or_else(String::new, |account| account.name.clone())
    };
    let resource =
        [record.kind.as_deref(), record.name.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let change = |record: &Record| {
        let from = record.from.as_deref().unwrap_or("nothing").replace('_', " ");
        format!("{from} → {}", record.to.as_deref().unwrap_or("nothing").replace('_', " "))
    };
    let (badge, what) = match record.what {
        What::Write => {
            let done = match record.action.as_deref() {
                Some("create") => "created",
                Some("delete") => "deleted",
                _ => "updated",
            };
            let badge = match record.outcome {
                Some(Outcome::Done) => badge("ok", "✓", "written"),
                Some(Outcome::Failed) => badge("bad", "✕", "failed"),
                Some(Outcome::Unknown) | None => badge("unknown", "?", "outcome unknown"),
            };
            (badge, format!("{done} {resource}"))
        }
        What::Drift => {
            let verdict = record.to.as_deref().unwrap_or("drifted");
            (words::of_verdict(verdict), format!("{resource} was {}", words::of_verdict(verdict).label))
        }
        What::Verdict => (badge("info", "→", "verdict"), change(&record)),
        What::Coverage => (badge("info", "→", "coverage"), change(&record)),
        What::Operation => {
            let by = record.by.as_deref().unwrap_or("somebody");
            let operation = record.operation.as_deref().unwrap_or("acted").replace('-', " ");
            let about = record.name.as_deref().unwrap_or_default();
            (badge("info", "›", "operator"), format!("{by}: {operation} {about}").trim_end().to_owned())
        }
    };
    let mut facts = Vec::new();
    match record.what {
        What::Write => {
            facts.extend(record.operation.clone());
            facts.extend(record.request_id.as_ref().map(|id| format!("request {id}")));
        }
        What::Drift => {
            let clock = words::Clock::exactly(record.ended_at.unwrap_or(snapshot.taken_at));
            let lasted = clock.span(&record.at);
            facts.push(match record.ended_at {
                Some(_) => format!("mended after {lasted}"),
                None => format!("for {lasted} so far"),
            });
        }
        What::Verdict | What::Coverage | What::Operation => {}
    }
    Line {
        at: record.at,
        badge,
        what,
        account: record.account.as_ref().map(|id| (id.clone(), name_of(id))),
        region: record.region.clone().unwrap_or_default(),
        central: record.side.as_deref() == Some("central"),
        why: record.reason.clone().unwrap_or_default(),
        facts,
        error: record.error.clone(),
        fields: fields(record.fields.as_ref()),
    }
}

fn fields(kept: Option<&Value>) -> Vec<Field> {
    let all = kept.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let text = |value: &Value| words::text(&Json::from(value.clone()));
    let field = |one: &Value| Field {
        path: one["path"].as_str().unwrap_or_default().to_owned(),
        desired: text(&one["desired"]),
        observed: text(&one["observed"]),
    };
    all.iter().map(field).collect()
}
