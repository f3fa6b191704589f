use super::*;
use crate::model::plan::Hold;
use crate::model::resource::Resource;
use crate::model::view::{
    CentralView, DeliveryCounts, DeliveryView, DiscoveryView, InboxView, LatencyView, ResyncView,
};
use crate::render::fixtures::{self, HOSTILE, central, id, judged, member, note, resource};
use insta::assert_snapshot;
use std::sync::Arc;

fn at(time: &str) -> Timestamp {
    format!("2026-11-20T{time}Z").parse().unwrap()
}

fn account(n: usize, coverage: Coverage, reason: &'static str, message: &str) -> Arc<AccountView> {
    let verdict = match coverage {
        Coverage::Proven | Coverage::Configured => Verdict::InSync,
        Coverage::Pending => Verdict::Pending,
        Coverage::Broken => Verdict::Foreign,
        Coverage::Unknown | Coverage::Uncovered => Verdict::Unknown,
    };
    Arc::new(AccountView {
        id: fixtures::account(n),
        name: format!("account-{n}"),
        email: format!("aws+{n}@example.com"),
        path: "o-a1b2c3d4e5/r-ab12".to_owned(),
        state: "ACTIVE".to_owned(),
        standing: Standing::Active,
        standing_reason: None,
        verdict,
        coverage,
        coverage_reason: reason,
        coverage_hop: None,
        alerts: std::sync::Arc::default(),
        coverage_message: message.replace("{id}", fixtures::account(n).as_str()),
        coverage_since: at("09:00:00"),
        conditions: vec![],
        targets: vec![judged(member(n), vec![resource(id("sender_rule", "orgwatch-iam-changes"), verdict)])],
        observed_at: Some(at("12:00:00")),
        last_change_at: None,
    })
}

fn snapshot(accounts: Vec<Arc<AccountView>>) -> Snapshot {
    Snapshot {
        version: "0.1.0",
        installation: "orgwatch".to_owned(),
        mode: "enforce",
        generation: 1,
        organization_id: Some("o-a1b2c3d4e5".parse().unwrap()),
        wrong_place: None,
        discovery: DiscoveryView::default(),
        accounts: accounts.into_iter().map(|a| (a.id.clone(), a)).collect(),
        units: Arc::default(),
        central: CentralView {
            account: central().account,
            region: central().region,
            verdict: Verdict::InSync,
            conditions: vec![],
            beside: Vec::new(),
            targets: vec![judged(central(), vec![])],
            observed_at: Some(at("12:00:00")),
        },
        holds: vec![],
        inbox: InboxView::default(),
        suppressed: Vec::new(),
        deliveries: Vec::new(),
        latency: LatencyView::default(),
        canaries: Vec::new(),
        canary_rules: None,
        dead_letters: None,
        last_resync: Some(ResyncView {
            started_at: at("12:00:00"),
            finished_at: at("12:00:03"),
            duration_seconds: 3.1,
        }),
        pauses: vec![],
        history: crate::model::view::HistoryView::default(),
        totals: crate::model::view::Totals::default(),
        taken_at: at("12:00:41.24"),
        started_at: at("08:00:00"),
    }
}

fn healthy(n: usize) -> Arc<AccountView> {
    account(n, Coverage::Configured, "InSync", "")
}

/// Six accounts in different states.
fn mixed() -> Snapshot {
    let role = "role orgwatch-member in {id} cannot be assumed; install the member role's template there";
    let excluded = account(4, Coverage::Uncovered, "Excluded", "left out by `exclude_accounts`");
    let excluded = Arc::new(AccountView { standing: Standing::Excluded, ..(*excluded).clone() });
    let closed = Arc::new(AccountView { standing: Standing::Inactive, ..(*healthy(5)).clone() });
    snapshot(vec![
        healthy(0),
        account(1, Coverage::Unknown, "Denied", role),
        account(2, Coverage::Unknown, "Denied", role),
        account(3, Coverage::Broken, "NameTaken", "a rule at our name is not ours; adopt or rename it"),
        excluded,
        closed,
        account(6, Coverage::Pending, "Young", "joined less than 30m ago"),
    ])
}

#[test]
fn a_pause_is_told_with_who_and_why() {
    let mut answer = status_json(&snapshot(vec![]));
    let plain = status_from_json(&answer, Style::PLAIN).unwrap();
    answer["pauses"] = json!([{
        "scope": "ou-ab12-cdefgh34", "since": "2026-11-20T12:00:00Z", "until": "2026-11-20T14:00:00Z",
        "reason": "a migration", "by": "oncall",
    }]);
    let paused = status_from_json(&answer, Style::PLAIN).unwrap();
    let told = "Paused: ou-ab12-cdefgh34 until 2026-11-20T14:00:00Z, by oncall: a migration";
    assert!(!plain.contains("Paused") && paused.contains(told), "{paused}");
}

#[test]
fn a_healthy_organization_is_a_few_lines() {
    assert_snapshot!(status(&snapshot((0..3).map(healthy).collect()), Style::PLAIN), @r"
    orgwatch 0.1.0, installation orgwatch, mode enforce, organization o-a1b2c3d4e5
    Coverage  3 of 3 accounts covered: 3 configured
    Accounts  3 in all: 3 in sync
    Central   222222222222 in us-east-1: in sync
    Holds     none
    Observed  oldest reading 41s ago; last full walk ended at 2026-11-20T12:00:03Z and took 3.1 s

    Every account is covered and in sync.
    ");
}

#[test]
fn accounts_that_somebody_must_look_at_come_worst_first() {
    let text = status(&mixed(), Style { colour: false, width: Some(80) });
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_snapshot!(text, @r"
    orgwatch 0.1.0, installation orgwatch, mode enforce, organization o-a1b2c3d4e5
    Coverage  1 of 6 accounts covered: 1 configured, 1 pending, 1 broken, 2 unknown,
              1 uncovered
    Accounts  7 in all: 1 in sync, 2 unknown, 1 foreign, 1 pending, 1 excluded, 1
              inactive
    Central   222222222222 in us-east-1: in sync
    Holds     none
    Observed  oldest reading 41s ago; last full walk ended at 2026-11-20T12:00:03Z
              and took 3.1 s

    Not covered or not in sync
    account       name       verdict   coverage   reason     since
    336666666666  account-3  foreign   broken     NameTaken  3h ago
    334444444444  account-1  unknown   unknown    Denied     3h ago
    335555555555  account-2  unknown   unknown    Denied     3h ago
    339999999999  account-6  pending   pending    Young      3h ago
    337777777777  account-4  excluded  uncovered  Excluded   3h ago

      336666666666: a rule at our name is not ours; adopt or rename it
      334444444444 and 335555555555: role orgwatch-member in <account> cannot be
        assumed; install the member role's template there
      339999999999: joined less than 30m ago
      337777777777: left out by `exclude_accounts`
    ");
}

#[test]
fn before_the_first_listing_nothing_is_claimed() {
    let mut empty = snapshot(vec![]);
    empty.central.targets.clear();
    empty.organization_id = None;
    empty.last_resync = None;
    empty.central.verdict = Verdict::Pending;
    assert_snapshot!(status(&empty, Style::PLAIN), @r"
    orgwatch 0.1.0, installation orgwatch, mode enforce, organization not known yet
    Coverage  0 of 0 accounts covered
    Accounts  0 in all
    Central   222222222222 in us-east-1: pending
    Holds     none
    Observed  nothing yet

    No account is known yet: the organization has not been listed.
    ");
}

#[test]
fn holds_doubts_and_notices_are_told() {
    let topic = Resource {
        notes: vec![note("SubscriptionPending", "security@example.com has not confirmed; ask its owner to")],
        ..resource(id("topic", "orgwatch-iam-changes"), Verdict::InSync)
    };
    let mut snapshot = snapshot(vec![healthy(0)]);
    snapshot.central.targets = vec![judged(central(), vec![topic])];
    snapshot.discovery.doubtful = Some("9 of 30 accounts are missing from it".to_owned());
    snapshot.wrong_place = Some(Hold {
        reason: "WrongOrganization",
        message: "the credentials belong to o-somebodyelse".to_owned(),
        waits: false,
    });
    snapshot.holds = vec![HoldView {
        id: "deletion-limit".to_owned(),
        reason: "DeletionLimit",
        releasable: true,
        message: "10 deletions were made within 1h; `orgwatch apply` goes on".to_owned(),
        accounts: (1..6).map(fixtures::account).collect(),
        changes: 7,
        since: at("11:30:00"),
    }];
    assert_snapshot!(status(&snapshot, Style::PLAIN), @r"
    orgwatch 0.1.0, installation orgwatch, mode enforce, organization o-a1b2c3d4e5
    Coverage  1 of 1 account covered: 1 configured
    Accounts  1 in all: 1 in sync
    Central   222222222222 in us-east-1: in sync
    Holds     1
    Observed  oldest reading 41s ago; last full walk ended at 2026-11-20T12:00:03Z and took 3.1 s

    Nothing is written (WrongOrganization): the credentials belong to o-somebodyelse
    The latest list of accounts is doubtful: 9 of 30 accounts are missing from it

    Every account is covered and in sync.

    Held until a person releases it
      DeletionLimit (deletion-limit)
          7 changes in 334444444444, 335555555555 and 3 more, since 30m 41s ago: 10 deletions were made within 1h; `orgwatch apply` goes on

    Notices
      topic orgwatch-iam-changes in central 222222222222/us-east-1: security@example.com has not confirmed; ask its owner to
    ");
}

#[test]
fn programs_get_the_same_form_as_over_http() {
    insta::assert_json_snapshot!(status_json(&mixed()), @r#"
    {
      "accounts": {
        "drifted": 0,
        "excluded": 1,
        "foreign": 1,
        "in_sync": 1,
        "inactive": 1,
        "orphan": 0,
        "pending": 1,
        "total": 7,
        "unknown": 2
      },
      "central": {
        "verdict": "in_sync"
      },
      "coverage": {
        "broken": 1,
        "configured": 1,
        "covered": 1,
        "pending": 1,
        "proven": 0,
        "total": 6,
        "uncovered": 1,
        "unknown": 2
      },
      "dead_letters": null,
      "deliveries": [],
      "generation": 1,
      "holds": 0,
      "installation": "orgwatch",
      "last_resync": {
        "duration_seconds": 3.1,
        "finished_at": "2026-11-20T12:00:03Z",
        "started_at": "2026-11-20T12:00:00Z"
      },
      "latency": {
        "canary_seconds": null,
        "join_to_covered_seconds": null,
        "tamper_to_noticed_seconds": null,
        "tamper_to_repaired_seconds": null
      },
      "mode": "enforce",
      "observed_at": "2026-11-20T12:00:41.24Z",
      "oldest_observation_age_seconds": 41.2,
      "organization_id": "o-a1b2c3d4e5",
      "version": "0.1.0"
    }
    "#);
}

#[test]
fn a_daemons_answer_reads_like_our_own_status() {
    let snapshot = mixed();
    let theirs = status_from_json(&status_json(&snapshot), Style::PLAIN).unwrap();
    let ours = status(&snapshot, Style::PLAIN);
    for (theirs, ours) in theirs.lines().take(6).zip(ours.lines()) {
        // A daemon's status does not say where the central account is.
        assert_eq!(theirs, ours.replace("222222222222 in us-east-1: ", ""));
    }
    assert!(theirs.contains("/api/v1/coverage"), "{theirs}");
}

#[test]
fn a_status_tells_when_alerts_last_reached_somebody_and_when_they_did_not() {
    let mut snapshot = snapshot((0..3).map(healthy).collect());
    let delivery = |alert: &str, delivered, failed| DeliveryView {
        alert: alert.to_owned(),
        last_delivered_at: delivered,
        last_failed_at: failed,
        last_not_delivered_at: None,
        last_hour: DeliveryCounts::default(),
        observed_at: at("12:00:00"),
    };
    snapshot.deliveries = vec![
        delivery("iam-changes", Some(at("11:20:00")), None),
        delivery("root", Some(at("10:00:00")), Some(at("11:55:00"))),
        delivery("orgwatch-tamper", None, None),
    ];
    snapshot.latency.canary_seconds = Some(1.26);
    let text = status_from_json(&status_json(&snapshot), Style::PLAIN).unwrap();
    let lines: Vec<&str> = text.lines().skip(5).take(4).collect();
    assert_snapshot!(lines.join("\n"), @r"
    Delivery  iam-changes last reached a subscriber 40m 41s ago
    Delivery  root last reached a subscriber 2h ago; its rule failed 5m 41s ago
    Delivery  orgwatch-tamper has not reached a subscriber yet
    Canaries  the latest came back after 1.3 s
    ");
}

#[test]
fn an_answer_that_is_no_status_names_what_is_missing() {
    let mut answer = status_json(&mixed());
    answer["coverage"]["covered"] = json!("many");
    assert_snapshot!(status_from_json(&answer, Style::PLAIN).unwrap_err(), @r#"this is not the status of an orgwatch daemon (coverage.covered: invalid type: string "many", expected usize); check that --url is the daemon's address"#);
}

#[test]
fn what_an_auditor_would_miss_is_told() {
    let mut snapshot = snapshot(vec![]);
    let target = crate::model::target::TargetKey { side: crate::model::target::Side::Audit, ..central() };
    let filter = resource(id("metric_filter", "orgwatch-CIS-4.4-IAMPolicyChanges"), Verdict::Drifted);
    snapshot.central.beside = vec![judged(target, vec![filter])];
    let told = status(&snapshot, Style::PLAIN);
    let line = "metric_filter orgwatch-CIS-4.4-IAMPolicyChanges in audit 222222222222/us-east-1: drifted";
    assert!(told.contains(line), "{told}");
}

#[test]
fn the_name_of_an_account_cannot_steer_the_terminal() {
    let mut snapshot = mixed();
    let hostile = AccountView {
        name: HOSTILE.to_owned(),
        coverage_message: HOSTILE.to_owned(),
        ..(*account(1, Coverage::Unknown, "Denied", "")).clone()
    };
    snapshot.accounts.insert(hostile.id.clone(), Arc::new(hostile));
    let text = status(&snapshot, Style::PLAIN);
    assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
}
