//! AssumeRole.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::issue::{self, Opening};
use super::request::Request;
use crate::call::{Call, Principal, Refusal, Service};
use crate::service::iam::Role;
use crate::world::World;

/// AWS: a session that was opened by a session lasts an hour at most.
const LONGEST_CHAINED: i64 = 3600;

pub(super) fn assume_role(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let request = Request::read(world.partition.name, call)?;
    let chained = matches!(call.caller.principal, Principal::Session(_));
    // AWS does not tell roles that do not exist, or are not yet seen, from roles that may not be assumed.
    let role =
        find(world, &request).ok_or_else(|| denied(world, call, "sts:AssumeRole", request.role_arn))?;
    permit(world, call, &request, role)?;
    check_region(world, call, request.account)?;
    if request.seconds > role.max_session_duration {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(Refusal::invalid(Service::Sts, message));
    }
    if chained && request.seconds > LONGEST_CHAINED {
        let message = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role \
                       chaining.";
        return Err(Refusal::invalid(Service::Sts, message));
    }
    let (policies, packed) = request.session_policies(world)?;
    let role = role.clone();
    let opening = Opening {
        account: request.account,
        role: &role,
        name: request.session_name,
        policies,
        source_identity: request.source_identity.map(str::to_owned),
        chained,
        duration: SignedDuration::from_secs(request.seconds),
    };
    let credentials = issue::open(world, opening);
    let arn = format!(
        "arn:{}:sts::{}:assumed-role/{}/{}",
        world.partition.name, request.account, role.name, request.session_name
    );
    Ok(json!({
        "Credentials": credentials.show(),
        "AssumedRoleUser": { "AssumedRoleId": format!("{}:{}", role.id, request.session_name), "Arn": arn },
        "PackedPolicySize": packed,
        "SourceIdentity": request.source_identity,
    }))
}

/// The role as STS sees it now: of an account that is active, made long enough ago, changes as late as they take effect.
fn find<'w>(world: &'w World, request: &Request<'_>) -> Option<&'w Role> {
    // An account that is in no organization, as one that left it, is asked like any other.
    if world.organization.members.get(request.account).is_some_and(|member| member.state != "ACTIVE") {
        return None;
    }
    let (now, iam) = (world.now(), &world.accounts.get(request.account)?.iam);
    // A role is usable when its own lag is over, though other changes may take longer to be seen.
    let roles = [iam.seen(now, world.lags.effect), iam.current()];
    roles
        .into_iter()
        .find_map(|iam| iam.roles.get(request.role_name))
        .filter(|role| role.arn == request.role_arn && role.is_usable(now, world.lags.role))
}

/// Whether the caller may assume the role, with all that it asks for.
fn permit(world: &World, call: &Call, request: &Request<'_>, role: &Role) -> Result<(), Refusal> {
    if request.changes_identity(call) {
        return Err(denied(world, call, "sts:SetSourceIdentity", &role.arn));
    }
    world.may_assume(call, role, request.account, request.context(role))
}

/// AWS: in a Region that an account must enable first, STS gives credentials of the account only when it has.
fn check_region(world: &World, call: &Call, account: &str) -> Result<(), Refusal> {
    let region = &call.region;
    let enabled = !world.partition.opt_in_regions.contains(&region.as_str())
        || world.accounts.get(account).is_some_and(|account| account.opted_in.contains(region));
    if enabled {
        return Ok(());
    }
    let message = format!(
        "STS is not activated in this region for account:{account}. Your account administrator can activate STS in \
         this region using the IAM Console."
    );
    Err(Refusal::new(403, "RegionDisabledException", message))
}

fn denied(world: &World, call: &Call, action: &str, role_arn: &str) -> Refusal {
    let caller = call.caller.arn(world.partition.name);
    let message = format!("User: {caller} is not authorized to perform: {action} on resource: {role_arn}");
    Refusal::new(403, "AccessDenied", message)
}
