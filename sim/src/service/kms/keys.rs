//! Operations on keys.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Key, KeyState, Place};
use crate::access::Resource;
use crate::call::{Call, Refusal};
use crate::policy::{Context, Policy};
use crate::service::iam::Document;
use crate::service::organizations::epoch;
use crate::world::World;

/// AWS: the one name that the policy of a key may have.
const POLICY_NAME: &str = "default";
/// AWS: a key policy has at most 32 KB.
const POLICY_BYTES: usize = 32_768;
/// AWS: a key is deleted after 7 to 30 days, 30 unless said otherwise.
const DELETION_DAYS: std::ops::RangeInclusive<i64> = 7..=30;

/// The key that a call names, as far as the caller may do that with it.
///
/// AWS: a key of another account is found by its ARN, where the operation allows it at all; whoever may not is told so
/// before anything is said of the key.
fn admitted(world: &World, call: &Call, across: bool) -> Result<Place, Refusal> {
    let identifier = call.required("KeyId")?;
    let missing = || Refusal::bad("NotFoundException", format!("Key '{identifier}' does not exist"));
    let place = Place::of(identifier, &call.caller.account, &call.region).ok_or_else(missing)?;
    if place.region != call.region {
        return Err(Refusal::bad("NotFoundException", format!("Invalid arn {}", place.region)));
    }
    if !across && place.account != call.caller.account {
        let message = format!(
            "User: {} is not authorized to perform: kms:{} on this resource: it is in another account",
            call.caller.arn(world.partition.name),
            call.operation
        );
        return Err(Refusal::bad("AccessDeniedException", message));
    }
    let key = place.find(world).ok_or_else(missing)?;
    let resource = Resource { arn: &key.arn, owner: &place.account, policy: Some(&key.policy.policy) };
    world.authorize_at(call, &format!("kms:{}", call.operation), resource, context(key))?;
    Ok(place)
}

fn context(key: &Key) -> Context {
    let tags = key.tags.iter();
    tags.map(|(name, value)| (format!("aws:resourcetag/{}", name.to_lowercase()), vec![value.clone()]))
        .collect()
}

/// The key, to be changed.
fn open<'a>(world: &'a mut World, place: &Place) -> Result<&'a mut Key, Refusal> {
    let keys = &mut world.regional(&place.account, &place.region).kms.keys;
    keys.get_mut(&place.id)
        .ok_or_else(|| Refusal::bad("NotFoundException", format!("Key '{}' does not exist", place.id)))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "kms:CreateKey", "*", Context::new())?;
    let spec = call.text("KeySpec").or(call.text("CustomerMasterKeySpec")).unwrap_or("SYMMETRIC_DEFAULT");
    let usage = call.text("KeyUsage").unwrap_or("ENCRYPT_DECRYPT");
    let mut tags = BTreeMap::new();
    for tag in call.list("Tags") {
        let text = |name| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        tags.insert(text("TagKey"), text("TagValue"));
    }
    let multi_region = call.flag("MultiRegion").unwrap_or_default();
    // AWS: ids of keys with replicas are marked.
    let id = if multi_region { format!("mrk-{}", world.uuid().replace('-', "")) } else { world.uuid() };
    let (account, region) = (call.caller.account.clone(), call.region.clone());
    let arn = format!("arn:{}:kms:{region}:{account}:key/{id}", world.partition.name);
    let policy = match call.text("Policy") {
        Some(text) => policy(world, call, &arn, text)?,
        None => document(&default_policy(world.partition.name, &account))?,
    };
    let key = Key {
        arn,
        description: call.text("Description").unwrap_or_default().to_owned(),
        policy,
        state: KeyState::Enabled,
        spec: spec.to_owned(),
        usage: usage.to_owned(),
        multi_region,
        tags,
        created_at: world.now(),
    };
    let answer = json!({ "KeyMetadata": metadata(&key, &account, &id) });
    world.regional(&account, &region).kms.keys.insert(id, key);
    Ok(answer)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = admitted(world, call, true)?;
    let key = open(world, &place)?;
    Ok(json!({ "KeyMetadata": metadata(key, &place.account, &place.id) }))
}

pub(super) fn get_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    check_name(call)?;
    let place = admitted(world, call, false)?;
    let key = open(world, &place)?;
    Ok(json!({ "Policy": &*key.policy.text, "PolicyName": POLICY_NAME }))
}

pub(super) fn put_policy(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    check_name(call)?;
    let place = admitted(world, call, false)?;
    let arn = open(world, &place)?.arn.clone();
    let policy = policy(world, call, &arn, call.required("Policy")?)?;
    open(world, &place)?.policy = policy;
    Ok(Value::Null)
}

pub(super) fn switch(world: &mut World, call: &Call, state: KeyState) -> Result<Value, Refusal> {
    let place = admitted(world, call, false)?;
    let key = open(world, &place)?;
    if let KeyState::PendingDeletion(_) = key.state {
        return Err(pending(key));
    }
    key.state = state;
    Ok(Value::Null)
}

pub(super) fn schedule_deletion(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = admitted(world, call, false)?;
    let days = call.number("PendingWindowInDays").unwrap_or(*DELETION_DAYS.end());
    if !DELETION_DAYS.contains(&days) {
        return Err(Refusal::bad("ValidationException", "PendingWindowInDays must be between 7 and 30"));
    }
    let at = world.now().saturating_add(SignedDuration::from_hours(days * 24)).unwrap_or(world.now());
    let key = open(world, &place)?;
    if let KeyState::PendingDeletion(_) = key.state {
        return Err(pending(key));
    }
    key.state = KeyState::PendingDeletion(at);
    Ok(
        json!({ "KeyId": key.arn, "DeletionDate": epoch(at), "KeyState": key.state.name(), "PendingWindowInDays": days }),
    )
}

/// AWS: a key whose deletion was cancelled is disabled.
pub(super) fn cancel_deletion(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = admitted(world, call, false)?;
    let key = open(world, &place)?;
    let KeyState::PendingDeletion(_) = key.state else {
        let message = format!("{} is not pending deletion.", key.arn);
        return Err(Refusal::bad("KMSInvalidStateException", message));
    };
    key.state = KeyState::Disabled;
    Ok(json!({ "KeyId": key.arn }))
}

fn pending(key: &Key) -> Refusal {
    Refusal::bad("KMSInvalidStateException", format!("{} is pending deletion.", key.arn))
}

fn check_name(call: &Call) -> Result<(), Refusal> {
    match call.text("PolicyName") {
        None | Some(POLICY_NAME) => Ok(()),
        Some(_) => Err(Refusal::bad("NotFoundException", "No such policy exists")),
    }
}

/// A policy that somebody gives to a key. AWS: one that would lock out who gives it is refused, unless they say that they
/// mean it.
fn policy(world: &World, call: &Call, arn: &str, text: &str) -> Result<Document, Refusal> {
    let document = document(text)?;
    if call.flag("BypassPolicyLockoutSafetyCheck") != Some(true) {
        let resource = Resource { arn, owner: &call.caller.account, policy: Some(&document.policy) };
        if world.authorize_at(call, "kms:PutKeyPolicy", resource, Context::new()).is_err() {
            let message = "The new key policy will not allow you to update the key policy in the future.";
            return Err(Refusal::bad("MalformedPolicyDocumentException", message));
        }
    }
    Ok(document)
}

fn document(text: &str) -> Result<Document, Refusal> {
    let malformed = |why: String| Refusal::bad("MalformedPolicyDocumentException", why);
    if text.len() > POLICY_BYTES {
        return Err(Refusal::bad("LimitExceededException", "Policy is too long"));
    }
    let policy = Policy::parse(text).map_err(malformed)?;
    Ok(Document { text: text.into(), policy: Arc::new(policy) })
}

/// The policy of a key that was made without one: it leaves everything to the account's own policies.
fn default_policy(partition: &str, account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:{partition}:iam::{account}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

fn metadata(key: &Key, account: &str, id: &str) -> Value {
    let mut told = json!({
        "AWSAccountId": account,
        "KeyId": id,
        "Arn": key.arn,
        "CreationDate": epoch(key.created_at),
        "Enabled": key.state == KeyState::Enabled,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": key.state.name(),
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "KeySpec": key.spec,
        "CustomerMasterKeySpec": key.spec,
        "MultiRegion": key.multi_region,
    });
    if key.spec == "SYMMETRIC_DEFAULT" {
        told["EncryptionAlgorithms"] = json!(["SYMMETRIC_DEFAULT"]);
    }
    if let KeyState::PendingDeletion(at) = key.state {
        told["DeletionDate"] = epoch(at);
    }
    told
}
