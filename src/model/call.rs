//! Every writing call that the product can make, as data. What is not here cannot be written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::alarm::MetricAlarm;
use super::json::Json;
use super::metric_filter::MetricFilter;

/// What SNS and SQS call the key that a topic or queue is encrypted with.
pub const KMS_KEY: &str = "KmsMasterKeyId";

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// What EventBridge does with an event that it could not deliver, and what it sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct RuleTarget {
    /// The ARN of the bus or topic.
    pub arn: String,
    /// The role that EventBridge assumes to deliver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// How often delivery is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_attempts: Option<i32>,
    /// How long delivery is tried, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_seconds: Option<i32>,
    /// The ARN of the queue for what could not be delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letter: Option<String>,
    /// The input transformer's paths and template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transformer: Option<Transformer>,
    /// `Input`, `InputPath` or another parameter that orgwatch never sets, as it was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_input: Option<String>,
}

/// An input transformer: named JSON paths and the template that uses them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Transformer {
    /// JSON paths by the name that the template uses.
    pub paths: BTreeMap<String, String>,
    /// The template.
    pub template: String,
}

/// One writing call with all that it sends.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "operation")]
#[expect(missing_docs, reason = "variants and fields are AWS's own operations and members")]
pub enum Call {
    CreateEventBus {
        name: String,
        description: String,
        tags: Tags,
    },
    UpdateEventBus {
        name: String,
        description: String,
        /// None: AWS's own.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    PutPermission {
        bus: String,
        policy: Json,
    },
    DeleteEventBus {
        name: String,
    },
    CreateArchive {
        name: String,
        source: String,
        retention_days: i32,
        description: String,
    },
    UpdateArchive {
        name: String,
        retention_days: i32,
        description: String,
        /// None: AWS's own.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
    DeleteArchive {
        name: String,
    },
    PutRule {
        bus: String,
        name: String,
        pattern: Json,
        state: String,
        description: String,
        /// Shared by all that we make.
        tags: Arc<Tags>,
    },
    PutTargets {
        bus: String,
        rule: String,
        /// Boxed: a map has room for eleven of what it holds, and this is kept of thousands of accounts at once.
        targets: BTreeMap<String, Box<RuleTarget>>,
    },
    RemoveTargets {
        bus: String,
        rule: String,
        ids: Vec<String>,
    },
    DeleteRule {
        bus: String,
        name: String,
    },
    TagEvents {
        arn: String,
        tags: Tags,
    },

    CreateTopic {
        name: String,
        tags: Tags,
    },
    SetTopicAttribute {
        arn: String,
        attribute: String,
        value: Value,
    },
    TagTopic {
        arn: String,
        tags: Tags,
    },
    DeleteTopic {
        arn: String,
    },
    /// The endpoint as it may be shown; the real one is looked up when the call is sent.
    Subscribe {
        topic_arn: String,
        protocol: String,
        endpoint: String,
        /// By SNS's names; values that are documents as JSON.
        attributes: BTreeMap<String, Value>,
    },
    /// The subscription's ARN is looked up when the call is sent; a value of null takes the attribute away.
    SetSubscriptionAttribute {
        topic_arn: String,
        protocol: String,
        endpoint: String,
        attribute: String,
        value: Value,
    },
    Unsubscribe {
        subscription_arn: String,
        endpoint: String,
    },

    CreateQueue {
        name: String,
        attributes: BTreeMap<String, Value>,
        tags: Tags,
    },
    SetQueueAttributes {
        name: String,
        attributes: BTreeMap<String, Value>,
    },
    TagQueue {
        name: String,
        tags: Tags,
    },
    DeleteQueue {
        name: String,
    },

    CreateRole {
        name: String,
        path: String,
        trust: Json,
        description: String,
        boundary: Option<String>,
        /// Shared by all that we make.
        tags: Arc<Tags>,
    },
    UpdateAssumeRolePolicy {
        role: String,
        trust: Json,
    },
    UpdateRoleDescription {
        role: String,
        description: String,
    },
    PutRolePermissionsBoundary {
        role: String,
        boundary: String,
    },
    PutRolePolicy {
        role: String,
        policy_name: String,
        policy: Json,
    },
    DeleteRolePolicy {
        role: String,
        policy_name: String,
    },
    DetachRolePolicy {
        role: String,
        policy_arn: String,
    },
    TagRole {
        role: String,
        tags: Tags,
    },
    DeleteRole {
        name: String,
    },

    PutMetricFilter {
        group: String,
        name: String,
        filter: Box<MetricFilter>,
    },
    DeleteMetricFilter {
        group: String,
        name: String,
    },
    PutMetricAlarm {
        name: String,
        alarm: Box<MetricAlarm>,
        tags: Tags,
    },
    TagAlarm {
        arn: String,
        tags: Tags,
    },
    DeleteAlarms {
        name: String,
    },
}

impl Call {
    /// The AWS operation's name, for logs, metrics and errors.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::CreateEventBus { .. } => "CreateEventBus",
            Self::UpdateEventBus { .. } => "UpdateEventBus",
            Self::PutPermission { .. } => "PutPermission",
            Self::DeleteEventBus { .. } => "DeleteEventBus",
            Self::CreateArchive { .. } => "CreateArchive",
            Self::UpdateArchive { .. } => "UpdateArchive",
            Self::DeleteArchive { .. } => "DeleteArchive",
            Self::PutRule { .. } => "PutRule",
            Self::PutTargets { .. } => "PutTargets",
            Self::RemoveTargets { .. } => "RemoveTargets",
            Self::DeleteRule { .. } => "DeleteRule",
            Self::TagEvents { .. } | Self::TagTopic { .. } | Self::TagAlarm { .. } => "TagResource",
            Self::CreateTopic { .. } => "CreateTopic",
            Self::SetTopicAttribute { .. } => "SetTopicAttributes",
            Self::DeleteTopic { .. } => "DeleteTopic",
            Self::Subscribe { .. } => "Subscribe",
            Self::SetSubscriptionAttribute { .. } => "SetSubscriptionAttributes",
            Self::Unsubscribe { .. } => "Unsubscribe",
            Self::CreateQueue { .. } => "CreateQueue",
            Self::SetQueueAttributes { .. } => "SetQueueAttributes",
            Self::TagQueue { .. } => "TagQueue",
            Self::DeleteQueue { .. } => "DeleteQueue",
            Self::CreateRole { .. } => "CreateRole",
            Self::UpdateAssumeRolePolicy { .. } => "UpdateAssumeRolePolicy",
            Self::UpdateRoleDescription { .. } => "UpdateRoleDescription",
            Self::PutRolePermissionsBoundary { .. } => "PutRolePermissionsBoundary",
            Self::PutRolePolicy { .. } => "PutRolePolicy",
            Self::DeleteRolePolicy { .. } => "DeleteRolePolicy",
            Self::DetachRolePolicy { .. } => "DetachRolePolicy",
            Self::TagRole { .. } => "TagRole",
            Self::DeleteRole { .. } => "DeleteRole",
            Self::PutMetricFilter { .. } => "PutMetricFilter",
            Self::DeleteMetricFilter { .. } => "DeleteMetricFilter",
            Self::PutMetricAlarm { .. } => "PutMetricAlarm",
            Self::DeleteAlarms { .. } => "DeleteAlarms",
        }
    }

    /// The customer's key that something is encrypted with from then on, if it is.
    pub fn encrypts_with(&self) -> Option<&str> {
        let key = match self {
            Self::UpdateEventBus { key, .. } | Self::UpdateArchive { key, .. } => key.as_deref(),
            Self::SetTopicAttribute { attribute, value, .. } if attribute == KMS_KEY => value.as_str(),
            Self::SetQueueAttributes { attributes, .. } => attributes.get(KMS_KEY).and_then(Value::as_str),
            _ => None,
        };
        key.filter(|key| !key.is_empty())
    }

    /// The service as AWS's command line calls it.
    pub fn service(&self) -> &'static str {
        match self {
            Self::CreateEventBus { .. }
            | Self::UpdateEventBus { .. }
            | Self::PutPermission { .. }
            | Self::DeleteEventBus { .. }
            | Self::CreateArchive { .. }
            | Self::UpdateArchive { .. }
            | Self::DeleteArchive { .. }
            | Self::PutRule { .. }
            | Self::PutTargets { .. }
            | Self::RemoveTargets { .. }
            | Self::DeleteRule { .. }
            | Self::TagEvents { .. } => "events",
            Self::CreateTopic { .. }
            | Self::SetTopicAttribute { .. }
            | Self::TagTopic { .. }
            | Self::DeleteTopic { .. }
            | Self::Subscribe { .. }
            | Self::SetSubscriptionAttribute { .. }
            | Self::Unsubscribe { .. } => "sns",
            Self::CreateQueue { .. }
            | Self::SetQueueAttributes { .. }
            | Self::TagQueue { .. }
            | Self::DeleteQueue { .. } => "sqs",
            Self::CreateRole { .. }
            | Self::UpdateAssumeRolePolicy { .. }
            | Self::UpdateRoleDescription { .. }
            | Self::PutRolePermissionsBoundary { .. }
            | Self::PutRolePolicy { .. }
            | Self::DeleteRolePolicy { .. }
            | Self::DetachRolePolicy { .. }
            | Self::TagRole { .. }
            | Self::DeleteRole { .. } => "iam",
            Self::PutMetricFilter { .. } | Self::DeleteMetricFilter { .. } => "logs",
            Self::PutMetricAlarm { .. } | Self::TagAlarm { .. } | Self::DeleteAlarms { .. } => "cloudwatch",
        }
    }
}
