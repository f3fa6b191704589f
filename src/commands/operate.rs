//! `holds`, `release`, `pause`, `resume`, `reload`, `discovery accept`: what a running daemon is told.

use serde_json::{Value, json};

use super::daemon::{self, Daemon};
use super::{Invocation, complain, say, say_json};
use crate::cli::exit::Outcome;
use crate::cli::history::DaemonArgs;
use crate::cli::operate::{DiscoveryCommand, HoldsArgs, PauseArgs, ReleaseArgs, ReloadArgs, ResumeArgs};
use crate::render::{operate, problems};

/// Where the daemon is that these commands are about; unlike others they cannot look for themselves.
fn daemon(arguments: &DaemonArgs) -> anyhow::Result<Result<Daemon, Outcome>> {
    if let Some(daemon) = Daemon::of(arguments)? {
        return Ok(Ok(daemon));
    }
    complain("error: this asks a running daemon; say where with --url or ORGWATCH_URL\n")?;
    Ok(Err(Outcome::Error))
}

/// Prints the answer as JSON, or as `text` says it.
fn tell(
    answer: Result<Value, Outcome>,
    json: bool,
    text: impl FnOnce(&Value) -> String,
) -> anyhow::Result<Outcome> {
    match answer {
        Err(outcome) => Ok(outcome),
        Ok(value) => {
            if json {
                say_json(&value)?;
            } else {
                say(&text(&value))?;
            }
            Ok(Outcome::Done)
        }
    }
}

pub(super) async fn holds(invocation: &Invocation, arguments: &HoldsArgs) -> anyhow::Result<Outcome> {
    let daemon = match daemon(&arguments.daemon)? {
        Ok(daemon) => daemon,
        Err(outcome) => return Ok(outcome),
    };
    let answer = daemon.all("/api/v1/holds", &[]).await?;
    let held =
        answer.as_ref().is_ok_and(|holds| holds["items"].as_array().is_some_and(|items| !items.is_empty()));
    let told = tell(answer, arguments.json, |holds| operate::holds(holds, invocation.style))?;
    Ok(if held { Outcome::worst(told, Outcome::Held) } else { told })
}

pub(super) async fn release(invocation: &Invocation, arguments: &ReleaseArgs) -> anyhow::Result<Outcome> {
    let daemon = match daemon(&arguments.daemon)? {
        Ok(daemon) => daemon,
        Err(outcome) => return Ok(outcome),
    };
    let answer = daemon.post(&["api", "v1", "holds", &arguments.id, "release"], None).await?;
    tell(answer, arguments.json, |released| operate::released(released, invocation.style))
}

pub(super) async fn pause(invocation: &Invocation, arguments: &PauseArgs) -> anyhow::Result<Outcome> {
    let daemon = match daemon(&arguments.daemon)? {
        Ok(daemon) => daemon,
        Err(outcome) => return Ok(outcome),
    };
    let body = json!({
        "scope": arguments.scope.to_string(),
        "reason": arguments.reason,
        "duration": arguments.duration,
    });
    let answer = daemon.post(&["api", "v1", "pause"], Some(&body)).await?;
    tell(answer, arguments.json, |pause| operate::paused(pause, invocation.style))
}

pub(super) async fn resume(invocation: &Invocation, arguments: &ResumeArgs) -> anyhow::Result<Outcome> {
    let daemon = match daemon(&arguments.daemon)? {
        Ok(daemon) => daemon,
        Err(outcome) => return Ok(outcome),
    };
    let body = json!({ "scope": arguments.scope.to_string() });
    let answer = daemon.post(&["api", "v1", "resume"], Some(&body)).await?;
    tell(answer, arguments.json, |pause| operate::resumed(pause, invocation.style))
}

pub(super) async fn reload(invocation: &Invocation, arguments: &ReloadArgs) -> anyhow::Result<Outcome> {
    let daemon = match daemon(&arguments.daemon)? {
        Ok(daemon) => daemon,
        Err(outcome) => return Ok(outcome),
    };
    let (answer, doubts) = match daemon.ask(&["api", "v1", "reload"]).await? {
        Ok(reloaded) => {
            let warnings = daemon::problems(&reloaded["warnings"]);
            (Ok(reloaded), warnings)
        }
        Err(refusal) => {
            complain(&refusal.told)?;
            let problems = daemon::problems(&refusal.problem["problems"]);
            // Nothing but a configuration is refused with problems.
            let outcome = if problems.is_empty() { Outcome::Error } else { Outcome::BadConfig };
            (Err(outcome), problems)
        }
    };
    if !doubts.is_empty() {
        complain(&problems::problems(&doubts, invocation.style))?;
    }
    tell(answer, arguments.json, |reloaded| operate::reloaded(reloaded, invocation.style))
}

pub(super) async fn discovery(command: &DiscoveryCommand) -> anyhow::Result<Outcome> {
    let DiscoveryCommand::Accept(arguments) = command;
    let daemon = match daemon(&arguments.daemon)? {
        Ok(daemon) => daemon,
        Err(outcome) => return Ok(outcome),
    };
    let answer = daemon.post(&["api", "v1", "discovery", "accept"], None).await?;
    tell(answer, arguments.json, |accepted| {
        format!("Believed: {} known accounts have departed.\n", accepted["departed"])
    })
}
