//! What the address of the page asks for, and the addresses that ask for something else.

use std::collections::BTreeMap;

use askama::filters::urlencode_strict;
use axum::http::Uri;

use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::http::select::{By, Filter, Sort};

/// The query of the page, read.
#[derive(Debug, Default)]
pub(super) struct Asked {
    pub(super) filter: Filter,
    pub(super) sort: Sort,
    values: BTreeMap<&'static str, String>,
}

impl Asked {
    const KNOWN: [&'static str; 6] = ["verdict", "coverage", "ou", "q", "sort", "refresh"];

    pub(super) fn read(uri: &Uri) -> Result<Self, Problem> {
        let params = Params::parse(uri, &Self::KNOWN)?;
        params.one_of("refresh", &["off"], |off| off)?;
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

    /// What a form must send along so that nothing but `q` changes.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&&'static str, &String)> {
        self.values.iter().filter(|(name, _)| **name != "q")
    }

    /// Whether the accounts are narrowed.
    pub(super) fn is_narrowed(&self) -> bool {
        ["verdict", "coverage", "ou", "q"].iter().any(|name| self.values.contains_key(name))
    }

    /// The query of the page with `name` asked for as `value`, or not at all.
    pub(super) fn with(&self, name: &'static str, value: &str) -> String {
        let mut values: BTreeMap<_, _> =
            self.values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        values.insert(name, value);
        query(values)
    }

    /// The query that asks for no accounts in particular.
    pub(super) fn without_filter(&self) -> String {
        query(["sort", "refresh"].map(|name| (name, self.value(name))))
    }
}

fn query<'v>(values: impl IntoIterator<Item = (&'static str, &'v str)>) -> String {
    let pairs = values.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| {
        let Ok(value) = urlencode_strict(value);
        format!("{name}={value}")
    });
    format!("/?{}", pairs.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(uri: &'static str) -> Asked {
        Asked::read(&Uri::from_static(uri)).unwrap()
    }

    #[test]
    fn a_link_changes_one_thing_and_keeps_the_rest() {
        let asked = asked("/?q=a%26b+%22c&verdict=drifted&refresh=off");
        assert_eq!(asked.filter.q.as_deref(), Some("a&b \"c"));
        assert_eq!(asked.with("verdict", ""), "/?q=a%26b%20%22c&refresh=off");
        assert_eq!(asked.with("sort", "-name"), "/?q=a%26b%20%22c&refresh=off&sort=-name&verdict=drifted");
        assert_eq!(asked.without_filter(), "/?refresh=off");
    }

    #[test]
    fn a_form_that_was_sent_empty_asks_for_everything() {
        let asked = asked("/?q=&verdict=");
        assert!(!asked.is_narrowed());
        assert_eq!(asked.without_filter(), "/?");
    }
}
