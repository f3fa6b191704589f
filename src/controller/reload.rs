//! Another configuration for the one in force, without a restart.

use std::sync::Arc;

use tokio::time::Instant;

use super::serve::take_over;
use super::{Configured, Controller, Requests, canary, rules};
use crate::compile::CannotCombine;
use crate::config::Settings;
use crate::desired;
use crate::model::target::TargetKey;

impl Controller {
    /// Goes by `settings` from now on, and makes the targets due of which something else must hold; answers the
    /// generation. Passes that are under way end as they began.
    ///
    /// # Errors
    /// A pattern cannot say what is asked for. Then everything stays as it was.
    pub fn reload(&self, settings: Settings, requests: &Requests) -> Result<u64, CannotCombine> {
        let before = self.settings();
        let (changed, generation) = self.go_by(Arc::new(settings))?;
        take_over(self, requests, changed);
        let settings = self.settings();
        // What was due by a longer interval comes as early as the new one says, spread over it.
        let resync = settings.reconcile.resync_interval;
        if resync < before.reconcile.resync_interval {
            for key in self.keys() {
                requests.push(key, Instant::now() + resync.mul_f64(self.clock.jitter()));
            }
        }
        // What is wanted may depend on what was not read of the accounts until now, such as their tags.
        self.discover_now.notify_one();
        self.changed.notify_one();
        Ok(generation)
    }

    fn go_by(&self, settings: Arc<Settings>) -> Result<(Vec<TargetKey>, u64), CannotCombine> {
        let now = self.clock.now();
        // Under the lock of the fleet, so that nothing is judged or planned by parts of two configurations.
        let mut fleet = self.fleet();
        let world = match &fleet.organization {
            Some((organization, _)) => Some(desired::world(&settings, organization, now)?),
            None => None,
        };
        let before = self.configured();
        let configured = Configured::new(self.cloud.clone(), Arc::clone(&settings), Some(&before));
        self.configured.send_replace(Arc::new(configured));
        fleet.rules = rules(&settings, &self.purpose);
        fleet.look_for_trails(settings.trail.required.then_some(settings.trail.probe_interval));
        fleet.inventory.filter_anew(&desired::filter(&settings), now);
        let changed = world.map(|world| self.aim_at(&mut fleet, &settings, world)).unwrap_or_default();
        canary::Canaries::go_by(&mut self.canaries(), settings.canary, now);
        // Suppressions and floods are told of by their place in the configuration, which may be another one now.
        let mut heard = self.heard();
        heard.told.clear();
        heard.flooding.clear();
        Ok((changed, fleet.generation))
    }
}
