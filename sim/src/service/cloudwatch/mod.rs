//! CloudWatch: metrics, and alarms on them.
//!
//! Services put their figures in by [`count`]; alarms are looked at each minute by [`settle`].

mod alarm;
mod evaluation;
mod metric;
mod operations;
mod reading;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::call::{Call, Refusal};
use crate::world::World;

pub use alarm::{Alarm, AlarmState};
pub use evaluation::settle;
pub use metric::{Metric, Series};

/// What an account holds of CloudWatch in one Region.
#[derive(Clone, Debug, Default)]
pub struct CloudWatch {
    /// What was measured.
    pub metrics: BTreeMap<Metric, Series>,
    /// Alarms by name.
    pub alarms: BTreeMap<String, Alarm>,
}

/// Performs one operation.
///
/// # Errors
/// What AWS refuses.
pub fn perform(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    match call.operation.as_str() {
        "DeleteAlarms" => operations::delete(world, call),
        "DescribeAlarms" => operations::describe(world, call),
        "DescribeAlarmsForMetric" => operations::describe_for_metric(world, call),
        "DisableAlarmActions" => operations::enable_actions(world, call, false),
        "EnableAlarmActions" => operations::enable_actions(world, call, true),
        "GetMetricData" => reading::data(world, call),
        "GetMetricStatistics" => reading::statistics(world, call),
        "ListMetrics" => reading::list(world, call),
        "ListTagsForResource" => tags::list(world, call),
        "PutMetricAlarm" => operations::put(world, call),
        "PutMetricData" => reading::put(world, call),
        "SetAlarmState" => operations::set_state(world, call),
        "TagResource" => tags::tag(world, call),
        "UntagResource" => tags::untag(world, call),
        other => Err(Refusal::bad("InvalidAction", format!("{other} is not simulated"))),
    }
}

/// Puts one figure of a service into a metric of the account: `value`, measured now.
pub fn count(
    world: &mut World,
    account: &str,
    region: &str,
    (namespace, name): (&str, &str),
    dimensions: &[(&str, &str)],
    value: f64,
) {
    let now = world.now();
    let metric = Metric::new(namespace, name, dimensions.iter().copied());
    world.regional(account, region).cloudwatch.metrics.entry(metric).or_default().add(now, value);
}

fn held<'a>(world: &'a World, call: &Call) -> Option<&'a CloudWatch> {
    Some(&world.accounts.get(&call.caller.account)?.regions.get(&call.region)?.cloudwatch)
}

fn alarm_arn(world: &World, call: &Call, name: &str) -> String {
    format!("arn:{}:cloudwatch:{}:{}:alarm:{name}", world.partition.name, call.region, call.caller.account)
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::bad("InvalidParameterValue", message)
}

fn missing(name: &str) -> Refusal {
    Refusal::bad("MissingParameter", format!("The parameter {name} is required."))
}
