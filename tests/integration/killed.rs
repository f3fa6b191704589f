//! `orgwatch serve`, killed again and again in the middle of its writes: the history knows each of them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use orgwatch::history::{Filter, History, Outcome, Record, What};
use orgwatch_sim::call::{Caller, Principal, Service};
use orgwatch_sim::journal::Entry;
use orgwatch_sim::seed::{self, Plan};
use orgwatch_sim::service::sts;
use orgwatch_sim::{Simulator, clock::Clock, serve};
use rand::RngExt;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::wait::eventually;

pub(crate) const ROLE: &str = "OrganizationAccountAccessRole";
pub(crate) const REGION: &str = "us-east-1";
const RULE: &str = "orgwatch-iam-changes";
/// What a start, or a history that is read, may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often the daemon is killed; `.ci/deep` asks for more.
#[expect(clippy::disallowed_methods, reason = "the long run sets it")]
fn kills() -> usize {
    std::env::var("ORGWATCH_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// A simulated organization, served by a thread of its own.
pub(crate) struct Aws {
    pub(crate) simulator: Simulator,
    url: String,
    environment: Vec<(&'static str, String)>,
    pub(crate) central: String,
    pub(crate) management: String,
    pub(crate) accounts: Vec<String>,
    stop: CancellationToken,
}

impl Aws {
    pub(crate) fn start(accounts: usize) -> Self {
        let plan = Plan { accounts, ou_depth: 1, seed: 7, ..Plan::default() };
        let (mut world, seeded) = seed::build(&plan, Clock::real());
        let central = seeded.central_account_id.clone();
        world.central = Some(central.clone());
        let mut members: Vec<String> = world.organization.members.keys().cloned().collect();
        for account in members.iter().chain([&central, &seeded.management_account_id]) {
            seed::simple_member_role(&mut world, account, ROLE, &central);
        }
        members.retain(|id| *id != seeded.management_account_id && *id != central);
        let day = SignedDuration::from_hours(24);
        let given =
            sts::issue(&mut world, &central, ROLE, "test", Vec::new(), day).expect("the role is there");
        let simulator = Simulator::new(world);
        let stop = CancellationToken::new();
        let (told, url) = std::sync::mpsc::channel();
        let (served, ended) = (simulator.clone(), stop.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime can be made").block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
                let address = listener.local_addr().expect("it is bound");
                told.send(format!("http://{address}")).expect("the test waits for it");
                serve(served, listener, ended.cancelled()).await.expect("it serves to its end");
            });
        });
        let url = url.recv_timeout(PATIENCE).expect("the simulator listens");
        let environment = vec![
            ("AWS_ENDPOINT_URL", url.clone()),
            ("AWS_ACCESS_KEY_ID", given.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", given.secret_access_key),
            ("AWS_SESSION_TOKEN", given.session_token),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ];
        Self {
            simulator,
            url,
            environment,
            central,
            management: seeded.management_account_id,
            accounts: members,
            stop,
        }
    }

    /// Disables the rule of an account, if it is there.
    fn disable(&self, account: &str) {
        let caller = Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        };
        let Value::Object(input) = json!({ "Name": RULE }) else { unreachable!("it is an object") };
        // A rule that is not there yet cannot be disabled, which is as good.
        drop(self.simulator.ask(&caller, Service::Events, REGION, "DisableRule", input));
    }

    /// What the daemon wrote, as AWS saw it: account, operation and request id. Taking a message that was read out of
    /// its own inbox, and sending an event of its own, such as a heartbeat, changes nothing that the history tells of.
    pub(crate) fn writes(&self) -> Vec<(String, String, String)> {
        let world = self.simulator.world();
        let ours = |entry: &&Entry| {
            entry.write
                && entry.error.is_none()
                && !["DeleteMessageBatch", "PutEvents"].contains(&entry.call.operation.as_str())
                && !matches!(entry.call.caller.principal, Principal::Administrator)
        };
        let told = |entry: &Entry| {
            let call = &entry.call;
            (call.caller.account.clone(), call.operation.clone(), call.request_id.clone())
        };
        world.journal.since(0).filter(ours).map(told).collect()
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn configuration(aws: &Aws, folder: &Path) -> PathBuf {
    let path = folder.join("orgwatch.toml");
    let text = format!(
        "[organization]\nmax_calls_per_second = 1000\nregions = ['{REGION}']\n\
         reader_role_arn = 'arn:aws:iam::{}:role/{ROLE}'\n\
         [member]\nrole_name = '{ROLE}'\npermissions_boundary = 'off'\n\
         [central]\naccount_id = '{}'\n\
         [[alert]]\nname = 'iam-changes'\nsubscriptions = [{{ protocol = 'email', endpoint = 's@example.com' }}]\n\
         [reconcile]\nmode = 'enforce'\nresync_interval = '200ms'\nsettle_time = '50ms'\niam_writes_per_second = 'off'\n\
         [reconcile.limits]\nchanged_accounts = 'off'\n\
         [http]\nbind = '127.0.0.1:0'\n\
         [history]\npath = '{}'\n",
        aws.management,
        aws.central,
        folder.join("history.db").display()
    );
    fs::write(&path, text).expect("our directory is writable");
    path
}

pub(crate) fn start(aws: &Aws, config: &Path, folder: &Path) -> Child {
    let log = File::create(folder.join("stderr")).expect("our directory is writable");
    Command::new(env!("CARGO_BIN_EXE_orgwatch"))
        .arg("--config")
        .arg(config)
        .arg("serve")
        .env_clear()
        .env("HOME", folder)
        .envs(aws.environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the binary is there")
}

/// Every write that the history tells of; reading it is also the proof that it opens.
fn history(path: &Path) -> Vec<Record> {
    let filter = Filter { what: vec![What::Write], ..Filter::default() };
    let page = History::read_file(path, &filter, usize::MAX - 1).expect("the history opens");
    page.map(|page| page.records).unwrap_or_default()
}

/// The writes that AWS made and of which the history knows nothing: neither the request, nor a write of the same
/// operation in the same account whose outcome is unknown.
fn unknown_to(history: &[Record], writes: &[(String, String, String)]) -> Vec<String> {
    let requests: std::collections::BTreeSet<&str> =
        history.iter().filter_map(|record| record.request_id.as_deref()).collect();
    let mut unknown: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for record in history.iter().filter(|record| record.outcome == Some(Outcome::Unknown)) {
        let account = record.account.as_deref().unwrap_or_default();
        let operation = record.operation.as_deref().unwrap_or_default();
        *unknown.entry((account, operation)).or_default() += 1;
    }
    let mut lost = Vec::new();
    for (account, operation, request) in
        writes.iter().filter(|(_, _, request)| !requests.contains(request.as_str()))
    {
        match unknown.get_mut(&(account.as_str(), operation.as_str())) {
            Some(left) if *left > 0 => *left -= 1,
            _ => lost.push(format!("{operation} in {account}, request {request}")),
        }
    }
    lost
}

#[test]
fn whatever_moment_the_daemon_is_killed_at_the_history_knows_each_of_its_writes() {
    let aws = Aws::start(12);
    let folder = TempDir::new().expect("a temporary directory can be made");
    let config = configuration(&aws, folder.path());
    let path = folder.path().join("history.db");
    let mut chance = rand::rng();
    let (mut told_before, mut written_before, mut in_the_middle) = (0, 0, 0);
    for kill in 0..kills() {
        let mut daemon = start(&aws, &config, folder.path());
        let written = |aws: &Aws| aws.writes().len();
        // The storm has begun when the daemon writes again.
        eventually("the daemon writes", PATIENCE, || {
            aws.accounts.iter().for_each(|account| aws.disable(account));
            if let Some(status) = daemon.try_wait().expect("it can be waited for") {
                let log = fs::read_to_string(folder.path().join("stderr")).unwrap_or_default();
                panic!("the daemon ended by itself, {status}:\n{log}");
            }
            (written(&aws) > written_before).then_some(())
        });
        let until = Instant::now() + Duration::from_millis(chance.random_range(0..1500));
        while Instant::now() < until {
            let account = &aws.accounts[chance.random_range(0..aws.accounts.len())];
            aws.disable(account);
            std::thread::sleep(Duration::from_millis(chance.random_range(0..10)));
        }
        // SIGKILL: nothing is closed, nothing is told.
        daemon.kill().expect("it runs");
        daemon.wait().expect("it has ended");
        // What was on its way when the sender died is still performed.
        std::thread::sleep(Duration::from_millis(50));
        let (told, writes) = (history(&path), aws.writes());
        assert_eq!(
            unknown_to(&told, &writes),
            Vec::<String>::new(),
            "after kill {kill}, against {}",
            aws.url
        );
        assert!(told.len() >= told_before, "what was recorded before is still there");
        (told_before, written_before) = (told.len(), writes.len());
        in_the_middle = told.iter().filter(|record| record.outcome == Some(Outcome::Unknown)).count();
    }
    assert!(written_before > kills(), "there was a storm");
    println!("{} kills, {written_before} writes, {in_the_middle} of unknown outcome", kills());
}

/// The test above can fail: a history that lacks a write is found out.
#[test]
fn a_write_that_the_history_does_not_know_is_found() {
    let at: Timestamp = "2026-11-20T12:00:00Z".parse().expect("it is a time");
    let record = |outcome: &str, request: Option<&str>| -> Record {
        serde_json::from_value(json!({
            "id": 1, "what": "write", "at": at, "account": "333333333333", "operation": "PutRule",
            "outcome": outcome, "request_id": request,
        }))
        .expect("it is a record")
    };
    let write = |request: &str| ("333333333333".to_owned(), "PutRule".to_owned(), request.to_owned());
    let history = [record("done", Some("r-1")), record("unknown", None)];
    assert!(unknown_to(&history, &[write("r-1"), write("r-2")]).is_empty());
    assert_eq!(unknown_to(&history, &[write("r-1"), write("r-2"), write("r-3")]).len(), 1);
    assert_eq!(unknown_to(&history[..1], &[write("r-1"), write("r-2")]).len(), 1);
}
