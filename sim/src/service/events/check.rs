//! What the API's validation refuses, in its words.

use std::sync::Arc;

use crate::call::{Call, Refusal, Service};
use crate::pattern::{self, Pattern};
use crate::service::kms;
use crate::world::World;

use super::state::{EventPattern, Options};

/// The code of a pattern that cannot be used.
pub(super) const INVALID_PATTERN: &str = "InvalidEventPatternException";

/// A `ValidationException`.
pub(super) fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::invalid(Service::Events, message)
}

/// The key that a call gives: none was given, it is to be the one that AWS owns, it is to be this one.
///
/// AWS: an empty key goes back to the key that AWS owns; another one must be a symmetric key that EventBridge may look at.
///
/// # Errors
/// `ValidationException`.
pub(super) fn key(world: &World, call: &Call) -> Result<Option<Option<String>>, Refusal> {
    match call.text("KmsKeyIdentifier") {
        None => Ok(None),
        Some("") => Ok(Some(None)),
        Some(key) if kms::is_known_to_events(world, key, &call.caller.account, &call.region) => {
            Ok(Some(Some(key.to_owned())))
        }
        Some(key) => Err(invalid(format!(
            "Parameter KmsKeyIdentifier is not valid. Reason: EventBridge cannot use the key {key}."
        ))),
    }
}

/// More than a quota allows.
pub(super) fn over_quota() -> Refusal {
    Refusal::bad("LimitExceededException", "The requested resource exceeds the maximum number allowed.")
}

fn violated(field: &str, value: &str, constraint: &str) -> Refusal {
    let field = lower_first(field);
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}"
    ))
}

/// The API names a field in its complaints with a small first letter.
fn lower_first(field: &str) -> String {
    let mut letters = field.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Refuses a text of the wrong length.
pub(super) fn length(field: &str, value: &str, least: usize, most: usize) -> Result<(), Refusal> {
    let length = value.chars().count();
    if length < least {
        let constraint = format!("Member must have length greater than or equal to {least}");
        return Err(violated(field, value, &constraint));
    }
    if length > most {
        let constraint = format!("Member must have length less than or equal to {most}");
        return Err(violated(field, value, &constraint));
    }
    Ok(())
}

fn made_of(field: &str, value: &str, allowed: &str, pattern: &str) -> Result<(), Refusal> {
    if value.chars().all(|letter| letter.is_ascii_alphanumeric() || allowed.contains(letter)) {
        return Ok(());
    }
    Err(violated(field, value, &format!("Member must satisfy regular expression pattern: {pattern}")))
}

/// Refuses what is no name of a rule, target or archive.
pub(super) fn name(field: &str, value: &str, most: usize) -> Result<(), Refusal> {
    length(field, value, 1, most)?;
    made_of(field, value, ".-_", r"[\.\-_A-Za-z0-9]+")
}

/// Refuses what is no name of a bus. Names with slashes are of partner buses, which are only referred to.
pub(super) fn bus_name(field: &str, value: &str) -> Result<(), Refusal> {
    length(field, value, 1, 256)?;
    made_of(field, value, "/.-_", r"[/\.\-_A-Za-z0-9]+")
}

/// Refuses what is no id of a policy statement.
pub(super) fn statement_id(value: &str) -> Result<(), Refusal> {
    length("StatementId", value, 1, 64)?;
    made_of("StatementId", value, "-_", r"[a-zA-Z0-9-_]+")
}

/// The description of a call, which must not be too long.
pub(super) fn description(call: &Call) -> Result<Option<String>, Refusal> {
    let Some(description) = call.text("Description") else { return Ok(None) };
    length("Description", description, 0, 512)?;
    Ok(Some(description.to_owned()))
}

/// A value that is one of a list.
pub(super) fn one_of(field: &str, value: &str, allowed: &[&str]) -> Result<(), Refusal> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let constraint = format!("Member must satisfy enum value set: [{}]", allowed.join(", "));
    Err(violated(field, value, &constraint))
}

/// A number that is in a range.
pub(super) fn range(field: &str, value: i64, least: i64, most: i64) -> Result<(), Refusal> {
    if value < least {
        let constraint = format!("Member must have value greater than or equal to {least}");
        return Err(violated(field, &value.to_string(), &constraint));
    }
    if value > most {
        let constraint = format!("Member must have value less than or equal to {most}");
        return Err(violated(field, &value.to_string(), &constraint));
    }
    Ok(())
}

/// The pattern of a call, compiled; `None` when it has none.
pub(super) fn pattern(call: &Call, options: &Options) -> Result<Option<EventPattern>, Refusal> {
    // AWS takes an empty text for no pattern.
    let Some(text) = call.text("EventPattern").filter(|text| !text.is_empty()) else { return Ok(None) };
    length("EventPattern", text, 0, pattern::API_LIMIT)?;
    if text.chars().count() > options.pattern_length {
        return Err(over_quota());
    }
    compile(text).map(Some)
}

/// A pattern, compiled.
pub(super) fn compile(text: &str) -> Result<EventPattern, Refusal> {
    let compiled = Pattern::parse(text).map_err(|message| Refusal::bad(INVALID_PATTERN, message))?;
    Ok(EventPattern { text: Arc::from(text), compiled: Arc::new(compiled) })
}
