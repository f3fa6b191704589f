//! What IAM refuses with, in its own words.

use crate::call::Refusal;

/// Something that is named does not exist.
pub(super) fn no_such(message: impl Into<String>) -> Refusal {
    Refusal::new(404, "NoSuchEntity", message)
}

pub(super) fn no_such_role(name: &str) -> Refusal {
    no_such(format!("The role with name {name} cannot be found."))
}

pub(super) fn no_such_role_policy(name: &str) -> Refusal {
    no_such(format!("The role policy with name {name} cannot be found."))
}

pub(super) fn no_such_user(name: &str) -> Refusal {
    no_such(format!("The user with name {name} cannot be found."))
}

pub(super) fn no_such_policy(arn: &str) -> Refusal {
    no_such(format!("Policy {arn} was not found."))
}

/// A policy that is to be attached does not exist, or belongs to another account.
pub(super) fn not_attachable(arn: &str) -> Refusal {
    no_such(format!("Policy {arn} does not exist or is not attachable."))
}

/// A policy that is to be a permissions boundary does not exist, or belongs to another account.
pub(super) fn not_a_boundary(arn: &str) -> Refusal {
    no_such(format!("Scope ARN: {arn} does not exist or is not attachable."))
}

pub(super) fn exists(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "EntityAlreadyExists", message)
}

pub(super) fn conflict(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "DeleteConflict", message)
}

pub(super) fn limit(message: impl Into<String>) -> Refusal {
    Refusal::new(409, "LimitExceeded", message)
}

pub(super) fn quota(name: &str, most: usize) -> Refusal {
    limit(format!("Cannot exceed quota for {name}: {most}"))
}

pub(super) fn invalid_input(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidInput", message)
}

pub(super) fn malformed(message: impl Into<String>) -> Refusal {
    Refusal::bad("MalformedPolicyDocument", message)
}

/// AWS: a service-linked role is changed by its service only.
pub(super) fn protected(role: &str) -> Refusal {
    let message = format!(
        "Cannot perform the operation on the protected role '{role}' - this role is only modifiable by AWS"
    );
    Refusal::bad("UnmodifiableEntity", message)
}
