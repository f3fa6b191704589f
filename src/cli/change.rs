//! The arguments of the commands that plan and change: `plan`, `apply`, `teardown`, and where they work.

use clap::Args;

use super::args::{account, ou};
use crate::model::ids::{AccountId, OuId};

/// Which part of the organization a command is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Where (default: everywhere)")]
pub struct Scope {
    /// Only this account; may be given more than once.
    #[arg(long = "account", value_name = "ID", value_parser = account)]
    pub accounts: Vec<AccountId>,

    /// Only the accounts in this organizational unit or root, at any depth; may be given more than once.
    #[arg(long = "ou", value_name = "ID", value_parser = ou)]
    pub ous: Vec<OuId>,
}

/// The arguments of `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Name every account of a change that is the same in several.
    #[arg(long)]
    pub expand: bool,

    /// Exit with 2 if anything is not as desired.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Plan the removal of orphans: what is ours and no longer desired.
    #[arg(long)]
    pub prune: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Where.
    #[command(flatten)]
    pub scope: Scope,
}

/// The arguments of `apply`.
#[derive(Clone, Debug, Args)]
pub struct ApplyArgs {
    /// Answer the question with yes; required without a terminal.
    #[arg(long)]
    pub yes: bool,

    /// Remove orphans too: what is ours and no longer desired.
    #[arg(long)]
    pub prune: bool,

    /// Change at most this many accounts; the next run continues.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,

    /// Begin no further account after this many failed changes.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_failures: u32,

    /// Name every account of a change that is the same in several.
    #[arg(long)]
    pub expand: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,

    /// Where.
    #[command(flatten)]
    pub scope: Scope,
}

/// The arguments of `teardown`.
#[derive(Clone, Debug, Args)]
pub struct TeardownArgs {
    /// Answer the question with yes; required without a terminal.
    #[arg(long)]
    pub yes: bool,

    /// Only this account, even an excluded one; may be given more than once.
    #[arg(long = "account", value_name = "ID", value_parser = account)]
    pub accounts: Vec<AccountId>,

    /// Remove archives, waiting dead letters and adopted resources too.
    #[arg(long)]
    pub delete_data: bool,

    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}
