//! `audit`: every account held against a standard, asked of a daemon or looked at afresh.

use std::time::Duration;

use super::daemon::Daemon;
use super::{Invocation, complain, say, say_json};
use crate::app::Keeping;
use crate::cli::audit::AuditArgs;
use crate::cli::exit::Outcome;
use crate::compliance::{Report, standards};
use crate::controller::Purpose;
use crate::controller::audit::Step;
use crate::render::audit;
use crate::render::progress::Progress;

/// A daemon that is asked for the first time looks before it answers.
const PATIENCE: Duration = Duration::from_secs(75);

pub(super) async fn run(invocation: &Invocation, arguments: &AuditArgs) -> anyhow::Result<Outcome> {
    let (report, stopped) = match Daemon::within(&arguments.daemon, PATIENCE)? {
        Some(daemon) => match ask(&daemon, arguments).await? {
            Ok(report) => (report, false),
            Err(outcome) => return Ok(outcome),
        },
        None => match look(invocation, arguments).await? {
            Ok(found) => found,
            Err(outcome) => return Ok(outcome),
        },
    };
    let report = report.narrowed(&arguments.accounts, None);
    match () {
        () if arguments.json => say_json(&report)?,
        () if arguments.csv => say(&audit::csv(&report))?,
        () if arguments.html => say(&audit::html(&report)?)?,
        () => say(&audit::report(&report, invocation.style))?,
    }
    let outcome = Outcome::of_audit(&report.counts, arguments.detailed_exitcode);
    Ok(if stopped { outcome.max(Outcome::Incomplete) } else { outcome })
}

async fn ask(daemon: &Daemon, arguments: &AuditArgs) -> anyhow::Result<Result<Report, Outcome>> {
    let answer = match daemon.get("/api/v1/audit", &[("standard", arguments.standard.clone())]).await? {
        Ok(answer) => answer,
        Err(outcome) => return Ok(Err(outcome)),
    };
    match serde_path_to_error::deserialize(&answer) {
        Ok(report) => Ok(Ok(report)),
        Err(error) => {
            complain(&format!("error: the daemon's answer cannot be read: {error}\n"))?;
            Ok(Err(Outcome::Error))
        }
    }
}

/// What is found by looking, and whether somebody stopped it.
async fn look(
    invocation: &Invocation,
    arguments: &AuditArgs,
) -> anyhow::Result<Result<(Report, bool), Outcome>> {
    let opened = match invocation.begin(|_| Purpose::default(), Keeping::Heed).await? {
        Ok(opened) => opened,
        Err(outcome) => return Ok(Err(outcome)),
    };
    let controller = &opened.app.controller;
    opened.look("Looking", &[]).await;
    let mut progress: Option<Progress> = None;
    let evidence = controller
        .evidence(&opened.app.stop, &mut |step| match step {
            Step::Begun(0) => {}
            Step::Begun(total) => {
                if let Some(before) = progress.replace(Progress::new("Auditing", total as u64)) {
                    before.finish();
                }
            }
            Step::Read(what) => {
                if let Some(progress) = &progress {
                    progress.done_one(what);
                }
            }
        })
        .await;
    if let Some(progress) = progress {
        progress.finish();
    }
    let Some(standard) = standards::by_id(&arguments.standard) else {
        complain(&format!("error: there is no standard `{}`\n", arguments.standard))?;
        return Ok(Err(Outcome::Error));
    };
    let report = controller.audit(standard, &evidence, &controller.snapshot());
    Ok(Ok((report, opened.app.stop.is_cancelled())))
}
