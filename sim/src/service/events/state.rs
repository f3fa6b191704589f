//! What EventBridge remembers.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use serde_json::Value;

use crate::pattern::{self, Pattern};
use crate::service::iam::Document;

use super::DEFAULT_BUS;
use super::target::Target;

/// What an account holds of EventBridge in one Region.
///
/// Buses, rules and targets are shared between the versions that a lag keeps, so a version costs what it changes.
#[derive(Clone, Debug, Default)]
pub struct Events {
    /// Buses by name; ask [`Events::bus`], which knows that `default` is always there.
    pub buses: BTreeMap<String, Arc<Bus>>,
    /// Archives by name.
    pub archives: BTreeMap<String, Arc<Archive>>,
}

/// An event bus.
#[derive(Clone, Debug, Default)]
pub struct Bus {
    /// Its name.
    pub name: String,
    /// Who may do what with it.
    pub policy: Option<Document>,
    /// What it says of itself.
    pub description: Option<String>,
    /// The customer's key that encrypts its events.
    pub key: Option<String>,
    /// `DeadLetterConfig`, as given.
    pub dead_letter: Option<Value>,
    /// `LogConfig`, as given.
    pub logging: Option<Value>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// When it was made; `None` for a default bus, which was always there.
    pub created_at: Option<Timestamp>,
    /// When it was last changed.
    pub modified_at: Option<Timestamp>,
    /// Its rules by name.
    pub rules: BTreeMap<String, Arc<Rule>>,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// What it matches; `None`: it only has a schedule.
    pub pattern: Option<EventPattern>,
    /// When it runs by itself. Schedules are kept, never run.
    pub schedule: Option<String>,
    /// Whether it delivers.
    pub state: RuleState,
    /// What it says of itself.
    pub description: Option<String>,
    /// Its role. AWS: only the target's role is used to call a target.
    pub role: Option<String>,
    /// The service that made it for the account.
    pub managed_by: Option<String>,
    /// The account that made it.
    pub created_by: String,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Its targets by id.
    pub targets: BTreeMap<String, Arc<Target>>,
}

/// A pattern: as it was written, and as it is matched.
#[derive(Clone, Debug, PartialEq)]
pub struct EventPattern {
    /// The JSON text, as it was given.
    pub text: Arc<str>,
    /// The same, compiled once.
    pub compiled: Arc<Pattern>,
}

/// Whether a rule delivers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RuleState {
    /// All but read-only management events of CloudTrail.
    #[default]
    Enabled,
    /// Everything.
    EnabledWithAll,
    /// Nothing.
    Disabled,
}

/// An archive: it keeps the events of a bus.
#[derive(Clone, Debug)]
pub struct Archive {
    /// Its name.
    pub name: String,
    /// The ARN of the bus.
    pub source: String,
    /// What it says of itself.
    pub description: Option<String>,
    /// Which events it keeps.
    pub pattern: Option<EventPattern>,
    /// For how many days; zero: for ever.
    pub retention_days: i64,
    /// The customer's key that encrypts it.
    pub key: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What differs between worlds in EventBridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether PutTargets refuses a bus that would refuse the events, as AWS is reported to do.
    pub checks_destination: bool,
    /// How many rules a bus bears. AWS: 300, 100 in some Regions, adjustable.
    pub rules_per_bus: usize,
    /// How long a pattern may be. AWS: 2,048 characters, adjustable; the API itself takes 4,096.
    pub pattern_length: usize,
    /// How long a bus's policy may be. AWS: 10,240 characters, adjustable.
    pub policy_length: usize,
    /// So many of the next entries of PutTargets and RemoveTargets fail with `ConcurrentModificationException`, in an
    /// answer that is a success otherwise.
    pub failing_entries: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            checks_destination: true,
            rules_per_bus: 300,
            pattern_length: pattern::SIZE_QUOTA,
            policy_length: 10_240,
            failing_entries: 0,
        }
    }
}

impl Events {
    /// The bus of that name. The default bus is always there.
    pub fn bus(&self, name: &str) -> Option<&Bus> {
        static DEFAULT: LazyLock<Bus> = LazyLock::new(|| Bus::new(DEFAULT_BUS));
        let bus = self.buses.get(name).map(AsRef::as_ref);
        bus.or_else(|| (name == DEFAULT_BUS).then(|| &*DEFAULT))
    }

    /// The same, to be changed.
    pub fn bus_mut(&mut self, name: &str) -> Option<&mut Bus> {
        if name == DEFAULT_BUS && !self.buses.contains_key(name) {
            self.buses.insert(name.to_owned(), Arc::new(Bus::new(name)));
        }
        self.buses.get_mut(name).map(Arc::make_mut)
    }
}

impl Bus {
    /// An empty bus.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }
}

impl RuleState {
    /// As the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::EnabledWithAll => "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            Self::Disabled => "DISABLED",
        }
    }

    /// The state of that name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Enabled, Self::EnabledWithAll, Self::Disabled].into_iter().find(|state| state.name() == name)
    }
}
