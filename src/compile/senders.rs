//! What members send: a rule for each watch, but for those that another one has in it.

use serde_json::Value;

use super::arms;
use crate::config::Watch;
use crate::pattern::algebra::Events;

/// How the events of two watches lie to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The same events.
    Same,
    /// All events of the first one are in the second one.
    Within,
    /// All events of the second one are in the first one.
    Around,
    /// Surely none in common.
    Apart,
    /// Some in common, or perhaps some.
    Overlapping,
}

/// How the events of two watches lie to each other, as far as that is sure.
pub fn relation(a: &Watch, b: &Watch) -> Relation {
    let (Ok(in_a), Ok(in_b)) = (Events::of(a.pattern.value()), Events::of(b.pattern.value())) else {
        return Relation::Overlapping;
    };
    match (in_a.is_within(&in_b), in_b.is_within(&in_a)) {
        (true, true) => Relation::Same,
        (true, false) => Relation::Within,
        (false, true) => Relation::Around,
        (false, false) if in_a.is_apart_from(&in_b) => Relation::Apart,
        (false, false) => Relation::Overlapping,
    }
}

/// The names of the watches that forward every event of this one, and so make its sender rule needless where they
/// are watched too: a forwarded event does not say which rule sent it, and would come twice.
pub fn contained_in(watch: &Watch, all: &[Watch]) -> Vec<String> {
    let around = |other: &&Watch| {
        other.name != watch.name
            // Calls that only read come through rules of another state.
            && (other.read_events || !watch.read_events)
            && match relation(watch, other) {
                Relation::Within => true,
                // One of two that see the same is enough: the one that reads, else the first by name.
                Relation::Same => {
                    (other.read_events, &watch.name) > (watch.read_events, &other.name)
                }
                _ => false,
            }
    };
    all.iter().filter(around).map(|other| other.name.clone()).collect()
}

/// The pattern of the sender rule of this name.
pub fn sender(pattern: &Value, rule: &str, canaries: bool) -> Value {
    arms::with_arms(pattern, &arms::of_sender(rule, canaries))
}
