//! A simulated organization and daemons that run in it, in one thread and in virtual time.

mod connector;
mod daemon;
mod holdings;
mod kit;
mod ledger;
mod watchman;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use jiff::{SignedDuration, Timestamp};
use orgwatch::clock::Clock;
use orgwatch::controller::{Purpose, Teardown};
use orgwatch_sim::Simulator;
use orgwatch_sim::call::{Caller, Principal, Refusal, Service};
use orgwatch_sim::journal::Entry;
use orgwatch_sim::partition::Partition;
use orgwatch_sim::seed::{self, Plan, TrailLogs};
use orgwatch_sim::service::{sns, sts};
use orgwatch_sim::world::Lags;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::Value;

pub(crate) use connector::Fuse;
pub(crate) use daemon::{Daemon, settings};
pub(crate) use holdings::Holdings;
pub(crate) use kit::Kit;
pub(crate) use ledger::Ledger;
pub(crate) use watchman::{Watchman, reach};

/// The mail address that alerts go to.
pub(crate) const PEOPLE: &str = "security@example.com";

/// A simulated organization in which the roles of `deploy/` are installed.
pub(crate) struct Stage {
    pub(crate) simulator: Simulator,
    pub(crate) clock: Clock,
    pub(crate) kit: Kit,
    /// The central account first, then the members; the management account is not among them.
    pub(crate) accounts: Vec<String>,
    pub(crate) management: String,
}

/// Runs `work` to its end in virtual time: whoever waits waits no real time.
pub(crate) fn in_virtual_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime can be made")
        .block_on(work)
}

/// A clock that follows the runtime's time, from the same moment in every run.
fn virtual_clock(seed: u64) -> Clock {
    let began = tokio::time::Instant::now();
    let start: Timestamp = "2026-11-20T12:00:00Z".parse().expect("it is a time");
    let chance = Mutex::new(StdRng::seed_from_u64(seed));
    Clock::new(
        move || start + SignedDuration::try_from(began.elapsed()).expect("no test lives that long"),
        move || chance.lock().expect("nobody panics here").random(),
    )
}

impl Stage {
    /// An organization of so many accounts besides the management account, in which AWS settles at once.
    pub(crate) fn new(accounts: usize, seed: u64) -> Self {
        Self::lagging(accounts, seed, Lags::default())
    }

    /// An organization in which changes take as long to be seen as `lags` says.
    pub(crate) fn lagging(accounts: usize, seed: u64, lags: Lags) -> Self {
        Self::planned(&Plan { accounts: accounts + 1, ou_depth: 2, seed, ..Plan::default() }, lags)
    }

    /// An organization in another partition.
    pub(crate) fn in_partition(accounts: usize, partition: Partition) -> Self {
        let plan = Plan { accounts: accounts + 1, ou_depth: 2, partition, ..Plan::default() };
        Self::planned(&plan, Lags::default())
    }

    /// An organization whose trail has its log group there.
    pub(crate) fn with_log_group(accounts: usize, trail_logs: TrailLogs) -> Self {
        let plan = Plan { accounts: accounts + 1, ou_depth: 2, seed: 1, trail_logs, ..Plan::default() };
        Self::planned(&plan, Lags::default())
    }

    fn planned(plan: &Plan, lags: Lags) -> Self {
        let clock = virtual_clock(plan.seed);
        let told = clock.clone();
        let (mut world, seeded) =
            seed::build(plan, orgwatch_sim::clock::Clock::from_source(move || told.now()));
        let kit = Kit {
            partition: world.partition.name.to_owned(),
            central_account: seeded.central_account_id.clone(),
            central_region: world.partition.iam_region.to_owned(),
            organization_id: seeded.organization_id.clone(),
        };
        let mut members: Vec<String> = world.organization.members.keys().cloned().collect();
        members.retain(|id| *id != seeded.management_account_id && *id != seeded.central_account_id);
        members.insert(0, seeded.central_account_id.clone());
        kit.install(&mut world, &seeded.management_account_id, &members);
        world.lags = lags;
        Self {
            simulator: Simulator::new(world),
            clock,
            kit,
            accounts: members,
            management: seeded.management_account_id,
        }
    }

    /// The Region of IAM's events, in which the central bus is too.
    pub(crate) fn region(&self) -> String {
        self.kit.central_region.clone()
    }

    /// Somebody with every right in an account.
    pub(crate) fn administrator(&self, account: &str) -> Caller {
        Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        }
    }

    /// A configuration with everything that a real one has; `more` comes after it.
    pub(crate) fn config(&self, more: &str) -> String {
        let Kit { partition, central_account, organization_id, .. } = &self.kit;
        let management = &self.management;
        let mut text = format!(
            "[organization]\nid = '{organization_id}'\n\
             reader_role_arn = 'arn:{partition}:iam::{management}:role/orgwatch-organization-reader'\n\
             management_role_arn = 'arn:{partition}:iam::{management}:role/orgwatch-member'\n\
             max_calls_per_second = 1000\n\
             [central]\naccount_id = '{central_account}'\narchive_retention = '90d'\n"
        );
        // A canary an hour in each account would be most of what happens in the long times of these tests.
        for (table, off) in [("[canary]", "interval = 'off'"), ("[notify]", "alert = 'off'")] {
            if !more.contains(table) {
                text.push_str(&format!("{table}\n{off}\n"));
            }
        }
        // Searching every Region for what is left is most of what a process does at first; the tests of that name more.
        if !more.contains("regions") {
            let region = self.region();
            text = text.replacen("[organization]\n", &format!("[organization]\nregions = ['{region}']\n"), 1);
        }
        if !more.contains("[[alert]]") {
            let alert = format!(
                "[[alert]]\nname = 'iam-changes'\n\
                 subscriptions = [{{ protocol = 'email', endpoint = '{PEOPLE}' }}]\n"
            );
            text.push_str(&alert);
        }
        if !more.contains("[reconcile]") {
            // The times that these tests speak of are told by the timer.
            let own = more.contains("resync_interval");
            let timer = if own { "" } else { "resync_interval = '15m'\n" };
            text.push_str("[reconcile]\nmode = 'enforce'\niam_writes_per_second = 'off'\n");
            text.push_str(timer);
        }
        text.push_str(more);
        text
    }

    /// A process with the task role of `deploy/`, which reads `config`.
    pub(crate) fn daemon(&self, config: &str) -> Daemon {
        self.process(config, Purpose::default(), Fuse::none())
    }

    /// A process with a purpose, which ends in the middle when `fuse` blows.
    pub(crate) fn process(&self, config: &str, purpose: Purpose, fuse: Arc<Fuse>) -> Daemon {
        let task = self.credentials(&self.kit.central_account, "orgwatch-task");
        Daemon::new(&self.simulator, self.clock.clone(), task, settings(config), purpose, fuse)
    }

    /// A process that takes away what is ours, with its data where that is said.
    pub(crate) fn teardown(&self, config: &str, delete_data: bool, fuse: Arc<Fuse>) -> Daemon {
        let teardown = Some(Teardown { accounts: Vec::new(), delete_data });
        self.process(config, Purpose { enforce_all: true, prune: true, teardown }, fuse)
    }

    /// What an account's administrator gets who makes this call; nothing that is wrong in the world concerns it.
    pub(crate) fn ask(
        &self,
        account: &str,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, Refusal> {
        let Value::Object(input) = input else { panic!("an input is an object") };
        self.simulator.ask(&self.administrator(account), service, &self.region(), operation, input)
    }

    /// The same for a call that must go well.
    pub(crate) fn make(&self, account: &str, service: Service, operation: &str, input: Value) -> Value {
        let told = input.to_string();
        let answer = self.ask(account, service, operation, input);
        answer.unwrap_or_else(|refusal| panic!("{operation} {told} in {account}: {refusal:?}"))
    }

    /// What all accounts hold now.
    pub(crate) fn holdings(&self) -> Holdings {
        Holdings::of(&self.simulator.world())
    }

    /// Credentials of a role, long enough for a test.
    pub(crate) fn credentials(&self, account: &str, role: &str) -> Credentials {
        let week = SignedDuration::from_hours(24 * 7);
        let given = sts::issue(&mut self.simulator.world(), account, role, "test", Vec::new(), week)
            .expect("the role is there");
        Credentials::new(
            given.access_key_id,
            given.secret_access_key,
            Some(given.session_token),
            None,
            "stage",
        )
    }

    /// The people click the link in the mail that asks them.
    pub(crate) fn confirm_subscriptions(&self) {
        let topics: Vec<String> = self.topics();
        let mut world = self.simulator.world();
        for topic in topics {
            sns::confirm(&mut world, &topic, PEOPLE);
        }
    }

    /// Does `work` while the people click every link that they get, within the second.
    pub(crate) async fn confirming<T>(&self, work: impl Future<Output = T>) -> T {
        let people = async {
            loop {
                self.confirm_subscriptions();
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = people => unreachable!("they never stop"),
        }
    }

    /// Does what a command does, and fails if that goes on for an hour: then it goes on for ever.
    pub(crate) async fn ends<T>(&self, command: impl Future<Output = T>) -> T {
        let calls = self.calls();
        let Ok(done) = tokio::time::timeout(Duration::from_secs(3600), command).await else {
            let writes = self.told_writes_since(calls);
            panic!("it does not end; the last of its {} writes: {:?}", writes.len(), writes.last());
        };
        done
    }

    /// The ARNs of the central account's topics.
    pub(crate) fn topics(&self) -> Vec<String> {
        let Kit { partition, central_account, .. } = &self.kit;
        let region = self.region();
        let world = self.simulator.world();
        let regional = world.accounts.get(central_account).and_then(|account| account.regions.get(&region));
        let names = regional.map(|held| held.sns.current().topics.keys().cloned().collect::<Vec<_>>());
        names
            .unwrap_or_default()
            .into_iter()
            .map(|name| format!("arn:{partition}:sns:{region}:{central_account}:{name}"))
            .collect()
    }

    /// The number of the last call so far.
    pub(crate) fn calls(&self) -> u64 {
        self.simulator.world().journal.last()
    }

    /// The writing calls of the product since then, in a few words each: account, operation, what it is about, error.
    pub(crate) fn told_writes_since(&self, number: u64) -> Vec<String> {
        let world = self.simulator.world();
        let told = |entry: &Entry| {
            let call = &entry.call;
            let names = [
                "Rule",
                "Name",
                "RoleName",
                "TopicArn",
                "QueueUrl",
                "QueueName",
                "ResourceARN",
                "AlarmName",
                "filterName",
                "EventBusName",
            ];
            let about = names.iter().find_map(|name| call.text(name)).unwrap_or_default();
            let error = entry.error.as_deref().unwrap_or_default();
            format!("{} {} {about} {error}", call.caller.account, call.operation)
        };
        world.journal.since(number).filter(|entry| is_write_of_ours(entry)).map(told).collect()
    }

    /// The writing calls of the product since then, in words.
    pub(crate) fn writes_since(&self, number: u64) -> Vec<String> {
        let world = self.simulator.world();
        let ours = world.journal.since(number).filter(|entry| is_write_of_ours(entry));
        ours.map(|entry| format!("{entry:?}")).collect()
    }
}

/// Whether the product made this call, and it writes: reading the inbox or dead letters, message by message, and sending
/// events of its own changes nothing that is installed.
pub(crate) fn is_write_of_ours(entry: &Entry) -> bool {
    let reads = ["ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch", "PutEvents"];
    entry.write
        && !reads.contains(&entry.call.operation.as_str())
        && entry.principal().contains("role/orgwatch-")
}
