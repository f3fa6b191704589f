//! Audits of a made-up organization in which everything is there, and of the same with one thing missing.

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

type Gap = (&'static str, fn(&mut World), Status, &'static str, &'static [&'static str]);

/// What may be missing between trail and people: of a theme in all accounts, or of everything in one of them.
const GAPS: [Gap; 20] = [
    ("no trail", |w| w.trails(&member_id(1), Vec::clear), Status::Unmet, "NoTrail", &[]),
    (
        "one Region",
        |w| w.trails(&member_id(1), |t| t[0].trail.multi_region = false),
        Status::Unmet,
        "NoMultiRegionTrail",
        &[],
    ),
    (
        "stopped",
        |w| w.trails(&member_id(1), |t| t[0].logging = Some(Ok(false))),
        Status::Unmet,
        "TrailStopped",
        &[],
    ),
    (
        "no log group",
        |w| w.trails(&member_id(1), |t| t[0].trail.log_group = None),
        Status::Unmet,
        "NoLogGroup",
        &[],
    ),
    (
        "writes alone",
        |w| {
            w.trails(&member_id(1), |t| {
                let writes =
                    Basic { reads: false, writes: true, management: true, excluded: BTreeSet::new() };
                t[0].selectors = Some(Ok(Selectors::Basic(vec![writes])));
            });
        },
        Status::Unmet,
        "TrailLacksEvents",
        &[],
    ),
    (
        "trails denied",
        |w| {
            let seen = w.evidence.accounts.get_mut(&member_id(1)).unwrap();
            seen.trails = Err(Unseen::of(&error(ErrorClass::Denied)));
        },
        Status::Unknown,
        "TrailsUnreadable",
        &[],
    ),
    (
        "status denied",
        |w| w.trails(&member_id(1), |t| t[0].logging = Some(Err(error(ErrorClass::Denied)))),
        Status::Unknown,
        "TrailUnreadable",
        &[],
    ),
    (
        "group gone",
        |w| drop(w.evidence.groups.insert(GROUP.to_owned(), Seen::Missing)),
        Status::Unmet,
        "LogGroupMissing",
        &["*"],
    ),
    (
        "group out of reach",
        |w| {
            drop(
                w.evidence.groups.insert(GROUP.to_owned(), Seen::Unseen(Unseen::new("far away", "go there"))),
            )
        },
        Status::Unknown,
        "LogGroupUnreadable",
        &["*"],
    ),
    (
        "no filter",
        |w| w.filters().retain(|f| f.name != "cis-4.4-filter"),
        Status::Unmet,
        "NoMetricFilter",
        &["cis-4.4"],
    ),
    (
        "wrong pattern",
        |w| {
            let pattern =
                themes::by_id("cis-4.4").unwrap().pattern().replace("($.eventName = CreatePolicy) || ", "");
            w.of_theme("cis-4.4").normal = Normal::of(&pattern);
        },
        Status::Unmet,
        "PatternDiffers",
        &["cis-4.4"],
    ),
    (
        "no alarm",
        |w| w.of_theme("cis-4.4").alarms = Seen::There(Vec::new()),
        Status::Unmet,
        "NoAlarm",
        &["cis-4.4"],
    ),
    (
        "alarms denied",
        |w| w.of_theme("cis-4.4").alarms = Seen::Unseen(Unseen::of(&error(ErrorClass::Denied))),
        Status::Unknown,
        "AlarmsUnreadable",
        &["cis-4.4"],
    ),
    (
        "disabled",
        |w| w.alarm_of("cis-4.4").actions_enabled = false,
        Status::Unmet,
        "AlarmDisabled",
        &["cis-4.4"],
    ),
    (
        "no actions",
        |w| w.alarm_of("cis-4.4").alarm_actions.clear(),
        Status::Unmet,
        "AlarmWithoutActions",
        &["cis-4.4"],
    ),
    ("threshold", |w| w.alarm_of("cis-4.4").threshold = 5.0, Status::Unmet, "AlarmInsensitive", &["cis-4.4"]),
    (
        "no topic",
        |w| w.alarm_of("cis-4.4").alarm_actions = vec!["arn:aws:lambda:us-east-1:1:function:f".to_owned()],
        Status::Unmet,
        "NoTopic",
        &["cis-4.4"],
    ),
    (
        "topic gone",
        |w| drop(w.evidence.topics.insert(TOPIC.to_owned(), Seen::Missing)),
        Status::Unmet,
        "TopicMissing",
        &["*"],
    ),
    (
        "nobody subscribed",
        |w| drop(w.evidence.topics.insert(TOPIC.to_owned(), Seen::There(Subscriptions::default()))),
        Status::Unmet,
        "NoConfirmedSubscription",
        &["*"],
    ),
    (
        "not confirmed",
        |w| {
            let pending = Subscriptions { confirmed: 0, pending: 2 };
            drop(w.evidence.topics.insert(TOPIC.to_owned(), Seen::There(pending)));
        },
        Status::Unmet,
        "SubscriptionPending",
        &["*"],
    ),
];

#[test]
fn each_gap_between_trail_and_people_is_found_and_nothing_else() {
    for (what, open, status, reason, themes) in GAPS {
        let mut world = World::new();
        open(&mut world);
        for standard in ["cis-1.4", "security-hub"] {
            let report = world.audit(standard);
            let all: Vec<&str> =
                standards::by_id(standard).unwrap().controls().map(|(_, t)| t.id.as_str()).collect();
            let accounts: Vec<String> = match themes {
                [] => vec![member_id(1).to_string()],
                _ => report.accounts.keys().map(ToString::to_string).collect(),
            };
            let themes = if matches!(themes, [] | ["*"]) { all } else { themes.to_vec() };
            let expected: BTreeSet<_> = themes
                .iter()
                .flat_map(|theme| {
                    accounts.iter().map(|id| ((*theme).to_owned(), id.clone(), status, reason.to_owned()))
                })
                .collect();
            assert_eq!(gaps(&report), expected, "{what}, {standard}");
            for (control, _, finding) in report.rows().filter(|(_, _, f)| f.status != Status::Met) {
                let advice = finding.advice.as_deref().unwrap_or_default();
                // What AWS answered has advice of its own.
                assert!(!advice.is_empty() || status == Status::Unknown, "{what}: {}", control.control);
                assert!(!finding.message.is_empty());
            }
        }
        // The event rule stands, so that what only asks for monitoring is met.
        assert_eq!(gaps(&world.audit("cis-5.0")), BTreeSet::new(), "{what}");
    }
}

#[test]
fn of_a_filter_that_comes_near_it_is_said_what_it_lacks_and_one_of_another_theme_does_not_come_near() {
    let mut world = World::new();
    world.of_theme("cis-4.5").normal = Normal::of("{ $.eventName = StopLogging || $.eventName = Sleep }");
    world.filters().retain(|filter| filter.name != "cis-4.6-filter");
    let report = world.audit("cis-1.4");
    let told = |theme: &str| finding(&report, theme, &member_id(1)).clone();
    let near = told("cis-4.5");
    assert_eq!(near.reason, "PatternDiffers");
    assert!(
        near.message.contains("lacks $.eventName = CreateTrail")
            && near.message.contains("has $.eventName = Sleep"),
        "{}",
        near.message
    );
    // That of sign-ins without MFA is about sign-ins too.
    assert_eq!(told("cis-4.6").reason, "NoMetricFilter");
}

#[test]
fn each_gap_of_the_event_rule_is_found_where_no_alarm_is_there_instead() {
    let member = member_id(1);
    let of = |coverage, reason| {
        move |view: &mut AccountView| {
            view.coverage = coverage;
            view.coverage_reason = reason;
            "what is wrong".clone_into(&mut view.coverage_message);
        }
    };
    for (change, status, reason) in [
        (of(Coverage::Broken, "SenderRuleDrifted"), Status::Unmet, "SenderRuleDrifted"),
        (of(Coverage::Pending, "SubscriptionPending"), Status::Unmet, "SubscriptionPending"),
        (of(Coverage::Uncovered, "NoManagementRole"), Status::Unmet, "NoManagementRole"),
        (of(Coverage::Unknown, "Denied"), Status::Unknown, "Denied"),
    ] {
        let mut world = World::new();
        world.filters().clear();
        world.change(&member, change);
        let report = world.audit("cis-6.0");
        let expected =
            themes::all().iter().map(|t| (t.id.clone(), member.to_string(), status, reason.to_owned()));
        assert_eq!(gaps(&report), expected.collect(), "{reason}");
        let remarks = &finding(&report, "cis-4.4", &member).remarks;
        assert!(remarks.iter().any(|remark| remark.contains("has no metric filter")), "{remarks:?}");
        // What is asked to be a filter and alarm is not met anywhere, whatever the rules do.
        assert_eq!(world.audit("cis-1.4").counts.met, 0);
    }
}

#[test]
fn coverage_that_is_configured_meets_what_is_to_be_monitored_with_a_remark() {
    let mut world = World::new();
    world.filters().clear();
    world.change(&member_id(1), |view| view.coverage = Coverage::Configured);
    let report = world.audit("cis-3.0");
    assert_eq!(gaps(&report), BTreeSet::new());
    let remarks = |account: AccountId| finding(&report, "cis-4.4", &account).remarks.clone();
    assert!(remarks(member_id(1))[0].contains("not proven"), "{:?}", remarks(member_id(1)));
    assert_eq!(remarks(member_id(2)), Vec::<String>::new());
}

#[test]
fn an_event_rule_alone_does_not_meet_what_is_to_be_a_filter_and_an_alarm_and_that_is_said() {
    let mut world = World::new();
    world.filters().clear();
    for standard in ["cis-1.4", "security-hub", "cwl-010"] {
        let report = world.audit(standard);
        assert_eq!(report.counts.met, 0, "{standard}");
        let found = finding(&report, "cis-4.4", &member_id(1));
        assert_eq!((found.status, found.by), (Status::Unmet, None));
        assert!(
            found.remarks.iter().any(|remark| remark.contains("event rule alone")),
            "{:?}",
            found.remarks
        );
    }
}

#[test]
fn a_theme_that_no_watch_is_for_is_not_monitored() {
    let mut world = World::new();
    world.filters().clear();
    world.settings = settings("");
    for (control, _, finding) in world.audit("cis-6.0").rows() {
        assert_eq!((finding.status, finding.reason.as_str()), (Status::Unmet, "NotWatched"));
        let advice = finding.advice.as_deref().unwrap_or_default();
        // The default watch would be for one of them, and this account does not have it.
        let widen = control.theme == "cis-4.4";
        assert!(if widen { advice.contains("widen") } else { advice.contains(&control.theme) }, "{advice}");
    }
}

#[test]
fn a_watch_that_is_not_in_every_region_or_leaves_out_reads_is_not_enough() {
    let mut world = World::new();
    world.filters().clear();
    for account in world.evidence.accounts.values_mut() {
        let mut watched = Watched::clone(&account.watched);
        watched.enabled = Some(["us-east-1", "eu-west-1"].map(|code| code.parse().unwrap()).into());
        account.watched = Arc::new(watched);
    }
    let report = world.audit("cis-6.0");
    let found: BTreeMap<&str, &str> =
        report.controls.iter().map(|c| (c.theme.as_str(), c.findings[0].reason.as_str())).collect();
    assert_eq!(found["cis-4.10"], "NotInEveryRegion");
    // IAM's events and those of Organizations are in one Region.
    assert_eq!((found["cis-4.4"], found["cis-4.15"]), ("InPlace", "InPlace"));
    for account in world.evidence.accounts.values_mut() {
        account.watched = Arc::new(Watched { enabled: None, ..Watched::clone(&account.watched) });
    }
    let report = world.audit("cis-6.0");
    assert_eq!(finding(&report, "cis-4.10", &member_id(1)).reason, "RegionsUnknown");
    assert_eq!(finding(&report, "cis-4.10", &member_id(1)).status, Status::Unknown);

    let mut world = World::new();
    world.filters().clear();
    world.settings = settings("[[watch]]\nname='w1'\npreset='cis-4.1'\n");
    assert_eq!(finding(&world.audit("cis-6.0"), "cis-4.1", &member_id(1)).reason, "ReadsNotForwarded");
}

#[test]
fn members_meet_their_controls_through_the_organizations_trail_and_security_hub_says_where_it_looks() {
    let world = World::new();
    let report = world.audit("security-hub");
    let owner = finding(&report, "cis-4.4", &id(MANAGEMENT));
    let member = finding(&report, "cis-4.4", &member_id(1));
    assert_eq!((owner.status, member.status), (Status::Met, Status::Met));
    assert_eq!(owner.remarks, Vec::<String>::new());
    assert!(member.remarks[0].contains("NO_DATA"), "{:?}", member.remarks);
    let facts = member.evidence.metric_alarm.as_ref().unwrap();
    assert_eq!(facts.log_group.as_deref(), Some(GROUP));
    assert_eq!(facts.topic.as_ref().map(|topic| topic.confirmed), Some(1));
}

#[test]
fn one_good_trail_filter_alarm_or_topic_among_bad_ones_is_enough() {
    let mut world = World::new();
    world.trails(&member_id(1), |trails| {
        let mut stopped = trails[0].clone();
        stopped.logging = Some(Ok(false));
        trails.insert(0, stopped);
    });
    let theme = themes::by_id("cis-4.4").unwrap();
    let mut bad = filter(theme, theme.pattern());
    bad.alarms = Seen::There(Vec::new());
    world.filters().insert(0, bad);
    let Seen::There(alarms) = &mut world.of_theme("cis-4.5").alarms else { panic!() };
    let mut quiet = alarms[0].clone();
    quiet.alarm.actions_enabled = false;
    alarms.insert(0, quiet);
    world.alarm_of("cis-4.6").alarm_actions.insert(0, "arn:aws:sns:us-east-1:222222222222:gone".to_owned());
    assert_eq!(gaps(&world.audit("cis-1.4")), BTreeSet::new());
}

#[test]
fn what_could_not_be_seen_outweighs_what_is_known_to_be_missing_and_is_never_met() {
    let mut world = World::new();
    let theme = themes::by_id("cis-4.4").unwrap();
    let mut unseen = filter(theme, theme.pattern());
    unseen.alarms = Seen::Unseen(Unseen::new("denied", "grant it"));
    world.of_theme("cis-4.4").alarms = Seen::There(Vec::new());
    world.filters().push(unseen);
    assert_eq!(finding(&world.audit("cis-1.4"), "cis-4.4", &member_id(1)).status, Status::Unknown);
}

#[test]
fn an_alarm_goes_off_at_one_event_or_is_no_alarm() {
    let heard = |change: fn(&mut MetricAlarm), default: Option<f64>| {
        let mut world = World::new();
        change(world.alarm_of("cis-4.4"));
        world.of_theme("cis-4.4").filter.default_value = default;
        finding(&world.audit("cwl-010"), "cis-4.4", &member_id(1)).status == Status::Met
    };
    assert!(heard(|_| (), Some(0.0)));
    assert!(heard(|a| "Average".clone_into(&mut a.statistic), None));
    assert!(!heard(|a| "Average".clone_into(&mut a.statistic), Some(0.0)));
    assert!(heard(|a| "SampleCount".clone_into(&mut a.statistic), None));
    assert!(!heard(|a| "p99".clone_into(&mut a.statistic), None));
    assert!(!heard(|a| a.statistic.clear(), None));
    assert!(!heard(|a| "GreaterThanThreshold".clone_into(&mut a.comparison), None));
    assert!(!heard(|a| "LessThanThreshold".clone_into(&mut a.comparison), None));
    assert!(!heard(|a| a.datapoints = 2, None));
    assert!(heard(|a| a.threshold = 0.5, None));
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
