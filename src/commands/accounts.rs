//! `accounts`, `account`, `doctor`: accounts as a daemon shows them, or looked at afresh; either way the same values.

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::{Invocation, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::exit::Outcome;
use crate::cli::look::{AccountArgs, AccountsArgs, Order};
use crate::controller::Purpose;
use crate::http;
use crate::render::account;

pub(super) async fn accounts(invocation: &Invocation, arguments: &AccountsArgs) -> anyhow::Result<Outcome> {
    let query = query(arguments);
    let (list, unseen) = match Daemon::of(&arguments.daemon)? {
        Some(daemon) => match daemon.all("/api/v1/accounts", &query).await? {
            Ok(list) => (list, false),
            Err(outcome) => return Ok(outcome),
        },
        None => {
            let opened = match invocation.begin(|_| Purpose::default(), Keeping::Heed).await? {
                Ok(opened) => opened,
                Err(outcome) => return Ok(outcome),
            };
            let keys = opened.app.controller.keys();
            opened.look("Looking", &keys).await;
            let snapshot = opened.app.controller.snapshot();
            let list = http::accounts_json(&snapshot, &query).map_err(anyhow::Error::msg)?;
            (list, opened.app.stop.is_cancelled() || snapshot.coverage_counts().unknown > 0)
        }
    };
    if arguments.json {
        say_json(&list)?;
    } else {
        say(&account::list(&list, invocation.style))?;
    }
    Ok(if unseen { Outcome::Incomplete } else { Outcome::Done })
}

fn query(arguments: &AccountsArgs) -> Vec<(&'static str, String)> {
    let sort = match arguments.sort {
        Order::Id => "id",
        Order::Name => "name",
        Order::Verdict => "-verdict",
        Order::Coverage => "-coverage",
    };
    let mut query = vec![("sort", sort.to_owned())];
    let asked = [
        ("q", arguments.text.clone().filter(|text| !text.trim().is_empty())),
        ("verdict", arguments.verdict.clone()),
        ("coverage", arguments.coverage.clone()),
        ("ou", arguments.ou.as_ref().map(ToString::to_string)),
    ];
    query.extend(asked.into_iter().filter_map(|(name, value)| Some((name, value?))));
    query
}

/// The account in full; if that is not to be had, it has been said why.
async fn one(invocation: &Invocation, arguments: &AccountArgs) -> anyhow::Result<Result<Value, Outcome>> {
    let id = &arguments.account;
    if let Some(daemon) = Daemon::of(&arguments.daemon)? {
        return daemon.get(&format!("/api/v1/accounts/{id}"), &[]).await;
    }
    let opened = match invocation.begin(|_| Purpose::default(), Keeping::Heed).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(Err(outcome)),
    };
    opened.app.controller.look_into(id, &opened.app.stop).await;
    let snapshot = opened.app.controller.snapshot();
    match http::account_json(&snapshot, id) {
        Some(account) => Ok(Ok(account)),
        None => {
            complain(&format!(
                "error: account {id} is not known in this organization; `orgwatch accounts` lists all\n"
            ))?;
            Ok(Err(Outcome::Error))
        }
    }
}

pub(super) async fn account(invocation: &Invocation, arguments: &AccountArgs) -> anyhow::Result<Outcome> {
    let found = match one(invocation, arguments).await? {
        Ok(found) => found,
        Err(outcome) => return Ok(outcome),
    };
    if arguments.json {
        say_json(&found)?;
    } else {
        say(&account::one(&found, invocation.style))?;
    }
    Ok(if found["coverage"] == "unknown" { Outcome::Incomplete } else { Outcome::Done })
}

pub(super) async fn doctor(invocation: &Invocation, arguments: &AccountArgs) -> anyhow::Result<Outcome> {
    let found = match one(invocation, arguments).await? {
        Ok(found) => found,
        Err(outcome) => return Ok(outcome),
    };
    if arguments.json {
        say_json(&json!({
            "id": found["id"],
            "name": found["name"],
            "hops": found["hops"],
            "diagnosis": found["diagnosis"],
            "observed_at": found["observed_at"],
        }))?;
    } else {
        say(&account::doctor(&found, invocation.style))?;
    }
    let ends_at = found["diagnosis"]["hop"].as_str();
    let state = found["hops"].as_array().into_iter().flatten().find(|hop| hop["hop"].as_str() == ends_at);
    Ok(match (ends_at, state.and_then(|hop| hop["state"].as_str())) {
        (None, _) => Outcome::Done,
        (Some(_), Some("broken")) => Outcome::Error,
        (Some(_), _) => Outcome::Incomplete,
    })
}
