//! Event patterns: parsed once, compared by meaning, checked for the mistakes that EventBridge accepts in silence.

pub mod algebra;
mod check;
pub mod matching;
mod strict;

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

/// The characters that a pattern may have in its shortest form; a quota that AWS raises on request.
pub const MAX_CHARACTERS: usize = 2048;

/// The rules with wildcards that a bus takes; AWS does not raise it.
pub const MAX_WILDCARD_RULES: usize = 30;

/// An event pattern: a JSON object without duplicate keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Pattern(Value);

/// What is wrong, or doubtful, with a pattern, and how it is mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable name of the mistake: `E-pattern-literal-star`.
    pub code: &'static str,
    /// Where in the pattern: `detail.eventName[0]`; empty for the whole of it.
    pub path: String,
    /// What is wrong and what it would do.
    pub message: String,
    /// What to write instead.
    pub mend: String,
    /// Whether the pattern can be used nevertheless.
    pub severity: Severity,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The pattern works, but somebody should know.
    Warning,
    /// The pattern is refused by AWS, or never matches what it is meant to match.
    Error,
}

impl Pattern {
    /// The pattern in `text`, or why it is none; what it then matches is the matter of [`Pattern::findings`].
    pub fn parse(text: &str) -> Result<Self, Vec<Finding>> {
        let error = |code, message, mend: &str| {
            vec![Finding {
                code,
                path: String::new(),
                message,
                mend: mend.to_owned(),
                severity: Severity::Error,
            }]
        };
        match strict::parse(text) {
            Ok(value) if value.as_object().is_some_and(|fields| !fields.is_empty()) => Ok(Self(value)),
            Ok(_) => Err(error(
                "E-pattern-not-an-object",
                "a pattern is a JSON object with at least one field".to_owned(),
                r#"write an object such as {"source": ["aws.iam"]}"#,
            )),
            Err(problem) if problem.is_data() => Err(error(
                "E-pattern-duplicate-key",
                format!("{problem}; EventBridge would silently keep the last of them"),
                "write the key once, with all its alternatives in one list",
            )),
            Err(problem) => Err(error(
                "E-pattern-not-json",
                format!("not JSON: {problem}"),
                "mend the JSON at that place; in TOML, put the pattern between ''' and '''",
            )),
        }
    }

    /// Everything doubtful about the pattern, in the order of its fields.
    pub fn findings(&self) -> Vec<Finding> {
        check::findings(self)
    }

    /// The shortest text of the pattern, as it is sent to AWS.
    pub fn compact(&self) -> String {
        self.0.to_string()
    }

    /// The pattern as JSON; always an object.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The sources that the pattern names exactly, without those that it admits by a prefix.
    pub fn sources(&self) -> BTreeSet<&str> {
        self.0["source"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether two texts are patterns of the same meaning: the order of keys and of alternatives, and
    /// repeated alternatives, do not count. A text that is no JSON is the same only as itself.
    pub fn same(a: &str, b: &str) -> bool {
        a == b
            || match (serde_json::from_str(a), serde_json::from_str(b)) {
                (Ok(a), Ok(b)) => canonical(a) == canonical(b),
                _ => false,
            }
    }
}

/// A value as a message quotes it: not all of a long one.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// `value` with its lists of alternatives sorted and without repetitions.
fn canonical(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            // `numeric` is the one list that reads as a sentence: [">", 0, "<=", 5].
            .map(|(key, value)| if key == "numeric" { (key, value) } else { (key, canonical(value)) })
            .collect(),
        Value::Array(alternatives) => {
            let mut alternatives: Vec<Value> = alternatives.into_iter().map(canonical).collect();
            alternatives.sort_by_cached_key(Value::to_string);
            alternatives.dedup();
            Value::Array(alternatives)
        }
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> &'static str {
        Pattern::parse(text).unwrap_err()[0].code
    }

    #[test]
    fn text_that_is_no_pattern_is_named_for_what_it_is() {
        assert_eq!(code(""), "E-pattern-not-json");
        assert_eq!(code("{\"source\": [\"aws.iam\"]"), "E-pattern-not-json");
        assert_eq!(code("[]"), "E-pattern-not-an-object");
        assert_eq!(code("{}"), "E-pattern-not-an-object");
        assert_eq!(code(r#"{"source": ["a"], "source": ["b"]}"#), "E-pattern-duplicate-key");
    }

    #[test]
    fn a_duplicate_key_is_found_at_any_depth_and_named_with_its_place() {
        let findings =
            Pattern::parse("{\"source\":[\"aws.iam\"],\n\"$or\":[{\"a\":[1]},{\"b\":[1],\"b\":[2]}]}")
                .unwrap_err();
        assert_eq!(findings[0].code, "E-pattern-duplicate-key");
        assert!(
            findings[0].message.contains("`b`") && findings[0].message.contains("line 2"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_pattern_deeper_than_any_event_is_refused_and_does_not_overflow() {
        assert_eq!(code(&r#"{"a":"#.repeat(100_000)), "E-pattern-not-json");
    }

    #[test]
    fn order_and_repetition_of_alternatives_do_not_count_and_everything_else_does() {
        let a = r#"{"source":["aws.iam"],"detail":{"eventName":["A","B",{"prefix":"C"}]}}"#;
        assert!(Pattern::same(
            a,
            r#"{ "detail": {"eventName":[{"prefix":"C"},"B","A","B"]}, "source":["aws.iam"]}"#
        ));
        assert!(!Pattern::same(a, r#"{"source":["aws.iam"],"detail":{"eventName":["A","B"]}}"#));
        assert!(!Pattern::same(r#"{"a":["1"]}"#, r#"{"a":[1]}"#));
        assert!(!Pattern::same(
            r#"{"a":[{"numeric":[">",0,"<",5]}]}"#,
            r#"{"a":[{"numeric":["<",0,">",5]}]}"#
        ));
    }

    #[test]
    fn text_that_is_no_json_is_the_same_only_as_itself() {
        assert!(Pattern::same("{", "{"));
        assert!(!Pattern::same("{", "{ "));
        assert!(!Pattern::same("{", "{}"));
    }

    #[test]
    fn the_exact_sources_are_told() {
        let pattern = Pattern::parse(r#"{"source":["aws.iam","aws.sts",{"prefix":"aws."}]}"#).unwrap();
        assert_eq!(pattern.sources(), BTreeSet::from(["aws.iam", "aws.sts"]));
        assert!(Pattern::parse(r#"{"source":"aws.iam"}"#).unwrap().sources().is_empty());
    }
}
