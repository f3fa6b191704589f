//! Whether an IAM change in an account would reach people. Pure.

pub mod central;

use self::central::{Figures, Part};
use super::canary::Proof;
use crate::hops;
use crate::judge::{NAME_TAKEN, NOT_OURS_TO_WRITE, SETTLING, STRANGER, UNKNOWN_SUBSCRIPTION, is_missing};
use crate::kinds::key::{self, KEY_REFUSES};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::resource::{FieldChange, KEY_FIELD, Resource, Verdict};
use crate::model::view::{Coverage, Standing, TargetView};
use crate::trail::{NOT_PROBED, Presence};
use crate::world::World;

/// A coverage with its reason (a CamelCase constant) and what to tell people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The coverage.
    pub coverage: Coverage,
    /// Why, as a constant.
    pub reason: &'static str,
    /// Why, for people, with what to do.
    pub message: String,
    /// The hop at which an event is lost or may be, as in [`hops`]; none where none is known to be at fault.
    pub hop: Option<&'static str>,
}

impl Judgement {
    fn new(coverage: Coverage, reason: &'static str, message: impl Into<String>) -> Self {
        Self { coverage, reason, message: message.into(), hop: None }
    }

    fn at(self, hop: &'static str) -> Self {
        Self { hop: Some(hop), ..self }
    }

    /// How bad it is, for whoever depends on several: what is known to be broken before what could not be seen.
    fn badness(&self) -> u8 {
        match self.coverage {
            Coverage::Proven => 0,
            Coverage::Configured => 1,
            Coverage::Pending => 2,
            Coverage::Uncovered => 3,
            Coverage::Unknown => 4,
            Coverage::Broken => 5,
        }
    }
}

/// What an account's coverage depends on, besides the central half.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// How it stands towards our filters.
    pub standing: Standing,
    /// Why.
    pub standing_reason: Option<&'a str>,
    /// Whether it is the management account and no role is configured to look into it.
    pub no_management_role: bool,
    /// Whether a watch is for it.
    pub watched: bool,
    /// How many targets it has.
    pub targets: usize,
    /// The latest outcome of each that has one.
    pub views: &'a [&'a TargetView],
    /// Whether the account is still given time.
    pub in_grace: bool,
    /// Whether we write in it.
    pub enforce: bool,
    /// Why nobody knows which Regions it has, where a watch is for all of them.
    pub regions_unknown: Option<&'a CloudError>,
    /// Whether a trail logs what its watches wait for; none where nobody asks.
    pub trail: Option<&'a Presence>,
    /// What must hold, once that is known.
    pub world: Option<&'a World>,
    /// What canaries say of it; none where none are sent.
    pub proof: Option<&'a Proof>,
    /// Where a missing canary was lost, as far as that is known.
    pub lost: Option<&'a Lost>,
    /// What of the resources counts.
    pub part: Part<'a>,
    /// What CloudWatch counts of alerts; none where that says nothing of it.
    pub figures: Option<Figures<'a>>,
}

/// Where a missing canary was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// The hop, as in [`hops`].
    pub hop: &'static str,
    /// What tells so, for people.
    pub message: String,
}

impl Facts<'_> {
    /// Whether a resource takes part in carrying an alert.
    fn carries(&self, resource: &Resource) -> bool {
        // What is kept of events, and of lost ones, takes none to anybody.
        let keeps = matches!(resource.id.kind, "archive" | "queue");
        let beside = |world: &World| world.is_beside(resource.id.kind, &resource.id.name);
        !keeps && !self.world.is_some_and(beside) && self.part.concerns(self.world, resource)
    }
}

/// Both halves of the path have let something through.
const PROVEN: &str = "Proven";

/// Canaries do not arrive though everything is in place.
pub const CANARY_MISSING: &str = "CanaryMissing";

/// The members' half and that of the alerts which the account's events are for together.
pub fn of_account(facts: &Facts<'_>, central: &Judgement) -> Judgement {
    let own = own_half(facts);
    // Where the central half is broken, that may be why canaries are missing.
    if own.reason == CANARY_MISSING && !central.coverage.is_covered() {
        return central.clone();
    }
    if !own.coverage.is_covered() {
        return own;
    }
    // What no trail logs starts no rule, however right it is.
    if let Some(starved) = facts.trail.and_then(|trail| of_trail(trail, facts.in_grace)) {
        return starved;
    }
    match (facts.proof, central.coverage) {
        (Some(Proof::Proven(sent_at)), Coverage::Proven) => Judgement::new(
            Coverage::Proven,
            PROVEN,
            format!(
                "a canary sent at {sent_at:.0} came from the account to the central bus, and each alert that its events \
                 are for came to a subscriber within `drill.max_age`"
            ),
        ),
        (_, Coverage::Proven | Coverage::Configured) => own,
        _ => central.clone(),
    }
}

fn own_half(facts: &Facts<'_>) -> Judgement {
    match facts.standing {
        Standing::Excluded => {
            return Judgement::new(
                Coverage::Uncovered,
                "Excluded",
                facts.standing_reason.unwrap_or("excluded by configuration"),
            );
        }
        Standing::Inactive => {
            return Judgement::new(
                Coverage::Uncovered,
                "Inactive",
                facts.standing_reason.unwrap_or("the account is not active"),
            );
        }
        Standing::Active => {}
    }
    if facts.no_management_role {
        return Judgement::new(
            Coverage::Uncovered,
            "NoManagementRole",
            "the management account has no member role; install one there and set `organization.management_role_arn`",
        );
    }
    if !facts.watched {
        return Judgement::new(Coverage::Uncovered, "NoWatch", "no watch is for this account");
    }
    if facts.views.len() < facts.targets {
        return Judgement::new(Coverage::Pending, "NotObserved", "not looked at yet");
    }
    if let Some(error) = facts.views.iter().find_map(|view| view.error.as_deref()) {
        let waits =
            matches!(error.class, ErrorClass::Denied | ErrorClass::NotReady | ErrorClass::RegionDisabled);
        if facts.in_grace && waits {
            return Judgement::new(
                Coverage::Pending,
                "NotReady",
                format!("a new account, given time: {error}"),
            );
        }
        return Judgement::new(Coverage::Unknown, error.class.reason(), error.to_string());
    }
    if let Some(error) = facts.regions_unknown {
        return Judgement::new(
            Coverage::Unknown,
            "RegionsUnknown",
            format!(
                "which Regions the account has enabled could not be read, and a watch is for all of them: {error}"
            ),
        );
    }
    let worst = facts.views.iter().flat_map(|v| v.resources.iter().map(move |r| (*v, r)));
    let worst = worst.filter(|(_, r)| facts.carries(r) && matters(facts, r));
    let Some((view, resource)) = worst.max_by_key(|(_, r)| r.verdict) else {
        return in_sync(facts);
    };
    of_resource(facts, view, resource)
}

/// What is known where everything is as desired.
fn in_sync(facts: &Facts<'_>) -> Judgement {
    match facts.proof {
        Some(Proof::Missing { region, rule, since }) => Judgement::new(
            Coverage::Broken,
            CANARY_MISSING,
            format!(
                "everything is in place, but two canaries in a row through {rule} in {region} did not arrive, the first \
                 sent at {since:.0}; {}",
                facts.lost.map_or("where they were lost is not known yet", |lost| &lost.message)
            ),
        )
        .at(facts.lost.map_or(hops::FORWARDING_ROLE, |lost| lost.hop)),
        Some(Proof::Proven(sent_at)) => Judgement::new(
            Coverage::Configured,
            "InSync",
            format!(
                "everything is in place, and a canary sent at {sent_at:.0} came from the account to the central bus; what \
                 follows there is not proven by an alert that arrived"
            ),
        ),
        Some(Proof::Unproven) | None => Judgement::new(
            Coverage::Configured,
            "InSync",
            "everything is in place; not proven by an alert that arrived",
        ),
    }
}

/// What the account's trails do to its coverage; nothing as long as nobody looked.
fn of_trail(trail: &Presence, in_grace: bool) -> Option<Judgement> {
    match trail {
        Presence::Present(_) => None,
        Presence::Unknown(reason, _) if *reason == NOT_PROBED => None,
        // The organization's trail reaches a new account after a while.
        Presence::Missing(_, message) | Presence::Unknown(_, message) if in_grace => Some(Judgement::new(
            Coverage::Pending,
            "NotReady",
            format!("a new account, given time: {message}"),
        )),
        Presence::Missing(reason, message) => {
            Some(Judgement::new(Coverage::Broken, reason, message).at(hops::TRAIL))
        }
        Presence::Unknown(reason, message) => {
            Some(Judgement::new(Coverage::Unknown, reason, message).at(hops::TRAIL))
        }
    }
}

/// Whether a resource that is not in sync breaks the path.
fn matters(facts: &Facts<'_>, resource: &Resource) -> bool {
    match resource.verdict {
        // A key keeps things out of what is encrypted with it.
        _ if resource.id.kind == key::NAME && !is_used(facts, &resource.id.name) => false,
        Verdict::InSync | Verdict::Orphan => false,
        // One more subscriber takes no event away.
        Verdict::Drifted if resource.reason == Some(UNKNOWN_SUBSCRIPTION) => false,
        // A stranger's rule on our bus stands in nobody's way.
        Verdict::Foreign if resource.reason == Some(STRANGER) => false,
        Verdict::Drifted => {
            resource.changes.is_empty() || !resource.changes.iter().all(FieldChange::carries_no_event)
        }
        Verdict::Pending | Verdict::Unknown | Verdict::Foreign => true,
    }
}

/// Whether the bus or a topic that is to be encrypted with a key is so already, as far as it was seen.
fn is_used(facts: &Facts<'_>, key: &str) -> bool {
    let Some(world) = facts.world else { return true };
    let topics = world.every_alert().filter_map(|alert| alert.topic.as_ref());
    let topics = topics.filter(|topic| topic.key.as_deref() == Some(key)).map(|topic| topic.name.as_str());
    let bus = world.key.as_deref().filter(|own| *own == key).map(|_| world.bus());
    let mut wanted = topics.map(|name| ("topic", name)).chain(bus.map(|name| ("event_bus", name)));
    let seen = facts.views.iter().flat_map(|view| &view.resources);
    let waits = |resource: &Resource| {
        resource.changes.iter().any(|change| change.path == KEY_FIELD && change.observed.as_str() != key)
    };
    wanted.any(|(kind, name)| {
        let one = seen.clone().find(|resource| resource.id.kind == kind && resource.id.name == name);
        one.is_none_or(|one| !waits(one))
    })
}

fn of_resource(facts: &Facts<'_>, view: &TargetView, resource: &Resource) -> Judgement {
    Judgement { hop: hops::of_resource(resource), ..judged(facts, view, resource) }
}

fn judged(facts: &Facts<'_>, view: &TargetView, resource: &Resource) -> Judgement {
    let what = format!("{} in {}", resource.id, view.target.region);
    match resource.verdict {
        Verdict::Foreign => Judgement::new(
            Coverage::Broken,
            NAME_TAKEN,
            format!(
                "{what} stands at our name and is not ours; rename it, or take it over with `reconcile.adopt = [\"{}:{}/{}/{}\"]`",
                resource.id.kind, view.target.account, view.target.region, resource.id.name
            ),
        ),
        Verdict::Unknown => {
            let error = resource.error.as_deref();
            let message = error.map_or_else(|| what.clone(), |e| format!("{what}: {e}"));
            Judgement::new(Coverage::Unknown, error.map_or("Unknown", |e| e.class.reason()), message)
        }
        Verdict::Pending => Judgement::new(
            Coverage::Pending,
            resource.reason.unwrap_or(SETTLING),
            format!("{what} is being set up"),
        ),
        Verdict::Drifted | Verdict::InSync | Verdict::Orphan => {
            // Not tried yet, or made after this look: neither is a repair that failed.
            let fresh = view.last_change_at.is_none_or(|at| at >= view.observed_at);
            let installing = is_missing(resource) && facts.enforce && fresh && resource.error.is_none();
            if installing {
                return Judgement::new(Coverage::Pending, "Installing", format!("{what} is being made"));
            }
            let paths: Vec<&str> = resource.changes.iter().map(|c| c.path.as_str()).take(3).collect();
            let how = match () {
                () if resource.id.kind == key::NAME => {
                    let told = resource.changes.iter().take(3);
                    let told: Vec<String> =
                        told.map(|c| format!("{}: {}", c.path, c.observed.as_str())).collect();
                    format!("does not let in who needs it ({})", told.join("; "))
                }
                () if is_missing(resource) => "is not there".to_owned(),
                () => format!("differs in {}", paths.join(", ")),
            };
            let next = match &resource.error {
                Some(error) => format!("it could not be repaired: {error}"),
                None if resource.reason == Some(NOT_OURS_TO_WRITE) => {
                    "it is not orgwatch's to change, its owner has to".to_owned()
                }
                None if facts.enforce => "it is being repaired".to_owned(),
                None => "`orgwatch apply` repairs it".to_owned(),
            };
            Judgement::new(Coverage::Broken, reason_of(resource), format!("{what} {how}; {next}"))
        }
    }
}

fn reason_of(resource: &Resource) -> &'static str {
    let missing = is_missing(resource);
    match (resource.id.kind, missing) {
        ("sender_rule", true) => "SenderRuleMissing",
        ("sender_rule", false) => "SenderRuleDrifted",
        ("forwarding_role", true) => "ForwardingRoleMissing",
        ("forwarding_role", false) => "ForwardingRoleDrifted",
        ("delivery_role", true) => "DeliveryRoleMissing",
        ("delivery_role", false) => "DeliveryRoleDrifted",
        ("event_bus", true) => "BusMissing",
        ("event_bus", false) => "BusDrifted",
        ("topic", true) => "TopicMissing",
        ("topic", false) => "TopicDrifted",
        ("kms_key", _) => KEY_REFUSES,
        ("alert_rule", true) => "AlertRuleMissing",
        ("alert_rule", false) => "AlertRuleDrifted",
        (_, true) => "Missing",
        (_, false) => "Drifted",
    }
}

#[cfg(test)]
mod tests;
