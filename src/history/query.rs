//! Which records are asked for.

use jiff::Timestamp;
use rusqlite::types::Value as Sql;

use super::record::{Outcome, Record, What};

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As people read.
    #[default]
    NewestFirst,
    /// As an export grows.
    OldestFirst,
}

/// Which records are asked for. What it does not name, it does not ask about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those that tell of one of these; empty: of anything.
    pub what: Vec<What>,
    /// Of this account.
    pub account: Option<String>,
    /// Of this managed kind.
    pub kind: Option<String>,
    /// Of the resource of this name.
    pub name: Option<String>,
    /// Writes that ended so.
    pub outcome: Option<Outcome>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// In this order.
    pub order: Order,
    /// After the record with this id, in that order.
    pub cursor: Option<i64>,
}

impl Filter {
    /// The condition, with its values in their order.
    pub(super) fn as_sql(&self) -> (String, Vec<Sql>) {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        if !self.what.is_empty() {
            conditions.push(format!("what IN ({})", vec!["?"; self.what.len()].join(", ")));
            values.extend(self.what.iter().map(|what| Sql::Text(what.label().to_owned())));
        }
        let texts = [
            ("account = ?", self.account.clone()),
            ("kind = ?", self.kind.clone()),
            ("name = ?", self.name.clone()),
            ("outcome = ?", self.outcome.map(|outcome| outcome.label().to_owned())),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                conditions.push(condition.to_owned());
                values.push(Sql::Text(value));
            }
        }
        let after = match self.order {
            Order::NewestFirst => "id < ?",
            Order::OldestFirst => "id > ?",
        };
        let numbers = [
            ("at >= ?", self.since.map(Timestamp::as_microsecond)),
            ("at < ?", self.until.map(Timestamp::as_microsecond)),
            (after, self.cursor),
        ];
        for (condition, value) in numbers {
            if let Some(value) = value {
                conditions.push(condition.to_owned());
                values.push(Sql::Integer(value));
            }
        }
        let condition =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        (condition, values)
    }
}

/// One page of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The records, in the order that was asked for.
    pub records: Vec<Record>,
    /// What to ask for next; none when there is no more.
    pub next_cursor: Option<i64>,
    /// How many there are on all pages.
    pub total: usize,
}

/// The moment that a text says: `2026-11-20T12:00:00Z`, or how long before `now`: `24h`, `7d`.
///
/// Errors: what would have been right, for the person who wrote it.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, &'static str> {
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Ok(moment);
    }
    let ago = humantime::parse_duration(text).ok().and_then(|ago| jiff::SignedDuration::try_from(ago).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok())
        .ok_or("write a time such as 2026-11-20T12:00:00Z, or how long ago, such as 24h")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_time_or_how_long_ago() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(moment("2026-11-20T11:00:00Z", now).unwrap().to_string(), "2026-11-20T11:00:00Z");
        assert_eq!(moment("1h 30m", now).unwrap().to_string(), "2026-11-20T10:30:00Z");
        for bad in ["", "yesterday", "9999999999999y", "-1h"] {
            assert!(moment(bad, now).is_err(), "{bad}");
        }
    }
}
