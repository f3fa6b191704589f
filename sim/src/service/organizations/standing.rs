//! Who may ask Organizations what, and the words in which it refuses.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{FULL_ACCESS, Organization};
use crate::call::{Call, Refusal, Service};
use crate::policy::Context;
use crate::world::World;

/// Whom AWS lets call an operation at all, whatever policies say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// Any account of the organization.
    Member,
    /// The management account, or a delegated administrator of any service.
    Reader,
    /// The management account.
    Management,
}

/// Refuses a caller who may not do this to the resource.
pub(super) fn permit(
    world: &World,
    call: &Call,
    who: Who,
    resource: &str,
    context: Context,
) -> Result<(), Refusal> {
    let organization = &world.organization;
    let account = call.caller.account.as_str();
    if account != organization.management && !organization.members.contains_key(account) {
        return Err(Refusal::bad(
            "AWSOrganizationsNotInUseException",
            "Your account is not a member of an organization.",
        ));
    }
    world.authorize(call, &format!("organizations:{}", call.operation), resource, context)?;
    let allowed = match who {
        Who::Member => true,
        Who::Reader => organization.is_management(account) || organization.delegated.contains_key(account),
        Who::Management => organization.is_management(account),
    };
    if allowed { Ok(()) } else { Err(denied()) }
}

/// Whether the caller may name another account in a call of a service with trusted access: the management account may,
/// and who is delegated administrator for it.
pub fn may_name(world: &World, call: &Call, account: &str, principal: &str) -> bool {
    let organization = &world.organization;
    let caller = call.caller.account.as_str();
    let trusted = organization.service_access.contains_key(principal);
    let delegated = organization.delegated.get(caller).is_some_and(|services| services.contains(principal));
    trusted
        && organization.members.contains_key(account)
        && !organization.is_management(account)
        && (organization.is_management(caller) || delegated)
}

impl Organization {
    /// Whether the account is the management account.
    pub fn is_management(&self, account: &str) -> bool {
        self.management == account
    }

    /// The ARN of a root, unit, account or policy, known by the shape of its id.
    pub(crate) fn arn(&self, partition: &str, id: &str) -> String {
        let kind = match id.split('-').next() {
            Some("r") => "root",
            Some("ou") => "ou",
            Some("p") if id == FULL_ACCESS => {
                return format!("arn:{partition}:organizations::aws:policy/service_control_policy/{id}");
            }
            Some("p") => {
                let (management, organization) = (&self.management, &self.id);
                return format!(
                    "arn:{partition}:organizations::{management}:policy/{organization}/service_control_policy/{id}"
                );
            }
            Some("o") => {
                return format!("arn:{partition}:organizations::{}:organization/{id}", self.management);
            }
            _ => "account",
        };
        format!("arn:{partition}:organizations::{}:{kind}/{}/{id}", self.management, self.id)
    }
}

/// The ARN of what an id names.
pub(super) fn arn(world: &World, id: &str) -> String {
    world.organization.arn(world.partition.name, id)
}

/// Condition keys with one value each.
pub(super) fn context<const N: usize>(keys: [(&str, &str); N]) -> Context {
    keys.into_iter().map(|(key, value)| (key.to_owned(), vec![value.to_owned()])).collect()
}

/// A required id of an account.
pub(super) fn account_id(call: &Call) -> Result<&str, Refusal> {
    let id = call.required("AccountId")?;
    if is_account(id) { Ok(id) } else { Err(no_pattern()) }
}

/// A required id of a root or unit.
pub(super) fn place_id<'a>(call: &'a Call, name: &str) -> Result<&'a str, Refusal> {
    let id = call.required(name)?;
    if id.starts_with("r-") || id.starts_with("ou-") { Ok(id) } else { Err(no_pattern()) }
}

/// A required id of a root, unit or account.
pub(super) fn target_id<'a>(call: &'a Call, name: &str) -> Result<&'a str, Refusal> {
    let id = call.required(name)?;
    if is_account(id) { Ok(id) } else { place_id(call, name) }
}

/// Whether the text has the form of an account's id.
pub(super) fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// What a list that allows a length says of a text that has another.
pub(super) fn length(text: &str, least: usize, most: usize) -> Result<(), Refusal> {
    let length = text.chars().count();
    if length < least {
        Err(invalid("You provided a value that does not meet the minimum length requirement."))
    } else if length > most {
        Err(invalid("You provided a value that exceeds the maximum length."))
    } else {
        Ok(())
    }
}

/// Seconds since 1970, as the JSON protocol writes times.
pub(crate) fn epoch(at: Timestamp) -> Value {
    json!(at.as_duration().as_secs_f64())
}

pub(super) fn invalid(message: &str) -> Refusal {
    Refusal::invalid(Service::Organizations, message)
}

pub(super) fn no_pattern() -> Refusal {
    invalid("You provided a value that does not match the required pattern.")
}

pub(super) fn denied() -> Refusal {
    Refusal::bad("AccessDeniedException", "You don't have permissions to access this resource.")
}

pub(super) fn violated(message: &str) -> Refusal {
    Refusal::bad("ConstraintViolationException", message)
}

pub(super) fn no_account() -> Refusal {
    Refusal::bad("AccountNotFoundException", "You specified an account that doesn't exist.")
}

pub(super) fn no_parent() -> Refusal {
    Refusal::bad("ParentNotFoundException", "You specified parent that doesn't exist.")
}

pub(super) fn no_target() -> Refusal {
    Refusal::bad("TargetNotFoundException", "You specified a target that doesn't exist.")
}
