//! Pages of lists, and the opaque tokens between them.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::standing::invalid;
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: no page of Organizations holds more.
const LARGEST: i64 = 20;

/// Which page is asked for.
#[derive(Debug)]
pub(super) struct Asked {
    scope: String,
    after: String,
    size: usize,
    nonce: u32,
    empty: bool,
}

impl Asked {
    /// Reads `MaxResults` and `NextToken`. A token is good only for the list (`of`) that gave it.
    pub(super) fn read(world: &mut World, call: &Call, of: &str) -> Result<Self, Refusal> {
        use rand::RngExt;
        let size =
            match call.input.get("MaxResults") {
                None | Some(Value::Null) => LARGEST,
                Some(_) => call.number("MaxResults").filter(|size| (1..=LARGEST).contains(size)).ok_or_else(
                    || invalid("You specified a value for MaxResults that is not between 1 and 20."),
                )?,
            };
        let scope = format!("{}/{of}", call.operation);
        let after = match call.text("NextToken") {
            None => String::new(),
            Some(token) => place(token, &scope).ok_or_else(|| {
                invalid(
                    "You specified an invalid value for nextToken. You must provide the value that you received \
                     in a previous response.",
                )
            })?,
        };
        Ok(Self {
            scope,
            after,
            size: usize::try_from(size).unwrap_or(1),
            nonce: world.rng.random(),
            empty: false,
        })
    }

    /// Lets the page be empty though more follows, now and then.
    pub(super) fn perhaps_empty(mut self, world: &mut World) -> Self {
        use rand::RngExt;
        self.empty = world.organization.empty_pages && world.rng.random_range(0..3) == 0;
        self
    }

    /// The keys of the page and of what follows it, for the `range` of a map or set.
    pub(super) fn range(&self) -> (Bound<&str>, Bound<&str>) {
        (Bound::Excluded(self.after.as_str()), Bound::Unbounded)
    }

    /// Whether a list of one was answered already: its only key is behind.
    pub(super) fn is_past(&self, only: &str) -> bool {
        self.after.as_str() >= only
    }

    /// The page: no more of `items` is looked at than it holds, and one.
    pub(super) fn answer<'a, T>(
        &'a self,
        name: &str,
        items: impl IntoIterator<Item = (&'a str, T)>,
        mut show: impl FnMut(T) -> Value,
    ) -> Value {
        let mut output = Map::new();
        let mut shown = Vec::new();
        let mut last = self.after.as_str();
        let mut more = self.empty;
        let items = if self.empty { None } else { Some(items) };
        for (key, item) in items.into_iter().flatten() {
            if shown.len() == self.size {
                more = true;
                break;
            }
            shown.push(show(item));
            last = key;
        }
        if more {
            output.insert("NextToken".to_owned(), Value::String(self.token(last)));
        }
        output.insert(name.to_owned(), Value::Array(shown));
        Value::Object(output)
    }

    /// No two tokens are the same, so that a client that stops on a repeated one goes on over empty pages.
    fn token(&self, last: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{last}\n{:08x}", self.scope, self.nonce))
    }
}

fn place(token: &str, scope: &str) -> Option<String> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = text.split('\n');
    let (given, last, nonce) = (parts.next()?, parts.next()?, parts.next()?);
    (given == scope && nonce.len() == 8 && parts.next().is_none()).then(|| last.to_owned())
}
