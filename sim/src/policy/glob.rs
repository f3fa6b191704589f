//! Texts with `*`, `?` and policy variables, compiled once.

use super::Context;

/// A text of a policy that others are matched against.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Glob {
    /// `*`: anything.
    Anything,
    /// A text without wildcards.
    Exact(Box<str>),
    /// A text with wildcards.
    Wild(Box<[Atom]>),
    /// A text with variables, whose values are known only at a request.
    Open(Box<[Part]>),
}

/// What one place of a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Atom {
    /// This byte.
    Byte(u8),
    /// `?`: one character.
    One,
    /// `*`: any number of characters.
    Many,
}

/// A stretch of a pattern with variables.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// What does not depend on the request.
    Fixed(Box<[Atom]>),
    /// `${key}` or `${key, 'default'}`; the key in lower case.
    Variable { key: Box<str>, default: Option<Box<str>> },
}

/// What characters mean in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Whether `*` and `?` are wildcards.
    pub(super) wildcards: bool,
    /// Whether `${…}` is a variable: from policy version 2012-10-17 on.
    pub(super) variables: bool,
}

impl Glob {
    /// Compiles a text.
    pub(super) fn compile(text: &str, reading: Reading) -> Self {
        if reading.wildcards && text == "*" {
            return Self::Anything;
        }
        let parts = parts(text, reading);
        let mut fixed = Vec::new();
        for part in &parts {
            match part {
                Part::Fixed(atoms) => fixed.extend_from_slice(atoms),
                Part::Variable { .. } => return Self::Open(parts.into_boxed_slice()),
            }
        }
        exact(&fixed).map_or_else(|| Self::Wild(fixed.into_boxed_slice()), |text| Self::Exact(text.into()))
    }

    /// Whether a text is one of those the pattern stands for. A variable that the request has no single value for
    /// matches nothing, and a variable's value is taken literally.
    pub(super) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Anything => true,
            Self::Exact(exact) => **exact == *text,
            Self::Wild(atoms) => wild(atoms, text.as_bytes()),
            Self::Open(parts) => resolve(parts, context).is_some_and(|atoms| wild(&atoms, text.as_bytes())),
        }
    }

    /// As [`Glob::matches`], whatever the case of ASCII letters.
    pub(super) fn matches_ignoring_case(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Anything => true,
            Self::Exact(exact) => exact.eq_ignore_ascii_case(text),
            Self::Wild(atoms) => wild(&lower(atoms), text.to_ascii_lowercase().as_bytes()),
            Self::Open(parts) => resolve(parts, context)
                .is_some_and(|atoms| wild(&lower(&atoms), text.to_ascii_lowercase().as_bytes())),
        }
    }
}

fn lower(atoms: &[Atom]) -> Vec<Atom> {
    let lower = |atom: &Atom| match atom {
        Atom::Byte(byte) => Atom::Byte(byte.to_ascii_lowercase()),
        other => *other,
    };
    atoms.iter().map(lower).collect()
}

/// The text that atoms spell when none of them is a wildcard.
fn exact(atoms: &[Atom]) -> Option<String> {
    let byte = |atom: &Atom| if let Atom::Byte(byte) = atom { Some(*byte) } else { None };
    String::from_utf8(atoms.iter().map(byte).collect::<Option<Vec<u8>>>()?).ok()
}

fn parts(text: &str, reading: Reading) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut fixed: Vec<Atom> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        if reading.variables
            && let Some(inner) = rest.strip_prefix("${")
            && let Some(end) = inner.find('}')
        {
            match &inner[..end] {
                // The three ways to write a character that would mean something else.
                special @ ("*" | "?" | "$") => fixed.extend(special.bytes().map(Atom::Byte)),
                variable => {
                    if !fixed.is_empty() {
                        parts.push(Part::Fixed(std::mem::take(&mut fixed).into_boxed_slice()));
                    }
                    parts.push(variable_part(variable));
                }
            }
            rest = &inner[end + 1..];
            continue;
        }
        let character = rest.chars().next().map_or(1, char::len_utf8);
        match first {
            b'*' if reading.wildcards => fixed.push(Atom::Many),
            b'?' if reading.wildcards => fixed.push(Atom::One),
            _ => fixed.extend(rest[..character].bytes().map(Atom::Byte)),
        }
        rest = &rest[character..];
    }
    if !fixed.is_empty() {
        parts.push(Part::Fixed(fixed.into_boxed_slice()));
    }
    parts
}

fn variable_part(text: &str) -> Part {
    let (key, default) = match text.split_once(',') {
        Some((key, default)) => {
            (key, default.trim().strip_prefix('\'').and_then(|text| text.strip_suffix('\'')))
        }
        None => (text, None),
    };
    Part::Variable { key: key.trim().to_ascii_lowercase().into(), default: default.map(Into::into) }
}

fn resolve(parts: &[Part], context: &Context) -> Option<Vec<Atom>> {
    let mut atoms = Vec::new();
    for part in parts {
        match part {
            Part::Fixed(fixed) => atoms.extend_from_slice(fixed),
            Part::Variable { key, default } => {
                let value = match context.get(&**key).map(Vec::as_slice) {
                    Some([value]) => value.as_str(),
                    _ => default.as_deref()?,
                };
                atoms.extend(value.bytes().map(Atom::Byte));
            }
        }
    }
    Some(atoms)
}

/// Matches in one pass with a single way back, so no pattern makes it slow beyond `pattern × text`.
fn wild(pattern: &[Atom], text: &[u8]) -> bool {
    let (mut at, mut of) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some(Atom::Many) => {
                back = Some((of + 1, at));
                of += 1;
                continue;
            }
            Some(Atom::Byte(byte)) if *byte == text[at] => {
                at += 1;
                of += 1;
                continue;
            }
            Some(Atom::One) => {
                at += 1;
                while text.get(at).is_some_and(|byte| byte & 0b1100_0000 == 0b1000_0000) {
                    at += 1;
                }
                of += 1;
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = back else { return false };
        back = Some((after, from + 1));
        of = after;
        at = from + 1;
    }
    pattern[of..].iter().all(|atom| *atom == Atom::Many)
}

/// A pattern of an ARN, matched part by part: a wildcard does not reach over a colon, except in the last part.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ArnGlob {
    segments: Box<[Glob]>,
}

impl ArnGlob {
    /// Compiles the pattern of an ARN; `*` alone stands for every ARN.
    pub(super) fn compile(text: &str, reading: Reading) -> Self {
        let segments = segments(text, reading.variables);
        Self { segments: segments.into_iter().map(|segment| Glob::compile(segment, reading)).collect() }
    }

    /// Whether an ARN is one of those the pattern stands for.
    pub(super) fn matches(&self, arn: &str, context: &Context) -> bool {
        if *self.segments == [Glob::Anything] {
            return true;
        }
        let mut texts = arn.splitn(6, ':');
        self.segments.iter().all(|segment| texts.next().is_some_and(|text| segment.matches(text, context)))
            && texts.next().is_none()
    }
}

/// The parts of an ARN's pattern, at most six; a colon within `${…}` parts nothing.
fn segments(text: &str, variables: bool) -> Vec<&str> {
    let mut segments = Vec::with_capacity(6);
    let (mut start, mut inside) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' if variables && text[..at].ends_with('$') => inside = true,
            b'}' => inside = false,
            b':' if !inside && segments.len() < 5 => {
                segments.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    segments.push(&text[start..]);
    segments
}

#[cfg(test)]
mod tests;
