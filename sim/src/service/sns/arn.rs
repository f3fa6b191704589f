//! ARNs of topics and subscriptions, read as strictly as SNS reads them.

use crate::call::{Call, Refusal};
use crate::world::World;

/// A topic's ARN, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct TopicArn<'a> {
    pub(super) text: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) name: &'a str,
}

impl<'a> TopicArn<'a> {
    /// Takes an ARN apart; `None` if it is none of a topic.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(':');
        let (arn, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = arn == "arn" && service == "sns" && parts.next().is_none() && !name.is_empty();
        whole.then_some(Self { text, region, account, name })
    }

    /// The topic that a call names.
    ///
    /// # Errors
    /// `InvalidParameter`, also for a topic of another Region: SNS reaches only its own.
    pub(super) fn of(call: &'a Call, world: &World, parameter: &str) -> Result<Self, Refusal> {
        let text = call.text(parameter).unwrap_or_default();
        complete(parameter, text)?;
        let partition = text.split(':').nth(1) == Some(world.partition.name);
        Self::parse(text)
            .filter(|topic| partition && topic.region == call.region)
            .ok_or_else(|| invalid(parameter))
    }
}

/// The topic and the id of the subscription that a call names.
///
/// # Errors
/// `InvalidParameter`: `PendingConfirmation`, as lists say, is no ARN.
pub(super) fn subscription<'a>(call: &'a Call) -> Result<(TopicArn<'a>, &'a str), Refusal> {
    let text = call.text("SubscriptionArn").unwrap_or_default();
    complete("SubscriptionArn", text)?;
    if text.split(':').count() == 6 {
        return Err(invalid("SubscriptionId"));
    }
    text.rsplit_once(':')
        .and_then(|(topic, id)| Some((TopicArn::parse(topic)?, id)))
        .filter(|(topic, _)| topic.region == call.region)
        .ok_or_else(|| invalid("SubscriptionArn"))
}

fn complete(parameter: &str, text: &str) -> Result<(), Refusal> {
    match text.split(':').count() {
        6.. => Ok(()),
        count => {
            Err(invalid(format!("{parameter} Reason: An ARN must have at least 6 elements, not {count}")))
        }
    }
}

/// The wording of all that SNS refuses to understand.
pub(super) fn invalid(what: impl std::fmt::Display) -> Refusal {
    Refusal::bad("InvalidParameter", format!("Invalid parameter: {what}"))
}
