//! Values for the tests of this module.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::call::{Call, RuleTarget};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, Region, RoleArn};
use crate::model::partition::Partition;
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{FieldChange, Note, Resource, ResourceId, Verdict};
use crate::model::target::{Side, TargetKey};
use crate::model::view::TargetView;

/// A name that tries to clear the screen, to forge a line and to reverse what is read.
pub(super) const HOSTILE: &str = "pay\u{1b}[2Jroll\u{9b}31m\nPlan: nothing\u{202e}";

pub(crate) fn account(n: usize) -> AccountId {
    (333_333_333_333 + n * 1_111_111_111).to_string().parse().unwrap()
}

pub(crate) fn region() -> Region {
    Partition::Aws.iam_events_region()
}

pub(crate) fn central() -> TargetKey {
    TargetKey { side: Side::Central, account: "222222222222".parse().unwrap(), region: region() }
}

pub(crate) fn member(n: usize) -> TargetKey {
    TargetKey { side: Side::Member, account: account(n), region: region() }
}

pub(crate) fn id(kind: &'static str, name: &str) -> ResourceId {
    ResourceId { kind, name: name.to_owned() }
}

pub(crate) fn field(path: &str, observed: Value, desired: Value) -> FieldChange {
    FieldChange { path: path.to_owned(), desired: desired.into(), observed: observed.into() }
}

pub(crate) fn hold(reason: &'static str, message: &str, waits: bool) -> Option<Hold> {
    Some(Hold { reason, message: message.to_owned(), waits })
}

pub(crate) fn change(action: Action, resource: ResourceId, reason: &str) -> Change {
    let stage = match action {
        Action::Create => Stage::Expand,
        Action::Update => Stage::Switch,
        Action::Delete => Stage::Contract,
    };
    Change {
        resource,
        action,
        stage,
        reason: reason.to_owned(),
        fields: [].into(),
        calls: vec![],
        hold: None,
    }
}

/// The creation of the sender rule that every member has.
pub(crate) fn create_sender_rule(target: &TargetKey) -> Change {
    let pattern = json!({
        "source": ["aws.iam"],
        "detail": {
            "eventSource": ["iam.amazonaws.com"],
            "eventName": [{ "anything-but": { "prefix": ["Get", "List", "Simulate", "Generate"] } }],
        },
    });
    let name = "orgwatch-iam-changes".to_owned();
    let role_arn = role(target, "orgwatch-forwarder");
    Change {
        fields: [
            field("description", Value::Null, json!("managed by orgwatch/orgwatch v1")),
            field("pattern", Value::Null, pattern.clone()),
            field("state", Value::Null, json!("ENABLED")),
            field("targets.central.role_arn", Value::Null, json!(role_arn)),
            field("tags.orgwatch:managed-by", Value::Null, json!("orgwatch")),
        ]
        .into(),
        calls: vec![
            Call::PutRule {
                bus: "default".to_owned(),
                name: name.clone(),
                pattern: pattern.into(),
                state: "ENABLED".to_owned(),
                description: "managed by orgwatch/orgwatch v1".to_owned(),
                tags: Arc::default(),
            },
            Call::PutTargets { bus: "default".to_owned(), rule: name.clone(), targets: targets(role_arn) },
        ],
        ..change(Action::Create, id("sender_rule", &name), "the rule is not there")
    }
}

fn role(target: &TargetKey, name: &str) -> String {
    RoleArn::new(Partition::Aws, target.account.clone(), name).to_string()
}

fn targets(role_arn: String) -> std::collections::BTreeMap<String, Box<RuleTarget>> {
    let target = RuleTarget {
        arn: format!("arn:{}:events:{}:{}:event-bus/orgwatch", Partition::Aws, region(), central().account),
        role_arn: Some(role_arn),
        retry_attempts: None,
        retry_seconds: None,
        dead_letter: None,
        transformer: None,
        foreign_input: None,
    };
    [("central".to_owned(), Box::new(target))].into()
}

pub(crate) fn resource(id: ResourceId, verdict: Verdict) -> Resource {
    Resource { id, verdict, reason: None, changes: [].into(), error: None, notes: vec![] }
}

pub(crate) fn note(reason: &'static str, message: &str) -> Note {
    Note::new(reason, message)
}

/// A refusal whose message names the account, as AWS's do.
pub(crate) fn denied(target: &TargetKey) -> CloudError {
    CloudError {
        class: ErrorClass::Denied,
        service: "sts",
        operation: "AssumeRole",
        account: Some(target.account.clone()),
        region: Some(target.region.clone()),
        code: "AccessDenied".to_owned(),
        message: format!("not authorized to assume {}", role(target, "orgwatch-member")),
        request_id: Some(format!("request-of-{}", target.account)),
        hint: "install the member role's template in this account".to_owned(),
    }
}

/// A target where everything is as desired.
pub(crate) fn view(target: TargetKey) -> TargetView {
    TargetView {
        plan: Plan { target: target.clone(), changes: vec![] },
        target,
        resources: vec![resource(id("sender_rule", "orgwatch-iam-changes"), Verdict::InSync)],
        error: None,
        observed_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        last_change_at: None,
        observed_generation: 1,
    }
}

/// A target where `changes` are planned, each for a drifted resource.
pub(crate) fn planned(target: TargetKey, changes: Vec<Change>) -> Arc<TargetView> {
    let resources = changes.iter().map(|c| resource(c.resource.clone(), Verdict::Drifted)).collect();
    Arc::new(TargetView { plan: Plan { target: target.clone(), changes }, resources, ..view(target) })
}

/// A target without changes whose resources are these.
pub(crate) fn judged(target: TargetKey, resources: Vec<Resource>) -> Arc<TargetView> {
    Arc::new(TargetView { resources, ..view(target) })
}
