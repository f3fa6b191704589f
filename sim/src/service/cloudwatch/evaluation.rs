//! Alarms are looked at each minute, and tell of a change of their state.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::alarm::{Alarm, AlarmState, Missing};
use super::metric::Series;
use crate::access::Asker;
use crate::delivery;
use crate::service::sns;
use crate::world::World;

/// AWS looks further back than it needs, so that figures that come late are not taken for missing at once: its own
/// example looks at five periods for three.
const FURTHER: usize = 2;
/// How many minutes of the past are caught up with; a world that was left alone for longer has forgotten them.
const CAUGHT_UP: i64 = 24 * 60;

/// Looks at every alarm for each minute that has passed since it was last looked at, oldest first. A change of state
/// does its actions at once, as they are now.
///
/// Nothing happens in a simulated world by itself: whoever looks into it brings its alarms up to date first.
pub fn settle(world: &mut World) {
    let now = world.now();
    let minute = now.as_second().div_euclid(60);
    if world.alarms_looked_at == Some(minute) {
        return;
    }
    let first = world.alarms_looked_at.map_or(minute, |looked_at| looked_at + 1).max(minute - CAUGHT_UP);
    world.alarms_looked_at = Some(minute);
    let places = places(world);
    if places.is_empty() {
        return;
    }
    for minute in first..=minute {
        let Ok(at) = Timestamp::from_second(minute * 60) else { continue };
        for (account, region) in &places {
            look(world, account, region, at);
        }
    }
}

/// Where there are alarms.
fn places(world: &World) -> Vec<(String, String)> {
    let mut places = Vec::new();
    for (id, account) in &world.accounts {
        for (region, regional) in &account.regions {
            if !regional.cloudwatch.alarms.is_empty() {
                places.push((id.clone(), region.clone()));
            }
        }
    }
    places
}

fn look(world: &mut World, account: &str, region: &str, at: Timestamp) {
    let cloudwatch = &mut world.regional(account, region).cloudwatch;
    let mut changed = BTreeMap::new();
    for (name, alarm) in &mut cloudwatch.alarms {
        if alarm.looked_at > at {
            continue;
        }
        alarm.looked_at = at.saturating_add(SignedDuration::from_secs(1)).unwrap_or(at);
        let (state, reason) = judge(alarm, cloudwatch.metrics.get(&alarm.metric), at);
        if state != alarm.state {
            changed.insert(name.clone(), transit(alarm, state, reason, at));
        }
    }
    for (name, former) in changed {
        tell(world, account, region, &name, former);
    }
}

/// Puts an alarm into another state; the former one.
pub(super) fn transit(alarm: &mut Alarm, state: AlarmState, reason: String, at: Timestamp) -> AlarmState {
    alarm.reason = reason;
    alarm.state_since = at;
    std::mem::replace(&mut alarm.state, state)
}

/// How an alarm stands at a moment, and why.
///
/// AWS: the newest figures that are there are judged, as many as the alarm wants; only when there are fewer in all the
/// time that is looked at, what is missing counts for what the alarm says.
fn judge(alarm: &Alarm, series: Option<&Series>, at: Timestamp) -> (AlarmState, String) {
    let at = at.as_second();
    let figures: Vec<f64> = (0..alarm.periods + FURTHER)
        .filter_map(|back| {
            let to = at - i64::try_from(back).ok()? * alarm.period.max(60);
            series?.between(to - alarm.period.max(60), to)?.statistic(&alarm.statistic)
        })
        .take(alarm.periods)
        .collect();
    let breaching =
        figures.iter().filter(|figure| alarm.comparison.breaches(**figure, alarm.threshold)).count();
    let missing = alarm.periods - figures.len();
    let of = alarm.periods;
    let goes_off = |count: usize| {
        if count >= alarm.enough {
            (AlarmState::Alarm, format!("Threshold Crossed: {count} of {of} datapoints were breaching."))
        } else {
            (
                AlarmState::Ok,
                format!("Threshold Crossed: {} of {of} datapoints were not breaching.", of - count),
            )
        }
    };
    match alarm.missing {
        _ if missing == 0 => goes_off(breaching),
        Missing::Breaching => goes_off(breaching + missing),
        Missing::NotBreaching => goes_off(breaching),
        // What cannot be decided by the figures that are there stays as it is.
        Missing::Ignore if breaching >= alarm.enough || breaching + missing < alarm.enough => {
            goes_off(breaching)
        }
        Missing::Ignore => (alarm.state, alarm.reason.clone()),
        Missing::Unknown if figures.is_empty() => {
            (AlarmState::InsufficientData, format!("Insufficient Data: {missing} datapoints were unknown."))
        }
        Missing::Unknown => goes_off(if breaching == figures.len() { alarm.enough } else { breaching }),
    }
}

/// Does what an alarm does on its change of state.
pub(super) fn tell(world: &mut World, account: &str, region: &str, name: &str, former: AlarmState) {
    let Some(alarm) = world.regional(account, region).cloudwatch.alarms.get(name).cloned() else { return };
    let state = alarm.state.label();
    // AWS: the event is put whether actions are enabled or not.
    let event = json!({
        "version": "0",
        "id": world.uuid(),
        "detail-type": "CloudWatch Alarm State Change",
        "source": "aws.cloudwatch",
        "account": account,
        "time": world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "region": region,
        "resources": [alarm.arn],
        "detail": {
            "alarmName": name,
            "state": { "value": state, "reason": alarm.reason },
            "previousState": { "value": former.label() },
        },
    });
    delivery::put(world, account, region, "default", event);
    if !alarm.actions_enabled {
        return;
    }
    let list = match alarm.state {
        AlarmState::Ok => "OKActions",
        AlarmState::Alarm => "AlarmActions",
        AlarmState::InsufficientData => "InsufficientDataActions",
    };
    let asker = Asker::Service {
        service: "cloudwatch.amazonaws.com".to_owned(),
        source_account: account.to_owned(),
        source_arn: alarm.arn.clone(),
    };
    let message = message(account, region, name, &alarm, former).to_string();
    for action in alarm.actions.get(list).into_iter().flatten() {
        let place: Vec<&str> = action.split(':').collect();
        // AWS: a topic of another Region is not published to. A publication that is refused is lost.
        if place.get(2) == Some(&"sns") && place.get(3) == Some(&region) {
            let subject = format!("{state}: \"{name}\" in {region}");
            sns::notify(world, action, &subject, &message, &asker).ok();
        }
    }
}

/// What subscribers of the alarm's topic get.
fn message(account: &str, region: &str, name: &str, alarm: &Alarm, former: AlarmState) -> Value {
    json!({
        "AlarmName": name,
        "AlarmDescription": alarm.settings.get("AlarmDescription"),
        "AWSAccountId": account,
        "NewStateValue": alarm.state.label(),
        "NewStateReason": alarm.reason,
        "StateChangeTime": alarm.state_since.to_string(),
        "Region": region,
        "AlarmArn": alarm.arn,
        "OldStateValue": former.label(),
        "Trigger": {
            "MetricName": alarm.metric.name,
            "Namespace": alarm.metric.namespace,
            "Dimensions": alarm.metric.shown_dimensions(),
            "Period": alarm.period,
            "EvaluationPeriods": alarm.periods,
            "Threshold": alarm.threshold,
        },
    })
}
