//! Metric filters on the log group of the organization's trail, as auditors look for them.
//!
//! AWS: a filter has no tags and no description, so its exact name says whose it is.

use std::collections::BTreeMap;

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::compliance::installed;
use crate::compliance::place::LogGroup;
use crate::model::call::Call;
use crate::model::error::ErrorClass;
use crate::model::metric_filter::MetricFilter;
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::world::{Target, World};

pub(super) struct Filter;

impl Kind for Filter {
    type Spec = MetricFilter;
    const NAME: KindName = "metric_filter";
    const SIDE: Side = Side::Audit;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, MetricFilter> {
        target.log_group().map(|_| installed::filters(world)).unwrap_or_default()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<MetricFilter> {
        let Some(group) = target.log_group() else { return Sights::new() };
        let rows = match cloud.metric_filters(session, &group.name).await {
            Ok(rows) => rows,
            // Whoever takes everything away has nothing to take from a group that is gone.
            Err(error) if error.class == ErrorClass::NotFound && target.leaving => Vec::new(),
            Err(error) => return super::all_unknown(scope, &error),
        };
        let ours = rows.into_iter().filter(|(name, _)| installed::is_ours(world, name));
        let sights = ours
            .map(|(name, spec)| (name, Sight::Present(Seen { spec, mark: Mark::Ours, notes: Vec::new() })))
            .collect();
        super::rest_absent(scope, sights)
    }

    fn mend(
        _: &World,
        target: &Target,
        name: &str,
        desired: &MetricFilter,
        observed: Option<&Seen<MetricFilter>>,
    ) -> Vec<Call> {
        let Some(group) = target.log_group().filter(|_| observed.is_none_or(|seen| seen.spec != *desired))
        else {
            return Vec::new();
        };
        // AWS: it replaces what is there by that name.
        vec![Call::PutMetricFilter {
            group: group.name.clone(),
            name: name.to_owned(),
            filter: Box::new(desired.clone()),
        }]
    }

    /// Alerts flow without it.
    fn in_force(_: &MetricFilter) -> bool {
        false
    }

    fn removal(_: &World, target: &Target, name: &str, _: &Seen<MetricFilter>) -> Removal {
        let delete =
            |group: &LogGroup| Call::DeleteMetricFilter { group: group.name.clone(), name: name.to_owned() };
        Removal { calls: target.log_group().map(delete).into_iter().collect(), hold: None }
    }
}
