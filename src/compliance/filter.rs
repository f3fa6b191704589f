//! Metric filter patterns by their meaning: spaces, needless brackets and quotes, and the order of what is joined by `||`
//! or by `&&` change nothing.
//!
//! The grammar is that of patterns for JSON log events: comparisons of a selector with a value, `EXISTS`, `IS`, brackets,
//! `&&` before `||`. Whatever else a filter says is compared by its text.

use std::collections::BTreeSet;

/// A metric filter pattern in normal form: equal where two patterns count the same events by construction.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Normal(Form);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Understood(Term),
    /// As it was written, spaces folded.
    Text(String),
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    /// A selector, what is asked of it, and with which value.
    Leaf(String, String, String),
    All(BTreeSet<Term>),
    Any(BTreeSet<Term>),
}

impl Normal {
    /// The normal form of a pattern.
    pub fn of(pattern: &str) -> Self {
        let understood = tokens(pattern).and_then(|tokens| Reader { tokens, at: 0 }.pattern());
        let text = || Form::Text(pattern.split_whitespace().collect::<Vec<_>>().join(" "));
        Self(understood.map_or_else(text, Form::Understood))
    }

    /// Whether the pattern was understood, rather than compared by its text.
    pub fn is_understood(&self) -> bool {
        matches!(self.0, Form::Understood(_))
    }

    /// What it asks, piece by piece: `$.eventName = CreatePolicy`. Nothing where it was not understood.
    pub fn pieces(&self) -> BTreeSet<String> {
        let mut pieces = BTreeSet::new();
        if let Form::Understood(term) = &self.0 {
            term.pieces(&mut pieces);
        }
        pieces
    }

    /// The names of the events that it counts, as far as it names any.
    pub fn event_names(&self) -> BTreeSet<String> {
        let name = |piece: &String| piece.strip_prefix("$.eventName = ").map(str::to_owned);
        self.pieces().iter().filter_map(name).collect()
    }
}

impl Term {
    fn pieces(&self, into: &mut BTreeSet<String>) {
        match self {
            Self::Leaf(selector, asked, value) => {
                into.insert(format!("{selector} {asked} {value}").trim_end().to_owned());
            }
            Self::All(terms) | Self::Any(terms) => terms.iter().for_each(|term| term.pieces(into)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Operator(String),
    Word(String),
}

/// The words of `{ … }`; none where it is not such a pattern.
fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let inner = pattern.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut tokens = Vec::new();
    let mut rest = inner.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            '&' if rest.starts_with("&&") => (Token::And, 2),
            '|' if rest.starts_with("||") => (Token::Or, 2),
            '=' => (Token::Operator("=".to_owned()), 1),
            '!' | '<' | '>' => {
                let length = if rest[1..].starts_with('=') { 2 } else { 1 };
                (Token::Operator(rest[..length].to_owned()), length)
            }
            '"' => {
                let end = rest[1..].find('"')? + 2;
                (Token::Word(rest[1..end - 1].to_owned()), end)
            }
            _ => {
                let end = rest
                    .find(|c: char| c.is_whitespace() || "()=!<>&|\"".contains(c))
                    .filter(|end| *end > 0)
                    .or_else(|| (!"&|".contains(first)).then_some(rest.len()))?;
                (Token::Word(rest[..end].to_owned()), end)
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

/// How many brackets within each other are read: a pattern of 1,024 characters needs a handful.
const DEEPEST: usize = 32;

impl Reader {
    fn pattern(mut self) -> Option<Term> {
        let term = self.any(0)?;
        (self.at == self.tokens.len()).then_some(term)
    }

    fn any(&mut self, depth: usize) -> Option<Term> {
        self.joined(&Token::Or, depth, Self::all, |terms| match terms {
            Term::Any(inner) => Ok(inner),
            other => Err(other),
        })
        .map(|terms| single(terms).unwrap_or_else(Term::Any))
    }

    fn all(&mut self, depth: usize) -> Option<Term> {
        self.joined(&Token::And, depth, Self::one, |terms| match terms {
            Term::All(inner) => Ok(inner),
            other => Err(other),
        })
        .map(|terms| single(terms).unwrap_or_else(Term::All))
    }

    /// What stands between the joining words, what is joined in the same way within brackets flattened into it.
    fn joined(
        &mut self,
        by: &Token,
        depth: usize,
        next: fn(&mut Self, usize) -> Option<Term>,
        flat: fn(Term) -> Result<BTreeSet<Term>, Term>,
    ) -> Option<BTreeSet<Term>> {
        let mut terms = BTreeSet::new();
        loop {
            match flat(next(self, depth)?) {
                Ok(inner) => terms.extend(inner),
                Err(term) => drop(terms.insert(term)),
            }
            if self.tokens.get(self.at) != Some(by) {
                return Some(terms);
            }
            self.at += 1;
        }
    }

    fn one(&mut self, depth: usize) -> Option<Term> {
        match self.take()? {
            Token::Open if depth < DEEPEST => {
                let term = self.any(depth + 1)?;
                (self.take()? == Token::Close).then_some(term)
            }
            Token::Word(selector) if selector.starts_with('$') => self.leaf(selector),
            _ => None,
        }
    }

    fn leaf(&mut self, selector: String) -> Option<Term> {
        let mut asked = String::new();
        loop {
            match self.take()? {
                Token::Operator(operator) => {
                    let Token::Word(value) = self.take()? else { return None };
                    return asked.is_empty().then_some(Term::Leaf(selector, operator, value));
                }
                // `EXISTS`, `NOT EXISTS`, `IS NULL`, `IS TRUE`: words without a value.
                Token::Word(word) => {
                    let word = word.to_ascii_uppercase();
                    let last = matches!(word.as_str(), "EXISTS" | "NULL" | "TRUE" | "FALSE");
                    if !last && !matches!(word.as_str(), "NOT" | "IS") {
                        return None;
                    }
                    asked.push_str(&word);
                    if last {
                        return Some(Term::Leaf(selector, asked, String::new()));
                    }
                    asked.push(' ');
                }
                _ => return None,
            }
        }
    }

    fn take(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }
}

/// The one term of a set of one.
fn single(mut terms: BTreeSet<Term>) -> Result<Term, BTreeSet<Term>> {
    match terms.len() {
        1 => terms.pop_first().ok_or(terms),
        _ => Err(terms),
    }
}

#[cfg(test)]
mod tests;
