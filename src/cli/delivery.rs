//! The arguments of the commands about whether alerts arrive: dead letters and drills.

use clap::{Args, Subcommand};

use super::args::account;
use crate::model::ids::AccountId;

/// The arguments of `dead-letters`.
#[derive(Clone, Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DeadLettersArgs {
    /// What to do with them; without it they are listed.
    #[command(subcommand)]
    pub action: Option<DeadLettersAction>,

    /// Print JSON, in the form of GET /api/v1/dead-letters.
    #[arg(long)]
    pub json: bool,
}

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub enum DeadLettersAction {
    /// Publish each to its alert's topic, late, and remove it.
    Deliver(DeliverArgs),
}

/// The arguments of `dead-letters deliver`.
#[derive(Clone, Debug, Args)]
pub struct DeliverArgs {
    /// Answer the question with yes; required without a terminal.
    #[arg(long)]
    pub yes: bool,

    /// Only events of this account; may be given more than once.
    #[arg(long = "account", value_name = "ID", value_parser = account)]
    pub accounts: Vec<AccountId>,

    /// Deliver at most this many in each Region; the next run continues.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `drill`.
#[derive(Clone, Debug, Args)]
pub struct DrillArgs {
    /// The alert, by its name in the configuration.
    pub alert: String,

    /// Answer the question with yes; required without a terminal.
    #[arg(long)]
    pub yes: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
