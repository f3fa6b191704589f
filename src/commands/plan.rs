//! `plan`: what `apply` would change. Makes no writing call.

use super::{Invocation, say, say_json};
use crate::app::Keeping;
use crate::cli::change::PlanArgs;
use crate::cli::exit::Outcome;
use crate::config::Settings;
use crate::controller::{Purpose, WalkOptions};
use crate::render::plan::{self, PlanOptions};
use crate::render::summary::PlanSummary;

pub(super) async fn run(invocation: &Invocation, arguments: &PlanArgs) -> anyhow::Result<Outcome> {
    let prune = |settings: &Settings| arguments.prune || settings.reconcile.prune;
    let purpose = |settings: &Settings| Purpose { enforce_all: true, prune: prune(settings), teardown: None };
    let opened = match invocation.begin(purpose, Keeping::Heed).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let prune = prune(&opened.app.controller.settings());
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
