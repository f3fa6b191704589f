//! Calls of the sessions that read dead letters and deliver them.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, MessageSystemAttributeName};
use jiff::Timestamp;

use super::{Cloud, Session, send};
use crate::letters::Message;
use crate::model::error::CloudError;

/// The most messages that SQS hands out, or takes back, at once.
const BATCH: i32 = 10;
/// With a long poll SQS asks all of its servers, so that an empty answer means an empty queue.
const POLL_SECONDS: i32 = 1;

impl Cloud {
    /// Up to ten messages of a queue, which stay in it and are hidden from others for `seconds`. None: it is empty.
    pub async fn receive_letters(
        &self,
        session: &Session,
        url: &str,
        seconds: i32,
    ) -> Result<Vec<Message>, CloudError> {
        let request = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(BATCH)
            .wait_time_seconds(POLL_SECONDS)
            .visibility_timeout(seconds)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp);
        let answer = send!(self, session, aws_sdk_sqs, "sqs", "ReceiveMessage", request)?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(read).collect())
    }

    /// Shows messages to others again at once.
    pub async fn release_letters(
        &self,
        session: &Session,
        url: &str,
        handles: &[String],
    ) -> Result<(), CloudError> {
        for some in handles.chunks(usize::try_from(BATCH).unwrap_or(1)) {
            let entry = |(n, handle): (usize, &String)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(n.to_string())
                    .receipt_handle(handle)
                    .visibility_timeout(0)
                    .build()
                    .ok()
            };
            let entries = some.iter().enumerate().filter_map(entry).collect();
            let request =
                self.sqs.change_message_visibility_batch().queue_url(url).set_entries(Some(entries));
            // One that is refused comes back by itself when its time is over.
            send!(self, session, aws_sdk_sqs, "sqs", "ChangeMessageVisibilityBatch", request)?;
        }
        Ok(())
    }

    /// Removes a message for good.
    pub async fn remove_letter(&self, session: &Session, url: &str, handle: &str) -> Result<(), CloudError> {
        let request = self.sqs.delete_message().queue_url(url).receipt_handle(handle);
        send!(self, session, aws_sdk_sqs, "sqs", "DeleteMessage", request).map(drop)
    }

    /// Publishes a message to a topic; answers SNS's id of it.
    pub async fn publish(
        &self,
        session: &Session,
        topic_arn: &str,
        subject: &str,
        message: &str,
    ) -> Result<String, CloudError> {
        let request = self.sns.publish().topic_arn(topic_arn).subject(subject).message(message);
        let answer = send!(self, session, aws_sdk_sns, "sns", "Publish", request)?;
        Ok(answer.message_id.unwrap_or_default())
    }
}

fn read(message: aws_sdk_sqs::types::Message) -> Message {
    let sent = message.attributes.unwrap_or_default().remove(&MessageSystemAttributeName::SentTimestamp);
    let attributes: BTreeMap<String, String> = message
        .message_attributes
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.string_value?)))
        .collect();
    Message {
        id: message.message_id.unwrap_or_default(),
        handle: message.receipt_handle.unwrap_or_default(),
        body: message.body.unwrap_or_default(),
        attributes,
        sent_at: sent
            .and_then(|millis| millis.parse().ok())
            .and_then(|millis| Timestamp::from_millisecond(millis).ok()),
    }
}
