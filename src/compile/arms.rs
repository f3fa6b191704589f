//! The one place where rules get events besides those that the configuration asks for.

use serde_json::{Value, json};

use crate::canary;
use crate::config::{DrillSchedule, Settings};
use crate::document;
use crate::drill;

/// A rule's pattern, and beside it further patterns, each whole: no field is in the base and in an arm at once, which
/// EventBridge would silently overwrite.
pub fn with_arms(pattern: &Value, arms: &[Value]) -> Value {
    if arms.is_empty() {
        return document::normal_pattern(pattern.clone());
    }
    // What is nothing but such a list is lengthened.
    let own = match pattern.as_object() {
        Some(fields) if fields.len() == 1 => fields.get("$or").and_then(Value::as_array),
        _ => None,
    };
    let whole: Vec<&Value> = own.map_or_else(|| vec![pattern], |own| own.iter().collect());
    document::normal_pattern(json!({ "$or": whole.into_iter().chain(arms).collect::<Vec<_>>() }))
}

/// The characters that further patterns need beside a pattern.
pub(super) fn room(arms: &[Value]) -> usize {
    let around = if arms.is_empty() { 0 } else { r#"{"$or":[]}"#.len() };
    around + arms.iter().map(|arm| arm.to_string().chars().count() + 1).sum::<usize>()
}

/// What a sender rule forwards besides its watch, by the rule's name: its own canaries, where any are sent.
pub(super) fn of_sender(rule: &str, canaries: bool) -> Vec<Value> {
    if canaries { vec![canary::arm(rule)] } else { Vec::new() }
}

/// What the first rule of an alert delivers besides what its watches forward: its own drills, where there are any.
pub(super) fn of_alert(alert: &str, settings: &Settings) -> Vec<Value> {
    let drills = settings.drill.schedule != DrillSchedule::Off;
    if drills { vec![drill::arm(alert, &settings.central.account_id)] } else { Vec::new() }
}
