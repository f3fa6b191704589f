//! What people, tools and attackers do to our resources, each by the call that they would make.

use orgwatch_sim::call::Service;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::stage::Stage;

/// Something that is done to the resources of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drift {
    RuleDisabled,
    RuleDeleted,
    RulePattern,
    RuleDescription,
    RuleUntagged,
    TargetsRemoved,
    TargetAdded,
    TargetReplaced,
    RoleDeleted,
    RoleTrust,
    RolePolicyRemoved,
    RolePolicyReplaced,
    RolePolicyAdded,
    RolePolicyAttached,
    RoleBoundary,
    RoleUntagged,
    BusPolicyRemoved,
    BusPolicyOpened,
    BusDescription,
    AlertRuleDisabled,
    AlertRulePattern,
    AlertTargetsRemoved,
    TopicPolicy,
    TopicName,
    SubscriptionAdded,
    SubscriptionFiltered,
    ArchiveShortened,
    QueuePolicy,
    QueueDeleted,
}

use Drift::{
    AlertRuleDisabled, AlertRulePattern, AlertTargetsRemoved, ArchiveShortened, BusDescription,
    BusPolicyOpened, BusPolicyRemoved, QueueDeleted, QueuePolicy, RoleBoundary, RoleDeleted, RolePolicyAdded,
    RolePolicyAttached, RolePolicyRemoved, RolePolicyReplaced, RoleTrust, RoleUntagged, RuleDeleted,
    RuleDescription, RuleDisabled, RulePattern, RuleUntagged, SubscriptionAdded, SubscriptionFiltered,
    TargetAdded, TargetReplaced, TargetsRemoved, TopicName, TopicPolicy,
};

/// What can be done in a member.
pub(crate) const IN_MEMBERS: [Drift; 16] = [
    RuleDisabled,
    RuleDeleted,
    RulePattern,
    RuleDescription,
    RuleUntagged,
    TargetsRemoved,
    TargetAdded,
    TargetReplaced,
    RoleDeleted,
    RoleTrust,
    RolePolicyRemoved,
    RolePolicyReplaced,
    RolePolicyAdded,
    RolePolicyAttached,
    RoleBoundary,
    RoleUntagged,
];

/// What can be done in the central account, besides.
pub(crate) const IN_CENTRAL: [Drift; 13] = [
    BusPolicyRemoved,
    BusPolicyOpened,
    BusDescription,
    AlertRuleDisabled,
    AlertRulePattern,
    AlertTargetsRemoved,
    TopicPolicy,
    TopicName,
    SubscriptionAdded,
    SubscriptionFiltered,
    ArchiveShortened,
    QueuePolicy,
    QueueDeleted,
];

/// One of them, anywhere: the account by its number, the central one first.
pub(crate) fn any(accounts: usize) -> impl Strategy<Value = (usize, Drift)> {
    let member = (0..accounts, proptest::sample::select(IN_MEMBERS.to_vec()));
    let central = (Just(0), proptest::sample::select(IN_CENTRAL.to_vec()));
    prop_oneof![3 => member, 1 => central]
}

const RULE: &str = "orgwatch-iam-changes";
const ROLE: &str = "orgwatch-forwarder";

impl Drift {
    /// Does it. What is not there cannot be broken, so a refusal is none of our business.
    pub(crate) fn happens(self, stage: &Stage, account: &str) {
        for (service, operation, input) in self.calls(stage, account) {
            if let Err(refusal) = stage.ask(account, service, operation, input) {
                assert!(
                    [
                        "ResourceNotFoundException",
                        "NoSuchEntity",
                        "NotFound",
                        "QueueDoesNotExist",
                        "DeleteConflict",
                        "LimitExceededException"
                    ]
                    .iter()
                    .any(|code| refusal.code.ends_with(code))
                        // Somebody gave the rule targets that this deed does not know.
                        || refusal.message.contains("since it has targets"),
                    "{self:?} in {account}: {operation}: {refusal:?}"
                );
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table")]
    fn calls(self, stage: &Stage, account: &str) -> Vec<(Service, &'static str, Value)> {
        let region = stage.region();
        let partition = &stage.kit.partition;
        let bus = format!("arn:{partition}:events:{region}:{account}:event-bus/orgwatch");
        let rule = format!("arn:{partition}:events:{region}:{account}:rule/{RULE}");
        let topic = format!("arn:{partition}:sns:{region}:{account}:{RULE}");
        let queue = format!("https://sqs/{account}/orgwatch-dead-letters");
        let anybody = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": bus }],
        });
        let nobody = |action: &str, resource: &str| {
            json!({
                "Version": "2012-10-17",
                "Statement": [{ "Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource }],
            })
            .to_string()
        };
        let deny = json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Deny", "Action": "events:PutEvents", "Resource": "*" }],
        })
        .to_string();
        let other_trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" },
            }],
        })
        .to_string();
        let events = |operation, input| vec![(Service::Events, operation, input)];
        let iam = |operation, input| vec![(Service::Iam, operation, input)];
        let pattern = json!({ "source": ["aws.ec2"] }).to_string();
        let ears = format!("arn:{partition}:sqs:{region}:{account}:ears");
        match self {
            RuleDisabled => events("DisableRule", json!({ "Name": RULE })),
            RuleDeleted => vec![
                (Service::Events, "RemoveTargets", json!({ "Rule": RULE, "Ids": ["central", "ears"] })),
                (Service::Events, "DeleteRule", json!({ "Name": RULE })),
            ],
            RulePattern => events("PutRule", json!({ "Name": RULE, "EventPattern": pattern })),
            RuleDescription => {
                let pattern = json!({ "source": ["aws.iam"] }).to_string();
                events("PutRule", json!({ "Name": RULE, "EventPattern": pattern, "Description": "mine" }))
            }
            RuleUntagged => {
                events("UntagResource", json!({ "ResourceARN": rule, "TagKeys": ["orgwatch:managed-by"] }))
            }
            TargetsRemoved => events("RemoveTargets", json!({ "Rule": RULE, "Ids": ["central"] })),
            TargetAdded => {
                events("PutTargets", json!({ "Rule": RULE, "Targets": [{ "Id": "ears", "Arn": ears }] }))
            }
            TargetReplaced => {
                events("PutTargets", json!({ "Rule": RULE, "Targets": [{ "Id": "central", "Arn": ears }] }))
            }
            RoleDeleted => vec![
                (
                    Service::Iam,
                    "DeleteRolePolicy",
                    json!({ "RoleName": ROLE, "PolicyName": "orgwatch-forward" }),
                ),
                (Service::Iam, "DeleteRole", json!({ "RoleName": ROLE })),
            ],
            RoleTrust => {
                iam("UpdateAssumeRolePolicy", json!({ "RoleName": ROLE, "PolicyDocument": other_trust }))
            }
            RolePolicyRemoved => {
                iam("DeleteRolePolicy", json!({ "RoleName": ROLE, "PolicyName": "orgwatch-forward" }))
            }
            RolePolicyReplaced => iam(
                "PutRolePolicy",
                json!({ "RoleName": ROLE, "PolicyName": "orgwatch-forward", "PolicyDocument": deny }),
            ),
            RolePolicyAdded => iam(
                "PutRolePolicy",
                json!({ "RoleName": ROLE, "PolicyName": "mine", "PolicyDocument": deny }),
            ),
            RolePolicyAttached => {
                let policy = format!("arn:{partition}:iam::aws:policy/ReadOnlyAccess");
                iam("AttachRolePolicy", json!({ "RoleName": ROLE, "PolicyArn": policy }))
            }
            RoleBoundary => iam("DeleteRolePermissionsBoundary", json!({ "RoleName": ROLE })),
            RoleUntagged => iam("UntagRole", json!({ "RoleName": ROLE, "TagKeys": ["orgwatch:managed-by"] })),
            BusPolicyRemoved => events(
                "RemovePermission",
                json!({ "EventBusName": "orgwatch", "RemoveAllPermissions": true }),
            ),
            BusPolicyOpened => {
                events("PutPermission", json!({ "EventBusName": "orgwatch", "Policy": anybody.to_string() }))
            }
            BusDescription => events("UpdateEventBus", json!({ "Name": "orgwatch", "Description": "mine" })),
            AlertRuleDisabled => events("DisableRule", json!({ "EventBusName": "orgwatch", "Name": RULE })),
            AlertRulePattern => events(
                "PutRule",
                json!({ "EventBusName": "orgwatch", "Name": RULE, "EventPattern": pattern }),
            ),
            AlertTargetsRemoved => {
                events("RemoveTargets", json!({ "EventBusName": "orgwatch", "Rule": RULE, "Ids": ["topic"] }))
            }
            TopicPolicy => vec![(
                Service::Sns,
                "SetTopicAttributes",
                json!({
                    "TopicArn": topic, "AttributeName": "Policy", "AttributeValue": nobody("sns:Publish", &topic),
                }),
            )],
            TopicName => vec![(
                Service::Sns,
                "SetTopicAttributes",
                json!({ "TopicArn": topic, "AttributeName": "DisplayName", "AttributeValue": "mine" }),
            )],
            SubscriptionAdded => vec![(
                Service::Sns,
                "Subscribe",
                json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": "mallory@example.org" }),
            )],
            SubscriptionFiltered => subscriptions(stage, account, &topic)
                .into_iter()
                .map(|arn| {
                    let nothing = json!({ "source": ["nobody"] }).to_string();
                    let input = json!({
                        "SubscriptionArn": arn, "AttributeName": "FilterPolicy", "AttributeValue": nothing,
                    });
                    (Service::Sns, "SetSubscriptionAttributes", input)
                })
                .collect(),
            ArchiveShortened => {
                events("UpdateArchive", json!({ "ArchiveName": "orgwatch", "RetentionDays": 1 }))
            }
            QueuePolicy => vec![(
                Service::Sqs,
                "SetQueueAttributes",
                json!({ "QueueUrl": queue, "Attributes": { "Policy": "" } }),
            )],
            QueueDeleted => vec![(Service::Sqs, "DeleteQueue", json!({ "QueueUrl": queue }))],
        }
    }
}

/// The confirmed subscriptions of a topic.
fn subscriptions(stage: &Stage, account: &str, topic: &str) -> Vec<String> {
    let listed = stage.ask(account, Service::Sns, "ListSubscriptionsByTopic", json!({ "TopicArn": topic }));
    let listed = listed.unwrap_or_default();
    let arns = listed["Subscriptions"].as_array().into_iter().flatten();
    arns.filter_map(|row| row["SubscriptionArn"].as_str())
        .filter(|arn| arn.starts_with("arn:"))
        .map(str::to_owned)
        .collect()
}
