//! The time of day, and the chance by which many waits are spread over it.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time of day. Copies tell the same.
///
/// Waiting goes by the runtime's own clock, so a test that gives a clock which follows a paused runtime lives through
/// hours in milliseconds, and one that gives its own jitter lives through the same hours again.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Clock {
    /// The machine's clock and chance.
    pub fn system() -> Self {
        Self::new(Timestamp::now, rand::random)
    }

    /// A clock that tells what `now` says, and spreads as `jitter` says, by numbers between 0 and 1.
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        jitter: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), jitter: Arc::new(jitter) }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The next number between 0 and 1: what would otherwise happen to thousands of accounts at once is spread by it.
    pub fn jitter(&self) -> f64 {
        (self.jitter)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
