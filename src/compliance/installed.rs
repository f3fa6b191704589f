//! What is installed for the themes that are asked for: a metric filter and an alarm each. Pure.

use std::collections::BTreeMap;

use super::{NAMESPACE, Theme, themes};
use crate::model::alarm::MetricAlarm;
use crate::model::metric_filter::MetricFilter;
use crate::world::World;

/// AWS: a log group has at most so many metric filters, and nobody can have more.
pub const MOST_FILTERS: usize = 100;

/// How long a period is: benchmarks ask for five minutes.
const PERIOD_SECONDS: i32 = 300;

/// Filters and alarms that are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// For these themes.
    pub themes: Vec<&'static Theme>,
    /// The ARN of the topic that the alarms tell.
    pub topic_arn: String,
}

/// How the filter and the alarm of a theme are called.
pub fn name(world: &World, theme: &Theme) -> String {
    world.named(&theme.alarm_name)
}

/// Whether a filter or an alarm of a log group's account is ours by its name. There are no tags on metric filters, so the
/// exact name decides.
pub fn is_ours(world: &World, name: &str) -> bool {
    themes::all().iter().any(|theme| self::name(world, theme) == name)
}

/// The metric filters that must stand on the log group, by name.
pub fn filters(world: &World) -> BTreeMap<String, MetricFilter> {
    let themes = world.installed.iter().flat_map(|installed| &installed.themes);
    themes.map(|theme| (name(world, theme), filter(theme))).collect()
}

/// The filter of a theme, as it is prescribed.
pub(super) fn filter(theme: &Theme) -> MetricFilter {
    MetricFilter {
        pattern: theme.pattern().into(),
        namespace: NAMESPACE.to_owned(),
        metric: theme.metric_name.clone(),
        value: "1".to_owned(),
        default_value: None,
        unit: None,
        dimensions: BTreeMap::new(),
        other: None,
    }
}

/// The alarms that must stand beside it, by name.
pub fn alarms(world: &World) -> BTreeMap<String, MetricAlarm> {
    let of = |theme: &Theme, topic: &str| (name(world, theme), alarm(world, theme, topic));
    let all = world
        .installed
        .iter()
        .flat_map(|installed| installed.themes.iter().map(|theme| of(theme, &installed.topic_arn)));
    all.collect()
}

/// Goes off when anything was counted within a period.
fn alarm(world: &World, theme: &Theme, topic: &str) -> MetricAlarm {
    let number = theme.id.strip_prefix("cis-").unwrap_or(&theme.id);
    MetricAlarm {
        description: format!("{} (CIS {number}); {}", theme.title, world.mark()),
        namespace: NAMESPACE.to_owned(),
        metric: theme.metric_name.clone(),
        dimensions: BTreeMap::new(),
        statistic: "Sum".to_owned(),
        period_seconds: PERIOD_SECONDS,
        periods: 1,
        datapoints: 1,
        threshold: 1.0,
        comparison: "GreaterThanOrEqualToThreshold".to_owned(),
        missing: "notBreaching".to_owned(),
        actions_enabled: true,
        alarm_actions: vec![topic.to_owned()],
        ok_actions: Vec::new(),
        no_data_actions: Vec::new(),
        other: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fixture;

    #[test]
    fn the_filter_and_the_alarm_of_iam_policy_changes_are_as_prescribed() {
        let settings = fixture::settings("[compliance]\nmetric_alarms = ['cwl-010']\n");
        let world = fixture::world(&settings);
        let mut wanted = filters(&world);
        for filter in wanted.values_mut() {
            let pattern = std::mem::take(&mut filter.pattern);
            assert_eq!(pattern.matches("$.eventName = ").count(), 16, "{pattern}");
        }
        insta::assert_json_snapshot!(wanted, @r#"
        {
          "orgwatch-CIS-4.4-IAMPolicyChanges": {
            "pattern": "",
            "namespace": "CloudTrailMetrics",
            "metric": "IAMPolicyEventCount",
            "value": "1"
          }
        }
        "#);
        insta::assert_json_snapshot!(alarms(&world), @r#"
        {
          "orgwatch-CIS-4.4-IAMPolicyChanges": {
            "description": "IAM policy changes (CIS 4.4); managed by orgwatch/orgwatch v1",
            "namespace": "CloudTrailMetrics",
            "metric": "IAMPolicyEventCount",
            "dimensions": {},
            "statistic": "Sum",
            "period_seconds": 300,
            "periods": 1,
            "datapoints": 1,
            "threshold": 1.0,
            "comparison": "GreaterThanOrEqualToThreshold",
            "missing": "notBreaching",
            "actions_enabled": true,
            "alarm_actions": [
              "arn:aws:sns:us-east-1:222222222222:orgwatch-iam-changes"
            ],
            "ok_actions": [],
            "no_data_actions": []
          }
        }
        "#);
    }

    #[test]
    fn names_are_ours_to_the_letter() {
        let world = fixture::world(&fixture::settings("[compliance]\nmetric_alarms = ['cis-4']\n"));
        let (filters, alarms) = (filters(&world), alarms(&world));
        assert_eq!(filters.len(), 15);
        assert!(filters.keys().eq(alarms.keys()));
        assert!(filters.keys().all(|name| is_ours(&world, name)));
        for other in ["orgwatch-heartbeat", "CIS-4.4-IAMPolicyChanges", "orgwatch-CIS-4.4-IAMPolicyChanges2"]
        {
            assert!(!is_ours(&world, other), "{other}");
        }
    }
}
