//! In the management account: as `orgwatch-member` and as `orgwatch-organization-reader`.

use orgwatch_sim::call::Service::{CloudTrail, Events, Iam, Organizations, Sns, Sqs};
use serde_json::json;

use super::{Attempt, FORWARDER, RULE, Scene, everything, trusting};
use crate::stage::in_virtual_time;

#[test]
fn in_the_management_account_every_write_but_those_to_sender_rules_is_refused() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let attacker = scene.seized(&scene.stage.management);
        scene.refuses(&attacker, &attempts(&scene));
    });
}

#[test]
fn the_organization_reader_cannot_write_anything() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let attacker = scene
            .assume(&scene.task(), &scene.stage.management, "orgwatch-organization-reader")
            .unwrap_or_else(|refusal| panic!("the product does it too: {refusal:?}"));
        let rules = [
            (
                Events,
                "PutRule",
                json!({ "Name": RULE, "EventPattern": json!({ "source": ["aws.ec2"] }).to_string() }),
                "silence the management account",
            ),
            (Events, "ListRules", json!({}), "learn of rules"),
            (Iam, "ListRoles", json!({}), "learn of roles"),
        ];
        scene.refuses(&attacker, &[rules.as_slice(), &attempts(&scene)].concat());
    });
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn attempts(scene: &Scene) -> Vec<Attempt> {
    let management = scene.stage.management.as_str();
    let boundary = scene.arn("iam", management, "policy/orgwatch-boundary");
    let administrator = scene.of_aws("AdministratorAccess");
    let mine = trusting(&scene.arn("iam", scene.central(), "root"));
    let queue = scene.arn("sqs", management, "theirs");
    let pattern = json!({ "source": ["aws.iam"] }).to_string();
    let tags = json!([{ "Key": "orgwatch", "Value": "off" }]);
    let denial =
        json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "*", "Resource": "*" }] })
            .to_string();
    let (member, root) = {
        let world = scene.stage.simulator.world();
        (scene.member().to_owned(), world.organization.root.clone())
    };
    vec![
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-x", "AssumeRolePolicyDocument": mine, "PermissionsBoundary": boundary }),
            "make a role, even with the boundary",
        ),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-y", "AssumeRolePolicyDocument": mine }),
            "make a role without the boundary",
        ),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": FORWARDER, "PolicyName": "more", "PolicyDocument": everything() }),
            "write rights",
        ),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": "orgwatch-member", "PolicyName": "more", "PolicyDocument": everything() }),
            "become administrator",
        ),
        (
            Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "orgwatch-organization-reader", "PolicyDocument": mine }),
            "open the reader",
        ),
        (Iam, "TagRole", json!({ "RoleName": FORWARDER, "Tags": tags }), "pass conditions on tags"),
        (
            Iam,
            "UntagRole",
            json!({ "RoleName": FORWARDER, "TagKeys": ["orgwatch"] }),
            "escape conditions on tags",
        ),
        (Iam, "UpdateRoleDescription", json!({ "RoleName": FORWARDER, "Description": "x" }), "hide the role"),
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
            "lock a role out",
        ),
        (Iam, "DeleteRolePermissionsBoundary", json!({ "RoleName": FORWARDER }), "take the boundary off"),
        (
            Iam,
            "AttachRolePolicy",
            json!({ "RoleName": FORWARDER, "PolicyArn": administrator }),
            "attach an administrator's policy",
        ),
        (
            Iam,
            "DetachRolePolicy",
            json!({ "RoleName": FORWARDER, "PolicyArn": administrator }),
            "take rights away",
        ),
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
        (Iam, "GetRole", json!({ "RoleName": "theirs" }), "learn of roles of others"),
        (Iam, "CreateUser", json!({ "UserName": "mallory" }), "have a user"),
        (Iam, "CreateAccessKey", json!({ "UserName": "operator" }), "have keys for ever"),
        (
            Iam,
            "AttachUserPolicy",
            json!({ "UserName": "operator", "PolicyArn": administrator }),
            "give a user everything",
        ),
        (
            Iam,
            "CreatePolicy",
            json!({ "PolicyName": "mallory", "PolicyDocument": everything() }),
            "prepare rights",
        ),
        (
            Events,
            "PutTargets",
            json!({ "Rule": RULE, "Targets": [{ "Id": "mallory", "Arn": queue }] }),
            "listen to IAM's events",
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
            json!({ "Name": RULE, "EventPattern": pattern, "RoleArn": scene.arn("iam", management, "role/sender") }),
            "pass a role of others",
        ),
        (
            Events,
            "PutPermission",
            json!({ "EventBusName": "default", "StatementId": "x", "Action": "events:PutEvents", "Principal": "999999999999" }),
            "let others send to the account",
        ),
        (Events, "RemoveTargets", json!({ "Rule": "theirs", "Ids": ["theirs"] }), "silence a rule of others"),
        (Events, "DeleteRule", json!({ "Name": "empty" }), "delete a rule of others"),
        (Sns, "CreateTopic", json!({ "Name": "orgwatch-mallory" }), "have a topic"),
        (Sqs, "CreateQueue", json!({ "QueueName": "orgwatch-mallory" }), "have a queue"),
        (
            Events,
            "PutEvents",
            json!({ "Entries": [{ "Source": "mallory", "DetailType": "x", "Detail": "{}" }] }),
            "forge an event",
        ),
        (
            CloudTrail,
            "PutEventSelectors",
            json!({ "TrailName": "organization-trail", "EventSelectors": [
                { "ReadWriteType": "ReadOnly", "IncludeManagementEvents": true }] }),
            "starve every rule",
        ),
        (CloudTrail, "StopLogging", json!({ "Name": "organization-trail" }), "starve every rule"),
        (CloudTrail, "DeleteTrail", json!({ "Name": "organization-trail" }), "starve every rule"),
        (
            Organizations,
            "TagResource",
            json!({ "ResourceId": member, "Tags": tags }),
            "take an account out of the watch by its tag",
        ),
        (
            Organizations,
            "UntagResource",
            json!({ "ResourceId": member, "TagKeys": ["orgwatch"] }),
            "take an account in by its tag",
        ),
        (
            Organizations,
            "CreatePolicy",
            json!({ "Name": "mallory", "Description": "", "Content": denial, "Type": "SERVICE_CONTROL_POLICY" }),
            "prepare a service control policy",
        ),
        (
            Organizations,
            "CreateOrganizationalUnit",
            json!({ "ParentId": root, "Name": "mallory" }),
            "change the tree",
        ),
        (
            Organizations,
            "EnableAWSServiceAccess",
            json!({ "ServicePrincipal": "cloudtrail.amazonaws.com" }),
            "let a service into every account",
        ),
        (
            Organizations,
            "RegisterDelegatedAdministrator",
            json!({ "AccountId": scene.central(), "ServicePrincipal": "cloudtrail.amazonaws.com" }),
            "make a member an administrator of the organization",
        ),
        (
            Organizations,
            "CreateAccount",
            json!({ "Email": "mallory@example.org", "AccountName": "mallory" }),
            "have an account",
        ),
        (Organizations, "CloseAccount", json!({ "AccountId": member }), "close an account"),
    ]
}
