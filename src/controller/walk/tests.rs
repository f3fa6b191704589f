use super::*;
use crate::controller::pass::Written;
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{Resource, ResourceId};
use crate::world::fixture;

fn id() -> ResourceId {
    ResourceId { kind: "sender_rule", name: "x".to_owned() }
}

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

fn wrote(outcomes: &[Result<(), ErrorClass>]) -> PassOutcome {
    let written = outcomes.iter().map(|outcome| Written {
        target: quiet().target,
        resource: id(),
        action: Action::Update,
        operation: "PutRule",
        outcome: outcome.map(|()| None).map_err(fixture::error),
    });
    PassOutcome { written: written.collect(), ..quiet() }
}

fn failed(class: ErrorClass) -> PassOutcome {
    PassOutcome { error: Some(fixture::error(class)), ..quiet() }
}

fn saw(verdict: Verdict) -> PassOutcome {
    let resource =
        Resource { id: id(), verdict, reason: None, changes: [].into(), error: None, notes: Vec::new() };
    PassOutcome { resources: vec![resource], ..quiet() }
}

fn held(waits: bool) -> PassOutcome {
    let mut outcome = quiet();
    outcome.plan.changes.push(Change {
        resource: id(),
        action: Action::Update,
        stage: Stage::Switch,
        reason: String::new(),
        fields: [].into(),
        calls: Vec::new(),
        hold: Some(Hold { reason: "SomeReason", message: String::new(), waits }),
    });
    outcome
}

#[test]
fn a_command_looks_again_where_that_may_bring_it_further_and_nowhere_else() {
    for (what, outcome, again) in [
        ("nothing to do", quiet(), false),
        ("in sync", saw(Verdict::InSync), false),
        ("drift that is not ours to mend", saw(Verdict::Drifted), false),
        ("settling", saw(Verdict::Pending), true),
        ("a write to be seen", wrote(&[Ok(())]), true),
        ("a change that waits for others", held(true), true),
        ("a change that waits for a person", held(false), false),
        ("throttled", failed(ErrorClass::Throttled), true),
        ("not ready", failed(ErrorClass::NotReady), true),
        ("denied", failed(ErrorClass::Denied), false),
        ("a write that was denied", wrote(&[Ok(()), Err(ErrorClass::Denied)]), false),
        (
            "writes that failed, one for good",
            wrote(&[Err(ErrorClass::Throttled), Err(ErrorClass::Invalid)]),
            false,
        ),
        ("a write that met a conflict", wrote(&[Ok(()), Err(ErrorClass::Conflict)]), true),
    ] {
        assert_eq!(goes_on(&outcome), again, "{what}");
    }
}
