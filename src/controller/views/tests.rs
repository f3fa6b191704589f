use super::*;
use crate::controller::fleet::Fleet;
use crate::limits::{ChangedAccounts, Limits};
use crate::model::error::ErrorClass;
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{Resource, ResourceId};
use crate::world::fixture::{self, at};

fn key(n: u64) -> TargetKey {
    fixture::key(Side::Member, fixture::member_id(n))
}

fn view(n: u64, verdicts: &[Verdict]) -> TargetView {
    let id = ResourceId { kind: "sender_rule", name: "orgwatch-x".to_owned() };
    let resource = |verdict: &Verdict| Resource {
        id: id.clone(),
        verdict: *verdict,
        reason: None,
        changes: [].into(),
        error: None,
        notes: Vec::new(),
    };
    TargetView {
        target: key(n),
        resources: verdicts.iter().map(resource).collect(),
        plan: Plan { target: key(n), changes: Vec::new() },
        error: None,
        observed_at: at(0),
        last_change_at: None,
        observed_generation: 1,
    }
}

#[test]
fn an_account_is_as_bad_as_its_worst_resource_in_any_region() {
    let of =
        |views: Vec<TargetView>, count| worst(&views.into_iter().map(Arc::new).collect::<Vec<_>>(), count);
    assert_eq!(of(vec![view(1, &[Verdict::InSync, Verdict::InSync])], 1), Verdict::InSync);
    let mixed = vec![view(1, &[Verdict::InSync, Verdict::Drifted]), view(1, &[Verdict::Foreign])];
    assert_eq!(of(mixed, 2), Verdict::Foreign);
    assert_eq!(of(vec![view(1, &[Verdict::InSync])], 2), Verdict::Pending);
    assert_eq!(of(vec![view(1, &[Verdict::Drifted])], 2), Verdict::Drifted);
    let unseen = TargetView { error: Some(Box::new(fixture::error(ErrorClass::Denied))), ..view(1, &[]) };
    assert_eq!(of(vec![unseen], 1), Verdict::Unknown);
}

#[test]
fn since_when_changes_only_with_the_state() {
    let mut chronicle = Chronicle::default();
    let mut since =
        |state, now| chronicle.since((Some(fixture::member_id(1)), "Coverage"), (state, "Because"), at(now));
    assert_eq!(since("configured", 1), at(1));
    assert_eq!(since("configured", 2), at(1));
    assert_eq!(since("broken", 3), at(3));
    assert_eq!(since("configured", 4), at(4));
}

#[test]
fn a_walk_is_complete_when_every_target_of_it_was_looked_at_and_those_that_are_gone_are_not_waited_for() {
    let mut chronicle = Chronicle::default();
    let all = || BTreeSet::from([key(1), key(2), key(3)]);
    chronicle.observed(&key(1), at(1), at(1), all);
    chronicle.observed(&key(1), at(2), at(2), all);
    chronicle.observed(&key(2), at(3), at(3), all);
    assert!(chronicle.last_resync.is_none());
    chronicle.observed(&key(3), at(4), at(4), all);
    assert_eq!(chronicle.last_resync.take().unwrap().started_at, at(1));
    chronicle.observed(&key(1), at(5), at(5), all);
    chronicle.retarget(&BTreeSet::from([key(1), key(2)]));
    chronicle.observed(&key(2), at(6), at(6), all);
    assert_eq!(chronicle.last_resync.unwrap().started_at, at(5));
}

#[test]
fn holds_of_one_kind_are_one_over_all_accounts_and_begin_anew_when_they_come_back() {
    let rules = crate::controller::fleet::Rules {
        settle: std::time::Duration::ZERO,
        grace: std::time::Duration::ZERO,
        limits: Limits {
            window: std::time::Duration::ZERO,
            deletions: None,
            changed_accounts: ChangedAccounts::Off,
        },
        first_accounts: BTreeSet::new(),
        prune: false,
        enforces: true,
        organization_given: true,
        teardown: false,
        delete_data: false,
        everywhere: false,
        allowed: std::collections::BTreeSet::new(),
        thorough: false,
    };
    let settings = fixture::settings("");
    let mut fleet = Fleet::new(rules);
    fleet.set(fixture::world(&settings), fixture::targets(&settings, 3));
    let mut chronicle = Chronicle::default();
    let put = |fleet: &mut Fleet, n, waits: Option<bool>| {
        let resources = view(n, &[Verdict::Orphan]).resources;
        let change = waits.map(|waits| Change {
            resource: resources[0].id.clone(),
            action: Action::Delete,
            stage: Stage::Contract,
            reason: String::new(),
            fields: [].into(),
            calls: Vec::new(),
            hold: Some(Hold { reason: "DeletionLimit", message: "why".to_owned(), waits }),
        });
        let begun = fleet.begin(&key(n)).unwrap();
        let plan = Plan { target: key(n), changes: change.into_iter().collect() };
        fleet.finish(&begun, resources, plan, None, at(0));
    };
    put(&mut fleet, 1, Some(false));
    put(&mut fleet, 2, Some(false));
    put(&mut fleet, 3, Some(true));
    let held = holds(&fleet, &mut chronicle, at(1));
    assert_eq!(held.len(), 1);
    assert_eq!(held[0].id, "DeletionLimit-sender_rule-orgwatch-x");
    assert_eq!((held[0].changes, held[0].since), (2, at(1)));
    assert_eq!(held[0].accounts, [fixture::member_id(1), fixture::member_id(2)]);
    assert_eq!(holds(&fleet, &mut chronicle, at(2))[0].since, at(1));
    put(&mut fleet, 1, None);
    assert_eq!(holds(&fleet, &mut chronicle, at(3))[0].accounts, [fixture::member_id(2)]);
    put(&mut fleet, 2, None);
    assert!(holds(&fleet, &mut chronicle, at(3)).is_empty());
    put(&mut fleet, 1, Some(false));
    assert_eq!(holds(&fleet, &mut chronicle, at(4))[0].since, at(4));
}
