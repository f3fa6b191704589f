//! Service control policies.

use std::sync::Arc;

use serde_json::{Value, json};

use super::paging::Asked;
use super::standing::{
    self, Who, context, invalid, length, no_pattern, no_target, permit, target_id, violated,
};
use super::{ControlPolicy, FULL_ACCESS, tags};
use crate::call::{Call, Refusal};
use crate::policy::{Context, Policy, PolicyKind};
use crate::service::iam::Document;
use crate::world::World;

/// AWS: a service control policy is at most so long.
const LONGEST: usize = 5_120;
/// AWS: a target has at most so many service control policies.
const MOST_ATTACHED: usize = 5;
const KIND: &str = "SERVICE_CONTROL_POLICY";

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let mut keys = tags::requested(call);
    keys.extend(of_kind());
    permit(world, call, Who::Management, "*", keys)?;
    kind(call.required("Type")?)?;
    let name = call.required("Name")?;
    length(name, 1, 128)?;
    let description = call.required("Description")?;
    length(description, 0, 512)?;
    let document = read(call.required("Content")?)?;
    let given = tags::read(call)?;
    unused(world, name, None)?;
    let id = world.unique_id("p-", 8).to_lowercase();
    world.organization.policies.insert(id.clone(), ControlPolicy { name: name.to_owned(), document });
    let note = world.organization.notes.entry(id.clone()).or_default();
    note.description = description.to_owned();
    note.tags = given;
    Ok(show(world, &id))
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = existing(world, call, Who::Management)?;
    if id == FULL_ACCESS {
        return Err(invalid("You can't modify a policy that is managed by AWS."));
    }
    let document = call.text("Content").map(read).transpose()?;
    if let Some(name) = call.text("Name") {
        length(name, 1, 128)?;
        unused(world, name, Some(&id))?;
    }
    if let Some(description) = call.text("Description") {
        length(description, 0, 512)?;
        world.organization.notes.entry(id.clone()).or_default().description = description.to_owned();
    }
    if let Some(policy) = world.organization.policies.get_mut(&id) {
        if let Some(name) = call.text("Name") {
            policy.name = name.to_owned();
        }
        if let Some(document) = document {
            policy.document = document;
        }
    }
    Ok(show(world, &id))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = existing(world, call, Who::Management)?;
    if id == FULL_ACCESS {
        return Err(invalid("You can't delete a policy that is managed by AWS."));
    }
    if world.organization.attachments.values().any(|attached| attached.contains(&id)) {
        let message = "The policy is attached to one or more entities. You must detach it from all roots, OUs, and \
                       accounts before performing this operation.";
        return Err(Refusal::bad("PolicyInUseException", message));
    }
    world.organization.policies.remove(&id);
    world.organization.notes.remove(&id);
    Ok(Value::Null)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = existing(world, call, Who::Reader)?;
    Ok(show(world, &id))
}

pub(super) fn attach(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (id, target) = pair(world, call)?;
    let attached = world.organization.attachments.entry(target).or_default();
    if attached.contains(&id) {
        let message = "The selected policy is already attached to the specified target.";
        return Err(Refusal::bad("DuplicatePolicyAttachmentException", message));
    }
    if attached.len() >= MOST_ATTACHED {
        return Err(violated("You have attached the maximum number of policies of this type to the target."));
    }
    attached.insert(id);
    Ok(Value::Null)
}

pub(super) fn detach(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (id, target) = pair(world, call)?;
    let attached = world.organization.attachments.entry(target).or_default();
    if !attached.contains(&id) {
        return Err(Refusal::bad(
            "PolicyNotAttachedException",
            "The policy isn't attached to the specified target in the specified root.",
        ));
    }
    if attached.len() == 1 {
        return Err(violated("You cannot remove the last policy attached to the specified target."));
    }
    attached.remove(&id);
    Ok(Value::Null)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Reader, "*", of_kind())?;
    kind(call.required("Filter")?)?;
    let asked = Asked::read(world, call, "")?;
    let page = world.organization.policies.range::<str, _>(asked.range()).map(|(id, _)| (id.as_str(), id));
    Ok(asked.answer("Policies", page, |id| summary(world, id)))
}

pub(super) fn list_for_target(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let target = target_id(call, "TargetId")?;
    permit(world, call, Who::Reader, &standing::arn(world, target), of_kind())?;
    kind(call.required("Filter")?)?;
    let asked = Asked::read(world, call, target)?;
    if !world.organization.is_target(target) {
        return Err(no_target());
    }
    let attached = world.organization.attachments.get(target);
    let page = attached.into_iter().flat_map(|ids| ids.range::<str, _>(asked.range()));
    Ok(asked.answer("Policies", page.map(|id| (id.as_str(), id)), |id| summary(world, id)))
}

/// The policy and target of the call, which both exist.
fn pair(world: &World, call: &Call) -> Result<(String, String), Refusal> {
    let target = target_id(call, "TargetId")?;
    // AWS authorizes on both.
    permit(world, call, Who::Management, &standing::arn(world, target), of_kind())?;
    let id = existing(world, call, Who::Management)?;
    if !world.organization.is_target(target) {
        return Err(no_target());
    }
    Ok((id, target.to_owned()))
}

fn existing(world: &World, call: &Call, who: Who) -> Result<String, Refusal> {
    let id = call.required("PolicyId")?;
    if !id.starts_with("p-") {
        return Err(no_pattern());
    }
    permit(world, call, who, &standing::arn(world, id), of_kind())?;
    if world.organization.policies.contains_key(id) {
        Ok(id.to_owned())
    } else {
        Err(Refusal::bad(
            "PolicyNotFoundException",
            "We can't find a policy with the PolicyId that you specified.",
        ))
    }
}

fn kind(given: &str) -> Result<(), Refusal> {
    match given {
        KIND => Ok(()),
        other if other.ends_with("_POLICY") || other == "DECLARATIVE_POLICY_EC2" => Err(Refusal::bad(
            "PolicyTypeNotAvailableForOrganizationException",
            "You can't use the specified policy type with the feature set currently enabled for the organization.",
        )),
        _ => Err(invalid("You specified an invalid policy type.")),
    }
}

fn of_kind() -> Context {
    context([("organizations:policytype", KIND)])
}

fn read(text: &str) -> Result<Document, Refusal> {
    if text.chars().count() > LONGEST {
        return Err(violated("You have exceeded the maximum size of a policy document."));
    }
    let policy = Policy::parse_as(PolicyKind::ServiceControl, text).map_err(|_| {
        Refusal::bad(
            "MalformedPolicyDocumentException",
            "The provided policy document does not meet the requirements of the specified policy type.",
        )
    })?;
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

fn unused(world: &World, name: &str, by: Option<&str>) -> Result<(), Refusal> {
    let taken = |(id, policy): (&String, &ControlPolicy)| policy.name == name && Some(id.as_str()) != by;
    if world.organization.policies.iter().any(taken) {
        return Err(Refusal::bad("DuplicatePolicyException", "A policy with the same name already exists."));
    }
    Ok(())
}

fn show(world: &World, id: &str) -> Value {
    let content = world.organization.policies.get(id).map(|policy| &*policy.document.text);
    json!({ "Policy": { "PolicySummary": summary(world, id), "Content": content } })
}

fn summary(world: &World, id: &str) -> Value {
    let organization = &world.organization;
    json!({
        "Id": id,
        "Arn": standing::arn(world, id),
        "Name": organization.policies.get(id).map(|policy| policy.name.as_str()),
        "Description": organization.notes.get(id).map(|note| note.description.as_str()).unwrap_or_default(),
        "Type": KIND,
        "AwsManaged": id == FULL_ACCESS,
    })
}
