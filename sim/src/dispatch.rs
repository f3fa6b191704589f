//! From a request to the service that performs it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::service;
use crate::wire::{Incoming, SIGNED};
use crate::world::World;

/// The key pair that is the management account's administrator. Unsigned calls are made by it too.
const ADMINISTRATOR_KEY: &str = "test";

/// Finds out who asks, and gives the call its id.
///
/// # Errors
/// `SignatureDoesNotMatch` where the time of signing is looked at and off; `InvalidClientTokenId` for credentials that were never given or come without their token, `ExpiredToken` for those
/// whose time is over. Expiry and unknown keys come unmodelled, as AWS sends them.
pub(crate) fn identify(world: &mut World, incoming: Incoming) -> Result<Call, Refusal> {
    let now = world.now();
    if world.checks_signing_time {
        refuse_another_time(&incoming, now)?;
    }
    let access_key = incoming.access_key.unwrap_or_else(|| ADMINISTRATOR_KEY.to_owned());
    let caller = if access_key == ADMINISTRATOR_KEY {
        let account = world.organization.management.clone();
        Caller { account, principal: Principal::Administrator, access_key }
    } else {
        let unknown = || unknown(incoming.service);
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

/// AWS: a signature is good for five minutes before and after its time.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(5);

fn refuse_another_time(incoming: &Incoming, now: Timestamp) -> Result<(), Refusal> {
    let Some(signed) = incoming.signed_at else { return Ok(()) };
    let off = signed.duration_since(now);
    if off.abs() <= GOOD_FOR {
        return Ok(());
    }
    let spell = |at: Timestamp| at.strftime(SIGNED).to_string();
    let edge = |by: SignedDuration| spell(now.saturating_add(by).unwrap_or(now));
    let message = if off.is_positive() {
        let last = edge(GOOD_FOR);
        format!(
            "Signature not yet current: {} is still later than {last} ({} + 5 min.)",
            spell(signed),
            spell(now)
        )
    } else {
        let first = edge(-GOOD_FOR);
        format!("Signature expired: {} is now earlier than {first} ({} - 5 min.)", spell(signed), spell(now))
    };
    Err(match incoming.service {
        Service::Iam | Service::Sts | Service::Sns => Refusal::new(403, "SignatureDoesNotMatch", message),
        _ => Refusal::bad("InvalidSignatureException", message),
    })
}

/// AWS: credentials of an account are not valid in a Region that it has not enabled. Services that are asked in one
/// Region alone know no such thing, and STS says it in its own words.
fn refuse_disabled_region(world: &World, call: &Call) -> Result<(), Refusal> {
    let regional = matches!(
        call.service,
        Service::CloudTrail | Service::Events | Service::Kms | Service::Logs | Service::Sns | Service::Sqs
    );
    let opt_in = world.partition.opt_in_regions.contains(&call.region.as_str());
    let enabled = || {
        let account = world.accounts.get(&call.caller.account);
        account.is_some_and(|account| account.opted_in.contains(&call.region))
    };
    if !regional || !opt_in || enabled() {
        return Ok(());
    }
    Err(unknown(call.service))
}

/// Credentials that a service does not know.
fn unknown(service: Service) -> Refusal {
    let message = "The security token included in the request is invalid.";
    match service {
        Service::Iam | Service::Sts | Service::Sns => Refusal::new(403, "InvalidClientTokenId", message),
        _ => Refusal::bad("UnrecognizedClientException", message),
    }
}

/// Performs the call.
pub(crate) fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    refuse_disabled_region(world, call)?;
    match call.service {
        Service::Account => service::account::perform(world, call),
        Service::CloudTrail => service::cloudtrail::perform(world, call),
        Service::CloudWatch => service::cloudwatch::perform(world, call),
        Service::Events => service::events::perform(world, call),
        Service::Iam => service::iam::perform(world, call),
        Service::Kms => service::kms::perform(world, call),
        Service::Logs => service::logs::perform(world, call),
        Service::Organizations => service::organizations::perform(world, call),
        Service::Sns => service::sns::perform(world, call),
        Service::Sqs => service::sqs::perform(world, call),
        Service::Sts => service::sts::perform(world, call),
    }
}
