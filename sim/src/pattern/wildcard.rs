//! The wildcard operator: `*` stands for any text, also for none.

/// How many places in a wildcard one text may keep open.
///
/// AWS refuses a wildcard as too complex from a limit that it does not publish; this one divides the two examples of
/// the user guide, `*:*:*:*:*:event-bus/*` (refused) and `/Users/*/dir/dir/dir/dir/dir/doc.txt` (accepted).
const OPEN_PLACES: usize = 10;

/// The message of a wildcard that is too complex.
const TOO_COMPLEX: &str = "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character";

/// A compiled wildcard: the literal texts between its stars.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wildcard(Vec<Box<str>>);

impl Wildcard {
    /// Reads a wildcard; AWS: `\*` and `\\` are the only escapes, and two stars in a row are refused.
    ///
    /// # Errors
    /// What AWS says; it counts bytes, from the quote before the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut literals = Vec::new();
        let mut literal = String::new();
        let mut characters = text.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            match (character, next) {
                ('*', Some('*')) => return Err(format!("Consecutive wildcard characters at pos {}", at + 1)),
                ('*', _) => literals.push(std::mem::take(&mut literal).into_boxed_str()),
                ('\\', Some(escaped @ ('*' | '\\'))) => {
                    literal.push(escaped);
                    characters.next();
                }
                ('\\', _) => return Err(format!("Invalid escape character at pos {}", at + 1)),
                _ => literal.push(character),
            }
        }
        literals.push(literal.into_boxed_str());
        Ok(Self(literals))
    }

    /// Refuses a wildcard that is too complex; see [`OPEN_PLACES`].
    ///
    /// # Errors
    /// What AWS says.
    pub(super) fn check_complexity(&self) -> Result<(), String> {
        if self.open_places() > OPEN_PLACES { Err(TOO_COMPLEX.to_owned()) } else { Ok(()) }
    }

    /// Whether the value matches.
    pub(super) fn matches(&self, value: &str) -> bool {
        let [first, between @ .., last] = &self.0[..] else {
            return self.0.first().is_some_and(|only| **only == *value);
        };
        let Some(rest) = value.strip_prefix(&**first).and_then(|rest| rest.strip_suffix(&**last)) else {
            return false;
        };
        let mut rest = rest;
        for literal in between {
            let Some(at) = rest.find(&**literal) else {
                return false;
            };
            rest = &rest[at + literal.len()..];
        }
        true
    }

    /// The most places that are open at once while the wildcard's own literal text is read, as far as that matters.
    fn open_places(&self) -> usize {
        let mut places: Vec<Option<char>> = Vec::new();
        for (index, literal) in self.0.iter().enumerate() {
            if index > 0 {
                places.push(None);
            }
            places.extend(literal.chars().map(Some));
        }
        // A star is left at any time, so the place behind it is open with it.
        let star = |place: usize| places.get(place) == Some(&None);
        let settle = |reached: Vec<usize>| {
            let mut open: Vec<usize> = Vec::new();
            for place in reached {
                open.push(place);
                if star(place) {
                    open.push(place + 1);
                }
            }
            open.sort_unstable();
            open.dedup();
            open
        };
        let mut open = settle(vec![0]);
        let mut most = 0;
        for read in places.iter().flatten() {
            let stay = open.iter().copied().filter(|place| star(*place));
            let step =
                open.iter().filter(|place| places.get(**place) == Some(&Some(*read))).map(|place| place + 1);
            open = settle(stay.chain(step).collect());
            most = most.max(open.len());
            if most > OPEN_PLACES {
                break;
            }
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (wildcard, value, matches) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "anything", true),
            ("a*", "a", true),
            ("*a", "ba", true),
            ("*a", "ab", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*ab*ab*", "ab", false),
            ("*ab*ab*", "xabab", true),
            ("a*b*c", "abbcbc", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            (r"a\\*", r"a\b", true),
            ("a?", "ab", false),
            ("ä*", "äö", true),
        ] {
            assert_eq!(Wildcard::parse(wildcard).unwrap().matches(value), matches, "{wildcard} {value}");
        }
    }

    #[test]
    fn the_examples_of_the_guide_are_as_complex_as_it_says() {
        let complexity = |text| Wildcard::parse(text).unwrap().check_complexity();
        assert_eq!(complexity("*:*:*:*:*:event-bus/*"), Err(TOO_COMPLEX.to_owned()));
        assert_eq!(complexity("/Users/*/dir/dir/dir/dir/dir/doc.txt"), Ok(()));
        assert_eq!(complexity("arn:aws:events:us-east-1:*:event-bus/*"), Ok(()));
        assert_eq!(complexity("*aaaaaaaaaaaa"), Err(TOO_COMPLEX.to_owned()));
        assert_eq!(complexity(&"a".repeat(4000)), Ok(()));
    }
}
