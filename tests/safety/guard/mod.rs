//! Whoever tampers with what is ours is noticed and told of within seconds, and so is its undoing; and nobody gains
//! anything by the queue that this takes.

#![expect(clippy::print_stdout, reason = "what was measured is worth reading when a test is run by hand")]

mod forged;
mod inbox;
mod joining;
mod own_calls;
mod tampering;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use orgwatch::inbox::notice::{Notice, Tell};
use orgwatch::model::resource::Verdict;
use orgwatch::model::target::{Side, TargetKey};
use orgwatch_sim::call::{Caller, Principal, Session};

use crate::stage::{Daemon, Stage};

pub(super) const GUARDED: &str = "[guard]\nenabled = true\n";

/// What an event of a real account may take at most to its repair.
pub(super) const AT_ONCE: Duration = Duration::from_secs(5);

/// Keeps what people would be told.
#[derive(Debug, Default)]
pub(super) struct Told(Mutex<Vec<Notice>>);

impl Tell for Told {
    fn tell(&self, notice: &Notice) {
        self.0.lock().unwrap().push(notice.clone());
    }
}

impl Told {
    pub(super) fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap().clone()
    }
}

/// A daemon that guards, and what it tells people.
pub(super) fn guarding(stage: &Stage) -> (Daemon, Arc<Told>) {
    guarding_with(stage, "")
}

pub(super) fn guarding_with(stage: &Stage, more: &str) -> (Daemon, Arc<Told>) {
    let daemon = stage.daemon(&stage.config(&format!("{GUARDED}{more}")));
    let told = Arc::new(Told::default());
    daemon.controller.tell_to(Arc::clone(&told) as Arc<dyn Tell>);
    (daemon, told)
}

/// How many alerts about tampering people have got.
pub(super) fn alerts(stage: &Stage) -> usize {
    let world = stage.simulator.world();
    world
        .outbox
        .all()
        .filter(|received| {
            received.protocol == "email" && received.body.contains("Tampering with orgwatch: ")
        })
        .count()
}

/// The key of a member's target, or of the central one.
pub(super) fn target(stage: &Stage, side: Side, account: &str) -> TargetKey {
    TargetKey { side, account: account.parse().unwrap(), region: stage.region().parse().unwrap() }
}

/// Waits until a pass that began later saw the target in sync; answers how long that took.
pub(super) async fn until_repaired(
    daemon: &Daemon,
    stage: &Stage,
    key: &TargetKey,
    patience: Duration,
) -> Option<Duration> {
    let (began, at) = (tokio::time::Instant::now(), stage.clock.now());
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let views = daemon.controller.views(std::slice::from_ref(key));
        let repaired = views.first().is_some_and(|view| {
            view.observed_at >= at
                && view.error.is_none()
                && view.resources.iter().all(|resource| resource.verdict == Verdict::InSync)
        });
        if repaired {
            return Some(began.elapsed());
        }
        if began.elapsed() > patience {
            return None;
        }
    }
}

/// Everything is installed, confirmed and quiet.
pub(super) async fn until_quiet(stage: &Stage) {
    tokio::time::sleep(Duration::from_secs(300)).await;
    stage.confirm_subscriptions();
    tokio::time::sleep(Duration::from_secs(120)).await;
}

/// A session of a role, whoever opened it.
pub(super) fn session_of(stage: &Stage, account: &str, role: &str) -> Caller {
    let world = stage.simulator.world();
    let held = world.accounts[account].iam.current().roles[role].clone();
    let session = Session {
        role_name: held.name,
        role_id: held.id,
        role_arn: held.arn,
        name: "mallory".to_owned(),
        token: String::new(),
        expires_at: world.now() + SignedDuration::from_hours(1),
        policies: Vec::new(),
        source_identity: None,
        chained: false,
    };
    Caller {
        account: account.to_owned(),
        principal: Principal::Session(Arc::new(session)),
        access_key: "stolen".to_owned(),
    }
}

/// How often a member was looked at since a call.
pub(super) fn passes(stage: &Stage, since: u64, account: &str) -> usize {
    let world = stage.simulator.world();
    let lists = |entry: &&orgwatch_sim::journal::Entry| {
        entry.call.operation == "ListRules" && entry.call.caller.account == account
    };
    world.journal.since(since).filter(lists).count()
}
