//! From the text of a pattern to alternatives of fields.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::COMBINATIONS;
use super::field::{Field, Matcher};
use super::operator;
use super::reader::{Reader, Token};

/// The key under which alternatives stand.
const OR: &str = "$or";

/// Names that a field inside `$or` cannot have.
const RESERVED: &[&str] = &[
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// One alternative: each field's path, and what it accepts.
pub(super) type Branch = BTreeMap<String, Arc<Field>>;

/// How the engine reads a pattern: as it does now, or as before `$or` was a word of the language.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Current,
    Former,
}

/// Compiles a pattern; its alternatives are as `$or` makes them.
///
/// AWS: what the current dialect refuses is read in the former one, where `$or` is a field like any other. So a `$or`
/// whose objects are operators is accepted, and matches nothing that anybody meant.
pub(super) fn compile(text: &str) -> Result<Vec<Branch>, String> {
    Compiler::run(text, Dialect::Current)
        .or_else(|reason| Compiler::run(text, Dialect::Former).map_err(|_| reason))
}

struct Compiler<'t> {
    reader: Reader<'t>,
    path: Vec<String>,
    dialect: Dialect,
}

impl<'t> Compiler<'t> {
    fn run(text: &'t str, dialect: Dialect) -> Result<Vec<Branch>, String> {
        let mut compiler = Self { reader: Reader::new(text), path: Vec::new(), dialect };
        if compiler.reader.next()? != Token::ObjectStart {
            return Err(compiler.reader.fault("Filter is not an object"));
        }
        let mut branches = Vec::new();
        compiler.object(&mut branches, false)?;
        // What stands behind the object is not read.
        Ok(branches)
    }

    fn object(&mut self, branches: &mut Vec<Branch>, inside_or: bool) -> Result<(), String> {
        let mut empty = true;
        while self.reader.next()? != Token::ObjectEnd {
            empty = false;
            let name = self.reader.name().to_owned();
            if name == OR && self.dialect == Dialect::Current {
                self.alternatives(branches)?;
                continue;
            }
            if inside_or && RESERVED.contains(&name.as_str()) {
                let message = format!("{name} is Ruler reserved fieldName which cannot be used inside {OR}.");
                return Err(self.reader.fault(message));
            }
            match self.reader.next()? {
                Token::ObjectStart => {
                    self.path.push(name);
                    self.object(branches, inside_or)?;
                    self.path.pop();
                }
                Token::ArrayStart => {
                    self.path.push(name);
                    self.values(branches)?;
                    self.path.pop();
                }
                _ => return Err(self.reader.fault(format!("\"{name}\" must be an object or an array"))),
            }
        }
        if empty { Err(self.reader.fault("Empty objects are not allowed")) } else { Ok(()) }
    }

    /// Reads `$or`: each alternative so far goes on in as many ways as there are objects.
    fn alternatives(&mut self, branches: &mut Vec<Branch>) -> Result<(), String> {
        let before = std::mem::take(branches);
        if self.reader.next()? != Token::ArrayStart {
            return Err(self.reader.fault(format!("It must be an Array followed with {OR}.")));
        }
        let mut objects = 0;
        loop {
            match self.reader.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => {
                    objects += 1;
                    let mut ways = if before.is_empty() { vec![Branch::new()] } else { before.clone() };
                    self.object(&mut ways, true)?;
                    branches.append(&mut ways);
                    if branches.len() > COMBINATIONS {
                        return Err(format!(
                            "The {OR} relationships make more than {COMBINATIONS} rule combinations"
                        ));
                    }
                }
                _ => {
                    let message = format!("Only JSON object is allowed in array of {OR} relationship.");
                    return Err(self.reader.fault(message));
                }
            }
        }
        if objects < 2 {
            return Err(self
                .reader
                .fault(format!("There must have at least 2 Objects in {OR} relationship.")));
        }
        Ok(())
    }

    fn values(&mut self, branches: &mut Vec<Branch>) -> Result<(), String> {
        let mut matchers = Vec::new();
        loop {
            matchers.push(match self.reader.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => operator::read(&mut self.reader, self.dialect)?,
                Token::Text => Matcher::text(self.reader.text()?),
                Token::Number => Matcher::number(&self.reader.text()?),
                Token::True => Matcher::Literal(Value::Bool(true)),
                Token::False => Matcher::Literal(Value::Bool(false)),
                Token::Null => Matcher::Literal(Value::Null),
                _ => {
                    return Err(self
                        .reader
                        .fault("Match value must be String, number, true, false, or null"));
                }
            });
        }
        if matchers.is_empty() {
            return Err(self.reader.fault("Empty arrays are not allowed"));
        }
        if branches.is_empty() {
            branches.push(Branch::new());
        }
        let field = Arc::new(Field::new(matchers));
        let path = self.path.join(".");
        for branch in branches {
            // AWS: a path that stands there already is overwritten, not joined.
            branch.insert(path.clone(), Arc::clone(&field));
        }
        Ok(())
    }
}
