//! The arguments of `history`, and of every command that can ask a daemon.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reqwest::Url;

use super::args::{account, daemon_url};
use crate::model::ids::AccountId;

/// Which daemon is asked.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which daemon")]
pub struct DaemonArgs {
    /// Where the daemon answers, such as http://127.0.0.1:8080.
    #[arg(long, value_name = "URL", env = "ORGWATCH_URL", hide_env_values = true, value_parser = daemon_url)]
    pub url: Option<Url>,

    /// A file that holds the token for the daemon.
    #[arg(long, value_name = "FILE", requires = "url")]
    pub token_file: Option<PathBuf>,
}

/// What records tell of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Told {
    /// What orgwatch wrote: where, why, and how it ended.
    Write,
    /// What was not as desired, and from when until when.
    Drift,
    /// Changes of an account's verdict.
    Verdict,
    /// Changes of an account's coverage.
    Coverage,
    /// What people told the daemon to do.
    Operation,
}

/// The arguments of `history`.
#[derive(Clone, Debug, Args)]
pub struct HistoryArgs {
    /// Only these; by default everything.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub what: Vec<Told>,

    /// Only of this account.
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<AccountId>,

    /// Only of this kind of resource, such as sender_rule.
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,

    /// Only of the resource of this name.
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Only writes that ended so: done, failed or unknown.
    #[arg(long, value_name = "OUTCOME", value_parser = ["done", "failed", "unknown"])]
    pub outcome: Option<String>,

    /// From then on: a time such as 2026-11-20T12:00:00Z, or how long ago, such as 24h.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,

    /// Before then, in the same form.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,

    /// At most so many, the newest; 0: all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: usize,

    /// Print JSON, in the form of GET /api/v1/changes.
    #[arg(long, group = "form")]
    pub json: bool,

    /// Print one JSON object a line, the oldest first: an export that can be added to.
    #[arg(long, group = "form")]
    pub json_lines: bool,

    /// Print comma-separated values with a header line, the oldest first.
    #[arg(long, group = "form")]
    pub csv: bool,

    /// Which daemon.
    #[command(flatten)]
    pub daemon: DaemonArgs,
}
