use super::*;
use crate::controller::pass::Written;
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{Resource, ResourceId};
use crate::model::target::Side;
use crate::world::fixture;

const RESYNC: Duration = Duration::from_secs(900);

fn id() -> ResourceId {
    ResourceId { kind: "sender_rule", name: "x".to_owned() }
}

/// A pass in which nothing happened.
fn quiet() -> PassOutcome {
    let target = fixture::key(Side::Member, fixture::member_id(1));
    PassOutcome {
        plan: Plan { target: target.clone(), changes: Vec::new() },
        target,
        resources: Vec::new(),
        written: Vec::new(),
        error: None,
        news: false,
    }
}

fn failed(class: ErrorClass) -> PassOutcome {
    PassOutcome { error: Some(fixture::error(class)), ..quiet() }
}

fn wrote(outcome: Result<(), ErrorClass>) -> PassOutcome {
    let written = Written {
        target: quiet().target,
        resource: id(),
        action: Action::Update,
        operation: "PutRule",
        outcome: outcome.map(|()| None).map_err(fixture::error),
    };
    PassOutcome { written: vec![written], ..quiet() }
}

fn saw(verdict: Verdict, reason: Option<&'static str>, class: Option<ErrorClass>) -> PassOutcome {
    let error = class.map(fixture::error);
    let resource = Resource {
        id: id(),
        verdict,
        reason,
        changes: [].into(),
        error: error.map(Box::new),
        notes: Vec::new(),
    };
    PassOutcome { resources: vec![resource], ..quiet() }
}

fn held(reason: &'static str, waits: bool) -> PassOutcome {
    let mut outcome = quiet();
    outcome.plan.changes.push(Change {
        resource: id(),
        action: Action::Delete,
        stage: Stage::Contract,
        reason: String::new(),
        fields: [].into(),
        calls: Vec::new(),
        hold: Some(Hold { reason, message: String::new(), waits }),
    });
    outcome
}

fn seconds(outcome: &PassOutcome, failures: u32, in_grace: bool) -> u64 {
    delay(outcome, failures, in_grace, RESYNC, 0.5).as_secs()
}

#[test]
fn the_outcome_decides_when_a_target_is_looked_at_again() {
    use ErrorClass::*;
    for (what, outcome, in_grace, expected) in [
        ("nothing", quiet(), false, 900),
        ("in grace", quiet(), true, 900),
        ("a write", wrote(Ok(())), false, 1),
        ("settling", saw(Verdict::Pending, Some(SETTLING), None), false, 1),
        ("drift that is not written", saw(Verdict::Drifted, None, None), false, 900),
        ("a removal that waits", held("SecondSighting", true), false, 5),
        ("a removal whose successor is stuck", held(WAITING_FOR_SUCCESSOR, true), false, 900),
        ("waiting for the central side", held(WAITING_FOR_CENTRAL, true), false, 900),
        ("waiting for the first", held(WAITING_FOR_FIRST_ACCOUNTS, true), false, 900),
        ("a hold for a person", held("DeletionLimit", false), false, 900),
        ("throttled", failed(Throttled), false, 2),
        ("unreachable", failed(Unreachable), false, 2),
        ("conflict", failed(Conflict), false, 2),
        ("no credentials", failed(Credentials), false, 2),
        ("not ready", failed(NotReady), false, 5),
        ("gone meanwhile", failed(NotFound), false, 5),
        ("denied", failed(Denied), false, 900),
        ("denied to a new account", failed(Denied), true, 5),
        ("forbidden", failed(DeniedByScp), true, 900),
        ("no such Region", failed(RegionDisabled), false, 900),
        ("no such Region in a new account", failed(RegionDisabled), true, 5),
        ("refused", failed(Invalid), false, 900),
        ("a quota", failed(LimitExceeded), false, 900),
        ("not sent", failed(NotSent), false, 900),
        ("a resource unseen", saw(Verdict::Unknown, None, Some(Throttled)), false, 2),
        ("a write refused", wrote(Err(Denied)), false, 900),
        ("a write too early", wrote(Err(NotReady)), false, 5),
    ] {
        assert_eq!(seconds(&outcome, 1, in_grace), expected, "{what}");
    }
}

#[test]
fn failures_in_a_row_double_the_delay_up_to_the_resync() {
    let delays: Vec<u64> =
        [0, 1, 2, 3, 8, 9, 10, 16, 1000].map(|n| seconds(&failed(ErrorClass::Throttled), n, false)).to_vec();
    assert_eq!(delays, [2, 2, 4, 8, 256, 512, 900, 900, 900]);
}

#[test]
fn the_soonest_of_several_reasons_counts() {
    let mut outcome = saw(Verdict::Unknown, None, Some(ErrorClass::Denied));
    outcome.written = wrote(Err(ErrorClass::Throttled)).written;
    assert_eq!(seconds(&outcome, 1, false), 2);
}

#[test]
fn targets_are_spread_around_the_interval_and_none_waits_longer_than_that() {
    let at = |outcome: &PassOutcome, jitter| delay(outcome, 16, false, RESYNC, jitter);
    assert_eq!(at(&quiet(), 0.0), Duration::from_secs(810));
    assert_eq!(at(&quiet(), 1.0), Duration::from_secs(990));
    assert_eq!(at(&failed(ErrorClass::Throttled), 0.0), Duration::from_secs(810));
    let short = Duration::from_secs(1);
    assert_eq!(delay(&failed(ErrorClass::NotReady), 1, false, short, 0.5), short);
}
