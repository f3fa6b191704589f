//! What is done with a delivery, once it is decided.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::Value;

use crate::access::Asker;
use crate::service::{sns, sqs};
use crate::world::World;

use super::figures;
use super::outbox::{Deliveries, Received};

/// Where a walk ends: it delivers or only notes. Errors are EventBridge's codes, as they stand in a dead letter.
pub(super) trait Sink {
    /// The world that decisions are made on.
    fn world(&self) -> &World;
    /// Publishes to a topic.
    fn publish(&mut self, topic_arn: &str, message: &str, asker: &Asker) -> Result<(), String>;
    /// Sends to a queue.
    fn send(&mut self, queue_arn: &str, message: &str, asker: &Asker) -> Result<(), String>;
    /// Calls a target that is not simulated.
    fn call(&mut self, service: &str, arn: &str, message: &str);
    /// Puts the event into an archive.
    fn archive(&mut self, archive_arn: &str, event: &Value);
    /// Puts what could not be delivered into a dead-letter queue.
    fn bury(
        &mut self,
        queue_arn: &str,
        event: &Value,
        letter: &BTreeMap<String, String>,
        asker: &Asker,
    ) -> Result<(), String>;
    /// Counts for a rule: what `count` adds to nothing.
    fn count(&mut self, rule_arn: &str, count: impl FnOnce(&mut Deliveries));
}

/// Delivers.
pub(super) struct Deliver<'w> {
    pub(super) world: &'w mut World,
}

impl Deliver<'_> {
    fn record(&mut self, protocol: &str, arn: &str, message: &str) {
        let at = self.world.now();
        self.world.outbox.record(Received {
            at,
            topic_arn: arn.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: arn.to_owned(),
            subject: None,
            body: message.to_owned(),
        });
    }
}

impl Sink for Deliver<'_> {
    fn world(&self) -> &World {
        self.world
    }

    fn publish(&mut self, topic_arn: &str, message: &str, asker: &Asker) -> Result<(), String> {
        sns::publish(self.world, topic_arn, message, asker)
    }

    fn send(&mut self, queue_arn: &str, message: &str, asker: &Asker) -> Result<(), String> {
        sqs::send(self.world, queue_arn, message, &BTreeMap::new(), asker)?;
        self.record("sqs", queue_arn, message);
        Ok(())
    }

    fn call(&mut self, service: &str, arn: &str, message: &str) {
        self.record(service, arn, message);
    }

    fn archive(&mut self, archive_arn: &str, event: &Value) {
        self.world.outbox.archive(archive_arn, event.to_string());
    }

    fn bury(
        &mut self,
        queue_arn: &str,
        event: &Value,
        letter: &BTreeMap<String, String>,
        asker: &Asker,
    ) -> Result<(), String> {
        sqs::send(self.world, queue_arn, &event.to_string(), letter, asker)
    }

    fn count(&mut self, rule_arn: &str, count: impl FnOnce(&mut Deliveries)) {
        let mut counted = Deliveries::default();
        count(&mut counted);
        self.world.outbox.count(rule_arn, counted);
        figures::of_rule(self.world, rule_arn, counted);
    }
}

/// Only notes what would be reached.
pub(super) struct Note<'w> {
    pub(super) world: &'w World,
    /// How far behind topics and roles are seen.
    pub(super) lag: SignedDuration,
    pub(super) reached: BTreeSet<String>,
}

impl Sink for Note<'_> {
    fn world(&self) -> &World {
        self.world
    }

    fn publish(&mut self, topic_arn: &str, message: &str, asker: &Asker) -> Result<(), String> {
        let endpoints = sns::would_reach_at(self.world, topic_arn, message, asker, self.lag)?;
        self.reached.extend(endpoints.into_iter().map(|endpoint| format!("{topic_arn} {endpoint}")));
        Ok(())
    }

    fn send(&mut self, queue_arn: &str, _message: &str, asker: &Asker) -> Result<(), String> {
        sqs::may_send_at(self.world, queue_arn, asker, self.lag)?;
        self.reached.insert(format!("sqs {queue_arn}"));
        Ok(())
    }

    fn call(&mut self, service: &str, arn: &str, _message: &str) {
        self.reached.insert(format!("{service} {arn}"));
    }

    fn archive(&mut self, _archive_arn: &str, _event: &Value) {}

    fn bury(
        &mut self,
        _queue_arn: &str,
        _event: &Value,
        _letter: &BTreeMap<String, String>,
        _asker: &Asker,
    ) -> Result<(), String> {
        Ok(())
    }

    fn count(&mut self, _rule_arn: &str, _count: impl FnOnce(&mut Deliveries)) {}
}
