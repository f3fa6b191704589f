//! Sends drills: on request, and by the calendar.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::Controller;
use crate::aws::sending::Event;
use crate::drill;
use crate::kinds::topic::NO_CONFIRMED_SUBSCRIPTION;
use crate::model::error::CloudError;
use crate::model::resource::{Resource, Verdict};
use crate::model::target::Side;
use crate::world::{Alert, World};

/// How often is looked whether it is time.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A drill that could not go out at its time is tried again for so long, and left out then.
const TRIED_FOR: SignedDuration = SignedDuration::from_hours(1);

/// A drill that went out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drilled {
    /// The alert.
    pub alert: String,
    /// The rule that takes it.
    pub rule: String,
    /// The topic that the rule sends it to.
    pub topic_arn: String,
}

/// Why a drill did not go out.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// The settings have no such alert.
    #[error("there is no alert {0}; there are: {1}")]
    NoAlert(String, String),
    /// The settings want none.
    #[error(
        "drills are off; `drill.schedule = \"on-request\"` lets alerts take them after the next `orgwatch apply`"
    )]
    Off,
    /// Nothing would take it.
    #[error(
        "rule {rule} is not as it should be ({why}), so the drill would prove nothing; `orgwatch apply` repairs it"
    )]
    NotInPlace {
        /// The rule.
        rule: String,
        /// How it stands.
        why: String,
    },
    /// The rule is there for a time that has passed, or has not come.
    #[error("rule {0} is disabled, because everything that the alert would deliver is suppressed now")]
    Disabled(String),
    /// Nobody would hear of it.
    #[error("{0}")]
    Nobody(String),
    /// AWS did not take it.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

impl Controller {
    /// Looks at the central account, and sends a drill to everybody who is subscribed to an alert.
    ///
    /// # Errors
    /// The alert, its rule or anybody who listens is not there, or AWS refuses.
    pub async fn drill(&self, alert: &str, stop: &CancellationToken) -> Result<Drilled, DrillError> {
        let central = self.keys().into_iter().filter(|key| key.side == Side::Central);
        for key in central {
            self.pass(&key, false, stop).await;
        }
        let (world, alert) = self.drillable(alert)?;
        self.send_drill(&world, &alert).await
    }

    /// The alert of this name, if a drill would reach somebody as far as the latest look tells.
    fn drillable(&self, name: &str) -> Result<(Arc<World>, Alert), DrillError> {
        let fleet = self.fleet();
        let found = fleet.world.clone().and_then(|world| {
            let alert = world.alerts.iter().find(|alert| alert.name == name).cloned()?;
            Some((world, alert))
        });
        let (world, alert) = found.ok_or_else(|| {
            let settings = self.settings();
            let names: Vec<&str> = settings.alerts.iter().map(|alert| alert.name.as_str()).collect();
            DrillError::NoAlert(name.to_owned(), names.join(", "))
        })?;
        if !world.drills {
            return Err(DrillError::Off);
        }
        let rule = world.named(&alert.name);
        if !alert.rules.shown.first().is_some_and(|rule| rule.enabled) {
            return Err(DrillError::Disabled(rule));
        }
        let views: Vec<_> = fleet
            .states
            .iter()
            .filter(|(key, _)| key.side == Side::Central)
            .filter_map(|(_, state)| state.view.clone())
            .collect();
        if let Some(error) = views.iter().find_map(|view| view.error.clone()) {
            return Err(DrillError::Cloud(*error));
        }
        let seen = |kind: &str, name: &str| -> Option<Resource> {
            let all = views.iter().flat_map(|view| &view.resources);
            all.into_iter().find(|resource| resource.id.kind == kind && resource.id.name == name).cloned()
        };
        match seen("alert_rule", &rule) {
            Some(resource) if resource.verdict == Verdict::InSync => {}
            other => {
                let why = other.map_or_else(
                    || "not looked at".to_owned(),
                    |resource| resource.verdict.label().to_owned(),
                );
                return Err(DrillError::NotInPlace { rule, why });
            }
        }
        let topic = alert.topic.as_ref().and_then(|topic| seen("topic", &topic.name));
        let silent = topic.iter().flat_map(|topic| &topic.notes);
        if let Some(note) = silent.into_iter().find(|note| note.reason == NO_CONFIRMED_SUBSCRIPTION) {
            return Err(DrillError::Nobody(note.message.clone()));
        }
        Ok((world, alert))
    }

    async fn send_drill(&self, world: &World, alert: &Alert) -> Result<Drilled, DrillError> {
        let session = self.broker.own_events(world).await?;
        let event = Event {
            source: drill::SOURCE,
            detail_type: drill::DETAIL_TYPE.to_owned(),
            detail: drill::detail(&world.installation, &alert.name),
        };
        self.cloud.put_events(&session, Some(world.bus()), &[event]).await?;
        Ok(Drilled {
            alert: alert.name.clone(),
            rule: world.named(&alert.name),
            topic_arn: alert.topic_arn.clone(),
        })
    }
}

/// Sends the drills of the calendar until `stop` is cancelled.
pub(super) async fn send(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    let mut schedule = controller.settings().drill.schedule;
    let mut next = drill::next(schedule, controller.clock.now());
    let mut due: BTreeSet<String> = BTreeSet::new();
    let mut due_since = Timestamp::MIN;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = controller.clock.now();
        let wanted = controller.settings().drill.schedule;
        if wanted != schedule {
            schedule = wanted;
            next = drill::next(schedule, now);
        }
        if next.is_some_and(|at| at <= now) {
            due.extend(controller.settings().alerts.iter().map(|alert| alert.name.clone()));
            due_since = now;
            next = drill::next(schedule, now);
        }
        let too_late = now.duration_since(due_since) > TRIED_FOR;
        for name in due.clone() {
            let sent = match controller.drillable(&name) {
                Ok((world, alert)) => tokio::select! {
                    () = stop.cancelled() => break,
                    sent = controller.send_drill(&world, &alert) => sent,
                },
                Err(error) => Err(error),
            };
            match sent {
                Ok(drilled) => {
                    tracing::info!(alert = name, rule = drilled.rule, "A drill of alert {name} was sent");
                    due.remove(&name);
                }
                Err(error) if too_late => {
                    tracing::warn!(alert = name, %error, "The drill of alert {name} could not be sent; the next one is tried");
                    due.remove(&name);
                }
                Err(error) => tracing::debug!(alert = name, %error, "a drill waits"),
            }
        }
    }
    "drills"
}
