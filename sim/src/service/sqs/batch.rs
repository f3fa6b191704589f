//! Operations on many messages: each entry succeeds or fails by itself.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::errors::modelled;
use super::exchange::{Outgoing, hide, no_handle, put};
use super::{Place, TO_SEND, admit, query_code, unlock};
use crate::call::{Call, Refusal};
use crate::world::World;

/// AWS: ten entries a batch.
const ENTRIES: usize = 10;

/// An entry of a batch with its id.
type Entry<'a> = (&'a str, &'a Map<String, Value>);

/// What became of an entry, by its id.
type Outcome<'a> = (&'a str, Result<Map<String, Value>, Refusal>);

fn entries(call: &Call) -> Result<Vec<Entry<'_>>, Refusal> {
    let entries: Vec<Entry<'_>> = call
        .list("Entries")
        .iter()
        .filter_map(Value::as_object)
        .map(|entry| (entry.get("Id").and_then(Value::as_str).unwrap_or_default(), entry))
        .collect();
    if entries.is_empty() {
        return Err(modelled("EmptyBatchRequest", "There should be at least one entry in the request."));
    }
    if entries.len() > ENTRIES {
        return Err(modelled(
            "TooManyEntriesInBatchRequest",
            format!("Maximum number of entries per request are {ENTRIES}. You have sent {}.", entries.len()),
        ));
    }
    let known = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-' || letter == b'_';
    if entries.iter().any(|(id, _)| id.is_empty() || id.len() > 80 || !id.bytes().all(known)) {
        return Err(modelled(
            "InvalidBatchEntryId",
            "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.",
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some((id, _)) = entries.iter().find(|(id, _)| !seen.insert(*id)) {
        return Err(modelled("BatchEntryIdsNotDistinct", format!("Id {id} repeated.")));
    }
    Ok(entries)
}

fn answer(results: Vec<Outcome<'_>>) -> Value {
    let (mut successful, mut failed) = (Vec::new(), Vec::new());
    for (id, result) in results {
        match result {
            Ok(mut entry) => {
                entry.insert("Id".to_owned(), id.into());
                successful.push(Value::Object(entry));
            }
            Err(refusal) => failed.push(json!({
                "Id": id,
                "SenderFault": true,
                "Code": query_code(&refusal.code),
                "Message": refusal.message,
            })),
        }
    }
    let mut answer = json!({ "Successful": successful });
    if !failed.is_empty() {
        answer["Failed"] = failed.into();
    }
    answer
}

pub(super) fn send(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:SendMessage", &place)?;
    let largest = place.open(world)?.0.number("MaximumMessageSize");
    unlock(world, call, &place, &TO_SEND)?;
    let messages: Vec<_> =
        entries(call)?.into_iter().map(|(id, entry)| (id, Outgoing::read(entry, &call.caller))).collect();
    let size: usize =
        messages.iter().filter_map(|(_, message)| message.as_ref().ok()).map(Outgoing::size).sum();
    if i64::try_from(size).is_ok_and(|size| size > largest) {
        return Err(modelled(
            "BatchRequestTooLong",
            format!("Batch requests cannot be longer than {largest} bytes. You have sent {size} bytes."),
        ));
    }
    let results = messages
        .into_iter()
        .map(|(id, message)| (id, message.and_then(|message| put(world, &place, message))))
        .collect();
    Ok(answer(results))
}

pub(super) fn delete(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:DeleteMessage", &place)?;
    let (queue, _) = place.open(world)?;
    let results = entries(call)?
        .into_iter()
        .map(|(id, entry)| {
            let handle = entry.get("ReceiptHandle").and_then(Value::as_str).unwrap_or_default();
            let found = queue.messages.of_handle(handle).map(|found| found.map(|(number, _)| number));
            if let Ok(Some(number)) = found {
                queue.messages.remove(number);
            }
            (id, found.map(|_| Map::new()).map_err(|()| no_handle(handle)))
        })
        .collect();
    Ok(answer(results))
}

pub(super) fn change_visibility(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let place = Place::of(call)?;
    admit(world, call, "sqs:ChangeMessageVisibility", &place)?;
    let now = world.now();
    let (queue, _) = place.open(world)?;
    let results = entries(call)?
        .into_iter()
        .map(|(id, entry)| {
            let handle = entry.get("ReceiptHandle").and_then(Value::as_str).unwrap_or_default();
            let seconds = entry.get("VisibilityTimeout").and_then(Value::as_i64);
            (id, hide(&mut queue.messages, handle, seconds, now).map(|()| Map::new()))
        })
        .collect();
    Ok(answer(results))
}
