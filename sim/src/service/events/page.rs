//! Lists in pages.

use std::collections::BTreeMap;
use std::ops::Bound;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Call, Refusal};

use super::check;

/// The most that a page holds, and what it holds unless asked otherwise.
const LONGEST: i64 = 100;

/// How long a token may be used. AWS: a pagination token expires after 24 hours.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(24);

/// What a listing call asks for: how many entries, behind which key.
#[derive(Debug)]
pub(super) struct Page {
    limit: usize,
    /// The last key of the page before.
    after: Option<String>,
    operation: String,
    now: Timestamp,
}

impl Page {
    /// Reads `Limit` and `NextToken`.
    ///
    /// # Errors
    /// `ValidationException` for a limit out of range, `InvalidToken` for a token that is too old, or not of this operation.
    pub(super) fn asked(call: &Call, now: Timestamp) -> Result<Self, Refusal> {
        let limit = call.number("Limit").unwrap_or(LONGEST);
        check::range("Limit", limit, 1, LONGEST)?;
        let after = call.text("NextToken").map(|token| read(token, &call.operation, now)).transpose()?;
        Ok(Self { limit: usize::try_from(limit).unwrap_or(1), after, operation: call.operation.clone(), now })
    }

    /// One page of the entries whose keys begin with `prefix` and that `pick` makes something of.
    pub(super) fn of<T>(
        &self,
        entries: &BTreeMap<String, T>,
        prefix: &str,
        mut pick: impl FnMut(&str, &T) -> Option<Value>,
    ) -> (Vec<Value>, Option<String>) {
        let start = match &self.after {
            Some(key) if key.as_str() >= prefix => Bound::Excluded(key.as_str()),
            _ => Bound::Included(prefix),
        };
        let mut page = Vec::new();
        let mut last = None;
        for (key, entry) in entries.range::<str, _>((start, Bound::Unbounded)) {
            if !key.starts_with(prefix) {
                break;
            }
            let Some(value) = pick(key, entry) else { continue };
            if page.len() == self.limit {
                return (page, last.map(|key| self.token(key)));
            }
            page.push(value);
            last = Some(key);
        }
        (page, None)
    }

    fn token(&self, key: &str) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\n{}\n{key}", self.operation, self.now.as_second()))
    }
}

fn read(token: &str, operation: &str, now: Timestamp) -> Result<String, Refusal> {
    let invalid = || Refusal::bad("InvalidToken", "The pagination token is not valid or has expired.");
    let text = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or_else(invalid)?;
    let mut parts = text.splitn(3, '\n');
    let of_this_operation = parts.next() == Some(operation);
    let given_at: i64 = parts.next().and_then(|second| second.parse().ok()).ok_or_else(invalid)?;
    let key = parts.next().ok_or_else(invalid)?;
    if !of_this_operation || now.as_second().saturating_sub(given_at) > TOKEN_LIFE.as_secs() {
        return Err(invalid());
    }
    Ok(key.to_owned())
}

/// The answer of a listing call.
pub(super) fn answer(field: &str, (entries, next): (Vec<Value>, Option<String>)) -> Value {
    let mut answer = json!({ field: entries });
    if let Some(token) = next {
        answer["NextToken"] = Value::String(token);
    }
    answer
}
