//! What happened, for people and for spreadsheets.

use super::phrase;
use super::style::{Page, Style, Tone, clean};
use crate::history::{Outcome, Record, What};

/// The columns of an export, in their order.
const COLUMNS: [&str; 18] = [
    "id",
    "what",
    "at",
    "until",
    "ended_at",
    "account",
    "region",
    "side",
    "kind",
    "name",
    "action",
    "operation",
    "reason",
    "from",
    "to",
    "outcome",
    "request_id",
    "by",
];

/// A line for each record, the newest first.
pub fn records(records: &[Record], total: usize, style: Style) -> String {
    let mut page = Page::new(style);
    if records.is_empty() {
        page.line(0, Tone::Plain, "Nothing that was asked for is kept.");
        return page.finish();
    }
    let rows = records.iter().map(|record| {
        let place = [record.account.as_deref(), record.region.as_deref()];
        let place: Vec<&str> = place.into_iter().flatten().collect();
        vec![
            (Tone::Plain, record.at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            (tone(record), record.what.label().to_owned()),
            (Tone::Plain, place.join(" ")),
            (Tone::Plain, clean(&told(record))),
        ]
    });
    page.table(&["WHEN (UTC)", "WHAT", "WHERE", ""], rows);
    if total > records.len() {
        page.gap();
        page.line(
            0,
            Tone::Plain,
            format_args!("{} of {}; --limit 0 shows all.", records.len(), phrase::count(total, "record")),
        );
    }
    page.finish()
}

fn tone(record: &Record) -> Tone {
    match (record.what, record.outcome) {
        (What::Write, Some(Outcome::Failed)) => Tone::Bad,
        (What::Write, Some(Outcome::Unknown)) => Tone::Warn,
        _ => Tone::Plain,
    }
}

/// What a record tells, in one line.
fn told(record: &Record) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let because = record.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let resource = format!("{} {}", text(&record.kind), text(&record.name));
    match record.what {
        What::Write => {
            let ended = match record.outcome {
                Some(Outcome::Done) => "done".to_owned(),
                Some(Outcome::Failed) => format!("failed: {}", text(&record.error)),
                Some(Outcome::Unknown) | None => "outcome unknown".to_owned(),
            };
            let request = record.request_id.as_ref().map(|id| format!(", request {id}")).unwrap_or_default();
            format!(
                "{} to {} {resource}{because}: {ended}{request}",
                text(&record.operation),
                text(&record.action)
            )
        }
        What::Drift => {
            let until = match (record.ended_at, record.until) {
                (Some(at), _) => format!("; over at {}", at.strftime("%Y-%m-%d %H:%M:%S")),
                (None, Some(at)) => format!("; last seen at {}", at.strftime("%Y-%m-%d %H:%M:%S")),
                (None, None) => String::new(),
            };
            let paths = record.fields.as_ref().and_then(|fields| fields.as_array()).into_iter().flatten();
            let paths: Vec<&str> = paths.filter_map(|field| field["path"].as_str()).take(3).collect();
            let paths = if paths.is_empty() { String::new() } else { format!(": {}", paths.join(", ")) };
            format!("{resource} {}{because}{paths}{until}", phrase::spoken(&text(&record.to)))
        }
        What::Verdict | What::Coverage => {
            let from = record.from.as_deref().map(phrase::spoken).unwrap_or_else(|| "first seen".to_owned());
            format!("{from} -> {}{because}", phrase::spoken(&text(&record.to)))
        }
        What::Operation => {
            let about = record.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("{}: {}{about}{because}", text(&record.by), text(&record.operation))
        }
    }
}

/// The header line of an export as comma-separated values (RFC 4180).
pub fn csv_header() -> String {
    format!("{}\r\n", COLUMNS.join(","))
}

/// A record as comma-separated values (RFC 4180).
pub fn csv(record: &Record) -> String {
    let value = serde_json::to_value(record).unwrap_or_default();
    let cell = |column: &&str| match &value[*column] {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => phrase::cell(text),
        other => other.to_string(),
    };
    let cells: Vec<String> = COLUMNS.iter().map(cell).collect();
    format!("{}\r\n", cells.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(json: serde_json::Value) -> Record {
        serde_json::from_value(json).unwrap()
    }

    fn some() -> Vec<Record> {
        let at = "2026-11-20T12:00:00Z";
        vec![
            record(serde_json::json!({
                "id": 5, "what": "operation", "at": at, "operation": "pause", "name": "all", "by": "oncall",
                "reason": "a migration",
            })),
            record(serde_json::json!({
                "id": 4, "what": "coverage", "at": at, "account": "333333333333", "from": "configured",
                "to": "broken", "reason": "RuleMissing",
            })),
            record(serde_json::json!({
                "id": 3, "what": "write", "at": at, "account": "333333333333", "region": "us-east-1",
                "kind": "sender_rule", "name": "orgwatch-iam-changes", "action": "update", "operation": "PutRule",
                "reason": "state differs", "outcome": "unknown",
            })),
            record(serde_json::json!({
                "id": 2, "what": "drift", "at": at, "until": at, "ended_at": at, "account": "333333333333",
                "region": "us-east-1", "kind": "sender_rule", "name": "orgwatch-iam-changes", "to": "drifted",
                "fields": [{ "path": "state", "desired": "ENABLED", "observed": "DISABLED" }],
            })),
        ]
    }

    #[test]
    fn each_record_is_a_line() {
        insta::assert_snapshot!(records(&some(), 70, Style::PLAIN), @r"
        WHEN (UTC)           WHAT       WHERE
        2026-11-20 12:00:00  operation                          oncall: pause all (a migration)
        2026-11-20 12:00:00  coverage   333333333333            configured -> broken (RuleMissing)
        2026-11-20 12:00:00  write      333333333333 us-east-1  PutRule to update sender_rule orgwatch-iam-changes (state differs): outcome unknown
        2026-11-20 12:00:00  drift      333333333333 us-east-1  sender_rule orgwatch-iam-changes drifted: state; over at 2026-11-20 12:00:00

        4 of 70 records; --limit 0 shows all.
        ");
        insta::assert_snapshot!(records(&[], 0, Style::PLAIN), @"Nothing that was asked for is kept.");
    }

    #[test]
    fn an_export_is_safe_in_a_spreadsheet() {
        let hostile = record(serde_json::json!({
            "id": 1, "what": "write", "at": "2026-11-20T12:00:00Z", "name": "=cmd|' /C calc'!A0",
            "reason": "a \"quoted\", text",
        }));
        let line = csv(&hostile);
        assert_eq!(line.matches("\r\n").count(), 1);
        assert!(line.contains(",'=cmd|' /C calc'!A0,"), "{line}");
        assert!(line.contains(r#","a ""quoted"", text","#), "{line}");
        assert_eq!(csv_header().matches(',').count(), COLUMNS.len() - 1);
    }
}
