//! Reads the inbox, for as long as the daemon runs: each message makes at most one target due, and is deleted then.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Controller;
use super::requests::Requests;
use crate::aws::Session;
use crate::inbox::hidden::{Hidden, HiddenEvent};
use crate::inbox::notice::Notice;
use crate::inbox::repairs::Repairs;
use crate::inbox::{Flood, Message, Seen, Tampering, Wakes, Writes, parse};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::target::{Side, TargetKey};
use crate::model::view::{InboxView, LatencyView};
use crate::news::Item;
use crate::world::World;

/// How long one call waits for messages, in seconds; less than a call may take at all.
const WAIT: i32 = 15;
/// How soon we look again for a queue that is not there yet, or may not be read.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How soon after other failures, doubled with each.
const BACKOFF: Duration = Duration::from_secs(2);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// What is older has been looked at by the timer since, or will be: it wakes nobody.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// What is remembered of messages, and of what they led to.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) view: InboxView,
    pub(super) latency: LatencyView,
    pub(super) repairs: Repairs,
    pub(super) writes: Writes,
    /// What alerts did not deliver.
    pub(super) hidden: Hidden,
    /// How each suppression stood when that was last told.
    pub(super) told: super::suppressions::Told,
    /// Alerts of which the log was told that their mail would be suspended, by their path.
    pub(super) flooding: std::collections::BTreeSet<String>,
    /// Accounts that joined since the start and were seen covered.
    pub(super) joined: std::collections::BTreeSet<crate::model::ids::AccountId>,
    seen: Seen,
    wakes: Wakes,
    flood: Flood,
}

/// Reads until `stop` is cancelled.
pub(super) async fn read(
    controller: Arc<Controller>,
    requests: Arc<Requests>,
    stop: CancellationToken,
) -> &'static str {
    let mut url = None;
    let mut failures = 0_u32;
    while !stop.is_cancelled() {
        let turn = async {
            let Some(world) = controller.inbox_world() else {
                tokio::time::sleep(LOOK_AGAIN).await;
                return;
            };
            match controller.read_some(&requests, &world, &mut url, &stop).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    url = None;
                    controller.inbox_fails(&world, &error, failures);
                    let missing = matches!(error.class, ErrorClass::NotFound | ErrorClass::Denied);
                    let backoff = BACKOFF.saturating_mul(1 << failures.min(6)).min(LONGEST_BACKOFF);
                    tokio::time::sleep(if missing { LOOK_AGAIN } else { backoff }).await;
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = turn => {}
        }
    }
    "inbox"
}

impl Controller {
    pub(super) fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        // Counters and memories, each of which holds by itself.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What must hold, if that includes an inbox.
    fn inbox_world(&self) -> Option<Arc<World>> {
        let world = self.fleet().world.clone();
        let there = world.as_ref().is_some_and(|world| world.inbox);
        if world.is_some() && !there {
            self.heard().view.state = "off";
        }
        world.filter(|_| there)
    }

    /// Waits for messages once, and works on those that came.
    async fn read_some(
        &self,
        requests: &Requests,
        world: &World,
        url: &mut Option<String>,
        stop: &CancellationToken,
    ) -> Result<(), CloudError> {
        let session: Session = self.broker.inbox(world).await?;
        let of_queue = match url {
            Some(url) => url.clone(),
            None => url.insert(self.cloud.queue_url(&session, &world.inbox_queue()).await?).clone(),
        };
        let received = self.cloud.receive(&session, &of_queue, WAIT).await?;
        self.inbox_reads(!received.is_empty());
        let mut done = Vec::new();
        for message in received {
            // Whoever is told to stop accepts nothing more; the message comes again to the next process.
            if stop.is_cancelled() {
                break;
            }
            self.take(requests, world, &message.body);
            done.push(message.handle);
        }
        self.strangers(requests, world);
        if !done.is_empty() {
            let refused = self.cloud.delete_messages(&session, &of_queue, done).await?;
            if refused > 0 {
                tracing::debug!(refused, "Messages of the inbox were not deleted and come again");
            }
        }
        Ok(())
    }

    fn inbox_reads(&self, any: bool) {
        let now = self.clock.now();
        let mut heard = self.heard();
        let flooded_since = heard.flood.since(now);
        let recovered = heard.view.message.is_some();
        heard.view.flooded_since = flooded_since;
        (heard.view.state, heard.view.message) = ("reading", None);
        if any {
            heard.view.last_message_at = Some(now);
        }
        drop(heard);
        if recovered {
            tracing::info!("The inbox can be read again");
            self.changed.notify_one();
        }
    }

    fn inbox_fails(&self, world: &World, error: &CloudError, failures: u32) {
        self.metrics.guard.inbox("failed");
        let message = format!(
            "{error}; nothing wakes the daemon until {} can be read, and what is wrong is found by the timer, within \
             `reconcile.resync_interval`",
            world.inbox_queue()
        );
        // In the first moments of an installation the queue is just being made.
        if failures == 3 {
            tracing::warn!(%error, "The inbox cannot be read: what is wrong is found by the timer alone");
        }
        let mut heard = self.heard();
        (heard.view.state, heard.view.message) = ("unavailable", Some(message));
        drop(heard);
        self.changed.notify_one();
    }

    /// Works on one message, whatever it is.
    pub(super) fn take(&self, requests: &Requests, world: &World, body: &str) {
        let now = self.clock.now();
        let message = parse(body);
        // Noise that is known, and was asked to be counted, is no flood.
        if !matches!(message, Message::Hidden(_)) && self.heard().flood.message(now) {
            self.tell(&Notice::InboxFlooded { at: now });
        }
        let outcome = match message {
            Message::Hidden(event) => self.not_delivered(event, now),
            Message::Wake(tampering) => self.tampered(requests, world, tampering, now),
            Message::Organization { account, event, at } => self.reorganized(&account, &event, at, now),
            Message::Canary { account, rule, nonce } => self.canary_returned(&account, &rule, &nonce),
            Message::Heartbeat { account } if account == world.central => "heartbeat",
            Message::Heartbeat { .. } => "foreign",
            Message::Foreign(reason) => {
                tracing::debug!(reason, "A message of the inbox is none that we know");
                "foreign"
            }
        };
        self.metrics.guard.inbox(outcome);
        let mut heard = self.heard();
        match outcome {
            "woken" => heard.view.woken += 1,
            // Counted with its alert.
            "hidden" => {}
            // What was waited for.
            "canary" | "heartbeat" => {}
            _ => heard.view.dropped += 1,
        }
    }

    /// Counts an event that an alert did not deliver.
    fn not_delivered(&self, event: HiddenEvent, now: Timestamp) -> &'static str {
        let suppresses =
            |alert: &crate::config::Alert| alert.name == event.alert && !alert.suppress.is_empty();
        if !self.settings().alerts.iter().any(suppresses) {
            return "foreign";
        }
        if !self.heard().hidden.event(event, now) {
            return "duplicate";
        }
        self.changed.notify_one();
        "hidden"
    }

    fn tampered(
        &self,
        requests: &Requests,
        world: &World,
        tampering: Tampering,
        now: Timestamp,
    ) -> &'static str {
        let mut heard = self.heard();
        if !heard.seen.is_new(&tampering.event_id) {
            return "duplicate";
        }
        let age = now.duration_since(tampering.at);
        if age.abs() > STALE {
            return "stale";
        }
        // AWS has told people of it; nothing has changed.
        if tampering.failed {
            return "failed_call";
        }
        let ours = tampering.role.as_ref().is_some_and(|role| {
            world.member_roles.contains(role)
                || (tampering.account == world.central && *role == world.central_role)
        });
        if ours {
            if heard.writes.is_ours(&tampering) {
                return "own";
            }
            // Of what a former process did nobody can tell any more.
            if tampering.at >= self.started_at {
                heard.writes.doubt(tampering, now);
            }
            return "own_role";
        }
        drop(heard);
        if self.wake(requests, world, &tampering, now) { "woken" } else { "no_target" }
    }

    /// Makes the targets that a call concerns due; answers whether there are any.
    fn wake(&self, requests: &Requests, world: &World, tampering: &Tampering, now: Timestamp) -> bool {
        let keys: Vec<TargetKey> = {
            let all = requests.targets_of(&tampering.account);
            let fleet = self.fleet();
            let concerned = |key: &TargetKey| match tampering.service.as_str() {
                // Roles are kept with one Region of the account, wherever IAM's events appear.
                "iam" => fleet.targets.get(key).is_some_and(|t| t.roles_here || t.holds_bus(world)),
                "sns" | "sqs" => key.side == Side::Central && key.region == tampering.region,
                _ => key.region == tampering.region,
            };
            all.into_iter().filter(concerned).collect()
        };
        if keys.is_empty() {
            return false;
        }
        let noticed = now.duration_since(tampering.at).as_secs_f64().max(0.0);
        tracing::info!(
            account.id = %tampering.account, region = %tampering.region, actor = tampering.actor,
            operation = tampering.operation, request_id = tampering.request_id,
            "{} by {} in account {} concerns what is ours: looking at once",
            tampering.operation, tampering.actor, tampering.account,
        );
        self.metrics.guard.noticed(noticed);
        let mut heard = self.heard();
        heard.latency.tamper_to_noticed_seconds = Some(noticed);
        for key in keys {
            heard.repairs.noticed(&key, tampering, now);
            let due = heard.wakes.due(&key, Instant::now());
            requests.push(key, due);
        }
        true
    }

    /// Tells of calls with our roles that proved not to be ours, and looks at what they did.
    fn strangers(&self, requests: &Requests, world: &World) {
        let now = self.clock.now();
        let strange = self.heard().writes.not_ours(now);
        for tampering in strange {
            self.tell(&Notice::RoleUsedByOthers {
                account: tampering.account.clone(),
                region: tampering.region.clone(),
                call: format!("{}:{}", tampering.service, tampering.operation),
                actor: tampering.actor.clone(),
                request_id: tampering.request_id.clone(),
                at: tampering.at,
            });
            self.wake(requests, world, &tampering, now);
        }
    }

    fn reorganized(
        &self,
        account: &crate::model::ids::AccountId,
        event: &str,
        at: Timestamp,
        now: Timestamp,
    ) -> &'static str {
        let by_management =
            self.fleet().organization.as_ref().is_some_and(|(_, management)| management == account);
        if !by_management {
            return "foreign";
        }
        if now.duration_since(at).abs() > STALE {
            return "stale";
        }
        tracing::info!(event, "The organization changed: looking at its accounts");
        self.discover_now.notify_one();
        "woken"
    }

    /// Passes a notice on, and writes it down.
    pub(super) fn tell(&self, notice: &Notice) {
        tracing::warn!(notice = %serde_json::to_string(notice).unwrap_or_default(), "{}", notice.message());
        self.to_tell(&[Item::from(notice)]);
        if let Some(teller) = self.teller.get() {
            teller.tell(notice);
        }
    }
}
