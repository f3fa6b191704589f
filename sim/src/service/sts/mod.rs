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
