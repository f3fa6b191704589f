//! The time of day, as everything that decides by it is told.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Tells the time of day. Copies tell the same.
///
/// Waiting goes by the runtime's own clock, so a test that gives a clock which follows a paused runtime lives through
/// hours in milliseconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(Timestamp::now)
    }

    /// A clock that tells what `source` says.
    pub fn new(source: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}
