//! The arguments of the commands that look and change nothing: `status`, `health`, `accounts`, `account`, `doctor`.

use clap::{Args, ValueEnum};
use reqwest::Url;

use super::args::{account, daemon_url, ou};
use super::history::DaemonArgs;
use crate::model::ids::{AccountId, OuId};

/// The arguments of `status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// Print JSON, in the form of GET /api/v1/status.
    #[arg(long)]
    pub json: bool,

    /// Go on, and show what a running daemon says whenever it says something else; ends at Ctrl-C.
    #[arg(long, requires = "url")]
    pub watch: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `health`.
#[derive(Clone, Debug, Args)]
pub struct HealthArgs {
    /// Where it is asked instead, such as http://127.0.0.1:8080; the configuration is not read then.
    #[arg(long, value_name = "URL", value_parser = daemon_url)]
    pub url: Option<Url>,
}

/// What accounts are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Their ids.
    Id,
    /// Their names.
    Name,
    /// Their verdicts, worst first.
    Verdict,
    /// Their coverage, worst first.
    Coverage,
}

/// The arguments of `accounts`.
#[derive(Clone, Debug, Args)]
pub struct AccountsArgs {
    /// Only accounts whose id or name contains this, in either case.
    #[arg(value_name = "TEXT")]
    pub text: Option<String>,

    /// Only accounts of this verdict.
    #[arg(long, value_name = "VERDICT", value_parser = crate::http::VERDICTS)]
    pub verdict: Option<String>,

    /// Only accounts of this coverage.
    #[arg(long, value_name = "COVERAGE", value_parser = ["proven", "configured", "pending", "broken", "unknown", "uncovered"])]
    pub coverage: Option<String>,

    /// Only accounts below this organizational unit or root, at any depth.
    #[arg(long, value_name = "ID", value_parser = ou)]
    pub ou: Option<OuId>,

    /// What they are ordered by.
    #[arg(long, value_name = "ORDER", default_value = "name")]
    pub sort: Order,

    /// Print JSON, in the form of GET /api/v1/accounts.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}

/// The arguments of `account` and `doctor`.
#[derive(Clone, Debug, Args)]
pub struct AccountArgs {
    /// The account's id.
    #[arg(value_name = "ACCOUNT", value_parser = account)]
    pub account: AccountId,

    /// Print JSON, in the form of GET /api/v1/accounts/{id}.
    #[arg(long)]
    pub json: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}
