//! Alerts that ask for what none of their watches forwards: what they ask for never arrives.

use serde_json::{Value, json};

use crate::config::{Alert, Problem, Settings, Watch, WatchAccounts};
use crate::pattern::algebra::Events;

/// What the alert at this place asks for in vain.
pub(super) fn problems(settings: &Settings, place: &str, alert: &Alert) -> Vec<Problem> {
    let watches: Vec<&Watch> =
        settings.watches.iter().filter(|watch| alert.watches.contains(&watch.name)).collect();
    let mut problems = accounts(place, alert, &watches);
    let Some(pattern) = &alert.pattern else { return problems };
    // What the algebra cannot say is told where the alert is compiled.
    let watched: Result<Vec<Events>, _> =
        watches.iter().map(|watch| Events::of(watch.pattern.value())).collect();
    let Ok(watched) = watched else { return problems };
    let in_vain = |pattern: &Value| {
        Events::of(pattern).is_ok_and(|asked| watched.iter().all(|watched| asked.is_apart_from(watched)))
    };
    let names = || watches.iter().map(|watch| watch.name.as_str()).collect::<Vec<_>>().join(", ");
    if in_vain(pattern.value()) {
        problems.push(Problem {
            code: "E-alert-matches-nothing",
            path: format!("{place}.pattern"),
            found: format!("a pattern that matches nothing of what {} forwards", names()),
            expected: "some of what its watches forward".to_owned(),
            hint: "an alert's pattern narrows its watches: name other watches, or mend the pattern"
                .to_owned(),
        });
        return problems;
    }
    for (path, alternative, alone) in alternatives(pattern.value()) {
        if in_vain(&alone) {
            problems.push(Problem {
                code: "W-alert-wider",
                path: format!("{place}.pattern: {path}"),
                found: format!("{alternative}, which {} never forwards", names()),
                expected: "what its watches forward".to_owned(),
                hint: "take it out, or name a watch that forwards it".to_owned(),
            });
        }
    }
    problems
}

fn accounts(place: &str, alert: &Alert, watches: &[&Watch]) -> Vec<Problem> {
    let never = |account: &&crate::model::ids::AccountId| {
        watches.iter().all(|watch| match &watch.accounts {
            WatchAccounts::All => false,
            WatchAccounts::Only { ids, management } => !*management && !ids.contains(*account),
        })
    };
    let problem = |account: &crate::model::ids::AccountId| Problem {
        code: "W-alert-wider",
        path: format!("{place}.accounts"),
        found: format!("{account}, from which no watch of the alert forwards"),
        expected: "accounts of its watches".to_owned(),
        hint: "take it out, or add it to `accounts` of a watch".to_owned(),
    };
    alert.accounts.iter().filter(never).map(problem).collect()
}

/// Each alternative that stands outside `$or`: its place, itself, and the pattern that asks for it alone.
fn alternatives(pattern: &Value) -> Vec<(String, Value, Value)> {
    let mut all = Vec::new();
    for (name, value) in pattern.as_object().into_iter().flatten().filter(|(name, _)| *name != "$or") {
        match value {
            Value::Array(list) => all.extend(list.iter().enumerate().map(|(i, alternative)| {
                (format!("{name}[{i}]"), alternative.clone(), json!({ name: [alternative] }))
            })),
            inner => all.extend(alternatives(inner).into_iter().map(|(path, alternative, alone)| {
                (format!("{name}.{path}"), alternative, json!({ name: alone }))
            })),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(alert: &str) -> Vec<String> {
        let text = format!(
            "[central]\naccount_id='222222222222'\n[[watch]]\nname='iam-x'\npreset='iam-user-deletion'\n\
             [[watch]]\nname='one'\npattern='{{\"source\":[\"my.app\"]}}'\naccounts=['333333333333']\nregions=['us-east-1']\n\
             [[alert]]\nname='people'\n{alert}\n"
        );
        let settings = crate::config::parse(&text, []).unwrap().settings;
        let found = problems(&settings, "alert[0]", &settings.alerts[0]);
        found.into_iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect()
    }

    #[test]
    fn a_pattern_that_matches_nothing_of_its_watches_is_refused() {
        for pattern in [r#"{"source":["aws.s3"]}"#, r#"{"detail":{"eventName":["CreateUser"]}}"#] {
            assert_eq!(
                codes(&format!("watches=['iam-x']\npattern='{pattern}'")),
                ["E-alert-matches-nothing alert[0].pattern"],
                "{pattern}"
            );
        }
        assert_eq!(codes("watches=['iam-x']\npattern='{\"account\":[\"333333333333\"]}'"), [""; 0]);
    }

    #[test]
    fn what_an_alert_asks_for_beyond_its_watches_is_named() {
        assert_eq!(
            codes(
                "watches=['iam-x']\npattern='{\"detail\":{\"eventName\":[\"DeleteUser\",\"CreateUser\"]}}'"
            ),
            ["W-alert-wider alert[0].pattern: detail.eventName[1]"]
        );
        assert_eq!(
            codes("pattern='{\"source\":[\"aws.iam\",\"aws.s3\",\"my.app\"]}'"),
            ["W-alert-wider alert[0].pattern: source[1]"]
        );
        assert_eq!(
            codes("watches=['one']\naccounts=['333333333333','444444444444']"),
            ["W-alert-wider alert[0].accounts"]
        );
        assert_eq!(codes("accounts=['444444444444']"), [""; 0]);
    }
}
