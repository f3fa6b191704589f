//! Identity and Access Management: roles and customer-managed policies.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::policy::Policy;
use crate::world::World;

/// One account's roles and policies.
#[derive(Clone, Debug, Default)]
pub struct Iam {
    /// Roles by name.
    pub roles: BTreeMap<String, Role>,
    /// Customer-managed policies by ARN.
    pub policies: BTreeMap<String, ManagedPolicy>,
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

/// A customer-managed policy.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// Its name.
    pub name: String,
    /// Its unique id, `ANPA…`.
    pub id: String,
    /// Its default version.
    pub document: Document,
    /// Which version is the default; `v1` at first.
    pub version: u32,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("InvalidAction", format!("{} is not simulated", call.operation)))
}
