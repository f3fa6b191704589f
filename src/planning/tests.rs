use serde_json::json;

use super::*;
use crate::judge::Remembered;
use crate::judge::{Judged, Proposal};
use crate::kinds::KINDS;
use crate::limits::Unlimited;
use crate::model::call::Call;
use crate::model::json::Json;
use crate::model::resource::{FieldChange, Note, Resource, ResourceId};
use crate::world::fixture;

fn judged(kind: &'static str, name: &str, verdict: Verdict, action: Option<Action>) -> Judged {
    let id = ResourceId { kind, name: name.to_owned() };
    let proposal = action.map(|action| Proposal {
        action,
        stage: match action {
            Action::Create => Stage::Expand,
            Action::Update => Stage::Switch,
            Action::Delete => Stage::Contract,
        },
        reason: "a reason".to_owned(),
        calls: vec![Call::DeleteQueue { name: name.to_owned() }],
        hold: None,
    });
    let resource = Resource { id, verdict, reason: None, changes: [].into(), error: None, notes: Vec::new() };
    Judged { resource, proposal, seen: Some(json!({})) }
}

fn orphan(kind: &'static str, name: &str) -> Judged {
    judged(kind, name, Verdict::Orphan, Some(Action::Delete))
}

fn in_sync(kind: &'static str, name: &str) -> Judged {
    judged(kind, name, Verdict::InSync, None)
}

fn update(kind: &'static str, name: &str) -> Judged {
    judged(kind, name, Verdict::Drifted, Some(Action::Update))
}

fn held(reason: &'static str) -> Hold {
    Hold { reason, message: String::new(), waits: false }
}

fn target() -> Target {
    fixture::member(&fixture::settings(""))
}

/// Nothing was written for a while.
fn standing() -> Guards {
    Guards { settled: true, path_settled: true, ..Guards::default() }
}

fn pruning() -> Guards {
    Guards { prune: true, ..standing() }
}

fn tearing_down() -> Guards {
    Guards { teardown: true, ..standing() }
}

/// Every resource as seen as an orphan so many times in a row.
fn sightings(judged: &[Judged], orphan_sightings: u32) -> Memory {
    let remembered = || Box::new(Remembered { orphan_sightings, ..Remembered::default() });
    let seen = |j: &Judged| (j.resource.id.clone(), remembered());
    judged.iter().map(seen).collect()
}

/// The plan as `sign name hold`.
fn planned(judged: &[Judged], times: u32, guards: &Guards) -> Vec<String> {
    planned_with(judged, times, guards, &mut Unlimited)
}

fn planned_with(
    judged: &[Judged],
    times: u32,
    guards: &Guards,
    allowance: &mut dyn Allowance,
) -> Vec<String> {
    let plan = plan(&target(), judged, &sightings(judged, times), guards, allowance);
    let line = |c: &Change| {
        let hold = c.hold.as_ref().map(|h| format!(" {}{}", h.reason, if h.waits { " (waits)" } else { "" }));
        format!("{}{}{}", c.action.sign(), c.resource.name, hold.unwrap_or_default())
    };
    plan.changes.iter().map(line).collect()
}

#[test]
fn what_is_made_keeps_the_order_of_the_kinds_and_removals_go_backwards() {
    let all: Vec<Judged> = KINDS.iter().map(|k| update(k.name(), k.name())).collect();
    assert_eq!(
        planned(&all, 0, &Guards::default()),
        [
            "~kms_key",
            "~queue",
            "~event_bus",
            "~archive",
            "~topic",
            "~delivery_role",
            "~alert_rule",
            "~metric_alarm",
            "~guard_rule",
            "~forwarding_role",
            "~sender_rule",
            "~log_group",
            "~metric_filter",
            "~metric_alarm"
        ]
    );
    let all: Vec<Judged> = KINDS.iter().map(|k| orphan(k.name(), k.name())).collect();
    assert_eq!(
        planned(&all, 2, &pruning()),
        [
            "-metric_alarm",
            "-metric_filter",
            "-log_group",
            "-sender_rule",
            "-forwarding_role",
            "-guard_rule",
            "-metric_alarm",
            "-alert_rule",
            "-delivery_role",
            "-topic",
            "-archive",
            "-event_bus ArchiveKept",
            "-queue",
            "-kms_key"
        ]
    );
}

#[test]
fn orphans_are_planned_only_where_they_are_to_go() {
    let orphan = [orphan("sender_rule", "old")];
    assert!(planned(&orphan, 9, &Guards::default()).is_empty());
    let leaving = Target { leaving: true, ..target() };
    let memory = sightings(&orphan, 2);
    assert_eq!(plan(&leaving, &orphan, &memory, &standing(), &mut Unlimited).due().count(), 1);
}

#[test]
fn nothing_goes_at_first_sight() {
    assert_eq!(planned(&[orphan("sender_rule", "old")], 1, &pruning()), ["-old SecondSighting (waits)"]);
    assert_eq!(planned(&[orphan("sender_rule", "old")], 2, &pruning()), ["-old"]);
}

#[test]
fn nothing_goes_in_a_pass_that_makes_something() {
    let judged = [update("forwarding_role", "role"), orphan("sender_rule", "old")];
    assert_eq!(planned(&judged, 2, &pruning()), ["~role", "-old WaitingForSuccessor (waits)"]);
}

#[test]
fn nothing_goes_before_all_that_is_desired_was_seen_in_place() {
    for verdict in [Verdict::Pending, Verdict::Unknown, Verdict::Drifted, Verdict::Foreign] {
        let judged = [judged("sender_rule", "new", verdict, None), orphan("sender_rule", "old")];
        assert_eq!(planned(&judged, 2, &pruning()), ["-old WaitingForSuccessor (waits)"], "{verdict:?}");
    }
    assert_eq!(
        planned(&[in_sync("sender_rule", "new"), orphan("sender_rule", "old")], 2, &pruning()),
        ["-old"]
    );
}

#[test]
fn what_is_only_reported_keeps_nothing_in_place() {
    for (kind, verdict, reason) in
        [("alert_rule", Verdict::Foreign, STRANGER), ("topic", Verdict::Drifted, UNKNOWN_SUBSCRIPTION)]
    {
        let mut reported = judged(kind, "reported", verdict, None);
        reported.resource.reason = Some(reason);
        assert_eq!(planned(&[reported, orphan("alert_rule", "old")], 2, &pruning()), ["-old"], "{reason}");
    }
}

#[test]
fn nothing_goes_shortly_after_a_write() {
    let guards = Guards { settled: false, ..pruning() };
    assert_eq!(planned(&[orphan("sender_rule", "old")], 2, &guards), ["-old Settling (waits)"]);
}

#[test]
fn in_the_wrong_place_everything_is_held_a_teardown_too() {
    for guards in [pruning(), tearing_down()] {
        let guards = Guards { wrong_place: Some(held("WrongOrganization")), ..guards };
        let judged = [update("forwarding_role", "role"), orphan("sender_rule", "old")];
        assert_eq!(planned(&judged, 2, &guards), ["~role WrongOrganization", "-old WrongOrganization"]);
    }
}

#[test]
fn whoever_comes_later_waits_and_does_not_use_up_a_limit() {
    struct Nothing;
    impl Allowance for Nothing {
        fn rewrite(&mut self, _: &Target) -> Result<(), Denial> {
            panic!("nobody should ask")
        }
        fn delete(&mut self) -> Result<(), Denial> {
            panic!("nobody should ask")
        }
    }
    let guards = Guards { not_yet: Some(Hold { waits: true, ..held("WaitingForCentral") }), ..pruning() };
    let judged = [update("forwarding_role", "role"), orphan("sender_rule", "old")];
    assert_eq!(
        planned_with(&judged, 2, &guards, &mut Nothing),
        ["~role WaitingForCentral (waits)", "-old WaitingForCentral (waits)"]
    );
}

#[test]
fn limits_count_what_rewrites_and_deletes_and_not_what_creates() {
    struct Denies;
    impl Allowance for Denies {
        fn rewrite(&mut self, _: &Target) -> Result<(), Denial> {
            Err(Denial { reason: "ChangedAccountsLimit", message: String::new() })
        }
        fn delete(&mut self) -> Result<(), Denial> {
            Err(Denial { reason: "DeletionLimit", message: String::new() })
        }
    }
    let making = [
        judged("forwarding_role", "role", Verdict::Drifted, Some(Action::Create)),
        update("sender_rule", "rule"),
    ];
    assert_eq!(
        planned_with(&making, 0, &Guards::default(), &mut Denies),
        ["+role", "~rule ChangedAccountsLimit"]
    );
    let removing = [orphan("sender_rule", "old")];
    assert_eq!(planned_with(&removing, 2, &pruning(), &mut Denies), ["-old DeletionLimit"]);
    assert_eq!(planned_with(&removing, 0, &tearing_down(), &mut Denies), ["-old"]);
}

#[test]
fn while_nobody_confirmed_the_new_topic_the_old_alert_and_its_topic_stay() {
    let mut new = in_sync("topic", "new");
    new.resource.notes.push(Note::new(NO_CONFIRMED_SUBSCRIPTION, ""));
    let judged = [new, orphan("topic", "old"), orphan("alert_rule", "rule"), orphan("queue", "queue")];
    assert_eq!(
        planned(&judged, 2, &pruning()),
        ["-queue", "-rule WaitingForConfirmation", "-old WaitingForConfirmation"]
    );
    assert_eq!(planned(&judged, 0, &tearing_down()), ["-queue", "-rule", "-old"]);
    // An old topic to which nobody listens any more keeps nothing.
    let mut silent = orphan("topic", "old");
    silent.resource.notes.push(Note::new(NO_CONFIRMED_SUBSCRIPTION, ""));
    assert_eq!(planned(&[in_sync("topic", "new"), silent], 2, &pruning()), ["-old"]);
}

#[test]
fn what_a_kind_holds_back_goes_in_a_teardown_but_data_only_if_asked_for() {
    let holding = |reason| {
        let mut orphan = orphan("queue", "queue");
        orphan.proposal.as_mut().unwrap().hold = Some(held(reason));
        [orphan]
    };
    let all = Guards { delete_data: true, ..tearing_down() };
    for (reason, guards, expected) in [
        (WAITING_FOR_CONFIRMATION, pruning(), "-queue WaitingForConfirmation"),
        (WAITING_FOR_CONFIRMATION, tearing_down(), "-queue"),
        (DEAD_LETTERS, pruning(), "-queue DeadLetters"),
        (DEAD_LETTERS, tearing_down(), "-queue DeadLetters"),
        (DEAD_LETTERS, all, "-queue"),
    ] {
        assert_eq!(planned(&holding(reason), 2, &guards), [expected]);
    }
}

#[test]
fn a_teardown_takes_what_it_sees_at_once_and_leaves_what_was_adopted() {
    let judged = [
        judged("sender_rule", "unseen", Verdict::Unknown, None),
        orphan("topic", "mine"),
        orphan("topic", "theirs"),
    ];
    let adopted = BTreeSet::from([("topic".to_owned(), "theirs".to_owned())]);
    let guards = Guards { adopted: adopted.clone(), settled: false, ..tearing_down() };
    assert_eq!(planned(&judged, 0, &guards), ["-theirs Adopted", "-mine"]);
    let guards = Guards { delete_data: true, ..guards };
    assert_eq!(planned(&judged, 0, &guards), ["-theirs", "-mine"]);
    // Without a teardown it is an orphan like any other.
    assert_eq!(planned(&[orphan("topic", "theirs")], 2, &Guards { adopted, ..pruning() }), ["-theirs"]);
}

#[test]
fn a_bus_that_somebody_elses_rule_is_on_stays_and_everything_else_goes() {
    let theirs = judged("alert_rule", "theirs", Verdict::Foreign, None);
    let judged = [orphan("queue", "queue"), orphan("event_bus", "bus"), orphan("alert_rule", "ours"), theirs];
    assert_eq!(planned(&judged, 0, &tearing_down()), ["-ours", "-bus Stranger", "-queue"]);
    assert_eq!(planned(&judged[..3], 0, &tearing_down()), ["-ours", "-bus", "-queue"]);
}

/// Denies everything that is asked of it.
struct NothingMore;

impl Allowance for NothingMore {
    fn rewrite(&mut self, _: &Target) -> Result<(), Denial> {
        Err(Denial { reason: "ChangedAccountsLimit", message: String::new() })
    }

    fn delete(&mut self) -> Result<(), Denial> {
        Err(Denial { reason: "DeletionLimit", message: String::new() })
    }
}

#[test]
fn what_a_person_has_let_go_is_done_and_whatever_else_holds_it_still_does() {
    let id = |kind, name: &str| ResourceId { kind, name: name.to_owned() };
    let let_go = |released: [(ResourceId, &'static str); 1]| released.into_iter().collect::<BTreeSet<_>>();
    let rule = [update("sender_rule", "rule")];
    let held_up = planned_with(&rule, 0, &Guards::default(), &mut NothingMore);
    assert_eq!(held_up, ["~rule ChangedAccountsLimit"]);
    let released = let_go([(id("sender_rule", "rule"), "ChangedAccountsLimit")]);
    let guards = Guards { released, ..Guards::default() };
    assert_eq!(planned_with(&rule, 0, &guards, &mut NothingMore), ["~rule"]);
    let later = Guards { wrong_place: Some(held("WrongOrganization")), ..guards.clone() };
    assert_eq!(planned_with(&rule, 0, &later, &mut NothingMore), ["~rule WrongOrganization"]);
    let waiting =
        Guards { not_yet: Some(Hold { waits: true, ..held("WaitingForCentral") }), ..guards.clone() };
    assert_eq!(planned_with(&rule, 0, &waiting, &mut NothingMore), ["~rule WaitingForCentral (waits)"]);
    let another = [update("sender_rule", "another")];
    assert_eq!(planned_with(&another, 0, &guards, &mut NothingMore), ["~another ChangedAccountsLimit"]);
    let old = [orphan("sender_rule", "old")];
    let released = let_go([(id("sender_rule", "old"), "DeletionLimit")]);
    let guards = Guards { released, ..pruning() };
    assert_eq!(planned_with(&old, 2, &guards, &mut NothingMore), ["-old"]);
    assert_eq!(planned_with(&old, 1, &guards, &mut NothingMore), ["-old SecondSighting (waits)"]);
}

#[test]
fn a_rule_in_force_moves_to_a_role_only_when_that_has_had_time_to_take_effect() {
    let mut rule = update("sender_rule", "rule");
    rule.proposal.as_mut().unwrap().stage = Stage::Switch;
    rule.resource.changes = [FieldChange {
        path: "targets.central.role_arn".to_owned(),
        desired: Json::from(json!("new")),
        observed: Json::from(json!("old")),
    }]
    .into();
    let unsettled = Guards { path_settled: false, ..standing() };
    let both = |role| [role, rule.clone()];
    let seen = both(in_sync("forwarding_role", "role"));
    assert_eq!(planned(&seen, 0, &unsettled), ["~rule WaitingForRole (waits)"]);
    assert_eq!(planned(&seen, 0, &standing()), ["~rule"]);
    let unseen = both(judged("forwarding_role", "role", Verdict::Unknown, None));
    assert_eq!(planned(&unseen, 0, &standing()), ["~rule WaitingForRole"]);
    // Where the role is kept with another Region's target, it is not among what is judged here.
    assert_eq!(planned(std::slice::from_ref(&rule), 0, &unsettled), ["~rule WaitingForRole (waits)"]);
    rule.proposal.as_mut().unwrap().stage = Stage::Expand;
    assert_eq!(planned(&[rule], 0, &unsettled), ["~rule"]);
}

/// A change of a field of a resource that is in force.
fn changed(kind: &'static str, field: &str, to: serde_json::Value) -> Judged {
    let mut judged = update(kind, kind);
    judged.resource.changes = [FieldChange {
        path: field.to_owned(),
        desired: Json::from(to),
        observed: Json::from(json!("before")),
    }]
    .into();
    judged
}

#[test]
fn an_alert_rule_gets_a_role_only_when_that_was_seen_as_it_has_to_be() {
    let rule = || changed("alert_rule", "targets.topic.role_arn", json!("role"));
    let unsettled = Guards { settled: false, ..standing() };
    let with = |role: Judged, guards: &Guards| planned(&[role, rule()], 0, guards);
    let role = |verdict| judged("delivery_role", "role", verdict, None);
    assert_eq!(with(role(Verdict::InSync), &standing()), ["~alert_rule"]);
    assert_eq!(with(role(Verdict::InSync), &unsettled), ["~alert_rule WaitingForRole (waits)"]);
    // Nobody but a person can mend it.
    assert_eq!(with(role(Verdict::Drifted), &standing()), ["~alert_rule WaitingForRole"]);
    assert_eq!(with(role(Verdict::Unknown), &standing()), ["~alert_rule WaitingForRole"]);
}

#[test]
fn a_topic_stops_admitting_eventbridge_only_after_its_rules_deliver_by_a_role_and_admits_it_before_they_stop()
{
    let unsettled = Guards { settled: false, ..standing() };
    let shut: fn() -> Judged = || changed("topic", "policy.Statement.alert-rules", json!(null));
    let moves = || changed("alert_rule", "targets.topic.role_arn", json!("role"));
    let topic_of =
        |topic: Judged, rule: Judged, guards: &Guards| planned(&[topic, rule], 0, guards)[0].clone();
    for topic in [shut, rewritten_without] {
        assert_eq!(topic_of(topic(), moves(), &standing()), "~topic WaitingForRole (waits)");
        assert_eq!(
            topic_of(topic(), in_sync("alert_rule", "r"), &unsettled),
            "~topic WaitingForRole (waits)"
        );
        assert_eq!(topic_of(topic(), in_sync("alert_rule", "r"), &standing()), "~topic");
    }
    let keeps = changed("topic", "policy.Statement", json!([{ "Sid": "alert-rules" }]));
    assert_eq!(topic_of(keeps, moves(), &unsettled), "~topic");

    let gives_up = || changed("alert_rule", "targets.topic.role_arn", json!(null));
    let rule_of = |topic: Judged, guards: &Guards| planned(&[topic, gives_up()], 0, guards).pop().unwrap();
    let opens = changed("topic", "policy.Statement.alert-rules", json!({ "Sid": "alert-rules" }));
    assert_eq!(rule_of(opens, &standing()), "~alert_rule WaitingForRole (waits)");
    assert_eq!(rule_of(in_sync("topic", "t"), &unsettled), "~alert_rule WaitingForRole (waits)");
    assert_eq!(rule_of(in_sync("topic", "t"), &standing()), "~alert_rule");
}

fn rewritten_without() -> Judged {
    changed("topic", "policy.Statement", json!([{ "Sid": "owner" }]))
}

/// A change of a field of a rule of an alert that is in force.
fn narrowed(name: &str, field: &str, to: serde_json::Value) -> Judged {
    let mut rule = update("alert_rule", name);
    rule.resource.changes = [FieldChange {
        path: field.to_owned(),
        desired: Json::from(to),
        observed: Json::from(json!("before")),
    }]
    .into();
    rule
}

#[test]
fn a_rule_gives_up_events_only_when_its_siblings_have_been_in_place_for_the_settle_time() {
    let rule = narrowed("orgwatch-x", "pattern.detail", json!("narrower"));
    let beside = |sibling: Judged| [rule.clone(), sibling];
    let waits = ["~orgwatch-x WaitingForSibling (waits)"];
    let made = judged("alert_rule", "orgwatch-x-hidden", Verdict::Drifted, Some(Action::Create));
    let both = ["~orgwatch-x WaitingForSibling (waits)", "+orgwatch-x-hidden"];
    assert_eq!(planned(&beside(made), 0, &standing()), both, "the sibling is not there yet");
    for verdict in [Verdict::Pending, Verdict::Unknown] {
        let unseen = judged("alert_rule", "orgwatch-x-2", verdict, None);
        assert_eq!(planned(&beside(unseen), 0, &standing()), waits, "{verdict:?}");
    }
    let seen = beside(in_sync("alert_rule", "orgwatch-x-2"));
    let unsettled = Guards { settled: false, ..standing() };
    assert_eq!(planned(&seen, 0, &unsettled), waits, "it was written a moment ago");
    assert_eq!(planned(&seen, 0, &standing()), ["~orgwatch-x"]);
    // Another alert's rules are no siblings, nor is there anything to wait for without any.
    let other = judged("alert_rule", "orgwatch-y", Verdict::Unknown, None);
    assert_eq!(planned(&beside(other), 0, &unsettled), ["~orgwatch-x"]);
    assert_eq!(planned(std::slice::from_ref(&rule), 0, &unsettled), ["~orgwatch-x"]);
}

#[test]
fn a_rule_is_switched_off_after_its_siblings_took_over_and_one_without_a_target_is_mended_at_once() {
    let off = narrowed("orgwatch-x-hidden", "state", json!("DISABLED"));
    let wider = narrowed("orgwatch-x", "pattern.detail", json!("wider"));
    let plan = planned(&[wider, off.clone()], 0, &standing());
    assert_eq!(plan, ["~orgwatch-x", "~orgwatch-x-hidden WaitingForSibling (waits)"]);
    let mut lost = off;
    lost.resource.changes = [FieldChange {
        path: "targets".to_owned(),
        desired: Json::from(json!("topic")),
        observed: Json::from(json!(null)),
    }]
    .into();
    let unseen = judged("alert_rule", "orgwatch-x", Verdict::Unknown, None);
    assert_eq!(planned(&[lost, unseen], 0, &standing()), ["~orgwatch-x-hidden"]);
}
