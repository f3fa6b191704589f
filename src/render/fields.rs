//! The fields of a change: what was seen and what will be.

use similar::{ChangeTag, TextDiff};

use super::phrase::layout;
use super::style::{Page, Tone};
use crate::model::json::Json;
use crate::model::plan::Action;
use crate::model::resource::{FieldChange, Fields};

/// Values up to this many characters stand beside their path.
const SHORT: usize = 70;
/// Columns that a long value is laid out in.
const ROOM: usize = 80;
/// Lines shown around each difference within a long value.
const CONTEXT: usize = 2;
/// Fields of a resource that comes or goes which a person reads before agreeing.
const SHOWN: usize = 8;
/// First segments of paths that say nothing about what such a resource does.
const ROUTINE: [&str; 2] = ["description", "tags"];

/// Writes the fields of a change: of an update all, of the rest the telling ones.
pub(super) fn put_fields(page: &mut Page, indent: usize, action: Action, fields: &Fields) {
    match action {
        Action::Update => fields.iter().for_each(|field| put_difference(page, indent, field)),
        Action::Create => put_telling(page, indent, fields, |field| &field.desired),
        Action::Delete => put_telling(page, indent, fields, |field| &field.observed),
    }
}

fn put_telling(page: &mut Page, indent: usize, fields: &Fields, value: fn(&FieldChange) -> &Json) {
    let telling: Vec<&FieldChange> = fields
        .iter()
        .filter(|field| !value(field).is_null())
        .filter(|field| !ROUTINE.contains(&field.path.split(['.', '[']).next().unwrap_or_default()))
        .collect();
    for field in telling.iter().take(SHOWN) {
        put_value(page, indent, &field.path, value(field));
    }
    if telling.len() > SHOWN {
        page.line(
            indent,
            Tone::Faint,
            format!("and {} more fields (--json shows all)", telling.len() - SHOWN),
        );
    }
}

fn put_value(page: &mut Page, indent: usize, path: &str, value: &Json) {
    let flat = shown(value);
    if is_short(&flat) {
        page.line(indent, Tone::Plain, format!("{path}: {flat}"));
    } else {
        page.line(indent, Tone::Plain, format!("{path}:"));
        for line in layout(&value.value(), ROOM).lines() {
            page.line(indent + 2, Tone::Plain, line);
        }
    }
}

fn put_difference(page: &mut Page, indent: usize, FieldChange { path, desired, observed }: &FieldChange) {
    let (old, new) = (shown(observed), shown(desired));
    if is_short(&old) && is_short(&new) {
        page.put(Tone::Plain, format!("{:indent$}{path}: ", ""));
        page.put(Tone::Bad, old).put(Tone::Plain, " -> ").put(Tone::Good, new).end();
        return;
    }
    page.line(indent, Tone::Plain, format!("{path}:"));
    let (old, new) = (lines(observed), lines(desired));
    let diff = TextDiff::from_lines(&old, &new);
    for (hunk, operations) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if hunk > 0 {
            page.line(indent + 4, Tone::Faint, "...");
        }
        for change in operations.iter().flat_map(|operation| diff.iter_changes(operation)) {
            let (sign, tone) = match change.tag() {
                ChangeTag::Delete => ('-', Tone::Bad),
                ChangeTag::Insert => ('+', Tone::Good),
                ChangeTag::Equal => (' ', Tone::Faint),
            };
            page.line(indent + 2, tone, format!("{sign} {}", change.value().trim_end_matches('\n')));
        }
    }
}

/// A value on one line; what is not there is said in words.
fn shown(value: &Json) -> String {
    if value.is_null() { "(none)".to_owned() } else { value.to_string() }
}

/// A value as the lines that are compared: opened up as far as its first two levels, so that one
/// differing member does not mark the whole value.
fn lines(value: &Json) -> String {
    let text = if value.is_null() { shown(value) } else { layout(&value.value(), ROOM) };
    format!("{text}\n")
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= SHORT
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Style;
    use crate::render::fixtures::field;
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    fn text(action: Action, fields: impl Into<Fields>) -> String {
        let mut page = Page::new(Style::PLAIN);
        put_fields(&mut page, 0, action, &fields.into());
        page.finish()
    }

    #[test]
    fn short_values_stand_beside_each_other() {
        let fields = [
            field("state", json!("DISABLED"), json!("ENABLED")),
            field("targets.central.role_arn", Value::Null, json!("arn:aws:iam::333333333333:role/f")),
            field("targets.other", json!({"arn": "x"}), Value::Null),
        ];
        assert_snapshot!(text(Action::Update, fields), @r#"
        state: "DISABLED" -> "ENABLED"
        targets.central.role_arn: (none) -> "arn:aws:iam::333333333333:role/f"
        targets.other: {"arn":"x"} -> (none)
        "#);
    }

    #[test]
    fn of_a_long_document_only_the_differing_lines_and_their_surroundings_are_shown() {
        let document = |names: Vec<String>, last: &str| json!({"names": names, "zone": last});
        let names = |n: usize| (0..20).map(|i| format!("name-{}", if i == n { 99 } else { i })).collect();
        let fields = [field("policy", document(names(20), "a"), document(names(3), "b"))];
        assert_snapshot!(text(Action::Update, fields), @r#"
        policy:
                "name-1",
                "name-2",
          -     "name-3",
          +     "name-99",
                "name-4",
                "name-5",
            ...
                "name-19"
              ],
          -   "zone": "a"
          +   "zone": "b"
            }
        "#);
    }

    #[test]
    fn a_long_value_that_was_not_there_is_shown_in_full() {
        let fields = [field("policy", Value::Null, json!({"a": "x".repeat(50), "b": "y".repeat(50)}))];
        assert_snapshot!(text(Action::Update, fields), @r#"
        policy:
          - (none)
          + {
          +   "a": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
          +   "b": "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
          + }
        "#);
    }

    #[test]
    fn a_new_resource_shows_what_it_does_and_not_its_tags() {
        let mut fields: Vec<FieldChange> =
            (0..10).map(|n| field(&format!("attribute{n}"), Value::Null, json!(n))).collect();
        fields.insert(0, field("tags.team", Value::Null, json!("security")));
        fields.insert(0, field("description", Value::Null, json!("managed by orgwatch/orgwatch v1")));
        fields.insert(0, field("absent", Value::Null, Value::Null));
        assert_snapshot!(text(Action::Create, fields), @r"
        attribute0: 0
        attribute1: 1
        attribute2: 2
        attribute3: 3
        attribute4: 4
        attribute5: 5
        attribute6: 6
        attribute7: 7
        and 2 more fields (--json shows all)
        ");
    }

    #[test]
    fn what_is_deleted_is_shown_as_it_was_seen() {
        assert_snapshot!(text(Action::Delete, [field("state", json!("ENABLED"), Value::Null)]), @r#"state: "ENABLED""#);
    }
}
