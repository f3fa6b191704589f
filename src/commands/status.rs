//! `status`: who is covered and what is wrong, asked of a daemon or looked at afresh.

use super::daemon::Daemon;
use super::{Invocation, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::args::StatusArgs;
use crate::cli::exit::Outcome;
use crate::controller::Purpose;
use crate::model::view::Coverage;
use crate::render::status;

pub(super) async fn run(invocation: &Invocation, arguments: &StatusArgs) -> anyhow::Result<Outcome> {
    if let Some(daemon) = Daemon::of(&arguments.daemon)? {
        return ask(invocation, &daemon, arguments.json).await;
    }
    let opened = match invocation.begin(|_| Purpose::default(), Keeping::Heed).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let keys = opened.app.controller.keys();
    opened.look("Looking", &keys).await;
    let snapshot = opened.app.controller.snapshot();
    if arguments.json {
        say_json(&status::status_json(&snapshot))?;
    } else {
        say(&status::status(&snapshot, invocation.style))?;
    }
    let unseen = snapshot.accounts.values().any(|account| account.coverage == Coverage::Unknown);
    Ok(if opened.app.stop.is_cancelled() || unseen { Outcome::Incomplete } else { Outcome::Done })
}

async fn ask(invocation: &Invocation, daemon: &Daemon, json: bool) -> anyhow::Result<Outcome> {
    let value = match daemon.get("/api/v1/status", &[]).await? {
        Ok(value) => value,
        Err(outcome) => return Ok(outcome),
    };
    if json {
        say_json(&value)?;
    } else {
        match status::status_from_json(&value, invocation.style) {
            Ok(text) => say(&text)?,
            Err(error) => {
                complain(&format!("error: the daemon's answer cannot be read: {error}\n"))?;
                return Ok(Outcome::Error);
            }
        }
    }
    Ok(Outcome::Done)
}
