//! The real program, serving.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::{Stage, Wish};
use crate::role::client;

/// How often it is asked whether it is ready.
const PACE: Duration = Duration::from_millis(1);

/// A `serve` that is ready.
#[derive(Debug)]
pub(crate) struct Serving {
    pub(crate) url: String,
    pub(crate) ready_after: Duration,
    process: Child,
    client: reqwest::Client,
}

impl Serving {
    /// Starts it by way of `before` (none, or a program that starts another one) and waits until it says that it is
    /// ready.
    pub(crate) async fn start(stage: &Stage, wish: Wish<'_>, before: &[&str]) -> anyhow::Result<Self> {
        // Free a moment ago.
        let bind: SocketAddr = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = stage.config(Wish { bind: Some(bind), ..wish })?;
        let mut words = before.iter().copied().chain([env!("CARGO_BIN_EXE_orgwatch")]);
        let mut command = Command::new(words.next().context("a program")?);
        command.args(words).arg("serve").arg("--config").arg(config);
        command.env_clear().envs(stage.environment()).env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let client = client()?;
        let url = format!("http://{bind}");
        let began = Instant::now();
        let mut process = command.spawn()?;
        let is_ready =
            || async { Some(client.get(format!("{url}/readyz")).send().await.ok()?.status().is_success()) };
        while is_ready().await != Some(true) {
            if let Some(ended) = process.try_wait()? {
                anyhow::bail!("serve ended with {ended}");
            }
            sleep(PACE).await;
        }
        Ok(Self { url, ready_after: began.elapsed(), process, client })
    }

    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.process.id().context("serve has ended")
    }

    /// What `/api/v1/status` answers.
    pub(crate) async fn status(&self) -> anyhow::Result<Value> {
        Ok(self.client.get(format!("{}/api/v1/status", self.url)).send().await?.json().await?)
    }

    /// Waits until everything was looked at once.
    pub(crate) async fn resynced(&self) -> anyhow::Result<()> {
        while self.status().await?["last_resync"].is_null() {
            sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Tells it to end, and waits until it has.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<ExitStatus> {
        let pid = self.pid()?.to_string();
        let told = Command::new("kill").args(["-TERM", &pid]).status().await?;
        anyhow::ensure!(told.success(), "kill: {told}");
        Ok(self.process.wait().await?)
    }
}
