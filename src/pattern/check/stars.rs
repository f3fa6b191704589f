//! Stars where EventBridge compares them literally, as a much-copied pattern for IAM has them.

use serde_json::Value;

use crate::pattern::{Finding, Severity, shown};

/// What is wrong with the stars in an alternative, which stands at `at`.
pub(super) fn literal(alternative: &Value, at: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    match alternative {
        Value::String(text) => found.extend(star(text, at, &|mend| mend)),
        Value::Object(operator) => {
            for (name, operand) in operator {
                match name.as_str() {
                    "anything-but" => {
                        operand_of(operand, at, &|mend| format!(r#"{{"anything-but": {mend}}}"#), &mut found);
                    }
                    "prefix" | "suffix" => operand_of(operand, at, &|mend| mend, &mut found),
                    // `equals-ignore-case` is how a text that truly holds a star is written.
                    _ => {}
                }
            }
        }
        _ => {}
    }
    found
}

/// Checks the texts of an operand, down to those of an operator inside it.
fn operand_of(operand: &Value, at: &str, mended: &dyn Fn(String) -> String, found: &mut Vec<Finding>) {
    match operand {
        Value::String(text) => found.extend(star(text, at, mended)),
        Value::Array(texts) => texts.iter().for_each(|text| operand_of(text, at, mended, found)),
        Value::Object(inner) => {
            for (_, operand) in inner.iter().filter(|(name, _)| *name != "wildcard") {
                operand_of(operand, at, mended, found);
            }
        }
        _ => {}
    }
}

fn star(text: &str, at: &str, mended: &dyn Fn(String) -> String) -> Option<Finding> {
    if !text.contains('*') {
        return None;
    }
    let quoted = Value::from(text.trim_matches('*'));
    let mend = match (text.trim_matches('*'), text.starts_with('*'), text.ends_with('*')) {
        ("", ..) => r#"{"exists": true}"#.to_owned(),
        (inner, false, true) if !inner.contains('*') => mended(format!(r#"{{"prefix": {quoted}}}"#)),
        (inner, true, false) if !inner.contains('*') => mended(format!(r#"{{"suffix": {quoted}}}"#)),
        _ => mended(format!(r#"{{"wildcard": {}}}"#, Value::from(text))),
    };
    let whole = shown(&Value::from(text));
    Some(Finding {
        code: "E-pattern-literal-star",
        path: at.to_owned(),
        message: format!(
            "{whole} is compared literally, star included, and so matches nothing that it is meant to"
        ),
        mend: format!(r#"write {mend}; a text that truly holds a star is {{"equals-ignore-case": {whole}}}"#),
        severity: Severity::Error,
    })
}
