//! The session policies: what they list is used, on each side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use orgwatch::aws::session_policy::{AUDIT_READS, CENTRAL_READS, INBOX, MEMBER_READS, ORGANIZATION_READS};
use orgwatch_sim::call::{Call, Service};
use serde_json::Value;

use super::policies::{parsed, strings};
use super::scenario::{Home, Scenario};
use crate::stage::in_virtual_time;

/// The sessions of one role with policies that list the same actions, what these are, and which of them were used.
#[derive(Debug, Default)]
struct Sessions {
    /// By access key: the role's name and the actions that its session policy lists.
    open: BTreeMap<String, (String, BTreeSet<String>)>,
    /// By role and listed actions: the actions that calls of such sessions needed.
    used: BTreeMap<(String, BTreeSet<String>), BTreeSet<String>>,
    /// Calls of sessions that were opened without a policy.
    unlimited: Vec<String>,
}

impl Sessions {
    fn note(&mut self, call: &Call, result: &Value) {
        let key = &call.caller.access_key;
        if let Some(of) = self.open.get(key).cloned() {
            self.used.entry(of).or_default().extend(needed(call));
        } else if !["test", ""].contains(&key.as_str()) && call.service != Service::Sts {
            self.unlimited.push(format!("{}:{}", call.service, call.operation));
        }
        if call.operation == "AssumeRole" {
            let role = call.text("RoleArn").and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
            let listed = call.text("Policy").map(listed).unwrap_or_default();
            let opened = result["Credentials"]["AccessKeyId"].as_str().unwrap_or_default();
            self.used.entry((role.to_owned(), listed.clone())).or_default();
            self.open.insert(opened.to_owned(), (role.to_owned(), listed));
        }
    }

    /// What sessions of the role used that list exactly these.
    fn used_of(&self, role: &str, listed: &[&str]) -> BTreeSet<String> {
        let listed: BTreeSet<String> = listed.iter().map(|action| (*action).to_owned()).collect();
        self.used.get(&(role.to_owned(), listed)).cloned().unwrap_or_default()
    }
}

/// The actions of a policy.
fn listed(policy: &str) -> BTreeSet<String> {
    let policy = parsed(policy);
    policy["Statement"].as_array().into_iter().flatten().flat_map(|s| strings(&s["Action"])).collect()
}

/// The actions that AWS asks for with a call: its own, and what goes with it.
fn needed(call: &Call) -> Vec<String> {
    let mut needed = vec![format!("{}:{}", call.service, call.operation)];
    let with = |name: &str| call.input.get(name).is_some_and(|value| !value.is_null());
    let target_role = || call.list("Targets").iter().any(|target| target.get("RoleArn").is_some());
    match (call.service, call.operation.as_str()) {
        (Service::Events, "PutRule" | "CreateEventBus") if with("Tags") => {
            needed.push("events:TagResource".to_owned());
        }
        (Service::Events, "PutTargets") if target_role() => needed.push("iam:PassRole".to_owned()),
        (Service::Sns, "Subscribe") if call.text("Protocol") == Some("firehose") => {
            needed.push("iam:PassRole".to_owned());
        }
        (Service::CloudWatch, "PutMetricAlarm") if with("Tags") => {
            needed.push("cloudwatch:TagResource".to_owned());
        }
        (Service::Sns, "CreateTopic") if with("Tags") => needed.push("sns:TagResource".to_owned()),
        // Everything is encrypted with a customer's key here, which the caller uses by way of the service.
        (Service::Sqs, "ReceiveMessage") => needed.push("kms:Decrypt".to_owned()),
        (Service::Sqs, "CreateQueue") if with("tags") => needed.push("sqs:TagQueue".to_owned()),
        (Service::Iam, "CreateRole") if with("Tags") => needed.push("iam:TagRole".to_owned()),
        // AWS: a batch is allowed by the action for one.
        (Service::Sqs, "DeleteMessageBatch") => needed = vec!["sqs:DeleteMessage".to_owned()],
        (Service::Sqs, "ChangeMessageVisibilityBatch") => {
            needed = vec!["sqs:ChangeMessageVisibility".to_owned()];
        }
        _ => {}
    }
    needed
}

/// Plays everything with the product away from the task role, so that every session is an assumed one.
fn played() -> Sessions {
    in_virtual_time(async {
        let scenario = Scenario::new(Home::Elsewhere);
        let sessions: Arc<Mutex<Sessions>> = Arc::default();
        let noted = Arc::clone(&sessions);
        scenario.stage.simulator.watch(move |_, call, result| {
            if let Ok(output) = result {
                noted.lock().unwrap().note(call, output);
            }
        });
        scenario.play(false).await.unwrap_or_else(|error| panic!("{error}"));
        std::mem::take(&mut *sessions.lock().unwrap())
    })
}

#[test]
fn every_action_that_a_session_policy_lists_is_used_on_its_side_and_no_session_goes_without_one() {
    let sessions = played();
    assert_eq!(sessions.unlimited, Vec::<String>::new());
    let inbox = [INBOX.as_slice(), &["kms:Decrypt"]].concat();
    for (role, listed) in [
        ("orgwatch-member", MEMBER_READS.as_slice()),
        ("orgwatch-task", CENTRAL_READS.as_slice()),
        ("orgwatch-alarms", AUDIT_READS.as_slice()),
        ("orgwatch-organization-reader", ORGANIZATION_READS.as_slice()),
        ("orgwatch-task", &["sts:AssumeRole"]),
        ("orgwatch-task", inbox.as_slice()),
    ] {
        let all: BTreeSet<String> = listed.iter().map(|action| (*action).to_owned()).collect();
        let used = sessions.used_of(role, listed);
        let idle: Vec<&String> = all.difference(&used).collect();
        assert!(idle.is_empty(), "the session policy of {role} lists what nothing needs: {idle:?}");
    }
    // Writing sessions: each is for one plan, so what they list is held against what all of them of a side did.
    for (role, reads) in
        [("orgwatch-member", MEMBER_READS.as_slice()), ("orgwatch-task", CENTRAL_READS.as_slice())]
    {
        // In the central account the task role also looks at the trail's log group, with the policy of any role that does.
        let reads = [reads, AUDIT_READS.as_slice()]
            .map(|reads| reads.iter().map(|action| (*action).to_owned()).collect::<BTreeSet<String>>());
        let others = ["sts:AssumeRole", "sqs:ReceiveMessage"];
        let writing = sessions.used.iter().filter(|((of, listed), _)| {
            of == role && !reads.contains(listed) && !others.iter().any(|other| listed.contains(*other))
        });
        let (mut granted, mut used) = (BTreeSet::new(), BTreeSet::new());
        for ((_, listed), of_these) in writing {
            granted.extend(listed.clone());
            used.extend(of_these.clone());
        }
        assert!(!granted.is_empty(), "no session of {role} wrote");
        let idle: Vec<&String> = granted.difference(&used).collect();
        assert!(idle.is_empty(), "writing sessions of {role} are granted what nothing needs: {idle:?}");
    }
}

#[test]
fn a_session_that_looks_makes_no_writing_call() {
    let sessions = played();
    for ((role, listed), used) in &sessions.used {
        let verbs = ["Get", "List", "Describe", "AssumeRole"];
        let reads = |action: &String| {
            let operation = action.split_once(':').map(|(_, operation)| operation).unwrap_or_default();
            verbs.iter().any(|verb| operation.starts_with(verb))
        };
        if listed.iter().all(reads) {
            assert!(used.iter().all(reads), "{role}: {used:?}");
        }
    }
}
