//! How often one target may be woken: at once as a rule, and more slowly where somebody keeps us busy.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::model::target::TargetKey;

/// So many wakes of one target go through at once.
const BURST: u32 = 10;
/// Then one in this time. Waking costs the calls of a pass, at the expense of the account that is woken.
const EVERY: Duration = Duration::from_secs(10);

/// When each target may be woken again. Bounded by the number of targets.
#[derive(Debug, Default)]
pub struct Wakes {
    /// The moment at which the target's burst is whole again.
    whole_at: BTreeMap<TargetKey, Instant>,
}

impl Wakes {
    /// When a target that is woken `now` may be looked at.
    pub fn due(&mut self, key: &TargetKey, now: Instant) -> Instant {
        // What is whole again need not be remembered.
        if self.whole_at.len() >= 1024 {
            self.whole_at.retain(|_, at| *at > now);
        }
        let whole_at = self.whole_at.entry(key.clone()).or_insert(now);
        // However often it is woken, it waits for the next free moment and no longer.
        let most = now + EVERY * (BURST + 1);
        *whole_at = ((*whole_at).max(now) + EVERY).min(most);
        let over = whole_at.duration_since(now).saturating_sub(EVERY * BURST);
        now + over
    }
}
