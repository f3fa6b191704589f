//! One target of a rule.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::call::Refusal;
use crate::partition::Partition;
use crate::transform::Transform;

use super::check;
use super::{Arn, Place};

/// A target of a rule.
#[derive(Clone, Debug)]
pub struct Target {
    /// Its id, unique in the rule.
    pub id: String,
    /// The ARN of what is called.
    pub arn: String,
    /// What is called.
    pub destination: Destination,
    /// The role that it is called with.
    pub role: Option<String>,
    /// The queue that takes what could not be delivered.
    pub dead_letter: Option<String>,
    /// What it receives instead of the event.
    pub transform: Arc<Transform>,
    /// The target as it was given, as a list shows it.
    pub given: Map<String, Value>,
}

/// What a target calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// An event bus.
    Bus(Place),
    /// An SNS topic.
    Topic,
    /// An SQS queue.
    Queue,
    /// An archive, by its ARN. Only EventBridge itself makes such a target.
    Archive(String),
    /// Anything else.
    Other,
}

/// What changes the message of a target.
const INPUTS: [&str; 3] = ["Input", "InputPath", "InputTransformer"];

impl Target {
    /// Reads a target of a rule on the bus `place`, and refuses what AWS refuses by itself, without asking others.
    ///
    /// # Errors
    /// `ValidationException`.
    pub(super) fn parse(value: &Value, place: &Place, partition: &Partition) -> Result<Self, Refusal> {
        let absent = |name: &str| {
            check::invalid(format!(
                "1 validation error detected: Value null at 'targets.1.member.{name}' failed to satisfy \
                 constraint: Member must not be null"
            ))
        };
        let mut given = value.as_object().cloned().ok_or_else(|| absent("id"))?;
        given.retain(|_, value| !value.is_null());
        let text = |name: &str| given.get(name).and_then(Value::as_str);
        let id = text("Id").ok_or_else(|| absent("id"))?;
        check::name("Id", id, 64)?;
        let text_arn = text("Arn").ok_or_else(|| absent("arn"))?;
        check::length("Arn", text_arn, 1, 1_600)?;
        let arn = Arn::parse(text_arn).filter(|arn| arn.partition == partition.name).ok_or_else(|| {
            check::invalid("Parameter(s) Arn not valid. Reason: Provided Arn is not in correct format.")
        })?;
        let destination = match (arn.service, arn.bus()) {
            (_, Some(_)) => Place::of(&arn).map_or(Destination::Other, Destination::Bus),
            ("sns", _) => Destination::Topic,
            ("sqs", _) => Destination::Queue,
            _ => Destination::Other,
        };
        in_reach(&arn, &destination, place, partition)?;
        let own = arn.account.is_empty() || arn.account == place.account;
        if matches!(destination, Destination::Bus(_))
            && !own
            && let Some(input) = INPUTS.iter().find(|input| given.contains_key(**input))
        {
            return Err(check::invalid(format!(
                "Parameter {input} is not supported for a target that is an event bus in another account."
            )));
        }
        let transform = Transform::parse(&given).map_err(check::invalid)?;
        retries(&given)?;
        let dead_letter = dead_letter(&given, place)?;
        let role = text("RoleArn").filter(|role| !role.is_empty());
        if let Some(role) = role {
            check::length("RoleArn", role, 1, 1_600)?;
        }
        Ok(Self {
            id: id.to_owned(),
            arn: text_arn.to_owned(),
            role: role.map(str::to_owned),
            destination,
            dead_letter,
            transform: Arc::new(transform),
            given,
        })
    }

    /// Gives it a role, as if it had been given with it.
    pub(super) fn set_role(&mut self, role: &str) {
        self.role = Some(role.to_owned());
        self.given.insert("RoleArn".to_owned(), Value::String(role.to_owned()));
    }

    /// Whether AWS refuses it without a role: it belongs to another account.
    pub(super) fn needs_role(&self, place: &Place) -> bool {
        match &self.destination {
            Destination::Archive(_) => false,
            _ => Arn::parse(&self.arn)
                .is_some_and(|arn| !arn.account.is_empty() && arn.account != place.account),
        }
    }
}

/// Whether events of one Region may be sent to a bus in another. AWS: not in China and GovCloud.
pub(crate) fn crosses_regions(partition: &Partition) -> bool {
    !matches!(partition.name, "aws-cn" | "aws-us-gov")
}

/// AWS: only a bus may be in another Region than the rule.
fn in_reach(
    arn: &Arn<'_>,
    destination: &Destination,
    place: &Place,
    partition: &Partition,
) -> Result<(), Refusal> {
    let same = arn.region.is_empty() || arn.region == place.region;
    let may_differ = matches!(destination, Destination::Bus(_)) && crosses_regions(partition);
    if same || may_differ {
        return Ok(());
    }
    Err(check::invalid("Cross-region api call is not allowed."))
}

fn retries(given: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(policy) = given.get("RetryPolicy") else { return Ok(()) };
    if let Some(attempts) = policy.get("MaximumRetryAttempts").and_then(Value::as_i64) {
        check::range("MaximumRetryAttempts", attempts, 0, 185)?;
    }
    if let Some(age) = policy.get("MaximumEventAgeInSeconds").and_then(Value::as_i64) {
        check::range("MaximumEventAgeInSeconds", age, 60, 86_400)?;
    }
    Ok(())
}

/// AWS: a standard queue in the rule's Region, in whatever account.
fn dead_letter(given: &Map<String, Value>, place: &Place) -> Result<Option<String>, Refusal> {
    let queue = given.get("DeadLetterConfig").and_then(|config| config.get("Arn")).and_then(Value::as_str);
    let Some(queue) = queue else { return Ok(None) };
    let fits = Arn::parse(queue).is_some_and(|arn| {
        arn.service == "sqs" && arn.region == place.region && !arn.resource.ends_with(".fifo")
    });
    if fits {
        return Ok(Some(queue.to_owned()));
    }
    Err(check::invalid(
        "Parameter DeadLetterConfig.Arn is not valid. Reason: It must be the Arn of a standard SQS queue in the Region \
         of the rule.",
    ))
}
