//! What a pattern asks of one field, as a set of values: the field's absence is one of them.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use super::glob::Glob;

/// Values that a field may have, absence aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Atom {
    /// Every value.
    Any,
    /// Texts.
    Text(Glob),
    /// `true`, `false`, `null` or a number, as it is written.
    Scalar(String),
    /// A text in whatever letters; here in small ones.
    Caseless(String),
    /// An operator of which nothing else is known, as it is written.
    Opaque(String),
    /// Every value but these; never empty, and none of them [`Atom::Any`] or [`Atom::Not`].
    Not(BTreeSet<Atom>),
}

/// Two conditions on one field that no pattern can say together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Inexpressible(pub(super) String, pub(super) String);

impl Atom {
    /// Whether `other` surely has every value of this.
    fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Any) => true,
            (a, b) if a == b => true,
            (Self::Text(a), Self::Text(b)) => a.within(b),
            (Self::Text(a), Self::Caseless(b)) => {
                a.lower().and_then(|a| a.as_literal()).is_some_and(|a| a == *b)
            }
            (Self::Not(a), Self::Not(b)) => b.iter().all(|b| a.iter().any(|a| b.within(a))),
            (a, Self::Not(b)) => *a != Self::Any && b.iter().all(|b| a.apart(b)),
            _ => false,
        }
    }

    /// Whether surely no value is in both.
    fn apart(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => !a.overlaps(b),
            (Self::Text(a), Self::Caseless(b)) | (Self::Caseless(b), Self::Text(a)) => {
                a.lower().is_some_and(|a| b.is_ascii() && !a.overlaps(&Glob::literal(b)))
            }
            (Self::Caseless(a), Self::Caseless(b)) => a.is_ascii() && b.is_ascii() && a != b,
            (Self::Scalar(_), Self::Text(_) | Self::Caseless(_))
            | (Self::Text(_) | Self::Caseless(_), Self::Scalar(_)) => true,
            // 1 and 1.0 are one number.
            (Self::Scalar(a), Self::Scalar(b)) => match (a.parse::<f64>(), b.parse::<f64>()) {
                (Ok(a), Ok(b)) => a < b || b < a,
                _ => a != b,
            },
            (Self::Not(not), a) | (a, Self::Not(not)) if !matches!(a, Self::Not(_)) => {
                not.iter().any(|not| a.within(not))
            }
            _ => false,
        }
    }

    /// The values of both; nothing if there are none.
    fn and(&self, other: &Self) -> Result<Option<Self>, Inexpressible> {
        if self.within(other) {
            return Ok(Some(self.clone()));
        }
        if other.within(self) {
            return Ok(Some(other.clone()));
        }
        if self.apart(other) {
            return Ok(None);
        }
        match (self, other) {
            (Self::Not(a), Self::Not(b)) => Ok(Some(Self::but(a.union(b).cloned().collect()))),
            (a, b) => Err(Inexpressible(a.to_string(), b.to_string())),
        }
    }

    /// Every value but these.
    fn but(atoms: BTreeSet<Self>) -> Self {
        let atoms = widest(&atoms);
        if atoms.is_empty() { Self::Any } else { Self::Not(atoms) }
    }

    /// The atom as a pattern's list has it; an error if no operator says it.
    fn json(&self) -> Result<Value, Inexpressible> {
        let opaque = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| Value::from(text));
        Ok(match self {
            Self::Any => json!({ "exists": true }),
            Self::Text(glob) => {
                if let Some(text) = glob.as_literal() {
                    Value::String(text)
                } else if let Some(text) = glob.as_prefix() {
                    json!({ "prefix": text })
                } else if let Some(text) = glob.as_suffix() {
                    json!({ "suffix": text })
                } else {
                    json!({ "wildcard": glob.as_wildcard() })
                }
            }
            Self::Scalar(text) | Self::Opaque(text) => opaque(text),
            Self::Caseless(text) => json!({ "equals-ignore-case": text }),
            Self::Not(atoms) => json!({ "anything-but": excluded(atoms)? }),
        })
    }
}

/// The operand of `anything-but`: one kind of value or operator, for it takes no mixture. Whatever mixture of texts,
/// prefixes and suffixes there is can be said in wildcards, of which one without a star is the text itself.
fn excluded(atoms: &BTreeSet<Atom>) -> Result<Value, Inexpressible> {
    let all = |each: &dyn Fn(&Atom) -> Option<Value>| atoms.iter().map(each).collect::<Option<Vec<Value>>>();
    let globs = |as_text: &dyn Fn(&Glob) -> Option<String>| {
        all(&|atom| match atom {
            Atom::Text(glob) => as_text(glob).map(Value::String),
            _ => None,
        })
    };
    let one = |list: Vec<Value>| if list.len() == 1 { list[0].clone() } else { Value::Array(list) };
    let number = |atom: &Atom| match atom {
        Atom::Scalar(text) => serde_json::from_str::<Value>(text).ok().filter(Value::is_number),
        _ => None,
    };
    if let Some(texts) = globs(&Glob::as_literal) {
        return Ok(Value::Array(texts));
    }
    if let Some(numbers) = all(&number) {
        return Ok(Value::Array(numbers));
    }
    let caseless = |atom: &Atom| match atom {
        Atom::Caseless(text) => Some(Value::from(text.as_str())),
        _ => None,
    };
    for (operator, operands) in [
        ("prefix", globs(&Glob::as_prefix)),
        ("suffix", globs(&Glob::as_suffix)),
        ("equals-ignore-case", all(&caseless)),
        ("wildcard", globs(&|glob| Some(glob.as_wildcard()))),
    ] {
        if let Some(operands) = operands {
            return Ok(Value::Object(Map::from_iter([(operator.to_owned(), one(operands))])));
        }
    }
    let told: Vec<String> = atoms.iter().map(ToString::to_string).collect();
    let (first, rest) = told
        .split_first()
        .map_or((String::new(), String::new()), |(first, rest)| (first.clone(), rest.join(" and ")));
    Err(Inexpressible(format!("anything but {first}"), format!("anything but {rest}")))
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.json() {
            Ok(json) => write!(f, "{json}"),
            Err(Inexpressible(a, b)) => write!(f, "{a} and {b}"),
        }
    }
}

/// The atoms that no other one has in it.
fn widest(atoms: &BTreeSet<Atom>) -> BTreeSet<Atom> {
    let inner = |atom: &&Atom| {
        // Of two that have the same values the first one stays.
        atoms
            .iter()
            .any(|other| *atom != other && atom.within(other) && !(other.within(atom) && *atom < other))
    };
    atoms.iter().filter(|atom| !inner(atom)).cloned().collect()
}

/// What a pattern asks of one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Condition {
    /// Whether the field may be absent.
    pub(super) absent: bool,
    pub(super) atoms: BTreeSet<Atom>,
}

impl Condition {
    /// A condition that every event meets.
    pub(super) fn nothing_asked() -> Self {
        Self { absent: true, atoms: BTreeSet::from([Atom::Any]) }
    }

    /// Texts, in which `*` stands for any run of characters.
    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new(false, texts.into_iter().map(|text| Atom::Text(Glob::starred(text))).collect())
    }

    fn new(absent: bool, atoms: BTreeSet<Atom>) -> Self {
        let atoms = widest(&atoms);
        let positive: Vec<Atom> =
            atoms.iter().filter(|atom| !matches!(atom, Atom::Not(_))).cloned().collect();
        // "Anything but x, or x" is anything.
        let freed = |atom: Atom| match atom {
            Atom::Not(not) => {
                Atom::but(not.into_iter().filter(|not| !positive.iter().any(|p| not.within(p))).collect())
            }
            other => other,
        };
        let atoms: BTreeSet<Atom> = atoms.into_iter().map(freed).collect();
        Self { absent, atoms: widest(&atoms) }
    }

    /// The alternatives of one field of a pattern; nothing if EventBridge knows no such thing.
    pub(super) fn parse(alternatives: &[Value]) -> Option<Self> {
        let mut absent = false;
        let mut atoms = BTreeSet::new();
        for alternative in alternatives {
            match alternative {
                Value::Object(operator)
                    if *operator == Map::from_iter([("exists".to_owned(), Value::Bool(false))]) =>
                {
                    absent = true;
                }
                alternative => {
                    atoms.insert(atom(alternative)?);
                }
            }
        }
        Some(Self::new(absent, atoms))
    }

    /// The alternatives as a pattern has them.
    pub(super) fn json(&self) -> Result<Value, Inexpressible> {
        let mut list = self.atoms.iter().map(Atom::json).collect::<Result<Vec<Value>, _>>()?;
        if self.absent {
            list.push(json!({ "exists": false }));
        }
        Ok(Value::Array(list))
    }

    /// Whether `other` surely has every value of this.
    pub(super) fn within(&self, other: &Self) -> bool {
        (!self.absent || other.absent)
            && self.atoms.iter().all(|atom| other.atoms.iter().any(|wider| atom.within(wider)))
    }

    /// Whether surely no value, and no absence, is in both.
    pub(super) fn apart(&self, other: &Self) -> bool {
        !(self.absent && other.absent) && self.atoms.iter().all(|a| other.atoms.iter().all(|b| a.apart(b)))
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        !self.absent && self.atoms.is_empty()
    }

    /// Whether it is only about the field being there, which is the same for one value and for several.
    pub(super) fn is_presence(&self) -> bool {
        self.atoms.is_empty() || self.atoms.contains(&Atom::Any)
    }

    /// The values of either.
    pub(super) fn or(&self, other: &Self) -> Self {
        Self::new(self.absent || other.absent, self.atoms.union(&other.atoms).cloned().collect())
    }

    /// The values of both, of a field with one value.
    pub(super) fn and(&self, other: &Self) -> Result<Self, Inexpressible> {
        let mut atoms = BTreeSet::new();
        for a in &self.atoms {
            for b in &other.atoms {
                atoms.extend(a.and(b)?);
            }
        }
        Ok(Self::new(self.absent && other.absent, atoms))
    }

    /// Every other value, of a field with one value.
    pub(super) fn not(&self) -> Result<Self, Inexpressible> {
        let mut rest = Self::new(!self.absent, BTreeSet::from([Atom::Any]));
        for atom in &self.atoms {
            let without = match atom {
                Atom::Any => BTreeSet::new(),
                Atom::Not(not) => not.clone(),
                positive => BTreeSet::from([Atom::but(BTreeSet::from([positive.clone()]))]),
            };
            rest = rest.and(&Self::new(true, without))?;
        }
        rest.absent = !self.absent;
        Ok(rest)
    }

    /// Two halves of it without a value in common; nothing if it has none such.
    pub(super) fn halves(&self) -> Option<(Self, Self)> {
        let atoms: Vec<&Atom> = self.atoms.iter().collect();
        let (left, right) = atoms.split_at(atoms.len() / 2);
        let half =
            |absent, atoms: &[&Atom]| Self { absent, atoms: atoms.iter().map(|a| (*a).clone()).collect() };
        let (left, right) = (half(self.absent, left), half(false, right));
        (!left.is_empty() && !right.is_empty() && left.apart(&right)).then_some((left, right))
    }
}

/// One alternative.
fn atom(alternative: &Value) -> Option<Atom> {
    match alternative {
        // An IPv6 address has several spellings, all of which EventBridge takes for the same.
        Value::String(text) if text.parse::<std::net::Ipv6Addr>().is_ok() => {
            Some(Atom::Opaque(alternative.to_string()))
        }
        Value::String(text) => Some(Atom::Text(Glob::literal(text))),
        Value::Object(operator) => {
            let (name, operand) = operator.iter().next().filter(|_| operator.len() == 1)?;
            match name.as_str() {
                "exists" => (*operand == Value::Bool(true)).then_some(Atom::Any),
                "anything-but" => but(operand),
                name => texts(name, operand).or_else(|| Some(Atom::Opaque(alternative.to_string()))),
            }
        }
        Value::Array(_) => None,
        scalar => Some(Atom::Scalar(scalar.to_string())),
    }
}

/// An operator over texts, if it is one that is understood.
fn texts(name: &str, operand: &Value) -> Option<Atom> {
    let text = operand.as_str()?;
    match name {
        "prefix" => Some(Atom::Text(Glob::prefix(text))),
        "suffix" => Some(Atom::Text(Glob::suffix(text))),
        "wildcard" => Glob::wildcard(text).map(Atom::Text),
        // Other letters have other rules, and AWS does not say which.
        "equals-ignore-case" if text.is_ascii() => Some(Atom::Caseless(text.to_ascii_lowercase())),
        _ => None,
    }
}

/// The operand of `anything-but`.
fn but(operand: &Value) -> Option<Atom> {
    let listed = |operand: &Value| match operand {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let atoms: BTreeSet<Atom> = match operand {
        Value::Object(operator) => {
            let (name, operand) = operator.iter().next().filter(|_| operator.len() == 1)?;
            listed(operand)
                .iter()
                .map(|text| {
                    texts(name, text).or_else(|| {
                        Some(Atom::Opaque(
                            Value::Object(Map::from_iter([(name.clone(), text.clone())])).to_string(),
                        ))
                    })
                })
                .collect::<Option<_>>()?
        }
        plain => listed(plain)
            .iter()
            .map(|value| if value.is_object() { None } else { atom(value) })
            .collect::<Option<_>>()?,
    };
    // An operator that is not understood stays whole.
    if atoms.iter().any(|atom| matches!(atom, Atom::Opaque(_))) {
        return Some(Atom::Opaque(json!({ "anything-but": operand }).to_string()));
    }
    (!atoms.is_empty()).then(|| Atom::but(atoms))
}
