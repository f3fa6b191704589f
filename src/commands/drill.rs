//! `drill`: a message marked as such to everybody who is subscribed to an alert.

use super::{Invocation, apply, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::delivery::DrillArgs;
use crate::cli::exit::Outcome;
use crate::controller::Purpose;

pub(super) async fn run(invocation: &Invocation, arguments: &DrillArgs) -> anyhow::Result<Outcome> {
    let opened = match invocation.begin(|_| Purpose::default(), Keeping::Heed).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let question = format!(
        "Everybody who is subscribed to alert {} gets a message that begins with \"DRILL, no action needed\". Send it?",
        arguments.alert
    );
    if let Err(outcome) = apply::agreed(arguments.yes, arguments.json, &question)? {
        return Ok(outcome);
    }
    match opened.app.controller.drill(&arguments.alert, &opened.app.stop).await {
        Ok(drilled) if arguments.json => say_json(&drilled)?,
        Ok(drilled) => say(&format!(
            "A drill went to the central bus. Rule {} sends it to {}, and everybody who is subscribed there gets it \
             within a minute, unless a filter of theirs leaves it out.\n\
             Nothing arrives? `orgwatch dead-letters` says what EventBridge could not deliver.\n",
            drilled.rule, drilled.topic_arn
        ))?,
        Err(error) => {
            complain(&format!("error: no drill was sent: {error}\n"))?;
            return Ok(Outcome::Error);
        }
    }
    Ok(Outcome::Done)
}
