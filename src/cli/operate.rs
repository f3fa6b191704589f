//! The arguments of the commands that tell a daemon what to do.

use clap::{Args, Subcommand};

use super::history::DaemonArgs;
use crate::model::scope::Scope;

fn scope(text: &str) -> Result<Scope, &'static str> {
    text.parse().map_err(|error: crate::model::ids::IdError| error.expected)
}

/// The arguments of `holds`.
#[derive(Clone, Debug, Args)]
pub struct HoldsArgs {
    /// Print JSON, in the form of GET /api/v1/holds.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `release`.
#[derive(Clone, Debug, Args)]
pub struct ReleaseArgs {
    /// The id of the hold, as `orgwatch holds` shows it.
    #[arg(value_name = "ID")]
    pub id: String,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `pause`.
#[derive(Clone, Debug, Args)]
pub struct PauseArgs {
    /// What is paused: all, an account's id, or the id of an organizational unit or root.
    #[arg(value_name = "SCOPE", value_parser = scope)]
    pub scope: Scope,

    /// Why; everybody who looks at the accounts sees it.
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// For how long, such as 2h; without it until `orgwatch resume`.
    #[arg(long = "for", value_name = "TIME")]
    pub duration: Option<String>,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `resume`.
#[derive(Clone, Debug, Args)]
pub struct ResumeArgs {
    /// What goes on: the scope of the pause.
    #[arg(value_name = "SCOPE", value_parser = scope)]
    pub scope: Scope,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `reload`.
#[derive(Clone, Debug, Args)]
pub struct ReloadArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `discovery`.
#[derive(Clone, Debug, Args)]
pub struct DiscoveryArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DiscoveryCommand,
}

/// What can be told about discovery.
#[derive(Clone, Debug, Subcommand)]
pub enum DiscoveryCommand {
    /// Believe the latest listing of the organization, however many known accounts it lacks.
    ///
    /// A listing that lacks more than a fifth and more than ten of the known accounts is doubted, and nobody is
    /// taken for departed, until three listings over a quarter of an hour agree.
    Accept(AcceptArgs),
}

/// The arguments of `discovery accept`.
#[derive(Clone, Debug, Args)]
pub struct AcceptArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `completions`.
#[derive(Clone, Debug, Args)]
pub struct CompletionsArgs {
    /// For which shell.
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}
