//! The wildcard: `*` stands for any text, none included.

/// A wildcard as the texts between its stars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wildcard(Vec<String>);

impl Wildcard {
    /// Reads a wildcard; `\*` and `\\` are its only escapes, and two stars in a row are refused, each with a sentence.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parts = vec![String::new()];
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            let literal = match (character, characters.peek()) {
                ('*', Some('*')) => return Err("two stars in a row are refused"),
                ('*', _) => {
                    parts.push(String::new());
                    continue;
                }
                ('\\', Some(escaped @ ('*' | '\\'))) => {
                    let escaped = *escaped;
                    characters.next();
                    escaped
                }
                ('\\', _) => return Err(r"a backslash may stand only before a star or another backslash"),
                (other, _) => other,
            };
            if let Some(last) = parts.last_mut() {
                last.push(literal);
            }
        }
        Ok(Self(parts))
    }

    /// Whether the whole of `value` matches.
    pub(crate) fn matches(&self, value: &str) -> bool {
        let [first, middle @ .., last] = self.0.as_slice() else {
            return self.0.first().is_some_and(|only| only == value);
        };
        let Some(rest) = value.strip_prefix(first.as_str()) else { return false };
        let Some(mut rest) = rest.strip_suffix(last.as_str()) else { return false };
        // The earliest place of each text leaves most room for those behind it.
        middle.iter().all(|part| match rest.split_once(part.as_str()) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
    }
}
