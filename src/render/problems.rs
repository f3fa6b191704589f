//! Problems of the configuration, all at once: errors first, each with its mend.

use serde::Serialize;

use super::phrase::count;
use super::style::{Page, Style, Tone};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Nothing starts until it is mended.
    Error,
    /// It works, and is probably not what was meant.
    Warning,
}

/// One problem, as it is printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProblemRow {
    /// Names the kind of problem: `E-unknown-key`.
    pub code: String,
    /// Where it is: `alert[0].name`.
    pub path: String,
    /// What stands there; empty where nothing does.
    pub found: String,
    /// What should stand there.
    pub expected: String,
    /// What to do next.
    pub hint: String,
    /// How bad it is.
    pub severity: Severity,
}

/// Every problem, errors before warnings, in the given order otherwise.
pub fn problems(rows: &[ProblemRow], style: Style) -> String {
    let mut page = Page::new(style);
    if rows.is_empty() {
        page.line(0, Tone::Good, "The configuration is valid.");
        return page.finish();
    }
    for (severity, noun, tone) in
        [(Severity::Error, "error", Tone::Bad), (Severity::Warning, "warning", Tone::Warn)]
    {
        let rows: Vec<&ProblemRow> = rows.iter().filter(|r| r.severity == severity).collect();
        if rows.is_empty() {
            continue;
        }
        page.heading(count(rows.len(), noun));
        for row in rows {
            page.put(Tone::Plain, "  ")
                .put(tone, &row.code)
                .put(Tone::Strong, format!("  {}", row.path))
                .end();
            for (label, text) in [("found", &row.found), ("expected", &row.expected), ("next", &row.hint)] {
                if !text.is_empty() {
                    page.labelled(6, 10, label, Tone::Plain, text);
                }
            }
        }
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    fn row(severity: Severity, code: &str, path: &str) -> ProblemRow {
        ProblemRow {
            code: code.to_owned(),
            path: path.to_owned(),
            found: "`reconcile.resync_intervall`".to_owned(),
            expected: "a key of the reference".to_owned(),
            hint: "did you mean `reconcile.resync_interval`? `config/example.toml` shows every key"
                .to_owned(),
            severity,
        }
    }

    #[test]
    fn errors_come_before_warnings_and_long_lines_are_wrapped() {
        let rows = [
            ProblemRow {
                found: String::new(),
                ..row(Severity::Warning, "W-no-organization-id", "organization.id")
            },
            row(Severity::Error, "E-unknown-key", "reconcile.resync_intervall"),
        ];
        assert_snapshot!(problems(&rows, Style { colour: false, width: Some(60) }), @r"
        1 error
          E-unknown-key  reconcile.resync_intervall
              found     `reconcile.resync_intervall`
              expected  a key of the reference
              next      did you mean `reconcile.resync_interval`?
                        `config/example.toml` shows every key

        1 warning
          W-no-organization-id  organization.id
              expected  a key of the reference
              next      did you mean `reconcile.resync_interval`?
                        `config/example.toml` shows every key
        ");
    }

    #[test]
    fn a_sound_configuration_is_said_to_be_valid() {
        assert_snapshot!(problems(&[], Style::PLAIN), @"The configuration is valid.");
    }
}
