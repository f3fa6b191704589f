//! Customer-managed policies.

use serde_json::{Value, json};

use super::context::Keys;
use super::page::Page;
use super::{
    Iam, ManagedPolicy, arn as arn_of, change, check, current, document, iso, known, refusal, seen, tag,
};
use crate::call::{Call, Refusal, Service};
use crate::world::World;

/// AWS: a managed policy has at most so many characters, white space not counted.
const LARGEST: usize = 6144;

/// AWS: an account has at most so many customer-managed policies by default.
const MOST: usize = 1500;

/// Authorizes an action on the policy in `PolicyArn`, whether it exists or not; `add` adds condition keys to its tags'.
pub(super) fn authorize<'c>(
    world: &World,
    call: &'c Call,
    action: &str,
    add: impl FnOnce(Keys) -> Keys,
) -> Result<&'c str, Refusal> {
    let arn = call.required("PolicyArn")?;
    let policy = current(world, &call.caller.account).and_then(|iam| iam.policies.get(arn));
    let keys = policy.map_or_else(Keys::new, |policy| Keys::new().resource_tags(&policy.tags));
    world.authorize(call, action, arn, add(keys).into())?;
    Ok(arn)
}

/// The policy as it was written last.
pub(super) fn existing<'w>(world: &'w World, call: &Call, arn: &str) -> Result<&'w ManagedPolicy, Refusal> {
    current(world, &call.caller.account)
        .and_then(|iam| iam.policies.get(arn))
        .ok_or_else(|| refusal::no_such_policy(arn))
}

/// Reads the document in `PolicyDocument`.
pub(super) fn read(call: &Call) -> Result<super::Document, Refusal> {
    let text = document::text(call, "PolicyDocument")?;
    if document::size(text) > LARGEST {
        return Err(refusal::quota("PolicySize", LARGEST));
    }
    document::read_document(text)
}

/// To how many roles and users the policy is attached, and whose boundary it is.
fn uses(iam: &Iam, arn: &str) -> (usize, usize) {
    let attached = iam.roles.values().filter(|role| role.attached.contains(arn)).count()
        + iam.users.values().filter(|user| user.attached.contains(arn)).count();
    let boundaries = iam.roles.values().filter(|role| role.boundary.as_deref() == Some(arn)).count();
    (attached, boundaries)
}

/// As answers carry it. AWS: lists leave out the description and the tags.
fn show(iam: &Iam, arn: &str, policy: &ManagedPolicy, whole: bool) -> Value {
    let (attached, boundaries) = uses(iam, arn);
    let mut shown = json!({
        "PolicyName": policy.name,
        "PolicyId": policy.id,
        "Arn": arn,
        "Path": policy.path,
        "DefaultVersionId": format!("v{}", policy.version),
        "AttachmentCount": attached,
        "PermissionsBoundaryUsageCount": boundaries,
        "IsAttachable": true,
        "CreateDate": iso(policy.created_at),
        "UpdateDate": iso(policy.updated_at),
    });
    if whole {
        shown["Description"] = json!(policy.description);
        shown["Tags"] = tag::show(&policy.tags);
    }
    shown
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let (account, tags) = (&call.caller.account, tag::given(call));
    let name = call.required("PolicyName")?;
    let path = call.text("Path").unwrap_or("/");
    let arn = arn_of(world, account, "policy", path, name);
    let context = || Keys::new().request_tags(&tags).into();
    world.authorize(call, "iam:CreatePolicy", &arn, context())?;
    if !tags.is_empty() {
        world.authorize(call, "iam:TagPolicy", &arn, context())?;
    }
    check::name(call, "PolicyName", 128)?;
    check::path(call)?;
    check::description(call)?;
    tag::check(&tags)?;
    if let Some(iam) = current(world, account) {
        if iam.policies.values().any(|policy| policy.name.eq_ignore_ascii_case(name)) {
            let message = format!("A policy called {name} already exists. Duplicate names are not allowed.");
            return Err(refusal::exists(message));
        }
        if iam.policies.len() >= MOST {
            return Err(refusal::quota("PoliciesPerAccount", MOST));
        }
    }
    let document = read(call)?;
    let id = world.unique_id("ANPA", 17);
    let mut policy = ManagedPolicy::new(name, id, document, world.now());
    policy.path = path.to_owned();
    policy.description = call.text("Description").map(str::to_owned);
    policy.tags = tag::owned(&tags);
    let iam = change(world, account);
    let shown = show(iam, &arn, &policy, true);
    iam.put_policy(arn, policy);
    Ok(json!({ "Policy": shown }))
}

pub(super) fn get(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = authorize(world, call, "iam:GetPolicy", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    let partition = world.partition;
    let iam = seen(world, call);
    if let Some(name) = known::name_of(partition, arn) {
        let (attached, boundaries) = uses(iam, arn);
        return Ok(json!({ "Policy": {
            "PolicyName": name,
            "Arn": arn,
            "Path": known::path_of(arn),
            "DefaultVersionId": "v1",
            "AttachmentCount": attached,
            "PermissionsBoundaryUsageCount": boundaries,
            "IsAttachable": true,
        } }));
    }
    let policy = iam.policies.get(arn).ok_or_else(|| refusal::no_such_policy(arn))?;
    Ok(json!({ "Policy": show(iam, arn, policy, true) }))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let arn = authorize(world, call, "iam:DeletePolicy", |keys| keys)?;
    check::policy_arn(call, "PolicyArn")?;
    let policy = existing(world, call, arn)?;
    let used = current(world, &call.caller.account).map_or((0, 0), |iam| uses(iam, arn));
    if used != (0, 0) {
        return Err(refusal::conflict("Cannot delete a policy attached to entities."));
    }
    if policy.versions.len() > 1 {
        let message = "This policy has more than one version. Before you delete a policy, you must delete the \
                       policy's versions. The default version is deleted with the policy.";
        return Err(refusal::conflict(message));
    }
    change(world, &call.caller.account).policies.remove(arn);
    Ok(Value::Null)
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "iam:ListPolicies", "*", Keys::new().into())?;
    let (page, prefix) = (Page::of(call)?, call.text("PathPrefix").unwrap_or("/"));
    if call.text("Scope") != Some("Local") {
        let message = "Only the customer-managed policies are simulated: Scope must be Local";
        return Err(Refusal::invalid(Service::Iam, message));
    }
    let only_attached = call.flag("OnlyAttached").unwrap_or(false);
    let iam = seen(world, call);
    let items = iam
        .policies
        .range::<str, _>(page.range())
        .filter(|(_, policy)| policy.path.starts_with(prefix))
        .filter(|(arn, _)| !only_attached || uses(iam, arn).0 > 0)
        .map(|(arn, policy)| (arn.as_str(), show(iam, arn, policy, false)));
    Ok(page.answer("Policies", items).into())
}
