use jiff::SignedDuration;
use serde_json::json;

use super::simulation::{MEMBERS, Simulation, rules};
use super::*;
use crate::config::Settings;
use crate::kinds::model::Aws;
use crate::limits::ChangedAccounts;
use crate::model::error::ErrorClass;
use crate::world::fixture::{self, at};

fn start(settings: &Settings) -> Simulation {
    Simulation::start(settings, Aws::default(), at(0))
}

fn central() -> TargetKey {
    fixture::key(Side::Central, fixture::id(fixture::CENTRAL))
}

fn of_central() -> TargetKey {
    fixture::key(Side::Member, fixture::id(fixture::CENTRAL))
}

fn member(n: u64) -> TargetKey {
    fixture::key(Side::Member, fixture::member_id(n))
}

/// Why the changes of this target are held, as its latest pass found.
fn holds(simulation: &Simulation, key: &TargetKey) -> BTreeSet<&'static str> {
    let view = simulation.fleet.states[key].view.as_ref().unwrap();
    view.plan.changes.iter().filter_map(|c| c.hold.as_ref()).map(|h| h.reason).collect()
}

/// Lets the central side settle.
fn with_central(settings: &Settings) -> Simulation {
    let mut simulation = start(settings);
    for _ in 0..3 {
        simulation.pass(&central());
        simulation.now += SignedDuration::from_secs(61);
    }
    assert!(simulation.fleet.bus_in_sync());
    simulation
}

/// Ends a pass that could not see anything; answers whether that is news to others.
fn fails(simulation: &mut Simulation, key: &TargetKey) -> bool {
    let begun = simulation.fleet.begin(key).unwrap();
    let plan = Plan { target: key.clone(), changes: Vec::new() };
    let error = fixture::error(ErrorClass::Denied);
    simulation.fleet.finish(&begun, Vec::new(), plan, Some(error), simulation.now)
}

#[test]
fn of_a_target_that_went_during_its_pass_nothing_is_remembered() {
    let mut simulation = Simulation::installed(&fixture::settings(""));
    let begun = simulation.fleet.begin(&member(1)).unwrap();
    let mut targets: Targets =
        simulation.fleet.targets.iter().map(|(key, target)| (key.clone(), (**target).clone())).collect();
    targets.remove(&member(1));
    let world = (**simulation.fleet.world.as_ref().unwrap()).clone();
    simulation.fleet.set(world, targets);
    simulation.fleet.decide(&begun, &[], true, simulation.now);
    let plan = Plan { target: member(1), changes: Vec::new() };
    let error = fixture::error(ErrorClass::Denied);
    assert!(!simulation.fleet.finish(&begun, Vec::new(), plan, Some(error), simulation.now));
    assert!(!simulation.fleet.states.contains_key(&member(1)));
}

#[test]
fn members_wait_for_the_bus_and_are_woken_when_it_was_seen_in_place() {
    let mut simulation = start(&fixture::settings(""));
    simulation.pass(&member(1));
    assert_eq!(holds(&simulation, &member(1)), BTreeSet::from([WAITING_FOR_CENTRAL]));
    assert!(simulation.made.is_empty());
    assert!(simulation.fleet.take_waiting().is_empty());
    simulation.pass(&central());
    // It was made, but not seen yet.
    assert!(!simulation.fleet.bus_in_sync());
    simulation.pass(&central());
    assert!(simulation.fleet.bus_in_sync());
    assert_eq!(simulation.fleet.take_waiting(), [member(1)]);
    assert!(simulation.fleet.take_waiting().is_empty());
}

#[test]
fn a_bus_that_was_spoilt_or_cannot_be_seen_holds_the_members_back() {
    let mut simulation = Simulation::installed(&fixture::settings(""));
    assert_eq!(simulation.fleet.may_go(&[member(1)]), [member(1)]);
    fails(&mut simulation, &central());
    assert!(simulation.fleet.may_go(&[member(1)]).is_empty());
    simulation.pass(&central());
    assert_eq!(simulation.fleet.may_go(&[member(1)]), [member(1)]);
    for (place, thing) in &mut simulation.aws.things {
        if place.2 == "event_bus" {
            thing.spec["policy"] = json!(null);
        }
    }
    simulation.pass(&central());
    assert_eq!(simulation.fleet.may_go(&[central(), member(1)]), [central()]);
}

#[test]
fn a_topic_with_a_stranger_on_it_does_not_hold_the_members_back() {
    let mut simulation = Simulation::installed(&fixture::settings(""));
    for (place, thing) in &mut simulation.aws.things {
        if place.2 == "topic" {
            thing.spec["subscriptions"]["sms +1"] = json!("arn:stranger:1");
        }
    }
    let mut simulation = simulation.restarted(&fixture::settings("[central]\nsenders = 'organization'\n"));
    simulation.pass(&member(1));
    simulation.fleet.waiting.insert(of_central());
    simulation.pass(&central());
    simulation.pass(&central());
    assert!(simulation.fleet.take_waiting().contains(&of_central()));
}

#[test]
fn the_central_account_and_one_member_go_first_and_then_all_others() {
    let mut simulation = with_central(&fixture::settings(""));
    let all = [of_central(), member(1), member(2)];
    // Nobody goes who was not seen: it might hang, and the others with it.
    assert!(simulation.fleet.may_go(&all).is_empty());
    for key in [member(2), member(1), of_central()] {
        simulation.pass(&key);
    }
    assert_eq!(simulation.fleet.may_go(&all), [of_central(), member(1)]);
    assert_eq!(holds(&simulation, &member(2)), BTreeSet::from([WAITING_FOR_FIRST_ACCOUNTS]));
    assert_eq!(simulation.fleet.take_waiting(), [of_central(), member(1)]);
    for key in [of_central(), member(1), of_central()] {
        simulation.pass(&key);
        assert!(simulation.fleet.take_waiting().is_empty(), "{key}");
    }
    simulation.pass(&member(1));
    assert_eq!(simulation.fleet.take_waiting(), [member(2)]);
    assert_eq!(simulation.fleet.may_go(&all), all);
}

#[test]
fn the_first_accounts_can_be_named() {
    let mut simulation = with_central(&fixture::settings(""));
    simulation.fleet.rules.first_accounts = BTreeSet::from([fixture::member_id(2)]);
    let all = [of_central(), member(1), member(2)];
    assert_eq!(simulation.fleet.may_go(&all), [member(2)]);
    // One that was named is waited for, whatever happens to it.
    fails(&mut simulation, &member(2));
    assert_eq!(simulation.fleet.may_go(&all), [member(2)]);
    simulation.pass(&member(2));
    simulation.pass(&member(2));
    assert_eq!(simulation.fleet.may_go(&all), all);
}

#[test]
fn a_member_that_is_stuck_passes_its_turn_on_and_the_next_one_is_woken() {
    let mut simulation = with_central(&fixture::settings(""));
    simulation.pass(&member(1));
    simulation.pass(&member(2));
    assert_eq!(simulation.fleet.take_waiting(), [member(1)]);
    assert!(fails(&mut simulation, &member(1)));
    assert_eq!(simulation.fleet.take_waiting(), [member(2)]);
    // Somebody else's rule at our name is as hopeless as no access.
    let mut simulation = with_central(&fixture::settings(""));
    let place = (fixture::member_id(1), fixture::region(), "sender_rule", "orgwatch-iam-changes".to_owned());
    let spec = json!({ "pattern": null, "state": "ENABLED", "description": "theirs", "schedule": null,
                       "role_arn": null, "targets": {} });
    simulation.aws.things.insert(place, crate::kinds::model::Thing { spec, tags: BTreeMap::new() });
    simulation.pass(&member(2));
    simulation.pass(&member(1));
    assert_eq!(simulation.fleet.take_waiting(), [member(2)]);
}

#[test]
fn who_is_not_written_or_is_being_left_is_nobodys_first() {
    for change in [|t: &mut Target| t.enforce = false, |t: &mut Target| t.leaving = true] {
        let settings = fixture::settings("");
        let mut simulation = with_central(&settings);
        let mut targets = fixture::targets(&settings, MEMBERS);
        change(targets.get_mut(&member(1)).unwrap());
        simulation.fleet.set(fixture::world(&settings), targets);
        simulation.pass(&member(1));
        simulation.pass(&member(2));
        let may = simulation.fleet.may_go(&[member(1), member(2)]);
        assert_eq!(may, [member(2)]);
    }
}

#[test]
fn a_new_state_of_affairs_closes_the_gate_again() {
    let mut simulation = Simulation::installed(&fixture::settings(""));
    let other = fixture::settings("[central]\nsenders = 'organization'\n");
    let generation = simulation.fleet.generation;
    simulation.fleet.set(fixture::world(&other), fixture::targets(&other, MEMBERS));
    assert_eq!(simulation.fleet.generation, generation + 1);
    // The bus was seen as it should have been before, which says nothing about now.
    assert!(simulation.fleet.may_go(&[of_central(), member(1), member(2)]).is_empty());
    simulation.pass(&central());
    simulation.pass(&central());
    assert!(simulation.fleet.may_go(&[member(2)]).is_empty());
    simulation.pass(&of_central());
    simulation.pass(&member(1));
    assert_eq!(simulation.fleet.may_go(&[member(2)]), [member(2)]);
    // The same again is nothing new.
    simulation.fleet.set(fixture::world(&other), fixture::targets(&other, MEMBERS));
    assert_eq!(simulation.fleet.generation, generation + 1);
}

#[test]
fn targets_that_are_new_or_changed_are_told_and_those_that_are_gone_forgotten() {
    let settings = fixture::settings("");
    let mut fleet = Fleet::new(rules());
    let world = fixture::world(&settings);
    assert_eq!(fleet.set(world.clone(), fixture::targets(&settings, 1)).len(), 3);
    assert!(fleet.set(world.clone(), fixture::targets(&settings, 1)).is_empty());
    assert_eq!(fleet.set(world.clone(), fixture::targets(&settings, 2)), [member(2)]);
    fleet.begin(&member(2)).unwrap();
    fleet.waiting.insert(member(2));
    let mut targets = fixture::targets(&settings, 1);
    targets.get_mut(&member(1)).unwrap().enforce = false;
    assert_eq!(fleet.set(world, targets), [member(1)]);
    assert!(fleet.begin(&member(2)).is_none());
    assert!(fleet.states.is_empty() && fleet.waiting.is_empty());
}

#[test]
fn only_a_target_that_is_written_uses_a_limit_up() {
    let settings = fixture::settings("");
    let mut simulation = Simulation::installed(&settings);
    // As in a daemon that observes, so that the plan shows what would be done.
    simulation.fleet.rules.enforces = false;
    simulation.fleet.rules.limits =
        Limits { deletions: Some(1), changed_accounts: ChangedAccounts::Off, ..rules().limits };
    simulation.fleet.rules.prune = true;
    let old: Vec<_> = simulation
        .aws
        .things
        .iter()
        .filter(|(p, _)| p.2 == "sender_rule")
        .map(|(p, t)| (p.clone(), t.clone()))
        .collect();
    for (mut place, thing) in old {
        place.3 = "orgwatch-old".to_owned();
        simulation.aws.things.insert(place, thing);
    }
    let mut targets = fixture::targets(&settings, MEMBERS);
    targets.get_mut(&member(1)).unwrap().enforce = false;
    simulation.fleet.set(fixture::world(&settings), targets);
    for key in [of_central(), member(1), member(2), of_central(), member(1), member(1)] {
        simulation.pass(&key);
    }
    // Planned as often as one likes and never made, it leaves the deletion to those who make it.
    assert_eq!(holds(&simulation, &member(1)), BTreeSet::from([crate::limits::DELETION_LIMIT]));
    simulation.fleet.window = Window::default();
    simulation.pass(&member(1));
    simulation.pass(&member(1));
    assert_eq!(holds(&simulation, &member(1)), BTreeSet::new());
    simulation.pass(&member(2));
    assert_eq!(holds(&simulation, &member(2)), BTreeSet::new());
}

#[test]
fn an_old_alert_goes_on_until_the_confirmation_of_the_new_one_must_have_taken_effect() {
    let alert = |name: &str| {
        fixture::settings(&format!(
            "[[alert]]\nname = '{name}'\nsubscriptions = [{{ protocol = 'email', endpoint = 'a@example.com' }}]\n"
        ))
    };
    let simulation = Simulation::installed(&alert("old"));
    let mut simulation = simulation.restarted(&alert("new"));
    simulation.fleet.rules.prune = true;
    simulation.settle(|keys| keys);
    let is_rule = |kind: &str, name: &str| kind == "alert_rule" && name == "orgwatch-old";
    let is_there = |simulation: &Simulation| simulation.aws.things.keys().any(|p| is_rule(p.2, &p.3));
    simulation.aws.confirm_all();
    for _ in 0..3 {
        simulation.pass(&central());
        assert!(is_there(&simulation), "{:?}", simulation.made.last());
    }
    simulation.now += SignedDuration::from_secs(61);
    simulation.settle(|keys| keys);
    assert!(!is_there(&simulation));
}

#[test]
fn names_that_come_and_go_are_forgotten() {
    let mut simulation = Simulation::installed(&fixture::settings(""));
    let known = simulation.fleet.states[&member(1)].memory.len();
    simulation.fleet.rules.prune = true;
    let rule =
        simulation.aws.things.iter().find(|(p, _)| p.2 == "sender_rule" && p.0 == fixture::member_id(1));
    let (place, thing) = rule.map(|(p, t)| (p.clone(), t.clone())).unwrap();
    for n in 0..20 {
        let place = (place.0.clone(), place.1.clone(), place.2, format!("orgwatch-old-{n}"));
        simulation.aws.things.insert(place.clone(), thing.clone());
        simulation.pass(&member(1));
        simulation.pass(&member(1));
        assert!(!simulation.aws.things.contains_key(&place));
        // A late read may still show it, so it is remembered until it must have settled.
        simulation.pass(&member(1));
        assert_eq!(simulation.fleet.states[&member(1)].memory.len(), known + 1);
        simulation.now += SignedDuration::from_secs(61);
        simulation.pass(&member(1));
        assert_eq!(simulation.fleet.states[&member(1)].memory.len(), known, "after {n}");
    }
}

#[test]
fn forgotten_resources_are_searched_for_once_for_each_state_of_affairs() {
    let mut simulation = start(&fixture::settings(""));
    let sweeps = |fleet: &mut Fleet| fleet.begin(&member(1)).unwrap().scopes.iter().all(|(_, s)| s.sweep);
    assert!(sweeps(&mut simulation.fleet));
    simulation.pass(&member(1));
    assert!(!sweeps(&mut simulation.fleet));
    let other = fixture::settings("[central]\nsenders = 'organization'\n");
    simulation.fleet.set(fixture::world(&other), fixture::targets(&other, MEMBERS));
    assert!(sweeps(&mut simulation.fleet));
}

#[test]
fn a_bus_that_admits_another_organization_holds_every_write_unless_ours_is_configured() {
    for given in [false, true] {
        let mut simulation = Simulation::installed(&fixture::settings(""));
        simulation.fleet.rules.organization_given = given;
        for (place, thing) in &mut simulation.aws.things {
            if place.2 == "event_bus" {
                let text = thing.spec["policy"].to_string().replace("o-a1b2c3d4e5", "o-other00000");
                thing.spec["policy"] = serde_json::from_str(&text).unwrap();
            }
        }
        // The bus is judged before anything of the same pass is planned.
        let made = simulation.made.len();
        simulation.pass(&central());
        assert_eq!(simulation.made.len() == made, !given);
        assert_eq!(simulation.fleet.wrong_bus.is_some(), !given);
        if !given {
            assert_eq!(holds(&simulation, &central()), BTreeSet::from([WRONG_ORGANIZATION]));
        }
    }
}

#[test]
fn grace_counts_for_accounts_that_are_known() {
    let mut fleet = Fleet::new(rules());
    let new = crate::inventory::Account { joined_at: Some(at(0)), ..fixture::account(fixture::member_id(1)) };
    let filter = crate::inventory::Filter::default();
    fleet.inventory.take(vec![new], &filter, &fixture::id(fixture::CENTRAL), at(0));
    assert!(fleet.in_grace(&member(1), at(1799)));
    assert!(!fleet.in_grace(&member(1), at(1800)));
    assert!(!fleet.in_grace(&member(2), at(0)));
}

#[test]
fn failures_in_a_row_are_counted_until_one_pass_succeeds() {
    let mut simulation = start(&fixture::settings(""));
    fails(&mut simulation, &member(1));
    fails(&mut simulation, &member(1));
    assert_eq!(simulation.fleet.states[&member(1)].failures, 2);
    simulation.pass(&member(1));
    assert_eq!(simulation.fleet.states[&member(1)].failures, 0);
}

#[test]
fn what_an_override_keeps_from_being_written_is_held_and_not_planned() {
    let settings = fixture::settings("");
    let mut simulation = with_central(&settings);
    let mut targets = fixture::targets(&settings, MEMBERS);
    targets.get_mut(&member(2)).unwrap().enforce = false;
    simulation.fleet.set(fixture::world(&settings), targets);
    simulation.pass(&member(2));
    assert_eq!(holds(&simulation, &member(2)), BTreeSet::from([OBSERVE_ONLY]));
    // Where everything is only observed, the plan shows what would be done.
    simulation.fleet.rules.enforces = false;
    simulation.pass(&member(2));
    assert!(!holds(&simulation, &member(2)).contains(OBSERVE_ONLY));
}

#[test]
fn a_rule_that_is_deleted_again_and_again_is_contested_and_its_first_making_does_not_count() {
    let mut simulation = Simulation::installed(&fixture::settings(""));
    let id = ResourceId { kind: "sender_rule", name: "orgwatch-iam-changes".to_owned() };
    let repairs = |simulation: &Simulation| simulation.fleet.states[&member(1)].memory[&id].repairs.len();
    assert_eq!(repairs(&simulation), 0);
    for _ in 0..3 {
        simulation.aws.things.retain(|place, _| place.2 != "sender_rule");
        simulation.now += jiff::SignedDuration::from_mins(5);
        simulation.pass(&member(1));
        simulation.pass(&member(1));
    }
    assert_eq!(repairs(&simulation), 3);
    simulation.aws.things.retain(|place, _| place.2 != "sender_rule");
    simulation.now += jiff::SignedDuration::from_mins(5);
    simulation.pass(&member(1));
    let view = simulation.fleet.states[&member(1)].view.clone().unwrap();
    let rule = view.resources.iter().find(|resource| resource.id == id).unwrap();
    assert_eq!(rule.reason, Some(crate::judge::CONTESTED));
}

#[test]
fn the_central_account_alone_opens_nothing_as_long_as_another_may_be_seen() {
    let mut simulation = Simulation::installed(&fixture::settings("")).restarted(&fixture::settings(""));
    simulation.pass(&central());
    simulation.pass(&of_central());
    // It is in sync, and nobody else was looked at.
    assert!(!simulation.fleet.may_go(&[member(1), member(2)]).contains(&member(2)));
    assert_eq!(simulation.fleet.first_unseen(), [member(1)]);
    simulation.pass(&member(1));
    assert_eq!(simulation.fleet.may_go(&[member(1), member(2)]), [member(1), member(2)]);
    assert!(simulation.fleet.first_unseen().is_empty());
}
