//! Organizations: the tree of accounts, service control policies, delegation.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::service::iam::Document;
use crate::world::World;

/// The organization.
#[derive(Clone, Debug, Default)]
pub struct Organization {
    /// `o-…`.
    pub id: String,
    /// The management account's id.
    pub management: String,
    /// `r-…`.
    pub root: String,
    /// Organizational units by id.
    pub units: BTreeMap<String, Unit>,
    /// Its accounts by id, departed ones not among them.
    pub members: BTreeMap<String, Member>,
    /// Service control policies by id (`p-…`).
    pub policies: BTreeMap<String, ControlPolicy>,
    /// Which policies are attached to a root, unit or account.
    pub attachments: BTreeMap<String, BTreeSet<String>>,
    /// Members that are delegated administrators, with the services.
    pub delegated: BTreeMap<String, BTreeSet<String>>,
    /// Whether answers carry `State` and `Paths` (newer endpoints do).
    pub carries_paths: bool,
    /// Whether ListAccounts sometimes answers an empty page with a token.
    pub empty_pages: bool,
}

/// An organizational unit.
#[derive(Clone, Debug)]
pub struct Unit {
    /// `ou-…`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The root's or another unit's id.
    pub parent: String,
}

/// An account as the organization sees it.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its 12 digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// The root's or a unit's id.
    pub parent: String,
    /// `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE`, `PENDING_ACTIVATION`, `CLOSED`.
    pub state: String,
    /// `CREATED` or `INVITED`.
    pub joined_method: String,
    /// When it joined.
    pub joined_at: Timestamp,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A service control policy.
#[derive(Clone, Debug)]
pub struct ControlPolicy {
    /// Its name.
    pub name: String,
    /// What it says.
    pub document: Document,
}

impl Organization {
    /// Where the account is: root first, then the units down to its parent; empty if it is no member.
    pub fn ancestors(&self, account: &str) -> Vec<String> {
        let mut chain = Vec::new();
        let mut place = self.members.get(account).map(|member| member.parent.clone());
        while let Some(id) = place {
            place = self.units.get(&id).map(|unit| unit.parent.clone());
            chain.push(id);
        }
        chain.reverse();
        chain
    }

    /// The account's `Paths` entry: `o-…/r-…/ou-…/<account>/`; `None` if it is no member.
    pub fn path(&self, account: &str) -> Option<String> {
        let ancestors = self.ancestors(account);
        if ancestors.is_empty() {
            return None;
        }
        Some(format!("{}/{}/{account}/", self.id, ancestors.join("/")))
    }
}

/// Performs one operation.
pub fn perform(_world: &mut World, call: &Call) -> Result<Value, Refusal> {
    Err(Refusal::bad("UnknownOperationException", format!("{} is not simulated", call.operation)))
}

/// An account joins, as CreateAccount makes it; its id.
pub fn join(
    world: &mut World,
    name: &str,
    email: &str,
    parent: &str,
    tags: BTreeMap<String, String>,
    _member_role_after: jiff::SignedDuration,
) -> String {
    use rand::RngExt;
    let id = format!("{:012}", world.rng.random_range(100_000_000_000_u64..1_000_000_000_000));
    let member = Member {
        id: id.clone(),
        name: name.to_owned(),
        email: email.to_owned(),
        parent: parent.to_owned(),
        state: "ACTIVE".to_owned(),
        joined_method: "CREATED".to_owned(),
        joined_at: world.now(),
        tags,
    };
    world.organization.members.insert(id.clone(), member);
    world.account(&id);
    id
}

/// An account leaves.
pub fn depart(world: &mut World, id: &str) -> bool {
    world.organization.members.remove(id).is_some()
}

/// An account is closed.
pub fn close(world: &mut World, id: &str) -> bool {
    let Some(member) = world.organization.members.get_mut(id) else { return false };
    member.state = "PENDING_CLOSURE".to_owned();
    true
}

/// An account moves below another root or unit.
pub fn move_to(world: &mut World, id: &str, parent: &str) -> bool {
    let Some(member) = world.organization.members.get_mut(id) else { return false };
    member.parent = parent.to_owned();
    true
}
