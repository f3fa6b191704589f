//! Roles themselves: making, reading, changing and deleting them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::context::Keys;
use super::page::Page;
use super::{
    Role, arn, change as change_iam, check, current, document, iso, refusal, role_policy, seen, tag,
};
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: an account has at most so many roles by default.
const MOST: usize = 1000;

/// AWS: a trust policy has at most so many characters by default.
const LONGEST_TRUST: usize = 2048;

/// The role that a call is about, as it was written last, if it exists.
pub(super) struct Found<'w> {
    name: &'w str,
    role: Option<&'w Role>,
}

impl<'w> Found<'w> {
    /// The role, which must exist.
    pub(super) fn existing(&self) -> Result<&'w Role, Refusal> {
        self.role.ok_or_else(|| refusal::no_such_role(self.name))
    }

    /// The role, which must exist and be the account's own to change.
    pub(super) fn changeable(&self) -> Result<&'w Role, Refusal> {
        let role = self.existing()?;
        if role.is_service_linked() { Err(refusal::protected(&role.name)) } else { Ok(role) }
    }
}

/// Authorizes an action on the role in `RoleName`, whether it exists or not; `add` adds condition keys to its tags'.
pub(super) fn authorize<'w>(
    world: &'w World,
    call: &'w Call,
    action: &str,
    add: impl FnOnce(Keys, Option<&Role>) -> Keys,
) -> Result<Found<'w>, Refusal> {
    let name = call.required("RoleName")?;
    let account = &call.caller.account;
    let role = current(world, account).and_then(|iam| iam.roles.get(name));
    let resource = role.map_or_else(|| arn(world, account, "role", "/", name), |role| role.arn.clone());
    world.authorize(call, action, &resource, add(Keys::about(role), role).into())?;
    Ok(Found { name, role })
}

/// Changes the role of that name, which exists.
pub(super) fn change(
    world: &mut World,
    call: &Call,
    name: &str,
    how: impl FnOnce(&mut Role),
) -> Result<Value, Refusal> {
    if let Some(role) = change_iam(world, &call.caller.account).roles.get_mut(name) {
        how(role);
    }
    Ok(Value::Null)
}

/// As answers carry it. AWS: lists leave out the tags, the boundary and the last use.
fn show(role: &Role, whole: bool) -> Value {
    let mut shown = json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": iso(role.created_at),
        "AssumeRolePolicyDocument": role.trust.encoded(),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
    });
    if whole {
        shown["Tags"] = tag::show(&role.tags);
        if let Some(boundary) = &role.boundary {
            shown["PermissionsBoundary"] =
                json!({ "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary });
        }
    }
    shown
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (account, tags) = (&call.caller.account, tag::given(call));
    let name = call.required("RoleName")?;
    let path = call.text("Path").unwrap_or("/");
    let boundary = call.text("PermissionsBoundary");
    let resource = arn(world, account, "role", path, name);
    let context = || Keys::new().boundary(boundary).request_tags(&tags).into();
    world.authorize(call, "iam:CreateRole", &resource, context())?;
    if !tags.is_empty() {
        world.authorize(call, "iam:TagRole", &resource, context())?;
    }
    check::name(call, "RoleName", 64)?;
    check::path(call)?;
    check::description(call)?;
    check::max_session_duration(call)?;
    tag::check(&tags)?;
    if path.starts_with(super::SERVICE_LINKED) {
        return Err(refusal::invalid_input(
            "The path /aws-service-role/ is reserved for service-linked roles.",
        ));
    }
    let text = document::text(call, "AssumeRolePolicyDocument")?;
    if let Some(iam) = current(world, account) {
        // AWS: two names may not differ in nothing but their case.
        if iam.roles.contains_key(name) || iam.roles.keys().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(refusal::exists(format!("Role with name {name} already exists.")));
        }
        if iam.roles.len() >= MOST {
            return Err(refusal::quota("RolesPerAccount", MOST));
        }
    }
    let trust = read_trust(world, text)?;
    if let Some(boundary) = boundary {
        role_policy::check_boundary(world, call, boundary)?;
    }
    let role = Role {
        name: name.to_owned(),
        path: path.to_owned(),
        id: world.unique_id("AROA", 17),
        arn: resource,
        created_at: world.now(),
        description: call.text("Description").map(str::to_owned),
        trust,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        boundary: boundary.map(str::to_owned),
        tags: tag::owned(&tags),
        max_session_duration: call.number("MaxSessionDuration").unwrap_or(3600),
    };
    let shown = show(&role, true);
    change_iam(world, account).put_role(role);
    Ok(json!({ "Role": shown }))
}

fn read_trust(world: &World, text: &str) -> Result<super::Document, Refusal> {
    if text.chars().count() > LONGEST_TRUST {
        return Err(refusal::quota("ACLSizePerRole", LONGEST_TRUST));
    }
    document::read_trust(world, text)
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    authorize(world, call, "iam:GetRole", |keys, _| keys)?;
    check::name(call, "RoleName", 64)?;
    let role = seen(world, call).roles.get(name).ok_or_else(|| refusal::no_such_role(name))?;
    let mut shown = show(role, true);
    // AWS fills it some hours after a use only, so it stays empty here.
    shown["RoleLastUsed"] = json!({});
    Ok(json!({ "Role": shown }))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let role = authorize(world, call, "iam:DeleteRole", |keys, _| keys)?.changeable()?;
    if !role.attached.is_empty() {
        return Err(refusal::conflict("Cannot delete entity, must detach all policies first."));
    }
    if !role.inline.is_empty() {
        return Err(refusal::conflict("Cannot delete entity, must delete policies first."));
    }
    change_iam(world, &call.caller.account).roles.remove(name);
    Ok(Value::Null)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "iam:ListRoles", "*", Keys::new().into())?;
    let (page, prefix) = (Page::of(call)?, call.text("PathPrefix").unwrap_or("/"));
    let items = seen(world, call)
        .roles
        .range::<str, _>(page.range())
        .filter(|(_, role)| role.path.starts_with(prefix))
        .map(|(name, role)| (name.as_str(), show(role, false)));
    Ok(page.answer("Roles", items).into())
}

pub(super) fn update(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let role = authorize(world, call, "iam:UpdateRole", |keys, _| keys)?;
    check::description(call)?;
    check::max_session_duration(call)?;
    let seconds = call.number("MaxSessionDuration");
    // AWS: of a service-linked role only the description can be changed.
    if seconds.is_some() {
        role.changeable()?
    } else {
        role.existing()?
    };
    change(world, call, name, |role| {
        if let Some(description) = call.text("Description") {
            role.description = Some(description.to_owned());
        }
        if let Some(seconds) = seconds {
            role.max_session_duration = seconds;
        }
    })?;
    Ok(json!({}))
}

pub(super) fn update_description(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let found = authorize(world, call, "iam:UpdateRoleDescription", |keys, _| keys)?;
    check::description(call)?;
    let description = call.required("Description")?;
    let mut role = found.existing()?.clone();
    role.description = Some(description.to_owned());
    let shown = show(&role, true);
    change(world, call, name, |present| *present = role)?;
    Ok(json!({ "Role": shown }))
}

pub(super) fn update_trust(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("RoleName")?;
    let found = authorize(world, call, "iam:UpdateAssumeRolePolicy", |keys, _| keys)?;
    let text = document::text(call, "PolicyDocument")?;
    found.changeable()?;
    let trust = read_trust(world, text)?;
    change(world, call, name, |role| role.trust = trust)
}
