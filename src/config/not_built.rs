//! The keys of the reference whose behaviour is not built yet. Whoever builds one deletes its line here.

use super::problem::Report;
use super::reader::{Place, is_none};

/// The table (`[]` for each of a list), the key, and the one value that it may have, as TOML.
const NOT_BUILT: &[(&str, &str, &str)] = &[("http", "trusted_proxies", "[]")];

/// The keys of the table at `path` that are not built, each with its only value.
pub(super) fn keys(path: &str) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
    let table: String =
        path.split_inclusive(['[', ']']).map(|part| if part.ends_with(']') { "]" } else { part }).collect();
    NOT_BUILT.iter().filter(move |(of, ..)| *of == table).map(|(_, key, off)| (*key, *off))
}

/// Reports `value` unless it is the only value that the key may have.
pub(super) fn check(value: &toml::Value, off: &str, place: &Place<'_>) {
    let is_off = value.to_string() == off || (off == r#""off""# && is_none(value));
    if !is_off {
        refuse::<()>(place.report, &place.path, "a value for what is not built yet", off);
    }
}

/// Reports a value that asks for what is not built.
pub(super) fn refuse<T>(report: &Report, path: &str, found: &str, expected: &str) -> Option<T> {
    report.add("E-not-built-yet", path, found, expected, "not built yet: leave the key out for now")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers;

    #[test]
    fn the_built_in_defaults_hold_the_only_value_of_each_key() {
        let defaults = layers::defaults();
        for (table, key, off) in NOT_BUILT.iter().filter(|(table, ..)| !table.contains('[')) {
            let value = &defaults[*table][*key];
            assert!(value.to_string() == *off || (*off == r#""off""# && is_none(value)), "{table}.{key}");
        }
    }
}
