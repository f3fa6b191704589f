//! What the controller knows: inventory, targets, what was seen and done in each. Held in memory only; AWS is the truth.

#[cfg(test)]
mod convergence;
mod gate;
mod held;
mod memory;
mod places;
mod settled;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod texts;
mod trails;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use self::gate::{Candidates, Gate};
pub use self::gate::{WAITING_FOR_CENTRAL, WAITING_FOR_FIRST_ACCOUNTS};
pub use self::held::{PAUSED, ReleaseRefused};
pub(super) use self::held::{hold_id, is_releasable};
use self::memory::{remember, wrong_bus};
use self::texts::Texts;
use super::discover::WRONG_ORGANIZATION;
use crate::compliance::place::Place;
use crate::inventory::{Inventory, Known};
use crate::judge::{self, Judged, Memory};
use crate::kinds::{KINDS, Scope, Sights};
use crate::limits::{Limits, Window};
use crate::model::call::Call;
use crate::model::error::CloudError;
use crate::model::ids::{AccountId, OrganizationId, Region};
use crate::model::plan::{Action, Hold, Plan};
use crate::model::resource::{Resource, ResourceId, Verdict};
use crate::model::scope::{Pause, Scope as ScopeOf};
use crate::model::target::{Side, TargetKey};
use crate::model::view::{DiscoveryView, TargetView};
use crate::planning::{self, Guards};
use crate::regions::Regions;
use crate::trail::Trails;
use crate::world::{Target, Targets, World};

/// An override of the configuration keeps us from writing here.
pub const OBSERVE_ONLY: &str = "ObserveOnly";

/// What the fleet goes by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a write may take to show.
    pub settle: Duration,
    /// How long a new account is given to become ready.
    pub grace: Duration,
    /// How much may be rewritten and deleted.
    pub limits: Limits,
    /// Accounts that get a new configuration first; empty: the central account and one member.
    pub first_accounts: BTreeSet<AccountId>,
    /// Whether orphans are taken away.
    pub prune: bool,
    /// Whether targets are written unless an override says otherwise.
    pub enforces: bool,
    /// Whether the configuration says which organization this is.
    pub organization_given: bool,
    /// Whether everything of ours is taken away.
    pub teardown: bool,
    /// Whether that includes filled queues and adopted resources.
    pub delete_data: bool,
    /// Whether a watch is for every Region.
    pub everywhere: bool,
    /// Regions that we may work in; empty: all.
    pub allowed: BTreeSet<Region>,
    /// Whether every Region of every account is searched for what is left there.
    pub thorough: bool,
}

/// What is known of one target.
#[derive(Debug, Default)]
pub struct State {
    /// What is remembered of its resources.
    pub memory: Memory,
    /// The outcome of the latest pass.
    pub view: Option<Arc<TargetView>>,
    /// For which desired state a search for forgotten resources was made.
    swept: Option<u64>,
    /// Passes in a row that ended in an error.
    pub failures: u32,
    /// When we last wrote.
    pub last_change_at: Option<Timestamp>,
    /// The last generation that it was observed in sync with.
    in_sync_with: Option<u64>,
}

/// Everything that the controller knows.
#[derive(Debug)]
pub struct Fleet {
    /// What it goes by.
    pub rules: Rules,
    /// The accounts.
    pub inventory: Inventory,
    /// The organization and its management account, once known.
    pub organization: Option<(OrganizationId, AccountId)>,
    /// What must hold, once the organization is known.
    pub world: Option<Arc<World>>,
    /// Which Regions the accounts have, and where something is left.
    pub regions: Regions,
    /// Whether that changed since the targets were derived from it.
    pub moved: bool,
    /// The trails of the accounts; none where nobody asks for them.
    pub trails: Option<Trails>,
    /// Where metric filters belong; none where nobody asks, or nobody looked yet.
    pub place: Option<Place>,
    /// Whether a person waits for what is found: then nothing is spread over time.
    pub somebody_waits: bool,
    /// Where.
    pub targets: BTreeMap<TargetKey, Arc<Target>>,
    /// Counts changes of what must hold.
    pub generation: u64,
    /// Counts changes of accounts and targets: what was made from them stays as it is until it changes.
    pub revision: u64,
    /// What is known of each target.
    pub states: BTreeMap<TargetKey, State>,
    /// Why nothing may be written anywhere, as discovery found.
    pub wrong_place: Option<Hold>,
    /// The same, as the policy of our own bus says.
    pub wrong_bus: Option<Hold>,
    /// How discovery goes.
    pub discovery: DiscoveryView,
    window: Window,
    /// The generation with which the first accounts were seen in sync.
    first_done: Option<u64>,
    /// Targets whose changes wait for others.
    waiting: BTreeSet<TargetKey>,
    /// Targets with a change that a person must release.
    holding: BTreeSet<TargetKey>,
    /// Accounts of which something else is to be shown than when this was last taken.
    touched: BTreeSet<AccountId>,
    /// A command that was narrowed to some accounts: the first ones are among these.
    narrowed: Option<BTreeSet<AccountId>>,
    candidates: Candidates,
    /// Who might be written when that was last told.
    told: Gate,
    /// Where people have paused writing.
    pauses: BTreeMap<ScopeOf, Pause>,
    /// What people let go, each with the reason that it was held for, and when.
    released: BTreeMap<TargetKey, BTreeMap<ResourceId, (&'static str, Timestamp)>>,
    texts: Texts,
}

/// What a pass needs to begin.
#[derive(Debug)]
pub struct Begun {
    /// Where.
    pub target: Arc<Target>,
    /// What must hold.
    pub world: Arc<World>,
    /// What to look at, kind by kind.
    pub scopes: Vec<(usize, Scope)>,
    /// What must be there, by kind and name.
    desired: BTreeMap<usize, BTreeMap<String, serde_json::Value>>,
    /// The state of affairs that the pass is judged against.
    pub generation: u64,
}

/// What a pass found and means to do.
#[derive(Debug)]
pub struct Decided {
    /// The resources as judged.
    pub judged: Vec<Judged>,
    /// What to change.
    pub plan: Plan,
}

impl Fleet {
    /// An empty fleet.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules,
            inventory: Inventory::default(),
            organization: None,
            world: None,
            regions: Regions::default(),
            trails: None,
            place: None,
            somebody_waits: false,
            moved: false,
            targets: BTreeMap::new(),
            generation: 0,
            revision: 0,
            states: BTreeMap::new(),
            wrong_place: None,
            wrong_bus: None,
            discovery: DiscoveryView::default(),
            window: Window::default(),
            first_done: None,
            waiting: BTreeSet::new(),
            holding: BTreeSet::new(),
            touched: BTreeSet::new(),
            narrowed: None,
            candidates: Candidates::default(),
            told: Gate::Bus,
            pauses: BTreeMap::new(),
            released: BTreeMap::new(),
            texts: Texts::default(),
        }
    }

    /// Takes over what must hold and where; answers the targets that are new or changed.
    pub fn set(&mut self, world: World, targets: Targets) -> Vec<TargetKey> {
        let news = self.world.as_deref() != Some(&world);
        if news {
            self.generation += 1;
            self.world = Some(Arc::new(world));
        }
        // Members wait for their turn; the central side comes first whenever something else must hold.
        let changed = targets.iter().filter(|(key, target)| {
            (news && key.side == Side::Central) || self.targets.get(*key).map(AsRef::as_ref) != Some(*target)
        });
        let changed: Vec<TargetKey> = changed.map(|(key, _)| key.clone()).collect();
        self.targets = targets
            .into_iter()
            .map(|(key, target)| match self.targets.remove(&key) {
                Some(before) if *before == target => (key, before),
                _ => (key, Arc::new(target)),
            })
            .collect();
        self.states.retain(|key, _| self.targets.contains_key(key));
        self.waiting.retain(|key| self.targets.contains_key(key));
        self.holding.retain(|key| self.targets.contains_key(key));
        self.count_candidates();
        self.revision += 1;
        changed
    }

    /// Begins a pass; none when the target is no longer wanted.
    pub fn begin(&mut self, key: &TargetKey) -> Option<Begun> {
        let target = Arc::clone(self.targets.get(key)?);
        let world = Arc::clone(self.world.as_ref()?);
        let state = self.states.entry(key.clone()).or_default();
        let sweep = state.swept != Some(self.generation) || self.rules.teardown;
        let of_side = KINDS.iter().enumerate().filter(|(_, kind)| kind.side() == key.side);
        // What is being left is asked for by the names that it would have, so that what cannot be seen is not taken
        // for gone.
        let staying = if target.leaving {
            Some(Target { leaving: false, ..(*target).clone() })
        } else {
            self.regions.left().contains(key).then(|| Target {
                watches: if key.side == Side::Member { world.watches.clone() } else { Vec::new() },
                watched: true,
                ..(*target).clone()
            })
        };
        let mut desired = BTreeMap::new();
        let mut scopes = Vec::new();
        for (index, kind) in of_side {
            let known = state.memory.keys().filter(|id| id.kind == kind.name()).map(|id| id.name.clone());
            let wanted = kind.desired(&world, &target);
            let names = match &staying {
                Some(staying) => kind.desired(&world, staying).into_keys().chain(known).collect(),
                None => wanted.keys().cloned().chain(known).collect(),
            };
            desired.insert(index, wanted);
            scopes.push((index, Scope { names, sweep }));
        }
        Some(Begun { target, world, desired, scopes, generation: self.generation })
    }

    /// Judges what was seen, remembers what must be remembered, and plans.
    pub fn decide(
        &mut self,
        begun: &Begun,
        sights: &[(usize, Sights<serde_json::Value>)],
        writes: bool,
        now: Timestamp,
    ) -> Decided {
        let key = &begun.target.key;
        let in_grace = self.in_grace(key, now);
        let not_yet = self.not_yet(&begun.target);
        let accounts = self.inventory.known().len();
        let senders_left = key.side == Side::Central && self.is_left(key) && self.senders_left(&key.region);
        let paused = self.paused(&key.account, now);
        let released = self.released_in(key, now);
        let state = self.states.entry(key.clone()).or_default();
        let context = judge::Context {
            world: &begun.world,
            target: &begun.target,
            memory: &state.memory,
            now,
            settle: self.rules.settle,
            in_grace,
        };
        let mut judged = Vec::new();
        for (index, sights) in sights {
            // Of what was not looked at in this pass nothing is said.
            let Some(desired) = begun.desired.get(index) else { continue };
            judged.extend(judge::judge(&context, KINDS[*index], desired, sights));
        }
        self.texts.share(&mut judged);
        remember(&mut state.memory, &judged, self.rules.settle, now);
        if begun.target.holds_bus(&begun.world) && !self.rules.organization_given {
            self.wrong_bus = wrong_bus(&begun.world, &judged);
        }
        state.swept = Some(begun.generation);
        let path_settled = self.path_settled(&begun.world, &key.account, now);
        let settled = self.is_settled(key, now);
        let open_elsewhere = self.open_elsewhere(key, now);
        let adopted = begun
            .world
            .adopt
            .iter()
            .filter(|(account, region, _, _)| account == &key.account && region == &key.region)
            .map(|(_, _, kind, name)| (kind.clone(), name.clone()))
            .collect();
        let overridden = (self.rules.enforces && !begun.target.enforce).then(|| Hold {
            reason: OBSERVE_ONLY,
            message: "a `reconcile.override` says `observe` here; nothing is written until it says `enforce`"
                .to_owned(),
            waits: false,
        });
        let guards = Guards {
            wrong_place: self.wrong_place.clone().or_else(|| self.wrong_bus.clone()),
            overridden: overridden.or(paused),
            not_yet,
            prune: self.rules.prune,
            teardown: self.rules.teardown,
            delete_data: self.rules.delete_data,
            adopted,
            open_elsewhere,
            senders_left,
            settled,
            path_settled,
            built_in_topics: begun
                .world
                .built_in_alerts()
                .filter_map(|alert| Some(alert.topic.as_ref()?.name.clone()))
                .collect(),
            released,
        };
        // Only a pass that writes uses the limits up.
        let mut looked_at;
        let window = if writes && begun.target.enforce {
            &mut self.window
        } else {
            looked_at = self.window.clone();
            &mut looked_at
        };
        let mut counter = window.at(self.rules.limits, accounts, now);
        let forgotten = Memory::new();
        let memory = self.states.get(key).map_or(&forgotten, |state| &state.memory);
        let plan = planning::plan(&begun.target, &judged, memory, &guards, &mut counter);
        self.forget_releases(key, &plan.changes.iter().map(|change| change.resource.clone()).collect());
        Decided { judged, plan }
    }

    /// Gives back what a deletion that failed had taken from the limit.
    pub fn not_deleted(&mut self) {
        self.window.give_back_deletion();
    }

    /// Remembers a write that was made.
    pub fn wrote(
        &mut self,
        key: &TargetKey,
        resource: &ResourceId,
        before: Option<serde_json::Value>,
        call: &Call,
        now: Timestamp,
    ) {
        let state = self.states.entry(key.clone()).or_default();
        state.last_change_at = Some(now);
        let remembered = state.memory.entry(resource.clone()).or_default();
        remembered.written = Some((now, before));
        if let Call::Subscribe { protocol, endpoint, .. } = call {
            remembered.subscriptions.entry(format!("{protocol} {endpoint}")).or_default().asked(now);
        }
    }

    /// Remembers what a former process saw as ours; what was ours once never becomes somebody else's.
    pub fn remember_owned(&mut self, key: &TargetKey, ids: BTreeSet<ResourceId>) {
        if ids.is_empty() || !self.targets.contains_key(key) {
            return;
        }
        let state = self.states.entry(key.clone()).or_default();
        for id in ids {
            state.memory.entry(id).or_default().ours = true;
        }
    }

    /// What is remembered as ours in a target.
    pub fn owned_in(&self, key: &TargetKey) -> BTreeSet<ResourceId> {
        let memory = self.states.get(key).map(|state| &state.memory).into_iter().flatten();
        memory.filter(|(_, remembered)| remembered.ours).map(|(id, _)| id.clone()).collect()
    }

    /// Remembers that a resource was put right; making it for the first time is no repair. What we took away is no
    /// longer ours: whoever makes the next one of its name owns that.
    pub fn repaired(&mut self, key: &TargetKey, resource: &ResourceId, action: Action, now: Timestamp) {
        let remembered =
            self.states.entry(key.clone()).or_default().memory.entry(resource.clone()).or_default();
        if action == Action::Delete {
            remembered.ours = false;
        }
        remembered.repairs.retain(|at| now.duration_since(*at) < jiff::SignedDuration::from_hours(1));
        if remembered.ours {
            remembered.repairs.push(now);
        }
    }

    /// Ends a pass with its outcome. Answers whether others may be written now who might not before.
    pub fn finish(
        &mut self,
        begun: &Begun,
        resources: Vec<Resource>,
        plan: Plan,
        error: Option<CloudError>,
        at: Timestamp,
    ) -> bool {
        let key = &begun.target.key;
        // Discovery may have dropped the target while the pass was on its way; nothing is to be remembered of it then.
        if !self.targets.contains_key(key) {
            self.states.remove(key);
            return false;
        }
        self.learn_from(key, &resources, error.as_ref());
        let failed = error.is_some() || resources.iter().any(|r| r.error.is_some());
        let in_sync =
            !failed && resources.iter().all(|r| matches!(r.verdict, Verdict::InSync | Verdict::Orphan));
        let state = self.states.entry(key.clone()).or_default();
        state.failures = if failed { state.failures.saturating_add(1) } else { 0 };
        if in_sync {
            state.in_sync_with = Some(begun.generation);
        } else if key.side == Side::Central {
            state.in_sync_with = None;
        }
        let holds = || plan.changes.iter().filter_map(|change| change.hold.as_ref());
        let waits = holds().any(|h| [WAITING_FOR_CENTRAL, WAITING_FOR_FIRST_ACCOUNTS].contains(&h.reason));
        let held = holds().any(|hold| !hold.waits);
        for (is, among) in [(waits, &mut self.waiting), (held, &mut self.holding)] {
            if is {
                among.insert(key.clone());
            } else {
                among.remove(key);
            }
        }
        let view = TargetView {
            target: key.clone(),
            resources,
            plan,
            error: error.map(Box::new),
            observed_at: at,
            last_change_at: state.last_change_at,
            observed_generation: begun.generation,
        };
        state.view = Some(Arc::new(view));
        self.touch(&key.account);
        self.count_candidate(key);
        let gate = self.gate();
        std::mem::replace(&mut self.told, gate.clone()) != gate
    }

    /// Whether an account is still given time to become ready. The central side, which everything else waits for, is
    /// not: we run in it.
    pub fn in_grace(&self, key: &TargetKey, now: Timestamp) -> bool {
        key.side == Side::Member
            && self.inventory.known().get(&key.account).is_some_and(|known| self.in_grace_of(known, now))
    }

    pub(super) fn in_grace_of(&self, known: &Known, now: Timestamp) -> bool {
        self.in_grace_since(known.wanted_since, now)
    }

    /// The same for an account that is wanted since then.
    pub(super) fn in_grace_since(&self, wanted_since: Timestamp, now: Timestamp) -> bool {
        Duration::try_from(now.duration_since(wanted_since)).is_ok_and(|age| age < self.rules.grace)
    }

    /// Notes that something else is to be shown of an account, without a change of accounts and targets.
    pub fn touch(&mut self, account: &AccountId) {
        if !self.touched.contains(account) {
            self.touched.insert(account.clone());
        }
    }

    /// The accounts that were touched since this was last asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<AccountId> {
        std::mem::take(&mut self.touched)
    }

    /// The latest outcomes that hold a change which a person must release.
    pub(super) fn holding(&self) -> impl Iterator<Item = (&TargetKey, &TargetView)> {
        let view = |key| self.states.get(key).and_then(|state| state.view.as_deref());
        self.holding.iter().filter_map(move |key| Some((key, view(key)?)))
    }
}
