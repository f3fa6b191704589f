//! From a request to the service that performs it.

use serde_json::Value;

use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::service;
use crate::wire::Incoming;
use crate::world::World;

/// The key pair that is the management account's administrator. Unsigned calls are made by it too.
const ADMINISTRATOR_KEY: &str = "test";

/// Finds out who asks, and gives the call its id.
///
/// # Errors
/// `InvalidClientTokenId` for credentials that were never given or come without their token, `ExpiredToken` for those
/// whose time is over. Expiry and unknown keys come unmodelled, as AWS sends them.
pub(crate) fn identify(world: &mut World, incoming: Incoming) -> Result<Call, Refusal> {
    let now = world.now();
    let access_key = incoming.access_key.unwrap_or_else(|| ADMINISTRATOR_KEY.to_owned());
    let caller = if access_key == ADMINISTRATOR_KEY {
        let account = world.organization.management.clone();
        Caller { account, principal: Principal::Administrator, access_key }
    } else {
        let unknown = || match incoming.service {
            Service::Iam | Service::Sts | Service::Sns => Refusal::new(
                403,
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            ),
            _ => Refusal::bad(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.",
            ),
        };
        let (account, session) = world.sessions.by_key.get(&access_key).cloned().ok_or_else(unknown)?;
        if incoming.session_token.as_deref() != Some(session.token.as_str()) {
            return Err(unknown());
        }
        if session.expires_at <= now {
            let code = match incoming.service {
                Service::Iam | Service::Sts | Service::Sns => "ExpiredToken",
                _ => "ExpiredTokenException",
            };
            return Err(Refusal::new(403, code, "The security token included in the request is expired"));
        }
        Caller { account, principal: Principal::Session(session), access_key }
    };
    Ok(Call {
        service: incoming.service,
        operation: incoming.operation,
        input: incoming.input,
        region: incoming.region.unwrap_or_else(|| world.partition.iam_region.to_owned()),
        caller,
        request_id: world.uuid(),
        at: now,
    })
}

/// Performs the call.
pub(crate) fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.service {
        Service::Account => service::account::perform(world, call),
        Service::CloudTrail => service::cloudtrail::perform(world, call),
        Service::CloudWatch => service::cloudwatch::perform(world, call),
        Service::Events => service::events::perform(world, call),
        Service::Iam => service::iam::perform(world, call),
        Service::Organizations => service::organizations::perform(world, call),
        Service::Sns => service::sns::perform(world, call),
        Service::Sqs => service::sqs::perform(world, call),
        Service::Sts => service::sts::perform(world, call),
    }
}
