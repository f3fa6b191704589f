//! Reading the tree.

use serde_json::{Value, json};

use super::paging::Asked;
use super::standing::{self, Who, account_id, epoch, no_account, no_parent, permit, place_id, target_id};
use super::{Children, Member, Organization, tree};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

pub(super) fn describe_organization(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Member, "*", Context::new())?;
    let organization = &world.organization;
    let email = organization.members.get(&organization.management).map(|member| member.email.as_str());
    Ok(json!({ "Organization": {
        "Id": organization.id,
        "Arn": standing::arn(world, &organization.id),
        "FeatureSet": "ALL",
        "MasterAccountArn": standing::arn(world, &organization.management),
        "MasterAccountId": organization.management,
        "MasterAccountEmail": email.unwrap_or_default(),
        "AvailablePolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
    } }))
}

pub(super) fn roots(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Reader, "*", Context::new())?;
    let asked = Asked::read(world, call, "")?;
    let root = world.organization.root.as_str();
    let page = Some((root, root)).filter(|_| !asked.is_past(root));
    Ok(asked.answer("Roots", page, |root| {
        json!({
            "Id": root,
            "Arn": standing::arn(world, root),
            "Name": "Root",
            "PolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
        })
    }))
}

pub(super) fn describe_account(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    permit(world, call, Who::Reader, &standing::arn(world, id), Context::new())?;
    let member = world.organization.members.get(id).ok_or_else(no_account)?;
    Ok(json!({ "Account": show(world, member, true) }))
}

pub(super) fn describe_unit(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = place_id(call, "OrganizationalUnitId")?;
    permit(world, call, Who::Reader, &standing::arn(world, id), Context::new())?;
    match tree::show(world, id) {
        Value::Null => Err(tree::no_unit()),
        unit => Ok(json!({ "OrganizationalUnit": unit })),
    }
}

pub(super) fn accounts(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Reader, "*", Context::new())?;
    let asked = Asked::read(world, call, "")?.perhaps_empty(world);
    let members = world.organization.members.range::<str, _>(asked.range());
    let page = members.map(|(id, member)| (id.as_str(), member));
    Ok(asked.answer("Accounts", page, |member| show(world, member, true)))
}

pub(super) fn accounts_of(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (asked, parent) = below(world, call)?;
    let ids = children_of(&world.organization, parent).accounts.range::<str, _>(asked.range());
    let page = ids.filter_map(|id| Some((id.as_str(), world.organization.members.get(id)?)));
    Ok(asked.answer("Accounts", page, |member| show(world, member, true)))
}

pub(super) fn units_of(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (asked, parent) = below(world, call)?;
    let page = children_of(&world.organization, parent)
        .units
        .range::<str, _>(asked.range())
        .map(|id| (id.as_str(), id));
    Ok(asked.answer("OrganizationalUnits", page, |id| tree::show(world, id)))
}

pub(super) fn children(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (asked, parent) = below(world, call)?;
    let kind = call.required("ChildType")?;
    let parent = children_of(&world.organization, parent);
    let ids = match kind {
        "ACCOUNT" => &parent.accounts,
        "ORGANIZATIONAL_UNIT" => &parent.units,
        _ => return Err(standing::invalid("You specified an invalid value for ChildType.")),
    };
    let page = ids.range::<str, _>(asked.range()).map(|id| (id.as_str(), id));
    Ok(asked.answer("Children", page, |id| json!({ "Id": id, "Type": kind })))
}

pub(super) fn parents(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let child = target_id(call, "ChildId")?;
    permit(world, call, Who::Reader, &standing::arn(world, child), Context::new())?;
    let asked = Asked::read(world, call, child)?;
    let organization = &world.organization;
    let member = organization.members.get(child).map(|member| &member.parent);
    let parent = member.or_else(|| organization.units.get(child).map(|unit| &unit.parent));
    let Some(parent) = parent else {
        return Err(Refusal::bad("ChildNotFoundException", "You specified child that doesn't exist."));
    };
    let kind = if *parent == organization.root { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
    let page = Some((parent.as_str(), parent)).filter(|_| !asked.is_past(parent));
    Ok(asked.answer("Parents", page, |parent| json!({ "Id": parent, "Type": kind })))
}

/// The page and the `ParentId` of a call whose caller may see what is below it.
fn below<'a>(world: &mut World, call: &'a Call) -> Result<(Asked, &'a str), Refusal> {
    let parent = place_id(call, "ParentId")?;
    permit(world, call, Who::Reader, &standing::arn(world, parent), Context::new())?;
    let kind = call.text("ChildType").unwrap_or_default();
    let asked = Asked::read(world, call, &format!("{parent}/{kind}"))?;
    if world.organization.is_place(parent) { Ok((asked, parent)) } else { Err(no_parent()) }
}

fn children_of<'a>(organization: &'a Organization, parent: &str) -> &'a Children {
    static NOTHING: Children = Children::NONE;
    organization.children.get(parent).unwrap_or(&NOTHING)
}

/// An account as AWS answers it. Delegated administrators are listed without `Paths`.
pub(super) fn show(world: &World, member: &Member, with_paths: bool) -> Value {
    let organization = &world.organization;
    let mut shown = json!({
        "Id": member.id,
        "Arn": standing::arn(world, &member.id),
        "Email": member.email,
        "Name": member.name,
        "JoinedMethod": member.joined_method,
        "JoinedTimestamp": epoch(member.joined_at),
    });
    if !organization.omits_status {
        // The retired field knows fewer words.
        shown["Status"] = match member.state.as_str() {
            "PENDING_ACTIVATION" => "ACTIVE",
            "CLOSED" => "SUSPENDED",
            other => other,
        }
        .into();
    }
    if organization.carries_paths {
        shown["State"] = member.state.as_str().into();
        if with_paths {
            shown["Paths"] = organization.path(&member.id).into_iter().collect();
        }
    }
    shown
}
