use std::collections::BTreeSet;

use super::central::CentralHalf;
use super::*;
use crate::judge::{MISSING, NOT_OURS_TO_WRITE, OWNERSHIP_REMOVED};
use crate::kinds::topic::{NO_CONFIRMED_SUBSCRIPTION, SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::json::Json;
use crate::model::plan::Plan;
use crate::model::resource::{FieldChange, Note, ResourceId};
use crate::model::target::{Side, TargetKey};
use crate::world::fixture::{self, at};

fn resource(kind: &'static str, verdict: Verdict, reason: Option<&'static str>, paths: &[&str]) -> Resource {
    let change = |path: &&str| FieldChange {
        path: (*path).to_owned(),
        desired: Json::default(),
        observed: Json::default(),
    };
    Resource {
        id: ResourceId { kind, name: "orgwatch-x".to_owned() },
        verdict,
        reason,
        changes: paths.iter().map(change).collect(),
        error: None,
        notes: Vec::new(),
    }
}

fn view(resources: Vec<Resource>) -> TargetView {
    let target: TargetKey = fixture::key(Side::Member, fixture::member_id(1));
    TargetView {
        plan: Plan { target: target.clone(), changes: Vec::new() },
        target,
        resources,
        error: None,
        observed_at: at(0),
        last_change_at: Some(at(-60)),
        observed_generation: 1,
    }
}

fn facts<'a>(views: &'a [&'a TargetView]) -> Facts<'a> {
    Facts {
        standing: Standing::Active,
        standing_reason: None,
        no_management_role: false,
        watched: true,
        targets: 1,
        views,
        in_grace: false,
        enforce: true,
        world: None,
        regions_unknown: None,
        trail: None,
        proof: None,
        lost: None,
        part: Part::Whole,
        figures: None,
    }
}

fn fine() -> Judgement {
    Judgement::new(Coverage::Configured, "InSync", "")
}

/// Coverage and reason of an account that has just this.
fn of(resources: Vec<Resource>) -> (Coverage, &'static str) {
    let view = view(resources);
    let judgement = of_account(&facts(&[&view]), &fine());
    (judgement.coverage, judgement.reason)
}

#[test]
fn an_account_that_nobody_looks_into_is_uncovered() {
    let none: [&TargetView; 0] = [];
    let reason = |change: fn(&mut Facts<'_>)| {
        let mut facts = facts(&none);
        change(&mut facts);
        let judgement = of_account(&facts, &fine());
        assert_eq!(judgement.coverage, Coverage::Uncovered);
        judgement.reason
    };
    assert_eq!(reason(|f| f.standing = Standing::Excluded), "Excluded");
    assert_eq!(reason(|f| f.standing = Standing::Inactive), "Inactive");
    assert_eq!(reason(|f| f.no_management_role = true), "NoManagementRole");
    assert_eq!(reason(|f| f.watched = false), "NoWatch");
}

#[test]
fn as_long_as_one_region_was_not_looked_at_nothing_is_said() {
    let view = view(Vec::new());
    let facts = Facts { targets: 2, ..facts(&[]) };
    let views = [&view];
    assert_eq!(of_account(&Facts { views: &views, ..facts }, &fine()).reason, "NotObserved");
}

#[test]
fn each_state_of_a_resource_gives_one_coverage() {
    for (kind, verdict, reason, paths, expected) in [
        ("sender_rule", Verdict::InSync, None, vec![], (Coverage::Configured, "InSync")),
        ("sender_rule", Verdict::Orphan, None, vec![], (Coverage::Configured, "InSync")),
        ("sender_rule", Verdict::Foreign, Some(NAME_TAKEN), vec![], (Coverage::Broken, NAME_TAKEN)),
        ("sender_rule", Verdict::Unknown, None, vec![], (Coverage::Unknown, "Unknown")),
        ("sender_rule", Verdict::Pending, Some(SETTLING), vec![], (Coverage::Pending, SETTLING)),
        (
            "sender_rule",
            Verdict::Drifted,
            Some(MISSING),
            vec!["state"],
            (Coverage::Broken, "SenderRuleMissing"),
        ),
        ("sender_rule", Verdict::Drifted, None, vec!["state"], (Coverage::Broken, "SenderRuleDrifted")),
        (
            "forwarding_role",
            Verdict::Drifted,
            Some(MISSING),
            vec![],
            (Coverage::Broken, "ForwardingRoleMissing"),
        ),
        (
            "forwarding_role",
            Verdict::Drifted,
            Some(NOT_OURS_TO_WRITE),
            vec!["trust"],
            (Coverage::Broken, "ForwardingRoleDrifted"),
        ),
        ("event_bus", Verdict::Drifted, None, vec!["policy"], (Coverage::Broken, "BusDrifted")),
        ("event_bus", Verdict::Drifted, Some(MISSING), vec![], (Coverage::Broken, "BusMissing")),
        ("topic", Verdict::Drifted, None, vec!["policy"], (Coverage::Broken, "TopicDrifted")),
        ("alert_rule", Verdict::Drifted, None, vec!["state"], (Coverage::Broken, "AlertRuleDrifted")),
        // What carries no event breaks nothing.
        ("queue", Verdict::Drifted, None, vec!["attributes.Policy"], (Coverage::Configured, "InSync")),
        ("archive", Verdict::Drifted, Some(MISSING), vec![], (Coverage::Configured, "InSync")),
        ("sender_rule", Verdict::Drifted, None, vec!["description"], (Coverage::Configured, "InSync")),
        (
            "sender_rule",
            Verdict::Drifted,
            Some(OWNERSHIP_REMOVED),
            vec!["description", "tags.orgwatch:managed-by"],
            (Coverage::Configured, "InSync"),
        ),
        (
            "sender_rule",
            Verdict::Drifted,
            None,
            vec!["description", "state"],
            (Coverage::Broken, "SenderRuleDrifted"),
        ),
        ("alert_rule", Verdict::Foreign, Some(STRANGER), vec![], (Coverage::Configured, "InSync")),
        (
            "topic",
            Verdict::Drifted,
            Some(UNKNOWN_SUBSCRIPTION),
            vec!["subscriptions.sms +1"],
            (Coverage::Configured, "InSync"),
        ),
    ] {
        assert_eq!(
            of(vec![resource(kind, verdict, reason, &paths)]),
            expected,
            "{kind} {verdict:?} {reason:?} {paths:?}"
        );
    }
}

#[test]
fn the_worst_resource_decides() {
    let drifted = resource("sender_rule", Verdict::Drifted, None, &["state"]);
    let foreign = resource("forwarding_role", Verdict::Foreign, Some(NAME_TAKEN), &[]);
    let pending = resource("sender_rule", Verdict::Pending, Some(SETTLING), &[]);
    assert_eq!(of(vec![pending.clone(), drifted.clone(), foreign]), (Coverage::Broken, NAME_TAKEN));
    assert_eq!(of(vec![drifted, pending]), (Coverage::Broken, "SenderRuleDrifted"));
}

#[test]
fn what_is_about_to_be_made_is_pending_and_where_nothing_is_written_it_is_broken() {
    let mut view = view(vec![resource("sender_rule", Verdict::Drifted, Some(MISSING), &["state"])]);
    view.last_change_at = None;
    let views = [&view];
    let installing = of_account(&facts(&views), &fine());
    assert_eq!((installing.coverage, installing.reason), (Coverage::Pending, "Installing"));
    // Made after it was looked at, and not seen yet.
    let made = TargetView { last_change_at: Some(at(1)), ..view.clone() };
    assert_eq!(of_account(&facts(&[&made]), &fine()).coverage, Coverage::Pending);
    let observing = of_account(&Facts { enforce: false, ..facts(&views) }, &fine());
    assert_eq!((observing.coverage, observing.reason), (Coverage::Broken, "SenderRuleMissing"));
    assert!(observing.message.contains("`orgwatch apply` repairs it"));
}

#[test]
fn an_account_that_cannot_be_seen_is_unknown_unless_it_is_new() {
    for (class, in_grace, expected) in [
        (ErrorClass::Denied, false, (Coverage::Unknown, "Denied")),
        (ErrorClass::Throttled, false, (Coverage::Unknown, "Throttled")),
        (ErrorClass::Denied, true, (Coverage::Pending, "NotReady")),
        (ErrorClass::RegionDisabled, true, (Coverage::Pending, "NotReady")),
        (ErrorClass::Throttled, true, (Coverage::Unknown, "Throttled")),
        (ErrorClass::DeniedByScp, true, (Coverage::Unknown, "DeniedByScp")),
    ] {
        let view = TargetView { error: Some(Box::new(fixture::error(class))), ..view(Vec::new()) };
        let judgement = of_account(&Facts { in_grace, ..facts(&[&view]) }, &fine());
        assert_eq!((judgement.coverage, judgement.reason), expected, "{class:?} {in_grace}");
    }
}

#[test]
fn the_central_half_breaks_every_account_that_would_be_covered_and_hides_no_trouble_of_its_own() {
    let central = Judgement::new(Coverage::Broken, "NoAlert", "");
    let sync = view(Vec::new());
    assert_eq!(of_account(&facts(&[&sync]), &central), central);
    let broken = view(vec![resource("sender_rule", Verdict::Drifted, None, &["state"])]);
    assert_eq!(of_account(&facts(&[&broken]), &central).reason, "SenderRuleDrifted");
}

fn named(resource: Resource, name: &str) -> Resource {
    Resource { id: ResourceId { name: name.to_owned(), ..resource.id }, ..resource }
}

#[test]
fn nobody_told_is_nobody_covered() {
    let world = fixture::world(&fixture::settings(""));
    let topic = |notes: &[&'static str], verdict| {
        let mut topic = named(resource("topic", verdict, None, &[]), "orgwatch-iam-changes");
        let note = |reason: &&'static str| Note::new(reason, "");
        topic.notes = notes.iter().map(note).collect();
        view(vec![topic])
    };
    let central = |view: TargetView, world: &World| {
        let half = CentralHalf::of(&Facts { world: Some(world), ..facts(&[&view]) }, Some(world));
        let judgement = half.of_account(&BTreeSet::from(["iam-changes"]));
        assert_eq!(*half.whole(), judgement, "it is the only alert");
        (judgement.coverage, judgement.reason)
    };
    let silent = [NO_CONFIRMED_SUBSCRIPTION];
    let pending = [SUBSCRIPTION_PENDING, NO_CONFIRMED_SUBSCRIPTION];
    let nobody = World { alerts: Vec::new(), ..world.clone() };
    assert_eq!(central(topic(&[], Verdict::InSync), &nobody), (Coverage::Broken, "NoAlert"));
    assert_eq!(central(topic(&[], Verdict::InSync), &world), (Coverage::Configured, "InSync"));
    assert_eq!(
        central(topic(&silent, Verdict::InSync), &world),
        (Coverage::Broken, NO_CONFIRMED_SUBSCRIPTION)
    );
    assert_eq!(central(topic(&pending, Verdict::InSync), &world), (Coverage::Pending, SUBSCRIPTION_PENDING));
    let suspended = [SUSPENDED_BY_VOLUME, NO_CONFIRMED_SUBSCRIPTION];
    assert_eq!(central(topic(&suspended, Verdict::InSync), &world), (Coverage::Broken, SUSPENDED_BY_VOLUME));
    // Some confirmed, one not yet: people are told.
    assert_eq!(
        central(topic(&[SUBSCRIPTION_PENDING], Verdict::InSync), &world),
        (Coverage::Configured, "InSync")
    );
    assert_eq!(central(topic(&silent, Verdict::Orphan), &world), (Coverage::Configured, "InSync"));
}

#[test]
fn missing_canaries_break_what_is_in_sync_unless_the_central_half_explains_them() {
    let view = view(vec![resource("sender_rule", Verdict::InSync, None, &[])]);
    let views = [&view];
    let proof = Proof::Missing {
        region: "us-east-1".parse().unwrap(),
        rule: "orgwatch-iam-changes".to_owned(),
        since: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    let lost = Lost { hop: hops::EVENT_BUS, message: "lost there".to_owned() };
    let missing = Facts { proof: Some(&proof), lost: Some(&lost), ..facts(&views) };
    let told = of_account(&missing, &fine());
    assert_eq!((told.coverage, told.reason), (Coverage::Broken, CANARY_MISSING));
    assert!(told.message.ends_with("lost there"), "{}", told.message);
    assert_eq!(told.hop, Some(hops::EVENT_BUS));
    let broken = Judgement::new(Coverage::Broken, "BusMissing", "the bus is gone");
    assert_eq!(of_account(&missing, &broken), broken);
    let proven = Proof::Proven("2026-11-20T12:00:00Z".parse().unwrap());
    let told = of_account(&Facts { proof: Some(&proven), ..facts(&views) }, &fine());
    assert_eq!((told.coverage, told.reason), (Coverage::Configured, "InSync"));
    assert!(told.message.contains("a canary sent at 2026-11-20T12:00:00Z came"), "{}", told.message);
}

#[test]
fn an_account_is_proven_by_a_canary_and_a_delivery_of_each_of_its_alerts() {
    use crate::deliveries::{Count, Deliveries, Figure, PERIOD, Whose};
    let settings = fixture::settings("[[alert]]\nname = 'a'\n[[alert]]\nname = 'b'\n");
    let world = fixture::world(&settings);
    let figure = |alert: &str, count, sum| {
        let alert = alert.to_owned();
        let figure = Figure { whose: Whose::Alert(alert), count, namespace: "", dimensions: Vec::new() };
        (figure, vec![(at(0), sum)])
    };
    let delivered = |alert| [figure(alert, Count::Invocations, 1.0), figure(alert, Count::Delivered, 1.0)];
    let failed = |alert| [figure(alert, Count::Invocations, 1.0), figure(alert, Count::Failed, 1.0)];
    let unread = |alert| [figure(alert, Count::Invocations, 1.0), figure(alert, Count::NotDelivered, 1.0)];
    let topic = |name| named(resource("topic", Verdict::InSync, None, &[]), name);
    let mut central = view(vec![topic("orgwatch-a"), topic("orgwatch-b")]);
    let rule = view(vec![resource("sender_rule", Verdict::InSync, None, &[])]);
    let proven = Proof::Proven(at(0));
    let of = |central: &TargetView, read: Vec<_>, proof, alerts: &[&str]| {
        let mut deliveries = Deliveries::default();
        deliveries.learn(read, PERIOD, at(600));
        let counted = central::Figures {
            deliveries: &deliveries,
            now: at(600),
            max_age: jiff::SignedDuration::from_hours(1),
        };
        let views = [central];
        let facts_of_central = Facts { world: Some(&world), figures: Some(counted), ..facts(&views) };
        let half = CentralHalf::of(&facts_of_central, Some(&world));
        let views = [&rule];
        let judged = of_account(
            &Facts { proof, ..facts(&views) },
            &half.of_account(&alerts.iter().copied().collect()),
        );
        (judged.coverage, judged.reason, judged.hop)
    };
    let both = || delivered("a").into_iter().chain(delivered("b")).collect::<Vec<_>>();
    let said = of(&central, both(), Some(&proven), &["a", "b"]);
    assert_eq!(said, (Coverage::Proven, "Proven", None));
    let configured = (Coverage::Configured, "InSync", None);
    assert_eq!(of(&central, both(), Some(&Proof::Unproven), &["a", "b"]), configured);
    assert_eq!(of(&central, both(), None, &["a", "b"]), configured);
    let one = || delivered("a").to_vec();
    assert_eq!(of(&central, one(), Some(&proven), &["a", "b"]), configured);
    assert_eq!(of(&central, one(), Some(&proven), &["a"]).0, Coverage::Proven);
    let failing = || [delivered("a"), failed("b")].concat();
    let broken = (Coverage::Broken, "DeliveryFailing", Some(hops::TOPIC));
    assert_eq!(of(&central, failing(), Some(&proven), &["a", "b"]), broken);
    assert_eq!(of(&central, failing(), Some(&proven), &["a"]).0, Coverage::Proven);
    let lost = (Coverage::Broken, "NotificationsFailing", Some(hops::PEOPLE));
    assert_eq!(of(&central, unread("b").to_vec(), Some(&proven), &["b"]), lost);
    // What we wrote since may have mended it.
    central.last_change_at = Some(at(1));
    assert_eq!(of(&central, failing(), Some(&proven), &["b"]), configured);
}
