//! The archive of the central bus: what happened can be read and replayed long after the alerts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::model::call::Call;
use crate::model::error::ErrorClass;
use crate::model::plan::Hold;
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

/// Events are kept that nobody could bring back; only who asks for the data to go takes them away.
pub(crate) const ARCHIVE_KEPT: &str = "ArchiveKept";

/// An archive as compared. Archives have no tags: the description says whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ArchiveSpec {
    /// The ARN of the bus, which cannot be changed.
    source: String,
    /// 0: for ever.
    retention_days: i32,
    description: String,
    /// What it keeps; ours keep everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    /// The customer's key, which is that of the bus; none: AWS's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kms_key_arn: Option<String>,
}

pub(super) struct Archive;

impl Kind for Archive {
    type Spec = ArchiveSpec;
    const NAME: KindName = "archive";
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, ArchiveSpec> {
        let Some(retention_days) = world.archive_days.filter(|_| target.holds_bus(world)) else {
            return BTreeMap::new();
        };
        let spec = ArchiveSpec {
            source: world.bus_arn(),
            retention_days,
            description: format!("events of the central bus; {}", world.mark()),
            pattern: None,
            kms_key_arn: world.key.clone(),
        };
        BTreeMap::from([(world.bus().to_owned(), spec)])
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<ArchiveSpec> {
        // One that is not wanted any more is looked for as often as forgotten things are.
        if !target.holds_bus(world) || (scope.names.is_empty() && !scope.sweep) {
            return Sights::new();
        }
        let sight = match cloud.describe_archive(session, world.bus()).await {
            Ok(row) => {
                let mark = Mark::in_description(world, &row.description).unwrap_or(Mark::Foreign);
                let spec = ArchiveSpec {
                    source: row.source,
                    retention_days: row.retention_days,
                    description: row.description,
                    pattern: row.pattern,
                    kms_key_arn: row.key,
                };
                Sight::Present(Seen { spec, mark, notes: Vec::new() })
            }
            Err(error) if error.class == ErrorClass::NotFound => Sight::Absent,
            Err(error) => Sight::Unknown(error),
        };
        BTreeMap::from([(world.bus().to_owned(), sight)])
    }

    fn mend(
        _: &World,
        _: &Target,
        name: &str,
        desired: &ArchiveSpec,
        observed: Option<&Seen<ArchiveSpec>>,
    ) -> Vec<Call> {
        let ArchiveSpec { source, retention_days, description, kms_key_arn: key, .. } = desired.clone();
        let name = name.to_owned();
        match observed {
            None => {
                let mut calls = vec![Call::CreateArchive {
                    name: name.clone(),
                    source,
                    retention_days,
                    description: description.clone(),
                }];
                calls.extend(key.is_some().then_some(Call::UpdateArchive {
                    name,
                    retention_days,
                    description,
                    key,
                }));
                calls
            }
            // The archive of another bus, or of a part of the events, cannot be made into ours.
            Some(seen) if seen.spec.source != source || seen.spec.pattern.is_some() => Vec::new(),
            Some(seen) if seen.spec == *desired => Vec::new(),
            Some(_) => vec![Call::UpdateArchive { name, retention_days, description, key }],
        }
    }

    /// Alerts flow without it.
    fn in_force(_: &ArchiveSpec) -> bool {
        false
    }

    fn removal(_: &World, _: &Target, name: &str, _: &Seen<ArchiveSpec>) -> Removal {
        let hold = Hold {
            reason: ARCHIVE_KEPT,
            message: format!(
                "archive {name} holds what happened; it goes, and the bus with it, only by `teardown --delete-data`"
            ),
            waits: false,
        };
        Removal { calls: vec![Call::DeleteArchive { name: name.to_owned() }], hold: Some(hold) }
    }
}
