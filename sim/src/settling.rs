//! Eventual consistency: a value whose changes are not seen at once.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// A value with its recent past. A write is seen by a read only some time later; how much later, the reader says.
///
/// The past is kept no longer than the longest lag that was ever asked for by [`Settling::write`], so with no lag
/// nothing is kept and a value costs what it costs.
#[derive(Clone, Debug, Default)]
pub struct Settling<T> {
    current: Arc<T>,
    /// What the value was, and until when; oldest first.
    past: Vec<(Timestamp, Arc<T>)>,
}

impl<T: Clone> Settling<T> {
    /// A value that has always been so.
    pub fn new(value: T) -> Self {
        Self { current: Arc::new(value), past: Vec::new() }
    }

    /// What was written last, seen or not: what AWS itself decides on (quotas, "already exists").
    pub fn current(&self) -> &T {
        &self.current
    }

    /// The value as somebody sees it who is `lag` behind.
    pub fn seen(&self, now: Timestamp, lag: SignedDuration) -> &T {
        let at = now.saturating_sub(lag).unwrap_or(Timestamp::MIN);
        self.past.iter().find(|(until, _)| *until > at).map_or(&self.current, |(_, value)| value)
    }

    /// Changes the value; for `lag` from now the former one may still be seen.
    pub fn write(&mut self, now: Timestamp, lag: SignedDuration) -> &mut T {
        let forgotten = now.saturating_sub(lag).unwrap_or(Timestamp::MIN);
        self.past.retain(|(until, _)| *until > forgotten);
        if lag > SignedDuration::ZERO {
            self.past.push((now, Arc::clone(&self.current)));
        }
        Arc::make_mut(&mut self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    const LAG: SignedDuration = SignedDuration::from_secs(10);

    #[test]
    fn a_write_is_seen_when_its_lag_is_over() {
        let mut value = Settling::new(1);
        *value.write(at(100), LAG) = 2;
        *value.write(at(105), LAG) = 3;
        assert_eq!(*value.current(), 3);
        assert_eq!(*value.seen(at(109), LAG), 1);
        assert_eq!(*value.seen(at(110), LAG), 2);
        assert_eq!(*value.seen(at(115), LAG), 3);
        assert_eq!(*value.seen(at(105), SignedDuration::ZERO), 3);
    }

    #[test]
    fn without_a_lag_no_past_is_kept() {
        let mut value = Settling::new(1);
        for next in 2..100 {
            *value.write(at(100), SignedDuration::ZERO) = next;
        }
        assert!(value.past.is_empty());
        assert_eq!(*value.seen(at(100), LAG), 99);
    }
}
