//! Events that orgwatch sends itself: canaries, news of itself, heartbeats. What AWS services send cannot be sent by anybody
//! else.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

use super::{Cloud, Session, send};
use crate::model::error::{CloudError, ErrorClass};

/// The most events that AWS takes in a call.
const MOST: usize = 10;

/// An event of orgwatch's own.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its source: `orgwatch` or what begins with `orgwatch.`.
    pub source: &'static str,
    /// Its detail type.
    pub detail_type: String,
    /// Its detail.
    pub detail: Value,
}

impl Cloud {
    /// Puts events on a bus of the session's account; none: its default bus. Where one fails, the others may have arrived.
    pub async fn put_events(
        &self,
        session: &Session,
        bus: Option<&str>,
        events: &[Event],
    ) -> Result<(), CloudError> {
        for some in events.chunks(MOST) {
            let entry = |event: &Event| {
                PutEventsRequestEntry::builder()
                    .set_event_bus_name(bus.map(str::to_owned))
                    .source(event.source)
                    .detail_type(&event.detail_type)
                    .detail(event.detail.to_string())
                    .build()
            };
            let request = self.events.put_events().set_entries(Some(some.iter().map(entry).collect()));
            let answer = send!(self, session, aws_sdk_eventbridge, "events", "PutEvents", request)?;
            // AWS: an entry fails inside an answer of 200.
            let failed = answer.entries.unwrap_or_default().into_iter();
            let failed = failed.filter_map(|entry| Some((entry.error_code?, entry.error_message))).next();
            if failed.is_some() || answer.failed_entry_count > 0 {
                let (code, message) = failed.unwrap_or_default();
                return Err(CloudError {
                    class: ErrorClass::Unreachable,
                    service: "events",
                    operation: "PutEvents",
                    account: Some(session.account.clone()),
                    region: Some(session.region.clone()),
                    code,
                    message: message.unwrap_or_default(),
                    request_id: None,
                    hint: "sent again by itself".to_owned(),
                });
            }
        }
        Ok(())
    }
}
