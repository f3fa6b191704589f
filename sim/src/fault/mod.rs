//! What goes wrong: latency, throttling, errors, lost and broken answers, by rule and seed.

mod latency;
mod quota;
mod rule;
mod span;
#[cfg(test)]
mod tests;
mod wording;

use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;

use crate::call::{Call, Refusal};
use crate::simulator::Transport;

pub use latency::Distribution;
pub use quota::{Limit, Quota, QuotaChange, Quotas};
pub(crate) use rule::fits;
pub use rule::{Action, Armed, Rule};
pub use span::Span;

/// The faults in force. At first none are: every call is answered at once.
#[derive(Debug, Default)]
pub struct Faults {
    rules: Vec<Armed>,
    made_up: u64,
    latency: Option<Distribution>,
    /// AWS's request quotas.
    pub quotas: Quotas,
}

/// What happens to one call.
#[derive(Debug, Default)]
pub struct Decision {
    /// How long the answer takes.
    pub delay: Duration,
    /// Refused without effect, with this.
    pub refusal: Option<Refusal>,
    /// How the answer gets back. An answer can be lost after the call took effect.
    pub transport: Transport,
    /// Whether it leaves no CloudTrail event: it was turned away before the service looked at it.
    pub traceless: bool,
    /// Whether [`Faults::finished`] must be told when it ends.
    pub in_progress: bool,
}

impl Decision {
    /// The call is turned away before anybody looks at it.
    fn vanish(&mut self, refusal: Refusal, transport: Transport) {
        self.refusal = Some(refusal);
        self.transport = transport;
        self.traceless = true;
    }
}

impl Faults {
    /// Decides what happens to a call: a quota first, then the first rule that fires. Delays of all rules add up.
    pub fn decide(&mut self, call: &Call, rng: &mut StdRng) -> Decision {
        let mut decision = Decision::default();
        if let Some(latency) = self.latency {
            decision.delay = latency.draw(rng);
        }
        let mut settled = false;
        match self.quotas.admit(call) {
            Ok(in_progress) => decision.in_progress = in_progress,
            Err(refusal) => {
                decision.vanish(refusal, Transport::Whole);
                settled = true;
            }
        }
        for armed in &mut self.rules {
            if (settled && !armed.only_delays()) || !armed.fires(call, rng) {
                continue;
            }
            armed.befall(call, rng, &mut decision);
            settled |= !armed.only_delays();
        }
        decision
    }

    /// A call that is in progress ([`Decision::in_progress`]) has ended, answered or not.
    pub fn finished(&mut self, call: &Call) {
        self.quotas.finished(call);
    }

    /// Sets a rule behind all others, and answers its id. A rule of the same id is replaced in its place, and counts
    /// anew.
    ///
    /// # Errors
    /// What is wrong with the rule.
    pub fn set(&mut self, mut rule: Rule, now: Timestamp) -> Result<String, String> {
        rule.check()?;
        while rule.id.is_empty() {
            self.made_up += 1;
            let id = format!("fault-{}", self.made_up);
            if self.rules.iter().all(|armed| armed.rule.id != id) {
                rule.id = id;
            }
        }
        let id = rule.id.clone();
        let armed = Armed::new(rule, now);
        match self.rules.iter_mut().find(|armed| armed.rule.id == id) {
            Some(former) => *former = armed,
            None => self.rules.push(armed),
        }
        Ok(id)
    }

    /// Takes a rule away; whether there was one.
    pub fn remove(&mut self, id: &str) -> bool {
        let before = self.rules.len();
        self.rules.retain(|armed| armed.rule.id != id);
        self.rules.len() < before
    }

    /// Takes all rules away. Latency and quotas stay.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// The rules in force, in their order, with their counts.
    pub fn rules(&self) -> &[Armed] {
        &self.rules
    }

    /// How long every answer takes, whatever the rules add.
    pub fn latency(&self) -> Option<Distribution> {
        self.latency
    }

    /// Sets how long every answer takes.
    ///
    /// # Errors
    /// What is wrong with the figures.
    pub fn set_latency(&mut self, latency: Option<Distribution>) -> Result<(), String> {
        if let Some(distribution) = &latency {
            distribution.check()?;
        }
        self.latency = latency;
        Ok(())
    }
}
