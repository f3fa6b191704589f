//! What of a configuration only shows when it is compiled, at a moment.

use jiff::{SignedDuration, Timestamp};

use super::{AlertRules, Relation, relation};
use crate::config::{ConfigError, LONGEST_RULE_NAME, Loaded, Problem, Settings, Suppress, SuppressState};
use crate::pattern::{Finding, Pattern, Severity};

/// How far ahead the end of a suppression may be.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 400);

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
        match super::alert(settings, alert, now) {
            Ok(rules) => {
                problems.extend(too_long(settings, i, &alert.name, &rules));
                problems.extend(unsound(i, &alert.name, &rules));
            }
            Err(error) => problems.push(error.into_problem()),
        }
        for (j, suppress) in alert.suppress.iter().enumerate() {
            problems.extend(of_suppression(&format!("alert[{i}].suppress[{j}].expires"), suppress, now));
        }
    }
    problems
}

/// The name of an alert that leaves no room for what its rules are called beside it.
fn too_long(settings: &Settings, i: usize, alert: &str, rules: &AlertRules) -> Option<Problem> {
    let shown = super::rule_names(alert, &rules.shown);
    let hidden = super::rule_names(&super::hidden_name(alert), &rules.hidden);
    let names = shown.chain(hidden).map(|(name, _)| format!("{}-{name}", settings.installation));
    let longest = names.max_by_key(String::len).filter(|name| name.len() > LONGEST_RULE_NAME)?;
    Some(Problem {
        code: "E-bad-name",
        path: format!("alert[{i}].name"),
        found: format!("a rule {longest:?} of {} characters", longest.len()),
        expected: format!("at most {LONGEST_RULE_NAME}, which is what AWS takes for the name of a rule"),
        hint: "shorten the name".to_owned(),
    })
}

/// What would be wrong with a rule's pattern as it is sent to AWS: the same check that a written one goes through, so that
/// no combination of sound parts is installed that EventBridge refuses, or takes and never matches.
pub(super) fn unsound(i: usize, alert: &str, rules: &AlertRules) -> Vec<Problem> {
    let shown = super::rule_names(alert, &rules.shown);
    let hidden = super::rule_names(&super::hidden_name(alert), &rules.hidden);
    let problem = |rule: &str, finding: Finding| Problem {
        code: finding.code,
        path: format!("alert[{i}]"),
        found: format!("a pattern of the rule {rule:?} in which, at {:?}: {}", finding.path, finding.message),
        expected: "watches, pattern and accounts of which sound patterns can be made".to_owned(),
        hint: finding.mend,
    };
    let mut problems = Vec::new();
    for (name, rule) in shown.chain(hidden) {
        let findings =
            Pattern::parse(&rule.pattern.to_string()).map_or_else(|all| all, |pattern| pattern.findings());
        let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
        problems.extend(errors.map(|finding| problem(&name, finding)));
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
    match suppress.state(now) {
        SuppressState::Active => None,
        SuppressState::EndsSoon => Some(problem(
            "W-suppress-ends-soon",
            "an end that its owner knows of",
            format!("then what it hides is delivered again; ask {}", suppress.owner),
        )),
        SuppressState::Ended => Some(problem(
            "W-suppress-ended",
            "a day that is not over",
            "what it hid is delivered again; take it out, or give it a new end".to_owned(),
        )),
    }
}
