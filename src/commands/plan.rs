//! `plan`: what `apply` would change. Makes no writing call.

use super::{Invocation, say, say_json};
use crate::cli::args::PlanArgs;
use crate::cli::exit::Outcome;
use crate::controller::{Purpose, WalkOptions};
use crate::render::plan::{self, PlanOptions};
use crate::render::summary::PlanSummary;

pub(super) async fn run(invocation: &Invocation, arguments: &PlanArgs) -> anyhow::Result<Outcome> {
    let loaded = match invocation.settings()? {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let prune = arguments.prune || loaded.settings.reconcile.prune;
    let purpose = Purpose { enforce_all: true, prune, teardown: None };
    let opened = invocation.open(loaded.settings, purpose).await?;
    if let Err(outcome) = opened.discover().await? {
        return Ok(outcome);
    }
    let scope = WalkOptions {
        accounts: arguments.scope.accounts.clone(),
        ous: arguments.scope.ous.clone(),
        ..WalkOptions::default()
    };
    let keys = opened.app.controller.chosen(&scope);
    let views = opened.look("Looking", &keys).await;
    if opened.app.stop.is_cancelled() {
        return Ok(Outcome::Incomplete);
    }
    if arguments.json {
        say_json(&plan::plan_json(&views))?;
    } else {
        say(&plan::plan(&views, &PlanOptions { expand: arguments.expand, prune, style: invocation.style }))?;
    }
    Ok(Outcome::of_plan(&PlanSummary::of(&views), arguments.detailed_exitcode))
}
