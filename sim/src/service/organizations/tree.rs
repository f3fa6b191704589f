//! The tree itself: roots, units, where accounts stand in it.

use serde_json::{Value, json};

use super::standing::{self, Who, length, no_parent, permit, place_id, violated};
use super::{Children, FULL_ACCESS, Member, Organization, Unit, tags};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

/// AWS: units nest at most so deep below the root.
const DEEPEST: usize = 5;
/// AWS: an organization has at most so many units.
const MOST_UNITS: usize = 2_000;

impl Organization {
    /// Whether the id is of the root or of a unit.
    pub fn is_place(&self, id: &str) -> bool {
        id == self.root || self.units.contains_key(id)
    }

    /// Whether the id is of the root, a unit or an account.
    pub fn is_target(&self, id: &str) -> bool {
        self.is_place(id) || self.members.contains_key(id)
    }

    /// Takes an account in.
    pub fn admit(&mut self, member: Member) {
        self.below(&member.parent).accounts.insert(member.id.clone());
        self.attach_full_access(&member.id);
        self.members.insert(member.id.clone(), member);
    }

    /// Lets an account go, with its tags, attached policies and delegations; `None` if it is no member.
    pub fn expel(&mut self, account: &str) -> Option<Member> {
        let member = self.members.remove(account)?;
        self.below(&member.parent).accounts.remove(account);
        self.attachments.remove(account);
        self.delegated.remove(account);
        self.delegated_since.remove(account);
        Some(member)
    }

    /// Puts an account below another root or unit; whether it is a member and there is such a place.
    pub fn relocate(&mut self, account: &str, parent: &str) -> bool {
        if !self.is_place(parent) {
            return false;
        }
        let Some(member) = self.members.get_mut(account) else { return false };
        let former = std::mem::replace(&mut member.parent, parent.to_owned());
        self.below(&former).accounts.remove(account);
        self.below(parent).accounts.insert(account.to_owned());
        true
    }

    /// Adds a unit.
    pub fn add_unit(&mut self, unit: Unit) {
        self.below(&unit.parent).units.insert(unit.id.clone());
        self.attach_full_access(&unit.id);
        self.units.insert(unit.id.clone(), unit);
    }

    /// How many units deep a place is: 0 for the root.
    pub fn depth(&self, place: &str) -> usize {
        let mut depth = 0;
        let mut place = place;
        while let Some(unit) = self.units.get(place) {
            depth += 1;
            place = &unit.parent;
        }
        depth
    }

    /// The unit's path: `o-…/r-…/ou-…/`.
    pub(super) fn unit_path(&self, unit: &str) -> String {
        let mut chain = Vec::new();
        let mut place = unit;
        while let Some(unit) = self.units.get(place) {
            chain.push(place);
            place = &unit.parent;
        }
        chain.push(place);
        chain.reverse();
        format!("{}/{}/", self.id, chain.join("/"))
    }

    fn below(&mut self, place: &str) -> &mut Children {
        if !self.children.contains_key(place) {
            self.children.insert(place.to_owned(), Children::default());
        }
        self.children.entry(place.to_owned()).or_default()
    }

    fn attach_full_access(&mut self, target: &str) {
        if self.policies.contains_key(FULL_ACCESS) {
            self.attachments.entry(target.to_owned()).or_default().insert(FULL_ACCESS.to_owned());
        }
    }
}

/// A new id of a unit: `ou-<root's>-<8 letters and digits>`.
pub(crate) fn new_unit_id(world: &mut World) -> String {
    let prefix = format!("ou-{}-", world.organization.root.trim_start_matches("r-"));
    world.unique_id(&prefix, 8).to_lowercase()
}

pub(super) fn create_unit(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let parent = place_id(call, "ParentId")?;
    permit(world, call, Who::Management, &standing::arn(world, parent), tags::requested(call))?;
    let name = call.required("Name")?;
    length(name, 1, 128)?;
    let given = tags::read(call)?;
    let organization = &world.organization;
    if !organization.is_place(parent) {
        return Err(no_parent());
    }
    if siblings(organization, parent).any(|unit| unit.name == name) {
        let message = "An OU with the same name already exists.";
        return Err(Refusal::bad("DuplicateOrganizationalUnitException", message));
    }
    if organization.depth(parent) >= DEEPEST {
        return Err(violated("You have exceeded the allowed depth of the OU tree."));
    }
    if organization.units.len() >= MOST_UNITS {
        return Err(violated("You have exceeded the allowed number of OUs."));
    }
    let id = new_unit_id(world);
    let unit = Unit { id: id.clone(), name: name.to_owned(), parent: parent.to_owned() };
    world.organization.add_unit(unit);
    world.organization.notes.entry(id.clone()).or_default().tags = given;
    Ok(json!({ "OrganizationalUnit": show(world, &id) }))
}

pub(super) fn delete_unit(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = place_id(call, "OrganizationalUnitId")?;
    permit(world, call, Who::Management, &standing::arn(world, id), Context::new())?;
    let organization = &mut world.organization;
    let Some(unit) = organization.units.get(id) else { return Err(no_unit()) };
    let parent = unit.parent.clone();
    let empty = organization
        .children
        .get(id)
        .is_none_or(|children| children.accounts.is_empty() && children.units.is_empty());
    if !empty {
        let message = "The specified OU is not empty. Move all accounts to another root or to other OUs, remove all \
                       child OUs, and try the operation again.";
        return Err(Refusal::bad("OrganizationalUnitNotEmptyException", message));
    }
    organization.units.remove(id);
    organization.children.remove(id);
    organization.attachments.remove(id);
    organization.notes.remove(id);
    organization.below(&parent).units.remove(id);
    Ok(Value::Null)
}

/// A unit as AWS answers it; null if there is none.
pub(super) fn show(world: &World, id: &str) -> Value {
    let organization = &world.organization;
    let Some(unit) = organization.units.get(id) else { return Value::Null };
    let mut shown = json!({ "Id": unit.id, "Arn": standing::arn(world, id), "Name": unit.name });
    if organization.carries_paths {
        shown["Path"] = organization.unit_path(id).into();
    }
    shown
}

pub(super) fn no_unit() -> Refusal {
    Refusal::bad(
        "OrganizationalUnitNotFoundException",
        "You specified an organizational unit that doesn't exist.",
    )
}

fn siblings<'a>(organization: &'a Organization, parent: &str) -> impl Iterator<Item = &'a Unit> {
    let children = organization.children.get(parent);
    children.into_iter().flat_map(|children| &children.units).filter_map(|id| organization.units.get(id))
}
