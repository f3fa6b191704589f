//! Archives: what keeps the events of a bus.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal};
use crate::policy::Context;
use crate::world::World;

use super::buses::time;
use super::state::{Archive, EventPattern, Rule, RuleState};
use super::target::Destination;
use super::{Arn, Place, check, page, place, rules, targets};

/// The most archives of an account in a Region.
const MOST_ARCHIVES: usize = 100;

/// Who manages the rule that fills an archive.
const MANAGER: &str = "prod.vhs.events.aws.internal";

/// The archive that a call names, authorized.
struct Asked<'c> {
    name: &'c str,
    arn: String,
}

impl<'c> Asked<'c> {
    fn of(world: &World, call: &'c Call) -> Result<Self, Refusal> {
        let name = call.required("ArchiveName")?;
        check::name("ArchiveName", name, 48)?;
        let arn = format!(
            "arn:{}:events:{}:{}:archive/{name}",
            world.partition.name, call.region, call.caller.account
        );
        world.authorize(call, &format!("events:{}", call.operation), &arn, Context::new())?;
        Ok(Self { name, arn })
    }

    fn missing(&self) -> Refusal {
        let message = format!("Archive {} does not exist.", self.name);
        Refusal::bad("ResourceNotFoundException", message)
    }

    fn known(&self, world: &World, call: &Call) -> Result<Arc<Archive>, Refusal> {
        let events = place::current(world, &call.caller.account, &call.region);
        events.archives.get(self.name).cloned().ok_or_else(|| self.missing())
    }
}

/// The name of the rule that fills an archive.
fn rule_name(archive: &str) -> String {
    format!("Events-Archive-{archive}")
}

/// Makes an archive and the managed rule that fills it.
pub(super) fn create(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let asked = Asked::of(world, call)?;
    let source = call.required("EventSourceArn")?;
    let place = Arn::parse(source)
        .as_ref()
        .and_then(Place::of)
        .filter(|place| place.account == call.caller.account && place.region == call.region)
        .ok_or_else(|| {
            check::invalid("Parameter EventSourceArn is not valid. Reason: Must contain an event bus ARN.")
        })?;
    place.bus(world)?;
    let description = check::description(call)?;
    let pattern = check::pattern(call, &world.events)?;
    let retention_days = retention(call)?.unwrap_or(0);
    let key = check::key(world, call)?;
    let events = place.events(world);
    if events.archives.contains_key(asked.name) {
        let message = format!("Archive {} already exists.", asked.name);
        return Err(Refusal::bad("ResourceAlreadyExistsException", message));
    }
    if events.archives.len() >= MOST_ARCHIVES {
        return Err(check::over_quota());
    }
    let now = world.now();
    let archive = Archive {
        name: asked.name.to_owned(),
        source: source.to_owned(),
        description,
        pattern,
        retention_days,
        key: key.flatten(),
        created_at: now,
    };
    let rule = filler(world, &place, &archive, &asked.arn)?;
    rules::within_quotas(world, &place, &rule)?;
    let events = place::write(world, &place.account, &place.region);
    events.archives.insert(archive.name.clone(), Arc::new(archive));
    if let Some(bus) = events.bus_mut(&place.bus) {
        bus.rules.insert(rule.name.clone(), Arc::new(rule));
    }
    Ok(json!({ "ArchiveArn": asked.arn, "State": "ENABLED", "CreationTime": time(now) }))
}

/// The rule that fills the archive. Replayed events are not archived again.
fn filler(world: &World, place: &Place, archive: &Archive, archive_arn: &str) -> Result<Rule, Refusal> {
    let name = rule_name(&archive.name);
    let target = format!("arn:{}:events:{}:::", world.partition.name, place.region);
    Ok(Rule {
        arn: place.rule_arn(world, &name),
        pattern: Some(fresh(archive.pattern.as_ref())?),
        schedule: None,
        state: RuleState::Enabled,
        description: None,
        role: None,
        managed_by: Some(MANAGER.to_owned()),
        created_by: place.account.clone(),
        tags: BTreeMap::new(),
        targets: targets::managed(&name, &target, Destination::Archive(archive_arn.to_owned())),
        name,
    })
}

fn fresh(pattern: Option<&EventPattern>) -> Result<EventPattern, Refusal> {
    let asked: Option<Map<String, Value>> =
        pattern.and_then(|pattern| serde_json::from_str(&pattern.text).ok());
    let mut asked = asked.unwrap_or_default();
    asked.insert("replay-name".to_owned(), json!([{ "exists": false }]));
    check::compile(&Value::Object(asked).to_string())
}

fn retention(call: &Call) -> Result<Option<i64>, Refusal> {
    let days = call.number("RetentionDays");
    if let Some(days) = days {
        check::range("RetentionDays", days, 0, i64::from(i32::MAX))?;
    }
    Ok(days)
}

/// What is not given stays as it was.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let asked = Asked::of(world, call)?;
    let mut archive = Archive::clone(&*asked.known(world, call)?);
    if let Some(description) = check::description(call)? {
        archive.description = Some(description);
    }
    if let Some(pattern) = check::pattern(call, &world.events)? {
        archive.pattern = Some(pattern);
    }
    if let Some(days) = retention(call)? {
        archive.retention_days = days;
    }
    if let Some(key) = check::key(world, call)? {
        archive.key = key;
    }
    let pattern = fresh(archive.pattern.as_ref())?;
    let created_at = archive.created_at;
    let bus = Arn::parse(&archive.source).and_then(|arn| arn.bus()).unwrap_or_default().to_owned();
    let events = place::write(world, &call.caller.account, &call.region);
    events.archives.insert(archive.name.clone(), Arc::new(archive));
    let rule = events.bus_mut(&bus).and_then(|bus| bus.rules.get_mut(&rule_name(asked.name)));
    if let Some(rule) = rule {
        Arc::make_mut(rule).pattern = Some(pattern);
    }
    Ok(json!({ "ArchiveArn": asked.arn, "State": "ENABLED", "CreationTime": time(created_at) }))
}

/// Deletes an archive, the rule that filled it and the events in it.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let asked = Asked::of(world, call)?;
    let archive = asked.known(world, call)?;
    let events = place::write(world, &call.caller.account, &call.region);
    events.archives.remove(asked.name);
    let bus = Arn::parse(&archive.source).and_then(|arn| arn.bus()).unwrap_or_default();
    if let Some(bus) = events.bus_mut(bus) {
        bus.rules.remove(&rule_name(asked.name));
    }
    world.outbox.forget_archive(&asked.arn);
    Ok(Value::Null)
}

pub(super) fn describe(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let asked = Asked::of(world, call)?;
    let archive = place::read(world, call).archives.get(asked.name).cloned();
    let archive = archive.ok_or_else(|| asked.missing())?;
    let mut answer = summary(world, &archive, &asked.arn);
    answer.insert("ArchiveArn".to_owned(), Value::String(asked.arn));
    let optional = [
        ("Description", archive.description.as_deref()),
        ("EventPattern", archive.pattern.as_ref().map(|pattern| &*pattern.text)),
        ("KmsKeyIdentifier", archive.key.as_deref()),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            answer.insert(name.to_owned(), json!(value));
        }
    }
    Ok(Value::Object(answer))
}

pub(super) fn list(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    world.authorize(call, "events:ListArchives", "*", Context::new())?;
    let (prefix, source, state) = (call.text("NamePrefix"), call.text("EventSourceArn"), call.text("State"));
    if [prefix, source, state].into_iter().flatten().count() > 1 {
        return Err(check::invalid(
            "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix.",
        ));
    }
    let page = page::Page::asked(call, world.now())?;
    let archives = place::read(world, call).archives.clone();
    let stem = format!("arn:{}:events:{}:{}:archive", world.partition.name, call.region, call.caller.account);
    let entries = page.of(&archives, prefix.unwrap_or_default(), |name, archive| {
        let of_source = source.is_none_or(|source| source == archive.source);
        let of_state = state.is_none_or(|state| state == "ENABLED");
        (of_source && of_state).then(|| Value::Object(summary(world, archive, &format!("{stem}/{name}"))))
    });
    Ok(page::answer("Archives", entries))
}

/// What both a description and a list tell.
fn summary(world: &World, archive: &Archive, arn: &str) -> Map<String, Value> {
    let (count, bytes) = world.outbox.archive_size(arn);
    let fields = json!({
        "ArchiveName": archive.name,
        "EventSourceArn": archive.source,
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": bytes,
        "EventCount": count,
        "CreationTime": time(archive.created_at),
    });
    fields.as_object().cloned().unwrap_or_default()
}
