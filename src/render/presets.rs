//! The event patterns that ship with orgwatch.

use serde::Serialize;
use serde_json::Value;

use super::phrase::layout;
use super::style::{Page, Style, Tone};

/// One preset, as it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PresetRow {
    /// Its name in the configuration.
    pub name: String,
    /// What it matches.
    pub description: String,
    /// Where it comes from.
    pub origin: String,
    /// The event pattern as JSON.
    pub pattern: String,
}

/// All presets, in the given order.
pub fn presets(rows: &[PresetRow], style: Style) -> String {
    let mut page = Page::new(style);
    page.table(
        &["name", "from", "what it matches"],
        rows.iter().map(|row| {
            vec![
                (Tone::Strong, row.name.clone()),
                (Tone::Plain, row.origin.clone()),
                (Tone::Plain, row.description.clone()),
            ]
        }),
    );
    page.gap().prose(0, Tone::Faint, "`orgwatch presets NAME` shows one with its pattern.");
    page.finish()
}

/// One preset in full.
pub fn preset(row: &PresetRow, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(0, Tone::Strong, &row.name).prose(2, Tone::Plain, &row.description).prose(
        2,
        Tone::Faint,
        format!("from: {}", row.origin),
    );
    page.gap();
    match serde_json::from_str::<Value>(&row.pattern) {
        Ok(pattern) => layout(&pattern, 80).lines().for_each(|line| {
            page.line(0, Tone::Plain, line);
        }),
        // Shown as it is rather than not at all; the pattern check says what is wrong with it.
        Err(_) => {
            page.line(0, Tone::Plain, &row.pattern);
        }
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn row(name: &str, origin: &str, description: &str) -> PresetRow {
        PresetRow {
            name: name.to_owned(),
            description: description.to_owned(),
            origin: origin.to_owned(),
            pattern: r#"{"source":["aws.iam"],"detail":{"eventSource":["iam.amazonaws.com"],"eventName":[{"anything-but":{"prefix":["Get","List","Simulate","Generate"]}}]}}"#.to_owned(),
        }
    }

    #[test]
    fn the_presets_are_a_table_that_fits_80_columns() {
        let rows = [
            row("iam-changes", "orgwatch", "Every writing call of IAM, those that AWS adds later included"),
            row("cis-4.4", "CIS Foundations 4.4", "The 16 calls that change IAM policies"),
        ];
        let text = presets(&rows, Style { colour: false, width: Some(80) });
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert_snapshot!(text, @r"
        name         from                 what it matches
        iam-changes  orgwatch             Every writing call of IAM, those that AWS
                                          adds later included
        cis-4.4      CIS Foundations 4.4  The 16 calls that change IAM policies

        `orgwatch presets NAME` shows one with its pattern.
        ");
    }

    #[test]
    fn one_preset_is_shown_with_a_pattern_that_can_be_copied() {
        let row = row("iam-changes", "orgwatch", "Every writing call of IAM");
        let text = preset(&row, Style::PLAIN);
        let json: Value = serde_json::from_str(text.split_once("\n\n").unwrap().1).unwrap();
        assert_eq!(json, serde_json::from_str::<Value>(&row.pattern).unwrap());
        assert_snapshot!(text, @r#"
        iam-changes
          Every writing call of IAM
          from: orgwatch

        {
          "detail": {
            "eventName": [{"anything-but":{"prefix":["Get","List","Simulate","Generate"]}}],
            "eventSource": ["iam.amazonaws.com"]
          },
          "source": ["aws.iam"]
        }
        "#);
    }
}
