//! PutEvents: events that a caller puts on a bus.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::access::Resource;
use crate::call::{Call, Refusal};
use crate::delivery;
use crate::policy::Context;
use crate::world::World;

use super::{Place, check};

/// The most entries of a call.
const MOST_ENTRIES: usize = 10;

/// The most that the entries of a call weigh together, in bytes.
const MOST_BYTES: usize = 1_048_576;

/// Puts events on buses, of the caller's account or of another that admits it.
///
/// AWS: one call is allowed or refused as a whole; after that each entry succeeds or fails by itself. An event for a bus
/// that is not there is lost silently.
pub(super) fn put(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let entries = call.list("Entries");
    let mut places = Vec::with_capacity(entries.len());
    for entry in entries {
        places.push(Place::named(call, "EventBusName", entry.get("EventBusName").and_then(Value::as_str))?);
    }
    authorize(world, call, entries, &places)?;
    if entries.is_empty() || entries.len() > MOST_ENTRIES {
        return Err(check::invalid(format!(
            "1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length \
             between 1 and {MOST_ENTRIES}"
        )));
    }
    if entries.iter().map(weight).sum::<usize>() > MOST_BYTES {
        return Err(check::invalid(format!(
            "Total size of the entries in the request is over the limit of {MOST_BYTES} bytes."
        )));
    }
    let mut results = Vec::with_capacity(entries.len());
    let mut failed = 0;
    for (entry, place) in entries.iter().zip(&places) {
        match event(world, call, entry, place) {
            Ok(event) => {
                results.push(json!({ "EventId": event["id"] }));
                if place.bus(world).is_ok() {
                    delivery::put(world, &place.account, &place.region, &place.bus, event);
                }
            }
            Err((code, message)) => {
                failed += 1;
                results.push(json!({ "ErrorCode": code, "ErrorMessage": message }));
            }
        }
    }
    Ok(json!({ "FailedEntryCount": failed, "Entries": results }))
}

/// Asks once for each bus, with what all its entries say.
fn authorize(world: &World, call: &Call, entries: &[Value], places: &[Place]) -> Result<(), Refusal> {
    let mut asked: BTreeMap<String, (&Place, Context)> = BTreeMap::new();
    for (entry, place) in entries.iter().zip(places) {
        let (_, context) = asked.entry(place.arn(world)).or_insert_with(|| (place, Context::new()));
        for (key, field) in [("events:source", "Source"), ("events:detail-type", "DetailType")] {
            if let Some(value) = entry.get(field).and_then(Value::as_str) {
                let values = context.entry(key.to_owned()).or_default();
                if !values.iter().any(|known| known == value) {
                    values.push(value.to_owned());
                }
            }
        }
    }
    for (arn, (place, mut context)) in asked {
        context.insert("events:eventbusinvocation".to_owned(), vec!["false".to_owned()]);
        let policy = place.events(world).bus(&place.bus).and_then(|bus| bus.policy.as_ref());
        let resource = Resource {
            arn: &arn,
            owner: &place.account,
            policy: policy.map(|document| document.policy.as_ref()),
        };
        world.authorize_at(call, "events:PutEvents", resource, context)?;
    }
    Ok(())
}

/// AWS: the time counts as 14 bytes, the texts by their length in UTF-8.
fn weight(entry: &Value) -> usize {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).map_or(0, str::len);
    let resources: usize = entry
        .get("Resources")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::len)
        .sum();
    let time = if entry.get("Time").is_some_and(|time| !time.is_null()) { 14 } else { 0 };
    time + text("Source") + text("DetailType") + text("Detail") + resources
}

type Failure = (&'static str, String);

/// The event of an entry.
fn event(world: &mut World, call: &Call, entry: &Value, place: &Place) -> Result<Value, Failure> {
    let required = |field: &str| {
        entry.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(|| {
            let message = format!("Parameter {field} is not valid. Reason: {field} is a required argument.");
            ("InvalidArgument", message)
        })
    };
    let source = required("Source")?;
    let detail_type = required("DetailType")?;
    let detail = required("Detail")?;
    if source.starts_with("aws.") {
        return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
    }
    let detail: Map<String, Value> =
        serde_json::from_str(detail).map_err(|_| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
    if place.region != call.region {
        let message = "Parameter EventBusName is not valid. Reason: The event bus is in another Region.";
        return Err(("InvalidArgument", message.to_owned()));
    }
    let resources: Vec<&Value> =
        entry.get("Resources").and_then(Value::as_array).into_iter().flatten().collect();
    let event = json!({
        "version": "0",
        "id": world.uuid(),
        "detail-type": detail_type,
        "source": source,
        "account": call.caller.account,
        "time": time(entry).unwrap_or_else(|| world.now()).strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": call.region,
        "resources": resources,
        "detail": detail,
    });
    Ok(event)
}

/// The entry's own time: seconds since the epoch, as the protocol writes times.
fn time(entry: &Value) -> Option<Timestamp> {
    let seconds = entry.get("Time")?.as_f64()?;
    // Events have whole seconds.
    #[expect(clippy::cast_possible_truncation)]
    let seconds = seconds.floor() as i64;
    Timestamp::from_second(seconds).ok()
}
