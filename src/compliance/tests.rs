//! Audits of a made-up organization in which everything is there, and of the same with one thing missing.

mod gaps;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{Evidence, Filter, Seen, Subscriptions, Unseen, Watched};
use super::filter::Normal;
use super::fixture::{GROUP, TOPIC, evidence, filter};
use super::report::{By, Finding, Report, Status};
use super::{standards, themes};
use crate::config::Settings;
use crate::model::alarm::MetricAlarm;
use crate::model::error::ErrorClass;
use crate::model::ids::AccountId;
use crate::model::resource::Verdict;
use crate::model::view::{AccountView, Coverage, Snapshot, Standing};
use crate::trail::{Basic, Reading, Selectors};
use crate::world::fixture::{CENTRAL, MANAGEMENT, at, error, id, member_id, settings};

/// An organization with what an audit looks at.
struct World {
    settings: Settings,
    snapshot: Snapshot,
    evidence: Evidence,
}

fn view(id: AccountId) -> AccountView {
    AccountView {
        name: format!("account {id}"),
        email: String::new(),
        path: String::new(),
        state: "ACTIVE".to_owned(),
        standing: Standing::Active,
        standing_reason: None,
        verdict: Verdict::InSync,
        coverage: Coverage::Proven,
        coverage_reason: "Proven",
        coverage_message: format!("a canary of {id}"),
        coverage_hop: None,
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_since: at(0),
        conditions: Vec::new(),
        targets: Vec::new(),
        observed_at: Some(at(0)),
        last_change_at: None,
        id,
    }
}

impl World {
    /// All of the benchmark is watched for by rules, filters and alarms.
    fn new() -> Self {
        let watches: String = (1..=15)
            .map(|n| format!("[[watch]]\nname='w{n}'\npreset='cis-4.{n}'\nread_events=true\n"))
            .collect();
        let settings = settings(&watches);
        let ids: Vec<AccountId> =
            [id(MANAGEMENT), id(CENTRAL)].into_iter().chain((1..=3).map(member_id)).collect();
        let mut snapshot = Snapshot::before_anything(&settings, at(0));
        snapshot.accounts = ids.iter().map(|id| (id.clone(), Arc::new(view(id.clone())))).collect();
        let evidence = evidence(&ids, &settings);
        Self { settings, snapshot, evidence }
    }

    fn audit(&self, standard: &str) -> Report {
        super::audit(standards::by_id(standard).unwrap(), &self.evidence, &self.snapshot, &self.settings)
    }

    fn change(&mut self, account: &AccountId, change: impl FnOnce(&mut AccountView)) {
        let mut view = AccountView::clone(&self.snapshot.accounts[account]);
        change(&mut view);
        self.snapshot.accounts.insert(account.clone(), Arc::new(view));
    }

    fn trails(&mut self, account: &AccountId, change: impl FnOnce(&mut Vec<Reading>)) {
        let seen = self.evidence.accounts.get_mut(account).unwrap();
        let mut readings = Vec::clone(seen.trails.as_ref().unwrap());
        change(&mut readings);
        seen.trails = Ok(Arc::new(readings));
    }

    fn filters(&mut self) -> &mut Vec<Filter> {
        let Some(Seen::There(group)) = self.evidence.groups.get_mut(GROUP) else { panic!("it is there") };
        &mut group.filters
    }

    fn of_theme(&mut self, theme: &str) -> &mut Filter {
        let name = format!("{theme}-filter");
        self.filters().iter_mut().find(|filter| filter.name == name).unwrap()
    }

    fn alarm_of(&mut self, theme: &str) -> &mut MetricAlarm {
        let Seen::There(alarms) = &mut self.of_theme(theme).alarms else { panic!("they are there") };
        &mut alarms[0].alarm
    }
}

/// Everything that is not met: theme, account, status and reason.
fn gaps(report: &Report) -> BTreeSet<(String, String, Status, String)> {
    report
        .rows()
        .filter(|(_, _, finding)| finding.status != Status::Met)
        .map(|(control, account, finding)| {
            (control.theme.clone(), account.to_string(), finding.status, finding.reason.clone())
        })
        .collect()
}

fn finding<'a>(report: &'a Report, theme: &str, account: &AccountId) -> &'a Finding {
    report.rows().find(|(control, id, _)| control.theme == theme && *id == account).unwrap().2
}

#[test]
fn where_everything_is_there_every_control_is_met_by_what_its_standard_asks_for() {
    let world = World::new();
    for standard in ["cis-1.4", "security-hub", "cwl-010"] {
        let report = world.audit(standard);
        assert_eq!(gaps(&report), BTreeSet::new(), "{standard}");
        assert!(report.rows().all(|(_, _, finding)| finding.by == Some(By::MetricAlarm)), "{standard}");
    }
    for standard in ["cis-3.0", "cis-5.0", "cis-6.0"] {
        let report = world.audit(standard);
        assert_eq!(gaps(&report), BTreeSet::new(), "{standard}");
        for (control, _, finding) in report.rows() {
            // One filter of v5.0 counts more than the one that is installed.
            let alone = control.theme == "cis-4.10" && standard > "cis-4";
            let by = if alone { By::EventRule } else { By::Both };
            assert_eq!(finding.by, Some(by), "{standard} {}", control.control);
        }
    }
    assert_eq!(world.audit("cis-1.4").counts.met, 15 * 5);
    assert_eq!(world.audit("security-hub").counts.met, 14 * 5);
}

#[test]
fn accounts_that_are_alike_stand_together_though_each_has_a_canary_of_its_own() {
    for control in World::new().audit("cis-5.0").controls {
        assert_eq!(control.findings.len(), 1, "{}", control.control);
        assert_eq!(control.findings[0].accounts.len(), 5);
    }
}

#[test]
fn members_meet_their_controls_through_the_organizations_trail_and_security_hub_says_where_it_looks() {
    let world = World::new();
    let report = world.audit("security-hub");
    let owner = finding(&report, "cis-4.5", &id(MANAGEMENT));
    let member = finding(&report, "cis-4.5", &member_id(1));
    assert_eq!((owner.status, member.status), (Status::Met, Status::Met));
    assert_eq!(owner.remarks, Vec::<String>::new());
    assert!(member.remarks[0].contains("NO_DATA"), "{:?}", member.remarks);
    let facts = member.evidence.metric_alarm.as_ref().unwrap();
    assert_eq!(facts.log_group.as_deref(), Some(GROUP));
    assert_eq!(facts.topic.as_ref().map(|topic| topic.confirmed), Some(1));
}

#[test]
fn accounts_that_are_left_out_are_named_and_not_judged() {
    let mut world = World::new();
    world.change(&member_id(3), |view| {
        view.standing = Standing::Excluded;
        view.standing_reason = Some("excluded by configuration".to_owned());
    });
    let report = world.audit("cis-1.4");
    assert_eq!(report.left_out.len(), 1);
    assert_eq!(report.left_out[0].reason, "excluded by configuration");
    assert!(report.rows().all(|(_, account, _)| *account != member_id(3)));
}

#[test]
fn a_report_can_be_narrowed_and_its_counts_follow() {
    let mut world = World::new();
    world.trails(&member_id(1), Vec::clear);
    let report = world.audit("cis-1.4");
    assert_eq!((report.counts.met, report.counts.unmet), (4 * 15, 15));
    let one = report.clone().narrowed(&[member_id(1)], None);
    assert_eq!((one.counts.met, one.counts.unmet, one.accounts.len()), (0, 15, 1));
    let unmet = report.clone().narrowed(&[], Some(Status::Unmet));
    assert!(unmet.rows().all(|(_, _, finding)| finding.status == Status::Unmet));
    assert_eq!(unmet.counts.met, 4 * 15, "counts tell of everything");
    let again: Report = serde_json::from_value(serde_json::to_value(&report).unwrap()).unwrap();
    assert_eq!(again, report);
}
