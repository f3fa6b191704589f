//! Versions of customer-managed policies.

use serde_json::{Value, json};

use super::page::Page;
use super::{ManagedPolicy, Version, change, check, iso, managed, refusal, seen};
use crate::call::{Call, Refusal, Service};
use crate::world::World;

/// AWS: a managed policy has at most so many versions.
const MOST: usize = 5;

fn show(policy: &ManagedPolicy, number: u32, version: &Version) -> Value {
    json!({
        "VersionId": format!("v{number}"),
        "IsDefaultVersion": policy.version == number,
        "CreateDate": iso(version.created_at),
    })
}

/// The number in `VersionId`, `v1` and so on.
fn number(call: &Call) -> Result<u32, Refusal> {
    let id = call.required("VersionId")?;
    let number = id.strip_prefix('v').and_then(|number| number.parse().ok()).filter(|number| *number > 0);
    number.ok_or_else(|| {
        let mut constraints = check::Constraints::default();
        let pattern = r"v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";
        constraints.letters(id, "VersionId", pattern, |_| false);
        constraints.verdict().err().unwrap_or_else(|| Refusal::missing(Service::Iam, "VersionId"))
    })
}

fn no_such(arn: &str, number: u32) -> Refusal {
    refusal::no_such(format!("Policy {arn} version v{number} does not exist or is not attachable."))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = managed::authorize(world, call, "iam:GetPolicyVersion", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    let number = number(call)?;
    let policy = seen(world, call).policies.get(arn).ok_or_else(|| refusal::no_such_policy(arn))?;
    let version = policy.versions.get(&number).ok_or_else(|| no_such(arn, number))?;
    let mut shown = show(policy, number, version);
    shown["Document"] = json!(version.document.encoded());
    Ok(json!({ "PolicyVersion": shown }))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = managed::authorize(world, call, "iam:ListPolicyVersions", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    Page::of(call)?;
    let policy = seen(world, call).policies.get(arn).ok_or_else(|| refusal::no_such_policy(arn))?;
    // There are five at most, so one page holds them; AWS: newest first.
    let versions: Vec<Value> =
        policy.versions.iter().rev().map(|(number, version)| show(policy, *number, version)).collect();
    Ok(json!({ "Versions": versions, "IsTruncated": false }))
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = managed::authorize(world, call, "iam:CreatePolicyVersion", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    let mut policy = managed::existing(world, call, arn)?.clone();
    if policy.versions.len() >= MOST {
        let message = format!(
            "A managed policy can have up to {MOST} versions. Before you create a new version, you must delete an \
             existing version."
        );
        return Err(refusal::limit(message));
    }
    let document = managed::read(call)?;
    let version = Version { document, created_at: world.now() };
    policy.latest += 1;
    policy.updated_at = version.created_at;
    if call.flag("SetAsDefault").unwrap_or(false) {
        policy.version = policy.latest;
        policy.document = version.document.clone();
    }
    let shown = show(&policy, policy.latest, &version);
    policy.versions.insert(policy.latest, version);
    change(world, &call.caller.account).put_policy(arn, policy);
    Ok(json!({ "PolicyVersion": shown }))
}

pub(super) fn set_default(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = managed::authorize(world, call, "iam:SetDefaultPolicyVersion", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    let number = number(call)?;
    let policy = managed::existing(world, call, arn)?;
    let document = policy.versions.get(&number).ok_or_else(|| no_such(arn, number))?.document.clone();
    if let Some(policy) = change(world, &call.caller.account).policies.get_mut(arn) {
        policy.version = number;
        policy.document = document;
    }
    Ok(Value::Null)
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = managed::authorize(world, call, "iam:DeletePolicyVersion", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    let number = number(call)?;
    let policy = managed::existing(world, call, arn)?;
    if !policy.versions.contains_key(&number) {
        return Err(no_such(arn, number));
    }
    if policy.version == number {
        return Err(refusal::conflict("Cannot delete the default version of a policy."));
    }
    if let Some(policy) = change(world, &call.caller.account).policies.get_mut(arn) {
        policy.versions.remove(&number);
    }
    Ok(Value::Null)
}
