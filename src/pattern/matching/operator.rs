//! One alternative of a field: a plain value or an operator.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::address::Block;
use super::text;
use super::wildcard::Wildcard;
use crate::pattern::{Finding, Severity, shown};
use crate::spelling::nearest;

/// The operators that a field's alternatives may have.
pub(crate) const OPERATORS: [&str; 8] =
    ["anything-but", "cidr", "equals-ignore-case", "exists", "numeric", "prefix", "suffix", "wildcard"];

/// Up to here each whole number is a double of its own.
const EXACT: u64 = 1 << 53;

/// What one alternative accepts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// The very value; numbers by value.
    Equals(Value),
    Address(Block),
    Prefix(Text),
    Suffix(Text),
    AnyCase(String),
    Wildcard(Wildcard),
    Range(Range),
    Exists(bool),
    /// What none of these accepts. A value of another type never is what they name, and so accepted.
    AnythingBut(Vec<Test>),
}

/// A text, and whether its case matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    text: String,
    any_case: bool,
}

/// A range of numbers; the flags say whether a bound is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Range {
    bottom: Option<(f64, bool)>,
    top: Option<(f64, bool)>,
}

impl Range {
    fn contains(self, value: f64) -> bool {
        self.bottom.is_none_or(|(bottom, included)| value > bottom || (included && value >= bottom))
            && self.top.is_none_or(|(top, included)| value < top || (included && value <= top))
    }
}

impl Test {
    /// Whether it accepts a value that the event has. An absent one is accepted by `Exists(false)` alone.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exists(wanted), _) => *wanted,
            (Self::AnythingBut(excluded), value) => !excluded.iter().any(|test| test.accepts(value)),
            (Self::Equals(Value::Number(wanted)), Value::Number(found)) => same_number(wanted, found),
            (Self::Equals(wanted), found) => wanted == found,
            (Self::Range(range), Value::Number(found)) => {
                comparable(found).is_some_and(|found| range.contains(found))
            }
            (_, Value::String(found)) => self.accepts_text(found),
            _ => false,
        }
    }

    fn accepts_text(&self, found: &str) -> bool {
        match self {
            Self::Address(block) => block.contains(found),
            Self::Prefix(Text { text, any_case: false }) => found.starts_with(text.as_str()),
            Self::Prefix(Text { text, any_case: true }) => text::has_prefix(text, found),
            Self::Suffix(Text { text, any_case: false }) => found.ends_with(text.as_str()),
            Self::Suffix(Text { text, any_case: true }) => text::has_suffix(text, found),
            Self::AnyCase(text) => text::same(text, found),
            Self::Wildcard(wildcard) => wildcard.matches(found),
            Self::Equals(_) | Self::Range(_) | Self::Exists(_) | Self::AnythingBut(_) => false,
        }
    }

    /// Whether it makes its rule one of the 30 with wildcards.
    pub(crate) fn is_wildcard(&self) -> bool {
        match self {
            Self::Wildcard(_) => true,
            Self::AnythingBut(excluded) => excluded.iter().any(Self::is_wildcard),
            _ => false,
        }
    }
}

/// The number as a double, unless it has more digits than a double keeps; the engine then compares by the text alone.
fn comparable(number: &Number) -> Option<f64> {
    let whole = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
    whole.is_none_or(|whole| whole <= EXACT).then(|| number.as_f64()).flatten()
}

fn same_number(a: &Number, b: &Number) -> bool {
    a == b
        || comparable(a).zip(comparable(b)).is_some_and(|(a, b)| a.partial_cmp(&b) == Some(Ordering::Equal))
}

/// The alternative in `value`, which stands at `at`; or why EventBridge refuses it.
pub(crate) fn parse(value: &Value, at: &str) -> Result<Test, Finding> {
    match value {
        Value::String(text) => {
            Ok(Block::single(text).map_or_else(|| Test::Equals(value.clone()), Test::Address))
        }
        Value::Object(operator) => one_operator(operator, at),
        Value::Array(_) => Err(finding(
            "E-pattern-nested-list",
            at,
            "a list inside the list of alternatives is refused by EventBridge",
            "write the alternatives in one list",
        )),
        Value::Number(_) | Value::Bool(_) | Value::Null => Ok(Test::Equals(value.clone())),
    }
}

fn one_operator(operator: &Map<String, Value>, at: &str) -> Result<Test, Finding> {
    let mut entries = operator.iter();
    let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
        return Err(finding(
            "E-pattern-unknown-operator",
            at,
            "an object among alternatives holds exactly one operator",
            r#"write one object for each, such as [{"prefix": "Put"}, {"suffix": "Policy"}]; they are alternatives"#,
        ));
    };
    let bad = |expected: &str| bad_operand(at, name, operand, expected);
    match (name.as_str(), operand) {
        ("prefix", _) => Ok(Test::Prefix(affix(name, operand, at)?)),
        ("suffix", _) => Ok(Test::Suffix(affix(name, operand, at)?)),
        ("equals-ignore-case", Value::String(text)) => Ok(Test::AnyCase(text.clone())),
        ("equals-ignore-case", _) => Err(bad("a text")),
        ("wildcard", _) => wildcard(operand, at),
        ("cidr", Value::String(text)) => Block::parse(text)
            .map(Test::Address)
            .map_err(|problem| bad(&format!("a block such as \"10.0.0.0/24\": {problem}"))),
        ("cidr", _) => Err(bad("a block such as \"10.0.0.0/24\"")),
        ("exists", Value::Bool(exists)) => Ok(Test::Exists(*exists)),
        ("exists", _) => Err(bad("true or false")),
        ("numeric", Value::Array(terms)) => range(terms).map(Test::Range).map_err(|problem| bad(&problem)),
        ("numeric", _) => Err(bad("a list such as [\">\", 0, \"<=\", 5]")),
        ("anything-but", Value::Object(inner)) => excluded_by_operator(inner, at).map(Test::AnythingBut),
        ("anything-but", _) => excluded_values(operand, at).map(Test::AnythingBut),
        _ => Err(finding(
            "E-pattern-unknown-operator",
            at,
            format!("`{}` is no operator of event patterns", name.escape_debug()),
            match nearest(name, OPERATORS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("the operators are {}", OPERATORS.join(", ")),
            },
        )),
    }
}

fn affix(name: &str, operand: &Value, at: &str) -> Result<Text, Finding> {
    let text = match operand {
        Value::String(text) => return Ok(Text { text: text.clone(), any_case: false }),
        Value::Object(inner) if inner.len() == 1 => inner.get("equals-ignore-case").and_then(Value::as_str),
        _ => None,
    };
    text.map(|text| Text { text: text.to_owned(), any_case: true })
        .ok_or_else(|| bad_operand(at, name, operand, r#"a text or {"equals-ignore-case": "..."}"#))
}

fn wildcard(operand: &Value, at: &str) -> Result<Test, Finding> {
    let bad = |expected: &str| bad_operand(at, "wildcard", operand, expected);
    let text = operand.as_str().ok_or_else(|| bad("a text with stars"))?;
    Wildcard::parse(text).map(Test::Wildcard).map_err(|problem| bad(&format!("a text with stars: {problem}")))
}

/// The range in the operand of `numeric`: one comparison, or a lower and an upper bound in this order.
fn range(terms: &[Value]) -> Result<Range, String> {
    let number = |value: &Value| {
        let number = value.as_number().ok_or_else(|| format!("{value} is no number"))?;
        comparable(number).ok_or_else(|| format!("{value} has more digits than EventBridge compares"))
    };
    match terms {
        [Value::String(operator), value] => {
            let bound = number(value)?;
            match operator.as_str() {
                "=" => Ok(Range { bottom: Some((bound, true)), top: Some((bound, true)) }),
                ">" | ">=" => Ok(Range { bottom: Some((bound, operator == ">=")), top: None }),
                "<" | "<=" => Ok(Range { bottom: None, top: Some((bound, operator == "<=")) }),
                _ => Err(format!("`{}` is none of = < <= > >=", operator.escape_debug())),
            }
        }
        [Value::String(lower), bottom, Value::String(upper), top]
            if matches!(lower.as_str(), ">" | ">=") && matches!(upper.as_str(), "<" | "<=") =>
        {
            let (bottom, top) = (number(bottom)?, number(top)?);
            if bottom >= top {
                return Err("the lower bound must be less than the upper one".to_owned());
            }
            Ok(Range { bottom: Some((bottom, lower == ">=")), top: Some((top, upper == "<=")) })
        }
        _ => {
            Err(r#"one comparison such as [">", 0], or a lower and an upper bound such as [">", 0, "<=", 5]"#
                .to_owned())
        }
    }
}

/// What `anything-but` excludes: one value, or a list of texts or of numbers.
fn excluded_values(operand: &Value, at: &str) -> Result<Vec<Test>, Finding> {
    let bad =
        || bad_operand(at, "anything-but", operand, "a text, a number, a list of either, or one operator");
    let values = match operand {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let all = |fits: fn(&Value) -> bool| values.iter().all(fits);
    if values.is_empty() || !(all(Value::is_string) || all(Value::is_number)) {
        return Err(bad());
    }
    // An address is excluded only in the form that it is written in.
    Ok(values.iter().cloned().map(Test::Equals).collect())
}

/// What `anything-but` with an operator inside excludes.
fn excluded_by_operator(inner: &Map<String, Value>, at: &str) -> Result<Vec<Test>, Finding> {
    let mut entries = inner.iter();
    let (Some((name, operand)), None) = (entries.next(), entries.next()) else {
        return Err(finding(
            "E-pattern-bad-operand",
            at,
            "`anything-but` takes exactly one operator",
            r#"write {"anything-but": {"prefix": ["Get", "List"]}}"#,
        ));
    };
    let values = match operand {
        Value::Array(values) => values.as_slice(),
        value => std::slice::from_ref(value),
    };
    let bad = |expected: &str| bad_operand(at, name, operand, expected);
    if values.is_empty() {
        return Err(bad("a text or a list of texts"));
    }
    let one = |value: &Value| {
        let text = value.as_str().ok_or_else(|| bad("a text or a list of texts"))?;
        match name.as_str() {
            "prefix" | "suffix" if text.is_empty() => Err(bad("a text that is not empty")),
            "prefix" => Ok(Test::Prefix(Text { text: text.to_owned(), any_case: false })),
            "suffix" => Ok(Test::Suffix(Text { text: text.to_owned(), any_case: false })),
            "equals-ignore-case" => Ok(Test::AnyCase(text.to_owned())),
            "wildcard" => wildcard(value, at),
            _ => Err(finding(
                "E-pattern-unknown-operator",
                at,
                format!("`{}` cannot stand inside `anything-but`", name.escape_debug()),
                "inside it EventBridge takes prefix, suffix, equals-ignore-case and wildcard, each with a text or a list of texts",
            )),
        }
    };
    values.iter().map(one).collect()
}

fn bad_operand(at: &str, name: &str, operand: &Value, expected: &str) -> Finding {
    finding(
        "E-pattern-bad-operand",
        at,
        format!("`{name}` does not take {}", shown(operand)),
        format!("it takes {expected}"),
    )
}

pub(super) fn finding(
    code: &'static str,
    at: &str,
    message: impl Into<String>,
    mend: impl Into<String>,
) -> Finding {
    Finding {
        code,
        path: at.to_owned(),
        message: message.into(),
        mend: mend.into(),
        severity: Severity::Error,
    }
}
