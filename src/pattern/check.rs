//! The pattern check: what AWS refuses, and what it accepts although it can never match.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Finding, MAX_CHARACTERS, Pattern, Severity};

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

/// What an object among a field's alternatives may be.
const OPERATORS: [&str; 8] =
    ["anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"];

pub(super) fn findings(pattern: &Pattern) -> Vec<Finding> {
    let mut check = Check::default();
    let Value::Object(fields) = &pattern.0 else { return check.0 };
    check.size(pattern);
    check.source(fields);
    for name in fields.keys().filter(|name| *name != "$or" && !ENVELOPE.contains(&name.as_str())) {
        check.error(
            "E-pattern-unknown-field",
            name,
            "no event has this field at its top, so the pattern never matches",
            format!("write {{\"detail\": {{\"{name}\": ...}}}}; what CloudTrail records is under `detail`"),
        );
    }
    check.object(fields, "");
    check.0
}

#[derive(Default)]
struct Check(Vec<Finding>);

impl Check {
    fn add(&mut self, severity: Severity, code: &'static str, path: &str, message: String, mend: String) {
        self.0.push(Finding { code, path: path.to_owned(), message, mend, severity });
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

    /// Checks the fields of one object of the pattern; `path` ends with a dot unless it is empty.
    fn object(&mut self, fields: &Map<String, Value>, path: &str) {
        for (name, value) in fields {
            let at = format!("{path}{name}");
            match value {
                Value::Array(branches) if name == "$or" => self.or(fields, branches, &at),
                Value::Array(alternatives) => self.alternatives(alternatives, &at),
                Value::Object(inner) if !inner.is_empty() => self.object(inner, &format!("{at}.")),
                _ => self.error(
                    "E-pattern-not-a-list",
                    &at,
                    format!("`{value}` is no list; EventBridge wants the alternatives of a field in one"),
                    format!("write [{value}]"),
                ),
            }
        }
    }

    fn or(&mut self, fields: &Map<String, Value>, branches: &[Value], at: &str) {
        let objects: Vec<&Map<String, Value>> = branches.iter().filter_map(Value::as_object).collect();
        if objects.len() < 2 || objects.len() != branches.len() {
            return self.error(
                "E-pattern-or",
                at,
                "`$or` that is no list of two or more objects is taken for the name of a field and never matches",
                r#"write {"$or": [{"a": ["x"]}, {"b": ["y"]}]}"#,
            );
        }
        let base: BTreeSet<String> = leaves(fields.iter().filter(|(name, _)| *name != "$or"), "");
        for (i, branch) in objects.into_iter().enumerate() {
            for field in base.intersection(&leaves(branch, "")) {
                self.error(
                    "E-pattern-overwritten",
                    &format!("{at}[{i}].{field}"),
                    "the field also stands beside the `$or`; EventBridge overwrites one by the other instead of asking for both",
                    "put the field either beside the `$or` or into each of its objects",
                );
            }
            self.object(branch, &format!("{at}[{i}]."));
        }
    }

    fn alternatives(&mut self, alternatives: &[Value], at: &str) {
        if alternatives.is_empty() {
            self.error(
                "E-pattern-empty-list",
                at,
                "an empty list matches nothing",
                "name a value, or leave the field out",
            );
        }
        for (i, alternative) in alternatives.iter().enumerate() {
            let at = format!("{at}[{i}]");
            match alternative {
                Value::Object(operator) => self.operator(operator, &at),
                Value::Array(_) => self.error(
                    "E-pattern-nested-list",
                    &at,
                    "a list inside the list of alternatives is refused by EventBridge",
                    "write the alternatives in one list",
                ),
                Value::String(text) => self.literal_star(text, &at, |mend| mend),
                _ => {}
            }
        }
    }

    fn operator(&mut self, operator: &Map<String, Value>, at: &str) {
        let mut entries = operator.iter();
        let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
            return self.error(
                "E-pattern-unknown-operator",
                at,
                "an object among alternatives holds exactly one operator",
                r#"write one object for each, such as [{"prefix": "Put"}, {"suffix": "Policy"}]"#,
            );
        };
        match name.as_str() {
            "wildcard" => self.wildcard(at),
            "anything-but" => self.operand(operand, at, |mend| format!(r#"{{"anything-but": {mend}}}"#)),
            "prefix" | "suffix" => self.operand(operand, at, |mend| mend),
            name if OPERATORS.contains(&name) => {}
            name => self.error(
                "E-pattern-unknown-operator",
                at,
                format!("`{}` is no operator of event patterns", name.escape_debug()),
                format!("the operators are {}", OPERATORS.join(", ")),
            ),
        }
    }

    /// Checks the texts of an operand, down to those of an operator inside it.
    fn operand(&mut self, operand: &Value, at: &str, mended: impl Fn(String) -> String + Copy) {
        match operand {
            Value::String(text) => self.literal_star(text, at, mended),
            Value::Array(texts) => texts.iter().for_each(|text| self.operand(text, at, mended)),
            Value::Object(inner) => inner.iter().for_each(|(name, operand)| match name.as_str() {
                "wildcard" => self.wildcard(at),
                _ => self.operand(operand, at, mended),
            }),
            _ => {}
        }
    }

    fn wildcard(&mut self, at: &str) {
        self.add(
            Severity::Warning,
            "W-pattern-wildcard",
            at,
            "a bus takes at most 30 rules with wildcards, and this spends one of every member's".to_owned(),
            "use prefix, suffix or exact names where they say the same".to_owned(),
        );
    }

    fn literal_star(&mut self, text: &str, at: &str, mended: impl Fn(String) -> String) {
        if !text.contains('*') {
            return;
        }
        let quoted = Value::from(text.trim_matches('*'));
        let mend = match (text.trim_matches('*'), text.starts_with('*'), text.ends_with('*')) {
            ("", ..) => r#"{"exists": true}"#.to_owned(),
            (inner, false, true) if !inner.contains('*') => mended(format!(r#"{{"prefix": {quoted}}}"#)),
            (inner, true, false) if !inner.contains('*') => mended(format!(r#"{{"suffix": {quoted}}}"#)),
            _ => mended(format!(r#"{{"wildcard": {}}}"#, Value::from(text))),
        };
        self.error(
            "E-pattern-literal-star",
            at,
            format!(
                "{} is compared literally, star included, and so matches nothing that it is meant to",
                Value::from(text)
            ),
            format!(
                r#"write {mend}; a text that truly holds a star is {{"equals-ignore-case": {}}}"#,
                Value::from(text)
            ),
        );
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
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        Pattern::parse(text).unwrap().findings()
    }

    /// The codes and paths found in a pattern that is in order apart from its `eventName`.
    fn event_name(alternatives: &str) -> Vec<(&'static str, String, String)> {
        findings(&format!(r#"{{"source":["aws.iam"],"detail":{{"eventName":{alternatives}}}}}"#))
            .into_iter()
            .map(|f| (f.code, f.path, f.mend))
            .collect()
    }

    #[test]
    fn a_sound_pattern_has_no_findings() {
        assert_eq!(
            event_name(
                r#"["DeleteUser", {"prefix":"Put"}, {"anything-but":{"prefix":["Get","List"]}}, {"exists":true}]"#
            ),
            []
        );
        assert_eq!(
            findings(r#"{"source":[{"prefix":"aws."}],"$or":[{"account":["1"]},{"region":["x"]}]}"#),
            []
        );
    }

    #[test]
    fn a_star_in_a_plain_text_is_named_with_the_operator_that_was_meant() {
        for (text, mend) in [
            ("\"Add*\"", r#"{"prefix": "Add"}"#),
            ("\"*Policy\"", r#"{"suffix": "Policy"}"#),
            ("\"Put*Policy\"", r#"{"wildcard": "Put*Policy"}"#),
            ("\"*\"", r#"{"exists": true}"#),
            (r#"{"prefix":"Add*"}"#, r#"{"prefix": "Add"}"#),
            (r#"{"anything-but":["Get*"]}"#, r#"{"anything-but": {"prefix": "Get"}}"#),
            (r#"{"anything-but":{"prefix":"Get*"}}"#, r#"{"anything-but": {"prefix": "Get"}}"#),
        ] {
            let found = event_name(&format!("[\"DeleteUser\", {text}]"));
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].0, found[0].1.as_str()), ("E-pattern-literal-star", "detail.eventName[1]"));
            assert!(found[0].2.contains(mend), "{text}: {}", found[0].2);
        }
    }

    #[test]
    fn a_wildcard_operator_is_no_literal_star_but_costs_a_rule_of_thirty() {
        assert_eq!(event_name(r#"[{"wildcard":"Put*Policy"}]"#)[0].0, "W-pattern-wildcard");
        assert_eq!(event_name(r#"[{"anything-but":{"wildcard":"Put*"}}]"#)[0].0, "W-pattern-wildcard");
    }

    #[test]
    fn a_field_without_a_list_is_refused() {
        for bare in ["\"DeleteUser\"", "5", "null", "{}"] {
            assert_eq!(event_name(bare)[0].0, "E-pattern-not-a-list", "{bare}");
        }
        assert_eq!(event_name("[]")[0].0, "E-pattern-empty-list");
        assert_eq!(event_name("[[\"DeleteUser\"]]")[0].0, "E-pattern-nested-list");
    }

    #[test]
    fn an_unknown_operator_and_two_in_one_object_are_refused() {
        assert_eq!(event_name(r#"[{"prefx":"Add"}]"#)[0].0, "E-pattern-unknown-operator");
        assert_eq!(event_name(r#"[{"prefix":"Add","suffix":"User"}]"#)[0].0, "E-pattern-unknown-operator");
    }

    #[test]
    fn a_pattern_must_name_whose_events_it_means() {
        for forgeable in [
            r#"{"detail":{"eventName":["DeleteUser"]}}"#,
            r#"{"source":[{"anything-but":"aws.iam"}]}"#,
            r#"{"source":[{"prefix":""}]}"#,
            r#"{"source":[{"prefix":"aws"}]}"#,
            r#"{"source":[{"equals-ignore-case":"aws.iam"}]}"#,
            r#"{"source":["aws.iam",{"exists":true}]}"#,
            r#"{"$or":[{"source":["aws.iam"]},{"account":["1"]}]}"#,
        ] {
            assert!(findings(forgeable).iter().any(|f| f.code == "E-pattern-no-source"), "{forgeable}");
        }
        for named in [
            r#"{"source":["aws.iam","my.app"]}"#,
            r#"{"source":[{"prefix":"aws."}]}"#,
            r#"{"$or":[{"source":["aws.iam"]},{"source":["aws.sts"]}]}"#,
        ] {
            assert_eq!(findings(named), [], "{named}");
        }
    }

    #[test]
    fn a_field_that_no_event_has_at_its_top_is_refused() {
        let found = findings(r#"{"source":["aws.iam"],"eventName":["DeleteUser"]}"#);
        assert_eq!((found[0].code, found[0].path.as_str()), ("E-pattern-unknown-field", "eventName"));
    }

    #[test]
    fn an_or_that_would_be_taken_for_a_field_is_refused() {
        for or in [r#"[{"account":["1"]}]"#, r#"["x","y"]"#, "[]"] {
            let found = findings(&format!(r#"{{"source":["aws.iam"],"$or":{or}}}"#));
            assert_eq!(found[0].code, "E-pattern-or", "{or}");
        }
    }

    #[test]
    fn a_field_beside_an_or_that_holds_it_again_is_refused() {
        let found = findings(
            r#"{"source":["aws.iam"],"detail":{"a":["1"],"$or":[{"a":["2"]},{"b":["3"]}]},"$or":[{"account":["1"]},{"detail":{"a":["4"]}}]}"#,
        );
        let overwritten: Vec<&str> =
            found.iter().filter(|f| f.code == "E-pattern-overwritten").map(|f| f.path.as_str()).collect();
        assert_eq!(overwritten, ["$or[1].detail.a", "detail.$or[0].a"]);
    }

    #[test]
    fn the_quota_counts_the_characters_of_the_shortest_form() {
        let pattern = |n: usize| {
            format!(r#"{{ "source": ["aws.iam"], "detail": {{"eventName": ["{}"]}} }}"#, "ü".repeat(n))
        };
        let overhead = Pattern::parse(&pattern(0)).unwrap().compact().chars().count();
        assert_eq!(findings(&pattern(MAX_CHARACTERS - overhead)), []);
        assert_eq!(findings(&pattern(MAX_CHARACTERS - overhead + 1))[0].code, "E-pattern-too-long");
    }
}
