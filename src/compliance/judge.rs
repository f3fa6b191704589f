//! From evidence to findings: which account meets which control, by what, and what is missing where it does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::alarm_half::{self, AlarmHalf, Groups, Question};
use super::evidence::{Account, Evidence, Trails, Unseen, Watched};
use super::half::MET;
use super::report::{By, Control, Counts, Facts, Finding, Head, LeftOut, Report, Status};
use super::rule_half::{self, RuleHalf};
use super::standards::{Demand, Standard};
use super::watching::{self, Watching};
use crate::config::Settings;
use crate::model::ids::AccountId;
use crate::model::view::{AccountView, Snapshot, Standing};

/// Accounts of which every control is judged alike.
struct Alike<'a> {
    evidence: Account,
    view: &'a AccountView,
    accounts: Vec<AccountId>,
}

/// What an audit by this standard comes to.
pub fn report(standard: &Standard, evidence: &Evidence, snapshot: &Snapshot, settings: &Settings) -> Report {
    let active = || snapshot.accounts.values().filter(|account| account.standing == Standing::Active);
    let alike = alike(evidence, active());
    let controls: Vec<Control> = standard
        .controls()
        .map(|(control, theme)| {
            let question = Question { standard, theme };
            let watching = watching::of(settings, standard, theme);
            let findings = findings(question, evidence, &watching, &alike);
            let mut counts = Counts::default();
            findings.iter().for_each(|finding| counts.add(finding.status, finding.accounts.len()));
            Control {
                control: control.to_owned(),
                theme: theme.id.clone(),
                title: theme.title.clone(),
                counts,
                findings,
            }
        })
        .collect();
    let mut counts = Counts::default();
    for Control { counts: of, .. } in &controls {
        counts.add(Status::Met, of.met);
        counts.add(Status::Unmet, of.unmet);
        counts.add(Status::Unknown, of.unknown);
    }
    let left_out = snapshot.accounts.values().filter(|account| account.standing != Standing::Active);
    Report {
        standard: Head { id: standard.id.clone(), title: standard.title.clone(), demands: standard.demands },
        organization_id: snapshot.organization_id.as_ref().map(ToString::to_string),
        installation: snapshot.installation.clone(),
        version: snapshot.version.to_owned(),
        observed_at: evidence.observed_at,
        oldest_observation_at: active().filter_map(|account| account.observed_at).min(),
        counts,
        controls,
        accounts: active().map(|account| (account.id.clone(), account.name.clone())).collect(),
        left_out: left_out
            .map(|account| LeftOut {
                id: account.id.clone(),
                name: account.name.clone(),
                reason: account.standing_reason.clone().unwrap_or_else(|| account.coverage_message.clone()),
            })
            .collect(),
    }
}

/// What decides of an account. Of covered accounts the message tells of canaries, at another moment for each.
type Key<'a> = (&'a str, &'a str, &'a str, usize, usize, Vec<&'a str>, Option<&'a AccountId>);

fn alike<'a>(evidence: &Evidence, accounts: impl Iterator<Item = &'a Arc<AccountView>>) -> Vec<Alike<'a>> {
    let mut alike: Vec<Alike<'a>> = Vec::new();
    let mut trails: Interned<Trails> = Interned(Vec::new());
    let mut watched: Interned<Arc<Watched>> = Interned(Vec::new());
    let mut known: HashMap<Key<'a>, usize> = HashMap::new();
    for view in accounts {
        let seen = evidence.accounts.get(&view.id).cloned().unwrap_or_else(|| Account {
            trails: Err(Unseen::new("they were not looked at yet", "ask again in a few minutes")),
            watched: Arc::default(),
        });
        let message = if view.coverage.is_covered() { "" } else { view.coverage_message.as_str() };
        let owner = |id: &&AccountId| {
            let readings = seen.trails.iter().flat_map(|readings| readings.iter());
            readings.filter_map(|reading| reading.trail.owner()).any(|owner| owner == **id)
        };
        let key = (
            view.coverage.label(),
            view.coverage_reason,
            message,
            trails.of(&seen.trails, |a, b| match (a, b) {
                (Ok(a), Ok(b)) => Arc::ptr_eq(a, b),
                (Err(a), Err(b)) => a == b,
                _ => false,
            }),
            watched.of(&seen.watched, Arc::ptr_eq),
            view.alerts.iter().map(String::as_str).collect(),
            Some(&view.id).filter(owner),
        );
        let index = *known.entry(key).or_insert(alike.len());
        match alike.get_mut(index) {
            Some(same) => same.accounts.push(view.id.clone()),
            None => alike.push(Alike { evidence: seen, view, accounts: vec![view.id.clone()] }),
        }
    }
    alike
}

/// Things with numbers: few are different, and the latest come first to mind.
struct Interned<T>(Vec<T>);

impl<T: Clone> Interned<T> {
    fn of(&mut self, one: &T, same: impl Fn(&T, &T) -> bool) -> usize {
        if let Some(index) = self.0.iter().rposition(|other| same(one, other)) {
            return index;
        }
        self.0.push(one.clone());
        self.0.len() - 1
    }
}

fn findings(
    question: Question<'_>,
    evidence: &Evidence,
    watching: &[Watching],
    alike: &[Alike<'_>],
) -> Vec<Finding> {
    let mut groups = Groups::default();
    let mut found: Vec<Finding> = Vec::new();
    let mut places: HashMap<(Status, String, String), Vec<usize>> = HashMap::new();
    for Alike { evidence: seen, view, accounts } in alike {
        let rule = rule_half::of_account(question, evidence, watching, &seen.watched, view);
        let alarm = alarm_half::of_account(question, evidence, &mut groups, &view.id, &seen.trails);
        let finding = together(question.standard.demands, rule, alarm);
        let key = (finding.status, finding.reason.clone(), finding.message.clone());
        let places = places.entry(key).or_default();
        match places.iter().find(|index| found.get(**index).is_some_and(|other| same(other, &finding))) {
            Some(index) => {
                if let Some(same) = found.get_mut(*index) {
                    same.accounts.extend(accounts.iter().cloned());
                }
            }
            None => {
                places.push(found.len());
                found.push(Finding { accounts: accounts.clone(), ..finding });
            }
        }
    }
    found.iter_mut().for_each(|finding| finding.accounts.sort());
    found.sort_by(|a, b| (a.status, &a.accounts).cmp(&(b.status, &b.accounts)));
    found
}

/// Whether two findings say the same, of whatever accounts.
fn same(a: &Finding, b: &Finding) -> bool {
    (a.by, &a.advice, &a.remarks, &a.evidence) == (b.by, &b.advice, &b.remarks, &b.evidence)
}

/// What the two ways come to together, by what the standard asks for.
fn together(demand: Demand, rule: RuleHalf, alarm: AlarmHalf) -> Finding {
    let evidence = Facts { event_rule: rule.facts.clone(), metric_alarm: alarm.facts.clone() };
    let (rule_met, alarm_met) = (rule.status == Status::Met, alarm.status == Status::Met);
    let of = |status, by, reason: &str, message, advice, remarks| Finding {
        status,
        by,
        reason: reason.to_owned(),
        message,
        advice,
        remarks,
        evidence,
        accounts: Vec::new(),
    };
    match demand {
        Demand::FilterAndAlarm if alarm_met => {
            of(Status::Met, Some(By::MetricAlarm), MET, alarm.message, None, alarm.remarks)
        }
        Demand::FilterAndAlarm => {
            let besides = format!("an event rule alone is not what this standard asks for: {}", rule.message);
            let remarks = alarm.remarks.into_iter().chain(rule_met.then_some(besides)).collect();
            of(alarm.status, None, alarm.reason, alarm.message, alarm.advice, remarks)
        }
        Demand::Monitored => match (rule_met, alarm_met) {
            (true, true) => {
                let remarks = rule.remarks.into_iter().chain(alarm.remarks).collect();
                let message = format!("{}; {}", rule.message, alarm.message);
                of(Status::Met, Some(By::Both), MET, message, None, remarks)
            }
            (true, false) => of(Status::Met, Some(By::EventRule), MET, rule.message, None, rule.remarks),
            (false, true) => of(Status::Met, Some(By::MetricAlarm), MET, alarm.message, None, alarm.remarks),
            // What orgwatch can mend stands first, unless the other could not be seen.
            (false, false) if alarm.status > rule.status => {
                let besides = format!("by an event rule it is not met either: {}", rule.message);
                let remarks = alarm.remarks.into_iter().chain([besides]).collect();
                of(alarm.status, None, alarm.reason, alarm.message, alarm.advice, remarks)
            }
            (false, false) => {
                let besides = format!("nor by a metric filter and alarm: {}", alarm.message);
                let remarks = rule.remarks.into_iter().chain([besides]).collect();
                of(rule.status, None, rule.reason, rule.message, rule.advice, remarks)
            }
        },
    }
}

impl Report {
    /// The same for these accounts alone, and for findings of this status alone.
    #[must_use]
    pub fn narrowed(mut self, accounts: &[AccountId], status: Option<Status>) -> Self {
        let wanted = |id: &AccountId| accounts.is_empty() || accounts.contains(id);
        self.accounts.retain(|id, _| wanted(id));
        self.left_out.retain(|left| wanted(&left.id));
        self.counts = Counts::default();
        for control in &mut self.controls {
            control.counts = Counts::default();
            for finding in &mut control.findings {
                finding.accounts.retain(wanted);
                control.counts.add(finding.status, finding.accounts.len());
            }
            control.findings.retain(|finding| {
                !finding.accounts.is_empty() && status.is_none_or(|status| finding.status == status)
            });
            self.counts.add(Status::Met, control.counts.met);
            self.counts.add(Status::Unmet, control.counts.unmet);
            self.counts.add(Status::Unknown, control.counts.unknown);
        }
        self
    }

    /// The findings of each account and control, one by one.
    pub fn rows(&self) -> impl Iterator<Item = (&Control, &AccountId, &Finding)> {
        self.controls.iter().flat_map(|control| {
            let rows: BTreeMap<&AccountId, &Finding> = control
                .findings
                .iter()
                .flat_map(|finding| finding.accounts.iter().map(move |account| (account, finding)))
                .collect();
            rows.into_iter().map(move |(account, finding)| (control, account, finding))
        })
    }
}
