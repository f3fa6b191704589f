//! `apply`: one full pass over everything. Shows the plan, asks, changes, and reads again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Instant;

use super::{Invocation, Opened, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::change::ApplyArgs;
use crate::cli::exit::Outcome;
use crate::config::Settings;
use crate::controller::{PassOutcome, Purpose, WalkOptions};
use crate::model::error::CloudError;
use crate::model::ids::AccountId;
use crate::model::resource::ResourceId;
use crate::model::target::TargetKey;
use crate::model::view::TargetView;
use crate::render::apply::{self as rendered, ApplySummary, Failure, Stopped};
use crate::render::confirm;
use crate::render::plan::{self, PlanOptions};
use crate::render::progress::Progress;
use crate::render::style::Style;
use crate::render::summary::PlanSummary;

pub(super) async fn run(invocation: &Invocation, arguments: &ApplyArgs) -> anyhow::Result<Outcome> {
    let prune = |settings: &Settings| arguments.prune || settings.reconcile.prune;
    let purpose = |settings: &Settings| Purpose { enforce_all: true, prune: prune(settings), teardown: None };
    let opened = match invocation.begin(purpose, Keeping::Keep).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(outcome),
    };
    let prune = prune(&opened.app.controller.settings());
    let options = WalkOptions {
        accounts: arguments.scope.accounts.clone(),
        ous: arguments.scope.ous.clone(),
        limit: arguments.limit.map(|n| n as usize),
        max_failures: arguments.max_failures as usize,
    };
    let keys = opened.app.controller.chosen(&options);
    let views = opened.look("Looking", &keys).await;
    let summary = PlanSummary::of(&views);
    if !arguments.json {
        say(&plan::plan(&views, &PlanOptions { expand: arguments.expand, prune, style: invocation.style }))?;
    }
    let question = confirm::apply_question(&summary);
    if summary.changes() > 0
        && let Err(outcome) = agreed(arguments.yes, arguments.json, &question)?
    {
        return Ok(outcome);
    }
    finish(&opened, keys, &views, &options, arguments.json, invocation.style).await
}

/// Whether the person at the terminal, or `--yes`, agrees; if not, how the command ends. Without a terminal nobody can.
pub(super) fn agreed(yes: bool, json: bool, question: &str) -> anyhow::Result<Result<(), Outcome>> {
    if yes {
        return Ok(Ok(()));
    }
    if json || !std::io::stdin().is_terminal() {
        complain("error: nobody is here to answer; give --yes to go ahead without being asked\n")?;
        return Ok(Err(Outcome::Error));
    }
    if confirm::confirm(question, &mut std::io::stdin().lock(), &mut std::io::stderr().lock())? {
        return Ok(Ok(()));
    }
    complain("Nothing was changed.\n")?;
    Ok(Err(Outcome::Incomplete))
}

/// Carries the changes of `views` out and tells what came of it.
pub(super) async fn finish(
    opened: &Opened,
    keys: Vec<TargetKey>,
    views: &[Arc<TargetView>],
    options: &WalkOptions,
    json: bool,
    style: Style,
) -> anyhow::Result<Outcome> {
    let controller = &opened.app.controller;
    let changing: BTreeSet<TargetKey> =
        views.iter().filter(|v| !v.plan.changes.is_empty()).map(|v| v.target.clone()).collect();
    let before: BTreeSet<AccountId> = changing.iter().map(|key| key.account.clone()).collect();
    let started = Instant::now();
    let progress = Progress::new("Applying", changing.len() as u64);
    let mut seen = BTreeSet::new();
    let mut tally = Tally::default();
    let mut tell = |outcome: &PassOutcome| {
        tally.take(outcome);
        if !json {
            progress.suspend(|| tell_changes(outcome, style));
        }
        if seen.insert(outcome.target.clone()) {
            progress.done_one(&outcome.target.to_string());
        }
    };
    controller.carry_out(changing.into_iter().collect(), options, &opened.app.stop, &mut tell).await;
    progress.finish();
    controller.history.close().await;
    let mut summary = tally.summary().read_back(&controller.views(&keys));
    summary.elapsed = started.elapsed();
    summary.teardown = controller.is_teardown();
    summary.stopped = match () {
        () if opened.app.stop.is_cancelled() => Some(Stopped::Interrupted),
        () if options.max_failures > 0 && failed_accounts(&summary).len() >= options.max_failures => {
            Some(Stopped::MaxFailures)
        }
        () if options.limit.is_some_and(|limit| before.len() > limit + 1) => Some(Stopped::Limit),
        () => None,
    };
    if json {
        say_json(&summary)?;
    } else {
        say(&rendered::summary(&summary, style))?;
    }
    Ok(Outcome::of_apply(&summary))
}

/// A line for each change of a pass: done, or the first call of it that failed.
fn tell_changes(outcome: &PassOutcome, style: Style) {
    for change in &outcome.plan.changes {
        let mut written = outcome.written.iter().filter(|w| w.resource == change.resource).peekable();
        if written.peek().is_none() {
            continue;
        }
        let failed: Option<&CloudError> = written.find_map(|w| w.outcome.as_ref().err());
        let line = rendered::written(&outcome.target, change, failed.map_or(Ok(()), Err), style);
        // A reader who went away must not stop the work.
        let _gone = say(&line);
    }
}

/// What was changed, and what failed and did not succeed later, pass by pass.
#[derive(Default)]
struct Tally {
    changes: usize,
    accounts: BTreeSet<AccountId>,
    failures: BTreeMap<(TargetKey, Option<ResourceId>), CloudError>,
}

impl Tally {
    fn take(&mut self, outcome: &PassOutcome) {
        let target = &outcome.target;
        for change in &outcome.plan.changes {
            let mut written = outcome.written.iter().filter(|w| w.resource == change.resource).peekable();
            if written.peek().is_none() {
                continue;
            }
            let key = (target.clone(), Some(change.resource.clone()));
            match written.find_map(|w| w.outcome.as_ref().err()) {
                Some(error) => {
                    self.failures.insert(key, error.clone());
                }
                None => {
                    self.changes += 1;
                    self.accounts.insert(target.account.clone());
                    self.failures.remove(&key);
                }
            }
        }
        let whole = (target.clone(), None);
        match &outcome.error {
            Some(error) => drop(self.failures.insert(whole, error.clone())),
            None => drop(self.failures.remove(&whole)),
        }
    }

    fn summary(self) -> ApplySummary {
        let failure = |((target, resource), error)| Failure { target, resource, error: Some(error) };
        ApplySummary {
            changes: self.changes,
            accounts: self.accounts.len(),
            failures: self.failures.into_iter().map(failure).collect(),
            ..ApplySummary::default()
        }
    }
}

fn failed_accounts(summary: &ApplySummary) -> BTreeSet<&AccountId> {
    summary.failures.iter().map(|failure| &failure.target.account).collect()
}
