//! Failed calls, equal ones over accounts together: twelve closed doors have one key.

use serde::Serialize;

use super::group::grouped;
use super::style::{Page, Tone};
use crate::model::error::CloudError;
use crate::model::resource::ResourceId;
use crate::model::target::TargetKey;

/// A failure that concerns a whole target, or one resource in it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Trouble<'a> {
    pub(super) target: &'a TargetKey,
    pub(super) resource: Option<&'a ResourceId>,
    pub(super) error: Option<&'a CloudError>,
}

impl Trouble<'_> {
    /// What makes it the same as another. Each request has an id of its own, which would keep equal ones apart.
    fn identity(&self) -> String {
        match self.error {
            Some(CloudError { service, operation, code, message, hint, .. }) => {
                format!("{:?} {service} {operation} {code} {message} {hint}", self.resource)
            }
            None => format!("{:?}", self.resource),
        }
    }
}

/// Writes each failure with AWS's words and what to do next.
pub(super) fn put_troubles(page: &mut Page, troubles: &[Trouble<'_>], expand: bool) {
    for group in grouped(troubles.iter().map(|t| (t.target, t)), Trouble::identity) {
        group.put_body(page, |page| {
            match group.item.resource {
                Some(id) => page.line(2, Tone::Plain, id),
                None => page.line(2, Tone::Plain, "the whole target"),
            };
        });
        group.put_place(page, 6, expand);
        let Some(error) = group.item.error else { continue };
        group.put_body(page, |page| {
            let mut text = format!("{}:{}: {}", error.service, error.operation, error.code);
            if !error.message.is_empty() {
                text.push_str(&format!(": {}", error.message));
            }
            if let (Some(id), [_]) = (&error.request_id, group.targets.as_slice()) {
                text.push_str(&format!(" [request {id}]"));
            }
            page.prose(6, Tone::Bad, text);
            if !error.hint.is_empty() {
                page.prose(6, Tone::Plain, format!("next: {}", error.hint));
            }
        });
    }
}
