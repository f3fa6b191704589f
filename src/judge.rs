//! Judges what was seen against what is desired: a verdict for each resource, and what would put it right.

mod asked;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use litemap::LiteMap;
use serde_json::Value;

use crate::diff;
use crate::kinds::{AnyKind, Mark, Removal, Seen, Sight, Sights};
use crate::model::call::Call;
use crate::model::error::ErrorClass;
use crate::model::json::Json;
use crate::model::plan::{Action, Hold, Stage};
use crate::model::resource::{FieldChange, Note, Resource, ResourceId, Verdict};
use crate::world::{MARK, OWNER_TAG, Target, World};

pub use asked::Asked;

/// A resource stands at our name and is not ours.
pub const NAME_TAKEN: &str = "NameTaken";
/// A rule on our bus that is not ours and takes no name of ours.
pub const STRANGER: &str = "Stranger";
/// Written a moment ago and still read as before.
pub const SETTLING: &str = "Settling";
/// Repaired again and again; somebody or something works against us.
pub const CONTESTED: &str = "Contested";
/// It lost the tag and mark that made it ours.
pub const OWNERSHIP_REMOVED: &str = "OwnershipRemoved";
/// Its tag says that it is ours, and the mark in its description is gone.
pub const MARK_REMOVED: &str = "MarkRemoved";
/// Made by a newer version of orgwatch and left alone.
pub const NEWER_VERSION: &str = "NewerVersion";
/// Not there.
pub const MISSING: &str = "Missing";
/// Differs, and is not ours to write.
pub const NOT_OURS_TO_WRITE: &str = "NotOursToWrite";
/// A subscription that nobody asked for.
pub const UNKNOWN_SUBSCRIPTION: &str = "UnknownSubscription";
/// A subscription is gone again, or was asked for a short while ago; another request is left to a person.
pub const SUBSCRIPTION_LOST: &str = "SubscriptionLost";

/// Whether nothing of a resource is there.
pub fn is_missing(resource: &Resource) -> bool {
    let nothing = || resource.changes.iter().all(|change| change.observed.is_null());
    resource.reason == Some(MISSING) || (resource.reason == Some(CONTESTED) && nothing())
}

/// How often the same resource is repaired within an hour before that is called a contest.
const CONTEST: usize = 3;
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is remembered of one resource since the process started. Without it everything still converges; with it
/// stale reads cause no writes, and what was ours stays ours.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    /// Whether it was ever seen as ours.
    pub ours: bool,
    /// When we last wrote it, and what it looked like before (none: absent).
    pub written: Option<(Timestamp, Option<Value>)>,
    /// When we repaired it.
    pub repairs: Vec<Timestamp>,
    /// How often in a row it was seen as an orphan.
    pub orphan_sightings: u32,
    /// Since when it was seen as desired without interruption.
    pub in_place_since: Option<Timestamp>,
    /// What is remembered of a topic's subscriptions, by `protocol endpoint`.
    pub subscriptions: BTreeMap<String, Asked>,
}

impl Remembered {
    /// Whether it was seen as desired for so long that what was written of it has taken effect, whoever wrote it.
    pub fn is_settled(&self, settle: Duration, now: Timestamp) -> bool {
        self.in_place_since
            .is_some_and(|since| Duration::try_from(now.duration_since(since)).is_ok_and(|age| age >= settle))
    }
}

/// Everything that is remembered of a target. Few resources each in thousands of targets: a node of a tree would have room
/// for eleven.
pub type Memory = LiteMap<ResourceId, Box<Remembered>>;

/// What would put a resource right.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// What is done.
    pub action: Action,
    /// When in the order of things.
    pub stage: Stage,
    /// Why, in one sentence.
    pub reason: String,
    /// The calls that do it.
    pub calls: Vec<Call>,
    /// Why the kind itself holds it back.
    pub hold: Option<Hold>,
}

/// A resource with its verdict and what would put it right.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The verdict.
    pub resource: Resource,
    /// What would put it right, if anything is to be done and can be.
    pub proposal: Option<Proposal>,
    /// What was seen, if it is there; remembered when it is written.
    pub seen: Option<Value>,
}

/// What a judgement depends on besides the sights.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// What must hold.
    pub world: &'a World,
    /// Where.
    pub target: &'a Target,
    /// What is remembered of it.
    pub memory: &'a Memory,
    /// The moment of the judgement.
    pub now: Timestamp,
    /// How long a write may take to show.
    pub settle: Duration,
    /// Whether the account is still given time to become ready.
    pub in_grace: bool,
}

/// Judges every resource of one kind in one target.
pub fn judge(
    context: &Context<'_>,
    kind: &dyn AnyKind,
    desired: &BTreeMap<String, Value>,
    sights: &Sights<Value>,
) -> Vec<Judged> {
    let names: std::collections::BTreeSet<&String> = desired.keys().chain(sights.keys()).collect();
    let forgotten = Remembered::default();
    names
        .into_iter()
        .filter_map(|name| {
            let id = ResourceId { kind: kind.name(), name: name.clone() };
            let remembered = context.memory.get(&id).map_or(&forgotten, AsRef::as_ref);
            // What was not even asked for is as good as not seen, never absent.
            let sight = sights.get(name)?;
            One { context, kind, id, remembered }.judge(desired.get(name), sight)
        })
        .collect()
}

struct One<'a> {
    context: &'a Context<'a>,
    kind: &'a dyn AnyKind,
    id: ResourceId,
    remembered: &'a Remembered,
}

impl One<'_> {
    fn judge(self, desired: Option<&Value>, sight: &Sight<Value>) -> Option<Judged> {
        match (desired, sight) {
            (_, Sight::Unknown(error)) => {
                // A new account is not ready at once; that is no failure.
                let soon = self.context.in_grace
                    && matches!(
                        error.class,
                        ErrorClass::NotReady | ErrorClass::Denied | ErrorClass::RegionDisabled
                    );
                let verdict = if soon { Verdict::Pending } else { Verdict::Unknown };
                let mut judged = self.plain(verdict, Some(error.class.reason()));
                judged.resource.error = Some(Box::new(error.clone()));
                Some(judged)
            }
            (None, Sight::Absent) => None,
            (Some(desired), Sight::Absent) => Some(self.absent(desired)),
            (Some(desired), Sight::Present(seen)) => Some(self.present(desired, seen)),
            (None, Sight::Present(seen)) => self.not_desired(seen),
        }
    }

    fn absent(self, desired: &Value) -> Judged {
        if self.settles(None) {
            return self.plain(Verdict::Pending, Some(SETTLING));
        }
        let calls = self.kind.mend(self.context.world, self.context.target, &self.id.name, desired, None);
        let changes = diff::fields(desired, &Value::Object(serde_json::Map::new()));
        let reason = format!("{} {} is not there", self.kind.name(), self.id.name);
        let why = if self.is_contested() { CONTESTED } else { MISSING };
        self.drifted(why, changes, calls, Action::Create, reason, None)
    }

    fn present(self, desired: &Value, seen: &Seen<Value>) -> Judged {
        let world = self.context.world;
        if seen.mark == Mark::Newer {
            return self.with_notes(self.plain(Verdict::InSync, Some(NEWER_VERSION)), seen);
        }
        let adopted = self.adopted();
        if seen.mark == Mark::Foreign && !self.remembered.ours && !adopted {
            return self.with_notes(self.plain(Verdict::Foreign, Some(NAME_TAKEN)), seen);
        }
        let mut changes = diff::fields(desired, &seen.spec);
        let disowned = seen.mark == Mark::Foreign;
        if disowned {
            changes.push(FieldChange {
                path: format!("tags.{OWNER_TAG}"),
                desired: Value::from(world.installation.as_str()).into(),
                observed: Json::default(),
            });
            changes.sort_by(|a, b| a.path.cmp(&b.path));
            changes.dedup_by(|a, b| a.path == b.path);
        }
        if changes.is_empty() {
            return self.with_notes(self.plain(Verdict::InSync, None), seen);
        }
        if self.settles(Some(&seen.spec)) {
            return self.with_notes(self.plain(Verdict::Pending, Some(SETTLING)), seen);
        }
        let (calls, refused) =
            self.askable(self.kind.mend(world, self.context.target, &self.id.name, desired, Some(seen)));
        let unknown_only = calls.is_empty()
            && changes.iter().all(|c| c.path.starts_with("subscriptions.") && c.desired.is_null());
        let reason = match () {
            () if self.is_contested() => CONTESTED,
            () if disowned && !adopted => OWNERSHIP_REMOVED,
            () if !disowned && changes.iter().any(lost_mark) => MARK_REMOVED,
            () if unknown_only => UNKNOWN_SUBSCRIPTION,
            () if calls.is_empty() && !refused.is_empty() => SUBSCRIPTION_LOST,
            () if calls.is_empty() => NOT_OURS_TO_WRITE,
            () => "Drifted",
        };
        let paths: Vec<&str> = changes.iter().map(|c| c.path.as_str()).take(3).collect();
        let why = match () {
            () if disowned && adopted => format!("adopted by configuration; {} differs", paths.join(", ")),
            () if disowned => "it lost the mark and tag that make it ours".to_owned(),
            () => format!("{}{} differs", paths.join(", "), if changes.len() > 3 { " and more" } else { "" }),
        };
        let mut judged = self.drifted(reason, changes, calls, Action::Update, why, Some(&seen.spec));
        judged.resource.notes = self.told(&seen.notes).into_iter().chain(refused).collect();
        judged
    }

    fn not_desired(self, seen: &Seen<Value>) -> Option<Judged> {
        match seen.mark {
            Mark::Newer => None,
            // On our own bus a stranger's rule is worth knowing; elsewhere what is not ours is none of our business.
            Mark::Foreign => {
                (self.id.kind == "alert_rule").then(|| self.plain(Verdict::Foreign, Some(STRANGER)))
            }
            Mark::Ours if self.remembered.written.is_some() && self.settles(Some(&seen.spec)) => {
                Some(self.plain(Verdict::Pending, Some(SETTLING)))
            }
            Mark::Ours => {
                let Removal { calls, hold } =
                    self.kind.removal(self.context.world, self.context.target, &self.id.name, seen);
                // A role that somebody else keeps was only verified; nothing of ours is left behind with it.
                if calls.is_empty() {
                    return None;
                }
                let reason = format!("{} {} is ours and no longer desired", self.kind.name(), self.id.name);
                let mut judged = self.plain(Verdict::Orphan, None);
                judged.resource.notes = self.told(&seen.notes);
                judged.seen = Some(seen.spec.clone());
                judged.proposal =
                    Some(Proposal { action: Action::Delete, stage: Stage::Contract, reason, calls, hold });
                Some(judged)
            }
        }
    }

    /// Takes out requests for subscriptions that must not be repeated now, with a note for each.
    fn askable(&self, calls: Vec<Call>) -> (Vec<Call>, Vec<Note>) {
        let mut notes = Vec::new();
        let now = self.context.now;
        let calls = calls
            .into_iter()
            .filter(|call| {
                let Call::Subscribe { protocol, endpoint, .. } = call else { return true };
                let label = format!("{protocol} {endpoint}");
                let refusal = self.remembered.subscriptions.get(&label).and_then(|asked| asked.refusal(now));
                if let Some(why) = &refusal {
                    let message = format!("{label} {why}; it is not asked again by itself: subscribe it by hand, or take it out of the configuration");
                    notes.push(Note { about: Some(label), ..Note::new(SUBSCRIPTION_LOST, message) });
                }
                refusal.is_none()
            })
            .collect();
        (calls, notes)
    }

    /// Remarks, each with what is remembered of what it is about.
    fn told(&self, notes: &[Note]) -> Vec<Note> {
        let told = |note: &Note| {
            let asked = note.about.as_ref().map(|about| self.remembered.subscriptions.get(about).cloned());
            asked.map_or_else(
                || note.clone(),
                |asked| asked.unwrap_or_default().told(note.clone(), self.context.now),
            )
        };
        notes.iter().map(told).collect()
    }

    /// Whether a read that shows the state before our own recent write is just late.
    fn settles(&self, seen: Option<&Value>) -> bool {
        self.remembered.written.as_ref().is_some_and(|(at, before)| {
            let age = Duration::try_from(self.context.now.duration_since(*at)).unwrap_or_default();
            age < self.context.settle && before.as_ref() == seen
        })
    }

    /// Whether it was repaired so often lately that somebody must be working against us.
    fn is_contested(&self) -> bool {
        let now = self.context.now;
        self.remembered.repairs.iter().filter(|at| now.duration_since(**at) < HOUR).count() >= CONTEST
    }

    fn adopted(&self) -> bool {
        let target = self.context.target;
        let key = (
            target.account().clone(),
            target.region().clone(),
            self.id.kind.to_owned(),
            self.id.name.clone(),
        );
        self.context.world.adopt.contains(&key)
    }

    fn plain(&self, verdict: Verdict, reason: Option<&'static str>) -> Judged {
        let resource = Resource {
            id: self.id.clone(),
            verdict,
            reason,
            changes: [].into(),
            error: None,
            notes: Vec::new(),
        };
        Judged { resource, proposal: None, seen: None }
    }

    fn with_notes(&self, mut judged: Judged, seen: &Seen<Value>) -> Judged {
        judged.resource.notes = self.told(&seen.notes);
        judged.seen = Some(seen.spec.clone());
        judged
    }

    fn drifted(
        &self,
        reason: &'static str,
        changes: Vec<FieldChange>,
        calls: Vec<Call>,
        action: Action,
        why: String,
        seen: Option<&Value>,
    ) -> Judged {
        let mut judged = self.plain(Verdict::Drifted, Some(reason));
        judged.resource.changes = changes.into();
        judged.seen = seen.cloned();
        let stage =
            if seen.is_some_and(|spec| self.kind.in_force(spec)) { Stage::Switch } else { Stage::Expand };
        judged.proposal =
            (!calls.is_empty()).then_some(Proposal { action, stage, reason: why, calls, hold: None });
        judged
    }
}

/// Whether a description that should carry the mark carries none.
fn lost_mark(change: &FieldChange) -> bool {
    let marked = |value: &Json| value.as_str().contains(MARK);
    change.path == "description" && marked(&change.desired) && !marked(&change.observed)
}

#[cfg(test)]
mod tests;
