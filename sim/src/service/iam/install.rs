//! Roles and policies that are there without anybody's call: what seeds and tests begin with.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Document, Iam, ManagedPolicy, Role, arn, change};
use crate::world::World;

/// A role to be installed; documents are shared, so that thousands of accounts can have the same ones.
#[derive(Clone, Debug)]
pub struct NewRole {
    /// Its name.
    pub name: String,
    /// Its path, `/` or `/some/path/`.
    pub path: String,
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
    /// When it was made; `None`: now, so that it is usable only after the lag of new roles.
    pub created_at: Option<Timestamp>,
}

impl NewRole {
    /// A role in the path `/` that nothing is permitted to yet, with sessions of an hour.
    pub fn new(name: impl Into<String>, trust: Document) -> Self {
        Self {
            name: name.into(),
            path: "/".to_owned(),
            description: None,
            trust,
            inline: BTreeMap::new(),
            attached: BTreeSet::new(),
            boundary: None,
            tags: BTreeMap::new(),
            max_session_duration: 3600,
            created_at: None,
        }
    }
}

/// A customer-managed policy to be installed.
#[derive(Clone, Debug)]
pub struct NewPolicy {
    /// Its name.
    pub name: String,
    /// Its path, `/` or `/some/path/`.
    pub path: String,
    /// What it says.
    pub document: Document,
}

impl Iam {
    /// Puts the role there; one of the same name is replaced.
    pub fn put_role(&mut self, role: Role) {
        self.roles.insert(role.name.clone(), role);
    }

    /// Puts the policy there; one of the same ARN is replaced.
    pub fn put_policy(&mut self, arn: impl Into<String>, policy: ManagedPolicy) {
        self.policies.insert(arn.into(), policy);
    }
}

/// Installs a role in the account without a call, and answers its ARN.
pub fn install_role(world: &mut World, account: &str, new: NewRole) -> String {
    let id = world.unique_id("AROA", 17);
    let arn = arn(world, account, "role", &new.path, &new.name);
    let role = Role {
        name: new.name,
        path: new.path,
        id,
        arn: arn.clone(),
        created_at: new.created_at.unwrap_or_else(|| world.now()),
        description: new.description,
        trust: new.trust,
        inline: new.inline,
        attached: new.attached,
        boundary: new.boundary,
        tags: new.tags,
        max_session_duration: new.max_session_duration,
    };
    change(world, account).put_role(role);
    arn
}

/// Installs a customer-managed policy, made now, in the account without a call, and answers its ARN.
pub fn install_policy(world: &mut World, account: &str, new: NewPolicy) -> String {
    let id = world.unique_id("ANPA", 17);
    let arn = arn(world, account, "policy", &new.path, &new.name);
    let mut policy = ManagedPolicy::new(new.name, id, new.document, world.now());
    policy.path = new.path;
    change(world, account).put_policy(arn.clone(), policy);
    arn
}
