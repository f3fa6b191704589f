//! What a process of a measurement is for.

pub(crate) mod bare;
pub(crate) mod load;
pub(crate) mod product;
pub(crate) mod simulator;

use std::time::Instant;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::usage;

/// A role with what it needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// The simulated AWS.
    Simulator(simulator::Ask),
    /// orgwatch.
    Product(product::Ask),
    /// The same calls, and nothing is decided.
    Bare(bare::Ask),
    /// Those who ask a daemon over HTTP.
    Load(load::Ask),
}

impl Role {
    /// Reads a role from the command line.
    pub(crate) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Plays it to its end; the last line that it prints is its result.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Simulator(ask) => simulator::run(ask).await,
            Self::Product(ask) => print(&product::run(ask).await?),
            Self::Bare(ask) => print(&bare::run(ask).await?),
            Self::Load(ask) => print(&load::run(ask).await?),
        }
    }
}

fn print(result: &impl Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(result)?);
    Ok(())
}

/// What a process did, section by section.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// In the order in which they were done.
    pub(crate) laps: Vec<Lap>,
    /// Resident memory at its highest, in MiB.
    pub(crate) peak_mib: f64,
}

/// One section of what a process did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Lap {
    /// What it was.
    pub(crate) name: String,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Processor time of the process.
    pub(crate) cpu_seconds: f64,
    /// Processor time of the simulator.
    pub(crate) simulator_cpu_seconds: f64,
    /// Calls to AWS, as the simulator counts them.
    pub(crate) calls: u64,
}

impl Report {
    /// The section of that name.
    pub(crate) fn lap(&self, name: &str) -> anyhow::Result<&Lap> {
        self.laps.iter().find(|lap| lap.name == name).with_context(|| format!("no lap {name}"))
    }
}

/// Measures sections of a process.
#[derive(Debug)]
pub(crate) struct Watch {
    simulator: Simulator,
    laps: Vec<Lap>,
}

/// Where the simulator is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Simulator {
    /// Its address.
    pub(crate) url: String,
    /// Its process.
    pub(crate) pid: u32,
}

impl Simulator {
    /// How many calls it has answered.
    async fn calls(&self) -> anyhow::Result<u64> {
        let counters: serde_json::Value =
            client()?.get(format!("{}/admin/counters", self.url)).send().await?.json().await?;
        counters.get("calls").and_then(serde_json::Value::as_u64).context("no counter")
    }
}

/// An HTTP client that takes no proxy for what is on this machine.
pub(crate) fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().no_proxy().build()
}

impl Watch {
    pub(crate) fn new(simulator: Simulator) -> Self {
        Self { simulator, laps: Vec::new() }
    }

    /// Measures `work`.
    pub(crate) async fn lap<T>(
        &mut self,
        name: &str,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let calls = self.simulator.calls().await?;
        let (own, its) = (usage::cpu_seconds(std::process::id())?, usage::cpu_seconds(self.simulator.pid)?);
        let began = Instant::now();
        let done = work.await?;
        let seconds = began.elapsed().as_secs_f64();
        self.laps.push(Lap {
            name: name.to_owned(),
            seconds,
            cpu_seconds: usage::cpu_seconds(std::process::id())? - own,
            simulator_cpu_seconds: usage::cpu_seconds(self.simulator.pid)? - its,
            calls: self.simulator.calls().await? - calls,
        });
        Ok(done)
    }

    /// All that was measured.
    pub(crate) fn report(self) -> anyhow::Result<Report> {
        Ok(Report { laps: self.laps, peak_mib: usage::memory(std::process::id())?.1 })
    }
}
