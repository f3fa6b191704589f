//! The pattern check: what AWS refuses, and what it accepts although it can never match.
//!
//! What makes a pattern valid is decided by the matcher alone; here stand the mistakes that a valid pattern can hold.

mod cloudtrail;
mod iam;
mod stars;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::matching::{self, Matcher};
use super::{Finding, MAX_CHARACTERS, Pattern, Severity, shown};

/// The fields at the top of every event.
const ENVELOPE: [&str; 10] = [
    "account",
    "detail",
    "detail-type",
    "id",
    "region",
    "replay-name",
    "resources",
    "source",
    "time",
    "version",
];

pub(super) fn findings(pattern: &Pattern) -> Vec<Finding> {
    let mut check = Check { cloudtrail: cloudtrail::Knowledge::of(pattern), found: Vec::new() };
    let Value::Object(fields) = &pattern.0 else { return check.found };
    check.size(pattern);
    check.source(fields);
    for name in fields.keys().filter(|name| !ENVELOPE.contains(&name.split('.').next().unwrap_or_default())) {
        if name == "$or" {
            continue;
        }
        check.error(
            "E-pattern-unknown-field",
            name,
            "no event has this field at its top, so the pattern never matches",
            format!("write {{\"detail\": {{\"{name}\": ...}}}}; what CloudTrail records is under `detail`"),
        );
    }
    check.object(fields, "", "");
    check.found.extend(cloudtrail::contradiction(pattern));
    check.rest(pattern);
    check.found
}

struct Check {
    cloudtrail: cloudtrail::Knowledge,
    found: Vec<Finding>,
}

impl Check {
    fn add(&mut self, severity: Severity, code: &'static str, path: &str, message: String, mend: String) {
        self.found.push(Finding { code, path: path.to_owned(), message, mend, severity });
    }

    fn error(&mut self, code: &'static str, path: &str, message: impl Into<String>, mend: impl Into<String>) {
        self.add(Severity::Error, code, path, message.into(), mend.into());
    }

    fn size(&mut self, pattern: &Pattern) {
        let characters = pattern.compact().chars().count();
        if characters > MAX_CHARACTERS {
            self.error(
                "E-pattern-too-long",
                "",
                format!("{characters} characters in its shortest form; EventBridge takes {MAX_CHARACTERS}"),
                "use prefixes instead of single names, or make two watches of it",
            );
        }
    }

    /// A bus that admits an account admits every event that it makes up, except those of sources that
    /// begin with `aws.`: a pattern that does not name its source can be made to fire by anybody.
    fn source(&mut self, fields: &Map<String, Value>) {
        let in_every_branch = fields.get("$or").and_then(Value::as_array).is_some_and(|branches| {
            !branches.is_empty()
                && branches.iter().all(|branch| branch.get("source").is_some_and(names_a_source))
        });
        if !in_every_branch && !fields.get("source").is_some_and(names_a_source) {
            self.error(
                "E-pattern-no-source",
                "source",
                "the pattern does not say whose events it means, so anybody whom the bus admits could forge them",
                r#"name the source exactly, such as ["aws.iam"], or all of AWS by [{"prefix": "aws."}]"#,
            );
        }
    }

    /// Checks the fields of one object of the pattern. `path` is where it stands in the pattern, `field` where in the event;
    /// each ends with a dot unless it is empty.
    fn object(&mut self, fields: &Map<String, Value>, path: &str, field: &str) {
        for (name, value) in fields {
            let at = format!("{path}{name}");
            match value {
                _ if name == "$or" && !matching::is_alternatives(value) => self.error(
                    "E-pattern-or",
                    &at,
                    "`$or` that is no list of two or more objects, or holds operators for fields, is taken for the name of a field and never matches",
                    r#"write {"$or": [{"a": ["x"]}, {"b": ["y"]}]}"#,
                ),
                Value::Array(branches) if name == "$or" => self.or(fields, branches, &at, field),
                Value::Array(alternatives) => {
                    self.alternatives(alternatives, &at, &format!("{field}{name}"));
                }
                Value::Object(inner) if !inner.is_empty() => {
                    self.object(inner, &format!("{at}."), &format!("{field}{name}."));
                }
                _ => self.error(
                    "E-pattern-not-a-list",
                    &at,
                    format!("`{}` is no list; EventBridge wants the alternatives of a field in one", shown(value)),
                    format!("write [{}]", shown(value)),
                ),
            }
        }
    }

    fn or(&mut self, fields: &Map<String, Value>, branches: &[Value], at: &str, field: &str) {
        let base: BTreeSet<String> = leaves(fields.iter().filter(|(name, _)| *name != "$or"), "");
        for (i, branch) in branches.iter().filter_map(Value::as_object).enumerate() {
            for field in base.intersection(&leaves(branch, "")) {
                self.overwritten(&format!("{at}[{i}].{field}"));
            }
            self.object(branch, &format!("{at}[{i}]."), field);
        }
    }

    fn overwritten(&mut self, at: &str) {
        self.error(
            "E-pattern-overwritten",
            at,
            "the field stands twice in one combination of the pattern, beside a `$or` and in it; EventBridge overwrites one by the other instead of asking for both",
            "put the field either beside the `$or` or into each of its objects",
        );
    }

    fn alternatives(&mut self, alternatives: &[Value], at: &str, field: &str) {
        if alternatives.is_empty() {
            self.error(
                "E-pattern-empty-list",
                at,
                "an empty list matches nothing, and EventBridge refuses it",
                "name a value, or leave the field out",
            );
        }
        for (i, alternative) in alternatives.iter().enumerate() {
            let at = format!("{at}[{i}]");
            match matching::parse_alternative(alternative, &at) {
                Err(finding) => self.found.push(finding),
                Ok(test) if test.is_wildcard() => self.wildcard(alternative, &at),
                Ok(_) => {}
            }
            self.found.extend(stars::literal(alternative, &at));
        }
        let found = self.cloudtrail.field(field, alternatives, at);
        self.found.extend(found);
    }

    fn wildcard(&mut self, alternative: &Value, at: &str) {
        /// From here a wildcard may be refused as too complex; AWS does not publish the limit.
        const MANY_STARS: usize = 4;
        self.add(
            Severity::Warning,
            "W-pattern-wildcard",
            at,
            "a bus takes at most 30 rules with wildcards, and this spends one of every member's".to_owned(),
            "use prefix, suffix or exact names where they say the same".to_owned(),
        );
        let stars = alternative.to_string().replace(r"\\*", "").matches('*').count();
        if stars >= MANY_STARS {
            self.add(
                Severity::Warning,
                "W-pattern-complex",
                at,
                format!("EventBridge may refuse it as too complex: it has {stars} stars"),
                "use fewer stars, and fewer repeated texts behind a star".to_owned(),
            );
        }
    }

    /// What only the whole tells: refusals and overwritten fields that the walk did not name.
    fn rest(&mut self, pattern: &Pattern) {
        match Matcher::of(pattern.value()) {
            Err(finding) => {
                if !self.found.iter().any(|found| found.severity == Severity::Error) {
                    self.found.push(finding);
                }
            }
            Ok(matcher) => {
                for path in matcher.overwritten() {
                    let named = |found: &Finding| {
                        found.code == "E-pattern-overwritten" && found.path.ends_with(path.as_str())
                    };
                    if !self.found.iter().any(named) {
                        self.overwritten(path);
                    }
                }
            }
        }
    }
}

/// Whether the alternatives of `source` are all exact, or prefixes that only AWS's own sources have.
fn names_a_source(alternatives: &Value) -> bool {
    alternatives.as_array().is_some_and(|alternatives| {
        !alternatives.is_empty()
            && alternatives.iter().all(|alternative| match alternative {
                Value::String(_) => true,
                Value::Object(operator) => {
                    // "aws" without the dot is also how the source "awsome" begins.
                    operator.len() == 1
                        && operator
                            .get("prefix")
                            .and_then(Value::as_str)
                            .is_some_and(|prefix| !"aws".starts_with(prefix))
                }
                _ => false,
            })
    })
}

/// The paths of all fields that hold alternatives.
fn leaves<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>, path: &str) -> BTreeSet<String> {
    fields
        .into_iter()
        .flat_map(|(name, value)| match value {
            Value::Object(inner) => leaves(inner, &format!("{path}{name}.")),
            _ => BTreeSet::from([format!("{path}{name}")]),
        })
        .collect()
}

#[cfg(test)]
mod tests;
