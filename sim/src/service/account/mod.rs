//! AWS Account Management: which Regions an account has enabled.

#[cfg(test)]
mod tests;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::call::{Call, Refusal, Service};
use crate::policy::Context;
use crate::service::organizations::may_name;
use crate::world::World;

/// The principal that acts for Account Management in an organization.
const PRINCIPAL: &str = "account.amazonaws.com";
/// AWS: a page of ListRegions holds at most so many.
const LARGEST: i64 = 50;
const STATUSES: [&str; 5] = ["ENABLED", "ENABLING", "DISABLING", "DISABLED", "ENABLED_BY_DEFAULT"];

/// Performs one operation.
///
/// # Errors
/// What AWS refuses.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "DisableRegion" => switch(world, call, false),
        "EnableRegion" => switch(world, call, true),
        "GetRegionOptStatus" => get_status(world, call),
        "ListRegions" => list(world, call),
        other => Err(Refusal::bad("UnknownOperationException", format!("{other} is not simulated"))),
    }
}

fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let account = subject(world, call, Context::new())?;
    let size = match call.input.get("MaxResults") {
        None | Some(Value::Null) => LARGEST,
        Some(_) => call
            .number("MaxResults")
            .filter(|size| (1..=LARGEST).contains(size))
            .ok_or_else(|| invalid("MaxResults must be between 1 and 50"))?,
    };
    let wanted: Vec<&str> = call.list("RegionOptStatusContains").iter().filter_map(Value::as_str).collect();
    if wanted.iter().any(|status| !STATUSES.contains(status)) {
        return Err(invalid("RegionOptStatusContains holds an unknown status"));
    }
    let after = match call.text("NextToken") {
        None | Some("") => String::new(),
        Some(token) => URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|region| status(world, &account, region).is_some())
            .ok_or_else(|| invalid("NextToken is not valid"))?,
    };
    let mut all: Vec<&str> =
        world.partition.regions.iter().chain(world.partition.opt_in_regions).copied().collect();
    all.sort_unstable();
    let mut rest = all
        .into_iter()
        .filter(|region| *region > after.as_str())
        .filter_map(|region| Some((region, status(world, &account, region)?)))
        .filter(|(_, status)| wanted.is_empty() || wanted.contains(status))
        .peekable();
    let page: Vec<_> = rest.by_ref().take(usize::try_from(size).unwrap_or(1)).collect();
    let shown: Value = page
        .iter()
        .map(|(region, status)| json!({ "RegionName": region, "RegionOptStatus": status }))
        .collect();
    let mut answer = json!({ "Regions": shown });
    if let (Some((last, _)), Some(_)) = (page.last(), rest.peek()) {
        answer["NextToken"] = URL_SAFE_NO_PAD.encode(last).into();
    }
    Ok(answer)
}

fn get_status(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let region = call.required("RegionName")?;
    let account = subject(world, call, target(region))?;
    let status = status(world, &account, region).ok_or_else(|| unknown_region(region))?;
    Ok(json!({ "RegionName": region, "RegionOptStatus": status }))
}

fn switch(world: &mut World, call: &Call, on: bool) -> Result<Value, Refusal> {
    let region = call.required("RegionName")?;
    let account = subject(world, call, target(region))?;
    match status(world, &account, region) {
        None => return Err(unknown_region(region)),
        // AWS: what is enabled by default cannot be disabled.
        Some("ENABLED_BY_DEFAULT") => {
            return Err(invalid(&format!(
                "The Region {region} is enabled by default and cannot be changed."
            )));
        }
        Some(_) => {}
    }
    let enabled = &mut world.account(&account).opted_in;
    enabled.retain(|other| other != region);
    if on {
        enabled.push(region.to_owned());
    }
    Ok(Value::Null)
}

fn status(world: &World, account: &str, region: &str) -> Option<&'static str> {
    if world.partition.regions.contains(&region) {
        Some("ENABLED_BY_DEFAULT")
    } else if !world.partition.opt_in_regions.contains(&region) {
        None
    } else if world.accounts.get(account).is_some_and(|a| a.opted_in.iter().any(|other| other == region)) {
        Some("ENABLED")
    } else {
        Some("DISABLED")
    }
}

/// The account that the call is about: the caller's, or the one that it names and may name.
fn subject(world: &World, call: &Call, context: Context) -> Result<String, Refusal> {
    let action = format!("account:{}", call.operation);
    let (partition, organization) = (world.partition.name, &world.organization);
    let Some(named) = call.text("AccountId") else {
        let account = &call.caller.account;
        let arn = format!("arn:{partition}:account::{account}:account");
        world.authorize(call, &action, &arn, context)?;
        return Ok(account.clone());
    };
    if named.len() != 12 || !named.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("AccountId must have 12 digits"));
    }
    let arn =
        format!("arn:{partition}:account::{}:account/{}/{named}", organization.management, organization.id);
    world.authorize(call, &action, &arn, context)?;
    // AWS: only a member can be named, by the management account or a delegated administrator, with trusted access.
    if may_name(world, call, named, PRINCIPAL) {
        Ok(named.to_owned())
    } else {
        let message = format!(
            "User: {} is not authorized to perform: {action} (The account {named} is not a member account that the \
             caller administers, or trusted access is not enabled)",
            call.caller.arn(partition)
        );
        Err(Refusal::new(403, "AccessDeniedException", message))
    }
}

fn target(region: &str) -> Context {
    Context::from([("account:targetregion".to_owned(), vec![region.to_owned()])])
}

fn invalid(message: &str) -> Refusal {
    Refusal::invalid(Service::Account, message)
}

fn unknown_region(region: &str) -> Refusal {
    invalid(&format!("The Region {region} is not valid."))
}
