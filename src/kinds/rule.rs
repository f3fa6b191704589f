//! What sender rules and alert rules have in common: a rule and its targets are one thing, for neither makes
//! sense alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::events::RuleRow;
use crate::aws::{Cloud, Session};
use crate::document;
use crate::model::call::{Call, RuleTarget};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::json::Json;
use crate::world::World;

/// The name of the bus that every account has, where AWS services put their events.
pub(crate) const DEFAULT_BUS: &str = "default";

/// The state of a rule that matches nothing.
pub(super) const DISABLED: &str = "DISABLED";

/// The most targets that AWS allows on a rule; not adjustable.
const MOST_TARGETS: usize = 5;

/// A rule with its targets, as compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuleSpec {
    /// The event pattern in normal form.
    pub pattern: Value,
    /// `ENABLED`, `DISABLED` or `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    /// The description, which carries the mark.
    pub description: String,
    /// A schedule; ours have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// A role of the rule itself, which EventBridge does not use to deliver; ours have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// The targets by id.
    pub targets: BTreeMap<String, RuleTarget>,
}

/// The state in which a rule matches what is wanted: read-only calls match only in the second one.
pub(super) fn state(read_events: bool) -> String {
    if read_events { "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS" } else { "ENABLED" }.to_owned()
}

/// Reads the rules of a bus whose names begin with `prefix`, each with its targets.
pub(super) async fn observe(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    bus: &str,
    prefix: Option<&str>,
    scope: &Scope,
) -> Sights<RuleSpec> {
    let rows = match cloud.list_rules(session, bus, prefix).await {
        Ok(rows) => rows,
        // No bus, no rules: a complete answer.
        Err(error) if error.class == ErrorClass::NotFound => Vec::new(),
        Err(error) => return super::all_unknown(scope, &error),
    };
    let mut sights = Sights::new();
    // A rule that AWS manages (an archive's, for instance) is nobody's drift.
    for row in rows.into_iter().filter(|row| row.managed_by.is_none()) {
        let name = row.name.clone();
        let sight = match look(cloud, session, world, bus, row).await {
            Ok(Some(seen)) => Sight::Present(seen),
            Ok(None) => Sight::Absent,
            Err(error) => Sight::Unknown(error),
        };
        sights.insert(name, sight);
    }
    super::rest_absent(scope, sights)
}

async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    bus: &str,
    row: RuleRow,
) -> Result<Option<Seen<RuleSpec>>, CloudError> {
    let description = row.description.unwrap_or_default();
    // The tag decides; where the description carries the mark, the tag need not be read.
    let mark = match Mark::in_description(world, &description) {
        Some(mark) => mark,
        None => Mark::in_tags(world, &cloud.event_tags(session, &row.arn).await?),
    };
    let targets = match cloud.list_targets(session, bus, &row.name).await {
        Ok(targets) => targets,
        // Deleted between the two calls.
        Err(error) if error.class == ErrorClass::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let spec = RuleSpec {
        pattern: row.pattern.as_deref().map_or(Value::Null, document::pattern),
        state: row.state,
        description,
        schedule: row.schedule,
        role_arn: row.role_arn,
        targets,
    };
    Ok(Some(Seen { spec, mark, notes: Vec::new() }))
}

/// The calls that make a rule and its targets as desired.
///
/// `PutRule` replaces the whole rule, so it sends every field; `PutTargets` with the same id replaces a target in
/// place. Nothing in use is ever removed to be made again.
pub(super) fn mend(
    world: &World,
    bus: &str,
    name: &str,
    arn: &str,
    desired: &RuleSpec,
    observed: Option<&Seen<RuleSpec>>,
) -> Vec<Call> {
    let mut calls = Vec::new();
    let rule_differs = observed.is_none_or(|seen| {
        let RuleSpec { pattern, state, description, schedule, role_arn, targets: _ } = &seen.spec;
        (pattern, state, description, schedule, role_arn)
            != (&desired.pattern, &desired.state, &desired.description, &desired.schedule, &desired.role_arn)
    });
    if rule_differs {
        calls.push(Call::PutRule {
            bus: bus.to_owned(),
            name: name.to_owned(),
            pattern: Json::from(&desired.pattern),
            state: desired.state.clone(),
            description: desired.description.clone(),
            tags: world.shared_tags(),
        });
    }
    // PutRule ignores tags on a rule that is there.
    if observed.is_some_and(|seen| {
        seen.mark == Mark::Foreign || Mark::in_description(world, &seen.spec.description).is_none()
    }) {
        calls.push(Call::TagEvents { arn: arn.to_owned(), tags: world.owner_tags() });
    }
    let none = BTreeMap::new();
    let there = observed.map_or(&none, |seen| &seen.spec.targets);
    let missing: BTreeMap<_, _> = desired
        .targets
        .iter()
        .filter(|(id, target)| there.get(*id) != Some(*target))
        .map(|(id, target)| (id.clone(), Box::new(target.clone())))
        .collect();
    let foreign: Vec<String> =
        there.keys().filter(|id| !desired.targets.contains_key(*id)).cloned().collect();
    let put = (!missing.is_empty()).then(|| Call::PutTargets {
        bus: bus.to_owned(),
        rule: name.to_owned(),
        targets: missing,
    });
    let remove = (!foreign.is_empty()).then(|| Call::RemoveTargets {
        bus: bus.to_owned(),
        rule: name.to_owned(),
        ids: foreign,
    });
    // Ours first, so that the path is whole before anything goes; unless there is no room for it.
    let new = desired.targets.keys().filter(|id| !there.contains_key(*id)).count();
    if there.len() + new > MOST_TARGETS {
        calls.extend(remove);
        calls.extend(put);
    } else {
        calls.extend(put);
        calls.extend(remove);
    }
    calls
}

/// A rule without a target, or a disabled one, delivers nothing.
pub(crate) fn in_force(spec: &RuleSpec) -> bool {
    !spec.targets.is_empty() && spec.state != DISABLED
}

/// A rule can be deleted only when its targets are gone.
pub(super) fn removal(bus: &str, name: &str, observed: &Seen<RuleSpec>) -> Removal {
    let mut calls = Vec::new();
    if !observed.spec.targets.is_empty() {
        let ids = observed.spec.targets.keys().cloned().collect();
        calls.push(Call::RemoveTargets { bus: bus.to_owned(), rule: name.to_owned(), ids });
    }
    calls.push(Call::DeleteRule { bus: bus.to_owned(), name: name.to_owned() });
    Removal { calls, hold: None }
}
