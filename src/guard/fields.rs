//! In which field of a call's `requestParameters` CloudTrail tells what the call is about.
//!
//! CloudTrail writes the members of the API with a small first letter. AWS shows only some calls in full, so each line
//! says whether it was seen in AWS's own pages or follows from that rule; `check --aws --prove-guard` finds out. What an
//! unproven name would miss still wakes, by the arm for calls that name nothing that we know.

/// A field that names what a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The service as in `aws.<service>` and `<service>.amazonaws.com`.
    pub service: &'static str,
    /// The calls; empty: every call of the service that has the field.
    pub operations: &'static [&'static str],
    /// The field.
    pub field: &'static str,
    /// The page of AWS that shows it; none: it follows from the rule alone.
    pub proven: Option<&'static str>,
    /// The event in `tests/corpus/guard` that has it.
    pub sample: &'static str,
}

const EVENTS_PAGE: &str =
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/logging-using-cloudtrail.html";
const SNS_PAGE: &str = "https://docs.aws.amazon.com/sns/latest/dg/logging-using-cloudtrail.html";
const SQS_PAGE: &str = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/logging-using-cloudtrail.html";

/// A rule that is written.
pub const PUT_RULE: Field = Field {
    service: "events",
    operations: &["PutRule"],
    field: "name",
    proven: Some(EVENTS_PAGE),
    sample: "events-put-rule",
};
/// A rule that is silenced or taken away.
pub const RULE: Field = Field {
    service: "events",
    operations: &["DeleteRule", "DisableRule", "EnableRule"],
    field: "name",
    proven: None,
    sample: "events-disable-rule",
};
/// A rule whose targets change.
pub const TARGETS: Field = Field {
    service: "events",
    operations: &["PutTargets", "RemoveTargets"],
    field: "rule",
    proven: None,
    sample: "events-remove-targets",
};
/// A rule or a bus whose tags change.
pub const EVENTS_TAGS: Field = Field {
    service: "events",
    operations: &["TagResource", "UntagResource"],
    field: "resourceARN",
    proven: None,
    sample: "events-untag-resource",
};
/// A bus that is changed or taken away.
pub const BUS: Field = Field {
    service: "events",
    operations: &["DeleteEventBus", "UpdateEventBus"],
    field: "name",
    proven: None,
    sample: "events-delete-event-bus",
};
/// Everything that names the bus that it is done on.
pub const ON_BUS: Field = Field {
    service: "events",
    operations: &[],
    field: "eventBusName",
    proven: None,
    sample: "events-put-permission",
};
/// An archive of a bus: somebody listens.
pub const ARCHIVED: Field = Field {
    service: "events",
    operations: &["CreateArchive"],
    field: "eventSourceArn",
    proven: None,
    sample: "events-create-archive",
};
/// An archive that is there: what it keeps, and how long.
pub const ARCHIVE: Field = Field {
    service: "events",
    operations: &["DeleteArchive", "UpdateArchive"],
    field: "archiveName",
    proven: None,
    sample: "events-update-archive",
};
/// Everything that is done to a role.
pub const ROLE: Field = Field {
    service: "iam",
    operations: &[],
    field: "roleName",
    proven: Some("https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html"),
    sample: "iam-delete-role-policy",
};
/// Everything that is done to a policy or with it.
pub const POLICY: Field = Field {
    service: "iam",
    operations: &[],
    field: "policyArn",
    proven: None,
    sample: "iam-create-policy-version",
};
/// What starves the source. Any trail: which one feeds EventBridge is not ours to know.
pub const TRAIL: Field = Field {
    service: "cloudtrail",
    operations: &["StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"],
    field: "name",
    proven: None,
    sample: "cloudtrail-stop-logging",
};
/// Everything that is done to a topic.
pub const TOPIC: Field = Field {
    service: "sns",
    operations: &[],
    field: "topicArn",
    proven: Some(SNS_PAGE),
    sample: "sns-delete-topic",
};
/// A topic whose tags change.
pub const TOPIC_TAGS: Field = Field {
    service: "sns",
    operations: &["TagResource", "UntagResource"],
    field: "resourceArn",
    proven: None,
    sample: "sns-untag-resource",
};
/// Everything that is done to a subscription.
pub const SUBSCRIPTION: Field = Field {
    service: "sns",
    operations: &[],
    field: "subscriptionArn",
    proven: None,
    sample: "sns-unsubscribe",
};
/// Everything that is done to a queue.
pub const QUEUE: Field = Field {
    service: "sqs",
    operations: &[],
    field: "queueUrl",
    proven: Some(SQS_PAGE),
    sample: "sqs-delete-queue",
};
/// Every field that a pattern of the guard goes by.
pub const ALL: [Field; 15] = [
    PUT_RULE,
    RULE,
    TARGETS,
    EVENTS_TAGS,
    BUS,
    ON_BUS,
    ARCHIVED,
    ARCHIVE,
    ROLE,
    POLICY,
    TRAIL,
    TOPIC,
    TOPIC_TAGS,
    SUBSCRIPTION,
    QUEUE,
];
