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
    /// What it sees, in a few words.
    pub title: String,
    /// What it sees.
    pub description: String,
    /// Where its list of events comes from.
    pub source: String,
    /// Where its events appear.
    pub regions: String,
    /// The accounts whose events it can see.
    pub accounts: String,
    /// Whether it needs `read_events = true`.
    pub read_events: bool,
    /// Why it is too much for mail.
    pub floods: Option<String>,
    /// The event pattern.
    pub pattern: Value,
}

/// All presets, in the given order.
pub fn presets(rows: &[PresetRow], style: Style) -> String {
    let mut page = Page::new(style);
    page.table(
        &["name", "what it sees", "where"],
        rows.iter().map(|row| {
            vec![
                (Tone::Strong, row.name.clone()),
                (Tone::Plain, row.title.clone()),
                (Tone::Plain, row.regions.clone()),
            ]
        }),
    );
    page.gap().prose(0, Tone::Faint, "`orgwatch presets NAME` shows one in full, with its pattern.");
    page.finish()
}

/// One preset in full.
pub fn preset(row: &PresetRow, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(0, Tone::Strong, &row.name)
        .prose(2, Tone::Plain, &row.description)
        .prose(2, Tone::Faint, format!("from: {}", row.source))
        .prose(2, Tone::Faint, format!("rules: {}, in {}", row.regions, row.accounts));
    if row.read_events {
        page.prose(2, Tone::Faint, "needs: read_events = true in its watch, or denied reads are missed");
    }
    if let Some(floods) = &row.floods {
        page.prose(2, Tone::Faint, format!("beware: {floods}; it floods a mailbox"));
    }
    page.gap();
    layout(&row.pattern, 80).lines().for_each(|line| {
        page.line(0, Tone::Plain, line);
    });
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn row(name: &str, source: &str, title: &str, regions: &str) -> PresetRow {
        PresetRow {
            name: name.to_owned(),
            title: title.to_owned(),
            description: format!("{title}, in a sentence"),
            source: source.to_owned(),
            regions: regions.to_owned(),
            accounts: "every account".to_owned(),
            read_events: false,
            floods: None,
            pattern: serde_json::json!({"source":["aws.iam"],"detail":{"eventSource":["iam.amazonaws.com"],"eventName":[{"anything-but":{"prefix":["Get","List","Simulate","Generate"]}}]}}),
        }
    }

    #[test]
    fn the_presets_are_a_table_that_fits_80_columns() {
        let rows = [
            row("iam-changes", "orgwatch", "Changes in IAM", "where IAM's events appear"),
            row("cis-4.14", "CIS Foundations 4.14", "VPC changes", "every enabled Region"),
        ];
        let text = presets(&rows, Style { colour: false, width: Some(80) });
        assert!(text.lines().all(|line| line.chars().count() <= 80));
        assert_snapshot!(text, @r"
        name         what it sees    where
        iam-changes  Changes in IAM  where IAM's events appear
        cis-4.14     VPC changes     every enabled Region

        `orgwatch presets NAME` shows one in full, with its pattern.
        ");
    }

    #[test]
    fn one_preset_is_shown_with_a_pattern_that_can_be_copied() {
        let mut row = row("iam-changes", "orgwatch", "Changes in IAM", "where IAM's events appear");
        row.read_events = true;
        row.floods = Some("there are many".to_owned());
        let text = preset(&row, Style::PLAIN);
        let json: Value = serde_json::from_str(text.split_once("\n\n").unwrap().1).unwrap();
        assert_eq!(json, row.pattern);
        assert_snapshot!(text, @r#"
        iam-changes
          Changes in IAM, in a sentence
          from: orgwatch
          rules: where IAM's events appear, in every account
          needs: read_events = true in its watch, or denied reads are missed
          beware: there are many; it floods a mailbox

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
