//! Watches every call of the product: none may take away a path over which an alert would have come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

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

/// Whom an event reaches now and when all that was written has taken effect.
fn for_certain(world: &World) -> Reach {
    let mut certain = reach(world, View::Effective);
    let later = reach(world, View::Written);
    for (account, people) in &mut certain {
        if let Some(later) = later.get(account) {
            people.retain(|who| later.contains(who));
        }
    }
    certain
}

#[derive(Debug, Default)]
struct Notes {
    before: Reach,
    looked_at: Option<jiff::Timestamp>,
    broken: Vec<String>,
}

/// Watches one simulator.
#[derive(Clone, Debug)]
pub(crate) struct Watchman(Arc<Mutex<Notes>>);

impl Watchman {
    /// Begins to watch. Calls of roles whose name begins with `ours` are the product's; all others may break what
    /// they like, and are what the product has to mend.
    pub(crate) fn post(simulator: &Simulator, ours: &'static str) -> Self {
        let watchman = Self(Arc::default());
        watchman.0.lock().unwrap().before = for_certain(&simulator.world());
        let notes = Arc::clone(&watchman.0);
        simulator.watch(move |world, call, result| {
            let mut notes = notes.lock().unwrap();
            let write = orgwatch_sim::journal::is_write(&call.operation);
            // Time alone may show what an earlier write did.
            if !write && notes.looked_at == Some(world.now()) {
                return;
            }
            notes.looked_at = Some(world.now());
            let now = for_certain(world);
            if !write || is_by(call, ours) {
                for (account, people) in &notes.before {
                    let Some(reached) = now.get(account) else { continue };
                    let lost: Vec<&String> = people.difference(reached).collect();
                    if !lost.is_empty() {
                        let problem = format!(
                            "{} {} by {} ({result:?}): events of {account} no longer reach {lost:?}; input {:?}",
                            call.service, call.operation, call.caller.account, call.input
                        );
                        notes.broken.push(problem);
                        break;
                    }
                }
            }
            notes.before = now;
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
        self.0.lock().unwrap().before = for_certain(&simulator.world());
    }
}

/// Whether a role whose name begins with `ours` made the call.
pub(super) fn is_by(call: &Call, ours: &str) -> bool {
    match &call.caller.principal {
        orgwatch_sim::call::Principal::Administrator => false,
        orgwatch_sim::call::Principal::Session(session) => session.role_name.starts_with(ours),
    }
}
