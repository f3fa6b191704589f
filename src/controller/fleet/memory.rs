//! What is kept of a judgement, and what it says of where we are.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::WRONG_ORGANIZATION;
use crate::judge::{Judged, Memory};
use crate::kinds::event_bus;
use crate::kinds::topic::{NO_CONFIRMED_SUBSCRIPTION, SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::plan::Hold;
use crate::model::resource::{Note, ResourceId, Verdict};
use crate::world::World;

/// Our bus admits another organization than the one that we find ourselves in. Where the configuration says which is
/// right, that is drift like any other; where it does not, nobody but a person can know.
pub(super) fn wrong_bus(world: &World, judged: &[Judged]) -> Option<Hold> {
    let bus = judged
        .iter()
        .find(|j| j.resource.id.kind == "event_bus" && j.resource.verdict != Verdict::Foreign)?;
    let admitted = event_bus::admitted_organization(bus.seen.as_ref()?.get("policy")?)?;
    (admitted != world.organization.as_str()).then(|| Hold {
        reason: WRONG_ORGANIZATION,
        message: format!(
            "the central bus admits organization {admitted}, and these credentials belong to {}; nothing is written. Set \
             `organization.id` to the one that is meant",
            world.organization
        ),
        waits: false,
    })
}

/// Keeps what later judgements depend on.
pub(super) fn remember(memory: &mut Memory, judged: &[Judged], settle: Duration, now: Timestamp) {
    for Judged { resource, seen, .. } in judged {
        let remembered = memory.entry(resource.id.clone()).or_default();
        let ours = matches!(resource.verdict, Verdict::InSync | Verdict::Drifted | Verdict::Orphan)
            && seen.is_some();
        remembered.ours |= ours;
        remembered.orphan_sightings =
            if resource.verdict == Verdict::Orphan { remembered.orphan_sightings + 1 } else { 0 };
        // A topic is in place once somebody is there to be told; what SNS confirmed takes effect as late as anything.
        let silent = resource.notes.iter().any(|note| note.reason == NO_CONFIRMED_SUBSCRIPTION);
        remembered.in_place_since = (resource.verdict == Verdict::InSync && seen.is_some() && !silent)
            .then(|| remembered.in_place_since.unwrap_or(now));
        let subscriptions =
            seen.as_ref().and_then(|spec| spec.get("subscriptions")).and_then(|s| s.as_object());
        let Some(there) = subscriptions else { continue };
        let waits = |label: &String| {
            let of_it = |note: &Note| note.about.as_ref() == Some(label);
            let reasons = [SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME];
            resource.notes.iter().any(|note| of_it(note) && reasons.contains(&note.reason))
        };
        for label in there.keys() {
            remembered.subscriptions.entry(label.clone()).or_default().is_there(waits(label), now);
        }
        for (_, asked) in remembered.subscriptions.iter_mut().filter(|(label, _)| !there.contains_key(*label))
        {
            asked.is_gone(now);
        }
    }
    // What is neither desired nor there is forgotten, so that memory does not grow with names that come and go; but
    // not while a late read may still show it.
    let there: BTreeSet<&ResourceId> = judged.iter().map(|j| &j.resource.id).collect();
    let settling = |at: Timestamp| Duration::try_from(now.duration_since(at)).is_ok_and(|age| age < settle);
    for (_, remembered) in memory.iter_mut() {
        remembered.written.take_if(|(at, _)| !settling(*at));
    }
    memory.retain(|id, remembered| there.contains(id) || remembered.written.is_some());
}
