//! Who somebody is.

use serde_json::{Value, json};

use super::{ADMINISTRATOR_ID, issue};
use crate::call::{Call, Principal, Refusal, Service};
use crate::policy::Context;
use crate::service::iam::Constraints;
use crate::world::World;

/// AWS: GetCallerIdentity needs no permission, and no policy can deny it.
pub(super) fn caller(world: &World, call: &Call) -> Value {
    let id = match &call.caller.principal {
        Principal::Administrator => ADMINISTRATOR_ID.to_owned(),
        Principal::Session(session) => format!("{}:{}", session.role_id, session.name),
    };
    json!({ "UserId": id, "Account": call.caller.account, "Arn": call.caller.arn(world.partition.name) })
}

/// AWS: the account is told from the key itself, whether the key still exists or not.
pub(super) fn access_key_info(world: &World, call: &Call) -> Result<Value, Refusal> {
    let key = call.required("AccessKeyId")?;
    world.authorize(call, "sts:GetAccessKeyInfo", "*", Context::new())?;
    let mut constraints = Constraints::default();
    constraints.length(key, "AccessKeyId", 16, 128);
    constraints
        .letters(key, "AccessKeyId", r"[\w]*", |letter| letter.is_ascii_alphanumeric() || letter == '_');
    constraints.verdict()?;
    let account = issue::account_of(key)
        .ok_or_else(|| Refusal::invalid(Service::Sts, format!("Invalid value for AccessKeyId: {key}")))?;
    Ok(json!({ "Account": account }))
}
