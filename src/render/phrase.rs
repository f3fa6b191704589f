//! Small pieces of sentences.

use std::time::Duration;

use serde_json::{Value, json};

/// `1 account`, `2 accounts`.
pub(super) fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// The parts that count something, as `3 to create, 1 to delete`; empty if nothing counts.
pub(super) fn counts<'a>(parts: impl IntoIterator<Item = (usize, &'a str)>, separator: &str) -> String {
    let parts: Vec<String> =
        parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    parts.join(separator)
}

/// A verdict or coverage as in a sentence: `in sync` for `in_sync`.
pub(super) fn spoken(label: &str) -> String {
    label.replace('_', " ")
}

/// A length of time in its largest unit and the next: `3h 5m`, `41s`.
pub(super) fn duration(length: Duration) -> String {
    const HOUR: u64 = 3600;
    const DAY: u64 = 24 * HOUR;
    let seconds = length.as_secs();
    let grain = match seconds {
        ..HOUR => 1,
        HOUR..DAY => 60,
        DAY.. if seconds < 30 * DAY => HOUR,
        _ => DAY,
    };
    humantime::format_duration(Duration::from_secs(seconds - seconds % grain)).to_string()
}

/// The time that a command took: `4.2 s`, or as [`duration`] from a minute on.
pub(super) fn elapsed(length: Duration) -> String {
    if length < Duration::from_secs(60) { format!("{:.1} s", length.as_secs_f64()) } else { duration(length) }
}

/// `text` as a JSON string, quotes included.
pub(super) fn quoted(text: &str) -> String {
    json!(text).to_string()
}

/// A text as a comma-separated value (RFC 4180) that no spreadsheet takes for a formula, in quotes where it needs them.
pub(super) fn cell(text: &str) -> String {
    let text =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// `value` as JSON over as few lines as fit into `room` columns: what fits stays on one line.
pub(super) fn layout(value: &Value, room: usize) -> String {
    let flat = value.to_string();
    let inner = room.saturating_sub(2);
    match value {
        _ if flat.chars().count() <= room => flat,
        Value::Array(items) => block('[', items.iter().map(|item| layout(item, inner)), ']'),
        Value::Object(members) => {
            let member =
                |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), layout(value, inner));
            block('{', members.iter().map(member), '}')
        }
        _ => flat,
    }
}

fn block(open: char, items: impl Iterator<Item = String>, close: char) -> String {
    let items: Vec<String> = items.map(|item| format!("  {}", item.replace('\n', "\n  "))).collect();
    format!("{open}\n{}\n{close}", items.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_is_singular_and_every_other_number_is_plural() {
        assert_eq!([0, 1, 2].map(|n| count(n, "change")), ["0 changes", "1 change", "2 changes"]);
    }

    #[test]
    fn a_duration_is_told_without_the_units_that_nobody_asked_for() {
        let told = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(told(0), "0s");
        assert_eq!(told(41), "41s");
        assert_eq!(told(3 * 3600 + 41), "3h");
        assert_eq!(told(3 * 3600 + 5 * 60 + 7), "3h 5m");
        assert_eq!(told(26 * 3600 + 59), "1day 2h");
        assert_eq!(elapsed(Duration::from_millis(4_230)), "4.2 s");
        assert_eq!(elapsed(Duration::from_secs(75)), "1m 15s");
    }

    #[test]
    fn json_that_fits_stays_on_one_line_and_the_rest_is_opened() {
        let value = json!({"source": ["aws.iam"], "detail": {"eventName": [{"anything-but": {"prefix": ["Get", "List"]}}]}});
        insta::assert_snapshot!(layout(&value, 50), @r#"
        {
          "detail": {
            "eventName": [{"anything-but":{"prefix":["Get","List"]}}]
          },
          "source": ["aws.iam"]
        }
        "#);
    }

    proptest! {
        #[test]
        fn laying_json_out_never_changes_it(words in prop::collection::vec("\\PC{0,20}", 0..6), room in 0..60_usize) {
            let value = json!({"a": words, "b": [{"c": words, "d": [null, 1, true]}]});
            prop_assert_eq!(serde_json::from_str::<Value>(&layout(&value, room)).unwrap(), value);
        }
    }
}
