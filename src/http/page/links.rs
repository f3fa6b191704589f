//! What the address of a page asks for, and the addresses that ask for something else.

use std::collections::BTreeMap;

use askama::filters::urlencode_strict;
use axum::http::Uri;

use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::http::select::{By, Filter, Sort};

/// The query of the page of accounts, read.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    values: BTreeMap<&'static str, String>,
}

impl Asked {
    const KNOWN: [&'static str; 7] = ["verdict", "coverage", "reason", "ou", "q", "sort", "cursor"];

    pub(super) fn read(uri: &Uri) -> Result<Self, Problem> {
        let params = Params::of_form(uri, &Self::KNOWN)?;
        Ok(Self {
            filter: Filter::read(&params)?,
            sort: params.parsed("sort")?.unwrap_or(Sort { by: By::Name, descending: false }),
            values: Self::KNOWN.into_iter().filter_map(|n| Some((n, params.text(n)?.to_owned()))).collect(),
        })
    }

    /// What is asked for under `name`, as it was written.
    pub(super) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether the accounts are narrowed.
    pub(super) fn is_narrowed(&self) -> bool {
        ["verdict", "coverage", "reason", "ou", "q"].iter().any(|name| self.values.contains_key(name))
    }

    /// The address of the page with `name` asked for as `value`, or not at all; from its first row on.
    pub(super) fn with(&self, name: &'static str, value: &str) -> String {
        let mut values: BTreeMap<_, _> =
            self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        values.remove("cursor");
        values.insert(name, value);
        query("/accounts", values)
    }

    /// The address that asks for no accounts in particular.
    pub(super) fn without_filter(&self) -> String {
        query("/accounts", [("sort", self.value("sort"))])
    }
}

/// The address of `path` with these parameters; empty ones are left out.
pub(super) fn query<'v>(path: &str, values: impl IntoIterator<Item = (&'static str, &'v str)>) -> String {
    let pairs = values.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
        let Ok(value) = urlencode_strict(value);
        format!("{name}={value}")
    });
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &'static str) -> Asked {
        Asked::read(&Uri::from_static(uri)).unwrap()
    }

    #[test]
    fn a_link_changes_one_thing_and_keeps_the_rest() {
        let asked = asked("/accounts?q=a%26b+%22c&verdict=drifted&sort=name");
        assert_eq!(asked.filter.q.as_deref(), Some("a&b \"c"));
        assert_eq!(asked.with("verdict", ""), "/accounts?q=a%26b%20%22c&sort=name");
        assert_eq!(asked.with("sort", "-name"), "/accounts?q=a%26b%20%22c&sort=-name&verdict=drifted");
        assert_eq!(asked.without_filter(), "/accounts?sort=name");
    }

    #[test]
    fn another_question_begins_at_its_first_row() {
        let asked = asked("/accounts?cursor=5b5d&coverage=broken");
        assert_eq!(asked.with("coverage", "pending"), "/accounts?coverage=pending");
    }

    #[test]
    fn a_form_that_was_sent_empty_asks_for_everything() {
        let asked = asked("/accounts?q=&verdict=");
        assert!(!asked.is_narrowed());
        assert_eq!(asked.without_filter(), "/accounts");
    }
}
