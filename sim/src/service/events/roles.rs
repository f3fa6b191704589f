//! Roles that a call hands over to EventBridge.

use crate::access::{Asker, Resource};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::{Part, World};

use super::{Arn, PRINCIPAL, check};

/// Refuses a role that the caller may not pass, or that EventBridge cannot assume for the rule.
///
/// AWS: the caller needs `iam:PassRole` with `iam:PassedToService`, and a role that was just made is refused until it
/// can be assumed.
///
/// # Errors
/// `AccessDeniedException`, `ValidationException`.
pub(super) fn pass(world: &World, call: &Call, role_arn: &str, rule_arn: &str) -> Result<(), Refusal> {
    let arn = Arn::parse(role_arn).filter(|arn| arn.service == "iam" && arn.resource.starts_with("role/"));
    let Some(arn) = arn else {
        return Err(check::invalid(
            "Parameter RoleArn is not valid. Reason: Provided Arn is not in correct format.",
        ));
    };
    if arn.account != call.caller.account {
        let (status, code) = call.service.denial();
        return Err(Refusal::new(status, code, "Cross-account pass role is not allowed."));
    }
    let context = Context::from([
        ("iam:passedtoservice".to_owned(), vec![PRINCIPAL.to_owned()]),
        ("iam:associatedresourcearn".to_owned(), vec![rule_arn.to_owned()]),
    ]);
    world.authorize(call, "iam:PassRole", role_arn, context)?;
    if assumable(world, &arn, role_arn, rule_arn) {
        return Ok(());
    }
    Err(check::invalid(format!("Provided role '{role_arn}' cannot be assumed by principal '{PRINCIPAL}'.")))
}

/// Whether EventBridge can assume the role: it is there, not too young, and trusts the service for that rule.
fn assumable(world: &World, arn: &Arn<'_>, role_arn: &str, rule_arn: &str) -> bool {
    let now = world.now();
    // The last part of a role's path is its name.
    let name = arn.resource.rsplit('/').next().unwrap_or_default();
    let Some(account) = world.accounts.get(arn.account) else { return false };
    let lag = world.behind(arn.account, Part::Roles, world.lags.effect);
    let Some(role) = account.iam.seen(now, lag).roles.get(name) else { return false };
    if role.arn != role_arn || role.created_at.saturating_add(world.lags.role).is_ok_and(|ready| ready > now)
    {
        return false;
    }
    let asker = Asker::Service {
        service: PRINCIPAL.to_owned(),
        source_account: arn.account.to_owned(),
        source_arn: rule_arn.to_owned(),
    };
    let resource = Resource { arn: role_arn, owner: arn.account, policy: Some(role.trust.policy.as_ref()) };
    world.asker_may(&asker, "sts:AssumeRole", resource, Context::new(), world.lags.effect).is_ok()
}
