//! Reading calls of SNS. Endpoints are brought into their showable form the moment they arrive.

use std::collections::BTreeMap;

use super::{Cloud, Session, send};
use crate::model::call::Tags;
use crate::model::endpoint::Endpoint;
use crate::model::error::CloudError;

/// A subscription as ListSubscriptionsByTopic tells of it.
#[derive(Clone, Debug)]
pub struct SubscriptionRow {
    /// The ARN, or `PendingConfirmation`.
    pub(crate) arn: String,
    pub(crate) protocol: String,
    /// As it may be shown.
    pub(crate) endpoint: String,
}

impl SubscriptionRow {
    /// Whether alerts arrive there.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.arn.starts_with("arn:")
    }

    /// Whether somebody still has to confirm it.
    pub(crate) fn is_pending(&self) -> bool {
        self.arn == "PendingConfirmation"
    }
}

impl Cloud {
    /// The names of the topics that begin with `prefix`; SNS can only list them all.
    pub async fn list_topics(&self, session: &Session, prefix: &str) -> Result<Vec<String>, CloudError> {
        let mut names = Vec::new();
        let mut token = None;
        loop {
            let request = self.sns.list_topics().set_next_token(token);
            let page = send!(self, session, aws_sdk_sns, "sns", "ListTopics", request)?;
            let arns = page.topics.unwrap_or_default().into_iter().filter_map(|topic| topic.topic_arn);
            let of_arn = |arn: String| {
                arn.rsplit(':').next().filter(|name| name.starts_with(prefix)).map(ToOwned::to_owned)
            };
            names.extend(arns.filter_map(of_arn));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(names);
            }
        }
    }

    /// A topic's attributes by AWS's names.
    pub async fn topic_attributes(
        &self,
        session: &Session,
        arn: &str,
    ) -> Result<BTreeMap<String, String>, CloudError> {
        let request = self.sns.get_topic_attributes().topic_arn(arn);
        let answer = send!(self, session, aws_sdk_sns, "sns", "GetTopicAttributes", request)?;
        Ok(answer.attributes.unwrap_or_default().into_iter().collect())
    }

    /// A topic's tags.
    pub async fn topic_tags(&self, session: &Session, arn: &str) -> Result<Tags, CloudError> {
        let request = self.sns.list_tags_for_resource().resource_arn(arn);
        let answer = send!(self, session, aws_sdk_sns, "sns", "ListTagsForResource", request)?;
        Ok(answer.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect())
    }

    /// A confirmed subscription's attributes by SNS's names.
    pub async fn subscription_attributes(
        &self,
        session: &Session,
        arn: &str,
    ) -> Result<BTreeMap<String, String>, CloudError> {
        let request = self.sns.get_subscription_attributes().subscription_arn(arn);
        let answer = send!(self, session, aws_sdk_sns, "sns", "GetSubscriptionAttributes", request)?;
        Ok(answer.attributes.unwrap_or_default().into_iter().collect())
    }

    /// A topic's subscriptions, those that nobody confirmed yet too.
    pub async fn list_subscriptions(
        &self,
        session: &Session,
        arn: &str,
    ) -> Result<Vec<SubscriptionRow>, CloudError> {
        let mut rows = Vec::new();
        let mut token = None;
        loop {
            let request = self.sns.list_subscriptions_by_topic().topic_arn(arn).set_next_token(token);
            let page = send!(self, session, aws_sdk_sns, "sns", "ListSubscriptionsByTopic", request)?;
            rows.extend(page.subscriptions.unwrap_or_default().into_iter().map(|subscription| {
                let protocol = subscription.protocol.unwrap_or_default();
                let endpoint = Endpoint::shown_of(&protocol, &subscription.endpoint.unwrap_or_default());
                SubscriptionRow { arn: subscription.subscription_arn.unwrap_or_default(), protocol, endpoint }
            }));
            token = page.next_token.filter(|t| !t.is_empty());
            if token.is_none() {
                return Ok(rows);
            }
        }
    }
}
