//! One pass over one target: look, judge, plan, and write if that is allowed.

use std::sync::PoisonError;
use std::time::Instant;

use futures::future::join_all;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::fleet::{Begun, Decided};
use super::{Controller, watchfulness};
use crate::aws::Session;
use crate::kinds::{KINDS, Sight};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::plan::{Action, Change, Plan};
use crate::model::resource::{Resource, ResourceId, Verdict};
use crate::model::target::TargetKey;

/// One writing call that was made, and how it went.
#[derive(Clone, Debug)]
pub struct Written {
    /// Where.
    pub target: TargetKey,
    /// Of what.
    pub resource: ResourceId,
    /// What was done to it.
    pub action: Action,
    /// AWS's name of the call.
    pub operation: &'static str,
    /// AWS's request id, or why it failed.
    pub outcome: Result<Option<String>, CloudError>,
}

/// What a pass did.
#[derive(Clone, Debug)]
pub struct PassOutcome {
    /// Where.
    pub target: TargetKey,
    /// What was judged.
    pub resources: Vec<Resource>,
    /// What was planned.
    pub plan: Plan,
    /// What was written.
    pub written: Vec<Written>,
    /// Why the target could not be seen or written at all.
    pub error: Option<CloudError>,
    /// Whether others may have been waiting for this.
    pub news: bool,
}

impl Controller {
    /// Makes one pass; none when the target is no longer wanted. Writes only if `write` says so and the target's
    /// mode allows it, and begins no further change once `stop` is cancelled.
    pub async fn pass(&self, key: &TargetKey, write: bool, stop: &CancellationToken) -> Option<PassOutcome> {
        let begun = {
            let mut fleet = self.fleet();
            if !fleet.states.contains_key(key) {
                fleet.remember_owned(key, self.history.owned_in(key));
            }
            fleet.begin(key)?
        };
        let span = tracing::info_span!("pass", target = %key, account.id = %key.account, region = %key.region, generation = begun.generation);
        Some(self.run(begun, write, stop).instrument(span).await)
    }

    async fn run(&self, begun: Begun, write: bool, stop: &CancellationToken) -> PassOutcome {
        let started = Instant::now();
        let observed_at = self.clock.now();
        let key = begun.target.key.clone();
        let nothing = || Plan { target: key.clone(), changes: Vec::new() };
        let session = match self.broker.read(&begun.target).await {
            Ok(session) => session,
            Err(error) => {
                tracing::warn!(%error, "the account cannot be looked into");
                return self.end(begun, Vec::new(), nothing(), Vec::new(), Some(error), observed_at, started);
            }
        };
        let looks = begun.scopes.iter().map(|(index, scope)| {
            let look =
                KINDS[*index].observe(&self.cloud, &session, &begun.world, &begun.target, scope.clone());
            async move { (*index, look.await) }
        });
        let probing = self.probe(&session, &begun.world, &begun.target);
        let (sights, ()) = futures::join!(join_all(looks), probing);
        if sights.iter().flat_map(|(_, s)| s.values()).any(refused) {
            self.broker.forget(&begun.target);
        }
        let Decided { judged, plan } = self.fleet().decide(&begun, &sights, write, self.clock.now());
        let resources: Vec<Resource> = judged.iter().map(|j| j.resource.clone()).collect();
        self.tell_drift(&key, &resources);
        self.history.observed(&key, &resources, observed_at).await;

        let due: Vec<&Change> = plan.due().collect();
        let (mut written, mut error) = (Vec::new(), None);
        let writes = write && begun.target.enforce;
        if writes && !due.is_empty() && !stop.is_cancelled() {
            match self.broker.write(&begun.world, &begun.target, &due).await {
                Ok(session) => {
                    let before = |id: &ResourceId| {
                        judged.iter().find(|j| &j.resource.id == id).and_then(|j| j.seen.clone())
                    };
                    // Until the rule is there, our own writes alert nobody; afterwards each of them is an event.
                    let in_force =
                        judged.iter().any(|j| j.resource.id.kind == "sender_rule" && j.seen.is_some());
                    written = self.apply(&key, &session, &due, before, in_force, stop).await;
                }
                Err(refused) => error = Some(refused),
            }
        }
        let owned = self.fleet().owned_in(&key);
        self.history.owns(&key, owned).await;
        let mut plan = plan;
        if writes {
            forget_calls(&mut plan, &written);
        }
        self.end(begun, resources, plan, written, error, observed_at, started)
    }

    async fn apply(
        &self,
        key: &TargetKey,
        session: &Session,
        due: &[&Change],
        before: impl Fn(&ResourceId) -> Option<serde_json::Value>,
        in_force: bool,
        stop: &CancellationToken,
    ) -> Vec<Written> {
        let mut written = Vec::new();
        for change in due {
            // Whoever pauses wants no further change, also of a pass that is under way.
            if stop.is_cancelled() || self.fleet().pause_of(&key.account).is_some() {
                break;
            }
            let mut failed = None;
            for call in &change.calls {
                let configured = self.configured();
                if let Some(pace) =
                    configured.iam_pace.as_ref().filter(|_| in_force && call.service() == "iam")
                {
                    pace.ready().await;
                }
                let intent = self.history.intend(key, change, call.operation()).await;
                let outcome = self.cloud.execute(session, call, &configured.endpoints).await;
                let request = match &outcome {
                    Ok(id) => id.as_deref(),
                    Err(error) => error.request_id.as_deref(),
                };
                if let Some(id) = request {
                    self.heard().writes.made(id);
                }
                self.history.answered(intent, &outcome).await;
                failed = outcome.as_ref().err().map(|error| error.class);
                if failed.is_none_or(may_have_written) {
                    let now = self.clock.now();
                    self.fleet().wrote(key, &change.resource, before(&change.resource), call, now);
                }
                self.tell_write(key, change, call.operation(), &outcome);
                written.push(Written {
                    target: key.clone(),
                    resource: change.resource.clone(),
                    action: change.action,
                    operation: call.operation(),
                    outcome,
                });
                // A call that failed may be what the next one stands on.
                if failed.is_some() {
                    break;
                }
            }
            match failed {
                None => {
                    self.fleet().repaired(key, &change.resource, change.action, self.clock.now());
                    self.metrics.repaired(change.resource.kind, change.action);
                }
                Some(class) => {
                    if change.action == Action::Delete {
                        self.fleet().not_deleted();
                    }
                    self.metrics.write_failed(change.resource.kind, class);
                    if others_depend_on(change.resource.kind) || says_so_for_all(class) {
                        break;
                    }
                }
            }
        }
        written
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one outcome, put together in one place")]
    fn end(
        &self,
        begun: Begun,
        resources: Vec<Resource>,
        plan: Plan,
        written: Vec<Written>,
        error: Option<CloudError>,
        observed_at: Timestamp,
        started: Instant,
    ) -> PassOutcome {
        let mut resources = resources;
        for failed in written.iter().filter_map(|w| Some((&w.resource, w.outcome.as_ref().err()?))) {
            if let Some(resource) = resources.iter_mut().find(|r| r.id == *failed.0) {
                resource.error = Some(Box::new(failed.1.clone()));
            }
        }
        let wrote = written.iter().any(|w| w.outcome.is_ok());
        let in_sync = watchfulness::in_sync(error.is_some(), wrote, &resources);
        let ended = watchfulness::ended(observed_at, self.clock.now(), wrote, in_sync);
        self.conclude(&begun, &resources, ended);
        let target = begun.target.key.clone();
        let (news, moved) = {
            let mut fleet = self.fleet();
            let news = fleet.finish(&begun, resources.clone(), plan.clone(), error.clone(), observed_at);
            (news, fleet.moved)
        };
        if moved {
            self.moved.notify_one();
        }
        self.metrics.pass(target.side, started.elapsed().as_secs_f64());
        self.changed.notify_one();
        PassOutcome { target, resources, plan, written, error, news }
    }

    fn tell_drift(&self, key: &TargetKey, resources: &[Resource]) {
        for resource in resources.iter().filter(|r| !matches!(r.verdict, Verdict::InSync | Verdict::Pending))
        {
            self.metrics.drift_found(resource.id.kind, resource.verdict);
            let fields: Vec<&str> = resource.changes.iter().map(|change| change.path.as_str()).collect();
            tracing::info!(
                account.id = %key.account,
                region = %key.region,
                resource = %resource.id,
                verdict = resource.verdict.label(),
                reason = resource.reason.unwrap_or_default(),
                fields = fields.join(", "),
                error = resource.error.as_deref().map(ToString::to_string),
                "{} in account {} is {}",
                resource.id, key.account, resource.verdict.label(),
            );
        }
    }

    /// One complete line for each write: where, what, why, and AWS's request id.
    fn tell_write(
        &self,
        key: &TargetKey,
        change: &Change,
        operation: &'static str,
        outcome: &Result<Option<String>, CloudError>,
    ) {
        let (account, resource) = (&key.account, &change.resource);
        match outcome {
            Ok(request_id) => tracing::info!(
                account.id = %account, region = %key.region, resource = %resource, operation,
                reason = change.reason, request_id = request_id.as_deref().unwrap_or_default(),
                "Wrote {operation} for {resource} in account {account}: {}", change.reason,
            ),
            Err(error) => tracing::warn!(
                account.id = %account, region = %key.region, resource = %resource, operation,
                reason = change.reason, request_id = error.request_id.as_deref().unwrap_or_default(), %error,
                "Could not write {operation} for {resource} in account {account}",
            ),
        }
    }

    pub(super) fn fleet(&self) -> std::sync::MutexGuard<'_, super::fleet::Fleet> {
        // A panic elsewhere leaves the fleet as consistent as any moment between two statements; AWS is the truth.
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes out of a pass that may write the calls of changes of which every call was made, and of changes that wait: a later
/// pass plans them anew, and meanwhile a plan is kept of every target at once, during a first installation of thousands.
fn forget_calls(plan: &mut Plan, written: &[Written]) {
    let made = |change: &Change| {
        written.iter().filter(|w| w.resource == change.resource && w.outcome.is_ok()).count()
    };
    for change in &mut plan.changes {
        let over = match &change.hold {
            None => made(change) == change.calls.len(),
            Some(hold) => hold.waits,
        };
        if over {
            change.calls = Vec::new();
        }
    }
}

/// Whether AWS no longer takes the credentials that we hold.
fn refused(sight: &Sight<serde_json::Value>) -> bool {
    matches!(sight, Sight::Unknown(error) if error.class == ErrorClass::Credentials)
}

/// Whether nothing else of the plan makes sense when this kind could not be written.
fn others_depend_on(kind: &str) -> bool {
    ["event_bus", "forwarding_role"].contains(&kind)
}

/// Whether a call that failed may have done its work all the same: what AWS refused, it did not do.
fn may_have_written(class: ErrorClass) -> bool {
    class == ErrorClass::Unreachable
}

/// Whether the next call would meet the same.
fn says_so_for_all(class: ErrorClass) -> bool {
    matches!(
        class,
        ErrorClass::Throttled
            | ErrorClass::Credentials
            | ErrorClass::Unreachable
            | ErrorClass::RegionDisabled
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_refused_is_no_write_and_what_it_did_not_answer_may_be_one() {
        for refused in [ErrorClass::Throttled, ErrorClass::Denied, ErrorClass::NotReady, ErrorClass::Invalid]
        {
            assert!(!may_have_written(refused), "{refused:?}");
        }
        assert!(may_have_written(ErrorClass::Unreachable));
    }

    #[test]
    fn of_a_change_that_was_made_or_waits_no_call_is_left_and_of_one_that_failed_or_is_held_all() {
        let id = |name: &str| ResourceId { kind: "queue", name: name.to_owned() };
        let change = |name: &str| Change {
            resource: id(name),
            action: Action::Delete,
            stage: crate::model::plan::Stage::Contract,
            reason: String::new(),
            fields: [].into(),
            calls: vec![crate::model::call::Call::DeleteQueue { name: name.to_owned() }],
            hold: None,
        };
        let target = crate::world::fixture::key(
            crate::model::target::Side::Central,
            crate::world::fixture::id(crate::world::fixture::CENTRAL),
        );
        let wrote = |name: &str, outcome| Written {
            target: target.clone(),
            resource: id(name),
            action: Action::Delete,
            operation: "DeleteQueue",
            outcome,
        };
        let failure = crate::world::fixture::error(ErrorClass::Denied);
        let written = [wrote("made", Ok(None)), wrote("failed", Err(failure))];
        let stopped = |name: &str, waits: bool| {
            let hold = crate::model::plan::Hold { reason: "Any", message: String::new(), waits };
            Change { hold: Some(hold), ..change(name) }
        };
        let changes = vec![
            change("made"),
            change("failed"),
            change("not tried"),
            stopped("waits", true),
            stopped("held", false),
        ];
        let left_after = |written: &[Written]| {
            let mut plan = Plan { target: target.clone(), changes: changes.clone() };
            forget_calls(&mut plan, written);
            plan.changes.iter().map(|change| change.calls.len()).collect::<Vec<_>>()
        };
        assert_eq!(left_after(&written), [0, 1, 1, 0, 1]);
        assert_eq!(left_after(&written[1..]), [1, 1, 1, 0, 1], "nothing was written");
    }
}
