//! Dead letters: looking through the queues of all Regions, and delivering late what lies in them.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Controller;
use crate::aws::Session;
use crate::guard;
use crate::kinds::KINDS;
use crate::kinds::queue::DEAD_LETTERS;
use crate::letters::delivery::{Alerts, Late, Todo};
use crate::letters::{Letter, Message, Overview, Summary, Unreadable};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, Region};
use crate::model::target::Side;
use crate::pace::Pace;
use crate::world::World;

/// The most letters of one queue that are looked through; a flood of them must not fill the memory.
const MOST: usize = 2_000;
/// How long letters are hidden from others while they are looked through or delivered.
const HIDDEN_SECONDS: i32 = 120;
/// SNS suspends a subscription by mail that gets more than ten messages a second.
const PUBLISHED_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// The letters of one Region's queue.
#[derive(Clone, Debug)]
pub struct Queue {
    /// The Region.
    pub region: Region,
    /// The letters, or why they could not be read. A queue that is not there holds none.
    pub letters: Result<Vec<Letter>, CloudError>,
}

/// What became of a letter that was to be delivered.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// Published to so many topics, and removed.
    Delivered(usize),
    /// Removed: nobody should hear of it.
    Removed,
    /// Left in the queue, and why.
    Left(String),
    /// Published, but still in the queue: it would be delivered again.
    NotRemoved(CloudError),
    /// Not, or not to everybody, published, and still in the queue.
    Failed(CloudError),
}

/// How often the daemon looks whether letters lie in the queues.
const LOOK_EVERY: Duration = Duration::from_secs(300);

/// Looks through the dead letters again and again, for what is shown.
pub(super) async fn watch(controller: Arc<Controller>, stop: CancellationToken) -> &'static str {
    let mut shown_letters = 0;
    loop {
        tokio::select! {
            () = stop.cancelled() => return "dead letters",
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        // Nothing is received from queues that a pass has just seen empty.
        let queues = if controller.has_letters() || shown_letters > 0 {
            controller.letters(&stop).await
        } else {
            Vec::new()
        };
        let overview = controller.overview(&queues);
        for Unreadable { region, error } in &overview.unreadable {
            tracing::warn!(%region, error, "The dead letters of {region} could not be read");
        }
        shown_letters = overview.summary.letters;
        *controller.overview.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(overview));
        controller.changed.notify_one();
    }
}

impl Controller {
    /// Whether the latest passes saw letters in a queue.
    fn has_letters(&self) -> bool {
        let fleet = self.fleet();
        let central = fleet.states.iter().filter(|(key, _)| key.side == Side::Central);
        let mut views = central.filter_map(|(_, state)| state.view.as_ref());
        views.any(|view| {
            view.resources.iter().flat_map(|resource| &resource.notes).any(|note| note.reason == DEAD_LETTERS)
        })
    }

    /// What was read, as it is shown.
    pub fn overview(&self, queues: &[Queue]) -> Overview {
        let unreadable = queues.iter().filter_map(|queue| {
            let error = queue.letters.as_ref().err()?.to_string();
            Some(Unreadable { region: queue.region.clone(), error })
        });
        Overview {
            summary: self.summary(queues),
            unreadable: unreadable.collect(),
            observed_at: self.clock.now(),
        }
    }

    /// Looks through the dead letters of every Region. They stay where they are.
    pub async fn letters(&self, stop: &CancellationToken) -> Vec<Queue> {
        let Some(world) = self.fleet().world.clone() else { return Vec::new() };
        let mut queues = Vec::new();
        for region in self.letter_regions() {
            if stop.is_cancelled() {
                break;
            }
            let letters = self.look_through(&world, &region).await;
            queues.push(Queue { region, letters });
        }
        queues
    }

    /// Letters grouped as they are listed.
    fn summary(&self, queues: &[Queue]) -> Summary {
        let known: BTreeSet<AccountId> = self.fleet().inventory.known().keys().cloned().collect();
        let letters = queues.iter().filter_map(|queue| queue.letters.as_ref().ok()).flatten();
        Summary::of(letters, (!known.is_empty()).then_some(&known))
    }

    /// Publishes what lies in the queue of a Region to those who should have heard of it, `most` letters at most, and
    /// removes each letter only after that. Each is told as it is done.
    pub async fn deliver_letters(
        &self,
        region: &Region,
        most: usize,
        wanted: impl Fn(&Letter) -> bool,
        stop: &CancellationToken,
        mut tell: impl FnMut(&Letter, &Fate),
    ) -> Result<(), CloudError> {
        let Some(world) = self.fleet().world.clone() else { return Ok(()) };
        let session = self.broker.letters(&world, region, true).await?;
        let Some(url) = self.letter_queue(&session, &world).await? else { return Ok(()) };
        let alerts = self.alerts_of(&world);
        let pace = Pace::with_burst(PUBLISHED_PER_SECOND, NonZeroU32::MIN);
        let (mut seen, mut kept, mut done) = (BTreeSet::new(), Vec::new(), 0);
        let mut ended = Ok(());
        'queue: while done < most && !stop.is_cancelled() {
            let messages = match self.cloud.receive_letters(&session, &url, HIDDEN_SECONDS).await {
                Ok(messages) if !messages.is_empty() => messages,
                Ok(_) => break,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            for message in messages {
                // One that comes again in this run was handled already, or could not be.
                if !seen.insert(message.id.clone()) {
                    continue;
                }
                let letter = Letter::read(&message);
                if !wanted(&letter) || done >= most || stop.is_cancelled() {
                    kept.push(message.handle);
                    continue;
                }
                done += 1;
                let fate = self.deliver(&session, &world, &url, &alerts, &message, &letter, &pace).await;
                let given_up = matches!(&fate, Fate::Failed(error) if error.class != ErrorClass::NotFound);
                if !matches!(fate, Fate::Delivered(_) | Fate::Removed) {
                    kept.push(message.handle);
                }
                tell(&letter, &fate);
                // The next one would meet the same.
                if given_up {
                    break 'queue;
                }
            }
            if seen.len() >= MOST {
                break;
            }
        }
        // What is not shown again now shows itself when its time is over.
        self.cloud.release_letters(&session, &url, &kept).await.and(ended)
    }

    #[expect(clippy::too_many_arguments, reason = "one letter with all that its delivery takes")]
    async fn deliver(
        &self,
        session: &Session,
        world: &World,
        url: &str,
        alerts: &Alerts,
        message: &Message,
        letter: &Letter,
        pace: &Pace,
    ) -> Fate {
        let late = match alerts.todo(letter) {
            Todo::Leave(why) => return Fate::Left(why.to_owned()),
            Todo::Remove => Vec::new(),
            Todo::Publish(late) => late,
        };
        let topics = session.in_region(&world.central_region);
        for Late { topic_arn, subject, message } in &late {
            pace.ready().await;
            match self.cloud.publish(&topics, topic_arn, subject, message).await {
                Ok(id) => tracing::info!(
                    letter = letter.id,
                    topic_arn,
                    message_id = id,
                    "Published the dead letter {} to {topic_arn}",
                    letter.id
                ),
                Err(error) => return Fate::Failed(error),
            }
        }
        match self.cloud.remove_letter(session, url, &message.handle).await {
            Ok(()) if late.is_empty() => Fate::Removed,
            Ok(()) => Fate::Delivered(late.len()),
            Err(error) => Fate::NotRemoved(error),
        }
    }

    /// The Regions that have a dead-letter queue.
    pub fn letter_regions(&self) -> Vec<Region> {
        let fleet = self.fleet();
        fleet.targets.keys().filter(|key| key.side == Side::Central).map(|key| key.region.clone()).collect()
    }

    async fn look_through(&self, world: &World, region: &Region) -> Result<Vec<Letter>, CloudError> {
        let session = self.broker.letters(world, region, false).await?;
        let Some(url) = self.letter_queue(&session, world).await? else { return Ok(Vec::new()) };
        let (mut letters, mut handles, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        let read = loop {
            let messages = match self.cloud.receive_letters(&session, &url, HIDDEN_SECONDS).await {
                Ok(messages) if !messages.is_empty() => messages,
                Ok(_) => break Ok(()),
                Err(error) => break Err(error),
            };
            for message in messages {
                if seen.insert(message.id.clone()) {
                    letters.push(Letter::read(&message));
                }
                handles.push(message.handle);
            }
            if letters.len() >= MOST {
                break Ok(());
            }
        };
        self.cloud.release_letters(&session, &url, &handles).await?;
        read.map(|()| letters)
    }

    /// The URL of a Region's queue; none if there is no queue.
    async fn letter_queue(&self, session: &Session, world: &World) -> Result<Option<String>, CloudError> {
        match self.cloud.queue_url(session, &world.dead_letter_queue()).await {
            Ok(url) => Ok(Some(url)),
            Err(error) if error.class == ErrorClass::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn alerts_of(&self, world: &World) -> Alerts {
        let fleet = self.fleet();
        let target = fleet.targets.values().find(|target| target.holds_bus(world));
        let kind = KINDS.iter().find(|kind| kind.name() == "alert_rule");
        let rules = kind.zip(target).map(|(kind, target)| kind.desired(world, target)).unwrap_or_default();
        let prefix =
            world.arn("events", &world.central_region, &world.central, &format!("rule/{}/", world.bus()));
        let guard = world.guard.as_ref().map(|_| (world.named(guard::TAMPER), world.named(guard::MEMBER)));
        Alerts::new(rules, world.bus(), &prefix, guard)
    }
}
