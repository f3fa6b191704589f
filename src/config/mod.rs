//! The configuration: read once from all its layers, checked as a whole, and refused with every problem at once.
//!
//! `layers` merges defaults, file and environment; each section reads its own table through `reader`;
//! `validate` checks what must hold between sections. Nothing else reads the process environment.

mod alert;
mod alert_contradictions;
mod canary;
mod central;
mod compliance;
mod difference;
mod drill;
mod effective;
mod flood;
mod guard;
mod history;
mod http;
mod layers;
mod log;
mod member;
mod names;
mod notify;
mod organization;
mod partition;
mod problem;
mod reader;
mod reconcile;
mod secret_file;
mod settings;
mod suppress;
mod trail;
mod validate;
mod values;
mod watch;
mod watch_regions;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use alert::{Alert, Delivery, Format, OwnWrites, Subscription, UnknownSubscriptions};
pub use canary::CanarySettings;
pub use central::{CentralSettings, Senders, days};
pub use compliance::{ComplianceSettings, Themes};
pub use difference::{Difference, Shown, between, text as shown_text};
pub use drill::{DrillSchedule, DrillSettings};
pub use effective::Setting;
pub use flood::email_floods;
pub use guard::GuardSettings;
pub use history::{HistoryPath, HistorySettings};
pub use http::{Auth, HttpSettings, Token, TokenRole};
pub use log::{LogFormat, LogSettings};
pub use member::{ForwardingRole, MemberSettings};
pub(crate) use names::LONGEST_RULE_NAME;
pub use notify::NotifySettings;
pub use organization::{OnExclude, OrganizationSettings};
pub use problem::{ConfigError, Problem};
pub use reconcile::{Adopt, Mode, Override, OverrideScope, ReconcileSettings};
pub use settings::Settings;
pub use suppress::{Principal, Suppress, SuppressState};
pub use trail::TrailSettings;
pub use watch::{Watch, WatchAccounts};
pub use watch_regions::WatchRegions;

use layers::Variables;
use problem::Report;

/// A configuration that can be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub settings: Settings,
    /// What is doubtful about it.
    pub warnings: Vec<Problem>,
    /// The file that it comes from; none if the environment alone sufficed.
    pub file: Option<PathBuf>,
    /// Its values as they may be shown, and where each comes from.
    pub effective: Vec<Setting>,
}

/// Reads defaults, overlaid by the file, overlaid by the environment; reports all problems at once.
///
/// Without a named file, the two usual places are tried; if there is none, the environment must suffice.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    load_among(&layers::PLACES.map(Path::new), file, environment)
}

fn load_among(
    places: &[&Path],
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let reading = Reading::new(environment);
    match layers::find(file, places, &reading.report) {
        None => reading.finish(None, None),
        Some(Some((path, text))) => {
            let table = layers::parse(&text, &path, &reading.report);
            reading.finish(table, Some(path))
        }
        Some(None) => reading.finish(Some(toml::Table::new()), None).map_err(|mut error| {
            error.problems.insert(0, layers::no_file());
            error
        }),
    }
}

/// Reads a configuration as [`load`] does, from the text of its file.
pub fn parse(
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Loaded, ConfigError> {
    let reading = Reading::new(environment);
    let table = layers::parse(text, Path::new("the configuration"), &reading.report);
    reading.finish(table, None)
}

/// The process environment.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub fn environment() -> Vec<(String, String)> {
    // Not `vars`: it panics at the first variable, of whatever program, that is no Unicode.
    let lossy = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(|(name, value)| (lossy(name), lossy(value))).collect()
}

/// One reading of a configuration.
struct Reading {
    environment: Vec<(String, String)>,
    variables: Variables,
    report: Report,
}

impl Reading {
    fn new(environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let variables = Variables::new(&environment);
        let report = Report::new(variables.names.clone());
        Self { environment, variables, report }
    }

    /// The settings of the file's `table`, or all problems; without a table, why there is none.
    fn finish(self, table: Option<toml::Table>, file: Option<PathBuf>) -> Result<Loaded, ConfigError> {
        let Self { environment, variables, report } = self;
        variables.report_strangers(&report);
        let mut effective = Vec::new();
        let settings = table
            .and_then(|table| {
                let merged = layers::merge(table.clone(), &variables, &report)?;
                effective = effective::settings(&merged, &table, &variables.names);
                Some(merged)
            })
            .and_then(|table| settings::read(table, &environment, &report));
        let (problems, warnings) = report.into_errors_and_warnings();
        match settings {
            Some(settings) if problems.is_empty() => Ok(Loaded { settings, warnings, file, effective }),
            _ => Err(ConfigError { problems }),
        }
    }
}
