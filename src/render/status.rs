//! Who is covered, and what is wrong.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::group::{ACCOUNT, some_of};
use super::head::{Head, age};
use super::phrase::{count, duration, spoken};
use super::style::{Page, Style, Tone};
use super::summary::notices;
use crate::model::ids::AccountId;
use crate::model::resource::Verdict;
use crate::model::view::{AccountView, Coverage, DeliveredView, HoldView, Snapshot, Standing};

/// The answer at an address that is no status of a daemon.
#[derive(Debug, thiserror::Error)]
#[error("this is not the status of an orgwatch daemon ({0}); check that --url is the daemon's address")]
pub struct NotAStatus(#[from] serde_path_to_error::Error<serde_json::Error>);

/// The status for programs, in the form of `GET /api/v1/status`.
pub fn status_json(snapshot: &Snapshot) -> Value {
    json!({
        "version": snapshot.version,
        "installation": snapshot.installation,
        "mode": snapshot.mode,
        "generation": snapshot.generation,
        "organization_id": snapshot.organization_id,
        "accounts": snapshot.account_counts(),
        "coverage": snapshot.coverage_counts(),
        "central": { "verdict": snapshot.central.verdict },
        "holds": snapshot.holds.len(),
        "deliveries": snapshot.deliveries.iter().map(DeliveredView::from).collect::<Vec<_>>(),
        "latency": snapshot.latency,
        "observed_at": snapshot.taken_at,
        "dead_letters": snapshot.dead_letters.as_ref().map(|letters| letters.summary.letters),
        "oldest_observation_age_seconds": age(snapshot),
        "last_resync": snapshot.last_resync,
    })
}

/// What a daemon answered to `GET /api/v1/status`, for people.
pub fn status_from_json(answer: &Value, style: Style) -> Result<String, NotAStatus> {
    let head: Head = serde_path_to_error::deserialize(answer)?;
    let mut page = Page::new(style);
    head.put(&mut page);
    put_pauses(&mut page, answer);
    if head.coverage.covered < head.coverage.total {
        let text = "The daemon's page and its /api/v1/coverage name each account that is not covered.";
        page.gap().prose(0, Tone::Plain, text);
    }
    Ok(page.finish())
}

/// Where people have paused writing, which nobody should have to guess from what is not repaired.
fn put_pauses(page: &mut Page, answer: &Value) {
    let pauses = answer["pauses"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (n, pause) in pauses.iter().enumerate() {
        if n == 0 {
            page.gap();
        }
        let text = |key: &str| pause[key].as_str().unwrap_or_default();
        let until = pause["until"].as_str().map(|until| format!(" until {until}")).unwrap_or_default();
        let told = format!("Paused: {}{until}, by {}: {}", text("scope"), text("by"), text("reason"));
        page.prose(0, Tone::Warn, told);
    }
}

/// The status for people: the counts, then each account that is not covered or not in sync, what is held, and
/// what waits for a person.
pub fn status(snapshot: &Snapshot, style: Style) -> String {
    let mut page = Page::new(style);
    Head::of(snapshot).put(&mut page);
    put_warnings(&mut page, snapshot);
    put_accounts(&mut page, snapshot);
    put_beside(&mut page, snapshot);
    put_holds(&mut page, snapshot);
    put_notices(&mut page, snapshot);
    page.finish()
}

/// What makes everything below doubtful.
fn put_warnings(page: &mut Page, snapshot: &Snapshot) {
    let discovery = &snapshot.discovery;
    let warnings = [
        snapshot
            .wrong_place
            .as_ref()
            .map(|hold| format!("Nothing is written ({}): {}", hold.reason, hold.message)),
        discovery.error.as_ref().map(|error| format!("The organization could not be listed: {error}")),
        discovery.doubtful.as_ref().map(|why| format!("The latest list of accounts is doubtful: {why}")),
    ];
    for (n, warning) in warnings.into_iter().flatten().enumerate() {
        if n == 0 {
            page.gap();
        }
        page.prose(0, Tone::Bad, warning);
    }
}

/// The accounts that somebody should look at, worst first, and once for all of them what to do.
fn put_accounts(page: &mut Page, snapshot: &Snapshot) {
    let mut accounts: Vec<&AccountView> = snapshot
        .accounts
        .values()
        .map(AsRef::as_ref)
        .filter(|a| a.standing != Standing::Inactive)
        .filter(|a| !a.coverage.is_covered() || a.verdict != Verdict::InSync)
        .collect();
    if snapshot.accounts.is_empty() {
        page.gap().prose(0, Tone::Plain, "No account is known yet: the organization has not been listed.");
        return;
    }
    if accounts.is_empty() {
        page.gap().prose(0, Tone::Good, "Every account is covered and in sync.");
        return;
    }
    // Excluded accounts are nobody's work and come last.
    accounts.sort_by_key(|a| (a.standing, Reverse(a.verdict), Reverse(a.coverage), &a.id));
    page.heading("Not covered or not in sync");
    page.table(
        &["account", "name", "verdict", "coverage", "reason", "since"],
        accounts.iter().map(|a| {
            let (verdict, tone) = match a.standing {
                Standing::Excluded => ("excluded", Tone::Faint),
                Standing::Active | Standing::Inactive => (a.verdict.label(), verdict_tone(a.verdict)),
            };
            vec![
                (Tone::Plain, a.id.to_string()),
                (Tone::Plain, a.name.clone()),
                (tone, spoken(verdict)),
                (coverage_tone(a.coverage), a.coverage.label().to_owned()),
                (Tone::Plain, a.coverage_reason.to_owned()),
                (Tone::Faint, ago(snapshot.taken_at, a.coverage_since)),
            ]
        }),
    );
    put_messages(page, &accounts);
}

/// Each distinct message with the accounts that it is about, in the order of the table.
fn put_messages(page: &mut Page, accounts: &[&AccountView]) {
    let mut messages: Vec<Vec<&AccountView>> = Vec::new();
    let mut known = BTreeMap::new();
    for account in accounts.iter().filter(|a| !a.coverage_message.is_empty()) {
        let text = account.coverage_message.replace(account.id.as_str(), ACCOUNT);
        let index = *known.entry(text).or_insert(messages.len());
        match messages.get_mut(index) {
            Some(same) => same.push(account),
            None => messages.push(vec![account]),
        }
    }
    page.gap();
    for same in &messages {
        let ids: Vec<&AccountId> = same.iter().map(|a| &a.id).collect();
        let text = match same.as_slice() {
            [] => continue,
            [one] => one.coverage_message.clone(),
            [first, ..] => first.coverage_message.replace(first.id.as_str(), ACCOUNT),
        };
        page.prose(2, Tone::Plain, format!("{}: {text}", some_of(&ids)));
    }
}

/// What auditors would not find as it should be.
fn put_beside(page: &mut Page, snapshot: &Snapshot) {
    let mut lines = Vec::new();
    for view in &snapshot.central.beside {
        lines.extend(view.error.iter().map(|error| format!("{}: {error}", view.target)));
        let wrong = view.resources.iter().filter(|resource| resource.verdict != Verdict::InSync);
        lines.extend(wrong.map(|r| format!("{} in {}: {}", r.id, view.target, spoken(r.verdict.label()))));
    }
    if lines.is_empty() {
        return;
    }
    page.heading("Metric filters and alarms for auditors");
    for line in lines {
        page.prose(2, Tone::Warn, line);
    }
}

fn put_holds(page: &mut Page, snapshot: &Snapshot) {
    if snapshot.holds.is_empty() {
        return;
    }
    page.heading("Held until a person releases it");
    for HoldView { id, reason, message, accounts, changes, since, releasable: _ } in &snapshot.holds {
        page.line(2, Tone::Warn, format!("{reason} ({id})"));
        let accounts: Vec<&AccountId> = accounts.iter().collect();
        let (changes, since) = (count(*changes, "change"), ago(snapshot.taken_at, *since));
        let place = match accounts.as_slice() {
            [] => String::new(),
            all => format!(" in {}", some_of(all)),
        };
        page.prose(6, Tone::Plain, format!("{changes}{place}, since {since}: {message}"));
    }
}

fn put_notices(page: &mut Page, snapshot: &Snapshot) {
    let mut notices = snapshot
        .targets()
        .flat_map(|t| notices(t).map(move |(id, note)| format!("{id} in {}: {}", t.target, note.message)))
        .peekable();
    if notices.peek().is_some() {
        page.heading("Notices");
    }
    for notice in notices {
        page.prose(2, Tone::Plain, notice);
    }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    format!("{} ago", duration(now.duration_since(then).try_into().unwrap_or_default()))
}

fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::InSync => Tone::Good,
        Verdict::Pending | Verdict::Orphan => Tone::Warn,
        Verdict::Unknown | Verdict::Drifted | Verdict::Foreign => Tone::Bad,
    }
}

fn coverage_tone(coverage: Coverage) -> Tone {
    match coverage {
        Coverage::Proven | Coverage::Configured => Tone::Good,
        Coverage::Pending | Coverage::Uncovered => Tone::Warn,
        Coverage::Broken | Coverage::Unknown => Tone::Bad,
    }
}

#[cfg(test)]
mod tests {
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
            targets: vec![judged(
                member(n),
                vec![resource(id("sender_rule", "orgwatch-iam-changes"), verdict)],
            )],
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
            notes: vec![note(
                "SubscriptionPending",
                "security@example.com has not confirmed; ask its owner to",
            )],
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
}
