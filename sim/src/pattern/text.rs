//! Texts that are compared without regard to case.

/// A text of a pattern whose case does not matter.
///
/// The engine takes each character's lower and upper form, one character at a time, whatever the language.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caseless(Box<str>);

impl Caseless {
    /// A text in any case.
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether the value is the text.
    pub(super) fn equals(&self, value: &str) -> bool {
        if self.0.is_ascii() { self.0.eq_ignore_ascii_case(value) } else { consume(&self.0, value, true) }
    }

    /// Whether the value begins with the text.
    pub(super) fn begins(&self, value: &str) -> bool {
        if self.0.is_ascii() {
            value
                .as_bytes()
                .get(..self.0.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(self.0.as_bytes()))
        } else {
            consume(&self.0, value, false)
        }
    }

    /// Whether the value ends with the text.
    pub(super) fn ends(&self, value: &str) -> bool {
        if self.0.is_ascii() {
            let start = value.len().checked_sub(self.0.len());
            start.is_some_and(|start| value.as_bytes()[start..].eq_ignore_ascii_case(self.0.as_bytes()))
        } else {
            value.char_indices().any(|(start, _)| consume(&self.0, &value[start..], true))
        }
    }
}

/// Whether the value begins with the text, and ends there too if it must.
fn consume(text: &str, value: &str, whole: bool) -> bool {
    let mut characters = text.chars();
    let Some(character) = characters.next() else {
        return !whole || value.is_empty();
    };
    let (lower, upper): (String, String) =
        (character.to_lowercase().collect(), character.to_uppercase().collect());
    [Some(&lower), (upper != lower).then_some(&upper)]
        .into_iter()
        .flatten()
        .filter_map(|form| value.strip_prefix(form.as_str()))
        .any(|rest| consume(characters.as_str(), rest, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_disregarded_in_any_alphabet() {
        for (text, value) in [("iAm", "IaM"), ("ÄÖ", "äö"), ("straße", "STRASSE"), ("", "")] {
            assert!(Caseless::new(text).equals(value), "{text} {value}");
            assert!(Caseless::new(text).begins(&format!("{value}x")), "{text} {value}");
            assert!(Caseless::new(text).ends(&format!("é{value}")), "{text} {value}");
        }
        assert!(!Caseless::new("k").equals("\u{212a}"));
        assert!(!Caseless::new("abc").ends("bc") && !Caseless::new("abc").begins("ab"));
    }
}
