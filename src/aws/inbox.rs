//! Calls of the session that reads the inbox. They change nothing but the queue that they read.

use aws_sdk_sqs::types::DeleteMessageBatchRequestEntry;

use super::{Cloud, Session, send};
use crate::model::error::CloudError;

/// The most messages that SQS hands out at once.
const BATCH: i32 = 10;

/// A message as it was received.
#[derive(Clone, Debug)]
pub struct Received {
    /// By what it is deleted.
    pub handle: String,
    /// What it says.
    pub body: String,
}

impl Cloud {
    /// Waits up to `seconds` (20 at most) for messages. Those received come again unless they are deleted in time.
    pub async fn receive(
        &self,
        session: &Session,
        url: &str,
        seconds: i32,
    ) -> Result<Vec<Received>, CloudError> {
        let request = self
            .sqs
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(BATCH)
            .wait_time_seconds(seconds);
        let answer = send!(self, session, aws_sdk_sqs, "sqs", "ReceiveMessage", request)?;
        let received = answer.messages.unwrap_or_default().into_iter();
        Ok(received
            .map(|message| Received {
                handle: message.receipt_handle.unwrap_or_default(),
                body: message.body.unwrap_or_default(),
            })
            .collect())
    }

    /// Deletes messages, ten at most; answers how many were refused, which come again.
    pub async fn delete_messages(
        &self,
        session: &Session,
        url: &str,
        handles: Vec<String>,
    ) -> Result<usize, CloudError> {
        let entry = |(n, handle): (usize, String)| {
            DeleteMessageBatchRequestEntry::builder().id(n.to_string()).receipt_handle(handle).build().ok()
        };
        let entries = handles.into_iter().enumerate().filter_map(entry).collect();
        let request = self.sqs.delete_message_batch().queue_url(url).set_entries(Some(entries));
        let answer = send!(self, session, aws_sdk_sqs, "sqs", "DeleteMessageBatch", request)?;
        Ok(answer.failed.len())
    }
}
