//! Watches every call of the product: none may take away a path over which an alert would have come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use orgwatch_sim::Simulator;
use orgwatch_sim::call::Call;
use orgwatch_sim::delivery::{View, would_bury, would_reach};
use orgwatch_sim::world::World;
use serde_json::{Value, json};

/// An IAM change in an account, as the default bus of one of its Regions gets it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cause {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) operation: &'static str,
}

/// Whom each of these changes would reach: `protocol endpoint`, or `dead letters <ARN>` if no target could be called.
pub(crate) type Reach = BTreeMap<Cause, BTreeSet<String>>;

/// The changes that are tried: what a new user is made of, and what the narrowest watch is for.
const OPERATIONS: [&str; 2] = ["CreateUser", "DeleteUser"];

/// The event of a change.
fn event(world: &World, Cause { account, region, operation }: &Cause) -> Value {
    json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": account,
        "time": world.now().to_string(),
        "region": region,
        "resources": [],
        "detail": {
            "eventVersion": "1.09",
            "eventSource": "iam.amazonaws.com",
            "eventName": operation,
            "awsRegion": region,
            "eventID": "0d3c7d47-9f3c-4d1c-9d67-2d8d2a5d8f61",
            "requestParameters": { "userName": "mallory" },
            "userIdentity": { "type": "IAMUser", "accountId": account },
        },
    })
}

/// The changes that can happen: in every ACTIVE account, where IAM's events appear and where the account has anything.
fn causes(world: &World) -> impl Iterator<Item = Cause> {
    let active = world.organization.members.values().filter(|member| member.state == "ACTIVE");
    active.flat_map(|member| {
        let held = world.accounts.get(&member.id).into_iter().flat_map(|account| account.regions.keys());
        let regions: BTreeSet<&str> = held.map(String::as_str).chain([world.partition.iam_region]).collect();
        let each = regions.into_iter().flat_map(|region| OPERATIONS.map(|operation| (region, operation)));
        each.map(|(region, operation)| Cause {
            account: member.id.clone(),
            region: region.to_owned(),
            operation,
        })
    })
}

/// Whom every change would reach now.
pub(crate) fn reach(world: &World, view: View) -> Reach {
    let reached = |cause: Cause| {
        let (event, bus) = (event(world, &cause), "default");
        let reached = would_reach(world, &cause.account, &cause.region, bus, &event, view);
        // An alert may move to another topic; the people must stay the same.
        let people = reached.iter().filter_map(|path| path.split_once(' ')).map(|(_, who)| who.to_owned());
        let graves = would_bury(world, &cause.account, &cause.region, bus, &event, view);
        let all = people.chain(graves.iter().map(|queue| format!("dead letters {queue}"))).collect();
        (cause, all)
    };
    causes(world).map(reached).collect()
}

#[derive(Debug, Default)]
struct Notes {
    /// Whom each change reaches for certain: now, and when all that was written has taken effect.
    certain: Reach,
    /// The same, when all that was written has taken effect.
    written: Reach,
    /// What somebody else broke, and since when it looks as it is written. What was done to it may still be taking effect,
    /// so nothing is certain there before every lag is over.
    wounded: BTreeMap<(Cause, String), Option<Timestamp>>,
    /// What is meant to end, by its Region.
    ending: Option<String>,
    looked_at: Option<Timestamp>,
    broken: Vec<String>,
}

impl Notes {
    fn begin(&mut self, world: &World) {
        self.written = reach(world, View::Written);
        self.certain = reach(world, View::Effective);
        for (cause, people) in &mut self.certain {
            people.retain(|who| self.written.get(cause).is_some_and(|written| written.contains(who)));
        }
        self.wounded.clear();
    }

    /// Looks after a call; `foreign`: it was a write of somebody else.
    fn look(&mut self, world: &World, foreign: bool, told: impl Fn() -> String) {
        let now = world.now();
        let (written, effective) = (reach(world, View::Written), reach(world, View::Effective));
        let nobody = BTreeSet::new();
        for (cause, written) in &written {
            let before = self.written.get(cause).unwrap_or(&nobody);
            let effective = effective.get(cause).unwrap_or(&nobody);
            if foreign {
                for lost in before.difference(written) {
                    self.wounded.insert((cause.clone(), lost.clone()), None);
                }
            }
            let certain = self.certain.entry(cause.clone()).or_default();
            for who in before.union(written).chain(effective.iter()).cloned().collect::<BTreeSet<_>>() {
                let (is_written, has_effect) = (written.contains(&who), effective.contains(&who));
                let wound = (cause.clone(), who);
                if let Some(since) = self.wounded.get_mut(&wound) {
                    if is_written == has_effect {
                        let since = *since.get_or_insert(now);
                        if now.duration_since(since) > world.lags.longest() {
                            self.wounded.remove(&wound);
                        }
                    } else {
                        *since = None;
                    }
                }
                let who = wound.1.clone();
                if is_written && has_effect {
                    certain.insert(who);
                } else if certain.remove(&who)
                    && !self.wounded.contains_key(&wound)
                    && self.ending.as_ref() != Some(&cause.region)
                {
                    self.broken.push(format!("{now} {}: {cause:?} no longer reaches {who}", told()));
                }
            }
        }
        self.written = written;
    }
}

/// Watches one simulator.
#[derive(Clone, Debug)]
pub(crate) struct Watchman(Arc<Mutex<Notes>>);

impl Watchman {
    /// Begins to watch. Calls of roles whose name begins with `ours` are the product's; all others may break what
    /// they like, and are what the product has to mend.
    pub(crate) fn post(simulator: &Simulator, ours: &'static str) -> Self {
        let watchman = Self(Arc::default());
        watchman.begin_anew(simulator);
        let notes = Arc::clone(&watchman.0);
        simulator.watch(move |world, call, result| {
            let mut notes = notes.lock().unwrap();
            let write = orgwatch_sim::journal::is_write(&call.operation);
            // Time alone may show what an earlier write did.
            if !write && notes.looked_at == Some(world.now()) {
                return;
            }
            notes.looked_at = Some(world.now());
            let told = || {
                let Call { service, operation, input, .. } = call;
                format!(
                    "{service} {operation} by {} {input:?} {:?}",
                    call.caller.account,
                    result.as_ref().err()
                )
            };
            notes.look(world, write && !is_by(call, ours), told);
        });
        watchman
    }

    /// From now on what was watched in a Region is meant to end.
    pub(crate) fn let_end(&self, region: &str) {
        self.0.lock().unwrap().ending = Some(region.to_owned());
    }

    /// Fails with the first call that broke a path.
    pub(crate) fn assert_no_path_was_broken(&self) {
        if let Some(first) = self.0.lock().unwrap().broken.first() {
            panic!("{first}");
        }
    }

    /// From now on only what is reached now counts; for changes that are meant to end a path.
    pub(crate) fn begin_anew(&self, simulator: &Simulator) {
        self.0.lock().unwrap().begin(&simulator.world());
    }
}

/// Whether a role whose name begins with `ours` made the call.
pub(super) fn is_by(call: &Call, ours: &str) -> bool {
    match &call.caller.principal {
        orgwatch_sim::call::Principal::Administrator => false,
        orgwatch_sim::call::Principal::Session(session) => session.role_name.starts_with(ours),
    }
}
