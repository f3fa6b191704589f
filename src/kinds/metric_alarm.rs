//! Alarms of CloudWatch: in the central account that the daemon is dead, which it cannot tell itself, and beside the trail's
//! log group what auditors ask for.

use std::collections::BTreeMap;

use super::{Kind, Mark, Removal, Scope, Seen, Sight, Sights};
use crate::aws::{Cloud, Session};
use crate::compliance::installed;
use crate::model::alarm::MetricAlarm;
use crate::model::call::Call;
use crate::model::resource::KindName;
use crate::model::target::Side;
use crate::news;
use crate::world::{Health, Target, World};

/// So many minutes without a heartbeat mean that the daemon is dead.
const SILENT_MINUTES: i32 = 5;

/// The name of both kinds: they are kept alike, and differ in where they are.
const METRIC_ALARM: KindName = "metric_alarm";

/// The alarm on the heartbeat.
pub(super) struct Alarm;

impl Kind for Alarm {
    type Spec = MetricAlarm;
    const NAME: KindName = METRIC_ALARM;
    const SIDE: Side = Side::Central;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, MetricAlarm> {
        if !target.holds_bus(world) {
            return BTreeMap::new();
        }
        world.health.iter().map(|health| (world.named(news::HEARTBEAT), heartbeat(world, health))).collect()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<MetricAlarm> {
        // Where none is wanted, one is looked for as often as forgotten things are.
        if !target.holds_bus(world) || (scope.names.is_empty() && !scope.sweep) {
            return Sights::new();
        }
        look(cloud, session, world, scope, |name| !installed::is_ours(world, name)).await
    }

    fn mend(
        world: &World,
        target: &Target,
        name: &str,
        desired: &MetricAlarm,
        observed: Option<&Seen<MetricAlarm>>,
    ) -> Vec<Call> {
        mended(world, target, name, desired, observed)
    }

    /// Alerts flow without it.
    fn in_force(_: &MetricAlarm) -> bool {
        false
    }

    fn removal(_: &World, _: &Target, name: &str, _: &Seen<MetricAlarm>) -> Removal {
        removed(name)
    }
}

/// The alarms on what the metric filters count.
pub(super) struct FilterAlarm;

impl Kind for FilterAlarm {
    type Spec = MetricAlarm;
    const NAME: KindName = METRIC_ALARM;
    const SIDE: Side = Side::Audit;

    fn desired(world: &World, target: &Target) -> BTreeMap<String, MetricAlarm> {
        target.log_group().map(|_| installed::alarms(world)).unwrap_or_default()
    }

    async fn observe(
        cloud: &Cloud,
        session: &Session,
        world: &World,
        target: &Target,
        scope: &Scope,
    ) -> Sights<MetricAlarm> {
        if target.log_group().is_none() {
            return Sights::new();
        }
        look(cloud, session, world, scope, |name| installed::is_ours(world, name)).await
    }

    fn mend(
        world: &World,
        target: &Target,
        name: &str,
        desired: &MetricAlarm,
        observed: Option<&Seen<MetricAlarm>>,
    ) -> Vec<Call> {
        mended(world, target, name, desired, observed)
    }

    /// Alerts flow without it.
    fn in_force(_: &MetricAlarm) -> bool {
        false
    }

    fn removal(_: &World, _: &Target, name: &str, _: &Seen<MetricAlarm>) -> Removal {
        removed(name)
    }
}

/// The alarms of the session's account whose names are among those of a kind. One account may hold those of both.
async fn look(
    cloud: &Cloud,
    session: &Session,
    world: &World,
    scope: &Scope,
    concerns: impl Fn(&str) -> bool,
) -> Sights<MetricAlarm> {
    let rows = match cloud.alarms(session, &world.prefix()).await {
        Ok(rows) => rows,
        Err(error) => return super::all_unknown(scope, &error),
    };
    let mut sights = Sights::new();
    for (name, arn, spec) in rows.into_iter().filter(|(name, ..)| concerns(name)) {
        let mark = match Mark::in_description(world, &spec.description) {
            Some(mark) => Ok(mark),
            None => cloud.alarm_tags(session, &arn).await.map(|tags| Mark::in_tags(world, &tags)),
        };
        let sight = match mark {
            Ok(mark) => Sight::Present(Seen { spec, mark, notes: Vec::new() }),
            Err(error) => Sight::Unknown(error),
        };
        sights.insert(name, sight);
    }
    super::rest_absent(scope, sights)
}

fn mended(
    world: &World,
    target: &Target,
    name: &str,
    desired: &MetricAlarm,
    observed: Option<&Seen<MetricAlarm>>,
) -> Vec<Call> {
    let mut calls = Vec::new();
    // AWS: it replaces everything but the state, and ignores tags of an alarm that is there.
    if observed.is_none_or(|seen| seen.spec != *desired) {
        calls.push(Call::PutMetricAlarm {
            name: name.to_owned(),
            alarm: Box::new(desired.clone()),
            tags: world.owner_tags(),
        });
    }
    if observed.is_some_and(|seen| {
        seen.mark == Mark::Foreign || Mark::in_description(world, &seen.spec.description).is_none()
    }) {
        let arn = world.arn("cloudwatch", target.region(), target.account(), &format!("alarm:{name}"));
        calls.push(Call::TagAlarm { arn, tags: world.owner_tags() });
    }
    calls
}

fn removed(name: &str) -> Removal {
    Removal { calls: vec![Call::DeleteAlarms { name: name.to_owned() }], hold: None }
}

/// Goes off when the heartbeat's rule has had nothing to do for some minutes.
fn heartbeat(world: &World, health: &Health) -> MetricAlarm {
    let topic = || vec![health.alert.topic_arn.clone()];
    let rule = world.named(news::HEARTBEAT);
    MetricAlarm {
        description: format!(
            "orgwatch has sent no heartbeat for {SILENT_MINUTES} minutes: alerts flow on, and nobody repairs what \
             breaks; {}",
            world.mark()
        ),
        namespace: "AWS/Events".to_owned(),
        metric: "Invocations".to_owned(),
        dimensions: BTreeMap::from([
            ("EventBusName".to_owned(), world.bus().to_owned()),
            ("RuleName".to_owned(), rule),
        ]),
        statistic: "Sum".to_owned(),
        period_seconds: 60,
        periods: SILENT_MINUTES,
        datapoints: SILENT_MINUTES,
        threshold: 1.0,
        comparison: "LessThanThreshold".to_owned(),
        missing: "breaching".to_owned(),
        actions_enabled: true,
        alarm_actions: topic(),
        ok_actions: topic(),
        no_data_actions: Vec::new(),
        other: None,
    }
}
