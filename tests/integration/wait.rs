//! Waiting for something that another process does.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// What `look` finds, asked again and again until `within` is over; then the test fails, naming `what`.
pub(crate) fn eventually<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(start.elapsed() < within, "not within {within:?}: {what}");
        sleep(Duration::from_millis(20));
    }
}
