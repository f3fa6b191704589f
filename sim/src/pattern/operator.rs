//! The operators of a pattern: objects in a field's list.

use super::address::Addresses;
use super::compile::Dialect;
use super::field::{Excluded, Matcher, Range};
use super::number::comparable;
use super::reader::{Reader, Token};
use super::text::Caseless;
use super::wildcard::Wildcard;

const ONE_KEY: &str = "Only one key allowed in match expression";
const TOO_MANY: &str = "Too many elements in numeric expression";
const EMPTY_AFFIX: &str = "Null prefix/suffix not allowed";
const NOT_A_VALUE: &str = "Value of anything-but must be an array or single string/number value.";
const NOT_IN_LIST: &str = "Inside anything but list, start|null|boolean is not supported.";

/// Reads an operator whose object has just begun, to the object's end.
pub(super) fn read(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Matcher, String> {
    if reader.next()? != Token::Name {
        return Err(reader.fault("Match expression name not found"));
    }
    let name = reader.name().to_owned();
    let matcher = match name.as_str() {
        "exactly" => {
            let text = text(reader, "exact match pattern must be a string")?;
            Matcher::Text(text.into_boxed_str())
        }
        "prefix" => match affix(reader, "prefix", "Prefix")? {
            Affix::Exact(prefix) => Matcher::Prefix(prefix),
            Affix::Caseless(prefix) => Matcher::CaselessPrefix(prefix),
        },
        "suffix" => match affix(reader, "suffix", "Suffix")? {
            Affix::Exact(suffix) => Matcher::Suffix(suffix),
            Affix::Caseless(suffix) => Matcher::CaselessSuffix(suffix),
        },
        "equals-ignore-case" => Matcher::Caseless(Caseless::new(&text(
            reader,
            "equals-ignore-case match pattern must be a string",
        )?)),
        "wildcard" => {
            let text = text(reader, "wildcard match pattern must be a string")?;
            Matcher::Wildcard(wildcard(reader, &text)?)
        }
        "cidr" => {
            Matcher::Addresses(Addresses::block(&text(reader, "prefix match pattern must be a string")?)?)
        }
        "exists" => match reader.next()? {
            Token::True => Matcher::Exists,
            Token::False => Matcher::Absent,
            _ => return Err(reader.fault("exists match pattern must be either true or false.")),
        },
        "numeric" => {
            if reader.next()? != Token::ArrayStart {
                return Err(reader.fault("Value of numeric must be an array."));
            }
            let matcher = numeric(reader)?;
            close(reader, TOO_MANY)?;
            return Ok(matcher);
        }
        "anything-but" => {
            let excluded = anything_but(reader, dialect)?;
            close(reader, TOO_MANY)?;
            return Ok(Matcher::AnythingBut(excluded));
        }
        _ => return Err(reader.fault(format!("Unrecognized match type {name}"))),
    };
    close(reader, ONE_KEY)?;
    Ok(matcher)
}

fn close(reader: &mut Reader<'_>, otherwise: &str) -> Result<(), String> {
    if reader.next()? == Token::ObjectEnd { Ok(()) } else { Err(reader.fault(otherwise)) }
}

fn text(reader: &mut Reader<'_>, otherwise: &str) -> Result<String, String> {
    if reader.next()? == Token::Text { reader.text() } else { Err(reader.fault(otherwise)) }
}

fn wildcard(reader: &Reader<'_>, text: &str) -> Result<Wildcard, String> {
    let wildcard = Wildcard::parse(text).map_err(|message| reader.fault(message))?;
    wildcard.check_complexity()?;
    Ok(wildcard)
}

enum Affix {
    Exact(Box<str>),
    Caseless(Caseless),
}

/// Reads the value of `prefix` or `suffix`: a text, or `equals-ignore-case` with one.
fn affix(reader: &mut Reader<'_>, name: &str, title: &str) -> Result<Affix, String> {
    match reader.next()? {
        Token::Text => Ok(Affix::Exact(reader.text()?.into_boxed_str())),
        Token::ObjectStart => {
            if reader.next()? != Token::Name {
                return Err(reader.fault(format!("{title} expression name not found")));
            }
            if reader.name() != "equals-ignore-case" {
                let message = format!("Unsupported {name} pattern: {}", reader.name());
                return Err(reader.fault(message));
            }
            let text = text(reader, "equals-ignore-case match pattern must be a string")?;
            close(reader, ONE_KEY)?;
            Ok(Affix::Caseless(Caseless::new(&text)))
        }
        _ => Err(reader.fault(format!("{name} match pattern must be a string"))),
    }
}

/// Reads the list of `numeric`, to its end.
fn numeric(reader: &mut Reader<'_>) -> Result<Matcher, String> {
    let first = reader.next()?;
    if first != Token::Text {
        let member = spelled(reader, first)?;
        return Err(reader.fault(format!("Invalid member in numeric match: {member}")));
    }
    let operator = reader.text()?;
    let token = reader.next()?;
    let named = match operator.as_str() {
        "=" => "equals",
        "<" | "<=" | ">" | ">=" => operator.as_str(),
        _ => return Err(reader.fault(format!("Unrecognized numeric range operator: {operator}"))),
    };
    if token != Token::Number {
        return Err(reader.fault(format!("Value of {named} must be numeric")));
    }
    let written = reader.text()?;
    let end = reader.next()?;
    let bound = |reader: &Reader<'_>| {
        comparable(&written).ok_or_else(|| reader.fault(format!("Cannot compare number : {written}")))
    };
    if end != Token::ArrayEnd && !operator.starts_with('>') {
        return Err(reader.fault(TOO_MANY));
    }
    let range = match operator.as_str() {
        "=" => Range { bottom: Some((bound(reader)?, true)), top: Some((bound(reader)?, true)) },
        "<" | "<=" => Range { bottom: None, top: Some((bound(reader)?, operator == "<=")) },
        _ if end == Token::ArrayEnd => Range { bottom: Some((bound(reader)?, operator == ">=")), top: None },
        _ => {
            let (upper, included) = upper_bound(reader, end)?;
            let bottom = bound(reader)?;
            let top =
                comparable(&upper).ok_or_else(|| reader.fault(format!("Cannot compare number : {upper}")))?;
            if bottom >= top {
                return Err(reader.fault("Bottom must be less than top"));
            }
            Range { bottom: Some((bottom, operator == ">=")), top: Some((top, included)) }
        }
    };
    Ok(Matcher::Range(range))
}

/// Reads the second half of a range of numbers, whose first token is read already.
fn upper_bound(reader: &mut Reader<'_>, first: Token) -> Result<(String, bool), String> {
    if first != Token::Text {
        let member = spelled(reader, first)?;
        return Err(reader.fault(format!("Bad value in numeric range: {member}")));
    }
    let operator = reader.text()?;
    if operator != "<" && operator != "<=" {
        return Err(reader.fault(format!("Bad numeric range operator: {operator}")));
    }
    if reader.next()? != Token::Number {
        return Err(reader.fault(format!("Value of {operator} must be numeric")));
    }
    let written = reader.text()?;
    if reader.next()? != Token::ArrayEnd {
        return Err(reader.fault("Too many terms in numeric range expression"));
    }
    Ok((written, operator == "<="))
}

/// A token as messages spell it.
fn spelled(reader: &mut Reader<'_>, token: Token) -> Result<String, String> {
    Ok(match token {
        Token::Text | Token::Number => reader.text()?,
        Token::Name => reader.name().to_owned(),
        Token::ObjectStart => "{".to_owned(),
        Token::ObjectEnd => "}".to_owned(),
        Token::ArrayStart => "[".to_owned(),
        Token::ArrayEnd => "]".to_owned(),
        Token::True => "true".to_owned(),
        Token::False => "false".to_owned(),
        Token::Null => "null".to_owned(),
    })
}

/// Reads the value of `anything-but`: one value, a list, or an operator with one or a list.
fn anything_but(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Excluded, String> {
    let token = reader.next()?;
    if token == Token::ObjectStart {
        let excluded = anything_but_operator(reader, dialect)?;
        close(reader, TOO_MANY)?;
        return Ok(excluded);
    }
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    match token {
        Token::Text => texts.push(reader.text()?.into_boxed_str()),
        Token::Number => {
            let written = reader.text()?;
            numbers.push(comparable(&written).ok_or_else(|| format!("Cannot compare number : {written}"))?);
        }
        Token::ArrayStart => loop {
            match reader.next()? {
                Token::ArrayEnd => break,
                Token::Text => texts.push(reader.text()?.into_boxed_str()),
                Token::Number => {
                    let written = reader.text()?;
                    let number = comparable(&written);
                    numbers.push(
                        number.ok_or_else(|| reader.fault(format!("Cannot compare number : {written}")))?,
                    );
                }
                _ => return Err(in_list(reader, NOT_IN_LIST)),
            }
        },
        _ => return Err(reader.fault(NOT_A_VALUE)),
    }
    match (texts.is_empty(), numbers.is_empty()) {
        (false, true) => Ok(Excluded::Texts(texts)),
        (true, false) => Ok(Excluded::Numbers(numbers)),
        _ => Err(reader.fault(
            "Inside anything but list, either all values are number or string, mixed type is not supported",
        )),
    }
}

/// A fault inside a list of `anything-but`; AWS names the place twice.
fn in_list(reader: &Reader<'_>, message: &str) -> String {
    reader.fault(reader.fault(message))
}

fn anything_but_operator(reader: &mut Reader<'_>, dialect: Dialect) -> Result<Excluded, String> {
    if reader.next()? != Token::Name {
        return Err(reader.fault("Anything-But expression name not found"));
    }
    let name = reader.name().to_owned();
    let former = dialect == Dialect::Former;
    let affix = matches!(name.as_str(), "prefix" | "suffix");
    let otherwise = match name.as_str() {
        "equals-ignore-case" => {
            "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."
        }
        "prefix" | "suffix" => "prefix/suffix match pattern must be a string",
        "wildcard" if !former => "wildcard match pattern must be a string",
        _ => return Err(reader.fault(format!("Unsupported anything-but pattern: {name}"))),
    };
    let mut texts = Vec::new();
    match reader.next()? {
        Token::Text => texts.push(reader.text()?),
        // The former dialect knows no lists of prefixes and suffixes.
        Token::ArrayStart if !former || name == "equals-ignore-case" => loop {
            match reader.next()? {
                Token::ArrayEnd => break,
                Token::Text => texts.push(reader.text()?),
                _ => return Err(in_list(reader, otherwise)),
            }
            if affix && texts.last().is_some_and(String::is_empty) {
                return Err(in_list(reader, EMPTY_AFFIX));
            }
        },
        Token::ArrayStart | Token::Number => return Err(reader.fault(otherwise)),
        _ => return Err(reader.fault(NOT_A_VALUE)),
    }
    let boxed = |texts: Vec<String>| texts.into_iter().map(String::into_boxed_str).collect();
    Ok(match name.as_str() {
        "equals-ignore-case" => Excluded::Caseless(texts.iter().map(|text| Caseless::new(text)).collect()),
        "wildcard" => {
            Excluded::Wildcards(texts.iter().map(|text| wildcard(reader, text)).collect::<Result<_, _>>()?)
        }
        _ if texts.iter().any(String::is_empty) => return Err(reader.fault(EMPTY_AFFIX)),
        "prefix" => Excluded::Prefixes(boxed(texts)),
        _ => Excluded::Suffixes(boxed(texts)),
    })
}
