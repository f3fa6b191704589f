//! JSON token by token, as the engine reads patterns.
//!
//! A tree would lose what patterns are judged by: how a number is written, keys that stand twice, and the place that
//! AWS names in its error messages.

use std::borrow::Cow;

/// How deep a document may be nested; the limit of the JSON reader that the engine uses.
const DEPTH: usize = 1000;

/// How much of the source an error message repeats.
const EXCERPT: usize = 500;

/// A token. The text of names, texts and numbers is asked of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    Name,
    Text,
    Number,
    True,
    False,
    Null,
}

/// What is being read: an object or an array, and whether something of it was read.
struct Frame {
    object: bool,
    begun: bool,
}

/// Reads tokens, and knows its place.
pub(super) struct Reader<'t> {
    source: &'t str,
    /// How many bytes are consumed.
    at: usize,
    frames: Vec<Frame>,
    /// The value behind a name, which is read together with the name: places in messages depend on it.
    ahead: Option<Token>,
    /// A text whose opening quote alone is consumed: it is read when it is asked for, or passed.
    unread: bool,
    /// The last name, text or number.
    text: Cow<'t, str>,
    /// The last name; its value may have been read since.
    name: String,
}

impl<'t> Reader<'t> {
    /// A reader at the beginning of a document.
    pub(super) fn new(source: &'t str) -> Self {
        Self {
            source,
            at: 0,
            frames: Vec::new(),
            ahead: None,
            unread: false,
            text: Cow::Borrowed(""),
            name: String::new(),
        }
    }

    /// The next token.
    pub(super) fn next(&mut self) -> Result<Token, String> {
        if let Some(token) = self.ahead.take() {
            return Ok(token);
        }
        if self.unread {
            self.finish_text()?;
        }
        let mut next = self.skip_spaces()?;
        let Some(frame) = self.frames.last_mut() else {
            return self.value(next);
        };
        let (closing, token) = if frame.object { (b'}', Token::ObjectEnd) } else { (b']', Token::ArrayEnd) };
        let (object, begun) = (frame.object, std::mem::replace(&mut frame.begun, true));
        if next == closing {
            self.at += 1;
            self.frames.pop();
            return Ok(token);
        }
        if begun {
            if next != b',' {
                let container = if object { "Object" } else { "Array" };
                return Err(self.unexpected(&format!("was expecting comma to separate {container} entries")));
            }
            self.at += 1;
            next = self.skip_spaces()?;
        }
        if !object {
            return self.value(next);
        }
        if next != b'"' {
            return Err(self.unexpected("was expecting double-quote to start field name"));
        }
        self.at += 1;
        self.finish_text()?;
        self.name = self.text.clone().into_owned();
        if self.skip_spaces()? != b':' {
            return Err(self.unexpected("was expecting a colon to separate field name and value"));
        }
        self.at += 1;
        let first = self.skip_spaces()?;
        self.ahead = Some(self.value(first)?);
        Ok(Token::Name)
    }

    /// The name that was read last.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The text, or the number as it is written, that was read last.
    pub(super) fn text(&mut self) -> Result<String, String> {
        if self.unread {
            self.finish_text()?;
        }
        Ok(self.text.clone().into_owned())
    }

    /// An error message with the place, as AWS words it.
    pub(super) fn fault(&self, message: impl AsRef<str>) -> String {
        self.fault_at(message.as_ref(), self.at)
    }

    fn fault_at(&self, message: &str, at: usize) -> String {
        let before = &self.source[..self.source.floor_char_boundary(at)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.encode_utf16().count()) + 1;
        let length = self.source.chars().count();
        let excerpt: String = self.source.chars().take(EXCERPT).collect();
        let cut =
            if length > EXCERPT { format!("[truncated {} chars]", length - EXCERPT) } else { String::new() };
        format!("{message}\n at [Source: (String)\"{excerpt}\"{cut}; line: {line}, column: {column}]")
    }

    /// A message about the character that comes next.
    fn unexpected(&self, wanted: &str) -> String {
        let next = self.source[self.at..].chars().next().unwrap_or_default();
        self.fault_at(&format!("Unexpected character ('{next}' (code {})): {wanted}", next as u32), self.at)
    }

    fn skip_spaces(&mut self) -> Result<u8, String> {
        let rest = &self.source.as_bytes()[self.at..];
        match rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            Some(spaces) => {
                self.at += spaces;
                Ok(rest[spaces])
            }
            None => {
                self.at = self.source.len();
                let inside = match self.frames.last() {
                    Some(Frame { object: true, .. }) => ": expected close marker for Object",
                    Some(Frame { object: false, .. }) => ": expected close marker for Array",
                    None => "",
                };
                Err(self.fault(format!("Unexpected end-of-input{inside}")))
            }
        }
    }

    fn value(&mut self, first: u8) -> Result<Token, String> {
        match first {
            b'{' | b'[' => {
                self.at += 1;
                if self.frames.len() >= DEPTH {
                    return Err(self.fault(format!(
                        "Document nesting depth ({}) exceeds the maximum allowed ({DEPTH}, from `StreamReadConstraints.getMaxNestingDepth()`)",
                        DEPTH + 1
                    )));
                }
                self.frames.push(Frame { object: first == b'{', begun: false });
                Ok(if first == b'{' { Token::ObjectStart } else { Token::ArrayStart })
            }
            b'"' => {
                self.at += 1;
                self.unread = true;
                Ok(Token::Text)
            }
            b'-' | b'0'..=b'9' => self.number(),
            byte if byte.is_ascii_alphabetic() => self.word(),
            _ => Err(self.unexpected(
                "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
            )),
        }
    }

    fn word(&mut self) -> Result<Token, String> {
        let rest = &self.source[self.at..];
        let length =
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        let word = &rest[..length];
        self.at += length;
        match word {
            "true" => Ok(Token::True),
            "false" => Ok(Token::False),
            "null" => Ok(Token::Null),
            _ => Err(self.fault(format!(
                "Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            ))),
        }
    }

    fn number(&mut self) -> Result<Token, String> {
        let rest = &self.source[self.at..];
        let length =
            rest.find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let written = &rest[..length];
        self.at += length;
        if serde_json::from_str::<serde_json::Number>(written).is_err() && !too_large(written) {
            return Err(self.fault(format!("Invalid numeric value: {written}")));
        }
        self.text = Cow::Borrowed(written);
        Ok(Token::Number)
    }

    /// Reads the rest of a text whose opening quote is consumed.
    fn finish_text(&mut self) -> Result<(), String> {
        self.unread = false;
        let start = self.at;
        let bytes = self.source.as_bytes();
        let mut end = start;
        let mut plain = true;
        loop {
            match bytes.get(end) {
                None => {
                    self.at = bytes.len();
                    return Err(
                        self.fault("Unexpected end-of-input: was expecting closing quote for a string value")
                    );
                }
                Some(b'"') => break,
                Some(b'\\') => {
                    plain = false;
                    end += 2;
                }
                Some(byte) if *byte < b' ' => {
                    return Err(self.fault_at(
                        &format!(
                            "Illegal unquoted character ((CTRL-CHAR, code {byte})): has to be escaped using backslash to be included in string value"
                        ),
                        end + 1,
                    ));
                }
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        self.text = if plain {
            Cow::Borrowed(&self.source[start..end])
        } else {
            // A half of a surrogate pair stands for nothing that an event could hold.
            match serde_json::from_str(&self.source[start - 1..=end]) {
                Ok(text) => Cow::Owned(text),
                Err(_) => return Err(self.fault("Unrecognized character escape")),
            }
        };
        Ok(())
    }
}

/// Whether it is a number in form that no double can hold, like `1e999`.
fn too_large(written: &str) -> bool {
    written.parse::<f64>().is_ok_and(f64::is_infinite)
}
