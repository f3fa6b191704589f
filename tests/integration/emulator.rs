//! The emulator as a process, and the scripts beside it as functions.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::Value;

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/emulator");

/// The Python that has the emulator; made on first use, shared by all test processes.
pub(crate) static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's directory has a parent");
    let mut install = Command::new("python3");
    install.arg(format!("{SCRIPTS}/install.py")).arg("--directory").arg(target.join("moto"));
    output(install).trim().to_owned()
});

/// Standard output of `command`, which must succeed.
fn output(mut command: Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("these tests need Python 3.11 or newer: {command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).expect("our scripts write UTF-8");
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(output.stderr));
    text(output.stdout)
}

fn script(name: &str) -> Command {
    let mut command = Command::new(&*PYTHON);
    command.arg(format!("{SCRIPTS}/{name}"));
    command
}

/// A running emulator with a state of its own, ended when dropped.
pub(crate) struct Emulator {
    server: Child,
    endpoint: String,
}

impl Emulator {
    /// Starts an empty one on a free port and waits until it listens.
    pub(crate) fn start() -> Self {
        // Its standard input is ours to hold: should this process be killed, the emulator ends too.
        let mut server = script("serve.py")
            .args(["--quiet", "--until-stdin-closes"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator's Python was there a moment ago");
        let mut endpoint = String::new();
        let stdout = server.stdout.take().expect("standard output is piped");
        BufReader::new(stdout).read_line(&mut endpoint).expect("the endpoint is ASCII");
        assert!(endpoint.starts_with("http://"), "the emulator did not start; it says why above");
        Self { server, endpoint: endpoint.trim().to_owned() }
    }

    /// Where it listens, e.g. `http://127.0.0.1:40001`.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn script(&self, name: &str) -> Command {
        let mut command = script(name);
        command.args(["--endpoint", &self.endpoint]);
        command
    }

    /// Creates an organization of so many accounts, the management account included.
    pub(crate) fn seed(&self, accounts: usize) -> Seed {
        let mut seed = self.script("seed.py");
        seed.arg("--json").arg(format!("--accounts={accounts}"));
        serde_json::from_str(&output(seed)).expect("seed.py prints a seed")
    }

    /// Creates one account more, directly under the root.
    pub(crate) fn add_account(&self, name: &str) -> Account {
        let mut seed = self.script("seed.py");
        seed.args(["--json", "--add", name]);
        serde_json::from_str(&output(seed)).expect("seed.py prints an account")
    }

    /// What is installed in `accounts` and in the central one; the script describes the form.
    pub(crate) fn read_back<'a>(
        &self,
        seed: &Seed,
        accounts: impl IntoIterator<Item = &'a Account>,
    ) -> Value {
        let ids: Vec<_> = accounts.into_iter().map(|account| account.id.as_str()).collect();
        let mut read_back = self.script("read_back.py");
        read_back.args(["--central", &seed.central_account_id, "--accounts", &ids.join(",")]);
        serde_json::from_str(&output(read_back)).expect("read_back.py prints JSON")
    }

    /// Makes what auditors ask for by a standard in accounts, each without one thing, see `plant.py` for their names.
    pub(crate) fn plant(&self, standard: &str, accounts: &[(&str, &str)]) {
        let mut plant = self.script("plant.py");
        plant.args(["--standard", standard]);
        plant.args(accounts.iter().map(|(account, gap)| format!("{account}={gap}")));
        output(plant);
    }

    /// Makes a trail of the organization with a log group in an account.
    pub(crate) fn trail(&self, seed: &Seed, account: &str) {
        let mut prepare = self.script("audit.py");
        prepare.args(["--prepare", "--account", account, "--central", &seed.central_account_id]);
        output(prepare);
    }

    /// What the steps of a benchmark's audit find of a metric, where `account` has the trail.
    pub(crate) fn audit(&self, seed: &Seed, account: &str, metric: &str) -> Value {
        let mut audit = self.script("audit.py");
        audit.args(["--account", account, "--central", &seed.central_account_id, "--metric", metric]);
        serde_json::from_str(&output(audit)).expect("audit.py prints JSON")
    }

    /// Applies a drift, see `drift.py` for their names, in an account.
    pub(crate) fn drift(&self, account: &str, name: &str) {
        let mut drift = self.script("drift.py");
        drift.args(["--account", account, name]);
        output(drift);
    }
}

/// What the emulator at `endpoint`, of whatever kind, answers to each probe of the conformance suite.
pub(crate) fn conformance(endpoint: &str) -> BTreeMap<String, String> {
    let mut suite = script("conformance.py");
    suite.args(["--json", "--endpoint", endpoint]);
    serde_json::from_str(&output(suite)).expect("conformance.py prints a map")
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ended = self.server.kill().and_then(|()| self.server.wait());
    }
}

/// What `seed.py` created.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Seed {
    pub(crate) organization_id: String,
    pub(crate) root_id: String,
    pub(crate) management_account_id: String,
    pub(crate) central_account_id: String,
    pub(crate) closed_account_id: String,
    pub(crate) excluded_account_id: String,
    /// Ids of OUs by name.
    pub(crate) ous: BTreeMap<String, String>,
    pub(crate) accounts: Vec<Account>,
    pub(crate) central_credentials: Credentials,
}

impl Seed {
    /// Every account that orgwatch must cover, management and central included.
    pub(crate) fn covered(&self) -> impl Iterator<Item = &Account> {
        self.accounts
            .iter()
            .filter(|account| ![&self.closed_account_id, &self.excluded_account_id].contains(&&account.id))
    }

    /// Those of the covered accounts that are neither management nor central account.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Account> {
        self.covered()
            .filter(|account| ![&self.management_account_id, &self.central_account_id].contains(&&account.id))
    }
}

/// An account of the organization as it was seeded.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Ids from the root down to its OU.
    pub(crate) path: Vec<String>,
    pub(crate) state: String,
    pub(crate) tags: BTreeMap<String, String>,
}

/// Credentials in the emulator, which are nobody's secret.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
}
