//! What most stories begin with: an organization behind a proxy, and a configuration that wastes no time.

use std::time::Duration;

use serde_json::Value;

use crate::{
    config::Config,
    emulator::{Emulator, Seed},
    orgwatch::{Daemon, Finished, Orgwatch},
    proxy::{Call, Proxy, Then},
    wait::eventually,
};

/// What may pass before a daemon has done what it does within seconds; the machine may be busy.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// An organization of its own, seen through a proxy.
pub(crate) struct Scene {
    pub(crate) emulator: Emulator,
    pub(crate) seed: Seed,
    pub(crate) proxy: Proxy,
}

impl Scene {
    /// An organization of so many accounts in which nothing is installed.
    pub(crate) fn new(accounts: usize) -> Self {
        let emulator = Emulator::start();
        let seed = emulator.seed(accounts);
        let proxy = Proxy::start(&emulator, &seed);
        Self { emulator, seed, proxy }
    }

    /// The same, and everything is installed; the proxy has forgotten how.
    pub(crate) fn installed(accounts: usize) -> Self {
        let scene = Self::new(accounts);
        scene.apply().expect_code(0);
        scene.proxy.clear();
        scene
    }

    /// Enforces, looks every two seconds, and is not held back by the pace of Organizations.
    pub(crate) fn config(&self) -> Config {
        Config::new(&self.seed).with(
            r#"
            organization = { poll_interval = "2s", max_calls_per_second = 1000 }
            reconcile = { resync_interval = "2s", settle_time = "1s", iam_writes_per_second = "off" }
            "#,
        )
    }

    /// The binary with a configuration.
    pub(crate) fn orgwatch(&self, config: &Config) -> Orgwatch {
        Orgwatch::new(self.proxy.endpoint(), &self.seed, config)
    }

    /// `apply --yes` with the usual configuration.
    pub(crate) fn apply(&self) -> Finished {
        self.orgwatch(&self.config()).run(&["apply", "--yes"])
    }

    /// What is installed in every account that is covered.
    pub(crate) fn read_back(&self) -> Value {
        self.emulator.read_back(&self.seed, self.seed.covered())
    }

    /// The id of the n-th plain member.
    pub(crate) fn member(&self, n: usize) -> &str {
        &self.seed.members().nth(n).expect("there are so many").id
    }

    /// The account whose state a call changes or reads: that of the credentials it is made with.
    pub(crate) fn writes_in(&self, account: &str) -> Vec<Call> {
        let of_account = |call: &Call| call.account.as_deref() == Some(account);
        self.proxy.writes().into_iter().filter(of_account).collect()
    }
}

/// AWS's answer to somebody without the right.
pub(crate) const DENIED: Then =
    Then::Respond { status: 403, code: "AccessDenied", message: "User is not authorized" };

/// Waits until every account that counts is covered.
pub(crate) fn until_covered(daemon: &Daemon, accounts: usize) -> Value {
    eventually("all are covered", SOON, || {
        let status = daemon.status();
        let covered = status["coverage"]["covered"] == accounts && status["accounts"]["in_sync"] == accounts;
        covered.then_some(status)
    })
}

/// What the daemon says of an account.
pub(crate) fn account(daemon: &Daemon, id: &str) -> Value {
    daemon.get(&format!("/api/v1/accounts/{id}")).json()
}
