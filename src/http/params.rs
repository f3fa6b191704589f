//! Query parameters and path segments, read once and refused with what would have been right.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::Uri;
use axum::http::request::Parts;

use super::problem::Problem;
use crate::model::ids::AccountId;

/// Longer than any cursor or search that makes sense.
const LONGEST_VALUE: usize = 1024;

/// The query parameters of one request, every one of them known to its path.
#[derive(Debug, Default)]
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    /// Reads the query of `uri`, which may name each of `known` once and nothing else, and none of them without a value.
    pub(super) fn parse(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let params = Self::of_form(uri, known)?;
        match params.0.iter().find(|(_, value)| value.is_empty()) {
            Some((name, _)) => Err(Problem::bad(format!("`{name}` has no value; leave it out"))),
            None => Ok(params),
        }
    }

    /// The same of a form, which sends along what was left empty; that is as good as not there.
    pub(super) fn of_form(uri: &Uri, known: &[&str]) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|_| Problem::bad("the query is not made of name=value pairs"))?;
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            if !known.contains(&name.as_str()) {
                let takes = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(Problem::bad(format!(
                    "unknown query parameter `{}`; this path takes {takes}",
                    cut(&name)
                )));
            }
            if value.len() > LONGEST_VALUE {
                return Err(Problem::bad(format!("`{name}` is longer than {LONGEST_VALUE} bytes")));
            }
            if params.contains_key(&name) {
                return Err(Problem::bad(format!("`{name}` is given twice")));
            }
            params.insert(name, value);
        }
        Ok(Self(params))
    }

    /// These parameters, as if a query had named them.
    pub(super) fn of_pairs(pairs: &[(&'static str, String)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    /// The value of `name`; an empty one is none.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of `name` as a `T`.
    pub(super) fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Problem> {
        let parse = |text: &str| text.parse().map_err(|error| Problem::bad(format!("`{name}`: {error}")));
        self.text(name).map(parse).transpose()
    }

    /// The one of `all` that the value of `name` is the label of.
    pub(super) fn one_of<T: Copy>(
        &self,
        name: &str,
        all: &[T],
        label: impl Fn(T) -> &'static str,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name) else { return Ok(None) };
        all.iter().copied().find(|&one| label(one) == text).map(Some).ok_or_else(|| {
            let labels: Vec<_> = all.iter().map(|&one| label(one)).collect();
            Problem::bad(format!("`{name}`: `{}` is none of {}", cut(text), labels.join(", ")))
        })
    }
}

/// What a person wrote, short enough to be said back.
fn cut(text: &str) -> String {
    text.chars().take(60).collect()
}

/// Stands in the arguments of a handler that takes no query parameters.
pub(super) struct NoParams;

impl<S: Send + Sync> FromRequestParts<S> for NoParams {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Params::parse(&parts.uri, &[]).map(|_| Self)
    }
}

/// The `{id}` of a path, whatever it may name.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let unread = |_: PathRejection| Problem::bad("the path is not UTF-8 text");
        Path::<String>::from_request_parts(parts, state).await.map(|Path(id)| Self(id)).map_err(unread)
    }
}

/// The `{id}` of a path that names an account.
pub(super) struct InAccount(pub(super) AccountId);

impl<S: Send + Sync> FromRequestParts<S> for InAccount {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Segment(id) = Segment::from_request_parts(parts, state).await?;
        let named = cut(&id);
        id.parse().map(Self).map_err(|_| Problem::bad(format!("`{named}` is not an account id of 12 digits")))
    }
}
