//! `teardown`: takes away what is ours, members first, the central account last.

use super::{Invocation, apply, say};
use crate::app::Keeping;
use crate::cli::change::TeardownArgs;
use crate::cli::exit::Outcome;
use crate::config::Settings;
use crate::controller::{Purpose, Teardown, WalkOptions};
use crate::render::confirm;
use crate::render::plan::{self, PlanOptions};
use crate::render::summary::PlanSummary;

pub(super) async fn run(invocation: &Invocation, arguments: &TeardownArgs) -> anyhow::Result<Outcome> {
    let teardown = Teardown { accounts: arguments.accounts.clone(), delete_data: arguments.delete_data };
    let purpose = |_: &Settings| Purpose { enforce_all: true, prune: true, teardown: Some(teardown) };
    let opened = match invocation.begin(purpose, Keeping::Keep).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let keys = opened.app.controller.keys();
    let views = opened.look("Looking", &keys).await;
    let summary = PlanSummary::of(&views);
    if !arguments.json {
        say(&plan::plan(&views, &PlanOptions { expand: false, prune: true, style: invocation.style }))?;
    }
    let question = confirm::teardown_question(&summary, arguments.delete_data);
    if summary.changes() > 0
        && let Err(outcome) = apply::agreed(arguments.yes, arguments.json, &question)?
    {
        return Ok(outcome);
    }
    let options = WalkOptions { max_failures: usize::MAX, ..WalkOptions::default() };
    apply::finish(&opened, keys, &views, &options, arguments.json, invocation.style).await
}
