//! Event buses.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

use super::state::Bus;
use super::{DEFAULT_BUS, Place, check, page, place, tags};

/// How many buses an account has in a Region, the default one not counted.
const MOST_BUSES: usize = 100;

/// What AWS answers for a point in time.
pub(super) fn time(at: Timestamp) -> Value {
    // Milliseconds of any year that is simulated fit a float.
    #[expect(clippy::cast_precision_loss)]
    let seconds = at.as_millisecond() as f64 / 1_000.0;
    json!(seconds)
}

/// The keys that a bus gives to the policies that decide about it.
fn context(bus: Option<&Bus>) -> Context {
    let mut context = Context::new();
    if let Some(bus) = bus {
        tags::of_resource(&mut context, &bus.tags);
    }
    context
}

pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let name = call.required("Name")?;
    check::bus_name("Name", name)?;
    let asked =
        Place { account: call.caller.account.clone(), region: call.region.clone(), bus: name.to_owned() };
    let given = tags::given(call)?;
    let arn = asked.arn(world);
    world.authorize(call, "events:CreateEventBus", &arn, tags::of_request(&given))?;
    if !given.is_empty() {
        world.authorize(call, "events:TagResource", &arn, tags::of_request(&given))?;
    }
    if name.contains('/') {
        return Err(check::invalid("Event bus name must not contain '/'."));
    }
    let description = check::description(call)?;
    let logging = logging(call)?;
    let key = check::key(world, call)?;
    let events = asked.events(world);
    if events.bus(name).is_some() {
        let message = format!("Event bus {name} already exists.");
        return Err(Refusal::bad("ResourceAlreadyExistsException", message));
    }
    if events.buses.keys().filter(|name| *name != DEFAULT_BUS).count() >= MOST_BUSES {
        return Err(check::over_quota());
    }
    let now = world.now();
    let bus = Bus {
        description,
        key: key.flatten(),
        dead_letter: dead_letter(call).flatten(),
        logging,
        tags: given,
        created_at: Some(now),
        modified_at: Some(now),
        ..Bus::new(name)
    };
    let mut answer = settings(&bus);
    answer.insert("EventBusArn".to_owned(), Value::String(arn));
    place::write(world, &asked.account, &asked.region).buses.insert(name.to_owned(), Arc::new(bus));
    Ok(Value::Object(answer))
}

/// What is not given stays as it was.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::asked(world, call, "Name")?;
    let arn = place.arn(world);
    let context = context(place.events(world).bus(&place.bus));
    world.authorize(call, "events:UpdateEventBus", &arn, context)?;
    let description = check::description(call)?;
    let logging = logging(call)?;
    let key = check::key(world, call)?;
    let now = world.now();
    let bus = place.change(world)?;
    if let Some(description) = description {
        bus.description = Some(description);
    }
    if let Some(key) = key {
        bus.key = key;
    }
    if let Some(given) = dead_letter(call) {
        bus.dead_letter = given;
    }
    if logging.is_some() {
        bus.logging = logging;
    }
    bus.modified_at = Some(now);
    let mut answer = settings(bus);
    answer.insert("Arn".to_owned(), Value::String(arn));
    answer.insert("Name".to_owned(), Value::String(place.bus));
    Ok(Value::Object(answer))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    call.required("Name")?;
    let asked = Place::asked(world, call, "Name")?;
    let bus = asked.events(world).bus(&asked.bus);
    world.authorize(call, "events:DeleteEventBus", &asked.arn(world), context(bus))?;
    if asked.bus == DEFAULT_BUS {
        return Err(check::invalid("Cannot delete event bus default."));
    }
    // AWS: a bus that is not there is deleted already.
    let Some(bus) = asked.events(world).bus(&asked.bus) else { return Ok(Value::Null) };
    if !bus.rules.is_empty() {
        return Err(check::invalid("Event bus can't be deleted since it has rules."));
    }
    place::write(world, &asked.account, &asked.region).buses.remove(&asked.bus);
    Ok(Value::Null)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::asked(world, call, "Name")?;
    let arn = place.arn(world);
    let context = context(place.events(world).bus(&place.bus));
    world.authorize(call, "events:DescribeEventBus", &arn, context)?;
    let bus = place::read(world, call).bus(&place.bus).ok_or_else(|| place.missing())?;
    let mut answer = settings(bus);
    answer.extend(summary(bus, arn));
    Ok(Value::Object(answer))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "events:ListEventBuses", "*", Context::new())?;
    let page = page::Page::asked(call, world.now())?;
    let place = |name: &str| Place {
        account: call.caller.account.clone(),
        region: call.region.clone(),
        bus: name.to_owned(),
    };
    let default_arn = place(DEFAULT_BUS).arn(world);
    let arn = |name: &str| {
        let stem = default_arn.strip_suffix(DEFAULT_BUS).unwrap_or_default();
        format!("{stem}{name}")
    };
    let events = place::read(world, call);
    let mut buses: BTreeMap<String, &Bus> =
        events.buses.iter().map(|(name, bus)| (name.clone(), bus.as_ref())).collect();
    if let Some(bus) = events.bus(DEFAULT_BUS) {
        buses.insert(DEFAULT_BUS.to_owned(), bus);
    }
    let prefix = call.text("NamePrefix").unwrap_or_default();
    let entries = page.of(&buses, prefix, |name, bus| {
        let mut entry = summary(bus, arn(name));
        if let Some(description) = &bus.description {
            entry.insert("Description".to_owned(), json!(description));
        }
        Some(Value::Object(entry))
    });
    Ok(page::answer("EventBuses", entries))
}

/// What both a description and a list tell.
fn summary(bus: &Bus, arn: String) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("Name".to_owned(), json!(bus.name));
    fields.insert("Arn".to_owned(), Value::String(arn));
    if let Some(policy) = &bus.policy {
        fields.insert("Policy".to_owned(), json!(policy.text));
    }
    if let Some(at) = bus.created_at {
        fields.insert("CreationTime".to_owned(), time(at));
    }
    if let Some(at) = bus.modified_at {
        fields.insert("LastModifiedTime".to_owned(), time(at));
    }
    fields
}

fn settings(bus: &Bus) -> Map<String, Value> {
    let settings = [
        ("Description", bus.description.clone().map(Value::String)),
        ("KmsKeyIdentifier", bus.key.clone().map(Value::String)),
        ("DeadLetterConfig", bus.dead_letter.clone()),
        ("LogConfig", bus.logging.clone()),
    ];
    settings.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// `DeadLetterConfig`: none was given, it is to be none, it is to be this one.
fn dead_letter(call: &Call) -> Option<Option<Value>> {
    let given = call.input.get("DeadLetterConfig").filter(|given| !given.is_null())?;
    Some(given.get("Arn").and_then(Value::as_str).filter(|arn| !arn.is_empty()).map(|_| given.clone()))
}

fn logging(call: &Call) -> Result<Option<Value>, Refusal> {
    let Some(config) = call.object("LogConfig") else { return Ok(None) };
    if let Some(level) = config.get("Level").and_then(Value::as_str) {
        check::one_of("LogConfig.Level", level, &["OFF", "ERROR", "INFO", "TRACE"])?;
    }
    if let Some(detail) = config.get("IncludeDetail").and_then(Value::as_str) {
        check::one_of("LogConfig.IncludeDetail", detail, &["NONE", "FULL"])?;
    }
    Ok(Some(Value::Object(config.clone())))
}
