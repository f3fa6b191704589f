//! Users and groups, in a simple form: they can be made and changed, but nobody signs calls as one of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Keys;
use super::page::Page;
use super::{Document, arn, change, check, current, document, iso, refusal, role_policy, seen, tag};
use crate::call::{Call, Principal, Refusal, Service};
use crate::service::sts;
use crate::world::World;

/// AWS: the inline policies of a user together have at most so many characters, white space not counted.
const LARGEST_INLINE: usize = 2048;

/// AWS: a user has at most so many access keys.
const MOST_KEYS: usize = 2;

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Its path, `/` or `/some/path/`.
    pub path: String,
    /// Its unique id, `AIDA…`.
    pub id: String,
    /// Its ARN, with the path.
    pub arn: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its inline policies by name.
    pub inline: BTreeMap<String, Document>,
    /// The ARNs of its attached policies.
    pub attached: BTreeSet<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its access keys.
    pub access_keys: Vec<AccessKey>,
    /// When its password was made, if it has one.
    pub login_profile: Option<Timestamp>,
}

/// A user's access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// `AKIA…`.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its ARN, with the path.
    pub arn: String,
}

fn show(user: &User, whole: bool) -> Value {
    let mut shown = json!({
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": user.arn,
        "CreateDate": iso(user.created_at),
    });
    if whole {
        shown["Tags"] = tag::show(&user.tags);
    }
    shown
}

/// Authorizes an action on the user in `UserName`; answers it as it was written last, if it exists.
fn authorize<'w>(
    world: &'w World,
    call: &Call,
    action: &str,
    add: impl FnOnce(Keys) -> Keys,
) -> Result<Option<&'w User>, Refusal> {
    let name = call.required("UserName")?;
    let account = &call.caller.account;
    let user = current(world, account).and_then(|iam| iam.users.get(name));
    let resource = user.map_or_else(|| arn(world, account, "user", "/", name), |user| user.arn.clone());
    let keys = user.map_or_else(Keys::new, |user| Keys::new().resource_tags(&user.tags));
    world.authorize(call, action, &resource, add(keys).into())?;
    Ok(user)
}

/// As [`authorize`], for a user that must exist.
fn existing<'w>(
    world: &'w World,
    call: &Call,
    action: &str,
    add: impl FnOnce(Keys) -> Keys,
) -> Result<&'w User, Refusal> {
    let name = call.required("UserName")?;
    authorize(world, call, action, add)?.ok_or_else(|| refusal::no_such_user(name))
}

fn change_user(world: &mut World, call: &Call, how: impl FnOnce(&mut User)) -> Result<(), Refusal> {
    let name = call.required("UserName")?;
    let users = &mut change(world, &call.caller.account).users;
    how(users.get_mut(name).ok_or_else(|| refusal::no_such_user(name))?);
    Ok(())
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (account, tags) = (&call.caller.account, tag::given(call));
    let name = call.required("UserName")?;
    let path = call.text("Path").unwrap_or("/");
    let resource = arn(world, account, "user", path, name);
    let context = || Keys::new().boundary(call.text("PermissionsBoundary")).request_tags(&tags).into();
    world.authorize(call, "iam:CreateUser", &resource, context())?;
    if !tags.is_empty() {
        world.authorize(call, "iam:TagUser", &resource, context())?;
    }
    check::name(call, "UserName", 64)?;
    check::path(call)?;
    tag::check(&tags)?;
    let taken = current(world, account)
        .is_some_and(|iam| iam.users.keys().any(|other| other.eq_ignore_ascii_case(name)));
    if taken {
        return Err(refusal::exists(format!("User with name {name} already exists.")));
    }
    let user = User {
        name: name.to_owned(),
        path: path.to_owned(),
        id: world.unique_id("AIDA", 17),
        arn: resource,
        created_at: world.now(),
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        tags: tag::owned(&tags),
        access_keys: Vec::new(),
        login_profile: None,
    };
    let shown = show(&user, true);
    change(world, account).users.insert(name.to_owned(), user);
    Ok(json!({ "User": shown }))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let Some(name) = call.text("UserName") else { return get_own(world, call) };
    authorize(world, call, "iam:GetUser", |keys| keys)?;
    let user = seen(world, call).users.get(name).ok_or_else(|| refusal::no_such_user(name))?;
    Ok(json!({ "User": show(user, true) }))
}

/// AWS: without a name GetUser tells of the user whose key signed the call.
fn get_own(world: &World, call: &Call) -> Result<Value, Refusal> {
    if matches!(call.caller.principal, Principal::Session(_)) {
        let message = "Must specify userName when calling with non-User credentials";
        return Err(Refusal::invalid(Service::Iam, message));
    }
    let arn = call.caller.arn(world.partition.name);
    world.authorize(call, "iam:GetUser", &arn, Keys::new().into())?;
    Ok(json!({ "User": {
        "Path": "/",
        "UserName": "administrator",
        "UserId": sts::ADMINISTRATOR_ID,
        "Arn": arn,
        "CreateDate": iso(Timestamp::UNIX_EPOCH),
    } }))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:DeleteUser", |keys| keys)?;
    let obstacle = if !user.access_keys.is_empty() {
        "must delete access keys first."
    } else if user.login_profile.is_some() {
        "must delete login profile first."
    } else if !user.attached.is_empty() {
        "must detach all policies first."
    } else if !user.inline.is_empty() {
        "must delete policies first."
    } else {
        let name = user.name.clone();
        change(world, &call.caller.account).users.remove(&name);
        return Ok(Value::Null);
    };
    Err(refusal::conflict(format!("Cannot delete entity, {obstacle}")))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "iam:ListUsers", "*", Keys::new().into())?;
    let (page, prefix) = (Page::of(call)?, call.text("PathPrefix").unwrap_or("/"));
    let items = seen(world, call)
        .users
        .range::<str, _>(page.range())
        .filter(|(_, user)| user.path.starts_with(prefix))
        .map(|(name, user)| (name.as_str(), show(user, false)));
    Ok(page.answer("Users", items).into())
}

pub(super) fn create_access_key(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:CreateAccessKey", |keys| keys)?;
    if user.access_keys.len() >= MOST_KEYS {
        return Err(refusal::quota("AccessKeysPerUser", MOST_KEYS));
    }
    let name = user.name.clone();
    let key = AccessKey { id: sts::access_key(world, "AKIA", &call.caller.account), created_at: world.now() };
    let shown = json!({
        "UserName": name,
        "AccessKeyId": key.id,
        "Status": "Active",
        "SecretAccessKey": sts::secret(world, 30),
        "CreateDate": iso(key.created_at),
    });
    change_user(world, call, |user| user.access_keys.push(key))?;
    Ok(json!({ "AccessKey": shown }))
}

pub(super) fn delete_access_key(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:DeleteAccessKey", |keys| keys)?;
    let id = call.required("AccessKeyId")?;
    if !user.access_keys.iter().any(|key| key.id == id) {
        return Err(refusal::no_such(format!("The Access Key with id {id} cannot be found.")));
    }
    change_user(world, call, |user| user.access_keys.retain(|key| key.id != id))?;
    Ok(Value::Null)
}

pub(super) fn list_access_keys(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    authorize(world, call, "iam:ListAccessKeys", |keys| keys)?;
    let name = call.required("UserName")?;
    let user = seen(world, call).users.get(name).ok_or_else(|| refusal::no_such_user(name))?;
    let keys: Vec<Value> = user
        .access_keys
        .iter()
        .map(|key| {
            let created = iso(key.created_at);
            json!({ "UserName": name, "AccessKeyId": key.id, "Status": "Active", "CreateDate": created })
        })
        .collect();
    Ok(json!({ "AccessKeyMetadata": keys, "IsTruncated": false }))
}

pub(super) fn create_login_profile(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:CreateLoginProfile", |keys| keys)?;
    call.required("Password")?;
    if user.login_profile.is_some() {
        return Err(refusal::exists(format!("Login Profile for user {} already exists.", user.name)));
    }
    let (name, now) = (user.name.clone(), world.now());
    change_user(world, call, |user| user.login_profile = Some(now))?;
    let reset = call.flag("PasswordResetRequired").unwrap_or(false);
    Ok(
        json!({ "LoginProfile": { "UserName": name, "CreateDate": iso(now), "PasswordResetRequired": reset } }),
    )
}

pub(super) fn delete_login_profile(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:DeleteLoginProfile", |keys| keys)?;
    if user.login_profile.is_none() {
        return Err(refusal::no_such(format!("Login Profile for User {} cannot be found.", user.name)));
    }
    change_user(world, call, |user| user.login_profile = None)?;
    Ok(Value::Null)
}

pub(super) fn put_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:PutUserPolicy", |keys| keys)?;
    check::name(call, "PolicyName", 128)?;
    let policy_name = call.required("PolicyName")?;
    let text = document::text(call, "PolicyDocument")?;
    let others = user.inline.iter().filter(|(other, _)| *other != policy_name);
    let size: usize = others.map(|(_, document)| document.size()).sum::<usize>() + document::size(text);
    if size > LARGEST_INLINE {
        let message =
            format!("Maximum policy size of {LARGEST_INLINE} bytes exceeded for user {}", user.name);
        return Err(refusal::limit(message));
    }
    let document = document::read_document(text)?;
    change_user(world, call, |user| {
        user.inline.insert(policy_name.to_owned(), document);
    })?;
    Ok(Value::Null)
}

pub(super) fn delete_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let user = existing(world, call, "iam:DeleteUserPolicy", |keys| keys)?;
    let policy_name = call.required("PolicyName")?;
    if !user.inline.contains_key(policy_name) {
        return Err(refusal::no_such(format!("The user policy with name {policy_name} cannot be found.")));
    }
    change_user(world, call, |user| {
        user.inline.remove(policy_name);
    })?;
    Ok(Value::Null)
}

pub(super) fn attach_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let policy = call.required("PolicyArn")?;
    existing(world, call, "iam:AttachUserPolicy", |keys| keys.policy_arn(policy))?;
    check::policy_arn(call, "PolicyArn")?;
    if !role_policy::is_attachable(world, &call.caller.account, policy) {
        return Err(refusal::not_attachable(policy));
    }
    change_user(world, call, |user| {
        user.attached.insert(policy.to_owned());
    })?;
    Ok(Value::Null)
}

pub(super) fn detach_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let policy = call.required("PolicyArn")?;
    let user = existing(world, call, "iam:DetachUserPolicy", |keys| keys.policy_arn(policy))?;
    check::policy_arn(call, "PolicyArn")?;
    if !user.attached.contains(policy) {
        return Err(refusal::no_such_policy(policy));
    }
    change_user(world, call, |user| {
        user.attached.remove(policy);
    })?;
    Ok(Value::Null)
}

pub(super) fn create_group(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let account = &call.caller.account;
    let name = call.required("GroupName")?;
    let path = call.text("Path").unwrap_or("/");
    let group_arn = arn(world, account, "group", path, name);
    world.authorize(call, "iam:CreateGroup", &group_arn, Keys::new().into())?;
    check::name(call, "GroupName", 128)?;
    check::path(call)?;
    let taken = current(world, account)
        .is_some_and(|iam| iam.groups.keys().any(|other| other.eq_ignore_ascii_case(name)));
    if taken {
        return Err(refusal::exists(format!("Group with name {name} already exists.")));
    }
    let shown = json!({
        "Path": path,
        "GroupName": name,
        "GroupId": world.unique_id("AGPA", 17),
        "Arn": group_arn,
        "CreateDate": iso(world.now()),
    });
    let group = Group { name: name.to_owned(), arn: group_arn };
    change(world, account).groups.insert(name.to_owned(), group);
    Ok(json!({ "Group": shown }))
}

pub(super) fn delete_group(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let account = &call.caller.account;
    let name = call.required("GroupName")?;
    let group = current(world, account).and_then(|iam| iam.groups.get(name));
    let resource = group.map_or_else(|| arn(world, account, "group", "/", name), |group| group.arn.clone());
    world.authorize(call, "iam:DeleteGroup", &resource, Keys::new().into())?;
    if group.is_none() {
        return Err(refusal::no_such(format!("The group with name {name} cannot be found.")));
    }
    change(world, account).groups.remove(name);
    Ok(Value::Null)
}
