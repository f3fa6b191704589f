//! The log group of the organization's trail: looked at, and never written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::compliance::installed::{self, MOST_FILTERS};
use crate::compliance::place::{LOG_GROUP_FULL, LOG_GROUP_MISSING, LogGroup, Place};
use crate::model::call::Call;
use crate::model::error::ErrorClass;
use crate::model::resource::{KindName, Note};
use crate::model::target::Side;
use crate::world::{Target, World};

/// What stands for the group as long as nobody knows it.
const UNKNOWN_GROUP: &str = "organization-trail";
const USABLE: &str = "Usable";

/// Whether filters can stand on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogGroupSpec {
    /// `Usable`, or why not.
    state: String,
}

pub(super) struct Group;

impl Kind for Group {
    type Spec = LogGroupSpec;
    const NAME: KindName = "log_group";
    const SIDE: Side = Side::Audit;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, LogGroupSpec> {
        let wanted = world.installed.as_ref().is_some_and(|installed| !installed.themes.is_empty());
        let usable = LogGroupSpec { state: USABLE.to_owned() };
        wanted.then(|| (name(target), usable)).into_iter().collect()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<LogGroupSpec> {
        let mut sights = Sights::new();
        for name in &scope.names {
            let sight = match target.place.as_deref() {
                Some(Place::At(group)) if group.name == *name => look(cloud, session, world, group).await,
                Some(Place::Nowhere(note)) => Sight::Present(lacking(note.clone())),
                Some(Place::Unread(error)) => Sight::Unknown(error.clone()),
                // A group that was it before.
                Some(Place::At(_)) | None => Sight::Absent,
            };
            sights.insert(name.clone(), sight);
        }
        sights
    }

    /// Whoever keeps the trail gives it a log group.
    fn mend(_: &World, _: &Target, _: &str, _: &LogGroupSpec, _: Option<&Seen<LogGroupSpec>>) -> Vec<Call> {
        Vec::new()
    }

    fn removal(_: &World, _: &Target, _: &str, _: &Seen<LogGroupSpec>) -> Removal {
        Removal { calls: Vec::new(), hold: None }
    }
}

fn name(target: &Target) -> String {
    target.log_group().map_or_else(|| UNKNOWN_GROUP.to_owned(), |group| group.name.clone())
}

/// Whether the group is there, and has room for what is wanted beside what is somebody else's.
async fn look(cloud: &Cloud, session: &Session, world: &World, group: &LogGroup) -> Sight<LogGroupSpec> {
    let filters = match cloud.metric_filters(session, &group.name).await {
        Ok(filters) => filters,
        Err(error) if error.class == ErrorClass::NotFound => {
            let message = format!(
                "the trail names log group {group}, and there is none; make it again or give the trail another one: its \
                 events go nowhere meanwhile"
            );
            return Sight::Present(lacking(Note::new(LOG_GROUP_MISSING, message)));
        }
        Err(error) => return Sight::Unknown(error),
    };
    let others = filters.iter().filter(|(name, _)| !installed::is_ours(world, name)).count();
    let wanted = installed::filters(world).len();
    if others + wanted <= MOST_FILTERS {
        let spec = LogGroupSpec { state: USABLE.to_owned() };
        return Sight::Present(Seen { spec, mark: Mark::Ours, notes: Vec::new() });
    }
    let message = format!(
        "log group {group} has {others} metric filters of others, and AWS lets a group have {MOST_FILTERS}, which it raises for \
         nobody: {wanted} more are wanted; remove some, or ask for fewer in `compliance.metric_alarms`"
    );
    Sight::Present(lacking(Note::new(LOG_GROUP_FULL, message)))
}

fn lacking(note: Note) -> Seen<LogGroupSpec> {
    Seen { spec: LogGroupSpec { state: note.reason.to_owned() }, mark: Mark::Ours, notes: vec![note] }
}
