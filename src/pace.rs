//! How fast calls may go out.

use std::num::NonZeroU32;
use std::time::Instant;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// A rate that calls are held to. It goes by the runtime's clock, as every other wait does.
#[derive(Debug)]
pub(crate) struct Pace(RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<Instant>>);

impl Pace {
    /// So many a second, and at most as many at once.
    pub(crate) fn per_second(rate: NonZeroU32) -> Self {
        Self::with_burst(rate, rate)
    }

    /// So many a second, and at most `burst` at once.
    pub(crate) fn with_burst(rate: NonZeroU32, burst: NonZeroU32) -> Self {
        Self(RateLimiter::direct_with_clock(Quota::per_second(rate).allow_burst(burst), RuntimeClock))
    }

    /// Waits until the next one may go.
    pub(crate) async fn ready(&self) {
        while let Err(early) = self.0.check() {
            tokio::time::sleep(early.wait_time_from(RuntimeClock.now())).await;
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct RuntimeClock;

impl Clock for RuntimeClock {
    type Instant = Instant;

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn more_than_a_burst_takes_as_long_as_the_rate_says() {
        let of = |n| NonZeroU32::new(n).unwrap();
        let pace = Pace::with_burst(of(10), of(5));
        let began = tokio::time::Instant::now();
        for _ in 0..5 {
            pace.ready().await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        for _ in 0..20 {
            pace.ready().await;
        }
        let took = began.elapsed().as_secs_f64();
        assert!((1.9..=2.1).contains(&took), "{took}");
    }
}
