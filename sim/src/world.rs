//! Everything that is the case in the simulated organization.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::delivery::Outbox;
use crate::fault::Faults;
use crate::journal::Journal;
use crate::partition::Partition;
use crate::service::cloudwatch::CloudWatch;
use crate::service::events::Events;
use crate::service::iam::Iam;
use crate::service::kms::Kms;
use crate::service::logs::Logs;
use crate::service::organizations::Organization;
use crate::service::sns::{Mailroom, Sns};
use crate::service::sqs::Sqs;
use crate::service::sts::Sessions;
use crate::settling::Settling;
use crate::trail::Trail;

/// The simulated world. One lock guards all of it, so every call is one step.
#[derive(Debug)]
pub struct World {
    /// The partition that it is in.
    pub partition: Partition,
    /// Tells its time.
    pub clock: Clock,
    /// Where all its chances come from.
    pub rng: StdRng,
    /// How long a change may go unseen.
    pub lags: Lags,
    /// The organization: tree, accounts' standing, service control policies, delegation.
    pub organization: Organization,
    /// The account that watches the others, if the world was seeded with one. AWS knows no such thing.
    pub central: Option<String>,
    /// What each account holds, by its id.
    pub accounts: BTreeMap<String, Account>,
    /// The credentials that AssumeRole gave.
    pub sessions: Sessions,
    /// What subscribers have received.
    pub outbox: Outbox,
    /// Every call.
    pub journal: Journal,
    /// What goes wrong.
    pub faults: Faults,
    /// How EventBridge is in this world.
    pub events: crate::service::events::Options,
    /// Told of each message that arrives in a queue, for those who wait for one.
    pub arrivals: Arc<Notify>,
    /// The id of the request in progress, if its event was left before its change was made.
    pub foretold: Option<String>,
    /// The minute, since 1970, up to which alarms were looked at.
    pub alarms_looked_at: Option<i64>,
    /// Whether requests that were signed at another time are refused, as AWS does. Off at first: a world's time may be its
    /// own, and whoever signs goes by the machine's clock.
    pub checks_signing_time: bool,
}

/// How long changes take to be seen, by kind. Zero: at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lags {
    /// Until a read shows a change for certain; until then it may or may not, call by call.
    pub read: SignedDuration,
    /// Until a change of a rule, target, role or policy takes effect on deliveries.
    pub effect: SignedDuration,
    /// Until a new role can be assumed, by people and by services.
    pub role: SignedDuration,
    /// With a seed, what each account has of roles, of rules and of topics takes effect after a part of `effect` of its
    /// own, so that deliveries see one of them new and another one old. AWS promises no order.
    pub uneven: Option<u64>,
}

/// What takes effect on deliveries by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Roles and their policies.
    Roles,
    /// Buses, rules and targets.
    Rules,
    /// Topics and subscriptions.
    Topics,
}

impl Lags {
    /// How long a former value must be remembered.
    pub fn longest(&self) -> SignedDuration {
        self.read.max(self.effect).max(self.role)
    }
}

/// One account's own state.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its roles and policies.
    pub iam: Settling<Iam>,
    /// What it holds in each Region; a Region appears with the first write in it.
    pub regions: BTreeMap<String, Regional>,
    /// Opt-in Regions that it has enabled.
    pub opted_in: Vec<String>,
    /// Trails that belong to it, organization trails included.
    pub trails: Vec<Trail>,
}

/// What an account holds in one Region.
#[derive(Clone, Debug, Default)]
pub struct Regional {
    /// Buses, rules, targets, archives.
    pub events: Settling<Events>,
    /// Topics and subscriptions.
    pub sns: Settling<Sns>,
    /// What SNS has sent out and may still send. It does not lag.
    pub mailroom: Mailroom,
    /// Queues. Messages do not lag.
    pub sqs: Sqs,
    /// Metrics and alarms. They do not lag.
    pub cloudwatch: CloudWatch,
    /// Keys. They do not lag.
    pub kms: Kms,
    /// Log groups. They do not lag.
    pub logs: Logs,
}

impl World {
    /// A world with nothing in it but the clock and the seed.
    pub fn new(partition: Partition, clock: Clock, seed: u64) -> Self {
        Self {
            partition,
            clock,
            rng: StdRng::seed_from_u64(seed),
            lags: Lags::default(),
            organization: Organization::default(),
            central: None,
            accounts: BTreeMap::new(),
            sessions: Sessions::default(),
            outbox: Outbox::default(),
            journal: Journal::default(),
            faults: Faults::default(),
            events: crate::service::events::Options::default(),
            arrivals: Arc::default(),
            foretold: None,
            alarms_looked_at: None,
            checks_signing_time: false,
        }
    }

    /// How far behind what deliveries see of a part of an account is, if the whole world is `behind` at most.
    pub(crate) fn behind(&self, account: &str, part: Part, behind: SignedDuration) -> SignedDuration {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let Some(seed) = self.lags.uneven else { return behind };
        let mut hasher = DefaultHasher::new();
        (seed, account, part).hash(&mut hasher);
        behind * i32::try_from(hasher.finish() % 5).unwrap_or_default() / 4
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How far behind the next read is: between nothing and the longest read lag, by chance.
    pub fn read_lag(&mut self) -> SignedDuration {
        use rand::RngExt;
        let longest = i64::try_from(self.lags.read.as_millis()).unwrap_or(i64::MAX);
        if longest == 0 {
            return SignedDuration::ZERO;
        }
        SignedDuration::from_millis(self.rng.random_range(0..=longest))
    }

    /// The account of that id, which must exist: calls only come from accounts that do.
    pub fn account(&mut self, id: &str) -> &mut Account {
        self.accounts.entry(id.to_owned()).or_default()
    }

    /// What the account holds in the Region.
    pub fn regional(&mut self, account: &str, region: &str) -> &mut Regional {
        self.account(account).regions.entry(region.to_owned()).or_default()
    }

    /// Random text of upper-case letters and digits behind a prefix, as in AWS's unique ids.
    pub fn unique_id(&mut self, prefix: &str, length: usize) -> String {
        use rand::RngExt;
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let mut id = String::with_capacity(prefix.len() + length);
        id.push_str(prefix);
        id.extend((0..length).map(|_| char::from(LETTERS[self.rng.random_range(0..LETTERS.len())])));
        id
    }

    /// A random UUID.
    pub fn uuid(&mut self) -> String {
        use rand::RngExt;
        let bits: u128 = self.rng.random();
        let hex = format!("{bits:032x}");
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}
