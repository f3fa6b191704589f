//! Whether the conditions of a statement hold for a use of a key, as far as that can be known.

use std::ops::Not;

use serde_json::Value;

use super::Use;

/// A truth that may not be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    /// It is not so.
    No,
    /// It depends on what KMS is told, which nobody here knows for certain.
    Unclear,
    /// It is so.
    Yes,
}

impl From<bool> for Truth {
    fn from(is: bool) -> Self {
        if is { Self::Yes } else { Self::No }
    }
}

impl Not for Truth {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unclear => Self::Unclear,
            Self::Yes => Self::No,
        }
    }
}

/// Whether all conditions hold: each operator with each of its keys.
pub(super) fn hold(conditions: Option<&Value>, usage: &Use) -> Truth {
    let operators = conditions.and_then(Value::as_object).into_iter().flatten();
    let keys = operators.flat_map(|(operator, keys)| {
        keys.as_object().into_iter().flatten().map(move |(key, values)| (operator, key, values))
    });
    keys.map(|(operator, key, values)| holds(operator, &key.to_lowercase(), values, usage))
        .min()
        .unwrap_or(Truth::Yes)
}

/// What KMS is told of one condition key.
enum Told<'a> {
    Value(&'a str),
    Nothing,
    Unknown,
}

fn told<'a>(key: &str, usage: &'a Use) -> Told<'a> {
    match usage.told.get(key) {
        Some(value) => Told::Value(value),
        None if usage.untold.contains(&key) => Told::Nothing,
        None => Told::Unknown,
    }
}

fn holds(operator: &str, key: &str, values: &Value, usage: &Use) -> Truth {
    let told = told(key, usage);
    let values: Vec<&str> = match values {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => return Truth::Unclear,
    };
    // What is told has one value, so it does not matter whether all or any of them are asked for, unless there is none.
    let (all, operator) = match operator.split_once(':') {
        Some(("ForAllValues", operator)) => (true, operator),
        Some(("ForAnyValue", operator)) => (false, operator),
        Some(_) => return Truth::Unclear,
        None => (false, operator),
    };
    if operator == "Null" {
        let wants_nothing = values.iter().any(|value| value.eq_ignore_ascii_case("true"));
        return match told {
            Told::Value(_) => Truth::from(!wants_nothing),
            Told::Nothing => Truth::from(wants_nothing),
            Told::Unknown => Truth::Unclear,
        };
    }
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(operator) => (operator, true),
        None => (operator, false),
    };
    let (negated, matches): (bool, fn(&str, &str) -> bool) = match operator {
        "StringEquals" => (false, |wanted, value| wanted == value),
        "StringNotEquals" => (true, |wanted, value| wanted == value),
        "StringEqualsIgnoreCase" => (false, str::eq_ignore_ascii_case),
        "StringNotEqualsIgnoreCase" => (true, str::eq_ignore_ascii_case),
        "StringLike" | "ArnLike" | "ArnEquals" => (false, like),
        "StringNotLike" | "ArnNotLike" | "ArnNotEquals" => (true, like),
        _ => return Truth::Unclear,
    };
    match told {
        Told::Unknown => Truth::Unclear,
        // A key that is not there matches nothing: what asks for it fails, what excludes it holds.
        Told::Nothing => Truth::from(negated || if_exists || all),
        Told::Value(value) => Truth::from(values.iter().any(|wanted| matches(wanted, value)) != negated),
    }
}

/// Whether a text is as a pattern of IAM says: `*` stands for any text, `?` for one character.
pub(super) fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // Where the last `*` stands, and how much of the text it has taken so far.
    let (mut star, mut taken) = (None, 0);
    let (mut p, mut t) = (0, 0);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                (star, taken) = (Some(p), t);
                p += 1;
            }
            Some(wanted) if *wanted == '?' || *wanted == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some(back) = star else { return false };
                taken += 1;
                (p, t) = (back + 1, taken);
            }
        }
    }
    pattern[p..].iter().all(|rest| *rest == '*')
}
