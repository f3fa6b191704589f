//! What may be done to forwarding roles in a member, and what it is worth: sending events to the central bus.

use orgwatch_sim::call::Caller;
use orgwatch_sim::call::Service::{CloudTrail, Events, Iam, Organizations, Sns, Sqs, Sts};
use serde_json::{Value, json};

use super::{FORWARDER, RULE, Scene, everything, trusting};
use crate::privilege::is_denial;
use crate::stage::in_virtual_time;

/// The attacker makes `role` a role with every right in its own policies, and enters it; as far as that goes.
fn taken_over(scene: &Scene, role: &str) -> Caller {
    let member = scene.member();
    let attacker = scene.seized(member);
    let mine = trusting(&scene.arn("iam", member, "role/orgwatch-member"));
    let boundary = scene.arn("iam", member, "policy/orgwatch-boundary");
    let done = |operation: &str, input: Value| {
        scene
            .ask(&attacker, Iam, operation, input)
            .unwrap_or_else(|refusal| panic!("{operation}, which is granted: {refusal:?}"));
    };
    let (path, name) =
        role.rsplit_once('/').map_or(("/".to_owned(), role), |(path, name)| (format!("/{path}/"), name));
    if name == FORWARDER {
        done("UpdateAssumeRolePolicy", json!({ "RoleName": name, "PolicyDocument": mine }));
    } else {
        done(
            "CreateRole",
            json!({ "RoleName": name, "Path": path, "AssumeRolePolicyDocument": mine, "PermissionsBoundary": boundary }),
        );
    }
    done(
        "PutRolePolicy",
        json!({ "RoleName": name, "PolicyName": "everything", "PolicyDocument": everything() }),
    );
    scene
        .assume(&attacker, member, role)
        .unwrap_or_else(|refusal| panic!("its trust was changed: {refusal:?}"))
}

#[test]
fn a_forwarding_role_that_was_taken_over_can_send_to_the_central_bus_and_nothing_else() {
    for role in [FORWARDER, "orgwatch-forwarder-x", "orgwatch-forwarder/mallory"] {
        in_virtual_time(async {
            let scene = Scene::new().await;
            let holder = taken_over(&scene, role);
            let (member, central) = (scene.member(), scene.central());
            let send = |bus: &str, source: &str| {
                let entry =
                    json!({ "EventBusName": bus, "Source": source, "DetailType": "x", "Detail": "{}" });
                scene.ask(&holder, Events, "PutEvents", json!({ "Entries": [entry] }))
            };
            // The one thing.
            let sent = send(&scene.bus(), "mallory").unwrap_or_else(|refusal| panic!("{role}: {refusal:?}"));
            assert_eq!(sent["FailedEntryCount"], 0, "{role}: {sent}");
            // Which is no alert, as nobody can send in the name of an AWS service.
            let forged =
                send(&scene.bus(), "aws.iam").unwrap_or_else(|refusal| panic!("{role}: {refusal:?}"));
            assert_eq!(forged["FailedEntryCount"], 1, "{role}: {forged}");
            for bus in [
                "default".to_owned(),
                scene.arn("events", member, "event-bus/theirs"),
                scene.arn("events", central, "event-bus/default"),
                scene.arn("events", central, "event-bus/theirs"),
            ] {
                let sent = send(&bus, "mallory");
                assert!(sent.as_ref().is_err_and(is_denial), "{role}: {bus}: {sent:?}");
            }
            let pattern = json!({ "source": ["aws.iam"] }).to_string();
            let queue = format!("https://sqs/{member}/theirs");
            let topic = scene.arn("sns", member, "theirs");
            let entry = scene.arn("iam", member, "role/OrganizationAccountAccessRole");
            let attempts = [
                (Iam, "CreateUser", json!({ "UserName": "mallory" }), "have a user"),
                (Iam, "CreateAccessKey", json!({ "UserName": "operator" }), "have keys"),
                (
                    Iam,
                    "AttachRolePolicy",
                    json!({ "RoleName": FORWARDER, "PolicyArn": scene.of_aws("AdministratorAccess") }),
                    "give itself more",
                ),
                (
                    Iam,
                    "PutRolePolicy",
                    json!({ "RoleName": "theirs", "PolicyName": "x", "PolicyDocument": everything() }),
                    "give others more",
                ),
                (Iam, "ListRoles", json!({}), "learn of roles"),
                (Iam, "GetRole", json!({ "RoleName": FORWARDER }), "learn of itself"),
                (Events, "PutRule", json!({ "Name": RULE, "EventPattern": pattern }), "change a rule"),
                (Events, "DisableRule", json!({ "Name": RULE }), "silence the account"),
                (Events, "DeleteRule", json!({ "Name": "empty" }), "delete a rule"),
                (Events, "ListRules", json!({}), "learn of rules"),
                (Events, "CreateEventBus", json!({ "Name": "mallory" }), "have a bus"),
                (
                    Events,
                    "RemovePermission",
                    json!({ "EventBusName": "theirs", "RemoveAllPermissions": true }),
                    "cut others off",
                ),
                (Sns, "CreateTopic", json!({ "Name": "mallory" }), "have a topic"),
                (Sns, "TagResource", json!({ "ResourceArn": topic, "Tags": [] }), "tag a topic"),
                (Sns, "ListTopics", json!({}), "learn of topics"),
                (Sqs, "CreateQueue", json!({ "QueueName": "mallory" }), "have a queue"),
                (Sqs, "ReceiveMessage", json!({ "QueueUrl": queue }), "read messages"),
                (Sqs, "ListQueues", json!({}), "learn of queues"),
                (CloudTrail, "DescribeTrails", json!({}), "learn what is logged"),
                (Organizations, "DescribeOrganization", json!({}), "learn of the organization"),
            ];
            scene.refuses(&holder, &attempts);
            let entered = scene.ask(
                &holder,
                Sts,
                "AssumeRole",
                json!({ "RoleArn": entry, "RoleSessionName": "attacker" }),
            );
            assert!(entered.as_ref().is_err_and(is_denial), "{role}: {entered:?}");
        });
    }
}

#[test]
fn an_administrators_policy_that_somebody_attached_is_worth_nothing_under_the_boundary() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let holder = taken_over(&scene, "orgwatch-forwarder-x");
        let input =
            json!({ "RoleName": "orgwatch-forwarder-x", "PolicyArn": scene.of_aws("AdministratorAccess") });
        scene.people(scene.member(), Iam, "AttachRolePolicy", input);
        let made = scene.ask(&holder, Iam, "CreateUser", json!({ "UserName": "mallory" }));
        assert!(made.as_ref().is_err_and(is_denial), "{made:?}");
        // It is the boundary that stops it.
        let input = json!({ "RoleName": "orgwatch-forwarder-x" });
        scene.people(scene.member(), Iam, "DeleteRolePermissionsBoundary", input);
        scene
            .ask(&holder, Iam, "CreateUser", json!({ "UserName": "mallory" }))
            .unwrap_or_else(|refusal| panic!("without the boundary it can: {refusal:?}"));
    });
}

#[test]
fn policies_of_a_role_that_lost_its_boundary_cannot_be_written_before_it_is_back() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let member = scene.member();
        scene.people(member, Iam, "DeleteRolePermissionsBoundary", json!({ "RoleName": FORWARDER }));
        let attacker = scene.seized(member);
        let read_only = scene.of_aws("ReadOnlyAccess");
        let input = json!({ "RoleName": FORWARDER, "PolicyArn": read_only });
        scene.people(member, Iam, "AttachRolePolicy", input.clone());
        scene.refuses(
            &attacker,
            &[
                (
                    Iam,
                    "PutRolePolicy",
                    json!({ "RoleName": FORWARDER, "PolicyName": "x", "PolicyDocument": everything() }),
                    "write rights that no boundary limits",
                ),
                (
                    Iam,
                    "DeleteRolePolicy",
                    json!({ "RoleName": FORWARDER, "PolicyName": "x" }),
                    "take a denial away that somebody put there",
                ),
                (Iam, "DetachRolePolicy", input, "take a denial away that somebody attached"),
            ],
        );
    });
}

/// The one thing that the policies cannot prevent; `docs/permissions.md` says so and what helps.
#[test]
fn a_role_of_that_name_that_somebody_made_without_the_boundary_can_be_entered() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let member = scene.member();
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" } }] });
        let input =
            json!({ "RoleName": "orgwatch-forwarder-theirs", "AssumeRolePolicyDocument": trust.to_string() });
        scene.people(member, Iam, "CreateRole", input);
        let attacker = scene.seized(member);
        let mine = trusting(&scene.arn("iam", member, "role/orgwatch-member"));
        let input = json!({ "RoleName": "orgwatch-forwarder-theirs", "PolicyDocument": mine });
        scene
            .ask(&attacker, Iam, "UpdateAssumeRolePolicy", input)
            .unwrap_or_else(|refusal| panic!("the document is out of date: {refusal:?}"));
        scene
            .assume(&attacker, member, "orgwatch-forwarder-theirs")
            .unwrap_or_else(|refusal| panic!("the document is out of date: {refusal:?}"));
    });
}

/// A target without a role, or an empty list of targets, gains nothing; the former EventBridge refuses to everybody.
#[test]
fn targets_without_a_role_and_no_targets_at_all_are_refused() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let attacker = scene.seized(scene.member());
        let target = json!({ "Id": "other", "Arn": scene.bus() });
        for targets in [json!([target]), json!([])] {
            let put = scene.ask(&attacker, Events, "PutTargets", json!({ "Rule": RULE, "Targets": targets }));
            assert!(put.is_err(), "{put:?}");
        }
    });
}
