//! The managed kinds: what each must look like, how it is read, which calls mend it.
//!
//! A kind is one file and one line in [`KINDS`]. Deciding is pure: a kind turns desired and observed specs into
//! [`Call`]s and never sends one. Reading is the only thing here that awaits.

pub(crate) mod alert_rule;
pub(crate) mod archive;
mod delivery_role;
pub(crate) mod event_bus;
mod forwarding_role;
mod guard_rule;
mod guard_text;
pub(crate) mod key;
mod log_group;
mod metric_alarm;
mod metric_filter;
#[cfg(test)]
pub(crate) mod model;
mod news_text;
pub(crate) mod queue;
mod rule;
mod sender_rule;
pub(crate) mod topic;

pub(crate) use self::rule::DEFAULT_BUS;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::aws::{Cloud, Session};
use crate::model::call::{Call, Tags};
use crate::model::error::CloudError;
use crate::model::plan::Hold;
use crate::model::resource::{KindName, Note};
use crate::model::target::Side;
use crate::world::{MARK, MARK_VERSION, OWNER_TAG, Target, World};

/// Every kind, in the order in which they are created; removal goes backwards.
///
/// A bus and its policy stand before anything that sends to it, because EventBridge checks them when a target
/// is put and drops events without a retry when they are missing.
pub static KINDS: [&dyn AnyKind; 14] = [
    &Erased::<key::Key>::NEW,
    &Erased::<queue::Queue>::NEW,
    &Erased::<event_bus::EventBus>::NEW,
    &Erased::<archive::Archive>::NEW,
    &Erased::<topic::Topic>::NEW,
    &Erased::<delivery_role::DeliveryRole>::NEW,
    &Erased::<alert_rule::AlertRule>::NEW,
    &Erased::<metric_alarm::Alarm>::NEW,
    &Erased::<guard_rule::GuardRule>::NEW,
    &Erased::<forwarding_role::ForwardingRole>::NEW,
    &Erased::<sender_rule::SenderRule>::NEW,
    &Erased::<log_group::Group>::NEW,
    &Erased::<metric_filter::Filter>::NEW,
    &Erased::<metric_alarm::FilterAlarm>::NEW,
];

/// Whose a resource is, as far as its mark and tag say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Ours, and made by this version of what we write, or an older one.
    Ours,
    /// Ours, made by a newer version: left alone.
    Newer,
    /// Not ours.
    Foreign,
}

impl Mark {
    /// Reads the mark in a description; `None` where there is no mark at all and the tag must decide.
    pub fn in_description(world: &World, description: &str) -> Option<Self> {
        let rest = description.split(MARK).nth(1)?;
        let (installation, version) = rest.split_once(" v")?;
        if installation != world.installation.as_str() {
            return Some(Self::Foreign);
        }
        let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
        match digits.parse::<u32>() {
            Ok(version) if version > MARK_VERSION => Some(Self::Newer),
            Ok(_) => Some(Self::Ours),
            Err(_) => None,
        }
    }

    /// What the tags say; they decide where the description says nothing.
    pub fn in_tags(world: &World, tags: &Tags) -> Self {
        if tags.get(OWNER_TAG).is_some_and(|owner| owner == world.installation.as_str()) {
            Self::Ours
        } else {
            Self::Foreign
        }
    }
}

/// A resource that is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen<S> {
    /// What it looks like, in the terms in which it is compared.
    pub spec: S,
    /// Whose it is.
    pub mark: Mark,
    /// Remarks that are no drift.
    pub notes: Vec<Note>,
}

/// What a look at one resource told. What could not be seen is not absent.
#[derive(Clone, Debug, PartialEq)]
pub enum Sight<S> {
    /// It is there.
    Present(Seen<S>),
    /// AWS says that it is not there.
    Absent,
    /// It could not be seen.
    Unknown(CloudError),
}

/// What a look at one kind in one target told, by resource name.
pub type Sights<S> = BTreeMap<String, Sight<S>>;

/// What to look at.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Names that are desired, or that are known from earlier passes.
    pub names: BTreeSet<String>,
    /// Whether to search for forgotten resources too, where that takes a call of its own.
    pub sweep: bool,
}

/// How something is taken away, or why not yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Removal {
    /// The calls, in order.
    pub calls: Vec<Call>,
    /// Why they are not made.
    pub hold: Option<Hold>,
}

/// A managed kind.
pub trait Kind: Send + Sync + 'static {
    /// What is compared: plain data in normal form.
    type Spec: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync;
    /// The kind's name in JSON, metrics and `adopt`.
    const NAME: KindName;
    /// Which half of the path it belongs to.
    const SIDE: Side;

    /// What must be there, by name.
    fn desired(world: &World, target: &Target) -> BTreeMap<String, Self::Spec>;

    /// Reads the resources of `scope` and whatever else of ours the same calls show.
    fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> impl Future<Output = Sights<Self::Spec>> + Send;

    /// The calls that turn what was observed (none: absent) into what is desired, in order. Empty if it is not
    /// ours to write.
    fn mend(
        world: &World,
        target: &Target,
        name: &str,
        desired: &Self::Spec,
        observed: Option<&Seen<Self::Spec>>,
    ) -> Vec<Call>;

    /// Whether what was seen does its part of an alert path. Changing what does not can break nothing.
    fn in_force(_seen: &Self::Spec) -> bool {
        true
    }

    /// The calls that take it away.
    fn removal(world: &World, target: &Target, name: &str, observed: &Seen<Self::Spec>) -> Removal;
}

/// A kind with its spec erased to JSON, so that all kinds stand in one list.
pub trait AnyKind: Send + Sync {
    /// [`Kind::NAME`].
    fn name(&self) -> KindName;
    /// [`Kind::SIDE`].
    fn side(&self) -> Side;
    /// [`Kind::desired`].
    fn desired(&self, world: &World, target: &Target) -> BTreeMap<String, Value>;
    /// [`Kind::observe`].
    fn observe<'a>(
        &self,
        cloud: &'a Cloud,
        session: &'a Session,
        world: &'a World,
        target: &'a Target,
        scope: Scope,
    ) -> BoxFuture<'a, Sights<Value>>;
    /// [`Kind::mend`].
    fn mend(
        &self,
        world: &World,
        target: &Target,
        name: &str,
        desired: &Value,
        observed: Option<&Seen<Value>>,
    ) -> Vec<Call>;
    /// [`Kind::in_force`].
    fn in_force(&self, seen: &Value) -> bool;
    /// [`Kind::removal`].
    fn removal(&self, world: &World, target: &Target, name: &str, observed: &Seen<Value>) -> Removal;
}

struct Erased<K>(std::marker::PhantomData<fn() -> K>);

impl<K: Kind> Erased<K> {
    const NEW: Self = Self(std::marker::PhantomData);
}

fn erase<S: Serialize>(spec: &S) -> Value {
    #[expect(clippy::expect_used, reason = "specs are plain data with text keys, which always serialize")]
    serde_json::to_value(spec).expect("specs serialize")
}

fn typed<S: DeserializeOwned>(spec: &Value) -> S {
    #[expect(clippy::expect_used, reason = "only values that `erase` made from the same type come here")]
    serde_json::from_value(spec.clone()).expect("specs round-trip")
}

fn typed_seen<S: DeserializeOwned>(seen: &Seen<Value>) -> Seen<S> {
    Seen { spec: typed(&seen.spec), mark: seen.mark, notes: seen.notes.clone() }
}

impl<K: Kind> AnyKind for Erased<K> {
    fn name(&self) -> KindName {
        K::NAME
    }

    fn side(&self) -> Side {
        K::SIDE
    }

    fn desired(&self, world: &World, target: &Target) -> BTreeMap<String, Value> {
        if target.key.side != K::SIDE || target.leaving {
            return BTreeMap::new();
        }
        K::desired(world, target).into_iter().map(|(name, spec)| (name, erase(&spec))).collect()
    }

    fn observe<'a>(
        &self,
        cloud: &'a Cloud,
        session: &'a Session,
        world: &'a World,
        target: &'a Target,
        scope: Scope,
    ) -> BoxFuture<'a, Sights<Value>> {
        async move {
            let sights = K::observe(cloud, session, world, target, &scope).await;
            let erased = |sight| match sight {
                Sight::Present(Seen { spec, mark, notes }) => {
                    Sight::Present(Seen { spec: erase(&spec), mark, notes })
                }
                Sight::Absent => Sight::Absent,
                Sight::Unknown(error) => Sight::Unknown(error),
            };
            sights.into_iter().map(|(name, sight)| (name, erased(sight))).collect()
        }
        .boxed()
    }

    fn mend(
        &self,
        world: &World,
        target: &Target,
        name: &str,
        desired: &Value,
        observed: Option<&Seen<Value>>,
    ) -> Vec<Call> {
        K::mend(world, target, name, &typed(desired), observed.map(typed_seen).as_ref())
    }

    fn in_force(&self, seen: &Value) -> bool {
        K::in_force(&typed(seen))
    }

    fn removal(&self, world: &World, target: &Target, name: &str, observed: &Seen<Value>) -> Removal {
        K::removal(world, target, name, &typed_seen(observed))
    }
}

/// Every name of `scope` as not seen, for the same reason.
fn all_unknown<S>(scope: &Scope, error: &CloudError) -> Sights<S> {
    scope.names.iter().map(|name| (name.clone(), Sight::Unknown(error.clone()))).collect()
}

/// Adds the names of `scope` that a complete listing did not show: they are absent.
fn rest_absent<S>(scope: &Scope, mut sights: Sights<S>) -> Sights<S> {
    for name in &scope.names {
        sights.entry(name.clone()).or_insert(Sight::Absent);
    }
    sights
}

#[cfg(test)]
mod tests;
