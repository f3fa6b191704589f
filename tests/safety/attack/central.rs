//! In the central account: as `orgwatch-task` itself.

use orgwatch_sim::call::Service::{CloudTrail, CloudWatch, Events, Iam, Logs, Organizations, Sns, Sqs};
use serde_json::json;

use super::{Attempt, EARS, RULE, Scene, everything, trusting};
use crate::privilege::is_denial;
use crate::stage::in_virtual_time;

#[test]
fn in_the_central_account_what_is_not_the_installations_own_is_out_of_reach() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        scene.refuses(&scene.task(), &attempts(&scene));
    });
}

/// AWS names no resource for these actions, or its owner chose any name, so only the Region limits them;
/// `docs/permissions.md` says so.
#[test]
fn what_no_policy_can_narrow_can_be_changed_in_the_central_region_and_nowhere_else() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let task = scene.task();
        let open = json!({ "EventBusName": "default", "StatementId": "x", "Action": "events:PutEvents", "Principal": "999999999999" });
        let topic = scene.arn("sns", scene.central(), "theirs");
        let subscription = |region: &str| {
            let arn = topic.replace(&scene.stage.region(), region);
            json!({ "SubscriptionArn": format!("{arn}:0d3c7d47-9f3c-4d1c-9d67-2d8d2a5d8f61") })
        };
        let filtered = |region: &str| {
            let mut input = subscription(region);
            input["AttributeName"] = json!("FilterPolicy");
            input["AttributeValue"] = json!("{}");
            input
        };
        let filter = json!({
            "logGroupName": "theirs", "filterName": "theirs", "filterPattern": "nothing",
            "metricTransformations": [{ "metricName": "x", "metricNamespace": "x", "metricValue": "1" }],
        });
        let region = scene.stage.region();
        for (service, operation, input) in [
            (Events, "PutPermission", open.clone()),
            (Sns, "Unsubscribe", subscription(&region)),
            (Sns, "SetSubscriptionAttributes", filtered(&region)),
            (Logs, "PutMetricFilter", filter.clone()),
        ] {
            let here = scene.ask(&task, service, operation, input);
            assert!(!here.as_ref().is_err_and(is_denial), "{operation}: {here:?}");
        }
        for (service, operation, input) in [
            (Events, "PutPermission", open),
            (Sns, "Unsubscribe", subscription("eu-west-1")),
            (Sns, "SetSubscriptionAttributes", filtered("eu-west-1")),
            (Logs, "PutMetricFilter", filter),
        ] {
            let input = input.as_object().cloned().unwrap_or_default();
            let there = scene.stage.simulator.ask(&task, service, "eu-west-1", operation, input);
            assert!(there.as_ref().is_err_and(is_denial), "{operation}: {there:?}");
        }
    });
}

/// Delivering late takes both, and a daemon that may write the rules and the topics' policies could do as much with more
/// effort; `docs/permissions.md` says so.
#[test]
fn dead_letters_can_be_read_and_alerts_be_published_on_the_installations_own_queues_and_topics() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let task = scene.task();
        let ours = scene.arn("sns", scene.central(), RULE);
        let letters = format!("https://sqs/{}/orgwatch-dead-letters", scene.central());
        for (service, operation, input) in [
            (Sns, "Publish", json!({ "TopicArn": ours, "Message": "all is well" })),
            (Sqs, "ReceiveMessage", json!({ "QueueUrl": letters })),
        ] {
            let gained = scene.ask(&task, service, operation, input);
            assert!(gained.is_ok(), "{operation}: {gained:?}");
        }
    });
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn attempts(scene: &Scene) -> Vec<Attempt> {
    let central = scene.central();
    let pattern = json!({ "source": ["aws.iam"] }).to_string();
    let (topic, ours) = (scene.arn("sns", central, "theirs"), scene.arn("sns", central, RULE));
    let (queue, letters) =
        (format!("https://sqs/{central}/theirs"), format!("https://sqs/{central}/orgwatch-dead-letters"));
    let trail = scene.arn("cloudtrail", &scene.stage.management, "trail/organization-trail");
    let tags = json!([{ "Key": "a", "Value": "b" }]);
    let nobody =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": topic }] })
            .to_string();
    let target = |arn: &str| json!({ "EventBusName": "orgwatch", "Rule": RULE, "Targets": [{ "Id": "mallory", "Arn": arn }] });
    vec![
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": "orgwatch-task", "PolicyName": "more", "PolicyDocument": everything() }),
            "become administrator",
        ),
        (
            Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "orgwatch-task", "PolicyDocument": trusting(&scene.arn("iam", central, "root")) }),
            "keep a way in",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-x", "AssumeRolePolicyDocument": trusting(&scene.arn("iam", central, "root")) }),
            "make a role",
        ),
        (Iam, "CreateUser", json!({ "UserName": "mallory" }), "have a user"),
        (Iam, "ListRoles", json!({}), "learn of roles"),
        (Organizations, "DescribeOrganization", json!({}), "learn of the organization"),
        (
            Events,
            "PutTargets",
            target(&scene.arn("lambda", central, "function:mallory")),
            "run code at each alert",
        ),
        (Events, "PutTargets", target(&scene.arn("sqs", central, "theirs")), "listen to alerts"),
        (
            Events,
            "PutTargets",
            target(&scene.arn("logs", central, "log-group:/aws/events/mallory")),
            "listen to alerts",
        ),
        (
            Events,
            "PutRule",
            json!({ "Name": "orgwatch-x", "EventPattern": pattern }),
            "have a rule on the default bus",
        ),
        (
            Events,
            "PutRule",
            json!({ "Name": "mallory", "EventBusName": "orgwatch", "EventPattern": pattern }),
            "have a rule of another name on our bus",
        ),
        (
            Events,
            "PutRule",
            json!({ "Name": "orgwatch-x", "EventBusName": "theirs", "EventPattern": pattern }),
            "have a rule on a bus of others",
        ),
        (
            Events,
            "PutRule",
            json!({ "Name": RULE, "EventBusName": "orgwatch", "EventPattern": pattern, "RoleArn": scene.arn("iam", central, "role/sender") }),
            "pass a role",
        ),
        (Events, "CreateEventBus", json!({ "Name": "mallory" }), "have a bus"),
        (Events, "UpdateEventBus", json!({ "Name": "theirs", "Description": "x" }), "change a bus of others"),
        (Events, "DeleteEventBus", json!({ "Name": "mallory" }), "delete a bus of others"),
        (
            Events,
            "PutEvents",
            json!({ "Entries": [{ "EventBusName": "orgwatch", "Source": "mallory", "DetailType": "x", "Detail": "{}" }] }),
            "send to the central bus by itself",
        ),
        (
            Events,
            "PutEvents",
            json!({ "Entries": [{ "Source": "orgwatch", "DetailType": "x", "Detail": "{}" }] }),
            "send to the default bus",
        ),
        (
            CloudWatch,
            "PutMetricAlarm",
            json!({ "AlarmName": "theirs", "Namespace": "x", "MetricName": "x", "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "LessThanThreshold" }),
            "have an alarm of another name",
        ),
        (
            CloudWatch,
            "DisableAlarmActions",
            json!({ "AlarmNames": ["theirs"] }),
            "silence an alarm of others",
        ),
        (CloudWatch, "DeleteAlarms", json!({ "AlarmNames": ["theirs"] }), "delete an alarm of others"),
        (CloudWatch, "ListMetrics", json!({}), "learn what is measured"),
        (
            Events,
            "CreateArchive",
            json!({ "ArchiveName": "mallory", "EventSourceArn": scene.bus() }),
            "keep all alerts",
        ),
        (
            Events,
            "RemovePermission",
            json!({ "EventBusName": "theirs", "RemoveAllPermissions": true }),
            "cut others off",
        ),
        (Events, "RemoveTargets", json!({ "Rule": "theirs", "Ids": ["theirs"] }), "silence others"),
        (Events, "DeleteRule", json!({ "Name": "empty" }), "delete a rule of others"),
        (Sns, "Publish", json!({ "TopicArn": topic, "Message": "all is well" }), "forge a message of others"),
        (
            Sns,
            "AddPermission",
            json!({ "TopicArn": ours, "Label": "x", "AWSAccountId": ["999999999999"], "ActionName": ["Publish"] }),
            "let others publish",
        ),
        (Sns, "CreateTopic", json!({ "Name": "mallory" }), "have a topic"),
        (
            Sns,
            "TagResource",
            json!({ "ResourceArn": topic, "Tags": tags }),
            "make the product take a topic of others for its own",
        ),
        (Sns, "ListSubscriptions", json!({}), "learn who listens to others"),
        (
            Sqs,
            "GetQueueAttributes",
            json!({ "QueueUrl": queue, "AttributeNames": ["All"] }),
            "learn of queues of others",
        ),
        (
            Sqs,
            "SetQueueAttributes",
            json!({ "QueueUrl": queue, "Attributes": { "VisibilityTimeout": "1" } }),
            "change a queue of others",
        ),
        (Sqs, "TagQueue", json!({ "QueueUrl": queue, "Tags": { "a": "b" } }), "pass conditions on tags"),
        (Sqs, "ReceiveMessage", json!({ "QueueUrl": queue }), "read messages of others"),
        (Sqs, "SendMessage", json!({ "QueueUrl": letters, "MessageBody": "x" }), "forge a dead letter"),
        (Sqs, "PurgeQueue", json!({ "QueueUrl": letters }), "lose what could not be delivered"),
        (Sqs, "CreateQueue", json!({ "QueueName": "mallory" }), "have a queue"),
        (Sqs, "DeleteQueue", json!({ "QueueUrl": queue }), "delete a queue of others"),
        (CloudTrail, "GetEventSelectors", json!({ "TrailName": trail }), "learn what is logged"),
        (Logs, "DescribeLogGroups", json!({}), "learn which logs there are"),
        (
            Sns,
            "SetTopicAttributes",
            json!({ "TopicArn": topic, "AttributeName": "Policy", "AttributeValue": nobody }),
            "silence a topic of others",
        ),
        (
            Sns,
            "Subscribe",
            json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": EARS }),
            "listen to a topic of others",
        ),
        (Sns, "DeleteTopic", json!({ "TopicArn": topic }), "delete a topic of others"),
    ]
}
