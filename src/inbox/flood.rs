//! Whether more messages arrive than an organization's own life explains.

use jiff::{SignedDuration, Timestamp};

/// So many messages within a minute are a flood.
const FLOOD: u32 = 600;
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// Counts messages by the minute.
#[derive(Debug, Default)]
pub struct Flood {
    minute: Option<Timestamp>,
    count: u32,
    since: Option<Timestamp>,
}

impl Flood {
    /// One more message; answers whether a flood has just begun.
    pub fn message(&mut self, now: Timestamp) -> bool {
        self.pass(now);
        self.minute.get_or_insert(now);
        self.count = self.count.saturating_add(1);
        let begins = self.count >= FLOOD && self.since.is_none();
        if begins {
            self.since = Some(now);
        }
        begins
    }

    /// Since when there is a flood; it ends with the first minute that is none.
    pub fn since(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.pass(now);
        self.since
    }

    fn pass(&mut self, now: Timestamp) {
        let Some(minute) = self.minute.filter(|minute| now.duration_since(*minute) >= MINUTE) else { return };
        // A minute in which nothing came lies between.
        if self.count < FLOOD || now.duration_since(minute) >= MINUTE * 2 {
            self.since = None;
        }
        // While there is a flood each minute is looked at, whether anything comes in it or not.
        (self.minute, self.count) = (self.since.map(|_| now), 0);
    }
}
