//! When a target is looked at again. Pure.

use std::time::Duration;

use super::fleet::{WAITING_FOR_CENTRAL, WAITING_FOR_FIRST_ACCOUNTS};
use super::pass::PassOutcome;
use crate::judge::SETTLING;
use crate::model::error::ErrorClass;
use crate::model::resource::Verdict;
use crate::planning::WAITING_FOR_SUCCESSOR;

/// How soon a write is looked at again.
const VERIFY: Duration = Duration::from_secs(1);
/// How soon a new account is tried again that is not ready.
const NOT_READY: Duration = Duration::from_secs(5);
/// How soon a removal that waits for another sighting is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How often in a row a failure may be the fault of something that was just made.
const PATIENT: u32 = 12;
/// The first delay after an error that may pass.
const BACKOFF: Duration = Duration::from_secs(2);

/// The delay until the next pass.
///
/// `failures` counts passes in a row that ended in an error; `jitter`, between 0 and 1, spreads targets over time.
pub fn delay(
    outcome: &PassOutcome,
    failures: u32,
    in_grace: bool,
    resync: Duration,
    jitter: f64,
) -> Duration {
    let regular = resync.mul_f64(0.9 + 0.2 * jitter);
    let backoff = || {
        BACKOFF
            .saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1))
            .mul_f64(0.5 + jitter)
            .min(regular)
    };
    let of_class = |class: ErrorClass| match class {
        ErrorClass::Throttled | ErrorClass::Unreachable | ErrorClass::Conflict | ErrorClass::Credentials => {
            backoff()
        }
        // A role that was just made is ready within seconds; what is not there after a minute may never be.
        ErrorClass::NotReady | ErrorClass::NotFound if in_grace || failures <= PATIENT => {
            NOT_READY.min(regular)
        }
        ErrorClass::NotReady | ErrorClass::NotFound => backoff(),
        // What is missing does not heal in seconds, except in an account that is just being set up.
        ErrorClass::Denied | ErrorClass::RegionDisabled if in_grace => NOT_READY.min(regular),
        ErrorClass::Denied
        | ErrorClass::DeniedByScp
        | ErrorClass::RegionDisabled
        | ErrorClass::Invalid
        | ErrorClass::LimitExceeded
        | ErrorClass::NotSent => regular,
    };
    let unseen = outcome.resources.iter().filter_map(|r| r.error.as_deref());
    let unwritten = outcome.written.iter().filter_map(|w| w.outcome.as_ref().err());
    let errors = outcome.error.iter().chain(unseen).chain(unwritten);
    if let Some(soonest) = errors.map(|error| of_class(error.class)).min() {
        return soonest;
    }
    if !outcome.written.is_empty() {
        return VERIFY.min(regular);
    }
    let settles =
        outcome.resources.iter().any(|r| r.verdict == Verdict::Pending && r.reason == Some(SETTLING));
    let waits = outcome.plan.changes.iter().filter_map(|c| c.hold.as_ref()).any(|h| {
        // Whoever waits for the central side or the first accounts is woken by them; and a successor that is neither
        // being written nor settling gets into place no sooner by being looked at.
        h.waits
            && ![WAITING_FOR_CENTRAL, WAITING_FOR_FIRST_ACCOUNTS, WAITING_FOR_SUCCESSOR].contains(&h.reason)
    });
    match () {
        () if settles => VERIFY.min(regular),
        () if waits => LOOK_AGAIN.min(regular),
        () => regular,
    }
}

#[cfg(test)]
mod tests;
