//! The `Condition` element: operators, compiled once, over the keys of a request.

use std::net::IpAddr;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Context;
use super::glob::{ArnGlob, Glob, Reading};

/// One operator on one key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    /// In lower case.
    key: Box<str>,
    quantifier: Quantifier,
    if_exists: bool,
    negated: bool,
    test: Test,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    None,
    ForAllValues,
    ForAnyValue,
}

/// What a value of the request is compared with: it fits when it fits one of them.
#[derive(Clone, Debug, PartialEq)]
enum Test {
    /// Whether the key is absent.
    Null(Vec<bool>),
    Text(Vec<Glob>),
    TextIgnoringCase(Vec<Glob>),
    Arn(Vec<ArnGlob>),
    Bool(Vec<bool>),
    Numeric(Order, Vec<f64>),
    Date(Order, Vec<Timestamp>),
    Address(Vec<Network>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }

    fn of(suffix: &str) -> Option<Self> {
        Some(match suffix {
            "Equals" => Self::Equal,
            "LessThan" => Self::Less,
            "LessThanEquals" => Self::LessOrEqual,
            "GreaterThan" => Self::Greater,
            "GreaterThanEquals" => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

/// Addresses that begin alike.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse::<u32>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(longest);
        (bits <= longest).then_some(Self { address, bits })
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = u32::from(own) ^ u32::from(other);
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = u128::from(own) ^ u128::from(other);
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

/// Reads a whole `Condition` element.
pub(super) fn parse(block: &Map<String, Value>, variables: bool) -> Result<Vec<Condition>, String> {
    let mut conditions = Vec::new();
    for (operator, keys) in block {
        let keys = keys.as_object().ok_or("Syntax errors in policy.")?;
        for (key, values) in keys {
            conditions.push(Condition::parse(operator, key, values, variables)?);
        }
    }
    Ok(conditions)
}

impl Condition {
    fn parse(operator: &str, key: &str, values: &Value, variables: bool) -> Result<Self, String> {
        let unknown = || format!("Invalid Condition type : {operator}.");
        let (quantifier, rest) = match operator.split_once(':') {
            Some(("ForAllValues", rest)) => (Quantifier::ForAllValues, rest),
            Some(("ForAnyValue", rest)) => (Quantifier::ForAnyValue, rest),
            Some(_) => return Err(unknown()),
            None => (Quantifier::None, operator),
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        if base == "Null" && operator != "Null" {
            return Err(unknown());
        }
        let values = texts(values)?;
        let reading = |wildcards| Reading { wildcards, variables };
        let globs = |wildcards| {
            values.iter().map(|value| Glob::compile(value, reading(wildcards))).collect::<Vec<_>>()
        };
        let arns = || values.iter().map(|value| ArnGlob::compile(value, reading(true))).collect();
        let (negated, test) = match base {
            "Null" => (false, Test::Null(all(&values, boolean)?)),
            "StringEquals" => (false, Test::Text(globs(false))),
            "StringNotEquals" => (true, Test::Text(globs(false))),
            "StringEqualsIgnoreCase" => (false, Test::TextIgnoringCase(globs(false))),
            "StringNotEqualsIgnoreCase" => (true, Test::TextIgnoringCase(globs(false))),
            "StringLike" => (false, Test::Text(globs(true))),
            "StringNotLike" => (true, Test::Text(globs(true))),
            // AWS: ArnEquals and ArnLike behave identically, and so do their negations.
            "ArnEquals" | "ArnLike" => (false, Test::Arn(arns())),
            "ArnNotEquals" | "ArnNotLike" => (true, Test::Arn(arns())),
            "BinaryEquals" => (false, Test::Text(globs(false))),
            "Bool" => (false, Test::Bool(all(&values, boolean)?)),
            "IpAddress" => (false, Test::Address(all(&values, Network::parse)?)),
            "NotIpAddress" => (true, Test::Address(all(&values, Network::parse)?)),
            "NumericNotEquals" => (true, Test::Numeric(Order::Equal, all(&values, number)?)),
            "DateNotEquals" => (true, Test::Date(Order::Equal, all(&values, date)?)),
            other => {
                if let Some(order) = other.strip_prefix("Numeric").and_then(Order::of) {
                    (false, Test::Numeric(order, all(&values, number)?))
                } else if let Some(order) = other.strip_prefix("Date").and_then(Order::of) {
                    (false, Test::Date(order, all(&values, date)?))
                } else {
                    return Err(unknown());
                }
            }
        };
        Ok(Self { key: key.to_ascii_lowercase().into(), quantifier, if_exists, negated, test })
    }

    /// Whether the request meets the condition.
    ///
    /// AWS: a key that is absent fails an operator, except a negated one, one that ends in `IfExists`, and
    /// `ForAllValues`, which holds of no values.
    pub(super) fn holds(&self, context: &Context) -> bool {
        let values = context.get(&*self.key).map_or(&[][..], Vec::as_slice);
        if let Test::Null(expected) = &self.test {
            return expected.contains(&values.is_empty());
        }
        if values.is_empty() {
            return match self.quantifier {
                Quantifier::ForAllValues => true,
                Quantifier::ForAnyValue => self.if_exists,
                Quantifier::None => self.negated || self.if_exists,
            };
        }
        let mut each = values.iter().map(|value| self.fits(value, context) != self.negated);
        match self.quantifier {
            Quantifier::ForAllValues => each.all(|fits| fits) || values.iter().all(String::is_empty),
            Quantifier::ForAnyValue => each.any(|fits| fits),
            // A negated operator is the contrary of the positive one, also on a key of several values.
            Quantifier::None if self.negated => each.all(|fits| fits),
            Quantifier::None => each.any(|fits| fits),
        }
    }

    fn fits(&self, value: &str, context: &Context) -> bool {
        match &self.test {
            Test::Null(_) => false,
            Test::Text(globs) => globs.iter().any(|glob| glob.matches(value, context)),
            Test::TextIgnoringCase(globs) => {
                globs.iter().any(|glob| glob.matches_ignoring_case(value, context))
            }
            Test::Arn(globs) => globs.iter().any(|glob| glob.matches(value, context)),
            Test::Bool(expected) => boolean(value).is_some_and(|value| expected.contains(&value)),
            Test::Numeric(order, expected) => {
                number(value).is_some_and(|value| expected.iter().any(|other| order.holds(&value, other)))
            }
            Test::Date(order, expected) => {
                date(value).is_some_and(|value| expected.iter().any(|other| order.holds(&value, other)))
            }
            Test::Address(networks) => value
                .parse()
                .is_ok_and(|address: IpAddr| networks.iter().any(|network| network.contains(address))),
        }
    }
}

/// The values of a key as texts: AWS takes a truth value or number for its text.
fn texts(values: &Value) -> Result<Vec<String>, String> {
    let one = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err("Syntax errors in policy.".to_owned()),
    };
    match values {
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

fn all<T>(values: &[String], read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    values
        .iter()
        .map(|value| read(value).ok_or_else(|| format!("Invalid value in Condition: {value}")))
        .collect()
}

fn boolean(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// A moment: ISO 8601, a day alone, or seconds since 1970.
fn date(text: &str) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok();
    }
    if let Ok(timestamp) = text.parse() {
        return Some(timestamp);
    }
    let day: jiff::civil::Date = text.parse().ok()?;
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests;
