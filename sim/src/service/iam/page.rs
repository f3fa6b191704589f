//! Lists in pages: `Marker`, `MaxItems`, `IsTruncated`.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::Constraints;
use crate::call::{Call, Refusal, Service};

/// Which page of a list is asked for.
#[derive(Debug)]
pub(super) struct Page {
    after: Option<String>,
    size: usize,
}

impl Page {
    /// Reads the parameters of a list operation.
    pub(super) fn of(call: &Call) -> Result<Self, Refusal> {
        let size = call.number("MaxItems").unwrap_or(100);
        let mut constraints = Constraints::default();
        constraints.range(size, "MaxItems", 1, 1000);
        constraints.verdict()?;
        let after = match call.text("Marker") {
            None => None,
            Some(marker) => {
                let key = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|key| String::from_utf8(key).ok());
                Some(key.ok_or_else(|| Refusal::invalid(Service::Iam, "Invalid Marker."))?)
            }
        };
        Ok(Self { after, size: usize::try_from(size).unwrap_or(100) })
    }

    /// Where in an ordered map or set the page begins.
    pub(super) fn range(&self) -> (Bound<&str>, Bound<&str>) {
        (self.after.as_deref().map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
    }

    /// The page's part of `items`, which begin where [`Page::range`] says and come with their keys.
    pub(super) fn answer<'a>(
        &self,
        name: &str,
        items: impl Iterator<Item = (&'a str, Value)>,
    ) -> Map<String, Value> {
        let mut items = items.peekable();
        let (mut members, mut last) = (Vec::new(), "");
        while members.len() < self.size {
            let Some((key, member)) = items.next() else { break };
            last = key;
            members.push(member);
        }
        let truncated = items.peek().is_some();
        let mut answer = Map::new();
        answer.insert(name.to_owned(), Value::Array(members));
        answer.insert("IsTruncated".to_owned(), Value::Bool(truncated));
        if truncated {
            answer.insert("Marker".to_owned(), Value::String(URL_SAFE_NO_PAD.encode(last)));
        }
        answer
    }
}
