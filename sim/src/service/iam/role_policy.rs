//! What roles may do: inline policies, attached policies, permissions boundaries.

use serde_json::{Value, json};

use super::page::Page;
use super::{check, current, document, known, refusal, role, seen};
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: the inline policies of a role together have at most so many characters, white space not counted.
const LARGEST_INLINE: usize = 10_240;

/// AWS: at most so many managed policies are attached to a role by default.
const MOST_ATTACHED: usize = 10;

pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let found = role::authorize(world, call, "iam:PutRolePolicy", |keys, role| {
        keys.boundary(role.and_then(|role| role.boundary.as_deref()))
    })?;
    check::name(call, "PolicyName", 128)?;
    let policy_name = call.required("PolicyName")?;
    let text = document::text(call, "PolicyDocument")?;
    let role = found.changeable()?;
    let others = role.inline.iter().filter(|(other, _)| *other != policy_name);
    let size: usize = others.map(|(_, document)| document.size()).sum::<usize>() + document::size(text);
    if size > LARGEST_INLINE {
        let message = format!("Maximum policy size of {LARGEST_INLINE} bytes exceeded for role {name}");
        return Err(refusal::limit(message));
    }
    let document = document::read_document(text)?;
    role::change(world, call, name, |role| {
        role.inline.insert(policy_name.to_owned(), document);
    })
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    role::authorize(world, call, "iam:GetRolePolicy", |keys, _| keys)?;
    let policy_name = call.required("PolicyName")?;
    let role = seen(world, call).roles.get(name).ok_or_else(|| refusal::no_such_role(name))?;
    let document = role.inline.get(policy_name).ok_or_else(|| refusal::no_such_role_policy(policy_name))?;
    Ok(json!({ "RoleName": name, "PolicyName": policy_name, "PolicyDocument": document.encoded() }))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let found = role::authorize(world, call, "iam:DeleteRolePolicy", |keys, role| {
        keys.boundary(role.and_then(|role| role.boundary.as_deref()))
    })?;
    let policy_name = call.required("PolicyName")?;
    if !found.changeable()?.inline.contains_key(policy_name) {
        return Err(refusal::no_such_role_policy(policy_name));
    }
    role::change(world, call, name, |role| {
        role.inline.remove(policy_name);
    })
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    role::authorize(world, call, "iam:ListRolePolicies", |keys, _| keys)?;
    let page = Page::of(call)?;
    let role = seen(world, call).roles.get(name).ok_or_else(|| refusal::no_such_role(name))?;
    let items = role.inline.range::<str, _>(page.range()).map(|(name, _)| (name.as_str(), json!(name)));
    Ok(page.answer("PolicyNames", items).into())
}

/// Whether the policy can be attached in the account: it is the account's own, or AWS's.
pub(super) fn is_attachable(world: &World, account: &str, arn: &str) -> bool {
    known::name_of(world.partition, arn).is_some()
        || current(world, account).is_some_and(|iam| iam.policies.contains_key(arn))
}

pub(super) fn attach(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let arn = call.required("PolicyArn")?;
    let found = role::authorize(world, call, "iam:AttachRolePolicy", |keys, role| {
        keys.policy_arn(arn).boundary(role.and_then(|role| role.boundary.as_deref()))
    })?;
    check::policy_arn(call, "PolicyArn")?;
    let role = found.changeable()?;
    if !is_attachable(world, &call.caller.account, arn) {
        return Err(refusal::not_attachable(arn));
    }
    if role.attached.contains(arn) {
        return Ok(Value::Null);
    }
    if role.attached.len() >= MOST_ATTACHED {
        return Err(refusal::quota("PoliciesPerRole", MOST_ATTACHED));
    }
    role::change(world, call, name, |role| {
        role.attached.insert(arn.to_owned());
    })
}

pub(super) fn detach(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let arn = call.required("PolicyArn")?;
    let found = role::authorize(world, call, "iam:DetachRolePolicy", |keys, role| {
        keys.policy_arn(arn).boundary(role.and_then(|role| role.boundary.as_deref()))
    })?;
    check::policy_arn(call, "PolicyArn")?;
    if !found.changeable()?.attached.contains(arn) {
        return Err(refusal::no_such_policy(arn));
    }
    role::change(world, call, name, |role| {
        role.attached.remove(arn);
    })
}

pub(super) fn list_attached(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    role::authorize(world, call, "iam:ListAttachedRolePolicies", |keys, _| keys)?;
    let (page, prefix) = (Page::of(call)?, call.text("PathPrefix").unwrap_or("/"));
    let role = seen(world, call).roles.get(name).ok_or_else(|| refusal::no_such_role(name))?;
    let items = role
        .attached
        .range::<str, _>(page.range())
        .filter(|arn| known::path_of(arn).starts_with(prefix))
        .map(|arn| {
            let name = arn.rsplit('/').next();
            (arn.as_str(), json!({ "PolicyName": name, "PolicyArn": arn }))
        });
    Ok(page.answer("AttachedPolicies", items).into())
}

/// A permissions boundary must be a policy of the account, or AWS's.
pub(super) fn check_boundary(world: &World, call: &Call, arn: &str) -> Result<(), Refusal> {
    check::policy_arn(call, "PermissionsBoundary")?;
    if is_attachable(world, &call.caller.account, arn) { Ok(()) } else { Err(refusal::not_a_boundary(arn)) }
}

pub(super) fn put_boundary(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let arn = call.required("PermissionsBoundary")?;
    let found =
        role::authorize(world, call, "iam:PutRolePermissionsBoundary", |keys, _| keys.boundary(Some(arn)))?;
    found.changeable()?;
    check_boundary(world, call, arn)?;
    role::change(world, call, name, |role| role.boundary = Some(arn.to_owned()))
}

pub(super) fn delete_boundary(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let found = role::authorize(world, call, "iam:DeleteRolePermissionsBoundary", |keys, role| {
        keys.boundary(role.and_then(|role| role.boundary.as_deref()))
    })?;
    found.changeable()?;
    role::change(world, call, name, |role| role.boundary = None)
}
