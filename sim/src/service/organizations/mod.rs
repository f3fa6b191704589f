//! Organizations: the tree of accounts, service control policies, delegation.

mod control;
mod creation;
mod delegation;
mod listing;
mod membership;
mod paging;
mod standing;
mod tags;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::service::iam::Document;
use crate::world::World;

pub use creation::Creation;
pub(crate) use membership::new_account_id;
pub use membership::{close, depart, join, move_to, settle};
pub(crate) use standing::epoch;
pub use standing::may_name;
pub(crate) use tree::new_unit_id;

/// The service control policy that allows everything. AWS: it is attached to whatever is new in the tree.
pub const FULL_ACCESS: &str = "p-FullAWSAccess";

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
    /// Whether accounts no longer carry `Status`, which is retired.
    pub omits_status: bool,
    /// Whether members may not read the event selectors of an organization trail.
    pub hides_selectors: bool,
    /// How long CreateAccount takes to finish.
    pub creation_time: SignedDuration,
    /// How long an account stays `PENDING_CLOSURE`.
    pub closing_time: SignedDuration,
    /// What is directly below a root or unit; kept by [`Organization::admit`] and its like.
    pub children: BTreeMap<String, Children>,
    /// What roots, units and policies carry besides what they are.
    pub notes: BTreeMap<String, Note>,
    /// Services with trusted access, and since when.
    pub service_access: BTreeMap<String, Timestamp>,
    /// Since when an account has been delegated administrator of anything.
    pub delegated_since: BTreeMap<String, Timestamp>,
    /// Requests of CreateAccount by their id (`car-…`).
    pub creations: BTreeMap<String, Creation>,
    /// What happens by itself, and when; the number keeps apart what is due at one time.
    pub schedule: BTreeMap<(Timestamp, u64), Change>,
}

/// What is directly below a root or unit.
#[derive(Clone, Debug, Default)]
pub struct Children {
    /// The ids of the accounts.
    pub accounts: BTreeSet<String>,
    /// The ids of the units.
    pub units: BTreeSet<String>,
}

impl Children {
    /// Nothing.
    pub const NONE: Self = Self { accounts: BTreeSet::new(), units: BTreeSet::new() };
}

/// What a root, unit or policy carries besides what it is.
#[derive(Clone, Debug, Default)]
pub struct Note {
    /// What a policy says of itself.
    pub description: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

/// A change that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The CreateAccount request of that id is done.
    Create(String),
    /// The closure of the account is done. AWS: resources are unavailable from CloseAccount on.
    Close(String),
    /// The account is closed for good and leaves. AWS: 90 days after its closure.
    Clean(String),
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
///
/// # Errors
/// What AWS refuses.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    settle(world);
    match call.operation.as_str() {
        "AttachPolicy" => control::attach(world, call),
        "CloseAccount" => membership::close_account(world, call),
        "CreateAccount" => creation::create_account(world, call),
        "CreateOrganizationalUnit" => tree::create_unit(world, call),
        "CreatePolicy" => control::create(world, call),
        "DeleteOrganizationalUnit" => tree::delete_unit(world, call),
        "DeletePolicy" => control::delete(world, call),
        "DeregisterDelegatedAdministrator" => delegation::deregister(world, call),
        "DescribeAccount" => listing::describe_account(world, call),
        "DescribeCreateAccountStatus" => creation::describe(world, call),
        "DescribeOrganization" => listing::describe_organization(world, call),
        "DescribeOrganizationalUnit" => listing::describe_unit(world, call),
        "DescribePolicy" => control::describe(world, call),
        "DetachPolicy" => control::detach(world, call),
        "DisableAWSServiceAccess" => delegation::disable_access(world, call),
        "EnableAWSServiceAccess" => delegation::enable_access(world, call),
        "LeaveOrganization" => membership::leave(world, call),
        "ListAWSServiceAccessForOrganization" => delegation::list_access(world, call),
        "ListAccounts" => listing::accounts(world, call),
        "ListAccountsForParent" => listing::accounts_of(world, call),
        "ListChildren" => listing::children(world, call),
        "ListDelegatedAdministrators" => delegation::list(world, call),
        "ListDelegatedServicesForAccount" => delegation::list_services(world, call),
        "ListOrganizationalUnitsForParent" => listing::units_of(world, call),
        "ListParents" => listing::parents(world, call),
        "ListPolicies" => control::list(world, call),
        "ListPoliciesForTarget" => control::list_for_target(world, call),
        "ListRoots" => listing::roots(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "MoveAccount" => membership::move_account(world, call),
        "RegisterDelegatedAdministrator" => delegation::register(world, call),
        "RemoveAccountFromOrganization" => membership::remove(world, call),
        "TagResource" => tags::add(world, call),
        "UntagResource" => tags::remove(world, call),
        "UpdatePolicy" => control::update(world, call),
        other => Err(Refusal::bad("UnknownOperationException", format!("{other} is not simulated"))),
    }
}
