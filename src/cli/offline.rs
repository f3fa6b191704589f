//! The arguments of the commands that look at the configuration, presets and events: `check`, `match`, `presets`.

use clap::Args;

/// The arguments of `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Look at everything that an installation needs in AWS too, with reading calls only: hosts, clock, credentials,
    /// roles, trails, quotas. What is missing is named with what mends it.
    #[arg(long)]
    pub aws: bool,

    /// Write what is in place in the central account once more, one call of each kind, and see whether the
    /// guard tells of it. Changes nothing; needs --aws, and a daemon that is stopped meanwhile.
    #[arg(long, requires = "aws")]
    pub prove_guard: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `match`.
#[derive(Clone, Debug, Args)]
pub struct MatchArgs {
    /// A file with one event or several; `-` is standard input.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub event: String,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `presets`.
#[derive(Clone, Debug, Args)]
pub struct PresetsArgs {
    /// The preset to show in full; without it all are listed.
    pub name: Option<String>,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
