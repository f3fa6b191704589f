//! In a member: as `orgwatch-member`.

use orgwatch_sim::call::Service::{Account, CloudTrail, Events, Iam, Organizations, Sns, Sqs, Sts};
use serde_json::json;

use super::{Attempt, FORWARDER, RULE, Scene, everything, trusting};
use crate::stage::in_virtual_time;

#[test]
fn in_a_member_every_way_to_more_rights_is_refused() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let attacker = scene.seized(scene.member());
        scene.refuses(&attacker, &to_more_rights(&scene));
    });
}

#[test]
fn in_a_member_every_way_to_silence_others_or_to_listen_is_refused() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let attacker = scene.seized(scene.member());
        scene.refuses(&attacker, &to_others(&scene));
    });
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn to_more_rights(scene: &Scene) -> Vec<Attempt> {
    let member = scene.member();
    let boundary = scene.arn("iam", member, "policy/orgwatch-boundary");
    let administrator = scene.of_aws("AdministratorAccess");
    let mine = trusting(&scene.arn("iam", scene.central(), "root"));
    vec![
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-x", "AssumeRolePolicyDocument": mine }),
            "make a role without the boundary",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-y", "AssumeRolePolicyDocument": mine, "PermissionsBoundary": administrator }),
            "make a role with a boundary that bounds nothing",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "mallory", "AssumeRolePolicyDocument": mine, "PermissionsBoundary": boundary }),
            "make a role of a name that others trust",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-member2", "AssumeRolePolicyDocument": mine }),
            "make a second way in",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "mallory2", "Path": "/orgwatch-forwarder/", "AssumeRolePolicyDocument": mine }),
            "make any role, by its path",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-z", "Path": "/mallory/", "AssumeRolePolicyDocument": mine, "PermissionsBoundary": boundary }),
            "make a role where nobody looks",
        ),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": "orgwatch-member", "PolicyName": "more", "PolicyDocument": everything() }),
            "become administrator",
        ),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": "OrganizationAccountAccessRole", "PolicyName": "more", "PolicyDocument": everything() }),
            "write an administrator's rights",
        ),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": "theirs", "PolicyName": "more", "PolicyDocument": everything() }),
            "give a role of others more rights",
        ),
        (
            Iam,
            "AttachRolePolicy",
            json!({ "RoleName": FORWARDER, "PolicyArn": administrator }),
            "attach an administrator's policy",
        ),
        (
            Iam,
            "AttachRolePolicy",
            json!({ "RoleName": "orgwatch-member", "PolicyArn": administrator }),
            "become administrator",
        ),
        (Iam, "DeleteRolePermissionsBoundary", json!({ "RoleName": FORWARDER }), "take the boundary off"),
        (
            Iam,
            "PutRolePermissionsBoundary",
            json!({ "RoleName": FORWARDER, "PermissionsBoundary": administrator }),
            "put a boundary that bounds nothing",
        ),
        (
            Iam,
            "PutRolePermissionsBoundary",
            json!({ "RoleName": "theirs", "PermissionsBoundary": boundary }),
            "lock a role of others out",
        ),
        (
            Iam,
            "PutRolePermissionsBoundary",
            json!({ "RoleName": "orgwatch-member", "PermissionsBoundary": boundary }),
            "lock the product out",
        ),
        (
            Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "orgwatch-member", "PolicyDocument": mine }),
            "open the member role to everybody",
        ),
        (
            Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "OrganizationAccountAccessRole", "PolicyDocument": mine }),
            "become administrator",
        ),
        (
            Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "theirs", "PolicyDocument": mine }),
            "enter a role of others",
        ),
        (Iam, "UpdateRole", json!({ "RoleName": FORWARDER, "MaxSessionDuration": 43200 }), "stay for longer"),
        (
            Iam,
            "CreatePolicyVersion",
            json!({ "PolicyArn": boundary, "PolicyDocument": everything(), "SetAsDefault": true }),
            "edit the boundary",
        ),
        (
            Iam,
            "SetDefaultPolicyVersion",
            json!({ "PolicyArn": boundary, "VersionId": "v1" }),
            "bring an old boundary back",
        ),
        (
            Iam,
            "DeletePolicyVersion",
            json!({ "PolicyArn": boundary, "VersionId": "v2" }),
            "leave no other boundary",
        ),
        (Iam, "DeletePolicy", json!({ "PolicyArn": boundary }), "have no boundary at all"),
        (
            Iam,
            "TagPolicy",
            json!({ "PolicyArn": boundary, "Tags": [{ "Key": "a", "Value": "b" }] }),
            "pass conditions on tags",
        ),
        (Iam, "UntagPolicy", json!({ "PolicyArn": boundary, "TagKeys": ["a"] }), "escape conditions on tags"),
        (
            Iam,
            "CreatePolicy",
            json!({ "PolicyName": "mallory", "PolicyDocument": everything() }),
            "prepare rights",
        ),
        (Iam, "CreateUser", json!({ "UserName": "mallory" }), "have a user"),
        (Iam, "CreateAccessKey", json!({ "UserName": "operator" }), "have keys for ever"),
        (
            Iam,
            "CreateLoginProfile",
            json!({ "UserName": "operator", "Password": "Correct-horse-1" }),
            "sign in",
        ),
        (
            Iam,
            "PutUserPolicy",
            json!({ "UserName": "operator", "PolicyName": "more", "PolicyDocument": everything() }),
            "give a user everything",
        ),
        (
            Iam,
            "AttachUserPolicy",
            json!({ "UserName": "operator", "PolicyArn": administrator }),
            "give a user everything",
        ),
        (Iam, "CreateGroup", json!({ "GroupName": "mallory" }), "have a group"),
        (
            Iam,
            "TagRole",
            json!({ "RoleName": "theirs", "Tags": [{ "Key": "team", "Value": "admins" }] }),
            "pass conditions on tags",
        ),
        (
            Iam,
            "UntagRole",
            json!({ "RoleName": FORWARDER, "TagKeys": ["orgwatch:managed-by"] }),
            "make the role nobody's",
        ),
        (
            Sts,
            "AssumeRole",
            json!({ "RoleArn": scene.arn("iam", member, "role/trusting"), "RoleSessionName": "attacker" }),
            "become a role that trusts the account",
        ),
        (Organizations, "DescribeOrganization", json!({}), "learn of the organization"),
        (Account, "EnableRegion", json!({ "RegionName": "af-south-1" }), "open a Region where nobody looks"),
        (Iam, "ListUsers", json!({}), "learn who has keys"),
        (Iam, "GetRole", json!({ "RoleName": "theirs" }), "learn of roles of others"),
        (
            Iam,
            "GetRolePolicy",
            json!({ "RoleName": "theirs", "PolicyName": "theirs" }),
            "learn what roles of others may do",
        ),
        (
            Iam,
            "GetPolicy",
            json!({ "PolicyArn": scene.arn("iam", member, "policy/theirs") }),
            "learn what policies of others allow",
        ),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn to_others(scene: &Scene) -> Vec<Attempt> {
    let member = scene.member();
    let bus = scene.bus();
    let pattern = json!({ "source": ["aws.iam"] }).to_string();
    let theirs = scene.arn("events", member, "rule/theirs");
    let queue = scene.arn("sqs", member, "theirs");
    let lambda = scene.arn("lambda", member, "function:mallory");
    let topic = scene.arn("sns", member, "theirs");
    let url = format!("https://sqs/{member}/theirs");
    let forwarder = scene.arn("iam", member, &format!("role/{FORWARDER}"));
    let target = |arn: &str| json!({ "Rule": RULE, "Targets": [{ "Id": "mallory", "Arn": arn }] });
    vec![
        (Events, "PutTargets", target(&queue), "listen to IAM's events"),
        (Events, "PutTargets", target(&lambda), "run code at each IAM event"),
        (Events, "PutTargets", target(&topic), "listen to IAM's events"),
        (
            Events,
            "PutTargets",
            json!({ "Rule": RULE, "Targets": [
                { "Id": "central", "Arn": bus, "RoleArn": forwarder }, { "Id": "mallory", "Arn": queue }] }),
            "hide a target behind the right one",
        ),
        (
            Events,
            "PutTargets",
            json!({ "Rule": "theirs", "Targets": [{ "Id": "mallory", "Arn": queue }] }),
            "change a rule of others",
        ),
        (Events, "PutRule", json!({ "Name": "mallory", "EventPattern": pattern }), "have a rule of its own"),
        (
            Events,
            "PutRule",
            json!({ "Name": "mallory2", "ScheduleExpression": "rate(1 minute)" }),
            "have something done again and again",
        ),
        (
            Events,
            "PutRule",
            json!({ "Name": "theirs", "EventPattern": pattern, "State": "DISABLED" }),
            "silence a rule of others",
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
            json!({ "Name": RULE, "EventPattern": pattern, "RoleArn": scene.arn("iam", member, "role/sender") }),
            "pass a role of others",
        ),
        (Events, "DisableRule", json!({ "Name": "theirs" }), "silence a rule of others"),
        (Events, "EnableRule", json!({ "Name": "theirs" }), "start a rule of others"),
        (
            Events,
            "TagResource",
            json!({ "ResourceARN": theirs, "Tags": [{ "Key": "orgwatch:managed-by", "Value": "orgwatch" }] }),
            "make the product take a rule of others for its own",
        ),
        (
            Events,
            "UntagResource",
            json!({ "ResourceARN": scene.arn("events", member, &format!("rule/{RULE}")), "TagKeys": ["orgwatch:managed-by"] }),
            "make the product give its rule up",
        ),
        (Events, "RemoveTargets", json!({ "Rule": "theirs", "Ids": ["theirs"] }), "silence a rule of others"),
        (Events, "DeleteRule", json!({ "Name": "empty" }), "delete a rule of others"),
        (
            Events,
            "PutPermission",
            json!({ "EventBusName": "default", "StatementId": "x", "Action": "events:PutEvents", "Principal": "999999999999" }),
            "let others send to the account",
        ),
        (
            Events,
            "RemovePermission",
            json!({ "EventBusName": "default", "RemoveAllPermissions": true }),
            "cut others off",
        ),
        (Events, "CreateEventBus", json!({ "Name": "mallory" }), "have a bus"),
        (Events, "DeleteEventBus", json!({ "Name": "mallory" }), "delete a bus"),
        (
            Events,
            "PutEvents",
            json!({ "Entries": [{ "Source": "mallory", "DetailType": "x", "Detail": "{}" }] }),
            "forge an event",
        ),
        (
            Events,
            "CreateArchive",
            json!({ "ArchiveName": "mallory", "EventSourceArn": scene.arn("events", member, "event-bus/default") }),
            "keep all events",
        ),
        (Events, "DescribeRule", json!({ "Name": "theirs" }), "learn of rules of others"),
        (Events, "ListTargetsByRule", json!({ "Rule": "theirs" }), "learn of rules of others"),
        (Events, "ListEventBuses", json!({}), "learn of buses of others"),
        (Sns, "CreateTopic", json!({ "Name": "orgwatch-mallory" }), "have a topic"),
        (
            Sns,
            "TagResource",
            json!({ "ResourceArn": topic, "Tags": [{ "Key": "a", "Value": "b" }] }),
            "pass conditions on tags",
        ),
        (Sqs, "CreateQueue", json!({ "QueueName": "orgwatch-mallory" }), "have a queue"),
        (Sqs, "ReceiveMessage", json!({ "QueueUrl": url }), "read what others wait for"),
        (Sqs, "PurgeQueue", json!({ "QueueUrl": url }), "lose what others wait for"),
        (CloudTrail, "ListTrails", json!({}), "learn what is logged in other Regions"),
        (
            CloudTrail,
            "CreateTrail",
            json!({ "Name": "mallory", "S3BucketName": "mallory-bucket" }),
            "copy the log",
        ),
    ]
}
