//! In the central account: as `orgwatch-task` itself.

use std::collections::BTreeSet;

use orgwatch_sim::call::Service::{CloudTrail, CloudWatch, Events, Iam, Logs, Organizations, Sns, Sqs};
use serde_json::{Map, Value, json};

use super::{Attempt, EARS, RULE, Scene, everything, trusting};
use crate::privilege::{is_denial, strings};
use crate::stage::in_virtual_time;

#[test]
fn in_the_central_account_what_is_not_the_installations_own_is_out_of_reach() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        scene.refuses(&scene.task(), &attempts(&scene));
    });
}

/// What the task role may change although it is others': AWS names no resource for the action, or one whose name its owner
/// chose. Only the Region limits it; `docs/permissions.md` and `docs/threat-model.md` name each.
#[test]
fn bus_policies_subscriptions_and_metric_filters_of_others_can_be_changed_in_the_central_region_alone() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let (task, region, central) = (scene.task(), scene.stage.region(), scene.central());
        let listener = json!({
            "TopicArn": scene.arn("sns", central, "theirs"), "Protocol": "sqs",
            "Endpoint": scene.arn("sqs", central, "theirs"),
        });
        let theirs = scene.people(central, Sns, "Subscribe", listener)["SubscriptionArn"].clone();
        let filter = |pattern: &str| {
            let metric = json!({ "metricName": "theirs", "metricNamespace": "theirs", "metricValue": "1" });
            json!({
                "logGroupName": "theirs", "filterName": "theirs", "filterPattern": pattern,
                "metricTransformations": [metric],
            })
        };
        scene.people(central, Logs, "CreateLogGroup", json!({ "logGroupName": "theirs" }));
        scene.people(central, Logs, "PutMetricFilter", filter("ERROR"));
        let nobody = json!({ "source": ["nobody"] }).to_string();
        let changes = [
            (
                "events:PutPermission",
                Events,
                json!({ "EventBusName": "default", "StatementId": "x", "Action": "events:PutEvents", "Principal": "999999999999" }),
            ),
            (
                "sns:SetSubscriptionAttributes",
                Sns,
                json!({ "SubscriptionArn": theirs, "AttributeName": "FilterPolicy", "AttributeValue": nobody }),
            ),
            ("sns:Unsubscribe", Sns, json!({ "SubscriptionArn": theirs })),
            ("logs:PutMetricFilter", Logs, filter("nothing")),
            ("logs:DeleteMetricFilter", Logs, json!({ "logGroupName": "theirs", "filterName": "theirs" })),
        ];
        let tried: BTreeSet<String> = changes.iter().map(|(action, ..)| (*action).to_owned()).collect();
        assert_eq!(tried, changes_of_others(&scene));
        for (action, service, input) in changes {
            let operation = action.split_once(':').map(|(_, operation)| operation).expect("an action");
            let elsewhere = input.to_string().replace(&region, "eu-west-1");
            let elsewhere: Map<String, Value> = serde_json::from_str(&elsewhere).expect("it was JSON");
            let there = scene.stage.simulator.ask(&task, service, "eu-west-1", operation, elsewhere);
            assert!(there.as_ref().is_err_and(is_denial), "{action}: {there:?}");
            let here = scene.ask(&task, service, operation, input);
            assert!(here.is_ok(), "{action}: {here:?}");
        }
    });
}

/// The actions that write to more than what is named after the installation, by the policy of the task role.
fn changes_of_others(scene: &Scene) -> BTreeSet<String> {
    let policy = scene.stage.kit.document("central-task-policy.json", scene.central());
    let policy: Value = serde_json::from_str(&policy).expect("a policy is JSON");
    let statements = policy["Statement"].as_array().expect("a policy has statements");
    let any =
        |resource: &Value| strings(resource).iter().any(|one| one == "*" || one.ends_with(":log-group:*"));
    let reads = |action: &str| [":Get", ":List", ":Describe"].iter().any(|verb| action.contains(verb));
    statements
        .iter()
        .filter(|statement| any(&statement["Resource"]))
        .flat_map(|statement| strings(&statement["Action"]))
        .filter(|action| !reads(action))
        .collect()
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
