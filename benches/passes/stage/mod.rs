//! A simulated organization in a process of its own, and the processes that work in it.

pub(crate) mod daemon;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::options::Options;
use crate::role::product::{self, Work};
use crate::role::simulator::{self, Ready};
use crate::role::{Report, Role, Simulator, bare, client};

/// The Region of IAM's events, where bus and rules are.
pub(crate) const REGION: &str = "us-east-1";

/// A simulated organization. It ends with this value.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) ready: Ready,
    process: Child,
    directory: TempDir,
}

/// What a configuration says beyond what all have in common.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wish<'a> {
    pub(crate) concurrency: usize,
    /// Somebody else keeps the forwarding roles.
    pub(crate) existing_roles: bool,
    /// Where the watch is; empty: where IAM's events appear.
    pub(crate) regions: &'a [&'a str],
    pub(crate) bind: Option<SocketAddr>,
    /// All alarms that auditors look for are kept, and trails are looked at.
    pub(crate) alarms: bool,
}

/// To whom the alert goes.
const PEOPLE: &str = "security@example.com";

impl Stage {
    /// An organization in which the roles of `deploy/` are installed and nothing else.
    pub(crate) async fn start(accounts: usize) -> anyhow::Result<Self> {
        Self::start_with(simulator::Ask { accounts, log_group: false }).await
    }

    async fn start_with(ask: simulator::Ask) -> anyhow::Result<Self> {
        let role = Role::Simulator(ask);
        let mut process = this_program(&role)?
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = process.stdout.take().context("standard output is piped")?;
        let line =
            BufReader::new(stdout).lines().next_line().await?.context("the simulator did not start")?;
        let ready: Ready = serde_json::from_str(&line).with_context(|| line.clone())?;
        let directory = tempfile::tempdir()?;
        // What the references look at: not the management account, whose role may read less; one account in their favour.
        let members: Vec<_> = ready.accounts.iter().filter(|account| **account != ready.management).collect();
        std::fs::write(directory.path().join("accounts.json"), serde_json::to_vec(&members)?)?;
        Ok(Self { ready, process, directory })
    }

    /// The same, with everything installed that the product installs.
    pub(crate) async fn installed(accounts: usize, wish: Wish<'_>) -> anyhow::Result<Self> {
        let stage = Self::start_with(simulator::Ask { accounts, log_group: wish.alarms }).await?;
        stage.product(wish, Work::Converge).await?;
        Ok(stage)
    }

    /// Whoever is subscribed to the alert's topic follows the link in the mail.
    pub(crate) async fn confirm(&self) -> anyhow::Result<()> {
        let Ready { partition, central, .. } = &self.ready;
        let topic = format!("arn:{partition}:sns:{REGION}:{central}:orgwatch-iam-changes");
        self.admin_by(reqwest::Method::POST, "confirm", json!({ "topic_arn": topic, "endpoint": PEOPLE }))
            .await
    }

    /// A file of this stage.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn simulator(&self) -> anyhow::Result<Simulator> {
        let pid = self.process.id().context("the simulator has ended")?;
        Ok(Simulator { url: self.ready.url.clone(), pid })
    }

    /// A file of the configuration that is wished for.
    pub(crate) fn config(&self, wish: Wish<'_>) -> anyhow::Result<PathBuf> {
        let Ready { partition, organization, management, central, .. } = &self.ready;
        let Wish { concurrency, existing_roles, regions, bind, alarms } = wish;
        let bind = bind.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let kept = if existing_roles { "existing" } else { "managed" };
        let compliance = if alarms { "[compliance]\nmetric_alarms = ['cis-4']\n" } else { "" };
        // Discovery at its own pace would be most of what is measured; it is told apart, and as fast as it can be.
        let text = format!(
            "[organization]\nid = '{organization}'\n\
             reader_role_arn = 'arn:{partition}:iam::{management}:role/orgwatch-organization-reader'\n\
             management_role_arn = 'arn:{partition}:iam::{management}:role/orgwatch-member'\n\
             max_calls_per_second = 1000\npoll_interval = '1h'\n\
             [central]\naccount_id = '{central}'\n\
             [member]\nforwarding_role = '{kept}'\n\
             [[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\nregions = {regions:?}\n\
             [[alert]]\nname = 'iam-changes'\nwatches = ['iam-changes']\n\
             subscriptions = [{{ protocol = 'email', endpoint = '{PEOPLE}' }}]\n\
             [trail]\nrequired = {alarms}\n\
             {compliance}\
             [reconcile]\nmode = 'enforce'\niam_writes_per_second = 'off'\nconcurrency = {concurrency}\n\
             [guard]\nenabled = false\n[canary]\ninterval = 'off'\n[notify]\nalert = 'off'\n\
             [http]\nbind = '{bind}'\n\
             [history]\npath = '{}'\n",
            // On a disk, as in production: waiting for it is part of what a write costs.
            self.directory.path().join("history.db").display()
        );
        let path = self.directory.path().join("orgwatch.toml");
        std::fs::write(&path, text)?;
        Ok(path)
    }

    /// What every program needs that asks this AWS with the product's task role.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 9] {
        let ready = &self.ready;
        [
            ("AWS_ENDPOINT_URL", &ready.url),
            ("AWS_ACCESS_KEY_ID", &ready.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &ready.secret_access_key),
            ("AWS_SESSION_TOKEN", &ready.session_token),
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ]
    }

    /// What the product does with this configuration.
    pub(crate) async fn product(&self, wish: Wish<'_>, work: Work) -> anyhow::Result<Report> {
        let ask = product::Ask { config: self.config(wish)?, simulator: self.simulator()?, work };
        self.output(this_program(&Role::Product(ask))?).await
    }

    /// The same calls, and nothing is decided.
    pub(crate) async fn bare(&self, options: &Options) -> anyhow::Result<Report> {
        let ask = bare::Ask {
            simulator: self.simulator()?,
            accounts: self.directory.path().join("accounts.json"),
            partition: self.ready.partition.clone(),
            region: REGION.to_owned(),
            concurrency: options.concurrency,
        };
        self.output(this_program(&Role::Bare(ask))?).await
    }

    /// What a team would write in Python.
    pub(crate) async fn script(&self, python: &Path, options: &Options) -> anyhow::Result<Report> {
        let preset = orgwatch::presets::by_name("iam-changes").context("no preset iam-changes")?;
        let pattern = self.directory.path().join("pattern.json");
        std::fs::write(&pattern, preset.pattern().value().to_string())?;
        let mut command = Command::new(python);
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/boto3_reference.py"))
            .arg("--accounts")
            .arg(self.directory.path().join("accounts.json"))
            .arg("--pattern")
            .arg(pattern)
            .args(["--partition", &self.ready.partition, "--central", &self.ready.central])
            .args(["--threads", &options.concurrency.to_string()])
            .args(["--simulator-pid", &self.simulator()?.pid.to_string()]);
        self.output(command).await
    }

    /// Runs a program to its end; its last line is its result.
    pub(crate) async fn output<T: DeserializeOwned>(&self, mut command: Command) -> anyhow::Result<T> {
        let running = command
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.directory.path().join("stderr"))?)
            .kill_on_drop(true)
            .spawn()?;
        let done = running.wait_with_output().await?;
        let text = String::from_utf8(done.stdout)?;
        let line = text.lines().last().unwrap_or_default();
        if !done.status.success() {
            let errors = std::fs::read_to_string(self.directory.path().join("stderr"))?;
            let end: Vec<&str> = errors.lines().rev().take(5).collect();
            anyhow::bail!("{}: {line}\n{}", done.status, end.join("\n"));
        }
        serde_json::from_str(line).with_context(|| line.to_owned())
    }

    /// How long every answer takes from now on.
    pub(crate) async fn latency(&self, latency: Duration) -> anyhow::Result<()> {
        let text = humantime::format_duration(latency).to_string();
        self.admin(
            "latency",
            json!({ "latency": if latency.is_zero() { Value::Null } else { json!({ "fixed": text }) } }),
        )
        .await
    }

    /// Enforces AWS's quotas from now on. That of Organizations, which AWS does not publish, is left out: it would
    /// measure how long listing accounts takes, which no pass waits for.
    pub(crate) async fn quotas(&self) -> anyhow::Result<()> {
        self.admin("quotas", json!({ "quotas": true, "limits": { "organizations": null } })).await
    }

    async fn admin(&self, what: &str, body: Value) -> anyhow::Result<()> {
        self.admin_by(reqwest::Method::PUT, what, body).await
    }

    async fn admin_by(&self, method: reqwest::Method, what: &str, body: Value) -> anyhow::Result<()> {
        let request = client()?.request(method, format!("{}/admin/{what}", self.ready.url)).json(&body);
        let answer = request.send().await?;
        let status = answer.status();
        anyhow::ensure!(status.is_success(), "{what}: {status} {}", answer.text().await?);
        Ok(())
    }

    /// All calls so far, by operation.
    pub(crate) async fn counters(&self) -> anyhow::Result<Value> {
        Ok(client()?.get(format!("{}/admin/counters", self.ready.url)).send().await?.json().await?)
    }
}

/// This program again, in a role.
pub(crate) fn this_program(role: &Role) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--role").arg(serde_json::to_string(role)?);
    Ok(command)
}
