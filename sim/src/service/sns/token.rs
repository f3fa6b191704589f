//! Page tokens: the last entry of the page before, unreadable to callers.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::arn::invalid;
use crate::call::{Call, Refusal};

pub(super) fn write(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

/// The last entry of the page before; `None`: this is the first page.
pub(super) fn read(call: &Call) -> Result<Option<String>, Refusal> {
    call.text("NextToken")
        .filter(|token| !token.is_empty())
        .map(|token| {
            let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid("NextToken"))?;
            String::from_utf8(bytes).map_err(|_| invalid("NextToken"))
        })
        .transpose()
}
