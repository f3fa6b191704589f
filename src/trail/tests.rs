use std::time::Duration;

use super::*;
use crate::model::error::ErrorClass;
use crate::world::fixture::{at, error, member_id};

const ORGANIZATION: &str = "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization";
const OWN: &str = "arn:aws:cloudtrail:us-east-1:300000000001:trail/own";

fn need() -> Need {
    Need {
        region: "us-east-1".parse().unwrap(),
        sources: BTreeSet::from(["iam.amazonaws.com".to_owned()]),
        reads: false,
        elsewhere: false,
    }
}

fn trail(arn: &str) -> Trail {
    Trail {
        arn: arn.to_owned(),
        home: "us-east-1".to_owned(),
        multi_region: true,
        organization: arn == ORGANIZATION,
        global_events: true,
        log_group: None,
    }
}

fn everything() -> Selectors {
    Selectors::Basic(vec![Basic { reads: true, writes: true, management: true, excluded: BTreeSet::new() }])
}

fn reading(trail: Trail, logging: bool, selectors: Selectors) -> Reading {
    Reading { trail, logging: Some(Ok(logging)), selectors: Some(Ok(selectors)) }
}

fn denied(trail: Trail) -> Reading {
    Reading { trail, logging: Some(Ok(true)), selectors: Some(Err(error(ErrorClass::Denied))) }
}

fn field(name: &str, operator: Operator, value: &str) -> Field {
    Field { name: name.to_owned(), conditions: vec![(operator, vec![value.to_owned()])] }
}

fn reason(presence: &Presence) -> &'static str {
    match presence {
        Presence::Present(_) => LOGS,
        Presence::Missing(reason, _) | Presence::Unknown(reason, _) => reason,
    }
}

#[test]
fn a_multi_region_trail_with_all_management_events_is_what_is_needed() {
    let presence = judge(&need(), &[reading(trail(ORGANIZATION), true, everything())]);
    assert_eq!(presence, Presence::Present(ORGANIZATION.to_owned()));
}

#[test]
fn each_way_to_lack_a_trail_has_its_reason_and_its_mend() {
    let elsewhere = Trail { home: "eu-west-1".to_owned(), multi_region: false, ..trail(OWN) };
    let without_global = Trail { multi_region: false, global_events: false, ..trail(OWN) };
    let excluding = Selectors::Advanced(vec![vec![
        field("eventCategory", Operator::Equals, "Management"),
        field("eventSource", Operator::NotEquals, "iam.amazonaws.com"),
    ]]);
    let data = Selectors::Advanced(vec![vec![field("eventCategory", Operator::Equals, "Data")]]);
    let reads = Selectors::Basic(vec![Basic {
        reads: true,
        writes: false,
        management: true,
        excluded: BTreeSet::new(),
    }]);
    let some = Selectors::Advanced(vec![vec![
        field("eventCategory", Operator::Equals, "Management"),
        field("eventName", Operator::StartsWith, "Delete"),
    ]]);
    for (readings, wanted, mend) in [
        (vec![], NO_TRAIL, "make an organization trail"),
        (vec![reading(elsewhere, true, everything())], TRAIL_ELSEWHERE, "multi-Region"),
        (vec![reading(without_global, true, everything())], NO_GLOBAL_EVENTS, "IncludeGlobalServiceEvents"),
        (vec![reading(trail(OWN), false, everything())], TRAIL_STOPPED, "start-logging"),
        (vec![reading(trail(OWN), true, data)], NO_MANAGEMENT_EVENTS, "selectors"),
        (vec![reading(trail(OWN), true, reads)], NO_MANAGEMENT_EVENTS, "selectors"),
        (vec![reading(trail(ORGANIZATION), true, excluding)], EXCLUDES_EVENTS, "selectors"),
        (vec![reading(trail(ORGANIZATION), true, some)], EXCLUDES_EVENTS, "eventName"),
    ] {
        let presence = judge(&need(), &readings);
        let Presence::Missing(reason, message) = &presence else { panic!("{readings:?}: {presence:?}") };
        assert_eq!(*reason, wanted);
        assert!(message.contains(mend), "{wanted}: {message}");
    }
}

#[test]
fn one_trail_that_logs_outweighs_all_others_and_one_that_cannot_be_read_outweighs_those_that_fail() {
    let good = reading(trail(ORGANIZATION), true, everything());
    let stopped = reading(trail(OWN), false, everything());
    for readings in
        [[stopped.clone(), good.clone()], [good.clone(), stopped.clone()], [denied(trail(OWN)), good]]
    {
        assert_eq!(reason(&judge(&need(), &readings)), LOGS);
    }
    for readings in [[stopped.clone(), denied(trail(ORGANIZATION))], [denied(trail(ORGANIZATION)), stopped]] {
        let presence = judge(&need(), &readings);
        assert!(matches!(presence, Presence::Unknown(UNREADABLE, _)), "{presence:?}");
    }
}

#[test]
fn what_a_trail_answered_its_owner_is_the_answer_for_those_whom_it_refuses() {
    let mut trails = Trails::new(Duration::from_secs(3600));
    let (member, owner) = (member_id(1), "111111111111".parse().unwrap());
    trails.take(&member, Ok(vec![denied(trail(ORGANIZATION))]), false, at(0), 0.5);
    assert_eq!(reason(&trails.presence(&member, &need(), at(1))), UNREADABLE);
    assert!(trails.take(
        &owner,
        Ok(vec![reading(trail(ORGANIZATION), true, everything())]),
        false,
        at(2),
        0.5
    ));
    assert_eq!(reason(&trails.presence(&member, &need(), at(3))), LOGS);
    // What it says is not for ever.
    assert_eq!(reason(&trails.presence(&member, &need(), at(4 * 3600))), UNREADABLE);
    // And a stop is believed as well.
    trails.take(
        &owner,
        Ok(vec![reading(trail(ORGANIZATION), true, Selectors::Basic(vec![]))]),
        false,
        at(5 * 3600),
        0.5,
    );
    assert_eq!(reason(&trails.presence(&member, &need(), at(5 * 3600))), NO_MANAGEMENT_EVENTS);
}

#[test]
fn an_account_is_looked_at_once_in_the_interval_and_many_are_spread_over_it() {
    let mut trails = Trails::new(Duration::from_secs(3600));
    assert!(trails.is_due(&member_id(1), 10, false, at(0), 0.5));
    trails.take(&member_id(1), Ok(Vec::new()), false, at(0), 0.5);
    assert!(!trails.is_due(&member_id(1), 10, false, at(3000), 0.5));
    assert!(trails.is_due(&member_id(1), 10, false, at(3600), 0.5));
    let due = |trails: &mut Trails, second| {
        (1..=100).filter(|n| trails.is_due(&member_id(100 + n), 10_000, false, at(second), n_th(*n))).count()
    };
    assert!(due(&mut trails, 0) <= 1);
    let half = due(&mut trails, 1800);
    assert!((45..=55).contains(&half), "{half}");
    // Whoever waits for the answer gets it.
    assert!(trails.is_due(&member_id(200), 10_000, true, at(0), 0.5));
    // A new account's first minutes are not an hour without a trail.
    trails.take(&member_id(300), Ok(Vec::new()), true, at(0), 0.5);
    assert!(trails.is_due(&member_id(300), 10, false, at(60), 0.5));
}

#[expect(clippy::cast_precision_loss, reason = "a hundred")]
fn n_th(n: u64) -> f64 {
    n as f64 / 100.0
}

#[test]
fn reading_calls_and_other_regions_are_asked_for_where_a_watch_wants_them() {
    let writes = Selectors::Basic(vec![Basic {
        reads: false,
        writes: true,
        management: true,
        excluded: BTreeSet::new(),
    }]);
    let with_reads = Need { reads: true, ..need() };
    assert_eq!(reason(&judge(&need(), &[reading(trail(OWN), true, writes.clone())])), LOGS);
    assert_eq!(reason(&judge(&with_reads, &[reading(trail(OWN), true, writes)])), NO_MANAGEMENT_EVENTS);
    let here = Trail { multi_region: false, ..trail(OWN) };
    assert_eq!(reason(&judge(&need(), &[reading(here.clone(), true, everything())])), LOGS);
    // Other Regions may have trails of their own, which nobody looked for.
    let elsewhere = Need { elsewhere: true, ..need() };
    let presence = judge(&elsewhere, &[reading(here, true, everything())]);
    assert!(matches!(presence, Presence::Unknown(ONE_REGION, _)), "{presence:?}");
}
