//! `orgwatch demo`: it covers, breaks, repairs and tells, and never leaves this machine.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{sdk::block_on, wait::eventually};

/// What may pass before the test gives up; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running demo, killed when dropped.
struct Demo {
    child: Child,
    folder: TempDir,
}

impl Demo {
    /// Starts one of a few accounts, in which things happen quickly.
    fn start(environment: &[(&str, String)]) -> Self {
        let folder = TempDir::new().expect("a temporary directory can be made");
        let file = |name| File::create(folder.path().join(name)).expect("our directory is writable");
        let child = command()
            .env("HOME", folder.path())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("the binary is there");
        Self { child, folder }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).expect("it prints UTF-8")
    }

    /// What it has printed, for those who look for the reason of a failure.
    fn printed(&self) -> String {
        self.read("stdout") + &self.read("stderr")
    }

    /// Where its page is, as its first lines say.
    fn url(&self) -> String {
        eventually("it says where its page is", PATIENCE, || {
            let told = self.read("stdout");
            let line = told.lines().find_map(|line| line.trim().strip_prefix("page ")).map(str::trim)?;
            Some(line.trim_end_matches('/').to_owned())
        })
    }

    /// The status, once it is so.
    fn until(&mut self, what: &str, url: &str, so: impl Fn(&Value) -> bool) -> Value {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a plain client");
        eventually(what, PATIENCE, || {
            if let Some(status) = self.child.try_wait().expect("our child can be asked") {
                panic!("it ended: {status}\n{}", self.printed());
            }
            let status: Option<Value> = block_on(async {
                let answer = client.get(format!("{url}/api/v1/status")).send().await.ok()?;
                answer.json().await.ok()
            });
            status.filter(|status| so(status))
        })
    }

    /// Sends a signal and waits for the end.
    fn end_by(&mut self, signal: &str) -> ExitStatus {
        let mut kill = Command::new("kill");
        kill.arg(format!("-{signal}")).arg(self.child.id().to_string());
        assert!(kill.status().expect("there is a `kill`").success());
        self.ended()
    }

    fn ended(&mut self) -> ExitStatus {
        eventually("it ends", PATIENCE, || self.child.try_wait().expect("our child can be asked"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Either may fail only because it has ended already.
        let _ended = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orgwatch"));
    command
        .args(["demo", "--accounts", "8", "--seed", "1", "--pace", "1s", "--bind", "127.0.0.1:0"])
        .env_clear()
        .stdin(Stdio::null());
    command
}

fn is_covered(status: &Value) -> bool {
    let (accounts, coverage) = (&status["accounts"], &status["coverage"]);
    coverage["covered"] == 8 && coverage["total"] == 8 && accounts["in_sync"] == 8
}

#[test]
fn the_demo_covers_its_organization_repairs_what_others_break_and_ends_at_ctrl_c() {
    let mut demo = Demo::start(&[]);
    let url = demo.url();
    let status = demo.until("all are covered", &url, is_covered);
    assert_eq!((&status["mode"], &status["holds"]), (&json!("enforce"), &json!(0)));
    demo.until("something drifts", &url, |status| status["accounts"]["drifted"] != 0);
    demo.until("and is repaired", &url, |status| {
        status["accounts"]["total"] == status["accounts"]["in_sync"]
    });
    eventually("it tells so", PATIENCE, || {
        demo.read("stdout").contains(" is in sync and covered again").then_some(())
    });
    eventually("somebody joins", PATIENCE, || {
        demo.read("stdout").contains(" after it joined: ").then_some(())
    });
    assert_eq!(demo.end_by("INT").code(), Some(0), "{}", demo.printed());
    let told = demo.read("stdout");
    for expected in [
        "disables the rule orgwatch-iam-changes in",
        "the sender rule orgwatch-iam-changes changed (state); puts it right: PutRule",
        "security team  opens the mail",
        "to security@example.com: CreateUser by",
        "creates the account Apollo",
        "Ended: ",
    ] {
        assert!(told.contains(expected), "{expected:?} is missing in:\n{told}");
    }
    assert!(!told.contains('\u{1b}'), "no colour where no terminal is");
    assert_eq!(demo.read("stderr"), "");
}

#[test]
fn nothing_of_the_environment_leads_the_demo_to_aws() {
    // Whoever is led anywhere by the variables below arrives here.
    let trap = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let address = format!("http://{}", trap.local_addr().expect("it is bound"));
    let caught = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&caught);
    std::thread::spawn(move || {
        for _ in trap.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    let folder = TempDir::new().expect("a temporary directory can be made");
    let marker = folder.path().join("asked");
    let profile = folder.path().join("config");
    let process =
        format!("[profile real]\nregion = eu-west-1\ncredential_process = touch {}\n", marker.display());
    fs::write(&profile, process).expect("our directory is writable");
    let mut environment = vec![
        ("AWS_PROFILE", "real".to_owned()),
        ("AWS_CONFIG_FILE", profile.display().to_string()),
        ("AWS_ACCESS_KEY_ID", "AKIAREALREALREALREAL".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "real".to_owned()),
        ("AWS_SESSION_TOKEN", "real".to_owned()),
        ("AWS_REGION", "eu-west-1".to_owned()),
        ("AWS_CA_BUNDLE", "/nowhere".to_owned()),
        ("AWS_USE_FIPS_ENDPOINT", "true".to_owned()),
        ("AWS_USE_DUALSTACK_ENDPOINT", "true".to_owned()),
        ("ORGWATCH_CONFIG", "/nowhere".to_owned()),
        ("ORGWATCH__CENTRAL__ACCOUNT_ID", "222222222222".to_owned()),
        ("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
    ];
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_STS",
        "AWS_ENDPOINT_URL_IAM",
        "AWS_ENDPOINT_URL_ORGANIZATIONS",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
    ] {
        environment.push((name, address.clone()));
    }
    let mut demo = Demo::start(&environment);
    let url = demo.url();
    demo.until("all are covered", &url, is_covered);
    assert_eq!(demo.end_by("TERM").code(), Some(0), "{}", demo.printed());
    assert_eq!(caught.load(Ordering::SeqCst), 0, "somebody followed a variable");
    assert!(!marker.exists(), "somebody asked the profile for credentials");
}

#[test]
fn a_reader_who_goes_away_ends_the_demo() {
    let mut child =
        command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the binary is there");
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().expect("it is piped"));
    reader.read_line(&mut first).expect("it prints UTF-8");
    assert!(first.contains("simulated AWS organization of 8 accounts"), "{first}");
    drop(reader);
    let mut demo = Demo { child, folder: TempDir::new().expect("a temporary directory can be made") };
    assert_eq!(demo.ended().code(), Some(0));
}
