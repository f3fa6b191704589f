//! Rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal};
use crate::pattern::WILDCARD_RULES;
use crate::policy::Context;
use crate::world::World;

use super::state::{Rule, RuleState};
use super::{DEFAULT_BUS, Place, check, page, place, roles, tags};

/// The Regions whose quota of rules is smaller, and that quota.
const SMALL_REGIONS: ([&str; 2], usize) = (["af-south-1", "eu-south-1"], 100);

/// What the longest name of a rule has of letters.
const LONGEST_NAME: usize = 64;

/// The rule's name that a call gives in `field`.
pub(super) fn name<'c>(call: &'c Call, field: &str) -> Result<&'c str, Refusal> {
    let name = call.required(field)?;
    check::name(field, name, LONGEST_NAME)?;
    Ok(name)
}

/// Adds the keys that a rule gives to the policies that decide about it.
pub(super) fn of_rule(context: &mut Context, place: &Place, rule: Option<&Rule>) {
    let creator = rule.map_or(&place.account, |rule| &rule.created_by);
    context.insert("events:creatoraccount".to_owned(), vec![creator.clone()]);
    let Some(rule) = rule else { return };
    if let Some(service) = &rule.managed_by {
        context.insert("events:managedby".to_owned(), vec![service.clone()]);
    }
    tags::of_resource(context, &rule.tags);
}

/// Asks whether the caller may do `action` with the rule.
pub(super) fn authorize(
    world: &World,
    call: &Call,
    action: &str,
    place: &Place,
    rule: &str,
    mut context: Context,
) -> Result<String, Refusal> {
    let arn = place.rule_arn(world, rule);
    of_rule(&mut context, place, place.rule(world, rule));
    world.authorize(call, action, &arn, context)?;
    Ok(arn)
}

/// Refuses to change a rule that a service made for the account.
pub(super) fn refuse_managed(rule: &Rule) -> Result<(), Refusal> {
    let Some(service) = &rule.managed_by else { return Ok(()) };
    let message = format!("Rule {} is a managed rule of {service} and cannot be changed.", rule.name);
    Err(Refusal::bad("ManagedRuleException", message))
}

/// Makes a rule or replaces one.
///
/// AWS: what is not given is set to nothing, not kept; tags are ignored when the rule exists; targets stay.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = name(call, "Name")?;
    let place = Place::asked(world, call, "EventBusName")?;
    let given = tags::given(call)?;
    let mut context = tags::of_request(&given);
    of_pattern(&mut context, call);
    let arn = authorize(world, call, "events:PutRule", &place, name, context)?;
    let existing = place.bus(world)?.rules.get(name).cloned();
    if existing.is_none() && !given.is_empty() {
        authorize(world, call, "events:TagResource", &place, name, tags::of_request(&given))?;
    }
    if let Some(rule) = &existing {
        refuse_managed(rule)?;
    }
    let description = check::description(call)?;
    let state = match call.text("State") {
        None => RuleState::default(),
        Some(state) => {
            let known = [RuleState::Enabled, RuleState::Disabled, RuleState::EnabledWithAll];
            check::one_of("State", state, &known.map(RuleState::name))?;
            RuleState::by_name(state).unwrap_or_default()
        }
    };
    let pattern = check::pattern(call, &world.events)?;
    let schedule = schedule(call, &place)?;
    if pattern.is_none() && schedule.is_none() {
        return Err(check::invalid("Parameter(s) EventPattern or ScheduleExpression must be specified."));
    }
    let role = call.text("RoleArn").filter(|role| !role.is_empty());
    if let Some(role) = role {
        roles::pass(world, call, role, &arn)?;
    }
    let rule = Rule {
        name: name.to_owned(),
        arn: arn.clone(),
        pattern,
        schedule,
        state,
        description,
        role: role.map(str::to_owned),
        managed_by: None,
        created_by: existing.as_ref().map_or(&call.caller.account, |rule| &rule.created_by).clone(),
        tags: existing.as_ref().map_or(given, |rule| rule.tags.clone()),
        targets: existing.as_ref().map(|rule| rule.targets.clone()).unwrap_or_default(),
    };
    within_quotas(world, &place, &rule)?;
    place.change(world)?.rules.insert(rule.name.clone(), Arc::new(rule));
    Ok(json!({ "RuleArn": arn }))
}

/// Refuses a rule that its bus cannot bear beside the others.
pub(super) fn within_quotas(world: &World, place: &Place, rule: &Rule) -> Result<(), Refusal> {
    let bus = place.bus(world)?;
    let (small, fewer) = SMALL_REGIONS;
    let mut most = world.events.rules_per_bus;
    if small.contains(&place.region.as_str()) {
        most = most.min(fewer);
    }
    if !bus.rules.contains_key(&rule.name) && bus.rules.len() >= most {
        return Err(check::over_quota());
    }
    let wild = |rule: &Rule| rule.pattern.as_ref().is_some_and(|pattern| pattern.compiled.wildcards());
    if wild(rule) {
        let others = bus.rules.values().filter(|other| other.name != rule.name && wild(other)).count();
        if others >= WILDCARD_RULES {
            return Err(check::over_quota());
        }
    }
    Ok(())
}

/// Adds what the pattern asks of `source` and `detail-type`, which policies about PutRule may look at.
fn of_pattern(context: &mut Context, call: &Call) {
    let pattern: Option<Value> = call.text("EventPattern").and_then(|text| serde_json::from_str(text).ok());
    for field in ["source", "detail-type"] {
        let values = pattern.as_ref().and_then(|pattern| pattern.get(field)).and_then(Value::as_array);
        if let Some(values) = values {
            let values = values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            context.insert(format!("events:{field}"), values);
        }
    }
}

fn schedule(call: &Call, place: &Place) -> Result<Option<String>, Refusal> {
    let Some(text) = call.text("ScheduleExpression").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    check::length("ScheduleExpression", text, 0, 256)?;
    if !(text.starts_with("rate(") || text.starts_with("cron(")) || !text.ends_with(')') {
        return Err(check::invalid("Parameter ScheduleExpression is not valid."));
    }
    if place.bus != DEFAULT_BUS {
        return Err(check::invalid("ScheduleExpression is supported only on the default event bus."));
    }
    Ok(Some(text.to_owned()))
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = name(call, "Name")?;
    let place = Place::asked(world, call, "EventBusName")?;
    authorize(world, call, "events:DescribeRule", &place, name, Context::new())?;
    let bus = place::read(world, call).bus(&place.bus).ok_or_else(|| place.missing())?;
    let rule = bus.rules.get(name).ok_or_else(|| place.missing_rule(name))?;
    let mut answer = shown(rule, &place);
    answer.insert("CreatedBy".to_owned(), json!(rule.created_by));
    Ok(Value::Object(answer))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    // AWS: the action supports no resource types.
    world.authorize(call, "events:ListRules", "*", Context::new())?;
    let place = Place::asked(world, call, "EventBusName")?;
    let prefix = call.text("NamePrefix").unwrap_or_default();
    if call.text("NamePrefix").is_some() {
        check::name("NamePrefix", prefix, LONGEST_NAME)?;
    }
    let page = page::Page::asked(call, world.now())?;
    let bus = place::read(world, call).bus(&place.bus).ok_or_else(|| place.missing())?;
    let entries = page.of(&bus.rules, prefix, |_, rule| Some(Value::Object(shown(rule, &place))));
    Ok(page::answer("Rules", entries))
}

fn shown(rule: &Rule, place: &Place) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    put("Name", json!(rule.name));
    put("Arn", json!(rule.arn));
    put("State", json!(rule.state.name()));
    put("EventBusName", json!(place.bus));
    if let Some(pattern) = &rule.pattern {
        put("EventPattern", json!(pattern.text));
    }
    let optional = [
        ("ScheduleExpression", &rule.schedule),
        ("Description", &rule.description),
        ("RoleArn", &rule.role),
        ("ManagedBy", &rule.managed_by),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            put(name, json!(value));
        }
    }
    fields
}

/// EnableRule and DisableRule.
pub(super) fn switch(world: &mut World, call: &Call, state: RuleState) -> Result<Value, Refusal> {
    let name = name(call, "Name")?;
    let place = Place::asked(world, call, "EventBusName")?;
    let action = format!("events:{}", call.operation);
    authorize(world, call, &action, &place, name, Context::new())?;
    let rule = place.bus(world)?.rules.get(name).ok_or_else(|| place.missing_rule(name))?;
    refuse_managed(rule)?;
    if let Some(rule) = place.change(world)?.rules.get_mut(name) {
        Arc::make_mut(rule).state = state;
    }
    Ok(Value::Null)
}

/// AWS: a rule that is not there is deleted already; one with targets is not deleted.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = name(call, "Name")?;
    let place = Place::asked(world, call, "EventBusName")?;
    authorize(world, call, "events:DeleteRule", &place, name, Context::new())?;
    let Some(rule) = place.bus(world)?.rules.get(name) else { return Ok(Value::Null) };
    if !call.flag("Force").unwrap_or(false) {
        refuse_managed(rule)?;
    }
    if !rule.targets.is_empty() {
        return Err(check::invalid("Rule can't be deleted since it has targets."));
    }
    place.change(world)?.rules.remove(name);
    Ok(Value::Null)
}

/// The fields that an event must have.
const MANDATORY: [&str; 7] = ["id", "account", "source", "time", "region", "resources", "detail-type"];

pub(super) fn test_pattern(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "events:TestEventPattern", "*", Context::new())?;
    call.required("EventPattern")?;
    let event: BTreeMap<String, Value> = serde_json::from_str(call.required("Event")?)
        .map_err(|_| check::invalid("Parameter Event is not valid. Reason: It is not a JSON object."))?;
    if let Some(absent) = MANDATORY.iter().find(|name| !event.contains_key(**name)) {
        let message = format!("Parameter Event is not valid. Reason: {absent} is a required argument.");
        return Err(check::invalid(message));
    }
    let pattern = check::pattern(call, &world.events)?.ok_or_else(|| {
        Refusal::bad(check::INVALID_PATTERN, "Event pattern is not valid. Reason: It is empty.")
    })?;
    Ok(json!({ "Result": pattern.compiled.matches(&json!(event)) }))
}
