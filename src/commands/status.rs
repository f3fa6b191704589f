//! `status`: who is covered and what is wrong, asked of a daemon or looked at afresh.

use std::io::IsTerminal;
use std::time::Duration;

use super::daemon::Daemon;
use super::{Invocation, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::exit::Outcome;
use crate::cli::look::StatusArgs;
use crate::controller::Purpose;
use crate::model::view::Coverage;
use crate::render::status;

pub(super) async fn run(invocation: &Invocation, arguments: &StatusArgs) -> anyhow::Result<Outcome> {
    if let Some(daemon) = Daemon::of(&arguments.daemon)? {
        return if arguments.watch {
            watch(invocation, &daemon, arguments.json).await
        } else {
            ask(invocation, &daemon, arguments.json).await
        };
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

/// How often a daemon is asked for what may have changed.
const PACE: Duration = Duration::from_secs(2);

/// Shows the status whenever it is another one: in the place of the one before on a terminal, below it elsewhere.
async fn watch(invocation: &Invocation, daemon: &Daemon, json: bool) -> anyhow::Result<Outcome> {
    let in_place = !json && std::io::stdout().is_terminal();
    let mut before = None;
    loop {
        let mut value = match daemon.get("/api/v1/status", &[]).await? {
            Ok(value) => value,
            Err(outcome) => return Ok(outcome),
        };
        let shown = value.clone();
        // Ages go on though nothing happens; in place they are shown all the same.
        if let Some(status) = value.as_object_mut().filter(|_| !in_place) {
            for moving in ["observed_at", "oldest_observation_age_seconds", "last_resync", "discovery"] {
                status.remove(moving);
            }
        }
        if before.as_ref() != Some(&value) {
            before = Some(value);
            if json {
                say(&format!("{shown}\n"))?;
            } else {
                let text = match status::status_from_json(&shown, invocation.style) {
                    Ok(text) => text,
                    Err(error) => {
                        complain(&format!("error: the daemon's answer cannot be read: {error}\n"))?;
                        return Ok(Outcome::Error);
                    }
                };
                // Home and clear, as `watch` does.
                let begins = if in_place { "\u{1b}[H\u{1b}[2J" } else { "" };
                say(&format!("{begins}{text}\n"))?;
            }
        }
        tokio::time::sleep(PACE).await;
    }
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
