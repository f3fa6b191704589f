//! Reading and writing metric filters.

use aws_sdk_cloudwatchlogs::types::{MetricFilter as Row, MetricTransformation, StandardUnit};
use aws_smithy_types::error::operation::BuildError;
use aws_types::request_id::RequestId;

use super::{Cloud, Session, send};
use crate::model::call::Call;
use crate::model::error::CloudError;
use crate::model::metric_filter::MetricFilter;

impl Cloud {
    /// All metric filters of a log group of the session's account and Region, by name. A group that is not there is an
    /// error of the class `NotFound`.
    pub async fn metric_filters(
        &self,
        session: &Session,
        group: &str,
    ) -> Result<Vec<(String, MetricFilter)>, CloudError> {
        let mut filters = Vec::new();
        let mut token = None;
        loop {
            let request = self.logs.describe_metric_filters().log_group_name(group).set_next_token(token);
            let page =
                send!(self, session, aws_sdk_cloudwatchlogs, "logs", "DescribeMetricFilters", request)?;
            filters.extend(page.metric_filters.unwrap_or_default().into_iter().filter_map(read));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(filters);
            }
        }
    }

    pub(super) async fn write_logs(
        &self,
        session: &Session,
        call: &Call,
    ) -> Result<Option<String>, CloudError> {
        let request_id = match call {
            Call::PutMetricFilter { group, name, filter } => {
                let built = |error: BuildError| {
                    super::execute::refused(session, call, "InvalidInput", &error.to_string())
                };
                let transformation = transformation(filter).map_err(built)?;
                let request = self
                    .logs
                    .put_metric_filter()
                    .log_group_name(group)
                    .filter_name(name)
                    .filter_pattern(filter.pattern.as_ref())
                    .metric_transformations(transformation);
                send!(self, session, aws_sdk_cloudwatchlogs, "logs", "PutMetricFilter", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DeleteMetricFilter { group, name } => {
                let request = self.logs.delete_metric_filter().log_group_name(group).filter_name(name);
                send!(self, session, aws_sdk_cloudwatchlogs, "logs", "DeleteMetricFilter", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            _ => return Err(super::execute::misplaced(session, call)),
        };
        Ok(request_id)
    }
}

/// What a filter makes of an event. AWS replaces all of it, so what is not there goes.
fn transformation(filter: &MetricFilter) -> Result<MetricTransformation, BuildError> {
    let dimensions = filter.dimensions.clone().into_iter().collect();
    MetricTransformation::builder()
        .metric_name(&filter.metric)
        .metric_namespace(&filter.namespace)
        .metric_value(&filter.value)
        .set_default_value(filter.default_value)
        .set_dimensions(Some(dimensions).filter(|_| !filter.dimensions.is_empty()))
        .set_unit(filter.unit.as_deref().map(StandardUnit::from))
        .build()
}

/// A filter as compared; none where AWS names it by nothing.
fn read(row: Row) -> Option<(String, MetricFilter)> {
    // AWS: there is exactly one.
    let mut other = Vec::new();
    other.extend(
        row.field_selection_criteria.filter(|text| !text.is_empty()).map(|text| format!("fields {text}")),
    );
    other.extend(row.apply_on_transformed_logs.then(|| "transformed logs".to_owned()));
    let made = row.metric_transformations.unwrap_or_default().into_iter().next();
    let filter = MetricFilter {
        pattern: row.filter_pattern.unwrap_or_default().into(),
        namespace: made.as_ref().map(|made| made.metric_namespace.clone()).unwrap_or_default(),
        metric: made.as_ref().map(|made| made.metric_name.clone()).unwrap_or_default(),
        value: made.as_ref().map(|made| made.metric_value.clone()).unwrap_or_default(),
        default_value: made.as_ref().and_then(|made| made.default_value),
        unit: made
            .as_ref()
            .and_then(|made| made.unit.as_ref())
            .filter(|unit| **unit != StandardUnit::None)
            .map(|unit| unit.as_str().to_owned()),
        dimensions: made.and_then(|made| made.dimensions).into_iter().flatten().collect(),
        other: (!other.is_empty()).then(|| other.join(", ")),
    };
    Some((row.filter_name?, filter))
}
