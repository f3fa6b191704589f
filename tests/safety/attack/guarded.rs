//! Under the service control policy of `deploy/scp` nobody in a member or in the central account touches what orgwatch
//! keeps, the ways into its roles, or the trail; but orgwatch itself works, and so do the stack set and a break-glass
//! role.
//!
//! Each attempt is made by an administrator of the account, who must be refused by that policy, and then by the
//! break-glass role, which must succeed with the very same call.

use orgwatch_sim::call::Caller;
use orgwatch_sim::call::Service::{CloudTrail, CloudWatch, Events, Iam, Organizations, Sns, Sqs};
use serde_json::{Value, json};

use super::{Attempt, EARS, FORWARDER, RULE, Scene, everything, trusting};
use crate::converges::assert_everybody_is_heard;
use crate::drift::{Drift, IN_CENTRAL, IN_MEMBERS};
use crate::privilege::{Denials, is_denial};
use crate::stage::{Fuse, Ledger, Stage, in_virtual_time};

const BREAK_GLASS: &str = "orgwatch-break-glass";
/// What AWS makes in each account for a service-managed stack set.
const EXECUTION: &str = "stacksets-exec-0123456789abcdef0123456789abcdef";
const DENIED: &str = "with an explicit deny in a service control policy";

/// The service control policy in an organization.
struct Guard<'s> {
    stage: &'s Stage,
    id: String,
}

impl<'s> Guard<'s> {
    /// Attaches the policy to the root, after the roles that it leaves out were made in every account.
    fn new(stage: &'s Stage) -> Self {
        for account in &stage.accounts {
            for role in [BREAK_GLASS, EXECUTION] {
                let trust = trusting(&format!("arn:{}:iam::{account}:root", stage.kit.partition));
                let input = json!({ "RoleName": role, "AssumeRolePolicyDocument": trust });
                stage.make(account, Iam, "CreateRole", input);
                let input = json!({ "RoleName": role, "PolicyName": "all", "PolicyDocument": everything() });
                stage.make(account, Iam, "PutRolePolicy", input);
            }
        }
        let content = stage.kit.filled("scp/protect-orgwatch.json", &[("${BreakGlassRole}", BREAK_GLASS)]);
        let input = json!({
            "Name": "protect-orgwatch", "Description": "", "Content": content, "Type": "SERVICE_CONTROL_POLICY",
        });
        let made = stage.make(&stage.management, Organizations, "CreatePolicy", input);
        let id = made["Policy"]["PolicySummary"]["Id"].as_str().expect("a policy has an id").to_owned();
        let guard = Self { stage, id };
        guard.ask("AttachPolicy");
        guard
    }

    fn ask(&self, operation: &str) {
        let root = self.stage.simulator.world().organization.root.clone();
        let input = json!({ "PolicyId": self.id, "TargetId": root });
        self.stage.make(&self.stage.management, Organizations, operation, input);
    }

    /// Does what the policy would not allow.
    fn lifted(&self, deed: impl FnOnce()) {
        self.ask("DetachPolicy");
        deed();
        self.ask("AttachPolicy");
    }
}

#[test]
fn under_the_control_policy_orgwatch_installs_forwards_repairs_and_goes_and_is_never_refused() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let guard = Guard::new(&stage);
        let ledger = Ledger::post(&stage.simulator);
        let denials = Denials::of(&stage.simulator);
        let config = stage.config("");
        stage.ends(stage.confirming(stage.daemon(&config).apply())).await;
        assert_eq!(denials.found(), Vec::<String>::new(), "refused while it installs");
        // The senders' roles are bound by the policy too.
        assert_everybody_is_heard(&stage);
        let (central, member) = (stage.accounts[0].clone(), stage.accounts[1].clone());
        let of_central = IN_CENTRAL.iter().map(|drift| (*drift, &central));
        for (drift, account) in IN_MEMBERS.iter().map(|drift| (*drift, &member)).chain(of_central) {
            if matches!(drift, Drift::SubscriptionAdded) {
                // Reported, and left to people.
                continue;
            }
            guard.lifted(|| drift.happens(&stage, account));
            let daemon = stage.daemon(&config);
            stage.ends(stage.confirming(daemon.apply())).await;
            assert_eq!(daemon.out_of_sync(), Vec::<String>::new(), "{drift:?}");
        }
        stage.ends(stage.teardown(&config, true, Fuse::none()).apply()).await;
        assert_eq!(ledger.left(), Vec::<String>::new());
        assert_eq!(denials.found(), Vec::<String>::new());
    });
}

#[test]
fn the_administrator_of_a_member_touches_nothing_of_orgwatch_and_mints_no_role_that_may() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let _guard = Guard::new(&scene.stage);
        scene.has_a_trail(scene.member());
        scene.only_break_glass(scene.member(), &in_a_member(&scene));
    });
}

#[test]
fn the_administrator_of_the_central_account_touches_nothing_of_orgwatch() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let _guard = Guard::new(&scene.stage);
        scene.has_a_trail(scene.central());
        scene.only_break_glass(scene.central(), &in_the_central_account(&scene));
    });
}

#[test]
fn the_stack_set_keeps_the_roles_and_has_no_business_with_anything_else() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let _guard = Guard::new(&scene.stage);
        let member = scene.member();
        let execution = scene.holder(member, EXECUTION);
        let boundary = scene.arn("iam", member, "policy/orgwatch-boundary");
        let trust = trusting(&scene.arn("iam", scene.central(), "root"));
        for (operation, input) in [
            (
                "PutRolePolicy",
                json!({ "RoleName": "orgwatch-member", "PolicyName": "more", "PolicyDocument": everything() }),
            ),
            ("UpdateAssumeRolePolicy", json!({ "RoleName": "orgwatch-member", "PolicyDocument": trust })),
            (
                "CreatePolicyVersion",
                json!({ "PolicyArn": boundary, "PolicyDocument": everything(), "SetAsDefault": true }),
            ),
            (
                "CreateRole",
                json!({ "RoleName": "orgwatch-forwarder-2", "AssumeRolePolicyDocument": trust, "PermissionsBoundary": boundary }),
            ),
            ("DeleteRole", json!({ "RoleName": "orgwatch-forwarder-2" })),
        ] {
            let done = scene.ask(&execution, Iam, operation, input);
            assert!(done.is_ok(), "{operation}: {done:?}");
        }
        let refused = scene.ask(&execution, Events, "DisableRule", json!({ "Name": RULE }));
        assert!(refused.as_ref().is_err_and(is_denial), "{refused:?}");
    });
}

#[test]
fn what_is_not_orgwatchs_is_as_free_as_before() {
    in_virtual_time(async {
        let scene = Scene::new().await;
        let _guard = Guard::new(&scene.stage);
        for account in [scene.member(), scene.central()] {
            for (service, operation, input) in [
                (Iam, "CreateUser", json!({ "UserName": "somebody" })),
                (
                    Iam,
                    "PutRolePolicy",
                    json!({ "RoleName": "theirs", "PolicyName": "b", "PolicyDocument": everything() }),
                ),
                (Events, "DisableRule", json!({ "Name": "theirs" })),
                (Events, "DeleteEventBus", json!({ "Name": "theirs" })),
                (Events, "DescribeEventBus", json!({ "Name": "default" })),
                (Sns, "DeleteTopic", json!({ "TopicArn": scene.arn("sns", account, "theirs") })),
                (Sqs, "DeleteQueue", json!({ "QueueUrl": format!("https://sqs/{account}/theirs") })),
            ] {
                scene.people(account, service, operation, input);
            }
        }
    });
}

impl Scene {
    /// A trail of the account's own; nobody is kept from making one.
    fn has_a_trail(&self, account: &str) {
        let input = json!({ "Name": "theirs", "S3BucketName": "theirs", "IsMultiRegionTrail": true });
        self.people(account, CloudTrail, "CreateTrail", input);
    }

    /// Fails with each attempt that somebody with every right in the account is not refused by the control policy, or
    /// in which the break-glass role fails.
    fn only_break_glass(&self, account: &str, attempts: &[Attempt]) {
        let wrong = |caller: &Caller, refused: bool| -> Vec<String> {
            let told = |(service, operation, input, gain): &Attempt| {
                let answer = self.ask(caller, *service, operation, input.clone());
                let right = match &answer {
                    Err(refusal) if refused => refusal.message.ends_with(DENIED),
                    // In use; the right to do it was there.
                    Err(refusal) => refusal.code == "DeleteConflict",
                    Ok(_) => !refused,
                };
                (!right).then(|| format!("{operation} {input}: would {gain}: {answer:?}"))
            };
            attempts.iter().filter_map(told).collect()
        };
        let administrator = self.stage.administrator(account);
        assert_eq!(wrong(&administrator, true), Vec::<String>::new(), "not refused");
        let break_glass = self.holder(account, BREAK_GLASS);
        assert_eq!(wrong(&break_glass, false), Vec::<String>::new(), "could not have succeeded");
    }
}

fn in_a_member(scene: &Scene) -> Vec<Attempt> {
    let member = scene.member();
    let mine = trusting(&scene.arn("iam", member, "root"));
    let boundary = scene.arn("iam", member, "policy/orgwatch-boundary");
    let mut attempts = ways_into_exempt_roles(scene, member);
    attempts.extend(at_the_trail());
    attempts.extend([
        (Events, "DisableRule", json!({ "Name": RULE }), "silence the account"),
        (Events, "EnableRule", json!({ "Name": RULE }), "undo what was done on purpose"),
        (Events, "PutRule", json!({ "Name": RULE, "EventPattern": r#"{"source":["x"]}"# }), "blunt the rule"),
        (
            Events,
            "PutTargets",
            json!({ "Rule": RULE, "Targets": [{ "Id": "ear", "Arn": scene.arn("sqs", member, "theirs") }] }),
            "listen",
        ),
        (Events, "RemoveTargets", json!({ "Rule": RULE, "Ids": ["ear"] }), "silence the account"),
        (
            Events,
            "UntagResource",
            json!({ "ResourceARN": scene.arn("events", member, &format!("rule/{RULE}")), "TagKeys": ["orgwatch:managed-by"] }),
            "make it nobody's",
        ),
        (Events, "PutRule", json!({ "Name": "orgwatch-x", "EventPattern": r#"{"source":["x"]}"# }), "take a name"),
        (Events, "DeleteRule", json!({ "Name": "orgwatch-x" }), "silence the account"),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": FORWARDER, "PolicyName": "deny", "PolicyDocument": everything() }),
            "break the role",
        ),
        (Iam, "UpdateAssumeRolePolicy", json!({ "RoleName": FORWARDER, "PolicyDocument": mine }), "enter the role"),
        (
            Iam,
            "AttachRolePolicy",
            json!({ "RoleName": FORWARDER, "PolicyArn": scene.of_aws("ReadOnlyAccess") }),
            "break the role",
        ),
        (Iam, "DeleteRolePermissionsBoundary", json!({ "RoleName": FORWARDER }), "unbind the role"),
        (Iam, "DeleteRole", json!({ "RoleName": FORWARDER }), "break the path"),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": "orgwatch-forwarder-x", "AssumeRolePolicyDocument": mine }),
            "be let in by the bus",
        ),
        (
            Iam,
            "CreatePolicyVersion",
            json!({ "PolicyArn": boundary, "PolicyDocument": everything(), "SetAsDefault": true }),
            "unbind every role",
        ),
    ]);
    attempts
}

fn in_the_central_account(scene: &Scene) -> Vec<Attempt> {
    let central = scene.central();
    let (guard, alarm) = ("orgwatch-guard-central", "orgwatch-heartbeat");
    let topic = scene.arn("sns", central, RULE);
    let letters = format!("https://sqs/{central}/orgwatch-dead-letters");
    let pattern = json!({ "source": ["x"] }).to_string();
    let mut attempts = ways_into_exempt_roles(scene, central);
    attempts.extend(at_the_trail());
    attempts.extend([
        (
            Iam,
            "UpdateAssumeRolePolicy",
            json!({ "RoleName": "orgwatch-task", "PolicyDocument": trusting(&scene.arn("iam", central, "root")) }),
            "become orgwatch everywhere",
        ),
        (
            Iam,
            "PutRolePolicy",
            json!({ "RoleName": "orgwatch-task", "PolicyName": "x", "PolicyDocument": everything() }),
            "lend orgwatch more rights",
        ),
        (Events, "DisableRule", json!({ "Name": RULE, "EventBusName": "orgwatch" }), "silence everybody"),
        (
            Events,
            "PutRule",
            json!({ "Name": "ear", "EventBusName": "orgwatch", "EventPattern": pattern }),
            "listen on the bus",
        ),
        (Events, "DeleteRule", json!({ "Name": "ear", "EventBusName": "orgwatch" }), "silence everybody"),
        (Events, "UpdateEventBus", json!({ "Name": "orgwatch", "Description": "x" }), "change the bus"),
        (
            Events,
            "PutPermission",
            json!({ "EventBusName": "orgwatch", "StatementId": "x", "Action": "events:PutEvents", "Principal": "*" }),
            "open the bus",
        ),
        (
            Events,
            "RemovePermission",
            json!({ "EventBusName": "orgwatch", "RemoveAllPermissions": true }),
            "close the bus to everybody",
        ),
        // On the default bus, where orgwatch's own rules are the task role's.
        (Events, "DisableRule", json!({ "Name": guard }), "tamper unheard"),
        (Events, "PutRule", json!({ "Name": guard, "EventPattern": pattern }), "tamper unheard"),
        (Sns, "Subscribe", json!({ "TopicArn": topic, "Protocol": "email", "Endpoint": EARS }), "listen"),
        (
            Sns,
            "SetTopicAttributes",
            json!({ "TopicArn": topic, "AttributeName": "DisplayName", "AttributeValue": "x" }),
            "change the topic",
        ),
        (Sns, "DeleteTopic", json!({ "TopicArn": topic }), "silence everybody"),
        (
            CloudWatch,
            "PutMetricAlarm",
            json!({ "AlarmName": alarm, "Namespace": "x", "MetricName": "x", "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "LessThanThreshold" }),
            "let nobody learn that orgwatch is dead",
        ),
        (
            CloudWatch,
            "SetAlarmState",
            json!({ "AlarmName": alarm, "StateValue": "OK", "StateReason": "x" }),
            "calm people down",
        ),
        (CloudWatch, "DisableAlarmActions", json!({ "AlarmNames": [alarm] }), "let nobody learn it"),
        (CloudWatch, "DeleteAlarms", json!({ "AlarmNames": [alarm] }), "let nobody learn it"),
        (Sqs, "PurgeQueue", json!({ "QueueUrl": letters }), "lose what could not be delivered"),
        (Sqs, "DeleteQueue", json!({ "QueueUrl": letters }), "lose what could not be delivered"),
    ]);
    attempts
}

/// What would let somebody be one of those whom the policy leaves out.
fn ways_into_exempt_roles(scene: &Scene, account: &str) -> Vec<Attempt> {
    let mine = trusting(&scene.arn("iam", account, "root"));
    let enter = |role: &str| json!({ "RoleName": role, "PolicyDocument": mine });
    let minted = "stacksets-exec-mallory";
    let with_path =
        json!({ "RoleName": "mallory", "Path": "/stacksets-exec-x/", "AssumeRolePolicyDocument": mine });
    vec![
        (Iam, "UpdateAssumeRolePolicy", enter("orgwatch-member"), "enter it"),
        (Iam, "UpdateAssumeRolePolicy", enter(EXECUTION), "enter it"),
        (Iam, "UpdateAssumeRolePolicy", enter(BREAK_GLASS), "enter it"),
        (
            Iam,
            "CreateRole",
            json!({ "RoleName": minted, "AssumeRolePolicyDocument": mine }),
            "have a role that is left out",
        ),
        (Iam, "DeleteRole", json!({ "RoleName": minted }), "take its place"),
        (Iam, "CreateRole", with_path, "have a role that is left out, by its path"),
        (
            Iam,
            "DeleteRolePolicy",
            json!({ "RoleName": "orgwatch-member", "PolicyName": "member-role-policy" }),
            "lock orgwatch out",
        ),
    ]
}

fn at_the_trail() -> Vec<Attempt> {
    let trail = |more: Value| {
        let mut input = json!({ "Name": "theirs" });
        if let (Some(input), Some(more)) = (input.as_object_mut(), more.as_object()) {
            input.extend(more.clone());
        }
        input
    };
    vec![
        (CloudTrail, "StopLogging", trail(json!({})), "starve the rules"),
        (CloudTrail, "UpdateTrail", trail(json!({ "S3BucketName": "mallory" })), "starve the rules"),
        (
            CloudTrail,
            "PutEventSelectors",
            json!({ "TrailName": "theirs", "EventSelectors": [{ "ReadWriteType": "ReadOnly", "IncludeManagementEvents": true }] }),
            "starve the rules",
        ),
        (CloudTrail, "DeleteTrail", trail(json!({})), "starve the rules"),
    ]
}
