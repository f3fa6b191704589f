//! What happens to an event that is put on a bus.
//!
//! One function walks: it matches the rules of the bus, asks the policies and goes on to other buses. What it comes to is
//! done by a sink: one delivers, the other only notes where a delivery would have arrived.

mod figures;
mod outbox;
mod sink;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::service::events::Place;
use crate::world::World;

pub use outbox::{Deliveries, Outbox, Received};
pub use walk::View;

use sink::{Deliver, Note};

/// Puts an event on a bus: rules are matched, targets called, failures go to dead-letter queues.
///
/// The event is whole already, with account, Region, id and time; it keeps them on its way.
pub fn put(world: &mut World, account: &str, region: &str, bus: &str, event: Value) {
    walk::walk(&mut Deliver { world }, View::Effective, place(account, region, bus), &event);
}

/// The endpoints that an event put now would reach, without any effect: `<topic ARN> <protocol> <endpoint>`,
/// `sqs <queue ARN>`, and `<service> <ARN>` for other targets.
///
/// A dead-letter queue is no endpoint: an event that ends there has not arrived.
pub fn would_reach(
    world: &World,
    account: &str,
    region: &str,
    bus: &str,
    event: &Value,
    at: View,
) -> BTreeSet<String> {
    let mut note = Note { world, lag: at.lag(world), reached: BTreeSet::new() };
    walk::walk(&mut note, at, place(account, region, bus), event);
    note.reached
}

/// The dead-letter queues that would take an event put now, if none of the targets of its rules could be called.
pub fn would_bury(
    world: &World,
    account: &str,
    region: &str,
    bus: &str,
    event: &Value,
    at: View,
) -> BTreeSet<String> {
    walk::graves(world, at, &place(account, region, bus), event)
}

fn place(account: &str, region: &str, bus: &str) -> Place {
    Place { account: account.to_owned(), region: region.to_owned(), bus: bus.to_owned() }
}
