//! `match`: what becomes of an event, offline.

use std::fs::File;
use std::io::{self, IsTerminal, Read};

use anyhow::Context;
use serde_json::Value;

use super::{Invocation, complain, say, say_json};
use crate::cli::exit::Outcome;
use crate::cli::offline::MatchArgs;
use crate::clock::Clock;
use crate::desired;
use crate::render;
use crate::route::{self, Route, cloudtrail};

/// The longest document that is read: more than any file of a trail holds.
const LONGEST: u64 = 256 * 1024 * 1024;

pub(super) fn run(invocation: &Invocation, arguments: &MatchArgs) -> anyhow::Result<Outcome> {
    let settings = match invocation.settings()? {
        Ok(loaded) => loaded.settings,
        Err(outcome) => return Ok(outcome),
    };
    let routes = match routes(arguments, &settings) {
        Ok(routes) => routes,
        Err(error) => {
            complain(&format!("error: {error:#}\n"))?;
            return Ok(Outcome::Error);
        }
    };
    if arguments.json {
        say_json(&routes)?;
    } else {
        say(&render::route::routes(&routes, invocation.style))?;
    }
    Ok(Outcome::Done)
}

fn routes(arguments: &MatchArgs, settings: &crate::config::Settings) -> anyhow::Result<Vec<Route>> {
    let (document, from) = read(&arguments.event)?;
    let document: Value = serde_json::from_str(&document).with_context(|| format!("{from} is no JSON"))?;
    let events = cloudtrail::events(&document).map_err(|problem| anyhow::anyhow!("{from} is {problem}"))?;
    anyhow::ensure!(!events.is_empty(), "{from} holds no event");
    let world = desired::offline(settings, Clock::system().now())?;
    events
        .iter()
        .map(|event| {
            route::route(settings, &world, event).map_err(|problem| anyhow::anyhow!("{from}: {problem}"))
        })
        .collect()
}

/// The text of the document, and where it is from.
fn read(event: &str) -> anyhow::Result<(String, String)> {
    let (mut from, name): (Box<dyn Read>, String) = if event == "-" {
        if io::stdin().is_terminal() {
            complain("An event as JSON is read from the terminal; end it with Ctrl-D.\n")?;
        }
        (Box::new(io::stdin()), "standard input".to_owned())
    } else {
        (Box::new(File::open(event).with_context(|| format!("cannot read {event}"))?), event.to_owned())
    };
    let mut text = String::new();
    let read = from
        .by_ref()
        .take(LONGEST)
        .read_to_string(&mut text)
        .with_context(|| format!("cannot read {name}"))?;
    anyhow::ensure!(u64::try_from(read)? < LONGEST, "{name} is too long");
    Ok((text, name))
}
