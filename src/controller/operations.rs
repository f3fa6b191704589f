//! What operators tell the daemon. Each deed is in the history before it is answered, and wakes whom it concerns.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::time::Instant;

use super::fleet::ReleaseRefused;
use super::{Controller, Requests};
use crate::http::{OperationRefused, Operations};
use crate::model::scope::{Pause, Scope};
use crate::model::target::TargetKey;
use crate::telemetry::logs;

/// A controller with its queue, as operators reach it.
#[expect(missing_debug_implementations, reason = "a bundle of handles")]
pub struct Operator {
    /// Who does the work.
    pub controller: Arc<Controller>,
    /// Where keys are posted.
    pub requests: Arc<Requests>,
}

impl Operator {
    fn wake(&self, keys: &[TargetKey]) {
        let now = Instant::now();
        for key in keys {
            self.requests.push(key.clone(), now);
        }
        self.controller.changed.notify_one();
    }
}

impl From<ReleaseRefused> for OperationRefused {
    fn from(refused: ReleaseRefused) -> Self {
        match refused {
            ReleaseRefused::NoSuchHold(_) => Self::NotFound(refused.to_string()),
            ReleaseRefused::NotReleasable(..) => Self::Conflict(refused.to_string()),
        }
    }
}

impl Operations for Operator {
    fn release(&self, id: String, by: Arc<str>) -> BoxFuture<'_, Result<Vec<TargetKey>, OperationRefused>> {
        Box::pin(async move {
            let keys = self.controller.fleet().release(&id, self.controller.clock.now())?;
            tracing::info!(hold = %id, operator = %by, targets = keys.len(), "{by} released the hold {id}");
            self.controller.history.operated(&by, "release", Some(&id), None).await;
            self.wake(&keys);
            Ok(keys)
        })
    }

    fn pause(
        &self,
        scope: Scope,
        until: Option<Timestamp>,
        reason: String,
        by: Arc<str>,
    ) -> BoxFuture<'_, Result<Pause, OperationRefused>> {
        Box::pin(async move {
            let name = scope.to_string();
            let pause = Pause {
                scope: name.clone(),
                since: self.controller.clock.now(),
                until,
                reason,
                by: by.to_string(),
            };
            // First in force, then kept: whoever pauses wants no further write.
            let keys = {
                let mut fleet = self.controller.fleet();
                let keys = fleet.in_scope(&scope);
                if keys.is_empty() && scope != Scope::All && fleet.world.is_some() {
                    let detail = format!(
                        "`{name}` has no target; GET /api/v1/accounts lists accounts and their places"
                    );
                    return Err(OperationRefused::NotFound(detail));
                }
                fleet.pause(scope, pause.clone());
                keys
            };
            tracing::warn!(scope = %name, operator = %by, reason = %pause.reason, "{by} paused {name}: {}", pause.reason);
            self.controller.history.paused(pause.clone()).await;
            self.controller.history.operated(&by, "pause", Some(&name), Some(&pause.reason)).await;
            // So that what is shown as planned is shown as held.
            self.wake(&keys);
            Ok(pause)
        })
    }

    fn resume(&self, scope: Scope, by: Arc<str>) -> BoxFuture<'_, Option<Pause>> {
        Box::pin(async move {
            let name = scope.to_string();
            // First kept, then in force: a process that is killed in between stays paused in both.
            if !self.controller.fleet().pauses().any(|pause| pause.scope == name) {
                return None;
            }
            self.controller.history.operated(&by, "resume", Some(&name), None).await;
            self.controller.history.resumed(&name).await;
            let (pause, keys) = {
                let mut fleet = self.controller.fleet();
                (fleet.resume(&scope), fleet.in_scope(&scope))
            };
            tracing::info!(scope = %name, operator = %by, "{by} resumed {name}");
            self.wake(&keys);
            pause
        })
    }

    fn log_level(&self, directives: String, by: Arc<str>) -> BoxFuture<'_, Result<(), OperationRefused>> {
        Box::pin(async move {
            logs::change(&directives).map_err(|error| OperationRefused::Bad(error.to_string()))?;
            tracing::warn!(operator = %by, log.level = %directives, "{by} changed the log level to {directives}");
            self.controller.history.operated(&by, "log-level", Some(&directives), None).await;
            Ok(())
        })
    }

    fn accept_listing(&self, by: Arc<str>) -> BoxFuture<'_, Result<usize, OperationRefused>> {
        Box::pin(async move {
            let departed = self.controller.fleet().inventory.accept(self.controller.clock.now());
            let Some(departed) = departed else {
                let detail = "the latest listing is not doubted, or is empty; GET /api/v1/status says so under `discovery`";
                return Err(OperationRefused::Conflict(detail.to_owned()));
            };
            tracing::warn!(operator = %by, departed, "{by} accepted a listing that lacks {departed} known accounts");
            self.controller.history.operated(&by, "accept-listing", Some(&departed.to_string()), None).await;
            self.controller.discover_now.notify_one();
            Ok(departed)
        })
    }

    fn now(&self) -> Timestamp {
        self.controller.clock.now()
    }
}
