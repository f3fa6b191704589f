//! What a daemon answers to those who tell it something.

use serde_json::Value;

use super::phrase;
use super::style::{Page, Style, Tone};

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// The open holds of `GET /api/v1/holds`, each with how to let it go.
pub fn holds(answer: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        page.line(0, Tone::Good, "Nothing is held.");
        return page.finish();
    }
    for hold in items {
        let accounts = hold["accounts"].as_array().map_or(0, Vec::len);
        page.line(
            0,
            Tone::Strong,
            format_args!(
                "{} in {}, since {}",
                text(hold, "id"),
                phrase::count(accounts, "account"),
                text(hold, "since")
            ),
        );
        page.prose(2, Tone::Plain, text(hold, "message"));
        if hold["releasable"] == true {
            page.line(2, Tone::Faint, format_args!("orgwatch release {}", text(hold, "id")));
        }
    }
    page.finish()
}

/// What was let go.
pub fn released(answer: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    let targets = answer["targets"].as_array().map_or(0, Vec::len);
    let told = format!(
        "Released {} in {}; it is done with the next pass.",
        text(answer, "id"),
        phrase::count(targets, "target")
    );
    page.line(0, Tone::Good, told);
    page.finish()
}

/// What is paused now.
pub fn paused(pause: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    let until = pause["until"].as_str().map(|until| format!(" until {until}")).unwrap_or_default();
    let scope = text(pause, "scope");
    page.line(
        0,
        Tone::Warn,
        format_args!("Paused {scope}{until}: nothing is written there; `orgwatch resume {scope}` ends it."),
    );
    page.finish()
}

/// What goes on.
pub fn resumed(pause: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(
        0,
        Tone::Good,
        format_args!(
            "Resumed {}, which {} had paused: {}.",
            text(pause, "scope"),
            text(pause, "by"),
            text(pause, "reason")
        ),
    );
    page.finish()
}

/// What a reload changed.
pub fn reloaded(answer: &Value, style: Style) -> String {
    let mut page = Page::new(style);
    let changes = answer["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if changes.is_empty() {
        page.line(0, Tone::Good, "Reloaded: no key has another value than before.");
        return page.finish();
    }
    page.table(
        &["key", "before", "from", "after", "from"],
        changes.iter().map(|change| {
            let value = |shown: &Value, secret: bool| match &shown["value"] {
                _ if shown.is_null() => "not set".to_owned(),
                value if secret => format!("{value}, with other content"),
                value => value.to_string(),
            };
            let secret = change["secret"] == true;
            vec![
                (Tone::Strong, text(change, "path").to_owned()),
                (Tone::Faint, value(&change["before"], false)),
                (Tone::Faint, text(&change["before"], "source").to_owned()),
                (Tone::Plain, value(&change["after"], secret)),
                (Tone::Faint, text(&change["after"], "source").to_owned()),
            ]
        }),
    );
    page.gap().line(
        0,
        Tone::Good,
        format_args!(
            "Reloaded: {} in force, generation {}.",
            phrase::count(changes.len(), "change"),
            answer["generation"]
        ),
    );
    page.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_answer_is_a_sentence() {
        let held = json!({ "items": [{
            "id": "DeletionLimit-alert_rule-orgwatch-old", "reason": "DeletionLimit", "releasable": true,
            "message": "10 resources were deleted within 1h, which is the limit",
            "accounts": ["222222222222"], "since": "2026-11-20T12:00:00Z", "changes": 1,
        }]});
        insta::assert_snapshot!(holds(&held, Style::PLAIN), @r"
        DeletionLimit-alert_rule-orgwatch-old in 1 account, since 2026-11-20T12:00:00Z
          10 resources were deleted within 1h, which is the limit
          orgwatch release DeletionLimit-alert_rule-orgwatch-old
        ");
        insta::assert_snapshot!(holds(&json!({ "items": [] }), Style::PLAIN), @"Nothing is held.");
        let pause = json!({ "scope": "all", "until": "2026-11-20T14:00:00Z", "reason": "a migration", "by": "oncall" });
        insta::assert_snapshot!(paused(&pause, Style::PLAIN), @"Paused all until 2026-11-20T14:00:00Z: nothing is written there; `orgwatch resume all` ends it.");
        insta::assert_snapshot!(resumed(&pause, Style::PLAIN), @"Resumed all, which oncall had paused: a migration.");
        let reloaded_one = json!({ "generation": 2, "warnings": [], "changes": [
            { "path": "reconcile.mode", "before": { "value": "observe", "source": "default" },
              "after": { "value": "enforce", "source": "file" }, "secret": false },
            { "path": "http.token[oncall].file", "before": { "value": "/run/t", "source": "file" },
              "after": { "value": "/run/t", "source": "file" }, "secret": true },
            { "path": "alert[a].severity", "before": null, "after": { "value": "high", "source": "file" }, "secret": false },
        ]});
        insta::assert_snapshot!(reloaded(&reloaded_one, Style::PLAIN), @r#"
        key                      before     from     after                         from
        reconcile.mode           "observe"  default  "enforce"                     file
        http.token[oncall].file  "/run/t"   file     "/run/t", with other content  file
        alert[a].severity        not set             "high"                        file

        Reloaded: 3 changes in force, generation 2.
        "#);
        insta::assert_snapshot!(reloaded(&json!({ "changes": [], "generation": 1 }), Style::PLAIN), @"Reloaded: no key has another value than before.");
        let released_one = json!({ "id": "x", "targets": ["member 333333333333/us-east-1"] });
        insta::assert_snapshot!(released(&released_one, Style::PLAIN), @"Released x in 1 target; it is done with the next pass.");
    }
}
