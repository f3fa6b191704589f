use jiff::Timestamp;

use super::*;
use crate::model::view::HoldView;
use crate::render::fixtures::{central, id, judged, member, note, resource};
use crate::world::fixture::{at, settings};

fn snapshot() -> Snapshot {
    Snapshot::before_anything(&settings(""), at(0))
}

fn account(coverage: Coverage, reason: &'static str) -> AccountView {
    AccountView {
        id: crate::world::fixture::member_id(1),
        name: "one".to_owned(),
        email: String::new(),
        path: String::new(),
        state: "ACTIVE".to_owned(),
        standing: Standing::Active,
        standing_reason: None,
        verdict: Verdict::InSync,
        coverage,
        coverage_reason: reason,
        coverage_hop: None,
        alerts: std::sync::Arc::default(),
        coverage_message: "why".to_owned(),
        coverage_since: Timestamp::UNIX_EPOCH,
        conditions: Vec::new(),
        targets: Vec::new(),
        observed_at: None,
        last_change_at: None,
    }
}

fn with(account: AccountView) -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.accounts.insert(account.id.clone(), Arc::new(account));
    snapshot
}

fn kinds(before: &Snapshot, after: &Snapshot) -> Vec<Kind> {
    between(before, after).into_iter().map(|item| item.kind).collect()
}

#[test]
fn an_account_that_is_not_covered_any_more_is_told_and_that_it_is_again() {
    let fine = || with(account(Coverage::Configured, "InSync"));
    let broken = || with(account(Coverage::Broken, "SenderRuleMissing"));
    assert_eq!(kinds(&fine(), &broken()), [Kind::AccountUncovered]);
    assert_eq!(kinds(&broken(), &fine()), [Kind::AccountCovered]);
    assert_eq!(kinds(&broken(), &with(account(Coverage::Unknown, "Denied"))), []);
    assert_eq!(between(&fine(), &broken())[0].message, "300000000001 (one): SenderRuleMissing: why");
}

#[test]
fn a_process_that_starts_tells_of_nobody_who_is_covered() {
    let seen = with(account(Coverage::Pending, "NotObserved"));
    assert_eq!(kinds(&snapshot(), &seen), []);
    assert_eq!(kinds(&seen, &with(account(Coverage::Configured, "InSync"))), []);
    assert_eq!(kinds(&seen, &with(account(Coverage::Broken, "X"))), [Kind::AccountUncovered]);
    let joining = with(account(Coverage::Pending, "NotReady"));
    assert_eq!(kinds(&joining, &with(account(Coverage::Configured, "InSync"))), [Kind::AccountCovered]);
}

#[test]
fn what_somebody_wants_not_to_be_covered_is_no_news() {
    let excluded = AccountView { standing: Standing::Excluded, ..account(Coverage::Uncovered, "Excluded") };
    assert_eq!(kinds(&with(account(Coverage::Configured, "InSync")), &with(excluded)), []);
}

fn with_rule(verdict: Verdict) -> Snapshot {
    let rule = resource(id("sender_rule", "orgwatch-iam-changes"), verdict);
    with(AccountView {
        targets: vec![judged(member(1), vec![rule])],
        ..account(Coverage::Configured, "InSync")
    })
}

#[test]
fn drift_is_told_when_it_is_found_and_when_it_is_repaired() {
    let (fine, wrong) = (with_rule(Verdict::InSync), with_rule(Verdict::Drifted));
    assert_eq!(kinds(&fine, &wrong), [Kind::DriftFound]);
    assert_eq!(kinds(&wrong, &with_rule(Verdict::InSync)), [Kind::DriftRepaired]);
    assert_eq!(kinds(&wrong, &wrong.clone()), []);
    assert_eq!(kinds(&snapshot(), &wrong), []);
}

#[test]
fn doubts_holds_and_subscriptions_are_told_once() {
    let mut doubtful = snapshot();
    doubtful.discovery.doubtful = Some("it lacks many".to_owned());
    assert_eq!(kinds(&snapshot(), &doubtful), [Kind::DiscoveryDoubtful]);
    assert_eq!(kinds(&doubtful, &doubtful.clone()), []);
    let mut held = snapshot();
    held.holds.push(HoldView {
        id: "h".to_owned(),
        reason: "LimitReached",
        releasable: true,
        message: "too many".to_owned(),
        accounts: Vec::new(),
        changes: 1,
        since: at(0),
    });
    assert_eq!(kinds(&snapshot(), &held), [Kind::HoldOpened]);
    assert_eq!(kinds(&held, &held.clone()), []);
    let topic = |notes: Vec<crate::model::resource::Note>| {
        let mut snapshot = snapshot();
        let mut topic = resource(id("topic", "orgwatch-iam-changes"), Verdict::InSync);
        topic.notes = notes;
        snapshot.central.targets = vec![judged(central(), vec![topic])];
        snapshot
    };
    let pending = || topic(vec![note(SUBSCRIPTION_PENDING, "a@example.com is not confirmed")]);
    assert_eq!(kinds(&topic(Vec::new()), &pending()), [Kind::SubscriptionPending]);
    let suspended = topic(vec![note(SUSPENDED_BY_VOLUME, "a@example.com had been confirmed")]);
    assert_eq!(kinds(&topic(Vec::new()), &suspended), [Kind::SubscriptionLost]);
    assert_eq!(kinds(&pending(), &pending()), []);
}
