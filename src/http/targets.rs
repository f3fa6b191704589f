//! The targets of one account as it is shown: resources, plan and errors, each with its Region.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::ids::Region;
use crate::model::plan::Change;
use crate::model::resource::Resource;
use crate::model::view::TargetView;

/// Resources, changes and errors over all Regions.
#[derive(Debug, Serialize)]
pub(super) struct Targets<'a> {
    pub(super) resources: Vec<InRegion<'a, Resource>>,
    pub(super) plan: Vec<InRegion<'a, Change>>,
    /// What concerns a whole target, such as a role that cannot be assumed.
    pub(super) errors: Vec<TargetError<'a>>,
}

/// Something with where and when it was seen.
#[derive(Debug, Serialize)]
pub(super) struct InRegion<'a, T> {
    #[serde(flatten)]
    pub(super) item: &'a T,
    pub(super) region: &'a Region,
    pub(super) observed_at: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct TargetError<'a> {
    pub(super) region: &'a Region,
    pub(super) error: String,
    pub(super) observed_at: Timestamp,
}

impl<'a> Targets<'a> {
    pub(super) fn of(targets: impl IntoIterator<Item = &'a Arc<TargetView>>) -> Self {
        let mut all = Self { resources: Vec::new(), plan: Vec::new(), errors: Vec::new() };
        for target in targets {
            let (region, observed_at) = (&target.target.region, target.observed_at);
            all.resources.extend(target.resources.iter().map(|item| InRegion { item, region, observed_at }));
            all.plan.extend(target.plan.changes.iter().map(|item| InRegion { item, region, observed_at }));
            let error = target.error.as_deref().map(ToString::to_string);
            all.errors.extend(error.map(|error| TargetError { region, error, observed_at }));
        }
        all
    }
}
