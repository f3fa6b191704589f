//! What of a configuration only shows when it is compiled, at a moment.

use jiff::{SignedDuration, Timestamp};

use super::{Relation, relation};
use crate::config::{ConfigError, Loaded, Problem, Settings, Suppress};

/// How far ahead the end of a suppression may be.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 400);
/// How long before the end it is told.
const SOON: SignedDuration = SignedDuration::from_hours(24 * 14);

/// A configuration that can be compiled at this moment, with what else somebody should know.
///
/// # Errors
/// It cannot, with everything that stands against it.
pub fn checked(mut loaded: Loaded, now: Timestamp) -> Result<Loaded, ConfigError> {
    let (warnings, problems): (Vec<Problem>, Vec<Problem>) =
        problems(&loaded.settings, now).into_iter().partition(Problem::is_warning);
    if !problems.is_empty() {
        return Err(ConfigError { problems });
    }
    loaded.warnings.extend(warnings);
    Ok(loaded)
}

/// Everything that cannot be compiled, and what somebody should know.
pub fn problems(settings: &Settings, now: Timestamp) -> Vec<Problem> {
    let mut problems = overlaps(settings);
    for (i, alert) in settings.alerts.iter().enumerate() {
        problems.extend(super::wider::problems(settings, &format!("alert[{i}]"), alert));
        if let Err(error) = super::alert(settings, alert, now) {
            problems.push(Problem {
                code: "E-cannot-combine",
                path: error.place.clone(),
                found: format!("what cannot be combined with {}", error.other),
                expected: "conditions that EventBridge can ask for at once".to_owned(),
                hint: error.reason.to_string(),
            });
        }
        if !alert.suppress.is_empty() {
            problems.push(Problem {
                code: "E-not-built-yet",
                path: format!("alert[{i}].suppress"),
                found: "a suppression".to_owned(),
                expected: "[]".to_owned(),
                hint: "what it hides is not counted yet: leave it out for now".to_owned(),
            });
        }
        for (j, suppress) in alert.suppress.iter().enumerate() {
            problems.extend(of_suppression(&format!("alert[{i}].suppress[{j}].expires"), suppress, now));
        }
    }
    problems
}

/// A forwarded event does not say which rule sent it, so what two sender rules match is delivered twice. A watch that
/// is contained in another one has no rule; one that only overlaps has.
fn overlaps(settings: &Settings) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (i, a) in settings.watches.iter().enumerate() {
        for (j, b) in settings.watches.iter().enumerate().skip(i + 1) {
            let both = format!("the watches {:?} and {:?}", a.name, b.name);
            let problem = |code, found: String, expected: &str, hint: String| Problem {
                code,
                path: format!("watch[{j}]"),
                found,
                expected: expected.to_owned(),
                hint,
            };
            match relation(a, b) {
                Relation::Same => problems.push(problem(
                    "E-same-pattern",
                    format!("{both}, which see the same events"),
                    "each event in one watch",
                    "keep one of them".to_owned(),
                )),
                Relation::Overlapping => problems.push(problem(
                    "W-overlap",
                    format!("{both}, which have events in common and neither all of the other's"),
                    "watches of which one has all events of the other, or none",
                    format!(
                        "an event that watch[{i}] sees as well arrives twice where both are watched; narrow one of them,                          or make one watch of both and narrow the alerts"
                    ),
                )),
                Relation::Within | Relation::Around | Relation::Apart => {}
            }
        }
    }
    problems
}

fn of_suppression(path: &str, suppress: &Suppress, now: Timestamp) -> Option<Problem> {
    let left = suppress.ends().duration_since(now);
    let problem = |code, expected: &str, hint: String| Problem {
        code,
        path: path.to_owned(),
        found: suppress.expires.to_string(),
        expected: expected.to_owned(),
        hint,
    };
    if left > LONGEST {
        return Some(problem(
            "E-suppress-too-long",
            "an end within 400 days",
            "noise is looked at again once a year: choose an earlier day".to_owned(),
        ));
    }
    if !suppress.is_active(now) {
        return Some(problem(
            "W-suppress-ended",
            "a day that is not over",
            "what it hid is delivered again; take it out, or give it a new end".to_owned(),
        ));
    }
    (left <= SOON).then(|| {
        problem(
            "W-suppress-ends-soon",
            "an end that its owner knows of",
            format!("then what it hides is delivered again; ask {}", suppress.owner),
        )
    })
}
