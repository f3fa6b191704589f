//! A daemon in front of the simulator, with a configuration file that a test writes and reads again.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output};
use std::time::Duration;

use orgwatch_sim::call::{Caller, Principal, Service};
use orgwatch_sim::service::sns;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::config::Config;
use crate::killed::{Aws, REGION, ROLE, start};
use crate::wait::eventually;

/// What may pass before a daemon has done what it does within seconds; the machine may be busy.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// A daemon of its own, with its organization and its files.
pub(crate) struct Staged {
    pub(crate) aws: Aws,
    pub(crate) folder: TempDir,
    child: RefCell<Child>,
    url: String,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Staged {
    /// A daemon over an organization of so many accounts, with these lines laid over the usual configuration.
    pub(crate) fn start(accounts: usize, lines: &str) -> Self {
        Self::over(Aws::start(accounts), lines)
    }

    /// The same over an organization that was prepared.
    pub(crate) fn over(aws: Aws, lines: &str) -> Self {
        let folder = TempDir::new().expect("a temporary directory can be made");
        let text = configuration(&aws, &folder.path().join("history.db").display().to_string(), lines);
        fs::write(folder.path().join("orgwatch.toml"), text).expect("our directory is writable");
        let child = start(&aws, &folder.path().join("orgwatch.toml"), folder.path());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        // Whatever certificate a test has made for it.
        let client =
            reqwest::Client::builder().no_proxy().timeout(SOON).danger_accept_invalid_certs(true).build();
        let mut staged = Self {
            aws,
            folder,
            child: RefCell::new(child),
            url: String::new(),
            client: client.expect("a plain client can be built"),
            runtime: runtime.expect("a runtime can be made"),
        };
        staged.url = eventually("the daemon listens", SOON, || {
            staged.alive();
            let log = staged.log();
            let (_, rest) = log.split_once("Serving ")?;
            let end = rest.find(['"', '\n'])?;
            Some(rest[..end].trim().to_owned())
        });
        staged
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The configuration file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("orgwatch.toml")
    }

    /// Lays these lines over the usual configuration and writes the file.
    pub(crate) fn configure(&self, lines: &str) {
        let history = self.folder.path().join("history.db").display().to_string();
        self.write(&configuration(&self.aws, &history, lines));
    }

    /// Writes the file, whatever it says.
    pub(crate) fn write(&self, text: &str) {
        fs::write(self.file(), text).expect("our directory is writable");
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap_or_default()
    }

    /// Fails the test if the daemon has ended.
    pub(crate) fn alive(&self) {
        let ended = self.child.borrow_mut().try_wait().expect("it can be waited for");
        assert_eq!(ended, None, "the daemon ended by itself\n{}", self.log());
    }

    /// Sends it a signal by its short name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.borrow().id().to_string();
        let status = Command::new("kill").args([&format!("-{name}"), &id]).status();
        assert!(status.expect("there is a `kill`").success());
    }

    /// What it answers: status and body.
    pub(crate) fn ask(&self, method: Method, path: &str) -> (u16, String) {
        self.runtime.block_on(async {
            let sent = self.client.request(method, format!("{}{path}", self.url)).send().await;
            let answer = sent.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.log()));
            (answer.status().as_u16(), answer.text().await.expect("it answers text"))
        })
    }

    /// The JSON at a path.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, text) = self.ask(Method::GET, path);
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}"))
    }

    /// Status and JSON of what a POST without a body is answered.
    pub(crate) fn post(&self, path: &str) -> (u16, Value) {
        let (status, text) = self.ask(Method::POST, path);
        (status, serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}: {text}")))
    }

    /// Waits until `look` finds something, and fails when the daemon ends meanwhile.
    pub(crate) fn until<T>(&self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        eventually(what, SOON, || {
            self.alive();
            look(self)
        })
    }

    /// Waits until all of so many accounts are covered but the management account, which has no role; whoever gets a
    /// mail meanwhile clicks its link.
    pub(crate) fn until_covered(&self, accounts: usize) -> Value {
        self.until("all are covered", |staged| {
            staged.confirm();
            let status = staged.get("/api/v1/status");
            (status["coverage"]["covered"] == accounts - 1).then_some(status)
        })
    }

    /// The person of the configuration clicks the links of all mails.
    pub(crate) fn confirm(&self) {
        let topics = self.aws(&self.aws.central, Service::Sns, "ListTopics", json!({}));
        let mut world = self.aws.simulator.world();
        for topic in topics["Topics"].as_array().into_iter().flatten() {
            let topic = topic["TopicArn"].as_str().expect("it has one");
            sns::confirm(&mut world, topic, "s@example.com");
        }
    }

    /// What AWS says to an administrator of an account.
    pub(crate) fn aws(&self, account: &str, service: Service, operation: &str, input: Value) -> Value {
        let caller = Caller {
            account: account.to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        };
        let Value::Object(input) = input else { panic!("the input of {operation} is an object") };
        self.aws
            .simulator
            .ask(&caller, service, REGION, operation, input)
            .unwrap_or_else(|error| panic!("{operation} in {account}: {error:?}"))
    }

    /// The names of the rules on the central bus.
    pub(crate) fn alert_rules(&self) -> Vec<String> {
        let input = json!({ "EventBusName": "orgwatch" });
        let rules = self.aws(&self.aws.central, Service::Events, "ListRules", input);
        let rules = rules["Rules"].as_array().cloned().unwrap_or_default();
        rules.iter().map(|rule| rule["Name"].as_str().expect("it has one").to_owned()).collect()
    }

    /// Runs a command that asks this daemon.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_orgwatch"))
            .args(arguments)
            .args(["--url", &self.url])
            .env_clear()
            .env("HOME", self.folder.path())
            .current_dir(self.folder.path())
            .output()
            .expect("the binary is there")
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let mut child = self.child.borrow_mut();
        // Either may fail only because it has ended already.
        let _ended = child.kill().and_then(|()| child.wait());
    }
}

/// A configuration that enforces, wastes no time and tells one person by mail.
pub(crate) fn configuration(aws: &Aws, history: &str, lines: &str) -> String {
    let text = format!(
        r#"
        [organization]
        max_calls_per_second = 1000
        poll_interval = "2s"
        regions = ["{REGION}"]
        reader_role_arn = "arn:aws:iam::{}:role/{ROLE}"
        [member]
        role_name = "{ROLE}"
        permissions_boundary = "off"
        [central]
        account_id = "{}"
        [[alert]]
        name = "iam-changes"
        subscriptions = [{{ protocol = "email", endpoint = "s@example.com" }}]
        [trail]
        required = false
        [reconcile]
        mode = "enforce"
        resync_interval = "2s"
        settle_time = "50ms"
        iam_writes_per_second = "off"
        [http]
        bind = "127.0.0.1:0"
        [history]
        path = "{history}"
        "#,
        aws.management, aws.central,
    );
    Config { text, bind: String::new() }.with(lines).text
}
