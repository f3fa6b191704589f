//! The controller: discovers, passes over targets, keeps what it learns, and says how things stand.

pub mod audit;
pub mod canary;
pub mod coverage;
mod deliveries;
mod discover;
pub mod drill;
pub mod fleet;
mod flood;
mod health;
mod inbox;
pub mod letters;
mod operations;
mod pass;
mod preflight;
mod probe;
mod prove;
mod queue;
mod reload;
mod requests;
pub mod requeue;
mod serve;
mod suppressions;
mod units;
mod views;
mod walk;
mod watchfulness;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::aws::Cloud;
use crate::aws::credentials::{Broker, SessionSettings};
use crate::aws::execute::Endpoints;
use crate::aws::organization::{OrganizationReader, TagCache};
use crate::clock::Clock;
use crate::config::{Mode, Settings, Subscription};
use crate::desired;
use crate::history::History;
use crate::inbox::notice::Tell;
use crate::inventory::Inventory;
use crate::model::ids::{AccountId, OrganizationId};
use crate::model::target::{Side, TargetKey};
use crate::model::view::Standing;
use crate::pace::Pace;
use crate::regions::Regions;
use crate::telemetry::metrics::Metrics;
use crate::trail::Trails;
use crate::world::{Target, Targets, World};

pub use discover::DiscoverError;
pub use operations::Operator;
pub use pass::{PassOutcome, Written};
pub use preflight::Looked;
pub use prove::{Proof, ProveError};
pub use requests::Requests;
pub use serve::serve;
pub use views::Chronicle;
pub use walk::WalkOptions;

/// The organization's id and its management account.
type Organization = (OrganizationId, AccountId);

/// What the command that runs us wants beyond the configuration.
#[derive(Clone, Debug, Default)]
pub struct Purpose {
    /// Writes whatever `reconcile.mode` says; overrides bind all the same.
    pub enforce_all: bool,
    /// Takes orphans away, whatever `reconcile.prune` says.
    pub prune: bool,
    /// Takes everything of ours away.
    pub teardown: Option<Teardown>,
}

/// What a teardown takes away.
#[derive(Clone, Debug, Default)]
pub struct Teardown {
    /// Only these members, excluded ones too; empty: all, and the central side.
    pub accounts: Vec<AccountId>,
    /// Filled queues and adopted resources too.
    pub delete_data: bool,
}

/// Everything that a pass needs.
pub struct Controller {
    configured: watch::Sender<Arc<Configured>>,
    cloud: Cloud,
    broker: Broker,
    tags: tokio::sync::Mutex<TagCache>,
    fleet: Mutex<fleet::Fleet>,
    chronicle: Mutex<Chronicle>,
    heard: Mutex<inbox::Heard>,
    /// Told when the organization may have other accounts.
    discover_now: Notify,
    /// Held while the targets that there are now are made those that passes are made over.
    taking_over: Mutex<()>,
    teller: std::sync::OnceLock<Arc<dyn Tell>>,
    canaries: Mutex<Option<canary::Canaries>>,
    /// What waits to be told to people.
    digest: Mutex<crate::news::Digest>,
    /// The dead letters as they were last read.
    overview: Mutex<Option<Arc<crate::letters::Overview>>>,
    /// What CloudWatch counts of alerts.
    deliveries: Mutex<crate::deliveries::Deliveries>,
    /// What audits are judged by.
    audited: audit::Audited,
    /// What units are called.
    units: Mutex<crate::units::Book>,
    metrics: Arc<Metrics>,
    /// What happened.
    pub history: Arc<History>,
    pub(crate) clock: Clock,
    account_checked: tokio::sync::OnceCell<()>,
    purpose: Purpose,
    /// Told whenever something that is shown may have changed.
    pub(crate) changed: Arc<Notify>,
    /// Told whenever there may be other targets than before, though the organization is the same.
    moved: Notify,
    started_at: Timestamp,
}

/// The configuration in force with what is made of it. Replaced as a whole when it is reloaded.
struct Configured {
    settings: Arc<Settings>,
    reader: Arc<OrganizationReader>,
    endpoints: Endpoints,
    iam_pace: Option<Arc<Pace>>,
}

impl Configured {
    /// What is made of these settings. What keeps a rate goes on with it, so that a reload allows no burst.
    fn new(cloud: Cloud, settings: Arc<Settings>, before: Option<&Self>) -> Self {
        let listing_rate = settings.organization.max_calls_per_second;
        let iam_rate = settings.reconcile.iam_writes_per_second;
        let reader = before.filter(|b| b.settings.organization.max_calls_per_second == listing_rate);
        let iam_pace = before.filter(|b| b.settings.reconcile.iam_writes_per_second == iam_rate);
        let subscriptions = settings.alerts.iter().flat_map(|alert| &alert.subscriptions);
        let endpoint = |s: &Subscription| {
            ((s.protocol.as_str().to_owned(), s.endpoint.shown().to_owned()), s.endpoint.clone())
        };
        Self {
            reader: match reader {
                Some(before) => Arc::clone(&before.reader),
                None => Arc::new(OrganizationReader::new(cloud, listing_rate)),
            },
            endpoints: subscriptions.map(endpoint).collect(),
            iam_pace: match iam_pace {
                Some(before) => before.iam_pace.clone(),
                None => iam_rate.map(Pace::per_second).map(Arc::new),
            },
            settings,
        }
    }
}

/// What the fleet goes by with these settings.
fn rules(settings: &Settings, purpose: &Purpose) -> fleet::Rules {
    fleet::Rules {
        settle: settings.reconcile.settle_time,
        grace: settings.member.grace_period,
        limits: settings.reconcile.limits,
        first_accounts: settings.reconcile.first_accounts.clone(),
        prune: settings.reconcile.prune || purpose.prune,
        enforces: purpose.enforce_all || settings.reconcile.mode == Mode::Enforce,
        organization_given: settings.organization.id.is_some(),
        teardown: purpose.teardown.is_some(),
        delete_data: purpose.teardown.as_ref().is_some_and(|t| t.delete_data),
        everywhere: settings.watches.iter().any(crate::config::Watch::everywhere),
        allowed: settings.organization.regions.clone(),
        thorough: purpose.prune || purpose.teardown.is_some(),
    }
}

impl Controller {
    /// A controller that has not looked at anything yet.
    pub fn new(
        settings: Arc<Settings>,
        cloud: Cloud,
        metrics: Arc<Metrics>,
        history: Arc<History>,
        clock: Clock,
        purpose: Purpose,
    ) -> Self {
        let session = SessionSettings {
            home: settings.central.account_id.clone(),
            sts_region: settings.partition().sts_region(),
            central: settings.central.role_arn.clone(),
            via: settings.member.via_role_arn.clone(),
            external_id: settings.member.external_id.clone(),
            source_identity: settings.member.source_identity.clone(),
            duration: settings.member.session_duration,
            session_name: settings.installation.to_string(),
        };
        let mut fleet = fleet::Fleet::new(rules(&settings, &purpose));
        if settings.trail.required && purpose.teardown.is_none() {
            fleet.trails = Some(Trails::new(settings.trail.probe_interval));
        }
        for pause in
            history.pauses().iter().filter(|pause| pause.until.is_none_or(|until| until > clock.now()))
        {
            // A scope that this version cannot read is one that it cannot keep.
            match pause.scope.parse() {
                Ok(scope) => fleet.pause(scope, pause.clone()),
                Err(error) => tracing::warn!(%error, "A pause in the history is not heeded"),
            }
        }
        Self {
            broker: Broker::new(cloud.clone(), session, clock.clone()),
            tags: tokio::sync::Mutex::default(),
            fleet: Mutex::new(fleet),
            chronicle: Mutex::default(),
            heard: Mutex::default(),
            discover_now: Notify::new(),
            taking_over: Mutex::default(),
            teller: std::sync::OnceLock::new(),
            canaries: Mutex::new(canary::Canaries::new(settings.canary)),
            digest: Mutex::default(),
            overview: Mutex::default(),
            deliveries: Mutex::default(),
            audited: audit::Audited::default(),
            units: Mutex::default(),
            metrics,
            history,
            started_at: clock.now(),
            clock,
            account_checked: tokio::sync::OnceCell::new(),
            purpose,
            changed: Arc::new(Notify::new()),
            moved: Notify::new(),
            configured: watch::Sender::new(Arc::new(Configured::new(cloud.clone(), settings, None))),
            cloud,
        }
    }

    /// The configuration in force. What needs it to be one thing throughout takes it once.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.configured.borrow().settings)
    }

    fn configured(&self) -> Arc<Configured> {
        Arc::clone(&self.configured.borrow())
    }

    /// Whether this process writes wherever no override forbids it.
    fn enforce_all(&self) -> bool {
        self.purpose.enforce_all || self.is_teardown()
    }

    /// Passes notices of tampering on to `teller`; the first one that is given stays.
    pub fn tell_to(&self, teller: Arc<dyn Tell>) {
        // A second one is a defect of the wiring that harms nobody.
        let _second = self.teller.set(teller);
    }

    /// Whether this process takes away what is ours.
    pub fn is_teardown(&self) -> bool {
        self.purpose.teardown.is_some()
    }

    /// The keys of all targets, central ones first.
    pub fn keys(&self) -> Vec<TargetKey> {
        self.fleet().targets.keys().cloned().collect()
    }

    /// What a teardown looks at: the members that are wanted or named, and the central side if nobody is named.
    fn teardown_targets(
        &self,
        inventory: &Inventory,
        world: &World,
        management: &AccountId,
        regions: &Regions,
        all: Targets,
    ) -> Targets {
        let named = self.purpose.teardown.as_ref().map(|t| t.accounts.as_slice()).unwrap_or_default();
        let mut targets: BTreeMap<TargetKey, Target> = if named.is_empty() {
            all.into_iter().filter(|(key, _)| key.side != Side::Member).collect()
        } else {
            Targets::new()
        };
        for known in inventory.known().values() {
            let wanted = if named.is_empty() {
                known.standing == Standing::Active
            } else {
                named.contains(&known.account.id)
            };
            if wanted && known.standing != Standing::Inactive {
                let enforce = desired::enforces(&self.settings(), known, Mode::Enforce);
                let own = desired::member(&self.settings(), world, known, management, enforce, true, regions);
                for target in own {
                    targets.insert(target.key.clone(), target);
                }
            }
        }
        targets.into_iter().map(|(key, target)| (key, Target { leaving: true, ..target })).collect()
    }
}
