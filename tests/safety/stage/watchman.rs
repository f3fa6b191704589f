//! Watches every call of the product: none may take away a path over which an alert would have come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use orgwatch_sim::Simulator;
use orgwatch_sim::call::Call;
use orgwatch_sim::delivery::{View, would_reach};
use orgwatch_sim::world::World;
use serde_json::{Value, json};

/// Whom an IAM event of each account would reach: `protocol endpoint`.
pub(crate) type Reach = BTreeMap<String, BTreeSet<String>>;

/// The alert that an IAM change in `account` causes, as its default bus gets it.
pub(crate) fn iam_event(world: &World, account: &str) -> Value {
    json!({
        "version": "0",
        "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.iam",
        "account": account,
        "time": world.now().to_string(),
        "region": world.partition.iam_region,
        "resources": [],
        "detail": {
            "eventVersion": "1.09",
            "eventSource": "iam.amazonaws.com",
            "eventName": "CreateUser",
            "awsRegion": world.partition.iam_region,
            "eventID": "0d3c7d47-9f3c-4d1c-9d67-2d8d2a5d8f61",
            "requestParameters": { "userName": "mallory" },
            "userIdentity": { "type": "IAMUser", "accountId": account },
        },
    })
}

/// Whom an IAM event of each ACTIVE account would reach now.
pub(crate) fn reach(world: &World, view: View) -> Reach {
    let active = world.organization.members.values().filter(|member| member.state == "ACTIVE");
    active
        .map(|member| {
            let event = iam_event(world, &member.id);
            let reached = would_reach(world, &member.id, world.partition.iam_region, "default", &event, view);
            // An alert may move to another topic; the people must stay the same.
            let people =
                reached.iter().filter_map(|path| path.split_once(' ')).map(|(_, who)| who.to_owned());
            (member.id.clone(), people.collect())
        })
        .collect()
}

#[derive(Debug, Default)]
struct Notes {
    /// Whom an event of each account reaches for certain: now, and when all that was written has taken effect.
    certain: Reach,
    /// The same, when all that was written has taken effect.
    written: Reach,
    /// Accounts whose path somebody else broke, and since when it looks mended. What was done to it may still be taking
    /// effect, so nothing is certain there before every lag is over.
    wounded: BTreeMap<String, Option<Timestamp>>,
    looked_at: Option<Timestamp>,
    broken: Vec<String>,
}

impl Notes {
    fn begin(&mut self, world: &World) {
        self.written = reach(world, View::Written);
        self.certain = reach(world, View::Effective);
        for (account, people) in &mut self.certain {
            people.retain(|who| self.written.get(account).is_some_and(|written| written.contains(who)));
        }
        self.wounded.clear();
    }

    /// Looks after a call; `foreign`: it was a write of somebody else.
    fn look(&mut self, world: &World, foreign: bool, told: impl Fn() -> String) {
        let now = world.now();
        let (written, effective) = (reach(world, View::Written), reach(world, View::Effective));
        for (account, written) in &written {
            let before = self.written.get(account).cloned().unwrap_or_default();
            if foreign && !before.is_subset(written) {
                self.wounded.insert(account.clone(), None);
            }
            let effective = effective.get(account).cloned().unwrap_or_default();
            if let Some(since) = self.wounded.get_mut(account) {
                if *written == effective {
                    let since = *since.get_or_insert(now);
                    if now.duration_since(since) > world.lags.longest() {
                        self.wounded.remove(account);
                        self.certain.insert(account.clone(), effective);
                    }
                } else {
                    *since = None;
                }
                continue;
            }
            let certain: BTreeSet<String> = written.intersection(&effective).cloned().collect();
            let before = self.certain.insert(account.clone(), certain.clone()).unwrap_or_default();
            let lost: Vec<&String> = before.difference(&certain).collect();
            if !lost.is_empty() {
                self.broken.push(format!("{now} {}: events of {account} no longer reach {lost:?}", told()));
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
