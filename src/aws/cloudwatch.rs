//! Reading and writing alarms.

use std::collections::BTreeMap;

use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, Metric, MetricAlarm as Row, MetricDataQuery, MetricStat, StandardUnit,
    Statistic, Tag,
};
use aws_types::request_id::RequestId;

use jiff::{SignedDuration, Timestamp};

use super::{Cloud, Session, send};
use crate::deliveries::Figure;
use crate::model::alarm::MetricAlarm;
use crate::model::call::{Call, Tags};
use crate::model::error::CloudError;

/// The most metrics that AWS takes in a call.
const MOST_QUERIES: usize = 500;
/// What the id of a query begins with; its number follows.
const QUERY_ID: &str = "m";

fn query(n: usize, figure: &Figure, seconds: i32) -> MetricDataQuery {
    let dimension = |(name, value): &(&str, String)| Dimension::builder().name(*name).value(value).build();
    let metric = Metric::builder()
        .namespace(figure.namespace)
        .metric_name(figure.count.metric())
        .set_dimensions(Some(figure.dimensions.iter().map(dimension).collect()))
        .build();
    let sum = MetricStat::builder().metric(metric).period(seconds).stat("Sum").build();
    MetricDataQuery::builder().id(format!("{QUERY_ID}{n}")).metric_stat(sum).build()
}

impl Cloud {
    /// The metric alarms whose names begin with `prefix`: name, ARN and what they are.
    pub async fn alarms(
        &self,
        session: &Session,
        prefix: &str,
    ) -> Result<Vec<(String, String, MetricAlarm)>, CloudError> {
        let mut alarms = Vec::new();
        let mut token = None;
        loop {
            let request = self.cloudwatch.describe_alarms().alarm_name_prefix(prefix).set_next_token(token);
            let page = send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "DescribeAlarms", request)?;
            alarms.extend(page.metric_alarms.unwrap_or_default().into_iter().filter_map(read));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(alarms);
            }
        }
    }

    /// The metric alarms on a metric without dimensions: name, ARN and what they are. AWS leaves out alarms on expressions.
    pub async fn alarms_for_metric(
        &self,
        session: &Session,
        namespace: &str,
        metric: &str,
    ) -> Result<Vec<(String, String, MetricAlarm)>, CloudError> {
        let request = self.cloudwatch.describe_alarms_for_metric().namespace(namespace).metric_name(metric);
        let answer =
            send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "DescribeAlarmsForMetric", request)?;
        Ok(answer.metric_alarms.unwrap_or_default().into_iter().filter_map(read).collect())
    }

    /// Figures summed over periods of this length from one moment to another: each with the beginnings of the periods in
    /// which anything was counted, and how much.
    pub async fn figures(
        &self,
        session: &Session,
        figures: &[Figure],
        period: SignedDuration,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<(Figure, Vec<(Timestamp, f64)>)>, CloudError> {
        let seconds = i32::try_from(period.as_secs()).unwrap_or(i32::MAX);
        let mut read: Vec<(Figure, Vec<(Timestamp, f64)>)> =
            figures.iter().map(|figure| (figure.clone(), Vec::new())).collect();
        for some in read.chunks_mut(MOST_QUERIES) {
            let queries: Vec<_> =
                some.iter().enumerate().map(|(n, (figure, _))| query(n, figure, seconds)).collect();
            let mut token = None;
            loop {
                let request = self
                    .cloudwatch
                    .get_metric_data()
                    .set_metric_data_queries(Some(queries.clone()))
                    .start_time(DateTime::from_secs(from.as_second()))
                    .end_time(DateTime::from_secs(to.as_second()))
                    .set_next_token(token);
                let page = send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "GetMetricData", request)?;
                for result in page.metric_data_results.unwrap_or_default() {
                    let n =
                        result.id.as_deref().and_then(|id| id.strip_prefix(QUERY_ID)?.parse::<usize>().ok());
                    let Some((_, periods)) = n.and_then(|n| some.get_mut(n)) else { continue };
                    let began = result.timestamps.unwrap_or_default().into_iter();
                    let began = began.map(|at| Timestamp::from_second(at.secs()).unwrap_or(Timestamp::MIN));
                    periods.extend(began.zip(result.values.unwrap_or_default()));
                }
                token = page.next_token.filter(|token| !token.is_empty());
                if token.is_none() {
                    break;
                }
            }
        }
        Ok(read)
    }

    /// The tags of an alarm.
    pub async fn alarm_tags(&self, session: &Session, arn: &str) -> Result<Tags, CloudError> {
        let request = self.cloudwatch.list_tags_for_resource().resource_arn(arn);
        let answer = send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "ListTagsForResource", request)?;
        let tag = |tag: Tag| Some((tag.key?, tag.value?));
        Ok(answer.tags.unwrap_or_default().into_iter().filter_map(tag).collect())
    }

    pub(super) async fn write_cloudwatch(
        &self,
        session: &Session,
        call: &Call,
    ) -> Result<Option<String>, CloudError> {
        let tags = |tags: &Tags| {
            tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect::<Vec<_>>()
        };
        let request_id = match call {
            Call::PutMetricAlarm { name, alarm, tags: given } => {
                let dimension =
                    |(name, value): (&String, &String)| Dimension::builder().name(name).value(value).build();
                let request = self
                    .cloudwatch
                    .put_metric_alarm()
                    .alarm_name(name)
                    .alarm_description(&alarm.description)
                    .namespace(&alarm.namespace)
                    .metric_name(&alarm.metric)
                    .set_dimensions(Some(alarm.dimensions.iter().map(dimension).collect()))
                    .statistic(Statistic::from(alarm.statistic.as_str()))
                    .period(alarm.period_seconds)
                    .evaluation_periods(alarm.periods)
                    .datapoints_to_alarm(alarm.datapoints)
                    .threshold(alarm.threshold)
                    .comparison_operator(ComparisonOperator::from(alarm.comparison.as_str()))
                    .treat_missing_data(&alarm.missing)
                    .actions_enabled(alarm.actions_enabled)
                    .set_alarm_actions(Some(alarm.alarm_actions.clone()))
                    .set_ok_actions(Some(alarm.ok_actions.clone()))
                    .set_insufficient_data_actions(Some(alarm.no_data_actions.clone()))
                    .set_tags(Some(tags(given)));
                send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "PutMetricAlarm", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::TagAlarm { arn, tags: given } => {
                let request = self.cloudwatch.tag_resource().resource_arn(arn).set_tags(Some(tags(given)));
                send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "TagResource", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            Call::DeleteAlarms { name } => {
                let request = self.cloudwatch.delete_alarms().alarm_names(name);
                send!(self, session, aws_sdk_cloudwatch, "cloudwatch", "DeleteAlarms", request)?
                    .request_id()
                    .map(str::to_owned)
            }
            _ => return Err(super::execute::misplaced(session, call)),
        };
        Ok(request_id)
    }
}

/// An alarm as compared; none where AWS names it by nothing.
fn read(row: Row) -> Option<(String, String, MetricAlarm)> {
    let mut other = Vec::new();
    if let Some(metrics) = row.metrics.filter(|metrics| !metrics.is_empty()) {
        other.push(format!("{} expressions", metrics.len()));
    }
    other.extend(row.extended_statistic.map(|statistic| format!("statistic {statistic}")));
    other.extend(row.unit.map(|unit: StandardUnit| format!("unit {unit}")));
    let dimensions: BTreeMap<String, String> = row
        .dimensions
        .unwrap_or_default()
        .into_iter()
        .filter_map(|dimension| Some((dimension.name?, dimension.value?)))
        .collect();
    let periods = row.evaluation_periods.unwrap_or_default();
    let alarm = MetricAlarm {
        description: row.alarm_description.unwrap_or_default(),
        namespace: row.namespace.unwrap_or_default(),
        metric: row.metric_name.unwrap_or_default(),
        dimensions,
        statistic: row.statistic.map(|statistic| statistic.as_str().to_owned()).unwrap_or_default(),
        period_seconds: row.period.unwrap_or_default(),
        periods,
        datapoints: row.datapoints_to_alarm.unwrap_or(periods),
        threshold: row.threshold.unwrap_or_default(),
        comparison: row.comparison_operator.map(|operator| operator.as_str().to_owned()).unwrap_or_default(),
        // AWS: what is not said is `missing`.
        missing: row.treat_missing_data.unwrap_or_else(|| "missing".to_owned()),
        actions_enabled: row.actions_enabled.unwrap_or(true),
        alarm_actions: row.alarm_actions.unwrap_or_default(),
        ok_actions: row.ok_actions.unwrap_or_default(),
        no_data_actions: row.insufficient_data_actions.unwrap_or_default(),
        other: (!other.is_empty()).then(|| other.join(", ")),
    };
    Some((row.alarm_name?, row.alarm_arn?, alarm))
}
