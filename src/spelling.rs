//! Which known word a misspelt one was probably meant to be.

/// The one of `known` that `text` was probably meant to be.
pub(crate) fn nearest<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&text.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 4)
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("resync_intervall", ["resync_interval", "mode"]), Some("resync_interval"));
        assert_eq!(nearest("Mode", ["resync_interval", "mode"]), Some("mode"));
        assert_eq!(nearest("colour", ["resync_interval", "mode"]), None);
    }
}
