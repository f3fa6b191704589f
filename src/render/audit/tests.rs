use std::sync::Arc;

use super::*;
use crate::compliance::report::{
    AlarmFacts, Counts, EventRuleFacts, Facts, FilterFacts, Head, LeftOut, MetricAlarmFacts, TopicFacts,
    TrailFacts,
};

const HOSTILE: &str = "<script>alert(\"x\")</script>&'";

fn id(n: u64) -> AccountId {
    format!("3{n:011}").parse().unwrap()
}

fn finding(status: Status, reason: &str, message: &str, accounts: std::ops::Range<u64>) -> Finding {
    Finding {
        status,
        by: (status == Status::Met).then_some(By::EventRule),
        reason: reason.to_owned(),
        message: message.to_owned(),
        advice: (status != Status::Met).then(|| format!("mend {reason}")),
        remarks: Vec::new(),
        evidence: Facts::default(),
        accounts: accounts.map(id).collect(),
    }
}

fn control(number: &str, title: &str, findings: Vec<Finding>) -> Control {
    let mut counts = Counts::default();
    for finding in &findings {
        *match finding.status {
            Status::Met => &mut counts.met,
            Status::Unmet => &mut counts.unmet,
            Status::Unknown => &mut counts.unknown,
        } += finding.accounts.len();
    }
    Control {
        control: number.to_owned(),
        theme: format!("cis-4.{number}"),
        title: title.to_owned(),
        counts,
        findings,
    }
}

/// A report with something of everything.
fn some() -> Report {
    let trail = TrailFacts {
        arn: "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization".to_owned(),
        multi_region: true,
        organization: true,
        logging: Some(true),
        management_events: Some(true),
    };
    let alarm = AlarmFacts {
        name: "CIS-4.4-IAMPolicyChanges".to_owned(),
        arn: "arn:aws:cloudwatch:us-east-1:111111111111:alarm:CIS-4.4-IAMPolicyChanges".to_owned(),
        statistic: "Sum".to_owned(),
        comparison: "GreaterThanOrEqualToThreshold".to_owned(),
        threshold: 1.0,
        period_seconds: 300,
        datapoints: 1,
        actions_enabled: true,
        actions: vec!["arn:aws:sns:us-east-1:222222222222:people".to_owned()],
    };
    let evidence = Facts {
        event_rule: Some(Arc::new(EventRuleFacts {
            watches: vec!["iam-changes".to_owned()],
            alerts: vec!["iam-changes".to_owned()],
            regions: vec!["us-east-1".to_owned()],
            coverage: "configured".to_owned(),
        })),
        metric_alarm: Some(Arc::new(MetricAlarmFacts {
            trail: Some(trail),
            log_group: Some("arn:aws:logs:us-east-1:111111111111:log-group:organization".to_owned()),
            observed_at: Some("2026-11-20T11:59:00Z".parse().unwrap()),
            filter: Some(FilterFacts {
                name: HOSTILE.to_owned(),
                pattern: "{ $.eventName = CreatePolicy }".into(),
                metric: "CloudTrailMetrics IAMPolicyEventCount".to_owned(),
            }),
            alarm: Some(alarm),
            topic: Some(TopicFacts {
                arn: "arn:aws:sns:us-east-1:222222222222:people".to_owned(),
                confirmed: 1,
                pending: 2,
            }),
        })),
    };
    let met = Finding {
        by: Some(By::Both),
        remarks: vec!["not proven by an alert that arrived".to_owned()],
        evidence,
        ..finding(Status::Met, "InPlace", "all is in place", 0..8)
    };
    let unknown = finding(Status::Unknown, "Denied", "the member role cannot be assumed", 8..9);
    let controls = vec![
        control(
            "5.1",
            "Unauthorized calls",
            vec![finding(Status::Unmet, "NotWatched", "no watch is for: Unauthorized calls", 0..9)],
        ),
        control(
            "5.2",
            "Console sign-ins without MFA",
            vec![finding(Status::Unmet, "NotWatched", "no watch is for: Console sign-ins without MFA", 0..9)],
        ),
        control("5.4", "IAM policy changes", vec![unknown, met]),
    ];
    Report {
        standard: Head {
            id: "cis-6.0".to_owned(),
            title: "CIS AWS Foundations Benchmark v6.0.0".to_owned(),
            demands: Demand::Monitored,
        },
        organization_id: Some("o-a1b2c3d4e5".to_owned()),
        installation: "orgwatch".to_owned(),
        version: "0.1.0".to_owned(),
        observed_at: "2026-11-20T12:00:00Z".parse().unwrap(),
        oldest_observation_at: Some("2026-11-20T11:45:00Z".parse().unwrap()),
        counts: Counts { met: 8, unmet: 18, unknown: 1 },
        controls,
        accounts: (0..9)
            .map(|n| (id(n), if n == 8 { HOSTILE.to_owned() } else { format!("team-{n}") }))
            .collect(),
        left_out: vec![LeftOut {
            id: id(9),
            name: "legacy".to_owned(),
            reason: "excluded by configuration".to_owned(),
        }],
    }
}

#[test]
fn people_read_how_each_control_stands_then_what_is_missing_and_what_to_do() {
    let text = report(&some(), Style { colour: false, width: Some(100) });
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    insta::assert_snapshot!(text, @r#"
    CIS AWS Foundations Benchmark v6.0.0
    It asks that each is monitored: by an event rule, or by a metric filter and alarm.
    9 accounts of o-a1b2c3d4e5, 1 left out; read at 2026-11-20 12:00:00 UTC

    control  what is watched               met  unmet  unknown  by
    5.1      Unauthorized calls            0    9      0
    5.2      Console sign-ins without MFA  0    9      0
    5.4      IAM policy changes            8    0      1        event rule and metric alarm

    8 met, 18 not met, 1 unknown, counting each control of each account

    Not met
      5.1, 5.2 NotWatched
        in every account
        5.1: no watch is for: Unauthorized calls
        5.2: no watch is for: Console sign-ins without MFA
        next: mend NotWatched

    Could not be seen
      5.4 Denied
        in <script>alert("x")</script>&' (300000000008)
        the member role cannot be assumed
        next: mend Denied

    What an auditor should know of what is met
      5.4: not proven by an alert that arrived
    "#);
}

#[test]
fn controls_in_a_row_are_told_by_the_first_and_the_last() {
    let report = some();
    assert_eq!(spans(&report, &["5.1", "5.2", "5.4"]), "5.1 to 5.4");
    assert_eq!(spans(&report, &["5.1", "5.4"]), "5.1, 5.4");
    assert_eq!(spans(&report, &["5.1", "5.2"]), "5.1, 5.2");
}

#[test]
fn an_export_has_a_line_for_each_control_and_account_and_is_safe_in_a_spreadsheet() {
    let mut report = some();
    let formula = "=cmd|' /C calc'!A0".to_owned();
    report.accounts.insert(id(0), formula);
    let text = csv(&report);
    let lines: Vec<&str> = text.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 3 * 9);
    assert_eq!(lines[0].split(',').count(), COLUMNS.len());
    assert!(lines[1].contains(",'=cmd|' /C calc'!A0,"), "{}", lines[1]);
    assert!(lines[27].contains(",unknown,,Denied,"), "{}", lines[27]);
}

#[test]
fn the_page_stands_for_itself_and_no_name_breaks_out_of_it() {
    let page = html(&some()).unwrap();
    assert!(!page.contains("<script") && !page.contains("alert(\"x\")"), "{page}");
    for elsewhere in ["src=", "@import", "url(", "<link", "http://", "https://"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("@media print"));
    assert!(
        page.contains("CIS AWS Foundations Benchmark v6.0.0") && page.contains("2026-11-20 12:00:00 UTC")
    );
    // Many accounts are listed once, and spoken of by a link.
    assert!(
        page.contains("href=\"#set1\">8 accounts</a>") && page.contains("id=\"set1\">8 accounts"),
        "{page}"
    );
    assert!(page.contains("in every account"));
    assert!(page.contains("1 confirmed subscription, 2 not confirmed yet"), "{page}");
    assert!(page.contains("GreaterThanOrEqualToThreshold 1 in 1 of 300 s; actions enabled"), "{page}");
    assert!(page.contains("legacy"));
}

#[test]
fn a_report_of_nobody_is_one_too() {
    let mut empty = some();
    empty.accounts.clear();
    empty.controls.iter_mut().for_each(|control| {
        control.findings.clear();
        control.counts = Counts::default();
    });
    empty.counts = Counts::default();
    assert!(report(&empty, Style::PLAIN).contains("nothing to audit"));
    assert!(html(&empty).unwrap().contains("No account was audited"));
    assert_eq!(csv(&empty).matches("\r\n").count(), 1);
}
