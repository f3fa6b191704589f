//! Delegated administrators, and services with trusted access.

use serde_json::{Value, json};

use super::listing;
use super::paging::Asked;
use super::standing::{self, Who, account_id, context, epoch, invalid, length, no_account, permit, violated};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

pub(super) fn register(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    let principal = call.required("ServicePrincipal")?;
    let keys = context([("organizations:serviceprincipal", principal)]);
    permit(world, call, Who::Management, &standing::arn(world, id), keys)?;
    recognize(principal)?;
    let organization = &mut world.organization;
    if organization.is_management(id) {
        return Err(violated(
            "You cannot register the management account of an organization as a delegated administrator for a service \
             integrated with your organization.",
        ));
    }
    let member = organization.members.get(id).ok_or_else(no_account)?;
    if member.state != "ACTIVE" {
        return Err(violated("You cannot register a suspended account as a delegated administrator."));
    }
    if !organization.service_access.contains_key(principal) {
        return Err(violated(
            "You attempted to register a delegated administrator before you enabled service access. Call the \
             EnableAWSServiceAccess API first.",
        ));
    }
    if !organization.delegated.entry(id.to_owned()).or_default().insert(principal.to_owned()) {
        return Err(Refusal::bad(
            "AccountAlreadyRegisteredException",
            "The provided account is already a delegated administrator for your organization.",
        ));
    }
    organization.delegated_since.entry(id.to_owned()).or_insert(call.at);
    Ok(Value::Null)
}

pub(super) fn deregister(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    let principal = call.required("ServicePrincipal")?;
    let keys = context([("organizations:serviceprincipal", principal)]);
    permit(world, call, Who::Management, &standing::arn(world, id), keys)?;
    let organization = &mut world.organization;
    if !organization.members.contains_key(id) {
        return Err(no_account());
    }
    let Some(services) = organization.delegated.get_mut(id).filter(|services| services.contains(principal))
    else {
        return Err(not_registered());
    };
    services.remove(principal);
    if services.is_empty() {
        organization.delegated.remove(id);
        organization.delegated_since.remove(id);
    }
    Ok(Value::Null)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let principal = call.text("ServicePrincipal");
    let keys = principal.map(|p| context([("organizations:serviceprincipal", p)])).unwrap_or_default();
    permit(world, call, Who::Reader, "*", keys)?;
    let asked = Asked::read(world, call, principal.unwrap_or_default())?;
    let organization = &world.organization;
    let all = organization.delegated.range::<str, _>(asked.range());
    let page = all
        .filter(|(_, services)| principal.is_none_or(|principal| services.contains(principal)))
        .filter_map(|(id, _)| Some((id.as_str(), organization.members.get(id)?)));
    Ok(asked.answer("DelegatedAdministrators", page, |member| {
        let mut shown = listing::show(world, member, false);
        if let Some(since) = organization.delegated_since.get(&member.id) {
            shown["DelegationEnabledDate"] = epoch(*since);
        }
        shown
    }))
}

pub(super) fn list_services(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let id = account_id(call)?;
    permit(world, call, Who::Reader, &standing::arn(world, id), Context::new())?;
    let asked = Asked::read(world, call, id)?;
    let organization = &world.organization;
    if !organization.members.contains_key(id) {
        return Err(no_account());
    }
    let Some(services) = organization.delegated.get(id) else { return Err(not_registered()) };
    let since = organization.delegated_since.get(id).copied().unwrap_or(call.at);
    let page = services.range::<str, _>(asked.range()).map(|service| (service.as_str(), service));
    Ok(asked.answer(
        "DelegatedServices",
        page,
        |service| json!({ "ServicePrincipal": service, "DelegationEnabledDate": epoch(since) }),
    ))
}

pub(super) fn enable_access(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let principal = call.required("ServicePrincipal")?;
    let keys = context([("organizations:serviceprincipal", principal)]);
    permit(world, call, Who::Management, "*", keys)?;
    recognize(principal)?;
    world.organization.service_access.entry(principal.to_owned()).or_insert(call.at);
    Ok(Value::Null)
}

pub(super) fn disable_access(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let principal = call.required("ServicePrincipal")?;
    let keys = context([("organizations:serviceprincipal", principal)]);
    permit(world, call, Who::Management, "*", keys)?;
    recognize(principal)?;
    world.organization.service_access.remove(principal);
    Ok(Value::Null)
}

pub(super) fn list_access(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Reader, "*", Context::new())?;
    let asked = Asked::read(world, call, "")?;
    let all = world.organization.service_access.range::<str, _>(asked.range());
    let page = all.map(|(service, since)| (service.as_str(), (service, since)));
    Ok(asked.answer(
        "EnabledServicePrincipals",
        page,
        |(service, since)| json!({ "ServicePrincipal": service, "DateEnabled": epoch(*since) }),
    ))
}

fn recognize(principal: &str) -> Result<(), Refusal> {
    length(principal, 1, 128)?;
    if principal.ends_with(".amazonaws.com") && principal.len() > ".amazonaws.com".len() {
        Ok(())
    } else {
        Err(invalid("You specified an unrecognized service principal."))
    }
}

fn not_registered() -> Refusal {
    Refusal::bad(
        "AccountNotRegisteredException",
        "The provided account is not a registered delegated administrator for your organization.",
    )
}
