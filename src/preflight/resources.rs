//! What resources tell that a person has to see to: what may not be read, is not ours, or waits for somebody.

use super::entrance::{hint, is_about_time, said, scp};
use super::hosts::Reach;
use super::{Code, Finding, Mend, Stacks};
use crate::judge::{self, NAME_TAKEN, NEWER_VERSION, STRANGER, SUBSCRIPTION_LOST};
use crate::kinds::key::{KEY_NOT_VERIFIED, KEY_REFUSES, KEY_UNCLEAR};
use crate::kinds::topic::{SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::resource::{Note, Resource, Verdict};
use crate::model::target::Side;
use crate::model::view::TargetView;
use crate::world::World;

/// What one look at a target tells; `in_management`: its roles come from another template.
pub(super) fn judge(world: &World, view: &TargetView, in_management: bool, reach: &Reach) -> Vec<Finding> {
    let at = |finding: Finding| match view.target.side {
        Side::Member => finding.of(&view.target.account),
        Side::Central | Side::Audit => finding,
    };
    let mut findings = Vec::new();
    for resource in &view.resources {
        if let Some(error) = resource.error.as_deref().filter(|error| !reach.explains(error)) {
            findings.push(of_error(world, view.target.side, in_management, error));
        }
        findings.extend(of_verdict(world, view, resource, in_management));
        findings.extend(resource.notes.iter().filter_map(of_note));
    }
    findings.into_iter().map(at).collect()
}

/// A call that was refused, or not answered.
pub(super) fn of_error(world: &World, side: Side, in_management: bool, error: &CloudError) -> Finding {
    let stacks = Stacks(world);
    match error.class {
        ErrorClass::Denied => {
            let mend = match side {
                Side::Central => stacks.task(),
                Side::Audit => stacks.alarms(),
                Side::Member if in_management => stacks.organization(),
                Side::Member => stacks.renew_members(),
            };
            // AWS names the resource too, which differs from call to call; the right is what is missing.
            let found = format!("{}:{} is refused", error.service, error.operation);
            Finding::new(Code::MissingPermission, found, mend)
        }
        ErrorClass::DeniedByScp => scp(error),
        ErrorClass::Credentials if is_about_time(error) => {
            Finding::new(Code::ClockSkew, said(error), Mend::say("set the clock by a time service"))
        }
        _ => Finding::new(Code::Unreadable, said(error), Mend::say(hint(error))),
    }
}

fn of_verdict(world: &World, view: &TargetView, resource: &Resource, in_management: bool) -> Option<Finding> {
    let what = format!("{} in {}", resource.id, view.target.region);
    match (resource.verdict, resource.reason) {
        (Verdict::Foreign, Some(STRANGER)) => None,
        (_, Some(NEWER_VERSION)) => {
            let mend = Mend::say("upgrade this orgwatch: one of a later version has written it");
            Some(Finding::new(
                Code::NewerVersion,
                format!("{what} is of a newer version, and left alone"),
                mend,
            ))
        }
        (Verdict::Foreign, reason) => {
            let told =
                reason.filter(|reason| *reason != NAME_TAKEN).map(|r| format!(" ({r})")).unwrap_or_default();
            let adopt = format!(
                "rename it, or take it over: `reconcile.adopt = [\"{}:{}/{}/{}\"]`",
                resource.id.kind, view.target.account, view.target.region, resource.id.name
            );
            let found = format!("{what} stands at a name of ours, and is not ours{told}");
            Some(Finding::new(Code::NameTaken, found, Mend::say(adopt)))
        }
        (Verdict::Drifted, Some(SUBSCRIPTION_LOST)) => {
            let mend = Mend::say(
                "ask the people whether they mean it; then subscribe the address again, or take it out",
            );
            Some(Finding::new(Code::SubscriptionLost, format!("{what} has lost a subscription twice"), mend))
        }
        // What nobody plans to change, somebody else has to.
        (Verdict::Drifted, _) if view.plan.changes.iter().all(|change| change.resource != resource.id) => {
            not_ours(world, resource, &what, in_management)
        }
        _ => None,
    }
}

/// What only its owner may put right.
fn not_ours(world: &World, resource: &Resource, what: &str, in_management: bool) -> Option<Finding> {
    let fields: Vec<&str> = resource.changes.iter().map(|change| change.path.as_str()).take(3).collect();
    let differs = if judge::is_missing(resource) {
        "is not there".to_owned()
    } else {
        format!("differs in {}", fields.join(", "))
    };
    match resource.id.kind {
        "forwarding_role" if in_management => {
            let found = format!("{what} {differs}; in the management account orgwatch writes no role");
            Some(Finding::new(Code::ForwardingRole, found, Stacks(world).organization()))
        }
        "forwarding_role" => {
            let mend = Mend::say(
                "let its owner make it: `member.forwarding_role` is \"existing\", so orgwatch does not",
            )
            .template("deploy/iam/forwarding-role-policy.json");
            Some(Finding::new(Code::ForwardingRole, format!("{what} {differs}"), mend))
        }
        "delivery_role" => {
            let mend = Mend::say("in the central account: make the role that publishes")
                .template("deploy/iam/delivery-role-policy.json");
            Some(Finding::new(Code::DeliveryRole, format!("{what} {differs}"), mend))
        }
        // A key tells by its note what its policy needs.
        "kms_key" if resource.notes.iter().any(|note| note.reason == KEY_REFUSES) => None,
        "kms_key" => {
            let found = format!("{what} cannot be used: {}", states(resource));
            Some(Finding::new(
                Code::KeyRefuses,
                found,
                Mend::say("enable the key, or name another one in `kms_key_arn`"),
            ))
        }
        _ => None,
    }
}

fn states(resource: &Resource) -> String {
    let told =
        resource.changes.iter().map(|change| format!("{} is {}", change.path, change.observed.as_str()));
    told.collect::<Vec<_>>().join(", ")
}

fn of_note(note: &Note) -> Option<Finding> {
    let message = note.message.clone();
    let owner = || Mend::say("let the key's owner give its policy these statements");
    let (code, mend) = match note.reason {
        KEY_REFUSES => (Code::KeyRefuses, owner()),
        KEY_NOT_VERIFIED | KEY_UNCLEAR => (Code::KeyNotVerified, owner()),
        SUBSCRIPTION_PENDING => (Code::SubscriptionPending, Mend::say("click the link in the mail")),
        SUSPENDED_BY_VOLUME => (
            Code::SubscriptionSuspended,
            Mend::say("narrow the alert, or add a queue or a URL; then subscribe the address again"),
        ),
        _ => return None,
    };
    Some(Finding::new(code, message, mend))
}
