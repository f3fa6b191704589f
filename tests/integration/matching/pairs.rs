//! Patterns and events made by chance, of which about half match.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Pair;

/// A sequence of numbers that its seed decides (SplitMix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % bound as u64).expect("less than the bound")
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

const TEXTS: [&str; 10] =
    ["", "Get", "GetRole", "PutRolePolicy", "putRolePolicy", "Policy", "ROOT", "10.0.0.77", "a*b", "Zürich"];

const LEAVES: [&str; 6] = ["a", "b", "d.a", "d.b", "l.a", "l.b"];

fn scalar(chance: &mut Chance) -> Value {
    match chance.below(14) {
        0 => json!(null),
        1 => json!(chance.below(2) == 0),
        2 | 3 => json!(chance.below(4)),
        4 => json!(1.5),
        _ => json!(chance.of(&TEXTS)),
    }
}

fn value(chance: &mut Chance) -> Value {
    match chance.below(8) {
        0 => (0..chance.below(4)).map(|_| scalar(chance)).collect(),
        1 if chance.below(3) == 0 => json!({"x": scalar(chance)}),
        _ => scalar(chance),
    }
}

fn fields(chance: &mut Chance) -> Map<String, Value> {
    let mut fields = Map::new();
    for name in ["a", "b"] {
        if chance.below(5) > 0 {
            fields.insert(name.to_owned(), value(chance));
        }
    }
    fields
}

fn event(chance: &mut Chance) -> Value {
    let mut event = fields(chance);
    if chance.below(5) > 0 {
        event.insert("d".to_owned(), Value::Object(fields(chance)));
    }
    if chance.below(3) > 0 {
        let list: Vec<Value> = (0..chance.below(4)).map(|_| Value::Object(fields(chance))).collect();
        event.insert("l".to_owned(), Value::Array(list));
    }
    Value::Object(event)
}

/// A value that the event has at the path, if it has one there.
fn there(chance: &mut Chance, event: &Value, path: &str) -> Option<Value> {
    fn all<'e>(value: &'e Value, names: &[&str], found: &mut Vec<&'e Value>) {
        match (value, names) {
            (Value::Array(list), _) => list.iter().for_each(|value| all(value, names, found)),
            (Value::Object(fields), [name, rest @ ..]) => {
                if let Some(value) = fields.get(*name) {
                    all(value, rest, found);
                }
            }
            (Value::Object(_), []) => {}
            (value, []) => found.push(value),
            _ => {}
        }
    }
    let mut found = Vec::new();
    all(event, &path.split('.').collect::<Vec<_>>(), &mut found);
    (!found.is_empty()).then(|| (*chance.of(&found)).clone())
}

/// A text of the event or another one.
fn text(chance: &mut Chance, hint: Option<&Value>) -> String {
    match hint.and_then(Value::as_str) {
        Some(text) if chance.below(3) > 0 => text.to_owned(),
        _ => (*chance.of(&TEXTS)).to_owned(),
    }
}

/// A text that is not empty, for where EventBridge wants one.
fn some_text(chance: &mut Chance, hint: Option<&Value>) -> String {
    Some(text(chance, hint)).filter(|text| !text.is_empty()).unwrap_or_else(|| "G".to_owned())
}

/// The first or the last characters of a text.
fn piece(chance: &mut Chance, text: &str, end: bool) -> String {
    let characters: Vec<char> = text.chars().collect();
    let length = chance.below(characters.len() + 1);
    let start = if end { characters.len() - length } else { 0 };
    characters[start..start + length].iter().collect()
}

fn other_case(chance: &mut Chance, text: &str) -> String {
    if chance.below(2) == 0 { text.to_uppercase() } else { text.to_lowercase() }
}

/// A wildcard that the text may match: some of it is a star. Stars and backslashes of the text are escaped.
fn wildcard(chance: &mut Chance, text: &str) -> String {
    let escaped = |part: &[char]| part.iter().collect::<String>().replace('\\', r"\\").replace('*', r"\*");
    let characters: Vec<char> = text.chars().collect();
    let from = chance.below(characters.len() + 1);
    let to = from + chance.below(characters.len() - from + 1);
    let wildcard = format!("{}*{}", escaped(&characters[..from]), escaped(&characters[to..]));
    // The engine takes an escaped star before a star for two stars in a row.
    if wildcard.contains("**") { escaped(&characters) } else { wildcard }
}

fn alternative(chance: &mut Chance, hint: Option<&Value>, operators: &mut BTreeSet<&'static str>) -> Value {
    let several = |chance: &mut Chance, one: &mut dyn FnMut(&mut Chance) -> Value| {
        if chance.below(2) == 0 { one(chance) } else { (0..=chance.below(3)).map(|_| one(chance)).collect() }
    };
    let (operator, value) = match chance.below(20) {
        0 | 1 => match hint.cloned().filter(|_| chance.below(3) > 0).unwrap_or_else(|| scalar(chance)) {
            Value::Null => ("null", Value::Null),
            Value::Bool(literal) => ("literal", json!(literal)),
            Value::Number(number) => ("number", json!(number)),
            Value::String(text) if text.is_empty() => ("empty", json!("")),
            text => ("exact", text),
        },
        2 => ("literal", json!(chance.below(2) == 0)),
        3 => ("null", Value::Null),
        4 => ("empty", json!("")),
        5 => ("number", json!(chance.below(4))),
        6 => {
            let whole = text(chance, hint);
            let prefix = piece(chance, &whole, false);
            if chance.below(3) == 0 {
                ("prefix", json!({"prefix": {"equals-ignore-case": other_case(chance, &prefix)}}))
            } else {
                ("prefix", json!({ "prefix": prefix }))
            }
        }
        7 => {
            let whole = text(chance, hint);
            let suffix = piece(chance, &whole, true);
            if chance.below(3) == 0 {
                ("suffix", json!({"suffix": {"equals-ignore-case": other_case(chance, &suffix)}}))
            } else {
                ("suffix", json!({ "suffix": suffix }))
            }
        }
        8 => {
            let whole = text(chance, hint);
            ("equals-ignore-case", json!({"equals-ignore-case": other_case(chance, &whole)}))
        }
        9 | 10 => {
            let whole = text(chance, hint);
            ("wildcard", json!({"wildcard": wildcard(chance, &whole)}))
        }
        11 => (
            "cidr",
            json!({"cidr": chance.of(&["10.0.0.0/24", "10.0.0.64/26", "10.0.1.0/24", "0.0.0.0/0", "2001:db8::/32"])}),
        ),
        12 => {
            let bottom = chance.below(3);
            let range = match chance.below(4) {
                0 => json!(["=", bottom]),
                1 => json!([chance.of(&["<", "<="]), bottom]),
                2 => json!([chance.of(&[">", ">="]), bottom]),
                _ => json!([
                    chance.of(&[">", ">="]),
                    bottom,
                    chance.of(&["<", "<="]),
                    bottom + 1 + chance.below(3)
                ]),
            };
            ("numeric", json!({ "numeric": range }))
        }
        13 => ("exists", json!({"exists": true})),
        14 => ("absent", json!({"exists": false})),
        15 => {
            let excluded =
                if chance.below(3) == 0 { json!(chance.below(4)) } else { json!(text(chance, hint)) };
            ("anything-but", json!({ "anything-but": excluded }))
        }
        16 => {
            let numbers = chance.below(3) == 0;
            let list: Vec<Value> = (0..=chance.below(3))
                .map(|_| if numbers { json!(chance.below(4)) } else { json!(text(chance, hint)) })
                .collect();
            ("anything-but list", json!({ "anything-but": list }))
        }
        17 => {
            let excluded = several(chance, &mut |chance| {
                let whole = some_text(chance, hint);
                json!(whole.chars().take(1 + chance.below(4)).collect::<String>())
            });
            ("anything-but prefix", json!({"anything-but": {"prefix": excluded}}))
        }
        18 => {
            if chance.below(2) == 0 {
                let excluded = several(chance, &mut |chance| {
                    let whole = some_text(chance, hint);
                    let skip = whole.chars().count() - 1;
                    json!(whole.chars().skip(chance.below(skip + 1)).collect::<String>())
                });
                ("anything-but suffix", json!({"anything-but": {"suffix": excluded}}))
            } else {
                let excluded = several(chance, &mut |chance| {
                    let whole = text(chance, hint);
                    json!(other_case(chance, &whole))
                });
                ("anything-but equals-ignore-case", json!({"anything-but": {"equals-ignore-case": excluded}}))
            }
        }
        _ => {
            let excluded = several(chance, &mut |chance| {
                let whole = text(chance, hint);
                json!(wildcard(chance, &whole))
            });
            ("anything-but wildcard", json!({"anything-but": {"wildcard": excluded}}))
        }
    };
    operators.insert(operator);
    value
}

/// Puts alternatives for one field where its path says.
fn put(
    chance: &mut Chance,
    event: &Value,
    path: &str,
    pattern: &mut Map<String, Value>,
    operators: &mut BTreeSet<&'static str>,
) {
    let alternatives: Vec<Value> = (0..=chance.below(2))
        .map(|_| {
            let hint = there(chance, event, path);
            alternative(chance, hint.as_ref(), operators)
        })
        .collect();
    match path.split_once('.') {
        None => drop(pattern.insert(path.to_owned(), Value::Array(alternatives))),
        Some((outer, inner)) => {
            let inside = pattern.entry(outer).or_insert_with(|| json!({}));
            inside[inner] = Value::Array(alternatives);
        }
    }
}

/// Some fields, and perhaps `$or` beside them, which may name the same fields again.
fn object(chance: &mut Chance, event: &Value, depth: usize, operators: &mut BTreeSet<&'static str>) -> Value {
    let mut pattern = Map::new();
    let or = depth < 2 && chance.below(3) == 0;
    for _ in 0..(1 + chance.below(2)).saturating_sub(usize::from(or)) {
        let path = *chance.of(&LEAVES);
        put(chance, event, path, &mut pattern, operators);
    }
    if or {
        let arms: Vec<Value> =
            (0..2 + chance.below(2)).map(|_| object(chance, event, depth + 1, operators)).collect();
        operators.insert("$or");
        pattern.insert("$or".to_owned(), Value::Array(arms));
    }
    Value::Object(pattern)
}

pub(super) fn pair(chance: &mut Chance) -> Pair {
    let event = event(chance);
    let mut operators = BTreeSet::new();
    let pattern = object(chance, &event, 0, &mut operators).to_string();
    Pair { pattern, event, operators }
}
