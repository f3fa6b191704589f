//! Those who ask a daemon over HTTP, at a steady rate whatever it answers.

use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// What is asked, and how fast.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// The daemon's address.
    pub(crate) url: String,
    /// Paths, asked in turn.
    pub(crate) paths: Vec<String>,
    pub(crate) per_second: u32,
    pub(crate) seconds: u32,
    /// Accounts that are to be looked at again, one after the other, at `wakes_per_second`.
    pub(crate) wake: Vec<String>,
    pub(crate) wakes_per_second: f64,
}

/// How long the answers took, in milliseconds, by path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answers {
    pub(crate) by_path: Vec<(String, Vec<f64>)>,
    /// Answers that were no success.
    pub(crate) failures: usize,
}

pub(crate) async fn run(ask: Ask) -> anyhow::Result<Answers> {
    let client = super::client()?;
    let begin = Instant::now();
    let end = begin + Duration::from_secs(ask.seconds.into());
    let mut running: JoinSet<anyhow::Result<Option<(String, f64)>>> = JoinSet::new();
    let wakes = {
        let (client, url) = (client.clone(), ask.url.clone());
        async move {
            for (account, number) in ask.wake.iter().zip(0_u32..) {
                let at = begin + Duration::from_secs_f64(f64::from(number) / ask.wakes_per_second);
                if at >= end {
                    break;
                }
                sleep_until(at).await;
                client
                    .post(format!("{url}/api/v1/accounts/{account}/reconcile"))
                    .send()
                    .await?
                    .error_for_status()?;
            }
            Ok(None)
        }
    };
    running.spawn(wakes);
    for (number, path) in (0..ask.per_second * ask.seconds).zip(ask.paths.iter().cycle()) {
        // The time counts from when the request was due, also when we are late ourselves.
        let due = begin + Duration::from_secs_f64(f64::from(number) / f64::from(ask.per_second));
        sleep_until(due).await;
        let (client, url, path) = (client.clone(), format!("{}{path}", ask.url), path.clone());
        running.spawn(async move {
            client.get(url).send().await?.error_for_status()?.bytes().await?;
            Ok(Some((path, due.elapsed().as_secs_f64() * 1000.0)))
        });
    }
    let mut by_path: Vec<(String, Vec<f64>)> =
        ask.paths.iter().map(|path| (path.clone(), Vec::new())).collect();
    let mut failures = 0;
    while let Some(ended) = running.join_next().await {
        match ended? {
            Ok(None) => {}
            Ok(Some((path, took))) => {
                by_path.iter_mut().find(|(of, _)| *of == path).context("an unknown path")?.1.push(took);
            }
            Err(_) => failures += 1,
        }
    }
    Ok(Answers { by_path, failures })
}
