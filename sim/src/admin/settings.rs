//! What goes wrong, and how long everything takes.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Asked, Fault};
use crate::fault::{Distribution, QuotaChange, Rule, Span};
use crate::world::World;

pub(super) fn faults(world: &World) -> Answer {
    Ok(json!({ "faults": world.faults.rules() }))
}

pub(super) fn set_fault(world: &mut World, asked: &Asked<'_>) -> Answer {
    let rule: Rule = asked.body()?;
    let now = world.now();
    let id = world.faults.set(rule, now).map_err(Fault::bad)?;
    Ok(json!({ "id": id }))
}

pub(super) fn clear_faults(world: &mut World, asked: &Asked<'_>) -> Answer {
    match asked.query(["id"])? {
        [Some(id)] => remove_fault(world, &id),
        [None] => {
            world.faults.clear();
            Ok(json!({}))
        }
    }
}

pub(super) fn remove_fault(world: &mut World, id: &str) -> Answer {
    if world.faults.remove(id) {
        Ok(json!({}))
    } else {
        Err(Fault::absent(format!("there is no fault {id}")))
    }
}

pub(super) fn latency(world: &World) -> Answer {
    Ok(json!({ "latency": world.faults.latency() }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    /// Absent or null: none.
    latency: Option<Distribution>,
}

pub(super) fn set_latency(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Latency { latency } = asked.body()?;
    world.faults.set_latency(latency).map_err(Fault::bad)?;
    self::latency(world)
}

pub(super) fn quotas(world: &World) -> Answer {
    Ok(json!(world.faults.quotas))
}

pub(super) fn set_quotas(world: &mut World, asked: &Asked<'_>) -> Answer {
    let change: QuotaChange = asked.body()?;
    world.faults.quotas.change(change).map_err(Fault::bad)?;
    quotas(world)
}

pub(super) fn lags(world: &World) -> Value {
    let lags = world.lags;
    json!({ "read": Span::from(lags.read), "effect": Span::from(lags.effect), "role": Span::from(lags.role) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lags {
    read: Option<Span>,
    effect: Option<Span>,
    role: Option<Span>,
}

/// What is absent stays.
pub(super) fn set_lags(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Lags { read, effect, role } = asked.body()?;
    let lags = &mut world.lags;
    lags.read = read.map_or(lags.read, Span::signed);
    lags.effect = effect.map_or(lags.effect, Span::signed);
    lags.role = role.map_or(lags.role, Span::signed);
    Ok(self::lags(world))
}
