//! `check`: whether the configuration can be used; with `--aws` also whether AWS lets us.

use super::{Invocation, complain, rows, say, say_json};
use crate::app::Keeping;
use crate::cli::exit::Outcome;
use crate::cli::offline::CheckArgs;
use crate::clock::Clock;
use crate::config::{Problem, Settings, email_floods};
use crate::controller::{Controller, Proof, Purpose};
use crate::desired;
use crate::keys;
use crate::preflight::Finding;
use crate::render::preflight::{Preflight, preflight};
use crate::render::problems::problems;
use crate::render::progress::Progress;
use crate::render::status;

pub(super) async fn run(invocation: &Invocation, arguments: &CheckArgs) -> anyhow::Result<Outcome> {
    let loaded = match invocation.read() {
        Ok(loaded) => loaded,
        Err(error) => {
            if arguments.json {
                say_json(&serde_json::json!({ "valid": false, "problems": error.problems }))?;
            } else {
                complain(&problems(&rows(&error.problems), invocation.style))?;
            }
            return Ok(Outcome::BadConfig);
        }
    };
    let mut warnings = loaded.warnings.clone();
    // What cannot be combined was reported above.
    if let Ok(world) = desired::offline(&loaded.settings, Clock::system().now()) {
        warnings.extend(keys::advice(&loaded.settings, &world));
    }
    if !arguments.aws {
        if arguments.json {
            say_json(&serde_json::json!({ "valid": true, "problems": warnings }))?;
        } else {
            if !warnings.is_empty() {
                say(&problems(&rows(&warnings), invocation.style))?;
            }
            let from = loaded
                .file
                .as_ref()
                .map_or_else(|| "the environment".to_owned(), |path| path.display().to_string());
            say(&format!(
                "The configuration in {from} is valid. Next: `orgwatch check --aws` asks AWS, read-only.\n"
            ))?;
        }
        return Ok(Outcome::Done);
    }
    against_aws(invocation, arguments, loaded.settings, warnings).await
}

/// Asks AWS, read-only, and tells what is missing.
async fn against_aws(
    invocation: &Invocation,
    arguments: &CheckArgs,
    settings: Settings,
    mut warnings: Vec<Problem>,
) -> anyhow::Result<Outcome> {
    let opened = invocation.open(settings.clone(), Purpose::default(), Keeping::Heed).await?;
    let (controller, stop) = (&opened.app.controller, &opened.app.stop);
    let mut looked = tokio::select! {
        looked = controller.knock() => looked?,
        () = stop.cancelled() => return Ok(Outcome::Incomplete),
    };
    let listed = tokio::select! {
        listed = controller.list_for(&mut looked) => listed?,
        () = stop.cancelled() => return Ok(Outcome::Incomplete),
    };
    let mut views = Vec::new();
    if listed {
        opened.look("Checking", &controller.keys()).await;
        // What is there to be looked at is known only now.
        views = controller.views(&controller.keys());
        let progress = Progress::new("Looking closer", controller.closer_looks() as u64);
        controller.look_closer(&mut looked, stop, &mut |account| progress.done_one(account.as_str())).await;
        progress.finish();
    }
    if stop.is_cancelled() {
        return Ok(Outcome::Incomplete);
    }
    let snapshot = controller.snapshot();
    // How much mail there will be depends on how many accounts there are.
    warnings.extend(email_floods(&settings, snapshot.coverage_counts().total));
    if arguments.prove_guard && listed {
        return prove(controller, arguments.json).await;
    }
    let findings = controller.findings(&looked)?;
    let outcome = outcome(&findings);
    let caller = looked.caller.and_then(Result::ok);
    if arguments.json {
        let unseen: Vec<String> =
            views.iter().filter_map(|view| view.error.as_deref()).map(ToString::to_string).collect();
        say_json(&serde_json::json!({
            "valid": true,
            "problems": warnings,
            "caller": caller,
            "findings": findings,
            "unreachable": unseen,
            "status": status::status_json(&snapshot),
        }))?;
        return Ok(outcome);
    }
    if !warnings.is_empty() {
        say(&problems(&rows(&warnings), invocation.style))?;
        say("\n")?;
    }
    let seen = Preflight {
        caller,
        hosts: looked.knocks.len(),
        organization: snapshot.organization_id.clone().filter(|_| listed),
        accounts: snapshot.coverage_counts().total,
        findings,
    };
    say(&preflight(&seen, invocation.style))?;
    Ok(outcome)
}

/// What the findings come to: an error where nothing else could be looked at, incomplete where something is missing.
fn outcome(findings: &[Finding]) -> Outcome {
    let of = |finding: &Finding| match finding {
        Finding { code, .. } if code.stops_everything() => Outcome::Error,
        Finding { notice: true, .. } => Outcome::Done,
        Finding { .. } => Outcome::Incomplete,
    };
    findings.iter().map(of).max().unwrap_or(Outcome::Done)
}

/// Puts the guard to the proof, family by family.
async fn prove(controller: &Controller, json: bool) -> anyhow::Result<Outcome> {
    let proofs = match controller.prove_guard().await {
        Ok(proofs) => proofs,
        Err(error) => {
            complain(&format!("error: {error}\n"))?;
            return Ok(Outcome::Incomplete);
        }
    };
    let all = proofs.iter().all(|proof| proof.seconds.is_some());
    if json {
        say_json(&serde_json::json!({ "proofs": proofs }))?;
    } else {
        for Proof { call, seconds, error, .. } in &proofs {
            let came = match (seconds, error) {
                (Some(seconds), _) => format!("arrived after {seconds:.1} s"),
                (None, Some(error)) => format!("was not made: {error}"),
                (None, None) => "did not arrive; a daemon that runs meanwhile may have taken it".to_owned(),
            };
            say(&format!("  {call:<28} {came}\n"))?;
        }
        say("  cloudtrail:*                 not tried: orgwatch has no right to touch a trail\n")?;
    }
    Ok(if all { Outcome::Done } else { Outcome::Incomplete })
}
