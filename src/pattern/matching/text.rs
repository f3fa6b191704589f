//! Texts that are compared without regard to case.

use std::iter;

/// Whether `value` is `text` in any case.
pub(super) fn same(text: &str, value: &str) -> bool {
    text.chars().count() == value.chars().count() && begins(text.chars(), value.chars())
}

/// Whether `value` begins with `text` in any case.
pub(super) fn has_prefix(text: &str, value: &str) -> bool {
    begins(text.chars(), value.chars())
}

/// Whether `value` ends with `text` in any case.
pub(super) fn has_suffix(text: &str, value: &str) -> bool {
    begins(text.chars().rev(), value.chars().rev())
}

fn begins(text: impl Iterator<Item = char>, mut value: impl Iterator<Item = char>) -> bool {
    text.into_iter().all(|wanted| value.next().is_some_and(|found| same_letter(wanted, found)))
}

/// The engine takes the lower and the upper form of each letter of the pattern, whatever the language.
fn same_letter(wanted: char, found: char) -> bool {
    wanted == found
        || wanted.to_lowercase().eq(iter::once(found))
        || wanted.to_uppercase().eq(iter::once(found))
}
