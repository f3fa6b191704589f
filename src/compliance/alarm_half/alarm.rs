//! From a metric filter on: its alarms, whom they tell, and whether anybody hears of it.

use std::sync::Arc;

use super::{AlarmHalf, Step};
use crate::compliance::evidence::{Alarm, Evidence, Filter, Seen};
use crate::compliance::half::Half;
use crate::compliance::report::{AlarmFacts, MetricAlarmFacts, TopicFacts};

pub(super) fn of_filter(evidence: &Evidence, filter: &Filter, facts: MetricAlarmFacts) -> AlarmHalf {
    let with = |half: AlarmHalf| Half { facts: Some(Arc::new(facts.clone())), ..half };
    let metric = super::metric(filter);
    if !filter.filter.dimensions.is_empty() {
        let message = format!(
            "metric filter {} gives its metric dimensions, so that no alarm hears all of it",
            filter.name
        );
        return with(
            Half::unmet(Step::Filter, "MetricHasDimensions", message)
                .advised("make the filter without dimensions"),
        );
    }
    let alarms = match &filter.alarms {
        Seen::There(alarms) => alarms.as_slice(),
        Seen::Missing => &[],
        Seen::Unseen(unseen) => {
            let message = format!("the alarms on metric {metric} could not be read: {}", unseen.message);
            return with(Half::unknown(Step::Alarm, "AlarmsUnreadable", message).advised(&unseen.advice));
        }
    };
    let none = || {
        let message = format!("no alarm is on metric {metric}, which filter {} counts", filter.name);
        with(Half::unmet(Step::Alarm, "NoAlarm", message).advised(
            "make one: statistic Sum, period 300, threshold 1, GreaterThanOrEqualToThreshold, 1 period, with a topic",
        ))
    };
    let ways = alarms.iter().map(|alarm| of_alarm(evidence, filter, alarm, &facts));
    ways.reduce(Half::better).unwrap_or_else(none)
}

fn of_alarm(evidence: &Evidence, filter: &Filter, alarm: &Alarm, facts: &MetricAlarmFacts) -> AlarmHalf {
    let Alarm { name, arn, alarm: seen } = alarm;
    let facts = MetricAlarmFacts {
        alarm: Some(AlarmFacts {
            name: name.clone(),
            arn: arn.clone(),
            statistic: seen.statistic.clone(),
            comparison: seen.comparison.clone(),
            threshold: seen.threshold,
            period_seconds: seen.period_seconds,
            datapoints: seen.datapoints,
            actions_enabled: seen.actions_enabled,
            actions: seen.alarm_actions.clone(),
        }),
        ..facts.clone()
    };
    let with = |half: AlarmHalf| Half { facts: Some(Arc::new(facts.clone())), ..half };
    if !seen.actions_enabled {
        let message = format!("alarm {name} is disabled: it tells nobody");
        let advice = format!("enable it: aws cloudwatch enable-alarm-actions --alarm-names {name}");
        return with(Half::unmet(Step::Alarm, "AlarmDisabled", message).advised(advice));
    }
    if let Some(why) = deaf(filter, alarm) {
        let message = format!("alarm {name} does not go off at a single event: {why}");
        let advice = "set statistic Sum, threshold 1, GreaterThanOrEqualToThreshold, 1 period";
        return with(Half::unmet(Step::Alarm, "AlarmInsensitive", message).advised(advice));
    }
    if seen.alarm_actions.is_empty() {
        let message = format!("alarm {name} has no actions: it tells nobody");
        return with(
            Half::unmet(Step::Alarm, "AlarmWithoutActions", message)
                .advised("give it an SNS topic as its alarm action"),
        );
    }
    let is_topic = |arn: &&String| arn.split(':').nth(2) == Some("sns");
    let none = || {
        let message = format!("none of the actions of alarm {name} is an SNS topic");
        with(Half::unmet(Step::Topic, "NoTopic", message).advised("give it an SNS topic as its alarm action"))
    };
    let topics = seen.alarm_actions.iter().filter(is_topic);
    topics.map(|topic| of_topic(evidence, topic, &facts)).reduce(Half::better).unwrap_or_else(none)
}

/// Why an alarm does not go off at one event of its filter.
fn deaf(filter: &Filter, alarm: &Alarm) -> Option<String> {
    let seen = &alarm.alarm;
    let one = filter.filter.value.parse::<f64>().unwrap_or(1.0);
    // What counts while no event comes waters these down.
    let diluted = filter.filter.default_value.is_some();
    let figure = match seen.statistic.as_str() {
        "Sum" | "Maximum" => one,
        "Average" | "Minimum" if !diluted => one,
        "SampleCount" if !diluted => 1.0,
        "" => return Some("it looks at no plain statistic".to_owned()),
        other => return Some(format!("the filter counts quiet times too, and the statistic is {other}")),
    };
    let goes_off = match seen.comparison.as_str() {
        "GreaterThanOrEqualToThreshold" => figure >= seen.threshold,
        "GreaterThanThreshold" => figure > seen.threshold,
        _ => false,
    };
    if !goes_off {
        return Some(format!("{} {} {}", seen.statistic, seen.comparison, seen.threshold));
    }
    (seen.datapoints > 1).then(|| format!("it waits for {} periods", seen.datapoints))
}

fn of_topic(evidence: &Evidence, arn: &str, facts: &MetricAlarmFacts) -> AlarmHalf {
    let seen = match evidence.topics.get(arn) {
        Some(Seen::There(seen)) => seen,
        Some(Seen::Missing) => {
            let message = format!("topic {arn} is not there, though the alarm names it");
            let half = Half::unmet(Step::Topic, "TopicMissing", message);
            return Half {
                facts: Some(Arc::new(facts.clone())),
                ..half.advised("give the alarm a topic that is there")
            };
        }
        Some(Seen::Unseen(unseen)) => {
            let message = format!("the subscriptions of topic {arn} could not be read: {}", unseen.message);
            let half = Half::unknown(Step::Topic, "TopicUnreadable", message).advised(&unseen.advice);
            return Half { facts: Some(Arc::new(facts.clone())), ..half };
        }
        None => {
            let message = format!("topic {arn} was not looked at yet");
            let half = Half::unknown(Step::Topic, "NotRead", message).advised(super::not_asked().advice);
            return Half { facts: Some(Arc::new(facts.clone())), ..half };
        }
    };
    let topic = TopicFacts { arn: arn.to_owned(), confirmed: seen.confirmed, pending: seen.pending };
    let facts = MetricAlarmFacts { topic: Some(topic), ..facts.clone() };
    let half = match (seen.confirmed, seen.pending) {
        (0, 0) => Half::unmet(
            Step::People,
            "NoConfirmedSubscription",
            format!("nobody is subscribed to topic {arn}"),
        )
        .advised("subscribe somebody, and confirm it"),
        (0, _) => Half::unmet(
            Step::People,
            "SubscriptionPending",
            format!("nobody has confirmed a subscription to topic {arn}"),
        )
        .advised("click the link in the mail that SNS sent, or subscribe anew"),
        _ => {
            let name = facts.alarm.as_ref().map(|alarm| alarm.name.as_str()).unwrap_or_default();
            Half::met(Step::People, format!("alarm {name} tells the subscribers of topic {arn}"))
        }
    };
    Half { facts: Some(Arc::new(facts)), ..half }
}
