//! Key Management Service: customers' keys with their state and their policies.
//!
//! Nothing is encrypted. What matters is who may use a key, which decides whether what is encrypted with it is delivered.

mod keys;
#[cfg(test)]
pub(crate) mod tests;
mod usage;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::service::events::Arn;
use crate::service::iam::Document;
use crate::world::World;

pub(crate) use usage::{Cipher, caller_may, is_known_to_events, may};

/// What an account holds of KMS in one Region.
#[derive(Clone, Debug, Default)]
pub struct Kms {
    /// Keys by id.
    pub keys: BTreeMap<String, Key>,
}

/// A customer's key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its ARN.
    pub arn: String,
    /// What it says of itself.
    pub description: String,
    /// Who may use and change it. AWS: a key has exactly one policy, and nobody gets past it.
    pub policy: Document,
    /// Whether it can be used.
    pub state: KeyState,
    /// `KeySpec`.
    pub spec: String,
    /// `KeyUsage`.
    pub usage: String,
    /// Whether there may be replicas of it in other Regions.
    pub multi_region: bool,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a key can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It can.
    Enabled,
    /// Somebody switched it off.
    Disabled,
    /// It will be deleted then.
    PendingDeletion(Timestamp),
}

impl KeyState {
    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion(_) => "PendingDeletion",
        }
    }
}

/// Performs one operation.
///
/// # Errors
/// What AWS refuses.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "CancelKeyDeletion" => keys::cancel_deletion(world, call),
        "CreateKey" => keys::create(world, call),
        "DescribeKey" => keys::describe(world, call),
        "DisableKey" => keys::switch(world, call, KeyState::Disabled),
        "EnableKey" => keys::switch(world, call, KeyState::Enabled),
        "GetKeyPolicy" => keys::get_policy(world, call),
        "PutKeyPolicy" => keys::put_policy(world, call),
        "ScheduleKeyDeletion" => keys::schedule_deletion(world, call),
        other => Err(Refusal::bad("UnknownOperationException", format!("{other} is not simulated"))),
    }
}

/// Where a key is: account, Region, id.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    account: String,
    region: String,
    id: String,
}

impl Place {
    /// The key that an identifier (id or ARN) names for somebody in an account and Region. Aliases are not simulated, but
    /// for those of AWS, which name no customer's key.
    fn of(identifier: &str, account: &str, region: &str) -> Option<Self> {
        let (account, region, id) = match Arn::parse(identifier) {
            Some(arn) => {
                let id = arn.resource.strip_prefix("key/").filter(|_| arn.service == "kms")?;
                (arn.account, arn.region, id)
            }
            None => (account, region, identifier),
        };
        (!id.contains(['/', ':'])).then(|| Self {
            account: account.to_owned(),
            region: region.to_owned(),
            id: id.to_owned(),
        })
    }

    fn find<'a>(&self, world: &'a World) -> Option<&'a Key> {
        world.accounts.get(&self.account)?.regions.get(&self.region)?.kms.keys.get(&self.id)
    }
}
