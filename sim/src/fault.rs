//! What goes wrong: latency, throttling, errors, lost and broken answers, by rule and seed.

use std::time::Duration;

use rand::rngs::StdRng;

use crate::call::{Call, Refusal};
use crate::simulator::Transport;

/// The faults in force.
#[derive(Debug, Default)]
pub struct Faults {}

/// What happens to one call.
#[derive(Debug)]
pub struct Decision {
    /// How long the answer takes.
    pub delay: Duration,
    /// Refused without effect, with this.
    pub refusal: Option<Refusal>,
    /// How the answer gets back. An answer can be lost after the call took effect.
    pub transport: Transport,
}

impl Faults {
    /// Decides what happens to a call.
    pub fn decide(&mut self, _call: &Call, _rng: &mut StdRng) -> Decision {
        Decision { delay: Duration::ZERO, refusal: None, transport: Transport::Whole }
    }
}
