//! The binary under test: one run of a command, or a daemon.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{config::Config, emulator::Seed, wait::eventually};

/// What a command may take before the test gives up on it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The binary with a configuration, an environment and a directory of its own.
pub(crate) struct Orgwatch {
    binary: PathBuf,
    home: TempDir,
    bind: String,
    environment: Vec<(String, String)>,
}

impl Orgwatch {
    /// Talks to `endpoint` with the central account's credentials and nothing else in its environment.
    pub(crate) fn new(endpoint: &str, seed: &Seed, config: &Config) -> Self {
        let orgwatch = Self {
            binary: env!("CARGO_BIN_EXE_orgwatch").into(),
            home: TempDir::new().expect("a temporary directory can be made"),
            bind: config.bind.clone(),
            environment: Vec::new(),
        };
        orgwatch.configure(config);
        let credentials = &seed.central_credentials;
        orgwatch
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", &credentials.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key)
            .env("AWS_SESSION_TOKEN", &credentials.session_token)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
    }

    /// With another program in its place.
    pub(crate) fn binary(mut self, path: &Path) -> Self {
        self.binary = path.to_owned();
        self
    }

    /// With a variable more, or another value of one.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes another configuration file; a running daemon keeps its port.
    pub(crate) fn configure(&self, config: &Config) {
        fs::write(self.home.path().join("orgwatch.toml"), &config.text).expect("our directory is writable");
    }

    /// Its directory, the `HOME` of the process.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Starts a command and does not wait for it.
    pub(crate) fn start(&self, arguments: &[&str]) -> Process {
        let output = TempDir::new_in(&self.home).expect("a temporary directory can be made");
        let file = |name| File::create(output.path().join(name)).expect("our directory is writable");
        let child = Command::new(&self.binary)
            .arg("--config")
            .arg(self.home.path().join("orgwatch.toml"))
            .args(arguments)
            .env_clear()
            .env("HOME", self.home.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.home)
            .stdin(Stdio::null())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", self.binary.display()));
        Process { child, output }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Finished {
        self.start(arguments).finish(&format!("orgwatch {}", arguments.join(" ")))
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) fn serve(&self) -> Daemon {
        let process = self.start(&["serve"]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime can be made");
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.expect("a plain client can be built");
        let mut daemon = Daemon { process, url: format!("http://{}", self.bind), runtime, client };
        eventually("orgwatch serve is ready", PATIENCE, || {
            if let Some(status) = daemon.process.ended() {
                panic!("orgwatch serve ended before it was ready: {status}\n{}", daemon.log());
            }
            daemon.ask(Method::GET, "/readyz").ok().filter(|answer| answer.status == 200)
        });
        daemon
    }
}

/// A started command, killed when dropped; what it prints goes to files.
pub(crate) struct Process {
    child: Child,
    output: TempDir,
}

impl Process {
    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("our child can be asked")
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.output.path().join(name)).expect("orgwatch prints UTF-8")
    }

    /// What it has printed so far, log and all.
    pub(crate) fn log(&self) -> String {
        self.read("stderr") + &self.read("stdout")
    }

    /// Kills it without a warning, as a power cut would.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }

    /// Waits until it ends by itself.
    pub(crate) fn finish(mut self, what: &str) -> Finished {
        let status = eventually(what, PATIENCE, || self.ended());
        let code = status.code().unwrap_or_else(|| panic!("{what}: {status}\n{}", self.read("stderr")));
        Finished { code, stdout: self.read("stdout"), stderr: self.read("stderr") }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

/// How a command ended.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// Itself if it ended with this exit code; otherwise the test fails and shows what it printed.
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n{}\n{}", self.stdout, self.stderr);
        self
    }

    /// What `--json` printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}):\n{}\n{}", self.stdout, self.stderr))
    }
}

/// A running `orgwatch serve`, killed when dropped.
pub(crate) struct Daemon {
    process: Process,
    url: String,
    runtime: Runtime,
    client: reqwest::Client,
}

/// An answer of the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}

impl Daemon {
    /// Where it listens, e.g. `http://127.0.0.1:40001`.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn ask(&self, method: Method, path: &str) -> reqwest::Result<Answer> {
        self.runtime.block_on(async {
            let answer = self.client.request(method, format!("{}{path}", self.url)).send().await?;
            Ok(Answer { status: answer.status().as_u16(), body: answer.text().await? })
        })
    }

    fn must(&self, method: Method, path: &str) -> Answer {
        self.ask(method, path).unwrap_or_else(|error| panic!("{path}: {error:?}\n{}", self.log()))
    }

    /// GET.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.must(Method::GET, path)
    }

    /// POST without a body.
    pub(crate) fn post(&self, path: &str) -> Answer {
        self.must(Method::POST, path)
    }

    /// `GET /api/v1/status`.
    pub(crate) fn status(&self) -> Value {
        self.get("/api/v1/status").json()
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Kills it without a warning, as a power cut would.
    pub(crate) fn kill(self) {
        self.process.kill();
    }

    /// Sends a signal by its short name, e.g. `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{name}")).arg(self.process.child.id().to_string());
        let status = kill.status().expect("there is a `kill`");
        assert!(status.success(), "kill -{name}: {status}");
    }

    /// Asks it to end by SIGTERM; answers how long that took. It must end with exit code 0.
    pub(crate) fn stop(self) -> Duration {
        self.end_by("TERM")
    }

    /// The same by another signal.
    pub(crate) fn end_by(self, signal: &str) -> Duration {
        let start = Instant::now();
        self.signal(signal);
        self.process.finish(&format!("orgwatch serve ends on SIG{signal}")).expect_code(0);
        start.elapsed()
    }
}
