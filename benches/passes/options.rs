//! What is measured, and how large.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::role::Role;

/// Measures orgwatch against a simulated organization.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Sizes of the organization at which passes are measured
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000, 10_000])]
    pub(crate) accounts: Vec<usize>,
    /// How long every answer of AWS takes when passes are measured
    #[arg(long, value_delimiter = ',', default_values = ["0ms", "20ms"], value_parser = humantime::parse_duration)]
    pub(crate) latency: Vec<Duration>,
    /// How many accounts are worked on at once
    #[arg(long, default_value_t = 64)]
    pub(crate) concurrency: usize,
    /// How often the product and the bare loop take turns; the median counts
    #[arg(long, default_value_t = 3)]
    pub(crate) rounds: usize,
    /// The size of the organization of the other measurements; those over Regions and of audits take half of it
    #[arg(long, default_value_t = 10_000)]
    pub(crate) large: usize,
    /// Python with boto3, for the script that is the second reference; without it that is left out
    #[arg(long)]
    pub(crate) python: Option<PathBuf>,
    /// The largest organization that the script is run in
    #[arg(long, default_value_t = 1_000)]
    pub(crate) python_accounts: usize,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Measurement>,
    /// Where the tables are written as JSON
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// What this process is for, if it was started by another one
    #[arg(long, hide = true, value_parser = Role::parse)]
    pub(crate) role: Option<Role>,
    /// Cargo says so
    #[arg(long, hide = true)]
    bench: bool,
}

/// One table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Measurement {
    /// AWS calls of a pass
    Calls,
    /// Full resyncs beside the two references, and how they grow
    Passes,
    /// The first resync after a start, with latency and quotas
    Cold,
    /// The first install of an organization that has nothing
    Install,
    /// A watch in every Region
    Regions,
    /// HTTP while passes go on
    Http,
    /// Start and stop
    Process,
    /// `orgwatch audit` over everybody
    Audit,
}

impl Options {
    /// What is asked for, in the order in which it is measured.
    pub(crate) fn measurements(&self) -> Vec<Measurement> {
        let all = Measurement::value_variants().iter().copied();
        all.filter(|one| self.only.is_empty() || self.only.contains(one)).collect()
    }
}
