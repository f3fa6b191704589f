use serde_json::Value;

use super::*;
use crate::kinds::{KINDS, Mark, Seen};
use crate::model::plan::{Action, Stage};
use crate::model::resource::ResourceId;
use crate::world::fixture::{self, settings};

/// The most characters that STS takes.
const LONGEST: usize = 2048;

/// The longest names that may be configured.
fn large(sections: &str) -> crate::config::Settings {
    let watch = |n: usize| {
        format!("[[watch]]\nname = 'w{}{n}'\npattern = '{{\"source\":[\"aws.s{n}\"]}}'\n", "x".repeat(20))
    };
    let alert = |n: usize| {
        format!(
            "[[alert]]\nname = 'a{}{n}'\ndisplay_name = 'd'\n\
             subscriptions = [{{ protocol = 'email', endpoint = 'a@example.com' }}]\n",
            "x".repeat(20)
        )
    };
    let all: String = (0..10).map(watch).chain((0..10).map(alert)).collect();
    let compliance = "[compliance]\nmetric_alarms = ['cis-4']\n";
    let text = format!(
        "installation = 'abcdefghijklmnopqrst'\n{sections}[guard]\nenabled = true\n{compliance}{all}"
    );
    settings(&text)
}

/// Every call that could be needed in a target: all is made, or all is mended, or all is taken away.
fn changes(world: &World, target: &Target) -> Vec<Vec<Change>> {
    let change = |kind: &dyn crate::kinds::AnyKind, name: &str, calls| Change {
        resource: ResourceId { kind: kind.name(), name: name.to_owned() },
        action: Action::Update,
        stage: Stage::Switch,
        reason: String::new(),
        fields: [].into(),
        calls,
        hold: None,
    };
    let (mut made, mut mended, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    for kind in KINDS.iter().filter(|kind| kind.side() == target.key.side) {
        for (name, desired) in kind.desired(world, target) {
            let spoilt = Seen { spec: spoilt(&desired), mark: Mark::Foreign, notes: Vec::new() };
            made.push(change(*kind, &name, kind.mend(world, target, &name, &desired, None)));
            mended.push(change(*kind, &name, kind.mend(world, target, &name, &desired, Some(&spoilt))));
            removed.push(change(*kind, &name, kind.removal(world, target, &name, &spoilt).calls));
        }
    }
    vec![made, mended, removed]
}

/// A spec in which everything differs and something does not belong.
fn spoilt(desired: &Value) -> Value {
    let mut spec = desired.clone();
    for (field, value) in spec.as_object_mut().unwrap() {
        *value = match (field.as_str(), &*value) {
            ("policies", _) => json!({ "x": {} }),
            ("attached", _) => json!(["arn:aws:iam::aws:policy/AdministratorAccess"]),
            ("targets", Value::Object(targets)) => {
                let one = targets.values().next().unwrap();
                json!({ "x": one })
            }
            (_, Value::String(_)) => json!("other"),
            (_, Value::Object(_)) => json!({}),
            (_, other) => other.clone(),
        };
    }
    spec
}

fn statements(policy: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(policy).unwrap()["Statement"].as_array().unwrap().clone()
}

fn actions(policy: &str) -> BTreeSet<String> {
    let all = statements(policy).into_iter().map(|s| s["Action"].clone());
    all.flat_map(|a| match a {
        Value::Array(items) => items,
        one => vec![one],
    })
    .map(|action| action.as_str().unwrap().to_owned())
    .collect()
}

#[test]
fn a_session_that_looks_can_only_look() {
    for policy in [reads(Side::Member), reads(Side::Central), reads(Side::Audit), organization()] {
        assert!(policy.len() <= LONGEST);
        for action in actions(&policy) {
            let operation = action.split_once(':').unwrap().1;
            assert!(["List", "Get", "Describe"].iter().any(|p| operation.starts_with(p)), "{action}");
            // Reads of secrets and contents have such names too.
            assert!(!["GetObject", "GetSecretValue", "GetFederationToken"].contains(&operation), "{action}");
        }
        assert!(statements(&policy).iter().all(|s| s["Effect"] == "Allow"));
    }
}

#[test]
fn a_session_on_the_way_to_others_can_only_become_a_role() {
    let policy = assume(crate::model::partition::Partition::China);
    let expected =
        json!({ "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": "arn:aws-cn:iam::*:role/*" });
    assert_eq!(statements(&policy), [expected]);
}

#[test]
fn the_largest_plan_of_either_side_fits_into_a_session_policy() {
    let settings = large("");
    let world = fixture::world(&settings);
    for target in [fixture::member(&settings), fixture::central(&settings), fixture::audit(&settings)] {
        for changes in changes(&world, &target) {
            let policy = writes(&world, &target, changes.iter());
            assert!(policy.len() <= LONGEST, "{} characters: {policy}", policy.len());
        }
    }
}

#[test]
fn a_writing_session_can_do_what_its_plan_does_and_nothing_else() {
    let settings = settings("");
    let world = fixture::world(&settings);
    let target = fixture::member(&settings);
    let all = changes(&world, &target);
    let of = |changes: &[Change]| {
        actions(&writes(&world, &target, changes.iter())).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(
        of(&all[0]),
        [
            "events:PutRule",
            "events:PutTargets",
            "events:TagResource",
            "iam:CreateRole",
            "iam:PassRole",
            "iam:PutRolePolicy",
            "iam:TagRole"
        ]
    );
    assert_eq!(
        of(&all[2]),
        [
            "events:DeleteRule",
            "events:RemoveTargets",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:PutRolePermissionsBoundary"
        ]
    );
    let one = |call: Call| {
        let change = Change { calls: vec![call], ..all[0][0].clone() };
        statements(&writes(&world, &target, [&change].into_iter()))
    };
    let role = "orgwatch-forwarder".to_owned();
    assert_eq!(
        one(Call::DeleteRole { name: role }),
        [json!({ "Effect": "Allow", "Action": ["iam:DeleteRole"],
                 "Resource": "arn:aws:iam::300000000001:role/orgwatch-forwarder" })]
    );
    assert_eq!(
        one(Call::DeleteRule { bus: "default".to_owned(), name: "orgwatch-x".to_owned() }),
        [json!({ "Effect": "Allow", "Action": ["events:DeleteRule"],
                 "Resource": "arn:aws:events:us-east-1:300000000001:rule/orgwatch-*" })]
    );
}

#[test]
fn every_operation_of_a_plan_is_granted() {
    let settings = settings("[compliance]\nmetric_alarms = ['cis-4']\n");
    let world = fixture::world(&settings);
    for target in [fixture::member(&settings), fixture::central(&settings), fixture::audit(&settings)] {
        for changes in changes(&world, &target) {
            let granted = actions(&writes(&world, &target, changes.iter()));
            for call in changes.iter().flat_map(|c| &c.calls) {
                let wanted = match call {
                    Call::TagQueue { .. } => "sqs:TagQueue".to_owned(),
                    call => format!("{}:{}", call.service(), call.operation()),
                };
                assert!(granted.contains(&wanted), "{wanted} is missing in {granted:?}");
            }
        }
    }
}

#[test]
fn a_role_is_passed_to_eventbridge_alone_and_only_the_forwarding_role() {
    let settings = settings("");
    let (world, target) = (fixture::world(&settings), fixture::member(&settings));
    for changes in changes(&world, &target) {
        for statement in statements(&writes(&world, &target, changes.iter())) {
            if statement["Action"].to_string().contains("iam:PassRole") {
                assert_eq!(
                    statement,
                    json!({ "Effect": "Allow", "Action": "iam:PassRole",
                            "Resource": "arn:aws:iam::300000000001:role/orgwatch-forwarder",
                            "Condition": { "StringEquals": { "iam:PassedToService": "events.amazonaws.com" } } })
                );
            }
        }
    }
}
