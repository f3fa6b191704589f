//! `status`: who is covered and what is wrong, asked of a daemon or looked at afresh.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use reqwest::Url;

use super::{Invocation, complain, say, say_json};
use crate::cli::args::StatusArgs;
use crate::cli::exit::Outcome;
use crate::controller::Purpose;
use crate::model::view::Coverage;
use crate::render::status;

pub(super) async fn run(invocation: &Invocation, arguments: &StatusArgs) -> anyhow::Result<Outcome> {
    if let Some(url) = &arguments.url {
        return ask(invocation, url, arguments.token_file.as_deref(), arguments.json).await;
    }
    let opened = match invocation.begin(|_| Purpose::default()).await? {
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

async fn ask(
    invocation: &Invocation,
    url: &Url,
    token_file: Option<&Path>,
    json: bool,
) -> anyhow::Result<Outcome> {
    let address = url.join("/api/v1/status")?;
    // A daemon answers from memory; whoever takes longer is no daemon or cannot be reached.
    let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
    let mut request = client.get(address.clone());
    if let Some(path) = token_file {
        let token = std::fs::read_to_string(path)
            .with_context(|| format!("the token file `{}` cannot be read", path.display()))?;
        request = request.bearer_auth(token.trim());
    }
    let answer = match request.send().await {
        Ok(answer) => answer,
        Err(error) => {
            complain(&format!(
                "error: no daemon answers at {address} ({}); check the address and that `orgwatch serve` runs\n",
                cause(&error)
            ))?;
            return Ok(Outcome::Error);
        }
    };
    let code = answer.status();
    if !code.is_success() {
        let hint =
            if code == reqwest::StatusCode::UNAUTHORIZED { "; give a token with --token-file" } else { "" };
        complain(&format!("error: {address} answers {code}{hint}\n"))?;
        return Ok(Outcome::Error);
    }
    let value: serde_json::Value = match answer.json().await {
        Ok(value) => value,
        Err(_) => {
            complain(&format!("error: {address} does not answer as orgwatch does; check the address\n"))?;
            return Ok(Outcome::Error);
        }
    };
    if json {
        say_json(&value)?;
    } else {
        match status::status_from_json(&value, invocation.style) {
            Ok(text) => say(&text)?,
            Err(error) => {
                complain(&format!("error: {address}: {error}\n"))?;
                return Ok(Outcome::Error);
            }
        }
    }
    Ok(Outcome::Done)
}

/// The innermost cause, which names what happened; the outer ones only repeat the address.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let outermost: &dyn std::error::Error = error;
    std::iter::successors(Some(outermost), |e| e.source()).last().map(ToString::to_string).unwrap_or_default()
}
