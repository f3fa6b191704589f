//! Which trail a name or ARN means to a caller.

use crate::call::{Call, Refusal};
use crate::service::cloudtrail::PRINCIPAL;
use crate::trail::{Trail, trails_of};
use crate::world::World;

/// The ARN that a name or ARN of the call stands for. AWS: a name is one of the caller's account.
///
/// # Errors
/// `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
pub(super) fn arn(world: &World, call: &Call, name: &str) -> Result<String, Refusal> {
    let partition = world.partition.name;
    if name.starts_with("arn:") {
        let parts: Vec<&str> = name.splitn(6, ':').collect();
        let valid = parts.len() == 6
            && parts[1] == partition
            && parts[2] == "cloudtrail"
            && parts[5].strip_prefix("trail/").is_some_and(|name| check_name(name).is_ok());
        return if valid {
            Ok(name.to_owned())
        } else {
            let message = format!("{name} is not a valid trail ARN.");
            Err(Refusal::bad("CloudTrailARNInvalidException", message))
        };
    }
    check_name(name)?;
    // The shadow of a multi-Region trail is known by the name too, but its ARN is that of its home Region.
    let account = call.caller.account.as_str();
    let own = world.accounts.get(account).into_iter().flat_map(|account| &account.trails);
    let mut there = own.filter(|trail| trail.name == name && trail.is_in(&call.region));
    Ok(there.next().map_or_else(
        || format!("arn:{partition}:cloudtrail:{}:{account}:trail/{name}", call.region),
        |trail| trail.arn.clone(),
    ))
}

/// The trail of that ARN, if the caller can see it: its own, or its organization's.
///
/// # Errors
/// `TrailNotFoundException`.
pub(super) fn visible<'a>(world: &'a World, call: &Call, arn: &str) -> Result<&'a Trail, Refusal> {
    let account = call.caller.account.as_str();
    let owner = arn.split(':').nth(4).unwrap_or_default();
    let found = world.accounts.get(owner).and_then(|owner| owner.trails.iter().find(|t| t.arn == arn));
    let member = world.organization.members.contains_key(account);
    found
        .filter(|trail| owner == account || (trail.organization && member))
        .ok_or_else(|| not_found(arn, account))
}

/// The account that owns the trail of that ARN, which the caller may change here.
///
/// # Errors
/// `TrailNotFoundException`; `NotOrganizationMasterAccountException` for a member and an organization trail;
/// `InvalidHomeRegionException` elsewhere than in its home Region.
pub(super) fn changeable(world: &World, call: &Call, arn: &str) -> Result<String, Refusal> {
    let trail = visible(world, call, arn)?;
    if trail.owner != call.caller.account && !acts_for_organization(world, &call.caller.account) {
        return Err(not_master());
    }
    if trail.home_region != call.region {
        let message = format!("The home region for trail {} is {}.", trail.arn, trail.home_region);
        return Err(Refusal::bad("InvalidHomeRegionException", message));
    }
    Ok(trail.owner.clone())
}

/// Whether the account may make and change organization trails.
pub(super) fn acts_for_organization(world: &World, account: &str) -> bool {
    let organization = &world.organization;
    organization.is_management(account)
        || organization.delegated.get(account).is_some_and(|services| services.contains(PRINCIPAL))
}

/// The trail of that ARN in that account.
pub(super) fn owned<'a>(world: &'a mut World, owner: &str, arn: &str) -> Result<&'a mut Trail, Refusal> {
    let account = world.accounts.get_mut(owner);
    account
        .and_then(|account| account.trails.iter_mut().find(|trail| trail.arn == arn))
        .ok_or_else(|| not_found(arn, owner))
}

/// All trails that the caller can see.
pub(super) fn all<'a>(world: &'a World, call: &'a Call) -> impl Iterator<Item = &'a Trail> {
    trails_of(world, &call.caller.account)
}

/// AWS: 3 to 128 letters, digits, dots, underscores and dashes; the first and last a letter or digit; no two of the
/// others in a row.
pub(super) fn check_name(name: &str) -> Result<(), Refusal> {
    let invalid = |message: &str| Err(Refusal::bad("InvalidTrailNameException", message));
    if name.len() < 3 {
        return invalid("Trail name too short. Minimum allowed length: 3 characters.");
    }
    if name.len() > 128 {
        return invalid("Trail name too long. Maximum allowed length: 128 characters.");
    }
    let bytes = name.as_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    let ends = [bytes.first(), bytes.last()];
    let ends_well = ends.into_iter().flatten().all(plain);
    let spelled = bytes.iter().all(|byte| plain(byte) || b"._-".contains(byte));
    let doubled = bytes.windows(2).any(|pair| !plain(&pair[0]) && !plain(&pair[1]));
    if ends_well && spelled && !doubled {
        Ok(())
    } else {
        invalid(
            "Trail name must starts with a letter or number, and ends with a letter or number, and hold only \
                 letters, numbers, periods, underscores and dashes, no two of them in a row.",
        )
    }
}

pub(super) fn not_found(arn: &str, account: &str) -> Refusal {
    Refusal::bad("TrailNotFoundException", format!("Unknown trail: {arn} for the user: {account}"))
}

pub(super) fn not_master() -> Refusal {
    Refusal::bad(
        "NotOrganizationMasterAccountException",
        "The AWS account is not the management account of the organization or a delegated administrator for CloudTrail.",
    )
}
