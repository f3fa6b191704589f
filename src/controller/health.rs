//! What the daemon tells people of itself: events of its own, gathered by the minute, and a heartbeat.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Controller;
use crate::aws::sending::Event;
use crate::model::error::CloudError;
use crate::model::resource::Verdict;
use crate::model::target::Side;
use crate::model::view::Snapshot;
use crate::news::{self, Item};
use crate::world::World;

/// How often is looked for something to tell; what happens within is told together.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// From one heartbeat to the next.
const BEAT_EVERY: Duration = Duration::from_secs(60);

/// Tells until `stop` is cancelled.
pub(super) async fn tell(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    let mut next_beat = Instant::now();
    let mut failing = false;
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let Some(world) = controller.told_world() else { continue };
        let beats = Instant::now() >= next_beat;
        let told = tokio::select! {
            () = stop.cancelled() => break,
            told = controller.tell_own(&world, beats) => told,
        };
        if beats {
            next_beat = Instant::now() + BEAT_EVERY;
        }
        match told {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "orgwatch's own events cannot be sent; they are kept and tried again");
                }
                failing = true;
            }
        }
    }
    "own events"
}

impl Controller {
    /// What must hold, if people are told anything and the rule that takes it was seen in place.
    fn told_world(&self) -> Option<Arc<World>> {
        let fleet = self.fleet();
        let world = fleet.world.clone().filter(|world| world.health.is_some())?;
        let rule = world.named(news::HEARTBEAT);
        let central = fleet.states.iter().filter(|(key, _)| key.side == Side::Central);
        let mut seen = central.filter_map(|(_, state)| state.view.as_ref()).flat_map(|view| &view.resources);
        let in_place = seen.any(|resource| {
            resource.id.kind == "alert_rule"
                && resource.id.name == rule
                && resource.verdict == Verdict::InSync
        });
        in_place.then_some(world)
    }

    /// Keeps something to tell until it is time for it.
    pub(super) fn to_tell(&self, items: &[Item]) {
        if self.settings().notify.alert.is_none() || items.is_empty() {
            return;
        }
        let now = self.clock.now();
        let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        items.iter().for_each(|item| digest.add(item, now));
    }

    /// Keeps what is worth telling of the way from one snapshot to the next.
    pub(super) fn compare(&self, before: &Snapshot, after: &Snapshot) {
        if self.settings().notify.alert.is_some() {
            self.to_tell(&news::between(before, after));
        }
    }

    /// Sends what is due, and a heartbeat if it is time for one.
    async fn tell_own(&self, world: &World, beats: bool) -> Result<(), CloudError> {
        let due = self.digest.lock().unwrap_or_else(PoisonError::into_inner).due(self.clock.now());
        if due.is_empty() && !beats {
            return Ok(());
        }
        let installation = world.installation.as_str();
        let beat = beats.then(|| Event {
            source: news::HEARTBEAT_SOURCE,
            detail_type: "orgwatch heartbeat".to_owned(),
            detail: serde_json::json!({ "installation": installation }),
        });
        let events = due.iter().map(|bundle| Event {
            source: news::SOURCE,
            detail_type: bundle.kind.label().to_owned(),
            detail: bundle.detail(installation),
        });
        let events: Vec<Event> = beat.into_iter().chain(events).collect();
        let sent = match self.broker.own_events(world).await {
            Ok(session) => self.cloud.put_events(&session, Some(world.bus()), &events).await,
            Err(error) => Err(error),
        };
        if sent.is_err() {
            // Told twice is better than never.
            let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
            due.into_iter().for_each(|bundle| digest.give_back(bundle));
        }
        sent
    }
}
