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
        let (base, if_exists) =
            rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, base != "Null"));
        if base == "Null" && rest != "Null" {
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
mod tests {
    use super::*;

    fn holds(block: &str, keys: &[(&str, &[&str])]) -> bool {
        let block: Map<String, Value> = serde_json::from_str(block).unwrap();
        let context: Context = keys
            .iter()
            .map(|(key, values)| {
                ((*key).to_owned(), values.iter().map(|value| (*value).to_owned()).collect())
            })
            .collect();
        parse(&block, true).unwrap().iter().all(|condition| condition.holds(&context))
    }

    #[test]
    fn operators_mean_what_aws_says() {
        let arn: &[&str] = &["arn:aws:iam::111111111111:role/team/ops"];
        let rows: &[(&str, &[&str], bool)] = &[
            (r#"{"StringEquals":{"K":"a"}}"#, &["a"], true),
            (r#"{"StringEquals":{"K":"a"}}"#, &["A"], false),
            (r#"{"StringEquals":{"K":["a","b"]}}"#, &["b"], true),
            (r#"{"StringEquals":{"K":"a*"}}"#, &["ab"], false),
            (r#"{"StringEquals":{"K":"a"}}"#, &[], false),
            (r#"{"StringNotEquals":{"K":"a"}}"#, &["a"], false),
            (r#"{"StringNotEquals":{"K":["a","b"]}}"#, &["b"], false),
            (r#"{"StringNotEquals":{"K":["a","b"]}}"#, &["c"], true),
            (r#"{"StringNotEquals":{"K":"a"}}"#, &[], true),
            (r#"{"StringNotEquals":{"K":"a"}}"#, &["a", "b"], false),
            (r#"{"StringEqualsIfExists":{"K":"a"}}"#, &[], true),
            (r#"{"StringEqualsIfExists":{"K":"a"}}"#, &["b"], false),
            (r#"{"StringEqualsIgnoreCase":{"K":"Ab"}}"#, &["aB"], true),
            (r#"{"StringNotEqualsIgnoreCase":{"K":"Ab"}}"#, &["aB"], false),
            (r#"{"StringLike":{"K":"arn:*:role/*"}}"#, arn, true),
            (r#"{"StringNotLike":{"K":"arn:*:role/*"}}"#, arn, false),
            (r#"{"StringNotLike":{"K":"x*"}}"#, &[], true),
            (r#"{"ArnLike":{"K":"arn:*:role/*"}}"#, arn, false),
            (r#"{"ArnLike":{"K":"arn:aws:iam::*:role/*"}}"#, arn, true),
            (r#"{"ArnEquals":{"K":"arn:aws:iam::*:role/team/?ps"}}"#, arn, true),
            (r#"{"ArnLike":{"K":"arn:aws:iam::*:role/*"}}"#, &[], false),
            (r#"{"ArnNotLike":{"K":"arn:aws:iam::*:role/*"}}"#, arn, false),
            (r#"{"ArnNotLike":{"K":["arn:aws:iam::*:role/x","arn:aws:iam::*:role/team/*"]}}"#, arn, false),
            (r#"{"ArnNotEquals":{"K":"arn:aws:iam::*:role/x"}}"#, arn, true),
            (r#"{"ArnNotLike":{"K":"arn:aws:iam::*:role/*"}}"#, &[], true),
            (r#"{"Bool":{"K":"true"}}"#, &["true"], true),
            (r#"{"Bool":{"K":true}}"#, &["True"], true),
            (r#"{"Bool":{"K":"false"}}"#, &["true"], false),
            (r#"{"Bool":{"K":"false"}}"#, &[], false),
            (r#"{"BoolIfExists":{"K":"true"}}"#, &[], true),
            (r#"{"Null":{"K":"true"}}"#, &[], true),
            (r#"{"Null":{"K":"true"}}"#, &["x"], false),
            (r#"{"Null":{"K":false}}"#, &["x"], true),
            (r#"{"Null":{"K":"false"}}"#, &[], false),
            (r#"{"NumericLessThan":{"K":"10"}}"#, &["9.5"], true),
            (r#"{"NumericLessThan":{"K":10}}"#, &["10"], false),
            (r#"{"NumericLessThanEquals":{"K":10}}"#, &["10"], true),
            (r#"{"NumericGreaterThan":{"K":"10"}}"#, &["9"], false),
            (r#"{"NumericEquals":{"K":"10"}}"#, &["10.0"], true),
            (r#"{"NumericEquals":{"K":"10"}}"#, &["ten"], false),
            (r#"{"NumericNotEquals":{"K":"10"}}"#, &["10"], false),
            (r#"{"NumericNotEquals":{"K":"10"}}"#, &[], true),
            (r#"{"DateLessThan":{"K":"2026-11-20T12:00:00Z"}}"#, &["2026-11-20T11:59:59Z"], true),
            (r#"{"DateGreaterThan":{"K":"2026-11-20"}}"#, &["2026-11-19T23:59:59Z"], false),
            (r#"{"DateGreaterThanEquals":{"K":"0"}}"#, &["1970-01-01T00:00:00Z"], true),
            (r#"{"IpAddress":{"K":"10.0.0.0/8"}}"#, &["10.255.0.1"], true),
            (r#"{"IpAddress":{"K":"10.0.0.0/8"}}"#, &["11.0.0.1"], false),
            (r#"{"IpAddress":{"K":"0.0.0.0/0"}}"#, &["11.0.0.1"], true),
            (r#"{"NotIpAddress":{"K":["10.0.0.0/8","2001:db8::/32"]}}"#, &["2001:db8::1"], false),
            (r#"{"NotIpAddress":{"K":"10.0.0.0/8"}}"#, &[], true),
            (r#"{"ForAllValues:StringEquals":{"K":["a","b"]}}"#, &["a", "b", "a"], true),
            (r#"{"ForAllValues:StringEquals":{"K":["a","b"]}}"#, &["a", "c"], false),
            (r#"{"ForAllValues:StringEquals":{"K":"a"}}"#, &[], true),
            (r#"{"ForAllValues:StringNotEquals":{"K":["a","b"]}}"#, &["c", "a"], false),
            (r#"{"ForAllValues:StringNotEquals":{"K":["a","b"]}}"#, &["c", "d"], true),
            (r#"{"ForAnyValue:StringEquals":{"K":["a","b"]}}"#, &["c", "b"], true),
            (r#"{"ForAnyValue:StringEquals":{"K":["a","b"]}}"#, &["c"], false),
            (r#"{"ForAnyValue:StringEquals":{"K":"a"}}"#, &[], false),
            (r#"{"ForAnyValue:StringNotEquals":{"K":["a","b"]}}"#, &["a", "c"], true),
            (r#"{"ForAnyValue:StringNotEquals":{"K":["a","b"]}}"#, &["a", "b"], false),
            (r#"{"ForAnyValue:StringNotEquals":{"K":"a"}}"#, &[], false),
            (r#"{"ForAnyValue:StringLikeIfExists":{"K":"a*"}}"#, &[], true),
            (r#"{"ForAnyValue:ArnLike":{"K":"arn:aws:sns:*:*:t"}}"#, &["x", "arn:aws:sns:r:1:t"], true),
            (r#"{"StringEquals":{"K":"a","aws:Other":"b"}}"#, &["a"], false),
        ];
        for (block, values, expected) in rows {
            let keys: &[(&str, &[&str])] = if values.is_empty() { &[] } else { &[("k", values)] };
            assert_eq!(holds(block, keys), *expected, "{block} on {values:?}");
        }
    }

    #[test]
    fn keys_are_compared_whatever_their_case() {
        assert!(holds(
            r#"{"StringEquals":{"AWS:PrincipalOrgID":"o-1"}}"#,
            &[("aws:principalorgid", &["o-1"])]
        ));
    }

    #[test]
    fn a_variable_is_compared_with_the_request() {
        let block = r#"{"StringEquals":{"aws:ResourceAccount":"${aws:PrincipalAccount}"}}"#;
        let one: &[&str] = &["1"];
        assert!(holds(block, &[("aws:resourceaccount", one), ("aws:principalaccount", one)]));
        assert!(!holds(block, &[("aws:resourceaccount", one), ("aws:principalaccount", &["2"])]));
        assert!(!holds(block, &[("aws:resourceaccount", one)]));
    }

    #[test]
    fn operators_and_values_that_aws_does_not_know_are_malformed() {
        for block in [
            r#"{"StringEqualz":{"k":"a"}}"#,
            r#"{"ForSomeValues:StringEquals":{"k":"a"}}"#,
            r#"{"NullIfExists":{"k":"true"}}"#,
            r#"{"NumericEquals":{"k":"ten"}}"#,
            r#"{"IpAddress":{"k":"10.0.0.0/33"}}"#,
            r#"{"Bool":{"k":"yes"}}"#,
            r#"{"StringEquals":"a"}"#,
            r#"{"StringEquals":{"k":{"a":1}}}"#,
        ] {
            let block: Map<String, Value> = serde_json::from_str(block).unwrap();
            assert!(parse(&block, true).is_err(), "{block:?}");
        }
    }
}
