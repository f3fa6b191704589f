//! The Security Token Service.

mod assume;
mod identity;
mod issue;
mod request;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Call, Refusal, Session};
use crate::world::World;

pub use issue::{Credentials, issue};
pub(crate) use issue::{access_key, secret};

/// The unique id of the management account's administrator.
pub const ADMINISTRATOR_ID: &str = "AIDAADMINISTRATOR0000";

/// The credentials that AssumeRole gave: access key to account and session.
#[derive(Debug, Default)]
pub struct Sessions {
    /// By access key.
    pub by_key: HashMap<String, (String, Arc<Session>)>,
    /// The access keys in the order in which they end, so that forgetting them needs no scan.
    by_end: BTreeSet<(Timestamp, String)>,
}

/// Performs one operation.
///
/// # Errors
/// What STS refuses it with.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "AssumeRole" => assume::assume_role(world, call),
        "GetCallerIdentity" => Ok(identity::caller(world, call)),
        "GetAccessKeyInfo" => identity::access_key_info(world, call),
        other => Err(Refusal::bad(
            "InvalidAction",
            format!("Could not find operation {other} for version 2011-06-15"),
        )),
    }
}

/// Temporary credentials of a role.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// `ASIA…`.
    pub access_key_id: String,
    /// The secret key.
    pub secret_access_key: String,
    /// The token that comes with it.
    pub session_token: String,
    /// When they end.
    pub expires_at: jiff::Timestamp,
}

/// Makes credentials of a role without asking anybody.
///
/// # Errors
/// `AccessDenied` when there is no such role.
pub fn issue(
    world: &mut World,
    account: &str,
    role_name: &str,
    session_name: &str,
    policies: Vec<Arc<crate::policy::Policy>>,
    duration: jiff::SignedDuration,
) -> Result<Credentials, Refusal> {
    let now = world.now();
    let role = world.accounts.get(account).and_then(|held| held.iam.current().roles.get(role_name));
    let role = role.ok_or_else(|| Refusal::new(403, "AccessDenied", "no such role"))?.clone();
    let credentials = Credentials {
        access_key_id: world.unique_id("ASIA", 16),
        secret_access_key: world.unique_id("", 40),
        session_token: world.unique_id("", 64),
        expires_at: now.saturating_add(duration).unwrap_or(now),
    };
    let session = Session {
        role_name: role.name,
        role_id: role.id,
        role_arn: role.arn,
        name: session_name.to_owned(),
        token: credentials.session_token.clone(),
        expires_at: credentials.expires_at,
        policies,
        source_identity: None,
        chained: false,
    };
    world.sessions.by_key.insert(credentials.access_key_id.clone(), (account.to_owned(), Arc::new(session)));
    Ok(credentials)
}
