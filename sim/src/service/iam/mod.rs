//! Identity and Access Management: roles, users, groups and customer-managed policies.

mod check;
mod context;
mod document;
mod install;
mod known;
mod managed;
mod page;
mod refusal;
mod role;
mod role_policy;
mod tag;
#[cfg(test)]
pub(crate) mod tests;
mod user;
mod version;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::{Call, Refusal};
use crate::policy::Policy;
use crate::world::World;

pub(crate) use check::{Constraints, is_name_letter};
pub use document::{read_document, read_trust};
pub use install::{NewPolicy, NewRole, install_policy, install_role};
pub(crate) use known::managed_by_aws;
pub(crate) use tag::{Given, check as check_tags, given as given_tags};
pub use user::{AccessKey, Group, User};

/// One account's principals and policies.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Customer-managed policies by ARN.
    pub policies: BTreeMap<String, ManagedPolicy>,
    /// Users by name.
    pub users: BTreeMap<String, User>,
    /// Groups by name.
    pub groups: BTreeMap<String, Group>,
}

/// A policy document: as it was written, and as it is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The JSON text, as it was given.
    pub text: Arc<str>,
    /// The same, parsed once.
    pub policy: Arc<Policy>,
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name, unique in the account whatever the path.
    pub name: String,
    /// Its path, `/` or `/some/path/`.
    pub path: String,
    /// Its unique id, `AROA…`.
    pub id: String,
    /// Its ARN, with the path.
    pub arn: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it says of itself.
    pub description: Option<String>,
    /// Who may assume it.
    pub trust: Document,
    /// Its inline policies by name.
    pub inline: BTreeMap<String, Document>,
    /// The ARNs of its attached policies.
    pub attached: BTreeSet<String>,
    /// The ARN of its permissions boundary.
    pub boundary: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The longest session in seconds.
    pub max_session_duration: i64,
}

impl Role {
    /// Whether a service made the role for itself, so that its account cannot change it.
    pub fn is_service_linked(&self) -> bool {
        self.path.starts_with(SERVICE_LINKED)
    }

    /// Whether the role is as old as a role must be before others see it.
    pub fn is_usable(&self, now: Timestamp, lag: SignedDuration) -> bool {
        self.created_at.saturating_add(lag).is_ok_and(|usable| usable <= now)
    }
}

/// The path of roles that services make for themselves.
const SERVICE_LINKED: &str = "/aws-service-role/";

/// A customer-managed policy.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// Its name.
    pub name: String,
    /// Its path, `/` or `/some/path/`.
    pub path: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// What it says of itself; it cannot change.
    pub description: Option<String>,
    /// Its default version.
    pub document: Document,
    /// Which version is the default; `v1` at first.
    pub version: u32,
    /// All its versions by number, the default one included.
    pub versions: BTreeMap<u32, Version>,
    /// The number of the version made last, which is never given again.
    pub latest: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last got a version.
    pub updated_at: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl ManagedPolicy {
    /// A policy with one version and no tags, in the path `/`.
    pub fn new(name: impl Into<String>, id: String, document: Document, created_at: Timestamp) -> Self {
        let first = Version { document: document.clone(), created_at };
        Self {
            name: name.into(),
            path: "/".to_owned(),
            id,
            description: None,
            document,
            version: 1,
            versions: BTreeMap::from([(1, first)]),
            latest: 1,
            created_at,
            updated_at: created_at,
            tags: BTreeMap::new(),
        }
    }
}

/// A version of a customer-managed policy.
#[derive(Clone, Debug)]
pub struct Version {
    /// What it says.
    pub document: Document,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Performs one operation.
///
/// # Errors
/// What IAM refuses it with.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "CreateRole" => role::create(world, call),
        "GetRole" => role::get(world, call),
        "DeleteRole" => role::delete(world, call),
        "ListRoles" => role::list(world, call),
        "UpdateRole" => role::update(world, call),
        "UpdateRoleDescription" => role::update_description(world, call),
        "UpdateAssumeRolePolicy" => role::update_trust(world, call),
        "PutRolePolicy" => role_policy::put(world, call),
        "GetRolePolicy" => role_policy::get(world, call),
        "DeleteRolePolicy" => role_policy::delete(world, call),
        "ListRolePolicies" => role_policy::list(world, call),
        "AttachRolePolicy" => role_policy::attach(world, call),
        "DetachRolePolicy" => role_policy::detach(world, call),
        "ListAttachedRolePolicies" => role_policy::list_attached(world, call),
        "PutRolePermissionsBoundary" => role_policy::put_boundary(world, call),
        "DeleteRolePermissionsBoundary" => role_policy::delete_boundary(world, call),
        "TagRole" => tag::tag_role(world, call),
        "UntagRole" => tag::untag_role(world, call),
        "ListRoleTags" => tag::list_role_tags(world, call),
        "CreatePolicy" => managed::create(world, call),
        "GetPolicy" => managed::get(world, call),
        "DeletePolicy" => managed::delete(world, call),
        "ListPolicies" => managed::list(world, call),
        "GetPolicyVersion" => version::get(world, call),
        "ListPolicyVersions" => version::list(world, call),
        "CreatePolicyVersion" => version::create(world, call),
        "SetDefaultPolicyVersion" => version::set_default(world, call),
        "DeletePolicyVersion" => version::delete(world, call),
        "TagPolicy" => tag::tag_policy(world, call),
        "UntagPolicy" => tag::untag_policy(world, call),
        "ListPolicyTags" => tag::list_policy_tags(world, call),
        "CreateUser" => user::create(world, call),
        "GetUser" => user::get(world, call),
        "DeleteUser" => user::delete(world, call),
        "ListUsers" => user::list(world, call),
        "CreateAccessKey" => user::create_access_key(world, call),
        "DeleteAccessKey" => user::delete_access_key(world, call),
        "ListAccessKeys" => user::list_access_keys(world, call),
        "CreateLoginProfile" => user::create_login_profile(world, call),
        "DeleteLoginProfile" => user::delete_login_profile(world, call),
        "PutUserPolicy" => user::put_policy(world, call),
        "DeleteUserPolicy" => user::delete_policy(world, call),
        "AttachUserPolicy" => user::attach_policy(world, call),
        "DetachUserPolicy" => user::detach_policy(world, call),
        "CreateGroup" => user::create_group(world, call),
        "DeleteGroup" => user::delete_group(world, call),
        "ListAccountAliases" => {
            world.authorize(call, "iam:ListAccountAliases", "*", BTreeMap::new())?;
            Ok(json!({ "AccountAliases": [], "IsTruncated": false }))
        }
        other => Err(Refusal::bad(
            "InvalidAction",
            format!("Could not find operation {other} for version 2010-05-08"),
        )),
    }
}

/// What a read of the caller's account shows: as late as reads may be.
fn seen<'w>(world: &'w mut World, call: &Call) -> &'w Iam {
    let (now, lag) = (world.now(), world.read_lag());
    world.account(&call.caller.account).iam.seen(now, lag)
}

/// What AWS decides writes on: what was written last. `None`: nothing was ever written in the account.
fn current<'w>(world: &'w World, account: &str) -> Option<&'w Iam> {
    world.accounts.get(account).map(|account| account.iam.current())
}

/// The account's state, to be changed.
fn change<'w>(world: &'w mut World, account: &str) -> &'w mut Iam {
    let (now, lag) = (world.now(), world.lags.longest());
    world.account(account).iam.write(now, lag)
}

/// The ARN of something in the account: `kind` is `role`, `policy`, `user` or `group`.
fn arn(world: &World, account: &str, kind: &str, path: &str, name: &str) -> String {
    format!("arn:{}:iam::{account}:{kind}{path}{name}", world.partition.name)
}

/// A time as the query protocol writes it: whole seconds.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
