//! Who only looks cannot write, and who writes can write nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orgwatch::{
    aws::{
        Cloud,
        credentials::{Broker, SessionSettings},
    },
    clock::Clock,
    model::{call::Call as Write, error::ErrorClass},
};
use serde_json::Value;

use super::scene::{SOON, Scene, account};
use crate::{
    proxy::Call,
    sdk::{self, block_on},
    wait::eventually,
};

const READS: [&str; 14] = [
    "account:List",
    "cloudtrail:Describe",
    "cloudtrail:Get",
    "cloudwatch:Describe",
    "events:Describe",
    "events:List",
    "iam:Get",
    "iam:List",
    "logs:Describe",
    "organizations:Describe",
    "organizations:List",
    "sns:Get",
    "sns:List",
    "sqs:",
];

/// Action and resource of everything that a session policy allows; it must allow nothing by any other means.
fn allowed(policy: &Value) -> BTreeSet<(String, String)> {
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    let text = |value: &Value| value.as_str().expect("a policy is made of texts").to_owned();
    let mut allowed = BTreeSet::new();
    for statement in list(&policy["Statement"]) {
        assert_eq!(statement["Effect"], "Allow");
        for key in ["NotAction", "NotResource"] {
            assert_eq!(statement.get(key), None);
        }
        for action in list(&statement["Action"]) {
            for resource in list(&statement["Resource"]) {
                allowed.insert((text(&action), text(&resource)));
            }
        }
    }
    allowed
}

fn only_reads(policy: &Value) -> bool {
    allowed(policy).iter().all(|(action, _)| {
        let verb = action.strip_prefix("sqs:").map(|operation| format!("sns:{operation}"));
        let action = verb.as_deref().unwrap_or(action);
        READS.iter().any(|read| action.starts_with(read))
    })
}

fn session_policy(call: &Call) -> Value {
    call.session_policy().unwrap_or_else(|| panic!("a session without a policy: {call:?}"))
}

#[test]
fn a_daemon_that_observes_writes_nothing_whatever_it_sees() {
    let scene = Scene::installed(8);
    let central = &scene.seed.central_account_id;
    let [one, two, three] = [0, 1, 2].map(|n| scene.member(n));
    let drifts =
        [(one, "rule-deleted"), (two, "role-policy"), (three, "target-foreign"), (central, "bus-policy")];
    for (account, drift) in drifts {
        scene.emulator.drift(account, drift);
    }
    let before = scene.read_back();
    let orgwatch = scene.orgwatch(&scene.config().with("reconcile.mode = 'observe'"));
    let daemon = orgwatch.serve();
    let shown = || {
        let drift = daemon.get("/api/v1/drift").json();
        let items = drift["items"].as_array().expect("it is a list").clone();
        let what = |item: Value| {
            let fields = item["changes"].as_array().expect("it is a list").iter();
            let fields: Vec<String> = fields.map(|field| field["path"].to_string()).collect();
            [&item["account"], &item["kind"], &item["name"]].map(ToString::to_string).join(" ")
                + &fields.join(" ")
        };
        items.into_iter().map(what).collect::<Vec<_>>()
    };
    let first = eventually("it has looked everywhere", SOON, || Some(shown()).filter(|all| all.len() == 4));
    let accounts =
        |lines: &[String]| drifts.iter().filter(|(id, _)| lines.iter().any(|line| line.contains(id))).count();
    assert_eq!(accounts(&first), 4, "{first:?}");
    let looks = || {
        let member = |call: &Call| call.operation == "GetRole" && call.account.as_deref() == Some(one);
        scene.proxy.calls().into_iter().filter(member).count()
    };
    eventually("it looked several times", SOON, || (looks() >= 4).then_some(()));
    assert_eq!(shown(), first, "what nobody repairs stays as it is shown");
    assert_eq!(account(&daemon, one)["coverage"], "broken");
    daemon.post("/api/v1/reconcile");
    let seen = looks();
    eventually("it looked once more", SOON, || (looks() > seen).then_some(()));
    daemon.stop();

    assert_eq!(scene.proxy.writes().len(), 0);
    assert_eq!(scene.read_back(), before);
    let sessions = scene.proxy.calls().into_iter().filter(|call| call.operation == "AssumeRole");
    let policies: Vec<Value> = sessions.map(|call| session_policy(&call)).collect();
    assert!(policies.len() >= 6, "one for each account and one for the organization");
    for policy in policies {
        assert!(only_reads(&policy), "{policy}");
    }
}

/// The actions of a writing session that its calls need beyond those of their own names.
fn needed_besides(operation: &str) -> &'static [&'static str] {
    match operation {
        "CreateRole" => &["iam:TagRole"],
        "PutRule" => &["events:TagResource"],
        "PutTargets" => &["iam:PassRole"],
        _ => &[],
    }
}

/// Checks every writing session of members since the proxy was cleared; answers how many there were.
fn check_writing_sessions(scene: &Scene) -> usize {
    let central_key = &scene.seed.central_credentials.access_key_id;
    let mut sessions = 0;
    let mut open: BTreeMap<String, (Value, BTreeSet<String>)> = BTreeMap::new();
    let mut ended: Vec<(String, Value, BTreeSet<String>)> = Vec::new();
    for call in scene.proxy.calls() {
        if let Some(account) = call.assumed_account() {
            let policy = session_policy(&call);
            assert!(call.field("Policy").is_some_and(|text| text.len() <= 2_048), "STS takes no longer one");
            if only_reads(&policy) {
                continue;
            }
            sessions += 1;
            if let Some((policy, needed)) = open.insert(account.clone(), (policy, BTreeSet::new())) {
                ended.push((account, policy, needed));
            }
        } else if call.is_write() && &call.access_key != central_key {
            let account = call.account.clone().expect("the proxy has seen its session begin");
            let (_, needed) = open.get_mut(&account).expect("a session was asked for before it was used");
            needed.insert(format!("{}:{}", call.service, call.operation));
            needed.extend(needed_besides(&call.operation).iter().map(|&action| action.to_owned()));
        }
    }
    ended.extend(open.into_iter().map(|(account, (policy, needed))| (account, policy, needed)));
    for (account, policy, needed) in ended {
        let allowed = allowed(&policy);
        let actions: BTreeSet<String> = allowed.iter().map(|(action, _)| action.clone()).collect();
        // TagRole and TagResource are allowed with what they belong to, and also a call of their own.
        assert_eq!(actions, needed, "{account}: {policy}");
        let ours = [
            format!("arn:aws:events:us-east-1:{account}:rule/orgwatch-"),
            format!("arn:aws:iam::{account}:role/orgwatch-forwarder"),
        ];
        for (action, resource) in allowed {
            assert!(ours.iter().any(|name| resource.starts_with(name)), "{action} on {resource}");
        }
    }
    sessions
}

#[test]
fn a_session_that_can_write_is_asked_for_only_to_write_and_can_do_just_that() {
    let scene = Scene::new(8);
    scene.apply().expect_code(0);
    assert_eq!(check_writing_sessions(&scene), 6, "one for each account in which something is made");

    scene.proxy.clear();
    scene.apply().expect_code(0);
    assert_eq!(check_writing_sessions(&scene), 0, "nobody writes, so nobody may");

    scene.proxy.clear();
    for (n, drift) in ["role-trust", "target-foreign", "role-attached", "rule-bare-put"].iter().enumerate() {
        scene.emulator.drift(scene.member(n), drift);
    }
    scene.apply().expect_code(0);
    assert_eq!(check_writing_sessions(&scene), 4);
}

#[test]
fn a_session_that_only_reads_sends_no_write() {
    let scene = Scene::new(6);
    let cloud = Cloud::new(&sdk::central(scene.proxy.endpoint(), &scene.seed), Arc::new(|_, _, _| ()));
    let settings = SessionSettings {
        home: scene.seed.central_account_id.parse().expect("it is an id"),
        sts_region: "us-east-1".parse().expect("it is a Region"),
        via: None,
        central: None,
        external_id: None,
        source_identity: None,
        duration: std::time::Duration::from_secs(3600),
        session_name: "orgwatch".to_owned(),
    };
    let session = Broker::new(cloud.clone(), settings, Clock::system()).ambient();
    let arn = || "arn:aws:sns:us-east-1:111111111111:orgwatch-iam-changes".to_owned();
    let name = || "orgwatch-forwarder".to_owned();
    let writes = [
        Write::DeleteRule { bus: "default".to_owned(), name: "orgwatch-iam-changes".to_owned() },
        Write::DeleteTopic { arn: arn() },
        Write::DeleteRole { name: name() },
        Write::CreateQueue { name: name(), attributes: BTreeMap::new(), tags: BTreeMap::new() },
    ];
    for write in writes {
        let refused = block_on(cloud.execute(&session, &write, &BTreeMap::new()));
        let error = refused.expect_err("a read-only session sends no write");
        assert_eq!(error.class, ErrorClass::NotSent, "{error}");
    }
    assert_eq!(scene.proxy.calls().len(), 0);
}
