//! What came out at the far end: messages, counters of rules, archived events.

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::Timestamp;

/// How many messages are kept unless the limit is set.
const KEPT: usize = 10_000;

/// How many events an archive keeps here. Its counters go on.
const ARCHIVED: usize = 1_000;

/// What subscribers have received.
#[derive(Clone, Debug)]
pub struct Outbox {
    received: VecDeque<Received>,
    limit: usize,
    totals: BTreeMap<String, u64>,
    rules: HashMap<String, Deliveries>,
    archives: HashMap<String, Archived>,
}

/// One message that somebody received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// When.
    pub at: Timestamp,
    /// The topic that sent it; of a queue or another target that a rule calls itself, its own ARN.
    pub topic_arn: String,
    /// How it was sent: `email`, `sqs`, `lambda`, …
    pub protocol: String,
    /// Who received it.
    pub endpoint: String,
    /// Its subject.
    pub subject: Option<String>,
    /// Its text.
    pub body: String,
}

/// How the deliveries of a rule went, counted as its CloudWatch metrics do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Events that matched: `TriggeredRules`.
    pub matched: u64,
    /// Calls of targets, failed ones among them: `Invocations`.
    pub invocations: u64,
    /// Those that failed for good: `FailedInvocations`.
    pub failed: u64,
    /// Events that went to a dead-letter queue: `InvocationsSentToDlq`.
    pub sent_to_dlq: u64,
    /// Events that should have and could not: `InvocationsFailedToBeSentToDlq`.
    pub failed_to_be_sent_to_dlq: u64,
}

impl Deliveries {
    fn add(&mut self, other: Self) {
        self.matched += other.matched;
        self.invocations += other.invocations;
        self.failed += other.failed;
        self.sent_to_dlq += other.sent_to_dlq;
        self.failed_to_be_sent_to_dlq += other.failed_to_be_sent_to_dlq;
    }
}

#[derive(Clone, Debug, Default)]
struct Archived {
    events: VecDeque<String>,
    count: u64,
    bytes: u64,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            received: VecDeque::new(),
            limit: KEPT,
            totals: BTreeMap::new(),
            rules: HashMap::new(),
            archives: HashMap::new(),
        }
    }
}

impl Outbox {
    /// Writes a message down. The oldest is forgotten when there are too many.
    pub fn record(&mut self, received: Received) {
        match self.totals.get_mut(&received.topic_arn) {
            Some(total) => *total += 1,
            None => {
                self.totals.insert(received.topic_arn.clone(), 1);
            }
        }
        self.received.push_back(received);
        self.shrink();
    }

    /// The messages that are kept, oldest first.
    pub fn all(&self) -> impl Iterator<Item = &Received> {
        self.received.iter()
    }

    /// How many messages each topic or target has sent since the beginning or the last [`Outbox::clear`], forgotten ones
    /// among them.
    pub fn totals(&self) -> &BTreeMap<String, u64> {
        &self.totals
    }

    /// Forgets all messages and their totals. Counters of rules and archives stay.
    pub fn clear(&mut self) {
        self.received.clear();
        self.totals.clear();
    }

    /// Keeps so many messages from now on.
    pub fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
        self.shrink();
    }

    fn shrink(&mut self) {
        let excess = self.received.len().saturating_sub(self.limit);
        self.received.drain(..excess);
    }

    /// How the deliveries of the rule with that ARN went.
    pub fn deliveries(&self, rule_arn: &str) -> Deliveries {
        self.rules.get(rule_arn).copied().unwrap_or_default()
    }

    /// Counts for a rule.
    pub(super) fn count(&mut self, rule_arn: &str, counted: Deliveries) {
        match self.rules.get_mut(rule_arn) {
            Some(deliveries) => deliveries.add(counted),
            None => {
                self.rules.insert(rule_arn.to_owned(), counted);
            }
        }
    }

    /// Puts an event into an archive.
    pub(super) fn archive(&mut self, archive_arn: &str, event: String) {
        let archived = self.archives.entry(archive_arn.to_owned()).or_default();
        archived.count += 1;
        archived.bytes += event.len() as u64;
        archived.events.push_back(event);
        if archived.events.len() > ARCHIVED {
            archived.events.pop_front();
        }
    }

    /// How many events an archive has taken, and how many bytes they are.
    pub fn archive_size(&self, archive_arn: &str) -> (u64, u64) {
        self.archives.get(archive_arn).map_or((0, 0), |archived| (archived.count, archived.bytes))
    }

    /// The last events of an archive, oldest first.
    pub fn archived(&self, archive_arn: &str) -> impl Iterator<Item = &str> {
        self.archives.get(archive_arn).into_iter().flat_map(|archived| &archived.events).map(String::as_str)
    }

    /// Empties an archive that is deleted.
    pub fn forget_archive(&mut self, archive_arn: &str) {
        self.archives.remove(archive_arn);
    }
}
