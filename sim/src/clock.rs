//! The time of the simulated world: real or virtual, and always movable forward.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// Tells the time.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ahead: SignedDuration,
}

impl Clock {
    /// The machine's own time.
    pub fn real() -> Self {
        Self::from_source(Timestamp::now)
    }

    /// Time as `source` tells it; tests give a virtual one.
    pub fn from_source(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(source), ahead: SignedDuration::ZERO }
    }

    /// Now, in the simulated world.
    pub fn now(&self) -> Timestamp {
        (self.source)().saturating_add(self.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Moves the simulated world's time forward.
    pub fn advance(&mut self, by: SignedDuration) {
        self.ahead += by;
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
