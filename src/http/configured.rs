//! What is configured: the effective values, the watches and the alerts, with how they stand.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::HttpState;
use super::params::{NoParams, Segment};
use super::problem::Problem;
use crate::compile;
use crate::config::{self, Setting, Settings, WatchAccounts, WatchRegions};
use crate::model::ids::{AccountId, OuId};
use crate::model::resource::{Note, Verdict};
use crate::model::view::{DeliveryView, Snapshot};

/// The configuration that is in force.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// What it says.
    pub settings: Arc<Settings>,
    /// Its values as they may be shown.
    pub effective: Vec<Setting>,
    /// The file that it comes from; none if the environment alone sufficed.
    pub file: Option<PathBuf>,
    /// When it was read.
    pub loaded_at: Timestamp,
    /// The latest reload since then that was refused.
    pub refused: Option<Refused>,
}

/// A reload that was refused.
#[derive(Clone, Debug, Serialize)]
pub struct Refused {
    /// When.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// Everything that is wrong.
    pub problems: Vec<config::Problem>,
}

impl Configuration {
    /// As it was loaded at that moment.
    pub fn new(loaded: &config::Loaded, loaded_at: Timestamp) -> Self {
        Self {
            settings: Arc::new(loaded.settings.clone()),
            effective: loaded.effective.clone(),
            file: loaded.file.clone(),
            loaded_at,
            refused: None,
        }
    }
}

#[derive(Serialize)]
struct Config<'a> {
    items: &'a [Setting],
    file: Option<String>,
    loaded_at: Timestamp,
    refused: Option<&'a Refused>,
    observed_at: Timestamp,
}

pub(super) async fn configuration(State(state): State<HttpState>, _: NoParams) -> Response {
    let configuration = state.configuration();
    Json(Config {
        items: &configuration.effective,
        file: configuration.file.as_ref().map(|path| path.display().to_string()),
        loaded_at: configuration.loaded_at,
        refused: configuration.refused.as_ref(),
        observed_at: state.snapshot().taken_at,
    })
    .into_response()
}

#[derive(Serialize)]
struct Watches<'a> {
    items: Vec<Watch<'a>>,
    observed_at: Timestamp,
}

#[derive(Serialize)]
struct Watch<'a> {
    name: &'a str,
    preset: Option<&'a str>,
    pattern: Value,
    regions: Vec<String>,
    include_ous: &'a BTreeSet<OuId>,
    exclude_ous: &'a BTreeSet<OuId>,
    accounts: Vec<String>,
    read_events: bool,
}

impl<'a> From<&'a config::Watch> for Watch<'a> {
    fn from(watch: &'a config::Watch) -> Self {
        Self {
            name: &watch.name,
            preset: watch.preset.as_deref(),
            pattern: watch.pattern.value().clone(),
            regions: match &watch.regions {
                WatchRegions::Needed => vec!["needed".to_owned()],
                WatchRegions::All => vec!["all".to_owned()],
                WatchRegions::Only(regions) => regions.iter().map(ToString::to_string).collect(),
            },
            include_ous: &watch.include_ous,
            exclude_ous: &watch.exclude_ous,
            accounts: match &watch.accounts {
                WatchAccounts::All => Vec::new(),
                WatchAccounts::Only { ids, management } => {
                    let management = management.then(|| "management".to_owned());
                    management.into_iter().chain(ids.iter().map(ToString::to_string)).collect()
                }
            },
            read_events: watch.read_events,
        }
    }
}

pub(super) async fn watches(State(state): State<HttpState>, _: NoParams) -> Response {
    let configuration = state.configuration();
    let items = configuration.settings.watches.iter().map(Watch::from).collect();
    Json(Watches { items, observed_at: state.snapshot().taken_at }).into_response()
}

#[derive(Serialize)]
struct Alerts<'a> {
    items: Vec<Alert<'a>>,
    observed_at: Timestamp,
}

#[derive(Serialize)]
struct Alert<'a> {
    name: &'a str,
    watches: &'a BTreeSet<String>,
    accounts: &'a BTreeSet<AccountId>,
    exclude_accounts: &'a BTreeSet<AccountId>,
    severity: Option<&'a str>,
    format: String,
    topic: String,
    subscriptions: Vec<Subscription<'a>>,
    suppressions: usize,
    verdict: Option<Verdict>,
    notes: Vec<&'a Note>,
    rules: Vec<Rule>,
    deliveries: Option<&'a DeliveryView>,
}

#[derive(Serialize)]
struct Subscription<'a> {
    protocol: &'a str,
    endpoint: &'a str,
    filter: Option<&'a Value>,
    raw: bool,
}

/// A rule of an alert, as it has to be.
#[derive(Serialize)]
struct Rule {
    name: String,
    enabled: bool,
    hidden: bool,
    pattern: Value,
}

fn alert<'a>(settings: &'a Settings, snapshot: &'a Snapshot, alert: &'a config::Alert) -> Alert<'a> {
    let ours = format!("{}-{}", settings.installation, alert.name);
    let belongs = |kind: &str, name: &str| match kind {
        "alert_rule" => compile::family(name) == ours,
        "topic" => name == ours,
        _ => false,
    };
    let resources = snapshot.central.targets.iter().flat_map(|target| &target.resources);
    let own: Vec<_> = resources.filter(|r| belongs(r.id.kind, &r.id.name)).collect();
    // What cannot be compiled is refused when the configuration is read.
    let rules = compile::alert(settings, alert, snapshot.taken_at).ok();
    let named = |name: &str, rules: &[compile::Rule], hidden: bool| -> Vec<Rule> {
        let rule = |(name, rule): (String, &compile::Rule)| Rule {
            name: format!("{}-{name}", settings.installation),
            enabled: rule.enabled,
            hidden,
            pattern: rule.pattern.clone(),
        };
        compile::rule_names(name, rules).map(rule).collect()
    };
    let rules = rules.map(|rules| {
        let mut all = named(&alert.name, &rules.shown, false);
        all.extend(named(&compile::hidden_name(&alert.name), &rules.hidden, true));
        all
    });
    Alert {
        name: &alert.name,
        watches: &alert.watches,
        accounts: &alert.accounts,
        exclude_accounts: &alert.exclude_accounts,
        severity: alert.severity.as_deref(),
        format: alert.format.to_string(),
        topic: alert.topic.as_ref().map_or(ours, ToString::to_string),
        subscriptions: alert
            .subscriptions
            .iter()
            .map(|one| Subscription {
                protocol: one.protocol.as_str(),
                endpoint: one.endpoint.shown(),
                filter: one.filter.as_ref(),
                raw: one.raw,
            })
            .collect(),
        suppressions: alert.suppress.len(),
        verdict: own.iter().map(|resource| resource.verdict).max(),
        notes: own.iter().flat_map(|resource| &resource.notes).collect(),
        rules: rules.unwrap_or_default(),
        deliveries: snapshot.deliveries.iter().find(|counted| counted.alert == alert.name),
    }
}

pub(super) async fn alerts(State(state): State<HttpState>, _: NoParams) -> Response {
    let (snapshot, configuration) = (state.snapshot(), state.configuration());
    let settings = &configuration.settings;
    let items = settings.alerts.iter().map(|one| alert(settings, &snapshot, one)).collect();
    Json(Alerts { items, observed_at: snapshot.taken_at }).into_response()
}

#[derive(Serialize)]
struct OneAlert<'a> {
    #[serde(flatten)]
    alert: Alert<'a>,
    observed_at: Option<Timestamp>,
}

pub(super) async fn one_alert(
    State(state): State<HttpState>,
    Segment(name): Segment,
    _: NoParams,
) -> Result<Response, Problem> {
    let (snapshot, configuration) = (state.snapshot(), state.configuration());
    let settings = &configuration.settings;
    let Some(found) = settings.alerts.iter().find(|one| one.name == name) else {
        return Err(Problem::not_found("no alert of that name is configured; GET /api/v1/alerts lists them"));
    };
    let observed_at = snapshot.central.observed_at;
    Ok(Json(OneAlert { alert: alert(settings, &snapshot, found), observed_at }).into_response())
}
