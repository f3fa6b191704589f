use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::notice::Notice;
use super::repairs::{Ended, Repairs};
use super::*;
use crate::model::target::Side;
use crate::world::fixture::{at, key, member_id};

fn event() -> Value {
    serde_json::from_str(include_str!("../../tests/corpus/guard/events-disable-rule.json")).unwrap()
}

fn tampering() -> Tampering {
    match parse(&event().to_string()) {
        Message::Wake(tampering) => tampering,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_deed_is_read_with_who_did_what_where_and_when() {
    let tampering = tampering();
    assert_eq!(tampering.account.as_str(), "333333333333");
    assert_eq!((tampering.service.as_str(), tampering.operation.as_str()), ("events", "DisableRule"));
    assert_eq!(tampering.actor, "arn:aws:sts::333333333333:assumed-role/Administrator/alice");
    assert_eq!(tampering.role.as_deref(), Some("Administrator"));
    assert_eq!(tampering.at, "2026-11-20T12:00:00Z".parse::<Timestamp>().unwrap());
    assert!(!tampering.failed);
}

#[test]
fn the_account_is_the_envelopes_whatever_the_detail_says() {
    let mut event = event();
    event["account"] = "444444444444".into();
    let Message::Wake(tampering) = parse(&event.to_string()) else { panic!() };
    assert_eq!(tampering.account.as_str(), "444444444444");
}

#[test]
fn what_is_no_message_of_ours_is_foreign() {
    let changed = |path: &str, value: Value| {
        let mut event = event();
        *event.pointer_mut(path).unwrap() = value;
        event.to_string()
    };
    for (body, reason) in [
        (String::new(), "Malformed"),
        ("null".to_owned(), "Malformed"),
        ("[1, 2]".to_owned(), "Malformed"),
        ("{\"source\": 3}".to_owned(), "Malformed"),
        (format!("{}1{}", "[".repeat(5000), "]".repeat(5000)), "Malformed"),
        (changed("/account", "33".into()), "Malformed"),
        (changed("/account", json!(["333333333333"])), "Malformed"),
        (changed("/region", "../etc".into()), "Malformed"),
        (changed("/time", "yesterday".into()), "Malformed"),
        (changed("/detail", Value::Null), "Malformed"),
        (changed("/detail/eventID", json!({})), "Malformed"),
        (changed("/source", "orgwatch.guard".into()), "UnknownSource"),
        (changed("/source", "aws.ec2".into()), "UnknownSource"),
        ("x".repeat(LONGEST + 1), "TooLong"),
    ] {
        assert_eq!(parse(&body), Message::Foreign(reason), "{}", body.chars().take(200).collect::<String>());
    }
}

#[test]
fn texts_are_cut_off_and_cannot_forge_lines_of_a_log() {
    let mut event = event();
    event["detail"]["userIdentity"]["arn"] = format!("a\nb{}", "x".repeat(10_000)).into();
    let Message::Wake(tampering) = parse(&event.to_string()) else { panic!() };
    assert_eq!(tampering.actor.chars().count(), 300);
    assert!(tampering.actor.starts_with("ab"));
}

#[test]
fn copies_are_told_from_news_and_memory_is_bounded() {
    let mut seen = Seen::default();
    assert!(seen.is_new("a"));
    assert!(!seen.is_new("a"));
    for n in 0..10_000 {
        seen.is_new(&n.to_string());
    }
    assert_eq!(seen.len(), 4096);
    assert!(seen.is_new("a"));
}

#[test]
fn a_target_is_woken_at_once_and_more_slowly_in_a_flood_while_others_are_not() {
    let mut wakes = Wakes::default();
    let now = Instant::now();
    let (noisy, quiet) = (key(Side::Member, member_id(1)), key(Side::Member, member_id(2)));
    for _ in 0..10 {
        assert_eq!(wakes.due(&noisy, now), now);
    }
    let latest = (0..10_000).map(|_| wakes.due(&noisy, now)).max().unwrap();
    assert_eq!(latest, now + Duration::from_secs(10));
    assert_eq!(wakes.due(&quiet, now), now);
    assert_eq!(wakes.due(&noisy, now + Duration::from_secs(200)), now + Duration::from_secs(200));
}

#[test]
fn a_flood_begins_once_and_ends_with_the_first_quiet_minute() {
    let mut flood = Flood::default();
    let begins = (0..10_000).filter(|_| flood.message(at(0))).count();
    assert_eq!(begins, 1);
    assert_eq!(flood.since(at(30)), Some(at(0)));
    flood.message(at(61));
    assert_eq!(flood.since(at(100)), Some(at(0)));
    assert_eq!(flood.since(at(122)), None);
    assert!(flood.message(at(300)) || (0..10_000).any(|_| flood.message(at(300))));
    // Nothing more comes at all.
    assert_eq!(flood.since(at(330)), Some(at(300)));
    assert_eq!(flood.since(at(361)), Some(at(300)));
    assert_eq!(flood.since(at(422)), None);
    let mut flood = Flood::default();
    assert_eq!((0..599).filter(|_| flood.message(at(200))).count(), 0);
}

#[test]
fn a_call_with_our_role_is_ours_by_its_request_and_strange_after_a_while() {
    let mut writes = Writes::default();
    let tampering = tampering();
    writes.doubt(tampering.clone(), at(0));
    // The answer to our own call may come after its event.
    writes.made(tampering.request_id.as_deref().unwrap());
    assert!(writes.is_ours(&tampering));
    assert_eq!(writes.not_ours(at(60)), Vec::new());
    let stranger = Tampering { request_id: Some("other".to_owned()), ..tampering };
    writes.doubt(stranger.clone(), at(0));
    assert_eq!(writes.not_ours(at(29)), Vec::new());
    assert_eq!(writes.not_ours(at(30)), [stranger]);
    assert_eq!(writes.not_ours(at(31)), Vec::new());
}

fn pass(began: i64, written: bool, in_sync: bool) -> Ended {
    let ended = at(began).saturating_add(SignedDuration::from_secs(1)).unwrap();
    Ended { began: at(began), ended, written, in_sync }
}

#[test]
fn a_deed_is_undone_when_a_pass_after_the_write_sees_it_so() {
    let (key, mut repairs) = (key(Side::Member, member_id(1)), Repairs::default());
    let deed = Tampering { at: at(0), ..tampering() };
    repairs.noticed(&key, &deed, at(2));
    // A pass that began before says nothing.
    assert_eq!(repairs.passed(&key, pass(1, false, true)), Vec::new());
    assert_eq!(repairs.passed(&key, pass(2, true, false)), Vec::new());
    let undone = repairs.passed(&key, pass(4, false, true));
    let [Notice::TamperRepaired(repaired)] = &undone[..] else { panic!("{undone:?}") };
    assert_eq!(repaired.seconds, 5.0);
    assert_eq!(repaired.call, "events:DisableRule");
    assert_eq!(repairs.passed(&key, pass(9, false, true)), Vec::new());
}

#[test]
fn a_deed_that_changed_nothing_is_forgotten_and_one_that_nobody_may_undo_is_not() {
    let (key, mut repairs) = (key(Side::Member, member_id(1)), Repairs::default());
    let deed = Tampering { at: at(0), ..tampering() };
    repairs.noticed(&key, &deed, at(1));
    assert_eq!(repairs.passed(&key, pass(2, false, true)), Vec::new());
    repairs.noticed(&key, &deed, at(10));
    assert_eq!(repairs.passed(&key, pass(11, false, false)), Vec::new());
    assert_eq!(repairs.passed(&key, pass(12, true, false)), Vec::new());
    assert_eq!(repairs.passed(&key, pass(13, false, true)).len(), 1);
}

#[test]
fn how_long_the_guard_was_blind_is_told_when_it_is_back() {
    let (key, mut repairs) = (key(Side::Member, member_id(1)), Repairs::default());
    // Before it was ever there it was not blind.
    assert_eq!(repairs.guard(&key, false, None, at(0)), None);
    assert_eq!(repairs.guard(&key, true, None, at(1)), None);
    assert_eq!(repairs.guard(&key, false, Some(at(1)), at(900)), None);
    assert_eq!(repairs.guard(&key, false, None, at(901)), None);
    let told = repairs.guard(&key, true, None, at(902));
    assert_eq!(told, Some(Notice::GuardWasBlind { target: key.clone(), since: at(1), until: at(902) }));
    assert_eq!(repairs.guard(&key, true, None, at(903)), None);
}
