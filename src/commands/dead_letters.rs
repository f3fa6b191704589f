//! `dead-letters`: events that could not be delivered: listed, or delivered late.

use serde_json::json;

use super::{Invocation, apply, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::delivery::{DeadLettersAction, DeadLettersArgs, DeliverArgs};
use crate::cli::exit::Outcome;
use crate::controller::Purpose;
use crate::controller::letters::Fate;
use crate::render::letters::{self, Tally};

pub(super) async fn run(invocation: &Invocation, arguments: &DeadLettersArgs) -> anyhow::Result<Outcome> {
    let opened = match invocation.begin(|_| Purpose::default(), Keeping::Heed).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let (controller, stop) = (&opened.app.controller, &opened.app.stop);
    let overview = controller.overview(&controller.letters(stop).await);
    let Some(DeadLettersAction::Deliver(deliver)) = &arguments.action else {
        if arguments.json {
            say_json(&overview)?;
        } else {
            say(&letters::overview(&overview, invocation.style))?;
        }
        let whole = overview.unreadable.is_empty() && !stop.is_cancelled();
        return Ok(if whole { Outcome::Done } else { Outcome::Incomplete });
    };
    if !deliver.json {
        say(&letters::overview(&overview, invocation.style))?;
    }
    if overview.summary.letters > 0 {
        let question = letters::question(&overview, deliver.limit);
        if let Err(outcome) = apply::agreed(deliver.yes, deliver.json, &question)? {
            return Ok(outcome);
        }
    }
    deliver_all(invocation, &opened, deliver).await
}

async fn deliver_all(
    invocation: &Invocation,
    opened: &super::Opened,
    arguments: &DeliverArgs,
) -> anyhow::Result<Outcome> {
    let (controller, stop) = (&opened.app.controller, &opened.app.stop);
    let mut tally = Tally::default();
    let wanted = |letter: &crate::letters::Letter| {
        arguments.accounts.is_empty()
            || letter.account.as_ref().is_some_and(|account| arguments.accounts.contains(account))
    };
    for region in controller.letter_regions() {
        let most = arguments.limit as usize;
        let tell = |letter: &crate::letters::Letter, fate: &Fate| tally.add(letter, fate);
        if let Err(error) = controller.deliver_letters(&region, most, wanted, stop, tell).await {
            tally.errors.push(error.to_string());
        }
    }
    if arguments.json {
        say_json(&json!({
            "delivered": tally.delivered, "removed": tally.removed, "left": tally.left, "errors": tally.errors,
        }))?;
    } else {
        say(&letters::delivered(&tally, invocation.style))?;
        for error in &tally.errors {
            complain(&format!("error: {error}\n"))?;
        }
    }
    Ok(match () {
        () if !tally.errors.is_empty() => Outcome::Error,
        () if stop.is_cancelled() || !tally.left.is_empty() => Outcome::Incomplete,
        () => Outcome::Done,
    })
}
