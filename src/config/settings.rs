//! The whole configuration as one value.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Report, quoted};
use super::reader::Table;
use super::validate::{self, Sections};
use super::watch::Watch;
use super::{
    Alert, CanarySettings, CentralSettings, ComplianceSettings, DrillSettings, GuardSettings,
    HistorySettings, HttpSettings, LogSettings, MemberSettings, NotifySettings, OrganizationSettings,
    ReconcileSettings, TrailSettings,
};
use super::{
    alert, canary, central, compliance, drill, guard, history, http, log, member, names, notify,
    organization, partition, reconcile, trail, watch,
};
use crate::model::ids::{Installation, Region};
use crate::model::partition::Partition;

/// The whole configuration, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Prefix of every name and value of the ownership tag.
    pub installation: Installation,
    /// Tags on everything that we create, besides our own.
    pub tags: BTreeMap<String, String>,
    /// Which accounts and Regions there are.
    pub organization: OrganizationSettings,
    /// How we enter member accounts.
    pub member: MemberSettings,
    /// The account that receives every event.
    pub central: CentralSettings,
    /// What members forward; never empty.
    pub watches: Vec<Watch>,
    /// What the central account delivers.
    pub alerts: Vec<Alert>,
    /// Who watches the watchman.
    pub guard: GuardSettings,
    /// Whether accounts need a trail.
    pub trail: TrailSettings,
    /// Whether and how often it is proven that members' events arrive.
    pub canary: CanarySettings,
    /// When people get a drill by itself.
    pub drill: DrillSettings,
    /// Who hears of orgwatch's own health.
    pub notify: NotifySettings,
    /// What auditors ask for.
    pub compliance: ComplianceSettings,
    /// How far and how fast we go.
    pub reconcile: ReconcileSettings,
    /// Who may ask the daemon.
    pub http: HttpSettings,
    /// What is kept of what happened.
    pub history: HistorySettings,
    /// What is logged.
    pub log: LogSettings,
    /// The Region that the AWS environment names; tells the partition where nothing else does.
    pub environment_region: Option<Region>,
}

impl Settings {
    /// The partition that everything is in.
    pub fn partition(&self) -> Partition {
        partition::of(
            Some(&self.central),
            Some(&self.organization),
            Some(&self.member),
            self.environment_region.as_ref(),
        )
    }

    /// The Region of the central bus.
    pub fn central_region(&self) -> Region {
        self.central.region.clone().unwrap_or_else(|| self.partition().iam_events_region())
    }

    /// The alert whose people the alarms for auditors tell: the one that is named for them, that hears of orgwatch itself, or
    /// the first.
    pub fn alert_of_alarms(&self) -> Option<&Alert> {
        let named = |name: &String| self.alerts.iter().find(|alert| alert.name == *name);
        match &self.compliance.alert {
            Some(name) => named(name),
            None => self.notify.alert.as_ref().and_then(named).or_else(|| self.alerts.first()),
        }
    }
}

/// The settings in the merged `table`, or nothing after problems.
pub(super) fn read(
    table: toml::Table,
    environment: &[(String, String)],
    report: &Report,
) -> Option<Settings> {
    let mut t = Table::new("", table, report);
    let installation: Option<Installation> = t.value("installation");
    let tags: Option<BTreeMap<String, String>> = t.value("tags");
    let tags = tags.filter(|tags| names::check_tags(tags, &t.place("tags")).is_some());
    let organization = organization::read(t.table("organization"));
    let member = member::read(t.table("member"));
    let central = central::read(t.table("central"));
    let mut watch_names = t.peek("watch", "name");
    let mut seen = BTreeSet::new();
    let mut watches = t.each("watch", |t| watch::read(t, installation.as_ref(), &mut seen));
    if watches.is_empty() {
        watches.push(Watch::of_default_preset());
        watch_names.insert(watch::DEFAULT.to_owned());
    }
    if let Some(central) = &central {
        watches.iter_mut().flatten().for_each(|watch| watch.accounts_of_preset(&central.account_id));
    }
    seen.clear();
    let alerts = t.each("alert", |t| alert::read(t, installation.as_ref(), &mut seen, &watch_names));
    let guard = guard::read(t.table("guard"));
    let trail = trail::read(t.table("trail"));
    let canary = canary::read(t.table("canary"));
    let drill = drill::read(t.table("drill"));
    let notify = notify::read(t.table("notify"));
    let compliance = compliance::read(t.table("compliance"));
    let reconcile = reconcile::read(t.table("reconcile"));
    let http = http::read(t.table("http"));
    let history = history::read(t.table("history"), environment);
    let log = log::read(t.table("log"));
    t.finish();
    let environment_region = environment_region(environment, report);
    let sections = Sections {
        installation: installation.as_ref(),
        organization: organization.as_ref(),
        member: member.as_ref(),
        central: central.as_ref(),
        watches: &watches,
        alerts: &alerts,
        guard: guard.as_ref(),
        canary: canary.as_ref(),
        notify: notify.as_ref(),
        compliance: compliance.as_ref(),
        environment_region: environment_region.as_ref(),
    };
    validate::across(&sections, report);
    Some(Settings {
        installation: installation?,
        tags: tags?,
        organization: organization?,
        member: member?,
        central: central?,
        watches: watches.into_iter().collect::<Option<_>>()?,
        alerts: alerts.into_iter().collect::<Option<_>>()?,
        guard: guard?,
        trail: trail?,
        canary: canary?,
        drill: drill?,
        notify: notify?,
        compliance: compliance?,
        reconcile: reconcile?,
        http: http?,
        history: history?,
        log: log?,
        environment_region,
    })
}

/// The Region of the AWS environment; one that is none is only doubtful, as other parts of AWS's tools use it.
fn environment_region(environment: &[(String, String)], report: &Report) -> Option<Region> {
    let (name, text) = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .iter()
        .find_map(|wanted| environment.iter().find(|(name, text)| name == wanted && !text.is_empty()))?;
    let region = text.parse().ok().filter(|region| Partition::of_region(region).is_some());
    region.or_else(|| {
        report.add(
            "W-unknown-region",
            &format!("environment {name}"),
            quoted(text),
            "a Region of AWS",
            "the partition is taken from the rest of the configuration, or else to be aws",
        )
    })
}
