//! The targets of rules.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::access::{Asker, Resource};
use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

use super::state::Rule;
use super::target::{Destination, Target};
use super::{Arn, PRINCIPAL, Place, check, page, place, roles, rules};

/// How many targets a rule has at most. AWS: not adjustable.
const MOST_TARGETS: usize = 5;

/// How many entries a call has at most. The model of the API says 100, the service itself 10.
const MOST_ENTRIES: usize = 10;

/// Adds targets to a rule, or replaces those with the same ids.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = rules::name(call, "Rule")?;
    let place = Place::asked(world, call, "EventBusName")?;
    let entries = call.list("Targets");
    let arns = entries.iter().filter_map(|entry| entry.get("Arn")?.as_str()).map(str::to_owned).collect();
    let context = Context::from([("events:targetarn".to_owned(), arns)]);
    let rule_arn = rules::authorize(world, call, "events:PutTargets", &place, name, context)?;
    let rule = place.bus(world)?.rules.get(name).ok_or_else(|| place.missing_rule(name))?;
    rules::refuse_managed(rule)?;
    counted("targets", entries.len())?;
    let mut targets = Vec::with_capacity(entries.len());
    for entry in entries {
        let mut target = Target::parse(entry, &place, &world.partition)?;
        let former = rule.targets.get(&target.id);
        keep_role(&mut target, former, &place);
        if target.role.is_none() && target.needs_role(&place) {
            return Err(check::invalid(format!("RoleArn is required for target {}.", target.arn)));
        }
        targets.push(target);
    }
    let ids: BTreeSet<&String> = rule.targets.keys().chain(targets.iter().map(|target| &target.id)).collect();
    if ids.len() > MOST_TARGETS {
        return Err(check::over_quota());
    }
    for target in &targets {
        if let Some(role) = &target.role {
            roles::pass(world, call, role, &rule_arn)?;
        }
        if let (Destination::Bus(bus), true) = (&target.destination, world.events.checks_destination) {
            admitted(world, call, target, bus, rule)?;
        }
    }
    let failed = fail(world, targets.iter().map(|target| target.id.clone()).collect());
    let bus = place.change(world)?;
    if let Some(rule) = bus.rules.get_mut(name) {
        let rule = Arc::make_mut(rule);
        for target in targets {
            if !failed.contains(&target.id) {
                rule.targets.insert(target.id.clone(), Arc::new(target));
            }
        }
    }
    Ok(outcome(&failed))
}

/// AWS: a call without a role on the same target (same id and ARN) does not take the role from a target that is a bus
/// in another account.
fn keep_role(target: &mut Target, former: Option<&Arc<Target>>, place: &Place) {
    let Some(former) = former.filter(|former| former.arn == target.arn) else { return };
    let elsewhere = matches!(&target.destination, Destination::Bus(bus) if bus.account != place.account);
    if let (None, true, Some(role)) = (&target.role, elsewhere, &former.role) {
        target.set_role(role);
    }
}

/// Refuses a bus that would refuse the rule's events. It is asked as a delivery asks it, with what is written now.
///
/// AWS is reported to refuse such targets with `AccessDeniedException`; how much of the role it looks at is not
/// documented.
fn admitted(world: &World, call: &Call, target: &Target, bus: &Place, rule: &Rule) -> Result<(), Refusal> {
    let refusal = |message: String| {
        let (status, code) = call.service.denial();
        Refusal::new(status, code, message)
    };
    let Some(known) = bus.events(world).bus(&bus.bus) else {
        return Err(refusal(format!("Event bus {} does not exist or does not admit the rule.", target.arn)));
    };
    let asker = asker(target.role.as_deref(), &call.caller.account, &rule.arn);
    let policy = known.policy.as_ref().map(|document| document.policy.as_ref());
    let resource = Resource { arn: &target.arn, owner: &bus.account, policy };
    let mut context = Context::from([("events:eventbusinvocation".to_owned(), vec!["true".to_owned()])]);
    // The event is not known yet; what the rule asks of it is the best guess at it.
    let pattern: Option<Value> =
        rule.pattern.as_ref().and_then(|pattern| serde_json::from_str(&pattern.text).ok());
    for field in ["source", "detail-type"] {
        let values = pattern.as_ref().and_then(|pattern| pattern.get(field)?.as_array());
        if let Some(value) = values.and_then(|values| values.iter().find_map(Value::as_str)) {
            context.insert(format!("events:{field}"), vec![value.to_owned()]);
        }
    }
    world.asker_may(&asker, "events:PutEvents", resource, context, SignedDuration::ZERO).map_err(refusal)
}

/// Who calls a target for a rule: its role, or EventBridge itself.
pub(crate) fn asker(role: Option<&str>, account: &str, rule_arn: &str) -> Asker {
    match role {
        Some(role) => Asker::Role {
            account: Arn::parse(role).map_or(account, |arn| arn.account).to_owned(),
            role_arn: role.to_owned(),
            service: PRINCIPAL.to_owned(),
            source_arn: rule_arn.to_owned(),
        },
        None => Asker::Service {
            service: PRINCIPAL.to_owned(),
            source_account: account.to_owned(),
            source_arn: rule_arn.to_owned(),
        },
    }
}

pub(super) fn remove(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = rules::name(call, "Rule")?;
    let place = Place::asked(world, call, "EventBusName")?;
    rules::authorize(world, call, "events:RemoveTargets", &place, name, Context::new())?;
    let rule = place.bus(world)?.rules.get(name).ok_or_else(|| place.missing_rule(name))?;
    if !call.flag("Force").unwrap_or(false) {
        rules::refuse_managed(rule)?;
    }
    let ids: Vec<String> = call.list("Ids").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    counted("ids", ids.len())?;
    let failed = fail(world, ids.clone());
    if let Some(rule) = place.change(world)?.rules.get_mut(name) {
        // An id that names no target is removed already.
        Arc::make_mut(rule).targets.retain(|id, _| failed.contains(id) || !ids.contains(id));
    }
    Ok(outcome(&failed))
}

fn counted(field: &str, entries: usize) -> Result<(), Refusal> {
    let constraint = match entries {
        0 => "greater than or equal to 1".to_owned(),
        1..=MOST_ENTRIES => return Ok(()),
        _ => format!("less than or equal to {MOST_ENTRIES}"),
    };
    Err(check::invalid(format!(
        "1 validation error detected: Value at '{field}' failed to satisfy constraint: Member must have length \
         {constraint}"
    )))
}

/// Which of the entries fail, as the world has it.
fn fail(world: &mut World, mut ids: Vec<String>) -> Vec<String> {
    ids.truncate(world.events.failing_entries);
    world.events.failing_entries -= ids.len();
    ids
}

fn outcome(failed: &[String]) -> Value {
    let entries: Vec<Value> = failed
        .iter()
        .map(|id| {
            json!({
                "TargetId": id,
                "ErrorCode": "ConcurrentModificationException",
                "ErrorMessage": "Rule was modified concurrently.",
            })
        })
        .collect();
    json!({ "FailedEntryCount": failed.len(), "FailedEntries": entries })
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = rules::name(call, "Rule")?;
    let place = Place::asked(world, call, "EventBusName")?;
    rules::authorize(world, call, "events:ListTargetsByRule", &place, name, Context::new())?;
    let page = page::Page::asked(call, world.now())?;
    let bus = place::read(world, call).bus(&place.bus).ok_or_else(|| place.missing())?;
    let rule = bus.rules.get(name).ok_or_else(|| place.missing_rule(name))?;
    let entries = page.of(&rule.targets, "", |_, target| Some(Value::Object(target.given.clone())));
    Ok(page::answer("Targets", entries))
}

pub(super) fn list_rule_names(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    // AWS: the action supports no resource types.
    world.authorize(call, "events:ListRuleNamesByTarget", "*", Context::new())?;
    let place = Place::asked(world, call, "EventBusName")?;
    let target = call.required("TargetArn")?;
    let page = page::Page::asked(call, world.now())?;
    let bus = place::read(world, call).bus(&place.bus).ok_or_else(|| place.missing())?;
    let entries = page.of(&bus.rules, "", |name, rule| {
        rule.targets.values().any(|candidate| candidate.arn == target).then(|| json!(name))
    });
    Ok(page::answer("RuleNames", entries))
}

/// A target that EventBridge gives a rule that it manages.
pub(super) fn managed(id: &str, arn: &str, destination: Destination) -> BTreeMap<String, Arc<Target>> {
    let target = Target {
        id: id.to_owned(),
        arn: arn.to_owned(),
        destination,
        role: None,
        dead_letter: None,
        transform: Arc::default(),
        given: json!({ "Id": id, "Arn": arn }).as_object().cloned().unwrap_or_default(),
    };
    BTreeMap::from([(id.to_owned(), Arc::new(target))])
}
