//! CreateAccount, which answers before the account is there.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::membership::{self, Joining, admit, new_account_id, plan};
use super::standing::{Who, epoch, invalid, is_account, length, permit};
use super::{Change, tags};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::seed;
use crate::world::World;

/// A request of CreateAccount, and what became of it.
#[derive(Clone, Debug)]
pub struct Creation {
    /// The account's name.
    pub name: String,
    /// Its address.
    pub email: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// How the management account's role in it is called.
    pub role_name: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it was done or failed.
    pub completed_at: Option<Timestamp>,
    /// The account, once it is there. AWS: absent until the request has succeeded.
    pub account: Option<String>,
    /// Why there is none.
    pub failure: Option<&'static str>,
}

pub(super) fn create_account(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Management, "*", tags::requested(call))?;
    let email = call.required("Email")?;
    let name = call.required("AccountName")?;
    length(name, 1, 50)?;
    length(email, 6, 64)?;
    if !is_address(email) {
        return Err(invalid("You specified an invalid email address."));
    }
    let role_name = call.text("RoleName").unwrap_or(seed::ORGANIZATION_ROLE);
    let spelled = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if role_name.is_empty() || role_name.len() > 64 || !role_name.bytes().all(spelled) {
        return Err(invalid("You provided a role name that isn't valid."));
    }
    let creation = Creation {
        name: name.to_owned(),
        email: email.to_owned(),
        tags: tags::read(call)?,
        role_name: role_name.to_owned(),
        requested_at: call.at,
        completed_at: None,
        account: None,
        failure: None,
    };
    let id = world.unique_id("car-", 32).to_lowercase();
    let status = show(&id, &creation);
    world.organization.creations.insert(id.clone(), creation);
    let due = call.at.saturating_add(world.organization.creation_time).unwrap_or(Timestamp::MAX);
    plan(world, due, Change::Create(id));
    Ok(json!({ "CreateAccountStatus": status }))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    permit(world, call, Who::Reader, "*", Context::new())?;
    let id = call.required("CreateAccountRequestId")?;
    if !id.starts_with("car-") {
        return Err(super::standing::no_pattern());
    }
    let Some(creation) = world.organization.creations.get(id) else {
        let message =
            "We can't find a create account request with the CreateAccountRequestId that you specified.";
        return Err(Refusal::bad("CreateAccountStatusNotFoundException", message));
    };
    Ok(json!({ "CreateAccountStatus": show(id, creation) }))
}

/// Ends a request: with an account, or without.
pub(super) fn finish(world: &mut World, request: &str, at: Timestamp) {
    let Some(creation) = world.organization.creations.get(request).cloned() else { return };
    let taken = world.organization.members.values().any(|m| m.email.eq_ignore_ascii_case(&creation.email));
    let outcome = if taken {
        Err("EMAIL_ALREADY_EXISTS")
    } else {
        let account = new_account_id(world);
        let joining = Joining {
            name: creation.name,
            email: creation.email,
            parent: world.organization.root.clone(),
            tags: creation.tags,
            role_name: creation.role_name,
            at,
            role_at: at,
        };
        admit(world, &account, joining);
        Ok(account)
    };
    let Some(creation) = world.organization.creations.get_mut(request) else { return };
    creation.completed_at = Some(at);
    match outcome {
        Ok(account) => creation.account = Some(account),
        Err(failure) => creation.failure = Some(failure),
    }
    let details = json!({ "createAccountStatus": told(request, creation) });
    membership::tell(world, "CreateAccountResult", at, details);
}

fn show(id: &str, creation: &Creation) -> Value {
    let mut status = json!({
        "Id": id,
        "AccountName": creation.name,
        "State": state(creation),
        "RequestedTimestamp": epoch(creation.requested_at),
    });
    if let Some(at) = creation.completed_at {
        status["CompletedTimestamp"] = epoch(at);
    }
    if let Some(account) = creation.account.as_deref().filter(|id| is_account(id)) {
        status["AccountId"] = account.into();
    }
    if let Some(failure) = creation.failure {
        status["FailureReason"] = failure.into();
    }
    status
}

/// AWS: CloudTrail hides the name.
fn told(id: &str, creation: &Creation) -> Value {
    let mut status = json!({
        "id": id,
        "accountName": "****",
        "state": state(creation),
        "requestedTimestamp": creation.requested_at.to_string(),
        "completedTimestamp": creation.completed_at.map(|at| at.to_string()),
    });
    if let Some(account) = &creation.account {
        status["accountId"] = account.as_str().into();
    }
    if let Some(failure) = creation.failure {
        status["failureReason"] = failure.into();
    }
    status
}

fn state(creation: &Creation) -> &'static str {
    match (&creation.account, creation.failure) {
        (Some(_), _) => "SUCCEEDED",
        (None, Some(_)) => "FAILED",
        (None, None) => "IN_PROGRESS",
    }
}

fn is_address(email: &str) -> bool {
    let spaced = email.chars().any(char::is_whitespace);
    let Some((user, host)) = email.split_once('@') else { return false };
    !spaced
        && !user.is_empty()
        && !host.contains('@')
        && host.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty())
}
