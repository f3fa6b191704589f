//! What an alert cannot have at once.

use super::alert::{Alert, Delivery, Format};

/// Keys that cannot stand beside each other, as they are reported.
pub(super) struct Contradiction {
    pub(super) code: &'static str,
    pub(super) key: String,
    pub(super) found: String,
    pub(super) expected: &'static str,
    pub(super) hint: &'static str,
}

impl Contradiction {
    /// All of an alert's, so that nobody finds one after the other.
    pub(super) fn all_of(alert: &Alert) -> Vec<Self> {
        let mut found = Vec::new();
        let mut add = |code, key: &str, what: &str, expected, hint| {
            found.push(Self { code, key: key.to_owned(), found: what.to_owned(), expected, hint });
        };
        if !alert.accounts.is_empty() && alert.accounts.is_subset(&alert.exclude_accounts) {
            add(
                "E-no-account",
                "exclude_accounts",
                "every account that `accounts` names",
                "at least one account left",
                "take an account out of `exclude_accounts`, or remove the alert",
            );
        }
        for (i, subscription) in alert.subscriptions.iter().enumerate() {
            if subscription.filter.is_some() && !matches!(alert.format, Format::Json | Format::Raw) {
                add(
                    "E-filter-needs-json",
                    &format!("subscriptions[{i}].filter"),
                    &format!("a filter on messages in the format \"{}\"", alert.format),
                    "format = \"json\" or \"raw\"",
                    "SNS looks into a message only if it is a JSON object whose fields the filter can name",
                );
            }
        }
        let by_role = alert.delivery == Delivery::Role;
        if alert.topic.is_some() && by_role {
            add(
                "E-not-our-topic",
                "delivery",
                "the delivery role beside `topic`",
                "delivery = \"topic-policy\"",
                "the delivery role may publish to topics of this installation only; a topic of yours has to admit events.amazonaws.com",
            );
        }
        if alert.topic.is_some() && alert.kms_key_arn.is_some() {
            add(
                "E-not-our-topic",
                "kms_key_arn",
                "a key for a topic that is not ours",
                "no `kms_key_arn` beside `topic`",
                "encrypt the topic where it is kept, or leave `topic` out for one of ours",
            );
        }
        if alert.topic.is_none() && alert.kms_key_arn.is_some() && by_role {
            add(
                "E-key-with-role",
                "delivery",
                "the delivery role for a topic that a key encrypts",
                "delivery = \"topic-policy\"",
                "the delivery role has no right to use a key, so nothing would be delivered",
            );
        }
        if alert.topic.is_some() && !alert.subscriptions.is_empty() {
            add(
                "E-not-our-topic",
                "subscriptions",
                "subscriptions to a topic that is not ours",
                "no subscriptions beside `topic`",
                "subscribe where the topic is kept, or leave `topic` out for one of ours",
            );
        }
        found
    }
}
