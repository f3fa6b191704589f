mod audit;
mod desired;
mod mending;

use serde_json::json;

use super::model::Aws;
use super::topic::{NO_CONFIRMED_SUBSCRIPTION, WAITING_FOR_CONFIRMATION};
use super::*;
use crate::compliance::place::{LogGroup, Place};
use crate::config::Settings;
use crate::model::ids::AccountId;
use crate::world::fixture::{self, desired_one, kind};

/// One kind in an installation, with the one resource that is desired of it.
struct Of {
    kind: &'static dyn AnyKind,
    world: World,
    target: Target,
    name: String,
    spec: Value,
}

fn of(kind_name: &str, settings: &Settings) -> Of {
    let kind = kind(kind_name);
    let world = fixture::world(settings);
    let target = match kind.side() {
        Side::Member => fixture::member(settings),
        Side::Central => fixture::central(settings),
        Side::Audit => fixture::audit(settings),
    };
    let (name, spec) = desired_one(kind_name, &world, &target);
    Of { kind, world, target, name, spec }
}

impl Of {
    /// What is desired, with one field otherwise.
    fn with(&self, pointer: &str, value: Value) -> Value {
        let mut spec = self.spec.clone();
        match spec.pointer_mut(pointer) {
            Some(there) => *there = value,
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                spec.pointer_mut(parent).unwrap()[key] = value;
            }
        }
        spec
    }

    fn calls(&self, seen: Option<(Value, Mark)>) -> Vec<Call> {
        let seen = seen.map(|(spec, mark)| Seen { spec, mark, notes: Vec::new() });
        self.kind.mend(&self.world, &self.target, &self.name, &self.spec, seen.as_ref())
    }

    /// The operations that mend what differs in one field.
    fn mend(&self, pointer: &str, value: Value) -> Vec<&'static str> {
        self.calls(Some((self.with(pointer, value), Mark::Ours))).iter().map(Call::operation).collect()
    }

    fn create(&self) -> Vec<&'static str> {
        self.calls(None).iter().map(Call::operation).collect()
    }

    fn removal(&self, spec: Value, notes: Vec<Note>) -> (Vec<&'static str>, Option<&'static str>) {
        let seen = Seen { spec, mark: Mark::Ours, notes };
        let Removal { calls, hold } = self.kind.removal(&self.world, &self.target, &self.name, &seen);
        (calls.iter().map(Call::operation).collect(), hold.map(|hold| hold.reason))
    }
}

fn standard(kind_name: &str) -> Of {
    // Nothing is guarded as a rule, so that each kind but the guard's own has one resource.
    let asks = match kind_name {
        "guard_rule" => "[guard]\nenabled = true\n",
        "delivery_role" => "[[alert]]\nname = 'iam-changes'\ndelivery = 'role'\n",
        "metric_alarm" => "[notify]\nalert = 'orgwatch-health'\n",
        "log_group" | "metric_filter" => "[compliance]\nmetric_alarms = ['cis-4.4']\n",
        _ => "",
    };
    of(kind_name, &fixture::settings(asks))
}

const KIND_NAMES: [&str; 11] = [
    "queue",
    "event_bus",
    "archive",
    "topic",
    "delivery_role",
    "alert_rule",
    "metric_alarm",
    "guard_rule",
    "forwarding_role",
    "sender_rule",
    "metric_filter",
];

#[test]
fn the_kinds_stand_in_the_order_in_which_they_are_made() {
    // Keys are looked at before anything is encrypted with them, and there are none as a rule. A log group is looked at, and
    // alarms are of two sides.
    let (path, audit) = KIND_NAMES.split_at(KIND_NAMES.len() - 1);
    let expected = [&["kms_key"], path, &["log_group"], audit, &["metric_alarm"]].concat();
    assert_eq!(KINDS.map(AnyKind::name).to_vec(), expected);
}

#[test]
fn a_mark_says_whose_a_resource_is_and_of_which_version_or_nothing_at_all() {
    let world = fixture::world(&fixture::settings(""));
    for (description, expected) in [
        ("forwards to 2; managed by orgwatch/orgwatch v1", Some(Mark::Ours)),
        ("managed by orgwatch/orgwatch v0", Some(Mark::Ours)),
        ("managed by orgwatch/orgwatch v1 (do not touch)", Some(Mark::Ours)),
        ("managed by orgwatch/orgwatch v2", Some(Mark::Newer)),
        ("managed by orgwatch/other v1", Some(Mark::Foreign)),
        ("managed by orgwatch/orgwatch2 v1", Some(Mark::Foreign)),
        ("managed by orgwatch/orgwatch vX", None),
        ("managed by orgwatch/orgwatch v99999999999999999999", None),
        ("managed by orgwatch/orgwatch", None),
        ("managed by somebody", None),
        ("", None),
    ] {
        assert_eq!(Mark::in_description(&world, description), expected, "{description}");
    }
    let tags = |value: &str| Tags::from([(OWNER_TAG.to_owned(), value.to_owned())]);
    assert_eq!(Mark::in_tags(&world, &tags("orgwatch")), Mark::Ours);
    assert_eq!(Mark::in_tags(&world, &tags("other")), Mark::Foreign);
    assert_eq!(Mark::in_tags(&world, &Tags::new()), Mark::Foreign);
}

#[test]
fn tags_of_others_on_our_resources_are_nobodys_drift() {
    let settings = fixture::settings("tags = { team = 'security' }\n");
    let world = fixture::world(&settings);
    let mut tags = world.owner_tags();
    tags.insert("cost-center".to_owned(), "7".to_owned());
    assert_eq!(world.our_tags(&tags), world.owner_tags());
    tags.insert("team".to_owned(), "other".to_owned());
    assert_ne!(world.our_tags(&tags), world.owner_tags());
}

#[test]
fn the_organization_that_a_bus_admits_is_read_from_our_own_statement() {
    let bus = standard("event_bus");
    assert_eq!(event_bus::admitted_organization(&bus.spec["policy"]), Some("o-a1b2c3d4e5"));
    assert_eq!(event_bus::admitted_organization(&Value::Null), None);
    let other = json!({ "Statement": [{ "Sid": "x",
        "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-other00000" } } }] });
    assert_eq!(event_bus::admitted_organization(&other), None);
}
