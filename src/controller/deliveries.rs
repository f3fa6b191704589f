//! Reads CloudWatch's figures of the central half again and again.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::Controller;
use crate::deliveries::{Deliveries, LONG_PERIOD, PERIOD, figures};
use crate::model::error::CloudError;
use crate::world::{Target, World};

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(300);
/// The first look comes soon after the start, when the central account has been looked at.
const FIRST_LOOK: Duration = Duration::from_secs(60);
/// AWS brings figures to CloudWatch within some minutes.
const LATE: SignedDuration = SignedDuration::from_mins(30);
/// Of what is longer ago, long periods are read.
const RECENT: SignedDuration = SignedDuration::from_hours(3);

/// Looks until `stop` is cancelled.
pub(super) async fn watch(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    let mut wait = FIRST_LOOK;
    let mut failing = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return "deliveries",
            () = tokio::time::sleep(wait) => {}
        }
        wait = LOOK_EVERY;
        let looked = tokio::select! {
            () = stop.cancelled() => return "deliveries",
            looked = controller.look_at_deliveries() => looked,
        };
        match looked {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "CloudWatch's figures of deliveries cannot be read: no account is `proven` by them, and what fails behind the bus is found by dead letters alone");
                }
                failing = true;
            }
        }
        // What was proven may have become too old by now.
        controller.changed.notify_one();
    }
}

impl Controller {
    /// What the figures said when they were last read.
    pub(super) fn deliveries(&self) -> std::sync::MutexGuard<'_, Deliveries> {
        // What was learned of each alert holds by itself.
        self.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn look_at_deliveries(&self) -> Result<(), CloudError> {
        let Some((world, target)) = self.bus_holder() else { return Ok(()) };
        let figures = figures(&world);
        if figures.is_empty() {
            return Ok(());
        }
        let session = self.broker.read(&target).await?;
        let (now, last) = (self.clock.now(), self.deliveries().observed_at());
        let ago = |by: SignedDuration| now.saturating_sub(by).unwrap_or(Timestamp::MIN);
        let recent = last.map_or(ago(RECENT), |last| last.saturating_sub(LATE).unwrap_or(Timestamp::MIN));
        if last.is_none() || recent < ago(RECENT) {
            let max_age = SignedDuration::try_from(self.settings().drill.max_age).unwrap_or(RECENT);
            let read =
                self.cloud.figures(&session, &figures, LONG_PERIOD, ago(max_age.max(RECENT)), now).await?;
            self.deliveries().learn(read, LONG_PERIOD, now);
        }
        let from = recent.max(ago(RECENT));
        let read = self.cloud.figures(&session, &figures, PERIOD, from, now).await?;
        self.deliveries().learn(read, PERIOD, now);
        Ok(())
    }

    /// What must hold, and the target that holds the bus.
    fn bus_holder(&self) -> Option<(Arc<World>, Arc<Target>)> {
        let fleet = self.fleet();
        let world = fleet.world.clone()?;
        let target = fleet.targets.values().find(|target| target.holds_bus(&world)).cloned()?;
        Some((world, target))
    }
}
