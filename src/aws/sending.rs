//! Events that orgwatch sends itself: canaries. What AWS services send cannot be sent by anybody else.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use serde_json::Value;

use super::{Cloud, Session, send};
use crate::canary;
use crate::model::error::{CloudError, ErrorClass};

impl Cloud {
    /// Puts a canary on the default bus of the session's account.
    pub async fn send_canary(&self, session: &Session, detail: &Value) -> Result<(), CloudError> {
        let entry = PutEventsRequestEntry::builder()
            .source(canary::SOURCE)
            .detail_type(canary::DETAIL_TYPE)
            .detail(detail.to_string())
            .build();
        let request = self.events.put_events().entries(entry);
        let answer = send!(self, session, aws_sdk_eventbridge, "events", "PutEvents", request)?;
        // AWS: an entry fails inside an answer of 200.
        match answer
            .entries
            .unwrap_or_default()
            .into_iter()
            .find_map(|entry| Some((entry.error_code?, entry.error_message)))
        {
            None if answer.failed_entry_count == 0 => Ok(()),
            failed => {
                let (code, message) = failed.unwrap_or_default();
                Err(CloudError {
                    class: ErrorClass::Unreachable,
                    service: "events",
                    operation: "PutEvents",
                    account: Some(session.account.clone()),
                    region: Some(session.region.clone()),
                    code,
                    message: message.unwrap_or_default(),
                    request_id: None,
                    hint: "sent again by itself".to_owned(),
                })
            }
        }
    }
}
