//! What must hold, for everybody: the settings resolved against the organization, ready for the kinds to read.

#[cfg(test)]
pub(crate) mod fixture;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use crate::canary;
use crate::compile::{self, AlertRules};
use crate::compliance::Installed;
use crate::compliance::place::{LogGroup, Place};
use crate::config::Format;
use crate::guard;
use crate::model::call::Tags;
use crate::model::ids::{AccountId, Installation, OrganizationId, Region, RoleArn};
use crate::model::partition::Partition;
use crate::model::target::{Side, TargetKey};
use crate::news;

/// The version of what we write. A resource that carries a higher one is left alone.
pub const MARK_VERSION: u32 = 1;

/// What the mark in a description begins with; installation and version follow.
pub const MARK: &str = "managed by orgwatch/";

/// The tag that decides whether a resource is ours; its value is the installation's name.
pub const OWNER_TAG: &str = "orgwatch:managed-by";

/// How members send: with roles of ours, or with roles that somebody else keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// The role's name in every member.
    pub role_name: String,
    /// Whether we create and repair it.
    pub managed: bool,
    /// Name of the policy that bounds it.
    pub boundary: Option<String>,
}

/// A topic that we keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Its name.
    pub name: String,
    /// The sender's name in mails.
    pub display_name: Option<String>,
    /// By protocol and endpoint as they may be shown: the attributes, by SNS's names.
    pub subscriptions: BTreeMap<(String, String), BTreeMap<String, Value>>,
    /// Whether subscriptions that nobody configured are removed.
    pub remove_unknown: bool,
    /// The ARN of the customer's key that it is encrypted with; none: it is not.
    pub key: Option<String>,
}

/// How tampering with what is ours is noticed and told.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// The built-in alert: its topic, ours or that of the alert which the settings name.
    pub alert: Alert,
}

/// How people hear of orgwatch itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// The built-in alert: its topic, ours or that of the alert which the settings name.
    pub alert: Alert,
}

/// What the central account delivers.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// The alert's name, without the installation's.
    pub name: String,
    /// The compiled rules.
    pub rules: AlertRules,
    /// Whether reading calls are wanted too.
    pub read_events: bool,
    /// The topic that it goes to.
    pub topic_arn: String,
    /// The same, if we keep it.
    pub topic: Option<Topic>,
    /// Whether EventBridge publishes there with the delivery role, and not because the topic admits it.
    pub by_role: bool,
    /// How urgent, in the user's own word.
    pub severity: Option<String>,
    /// How its message is written.
    pub format: Format,
}

/// A watch as all of its targets have it.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// The watch's name, without the installation's.
    pub name: String,
    /// The pattern, in normal form.
    pub pattern: Value,
    /// Whether reading calls are wanted too.
    pub read_events: bool,
    /// The watches that forward every event of this one: where one of them is, this has no sender rule.
    pub contained_in: Vec<String>,
}

/// Everything that the kinds need to know to say what must hold.
#[derive(Clone, Debug, PartialEq)]
pub struct World {
    /// Prefix of every name and value of the ownership tag.
    pub installation: Installation,
    /// Where all of this is.
    pub partition: Partition,
    /// The organization whose members may send.
    pub organization: OrganizationId,
    /// The central account.
    pub central: AccountId,
    /// The Region of the central bus.
    pub central_region: Region,
    /// Tags for everything that we create, ours included.
    pub tags: Arc<Tags>,
    /// How members send.
    pub forwarder: Forwarder,
    /// Whether only forwarding roles may send, or everything in the organization.
    pub only_forwarders: bool,
    /// The ARN of the customer's key of the bus, its archive, and the queues and built-in topics beside it; none: AWS's own.
    pub key: Option<String>,
    /// How long the archive of the bus keeps events, in days, 0 for ever; none: there is no archive.
    pub archive_days: Option<i32>,
    /// Whether sender rules take canaries, and a rule of the central bus hands them to the inbox.
    pub canary: bool,
    /// Whether alerts take drills.
    pub drills: bool,
    /// What members forward, in the order of the settings.
    pub watches: Vec<Arc<Watch>>,
    /// What is delivered.
    pub alerts: Vec<Alert>,
    /// The built-in alert about tampering; none where nothing guards.
    pub guard: Option<Guard>,
    /// The built-in alert about orgwatch itself; none where nobody is told.
    pub health: Option<Health>,
    /// The metric filters and alarms that auditors ask for; none where nobody looks after them.
    pub installed: Option<Installed>,
    /// Whether there is a queue for what concerns the daemon itself.
    pub inbox: bool,
    /// Names, without paths, of the roles that we write with in members.
    pub member_roles: BTreeSet<String>,
    /// The name, without its path, of the role that we work with in the central account.
    pub central_role: String,
    /// Foreign resources that we were told to take over: (account or central, Region, kind, name).
    pub adopt: BTreeSet<(AccountId, Region, String, String)>,
}

impl World {
    /// The central bus's name.
    pub fn bus(&self) -> &str {
        self.installation.as_str()
    }

    /// The central bus's ARN.
    pub fn bus_arn(&self) -> String {
        self.arn("events", &self.central_region, &self.central, &format!("event-bus/{}", self.bus()))
    }

    /// The ARN of the dead-letter queue of a Region. EventBridge asks for one in the Region of the rule.
    pub fn dead_letter_arn(&self, region: &Region) -> String {
        self.arn("sqs", region, &self.central, &self.dead_letter_queue())
    }

    /// The name of the dead-letter queues.
    pub fn dead_letter_queue(&self) -> String {
        self.named("dead-letters")
    }

    /// `<installation>-<name>`.
    pub fn named(&self, name: &str) -> String {
        format!("{}-{name}", self.installation)
    }

    /// What the names of all our rules, topics and queues begin with.
    pub fn prefix(&self) -> String {
        format!("{}-", self.installation)
    }

    /// The ARN of the forwarding role in `account`.
    pub fn forwarder_arn(&self, account: &AccountId) -> String {
        RoleArn::new(self.partition, account.clone(), &self.forwarder.role_name).to_string()
    }

    /// The name of the role with which alert rules publish, where topics do not admit EventBridge itself.
    pub fn delivery_role(&self) -> String {
        self.named("delivery")
    }

    /// The ARN of that role.
    pub fn delivery_role_arn(&self) -> String {
        RoleArn::new(self.partition, self.central.clone(), &self.delivery_role()).to_string()
    }

    /// The name of the role with which the guard rule sends: its own, unless somebody else keeps the roles.
    pub fn guard_role(&self) -> String {
        let name = &self.forwarder.role_name;
        if self.forwarder.managed { format!("{name}-guard") } else { name.clone() }
    }

    /// The ARN of that role in `account`.
    pub fn guard_role_arn(&self, account: &AccountId) -> String {
        RoleArn::new(self.partition, account.clone(), &self.guard_role()).to_string()
    }

    /// The names, without paths, of the roles in members that matter to us.
    pub fn guarded_roles(&self) -> BTreeSet<String> {
        let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
        let forwarders = [bare(&self.forwarder.role_name), bare(&self.guard_role())];
        self.member_roles.iter().cloned().chain(forwarders).collect()
    }

    /// The names of the roles that we write with, in members and in the central account.
    pub fn writing_roles(&self) -> Vec<String> {
        self.member_roles.iter().cloned().collect()
    }

    /// Every alert: those of the settings, and what is built in.
    pub fn every_alert(&self) -> impl Iterator<Item = &Alert> {
        self.alerts.iter().chain(self.built_in_alerts())
    }

    /// What is built in.
    pub fn built_in_alerts(&self) -> impl Iterator<Item = &Alert> {
        let guard = self.guard.iter().map(|guard| &guard.alert);
        guard.chain(self.health.iter().map(|health| &health.alert))
    }

    /// Whether a resource stands beside the path of an alert: nobody misses an alert for want of it.
    pub fn is_beside(&self, kind: &str, name: &str) -> bool {
        let named = |names: &[&str]| names.iter().any(|own| self.named(own) == name);
        match kind {
            "sender_rule" => named(&[guard::MEMBER]),
            "guard_rule" => true,
            "forwarding_role" => self.forwarder.managed && name == self.guard_role(),
            "alert_rule" => {
                named(&[guard::WAKE, guard::TAMPER, canary::RULE, news::HEALTH, news::HEARTBEAT])
                    || compile::is_hidden(name)
            }
            "topic" => named(&[guard::TAMPER, news::HEALTH]),
            "log_group" | "metric_alarm" | "metric_filter" => true,
            "queue" => name == self.inbox_queue(),
            _ => false,
        }
    }

    /// The name of the queue for what concerns the daemon itself.
    pub fn inbox_queue(&self) -> String {
        self.named("inbox")
    }

    /// The ARN of that queue.
    pub fn inbox_arn(&self) -> String {
        self.arn("sqs", &self.central_region, &self.central, &self.inbox_queue())
    }

    /// The ARN of the boundary in `account`, if there is one.
    pub fn boundary_arn(&self, account: &AccountId) -> Option<String> {
        let name = self.forwarder.boundary.as_ref()?;
        Some(format!("arn:{}:iam::{account}:policy/{name}", self.partition))
    }

    /// An ARN of this partition.
    pub fn arn(&self, service: &str, region: &Region, account: &AccountId, resource: &str) -> String {
        format!("arn:{}:{service}:{region}:{account}:{resource}", self.partition)
    }

    /// The mark that stands in every description: `managed by orgwatch/<installation> v1`.
    pub fn mark(&self) -> String {
        format!("{MARK}{} v{MARK_VERSION}", self.installation)
    }

    /// The tags of everything that we create.
    pub fn owner_tags(&self) -> Tags {
        Tags::clone(&self.tags)
    }

    /// The same, for calls of which thousands are kept at once.
    pub fn shared_tags(&self) -> Arc<Tags> {
        Arc::clone(&self.tags)
    }

    /// Of somebody's tags those that we set; other tags on our resources are nobody's drift.
    pub fn our_tags(&self, observed: &Tags) -> Tags {
        let ours = self.owner_tags();
        observed
            .iter()
            .filter(|(key, _)| ours.contains_key(*key))
            .map(|(k, v)| (k.clone(), v.clone()))
            .collect()
    }
}

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// With the credentials that the program was started with.
    Ambient,
    /// By assuming the central account's role, from wherever the program runs.
    Central(RoleArn),
    /// By assuming the management account's own member role, directly: nothing stands before it.
    Management(RoleArn),
    /// By assuming a member's role, through the role that stands before all of them if one is configured.
    Member(RoleArn),
}

/// What a target is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Which.
    pub key: TargetKey,
    /// How it is reached.
    pub reach: Reach,
    /// Watches of this account in this Region; empty for the central side. Thousands of targets share each of them.
    pub watches: Vec<Arc<Watch>>,
    /// Whether the account's roles are kept with this target; true for one Region of an account.
    pub roles_here: bool,
    /// Whether the account has a watch in any Region, and so needs its role. On the central side: whether the Region
    /// is wanted, and not only looked into for what is left there.
    pub watched: bool,
    /// Whether there is a dead-letter queue of the central account in the Region.
    pub dead_letters: bool,
    /// Whether the forwarding role is ours to write. Never in the management account, where a right to
    /// write IAM would not be bounded by any service control policy.
    pub writes_role: bool,
    /// Whether writes are allowed here.
    pub enforce: bool,
    /// Whether what is ours is to be taken away: an excluded account under `on_exclude = "remove"`, or a teardown.
    pub leaving: bool,
    /// Where metric filters and alarms belong, on the side that holds them and where the central bus is; none as long as
    /// nobody looked, and everywhere else.
    pub place: Option<Arc<Place>>,
}

impl Target {
    /// The account.
    pub fn account(&self) -> &AccountId {
        &self.key.account
    }

    /// The Region.
    pub fn region(&self) -> &Region {
        &self.key.region
    }

    /// The log group whose filters and alarms concern this target, where one is known.
    pub fn log_group(&self) -> Option<&LogGroup> {
        self.place.as_deref().and_then(Place::group)
    }

    /// Whether this is the target of the central bus itself.
    pub fn holds_bus(&self, world: &World) -> bool {
        self.key.side == Side::Central && self.key.region == world.central_region
    }
}

/// All targets by key: central ones first.
pub type Targets = BTreeMap<TargetKey, Target>;
