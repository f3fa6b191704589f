//! Reading calls of SQS.

use std::collections::BTreeMap;

use aws_sdk_sqs::types::QueueAttributeName;

use super::{Cloud, Session, send};
use crate::model::call::Tags;
use crate::model::error::CloudError;

impl Cloud {
    /// The names of the queues that begin with `prefix`.
    pub async fn list_queues(&self, session: &Session, prefix: &str) -> Result<Vec<String>, CloudError> {
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let request =
                self.sqs.list_queues().queue_name_prefix(prefix).max_results(1000).set_next_token(token);
            let page = send!(self, session, aws_sdk_sqs, "sqs", "ListQueues", request)?;
            let urls = page.queue_urls.unwrap_or_default();
            names.extend(urls.iter().filter_map(|url| url.rsplit('/').next()).map(ToOwned::to_owned));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    /// The URL by which SQS wants a queue to be named.
    pub async fn queue_url(&self, session: &Session, name: &str) -> Result<String, CloudError> {
        let request = self.sqs.get_queue_url().queue_name(name);
        let answer = send!(self, session, aws_sdk_sqs, "sqs", "GetQueueUrl", request)?;
        Ok(answer.queue_url.unwrap_or_default())
    }

    /// A queue's attributes by AWS's names.
    pub async fn queue(&self, session: &Session, name: &str) -> Result<BTreeMap<String, String>, CloudError> {
        let url = self.queue_url(session, name).await?;
        let request = self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
        let answer = send!(self, session, aws_sdk_sqs, "sqs", "GetQueueAttributes", request)?;
        let attributes = answer.attributes.unwrap_or_default();
        Ok(attributes.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect())
    }

    /// A queue's tags.
    pub async fn queue_tags(&self, session: &Session, name: &str) -> Result<Tags, CloudError> {
        let url = self.queue_url(session, name).await?;
        let request = self.sqs.list_queue_tags().queue_url(url);
        let answer = send!(self, session, aws_sdk_sqs, "sqs", "ListQueueTags", request)?;
        Ok(answer.tags.unwrap_or_default().into_iter().collect())
    }
}
