//! The arguments of `audit`.

use clap::Args;

use super::args::account;
use super::history::DaemonArgs;
use crate::compliance::standards;
use crate::model::ids::AccountId;

/// The arguments of `audit`.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// The standard.
    #[arg(long, value_name = "STANDARD", default_value = standards::DEFAULT, value_parser = standards::IDS)]
    pub standard: String,

    /// Only this account; may be given more than once.
    #[arg(long = "account", value_name = "ID", value_parser = account)]
    pub accounts: Vec<AccountId>,

    /// Exit with 2 if a control is not met.
    #[arg(long)]
    pub detailed_exitcode: bool,

    /// Print JSON, in the form of GET /api/v1/audit.
    #[arg(long, group = "form")]
    pub json: bool,

    /// Print comma-separated values with a header line: a line for each control and account.
    #[arg(long, group = "form")]
    pub csv: bool,

    /// Print a page that stands for itself: one file, no scripts, nothing from elsewhere.
    #[arg(long, group = "form")]
    pub html: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}
