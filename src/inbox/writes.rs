//! Which writing calls with our roles were ours. What our role did and we did not is somebody else's doing.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::Tampering;

/// How many requests of ours are remembered: those of a first installation of a thousand accounts.
const REMEMBERED: usize = 20_000;
/// How long an event may be here before the answer that tells us the request's id.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);
/// How many doubtful calls are kept; more at once are a flood, which is told by itself.
const DOUBTFUL: usize = 1000;

/// The ids of our own requests, and calls with our roles that match none of them yet.
#[derive(Debug, Default)]
pub struct Writes {
    ids: HashSet<Arc<str>>,
    order: VecDeque<Arc<str>>,
    doubtful: BTreeMap<(Timestamp, String), Tampering>,
}

impl Writes {
    /// Remembers a request that we made.
    pub fn made(&mut self, request_id: &str) {
        let id: Arc<str> = request_id.into();
        if self.ids.insert(Arc::clone(&id)) {
            self.order.push_back(id);
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.ids.remove(&oldest);
            }
        }
    }

    /// Whether we made this request.
    pub fn is_ours(&self, tampering: &Tampering) -> bool {
        tampering.request_id.as_ref().is_some_and(|id| self.ids.contains(id.as_str()))
    }

    /// Keeps a call that was made with a role of ours, until it proves to be ours or nobody's.
    pub fn doubt(&mut self, tampering: Tampering, now: Timestamp) {
        if self.doubtful.len() < DOUBTFUL {
            self.doubtful.insert((now, tampering.event_id.clone()), tampering);
        }
    }

    /// The calls that have been doubtful for too long: somebody else made them.
    pub fn not_ours(&mut self, now: Timestamp) -> Vec<Tampering> {
        let mut strange = Vec::new();
        while let Some(entry) = self.doubtful.first_entry() {
            if now.duration_since(entry.key().0) < PATIENCE {
                break;
            }
            let tampering = entry.remove();
            if !self.is_ours(&tampering) {
                strange.push(tampering);
            }
        }
        strange
    }
}
