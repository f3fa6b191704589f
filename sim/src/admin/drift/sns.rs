//! Drifts of topics and subscriptions.

use serde_json::{Value, json};

use super::{Fault, Scene, text};
use crate::call::Service;

const PAGES: (&str, &str) = ("NextToken", "NextToken");

impl Scene<'_> {
    fn topic(&mut self) -> Result<String, Fault> {
        let topics = self.pages(Service::Sns, "ListTopics", json!({}), "Topics", PAGES)?;
        let name = |topic| text(topic, "TopicArn").rsplit(':').next();
        let name = self.first("topic", topics.iter().filter_map(name))?;
        let ends = format!(":{name}");
        let arn = topics.iter().map(|topic| text(topic, "TopicArn")).find(|arn| arn.ends_with(&ends));
        Ok(arn.unwrap_or_default().to_owned())
    }

    pub(super) fn close_topic(&mut self) -> Result<String, Fault> {
        let arn = self.topic()?;
        let root = format!("arn:{}:iam::{}:root", self.partition, self.request.account);
        let statement = json!({
            "Sid": "payroll",
            "Effect": "Allow",
            "Principal": { "AWS": root },
            "Action": "sns:Publish",
            "Resource": arn,
        });
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let input = json!({ "TopicArn": arn, "AttributeName": "Policy", "AttributeValue": policy });
        self.ask(Service::Sns, "SetTopicAttributes", input)?;
        Ok(arn)
    }

    pub(super) fn remove_subscription(&mut self) -> Result<String, Fault> {
        let topic = self.topic()?;
        let input = json!({ "TopicArn": topic });
        let listed = self.pages(Service::Sns, "ListSubscriptionsByTopic", input, "Subscriptions", PAGES)?;
        let wanted = |subscription: &&Value| {
            let endpoint = text(subscription, "Endpoint");
            // A pending one has no ARN, and AWS takes none away by it.
            text(subscription, "SubscriptionArn").starts_with("arn:")
                && self.request.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint)
        };
        let found = listed.iter().find(wanted).map(|found| text(found, "SubscriptionArn").to_owned());
        let arn =
            found.ok_or_else(|| Fault::absent(format!("{topic} has no such confirmed subscription")))?;
        self.ask(Service::Sns, "Unsubscribe", json!({ "SubscriptionArn": arn }))?;
        Ok(arn)
    }
}
