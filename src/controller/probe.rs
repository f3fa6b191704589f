//! What a pass looks at besides the managed resources, when it is time for it.

use futures::future::join_all;

use super::Controller;
use crate::aws::Session;
use crate::kinds::DEFAULT_BUS;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::target::Side;
use crate::trail::{self, Need, Presence, Reading};
use crate::world::{Target, World};

impl Controller {
    /// Looks at what is due in this target, in the session of a pass over it.
    pub(super) async fn probe(&self, session: &Session, world: &World, target: &Target) {
        if self.fleet().regions_due(target, self.clock.now()) {
            let home = session.in_region(&world.partition.iam_events_region());
            let read = self.cloud.enabled_regions(&home).await;
            if let Err(error) = &read {
                tracing::warn!(%error, "which Regions the account has enabled could not be read; what was known stays");
            }
            self.fleet().learn_regions(target, read, self.clock.now(), self.clock.jitter());
        }
        let need = self.fleet().trail_due(target, self.clock.now(), self.clock.jitter());
        if let Some(need) = need {
            let read = self.read_trails(session, &need).await;
            self.fleet().learn_trails(target, read, self.clock.now(), self.clock.jitter());
        }
        let search = self.fleet().to_search(target);
        let looks = search.into_iter().map(|region| async move {
            let there = self.is_left(&session.in_region(&region), world, target).await;
            (region, there)
        });
        for (region, there) in join_all(looks).await {
            match there {
                Ok(found) => self.fleet().searched(target, region, found),
                Err(error) if passes(error.class) => {
                    tracing::debug!(%error, "the search for what is left was not possible; it is tried again");
                }
                // What may not be seen is not taken away either, and not asked for again by this process.
                Err(error) => {
                    tracing::debug!(%error, "the search for what is left was not possible");
                    self.fleet().searched(target, region, false);
                }
            }
        }
    }

    /// Reads the trails of an account until one of them is what is needed: three calls where it is the first.
    async fn read_trails(&self, session: &Session, need: &Need) -> Result<Vec<Reading>, CloudError> {
        let mut trails = self.cloud.trails(session).await?;
        // Those first that are usually it.
        trails.sort_by_key(|trail| (!trail.organization, !trail.multi_region, trail.arn.clone()));
        let mut readings = Vec::new();
        let mut found = false;
        for trail in trails {
            let mut reading = Reading { trail, logging: None, selectors: None };
            if !found && !trail::is_out_of_question(need, &reading.trail) {
                let logging = self.cloud.trail_logs(session, &reading.trail.arn).await;
                // What is stopped logs nothing, whatever it selects.
                if !matches!(logging, Ok(false)) {
                    reading.selectors = Some(self.cloud.trail_selectors(session, &reading.trail.arn).await);
                }
                reading.logging = Some(logging);
                found = matches!(trail::judge(need, std::slice::from_ref(&reading)), Presence::Present(_));
            }
            readings.push(reading);
        }
        Ok(readings)
    }

    /// Whether something with our name is in the session's Region.
    async fn is_left(&self, session: &Session, world: &World, target: &Target) -> Result<bool, CloudError> {
        match target.key.side {
            Side::Member => {
                let rules = self.cloud.list_rules(session, DEFAULT_BUS, Some(&world.prefix())).await?;
                Ok(!rules.is_empty())
            }
            Side::Audit => Ok(false),
            Side::Central => match self.cloud.queue_url(session, &world.dead_letter_queue()).await {
                Ok(_) => Ok(true),
                Err(error) if error.class == ErrorClass::NotFound => Ok(false),
                Err(error) => Err(error),
            },
        }
    }
}

/// Whether the same question may be answered a little later.
fn passes(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Throttled | ErrorClass::Unreachable | ErrorClass::NotReady | ErrorClass::Conflict
    )
}
