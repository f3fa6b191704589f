//! From whatever state, in whatever order, cut off anywhere: it ends as desired, and breaks nothing on the way.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

use super::simulation::Simulation;
use crate::config::Settings;
use crate::kinds::model::{Aws, Thing};
use crate::world::fixture;

/// What somebody did behind our back to one resource.
#[derive(Clone, Debug)]
enum Deed {
    Remove,
    /// Writes something else into one field.
    Edit(Index),
    /// Adds something that does not belong: a target, a policy, a subscription.
    Add(u8),
    /// Empties what hangs on it: targets, policies, subscriptions.
    Strip,
    /// Takes tag and description away.
    Disown,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::Remove),
        any::<Index>().prop_map(Deed::Edit),
        any::<Index>().prop_map(Deed::Edit),
        (1u8..5).prop_map(Deed::Add),
        Just(Deed::Strip),
        Just(Deed::Disown),
    ]
}

fn deeds() -> impl Strategy<Value = Vec<(Index, Deed)>> {
    prop::collection::vec((any::<Index>(), deed()), 1..8)
}

fn commit(aws: &mut Aws, deeds: &[(Index, Deed)], disowning: bool) {
    for (which, deed) in deeds {
        let Some(place) = (!aws.things.is_empty()).then(|| {
            let places: Vec<_> = aws.things.keys().cloned().collect();
            which.get(&places).clone()
        }) else {
            return;
        };
        let kind = place.2;
        let thing = aws.things.get_mut(&place).unwrap();
        match deed {
            Deed::Remove => drop(aws.things.remove(&place)),
            Deed::Edit(field) => edit(kind, thing, field),
            Deed::Add(n) => add(kind, thing, *n),
            Deed::Strip => {
                for field in ["targets", "policies", "subscriptions"] {
                    if thing.spec[field].is_object() {
                        thing.spec[field] = json!({});
                    }
                }
            }
            Deed::Disown if disowning => {
                thing.tags.clear();
                if thing.spec["description"].is_string() {
                    thing.spec["description"] = json!("mine now");
                }
            }
            Deed::Disown => {}
        }
    }
}

fn edit(kind: &str, thing: &mut Thing, field: &Index) {
    let other = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "x", "Effect": "Deny" }] });
    let edits: &[(&str, Value)] = match kind {
        "queue" => &[
            ("/attributes/MessageRetentionPeriod", json!("60")),
            ("/attributes/SqsManagedSseEnabled", json!("false")),
            ("/attributes/Policy", other),
        ],
        "event_bus" => &[("/policy", other), ("/policy", Value::Null), ("/description", json!("a bus"))],
        "topic" => &[("/policy", other), ("/display_name", json!("x"))],
        "forwarding_role" => &[
            ("/trust", other.clone()),
            ("/boundary", Value::Null),
            ("/boundary", json!("arn:aws:iam::1:policy/x")),
            ("/policies/orgwatch-forward", other),
            ("/description", json!("a role")),
        ],
        _ => &[
            // Of its kind, lest two rules that were spoilt alike make a path that nobody desires.
            ("/pattern", json!({ "source": [kind] })),
            ("/pattern", Value::Null),
            ("/state", json!("DISABLED")),
            ("/schedule", json!("rate(1 day)")),
            ("/role_arn", json!("arn:aws:iam::1:role/x")),
            ("/description", json!("a rule")),
            ("/targets/central/role_arn", json!("arn:aws:iam::1:role/x")),
            ("/targets/central/arn", json!("arn:aws:events:us-east-1:1:event-bus/x")),
            ("/targets/central/foreign_input", json!("{}")),
            ("/targets/central/retry_attempts", json!(0)),
            ("/targets/topic/dead_letter", Value::Null),
            ("/targets/topic/transformer", Value::Null),
        ],
    };
    let (pointer, value) = field.get(edits);
    if let Some(there) = thing.spec.pointer_mut(pointer) {
        *there = value.clone();
    }
}

fn add(kind: &str, thing: &mut Thing, n: u8) {
    for n in 0..n {
        match kind {
            "topic" => {
                thing.spec["subscriptions"][format!("email x{n}@example.com")] =
                    json!(format!("arn:stranger:{n}"));
            }
            "forwarding_role" => {
                thing.spec["policies"][format!("x{n}")] = json!("does not belong here");
                thing.spec["attached"].as_array_mut().unwrap().push(json!(format!("arn:x{n}")));
            }
            "sender_rule" | "alert_rule" => {
                thing.spec["targets"][format!("x{n}")] = json!({ "arn": "arn:aws:sqs:us-east-1:1:x", "role_arn": null, "retry_attempts": null,
                            "retry_seconds": null, "dead_letter": null, "transformer": null, "foreign_input": null });
            }
            _ => {}
        }
    }
    attached_once(thing);
}

fn attached_once(thing: &mut Thing) {
    if let Some(attached) = thing.spec["attached"].as_array_mut() {
        attached.sort_by_key(ToString::to_string);
        attached.dedup();
    }
}

/// With one more watch and alert than usual, and nobody subscribed by hand. What is forwarded is delivered as it is, for
/// the model knows a path by its pattern.
fn config() -> Settings {
    fixture::settings(
        "[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n\
         [[watch]]\nname = 'buckets'\npattern = '{\"source\":[\"aws.s3\"],\"detail-type\":[\"AWS API Call via CloudTrail\"]}'\n\
         [[alert]]\nname = 'iam-changes'\nwatches = ['iam-changes']\nown_writes = 'show'\nunknown_subscriptions = 'remove'\n\
         subscriptions = [{ protocol = 'email', endpoint = 'a@example.com' }]\n\
         [[alert]]\nname = 'buckets'\nwatches = ['buckets']\nown_writes = 'show'\nformat = 'raw'\nunknown_subscriptions = 'remove'\n\
         display_name = 'Buckets'\nsubscriptions = [{ protocol = 'email', endpoint = 'b@example.com' }]\n",
    )
}

fn shuffled<T>(mut items: Vec<T>, seed: u64) -> Vec<T> {
    let mut order = Vec::new();
    let mut seed = seed;
    while !items.is_empty() {
        order.push(items.remove((seed % items.len() as u64) as usize));
        seed = seed.rotate_right(7).wrapping_mul(31).wrapping_add(17);
    }
    order
}

proptest! {
    #![proptest_config(fixture::cases(24))]

    #[test]
    fn whatever_somebody_did_is_put_right_and_then_nothing_is_left_to_do(deeds in deeds()) {
        let mut simulation = Simulation::installed(&config());
        commit(&mut simulation.aws, &deeds, true);
        simulation.settle(|keys| keys);
        prop_assert_eq!(simulation.out_of_sync(), Vec::<String>::new());
        prop_assert!(simulation.refused.is_empty(), "{:?}", simulation.refused);
        simulation.aws.confirm_all();
        prop_assert_eq!(simulation.covered(), 3);
    }

    #[test]
    fn the_order_in_which_targets_are_visited_does_not_matter(deeds in deeds(), seed: u64) {
        let mut simulation = Simulation::installed(&config());
        commit(&mut simulation.aws, &deeds, true);
        let mut other = Simulation::installed(&config());
        commit(&mut other.aws, &deeds, true);
        simulation.settle(|keys| keys);
        other.settle(|keys| shuffled(keys, seed));
        prop_assert_eq!(simulation.aws, other.aws);
    }

    #[test]
    fn a_process_that_is_cut_off_anywhere_goes_on_where_it_was(deeds in deeds(), calls in 0usize..40) {
        let mut simulation = Simulation::installed(&config());
        commit(&mut simulation.aws, &deeds, true);
        simulation.calls_left = calls;
        simulation.settle(|keys| keys);
        simulation.calls_left = usize::MAX;
        simulation.settle(|keys| keys);
        prop_assert_eq!(simulation.out_of_sync(), Vec::<String>::new());
        prop_assert!(simulation.refused.is_empty(), "{:?}", simulation.refused);
    }

    #[test]
    fn a_process_that_is_replaced_anywhere_is_taken_over_by_one_that_remembers_nothing(
        deeds in deeds(), calls in 0usize..40,
    ) {
        let mut simulation = Simulation::installed(&config());
        commit(&mut simulation.aws, &deeds, false);
        simulation.calls_left = calls;
        simulation.settle(|keys| keys);
        let mut simulation = simulation.restarted(&config());
        simulation.settle(|keys| keys);
        prop_assert_eq!(simulation.out_of_sync(), Vec::<String>::new());
        prop_assert!(simulation.refused.is_empty(), "{:?}", simulation.refused);
    }

    #[test]
    fn an_installation_that_is_cut_off_anywhere_is_finished_by_the_next_process(calls in 0usize..60) {
        let mut simulation = Simulation::start(&config(), Aws::default(), fixture::at(0));
        simulation.calls_left = calls;
        simulation.settle(|keys| keys);
        let mut simulation = simulation.restarted(&config());
        simulation.settle(|keys| keys);
        prop_assert_eq!(simulation.out_of_sync(), Vec::<String>::new());
        prop_assert!(simulation.refused.is_empty(), "{:?}", simulation.refused);
        simulation.aws.confirm_all();
        prop_assert_eq!(simulation.covered(), 3);
    }

    #[test]
    fn repairs_break_no_path_that_worked(deeds in deeds()) {
        let mut simulation = Simulation::installed(&config());
        commit(&mut simulation.aws, &deeds, true);
        simulation.careful = true;
        simulation.settle(|keys| keys);
    }
}

fn named(watch: &str, alert: &str, rest: &str) -> Settings {
    fixture::settings(&format!(
        "[[watch]]\nname = '{watch}'\npreset = 'iam-changes'\n[[alert]]\nname = '{alert}'\nown_writes = 'show'\n\
         subscriptions = [{{ protocol = 'email', endpoint = 'a@example.com' }}]\n{rest}"
    ))
}

/// From one configuration to another: no moment without the path, and afterwards nothing but what is desired.
fn change(before: &Settings, after: &Settings) -> Simulation {
    let mut simulation = Simulation::installed(before).restarted(after);
    simulation.careful = true;
    simulation.fleet.rules.prune = true;
    simulation.settle(|keys| keys);
    assert_eq!(simulation.out_of_sync(), Vec::<String>::new());
    assert_eq!(simulation.refused, Vec::<String>::new());
    assert_eq!(simulation.covered(), 3);
    simulation
}

fn names(simulation: &Simulation, kind: &str) -> Vec<String> {
    let of_kind = simulation.aws.things.keys().filter(|(.., k, _)| *k == kind);
    let mut names: Vec<String> = of_kind.map(|(.., name)| name.clone()).collect();
    names.dedup();
    names
}

#[test]
fn a_watch_is_renamed_without_a_gap() {
    let simulation = change(&named("old", "a", ""), &named("new", "a", ""));
    assert_eq!(names(&simulation, "sender_rule"), ["orgwatch-new"]);
}

#[test]
fn a_forwarding_role_is_renamed_without_a_gap() {
    let role = |name: &str| named("w", "a", &format!("[member]\nforwarding_role_name = '{name}'\n"));
    let (short, long) = ("orgwatch-forwarder", "orgwatch-forwarder-2");
    let simulation = change(&role(short), &role(long));
    assert_eq!(names(&simulation, "forwarding_role"), [long]);
    let simulation = change(&role(long), &role(short));
    assert_eq!(names(&simulation, "forwarding_role"), [short]);
}

#[test]
fn who_may_send_is_changed_without_a_gap() {
    let senders = |who: &str| named("w", "a", &format!("[central]\nsenders = '{who}'\n"));
    change(&senders("organization"), &senders("forwarding-roles"));
    change(&senders("forwarding-roles"), &senders("organization"));
}

#[test]
fn the_old_alert_stays_until_somebody_confirmed_the_new_one_and_its_topic_until_nobody_listens() {
    let (before, after) = (named("w", "old", ""), named("w", "new", ""));
    let mut simulation = Simulation::installed(&before).restarted(&after);
    simulation.careful = true;
    simulation.fleet.rules.prune = true;
    simulation.settle(|keys| keys);
    assert_eq!(names(&simulation, "topic"), ["orgwatch-new", "orgwatch-old"]);
    assert_eq!(names(&simulation, "alert_rule"), ["orgwatch-new", "orgwatch-old"]);
    assert_eq!(simulation.covered(), 3);
    simulation.aws.confirm_all();
    simulation.settle(|keys| keys);
    assert_eq!(names(&simulation, "topic"), ["orgwatch-new", "orgwatch-old"]);
    assert_eq!(names(&simulation, "alert_rule"), ["orgwatch-new"]);
    for thing in simulation.aws.things.iter_mut().filter(|(place, _)| place.3 == "orgwatch-old") {
        thing.1.spec["subscriptions"] = json!({});
    }
    simulation.settle(|keys| keys);
    assert_eq!(names(&simulation, "topic"), ["orgwatch-new"]);
}

#[test]
fn orphans_stay_unless_they_are_to_be_pruned() {
    let mut simulation = Simulation::installed(&named("old", "a", "")).restarted(&named("new", "a", ""));
    simulation.settle(|keys| keys);
    assert_eq!(
        names(&simulation, "sender_rule"),
        ["orgwatch-new", "orgwatch-old", "orgwatch-new", "orgwatch-old", "orgwatch-new", "orgwatch-old"]
    );
}

#[test]
fn a_teardown_leaves_nothing_of_ours_and_everything_of_others() {
    let settings = config();
    let mut simulation = Simulation::installed(&settings);
    let mut strange = simulation
        .aws
        .things
        .iter()
        .find(|(p, _)| p.2 == "topic")
        .map(|(p, t)| (p.clone(), t.clone()))
        .unwrap();
    strange.0.3 = "orgwatch-of-others".to_owned();
    strange.1.tags.clear();
    simulation.aws.things.insert(strange.0.clone(), strange.1);
    let mut simulation = simulation.restarted(&settings);
    simulation.fleet.rules.teardown = true;
    simulation.fleet.rules.delete_data = true;
    let leaving = |t| crate::world::Target { leaving: true, ..t };
    let targets = fixture::targets(&settings, super::simulation::MEMBERS);
    simulation
        .fleet
        .set(fixture::world(&settings), targets.into_iter().map(|(k, t)| (k, leaving(t))).collect());
    // Members first, as the command does it: the bus goes when nobody sends to it.
    simulation.settle(|keys| keys.into_iter().rev().collect());
    assert_eq!(simulation.refused, Vec::<String>::new());
    let left: Vec<_> = simulation.aws.things.keys().cloned().collect();
    assert_eq!(left, [strange.0]);
}
