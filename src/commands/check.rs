//! `check`: whether the configuration can be used; with `--aws` also whether AWS lets us.

use super::{Invocation, complain, rows, say, say_json};
use crate::app::Keeping;
use crate::cli::exit::Outcome;
use crate::cli::offline::CheckArgs;
use crate::clock::Clock;
use crate::config::email_floods;
use crate::controller::{Controller, Proof, Purpose};
use crate::desired;
use crate::keys;
use crate::render::problems::problems;
use crate::render::status;
use crate::render::summary::PlanSummary;

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
    let settings = loaded.settings.clone();
    let opened = invocation.open(loaded.settings, Purpose::default(), Keeping::Heed).await?;
    if let Err(outcome) = opened.discover().await? {
        return Ok(outcome);
    }
    let keys = opened.app.controller.keys();
    let views = opened.look("Checking", &keys).await;
    let snapshot = opened.app.controller.snapshot();
    // How much mail there will be depends on how many accounts there are.
    warnings.extend(email_floods(&settings, snapshot.coverage_counts().total));
    if arguments.prove_guard {
        return prove(&opened.app.controller, arguments.json).await;
    }
    let unseen: Vec<_> = views.iter().filter_map(|view| view.error.as_ref()).collect();
    if arguments.json {
        let status = status::status_json(&snapshot);
        let errors: Vec<String> = unseen.iter().map(ToString::to_string).collect();
        say_json(
            &serde_json::json!({ "valid": true, "problems": warnings, "unreachable": errors, "status": status }),
        )?;
    } else {
        if !warnings.is_empty() {
            say(&problems(&rows(&warnings), invocation.style))?;
        }
        say(&status::status(&snapshot, invocation.style))?;
    }
    Ok(if PlanSummary::of(&views).unknown == 0 { Outcome::Done } else { Outcome::Incomplete })
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
