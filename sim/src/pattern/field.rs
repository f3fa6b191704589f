//! What a pattern accepts of one field.

use serde_json::{Number, Value};

use super::address::Addresses;
use super::number::{comparable, comparable_number};
use super::text::Caseless;
use super::wildcard::Wildcard;

/// The values that a field may have: any of them is enough.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Field {
    /// Texts to be met exactly; sorted, for patterns name dozens.
    texts: Vec<Box<str>>,
    others: Vec<Matcher>,
    absent: bool,
}

/// One value or operator of a pattern.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Matcher {
    Text(Box<str>),
    Literal(Value),
    /// A number: by value where it is comparable, else by how it is written.
    Number(Option<f64>, Box<str>),
    Addresses(Addresses),
    Prefix(Box<str>),
    Suffix(Box<str>),
    Caseless(Caseless),
    CaselessPrefix(Caseless),
    CaselessSuffix(Caseless),
    Wildcard(Wildcard),
    Range(Range),
    Exists,
    Absent,
    AnythingBut(Excluded),
}

/// A range of numbers; the flags say whether a bound belongs to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Range {
    pub(super) bottom: Option<(f64, bool)>,
    pub(super) top: Option<(f64, bool)>,
}

/// What a value must not be. A value of another type never is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Excluded {
    Texts(Vec<Box<str>>),
    Numbers(Vec<f64>),
    Prefixes(Vec<Box<str>>),
    Suffixes(Vec<Box<str>>),
    Caseless(Vec<Caseless>),
    Wildcards(Vec<Wildcard>),
}

impl Matcher {
    /// A number that stands in a pattern without an operator.
    pub(super) fn number(written: &str) -> Self {
        Self::Number(comparable(written), written.into())
    }

    /// A text that stands in a pattern without an operator; AWS: an IP address is compared as an address.
    pub(super) fn text(text: String) -> Self {
        Addresses::single(&text).map_or_else(|| Self::Text(text.into_boxed_str()), Self::Addresses)
    }

    fn matches(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exists, _) => true,
            (Self::Literal(literal), value) => literal == value,
            (Self::Number(number, written), Value::Number(value)) => {
                (number.is_some() && *number == comparable_number(value)) || **written == *value.to_string()
            }
            (Self::Range(range), Value::Number(value)) => {
                comparable_number(value).is_some_and(|value| range.contains(value))
            }
            (Self::AnythingBut(excluded), Value::String(text)) => !excluded.has_text(text),
            (Self::AnythingBut(excluded), Value::Number(number)) => !excluded.has_number(number),
            (Self::AnythingBut(_), _) => true,
            (Self::Text(text), Value::String(value)) => **text == **value,
            (Self::Addresses(addresses), Value::String(value)) => addresses.contain(value),
            (Self::Prefix(prefix), Value::String(value)) => value.starts_with(&**prefix),
            (Self::Suffix(suffix), Value::String(value)) => value.ends_with(&**suffix),
            (Self::Caseless(text), Value::String(value)) => text.equals(value),
            (Self::CaselessPrefix(prefix), Value::String(value)) => prefix.begins(value),
            (Self::CaselessSuffix(suffix), Value::String(value)) => suffix.ends(value),
            (Self::Wildcard(wildcard), Value::String(value)) => wildcard.matches(value),
            _ => false,
        }
    }
}

impl Range {
    fn contains(&self, value: f64) -> bool {
        let above =
            self.bottom.is_none_or(|(bottom, included)| value > bottom || (included && value == bottom));
        above && self.top.is_none_or(|(top, included)| value < top || (included && value == top))
    }
}

impl Excluded {
    fn has_text(&self, text: &str) -> bool {
        match self {
            Self::Texts(texts) => texts.iter().any(|excluded| **excluded == *text),
            Self::Numbers(_) => false,
            Self::Prefixes(prefixes) => prefixes.iter().any(|prefix| text.starts_with(&**prefix)),
            Self::Suffixes(suffixes) => suffixes.iter().any(|suffix| text.ends_with(&**suffix)),
            Self::Caseless(texts) => texts.iter().any(|excluded| excluded.equals(text)),
            Self::Wildcards(wildcards) => wildcards.iter().any(|wildcard| wildcard.matches(text)),
        }
    }

    fn has_number(&self, number: &Number) -> bool {
        matches!(self, Self::Numbers(numbers) if comparable_number(number).is_some_and(|number| numbers.contains(&number)))
    }
}

impl Field {
    /// Puts the values of a pattern's list together.
    pub(super) fn new(matchers: Vec<Matcher>) -> Self {
        let mut field = Self::default();
        for matcher in matchers {
            match matcher {
                Matcher::Text(text) => field.texts.push(text),
                Matcher::Absent => field.absent = true,
                other => field.others.push(other),
            }
        }
        field.texts.sort_unstable();
        field.texts.dedup();
        field
    }

    /// Whether the field may be absent.
    pub(super) fn absent(&self) -> bool {
        self.absent
    }

    /// Whether a value of the field is accepted.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        let named = value
            .as_str()
            .is_some_and(|text| self.texts.binary_search_by(|named| (**named).cmp(text)).is_ok());
        named || self.others.iter().any(|matcher| matcher.matches(value))
    }

    /// Whether an operator of it is a wildcard.
    pub(super) fn wildcards(&self) -> bool {
        self.others.iter().any(|matcher| {
            matches!(matcher, Matcher::Wildcard(_) | Matcher::AnythingBut(Excluded::Wildcards(_)))
        })
    }
}
