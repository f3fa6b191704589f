//! `docs/getting-started.md`, followed word for word in a simulated organization.
//!
//! The command blocks are run by one shell, in their order. Building is not repeated. The `aws` that they call is a
//! stand-in (`tests/deploy/aws.py`) which holds every template and parameter that it is given against the template
//! itself, and asks the simulator what the real one would be asked; the roles of the templates are there already.

#[path = "../safety/stage/kit.rs"]
mod kit;

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use jiff::SignedDuration;
use orgwatch_sim::service::{sns, sts};
use orgwatch_sim::{Simulator, clock::Clock, seed};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::emulator::PYTHON;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const PEOPLE: &str = "security@example.com";

#[test]
fn following_the_guide_ends_with_every_account_covered() {
    let organization = Organization::start();
    let guide =
        std::fs::read_to_string(Path::new(ROOT).join("docs/getting-started.md")).expect("it is there");
    let blocks = blocks(&guide);
    assert!(blocks.len() >= 8, "the guide has lost its commands: {blocks:#?}");
    let here = tempfile::tempdir().expect("a folder can be made");
    std::fs::create_dir(here.path().join("config")).expect("an empty folder");
    std::os::unix::fs::symlink(Path::new(ROOT).join("deploy"), here.path().join("deploy"))
        .expect("an empty folder");
    let programs = here.path().join("bin");
    std::fs::create_dir(&programs).expect("an empty folder");
    let aws = format!("#!/bin/sh\nexec '{}' '{ROOT}/tests/deploy/aws.py' \"$@\"\n", *PYTHON);
    write_program(&programs.join("aws"), &aws);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_orgwatch"), programs.join("orgwatch")).expect("it is new");

    // What is said in between: who the central account is, and that the people click the link.
    let central = format!("CENTRAL_ACCOUNT={}\n", organization.central);
    let mut script = String::from("set -eu\n");
    for block in &blocks {
        if block.contains("cargo build") {
            script.push_str("orgwatch --version\n");
            continue;
        }
        script.push_str(&block.replace("CENTRAL_ACCOUNT=222222222222\n", &central));
        if block.contains("orgwatch apply") {
            script.push_str("echo '<<confirm>>'; read -r _\norgwatch apply --yes\n");
        }
    }
    script.push_str("orgwatch status --json > status.json\n");
    assert!(script.contains(&central), "the guide no longer says which account is the central one");

    let mut shell = Command::new("bash")
        .args(["-c", &script])
        .current_dir(here.path())
        .env_clear()
        .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display()))
        .env("HOME", here.path())
        .env("AWS_ENDPOINT_URL", &organization.endpoint)
        .env("AWS_REGION", "us-east-1")
        .envs(organization.credentials.iter().map(|(name, value)| (*name, value)))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a shell");
    let said = organization.confirms_when_asked(&mut shell);
    let ended = shell.wait_with_output().expect("it was started");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{}\n{said}\n{errors}", ended.status);

    let status = std::fs::read_to_string(here.path().join("status.json")).expect("status was asked");
    let status: Value = serde_json::from_str(&status).expect("it is JSON");
    let coverage = &status["coverage"];
    assert_eq!(coverage["total"], Value::from(organization.active), "{coverage}");
    assert_eq!(coverage["covered"], coverage["total"], "{coverage}\n{said}");
}

/// The shell commands of a page, block by block.
fn blocks(page: &str) -> Vec<String> {
    page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

fn write_program(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("the folder is ours");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("the file is ours");
}

/// A simulated organization that is served on a thread of its own; it ends when this is dropped.
pub(crate) struct Organization {
    pub(crate) simulator: Simulator,
    pub(crate) endpoint: String,
    pub(crate) central: String,
    pub(crate) management: String,
    pub(crate) id: String,
    /// All others, in order.
    pub(crate) members: Vec<String>,
    /// Those of the task role.
    pub(crate) credentials: [(&'static str, String); 3],
    active: usize,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Organization {
    fn start() -> Self {
        Self::at(Clock::real())
    }

    /// One whose AWS goes by this clock, with what `deploy/` installs in every account.
    pub(crate) fn at(clock: Clock) -> Self {
        let opted_in = vec!["af-south-1".to_owned()];
        let plan = seed::Plan { accounts: 12, ou_depth: 2, seed: 1, opted_in, ..seed::Plan::default() };
        let (mut world, seeded) = seed::build(&plan, clock);
        world.central = Some(seeded.central_account_id.clone());
        world.checks_signing_time = true;
        let (central, management) = (seeded.central_account_id.clone(), seeded.management_account_id.clone());
        let accounts: Vec<String> = world.organization.members.keys().cloned().collect();
        let kit = kit::Kit {
            partition: world.partition.name.to_owned(),
            central_account: central.clone(),
            central_region: world.partition.iam_region.to_owned(),
            organization_id: seeded.organization_id.clone(),
        };
        let members: Vec<String> = accounts.iter().filter(|id| **id != management).cloned().collect();
        kit.install(&mut world, &management, &members);
        let hour = SignedDuration::from_hours(1);
        let task = sts::issue(&mut world, &central, "orgwatch-task", "guide", Vec::new(), hour)
            .expect("the role was installed");
        let simulator = Simulator::new(world);
        let (served, active) = (simulator.clone(), accounts.len());
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a thread may have a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
                let address = listener.local_addr().expect("it listens");
                tell.send(format!("http://{address}")).expect("the test waits for it");
                let stop = async { drop(stopped.await) };
                orgwatch_sim::serve(served, listener, stop).await.expect("it serves until it is stopped");
            });
        });
        let endpoint = told.recv().expect("the simulator tells where it listens");
        let credentials = [
            ("AWS_ACCESS_KEY_ID", task.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", task.secret_access_key),
            ("AWS_SESSION_TOKEN", task.session_token),
        ];
        let (stop, thread) = (Some(stop), Some(thread));
        let (id, members) = (seeded.organization_id, seeded.member_ids);
        Self { simulator, endpoint, central, management, id, members, credentials, active, stop, thread }
    }

    /// Reads what the shell says; when it asks, the people click every link that they got.
    fn confirms_when_asked(&self, shell: &mut std::process::Child) -> String {
        use std::io::{BufRead, BufReader, Write};
        let mut stdin = shell.stdin.take().expect("it is piped");
        let stdout = shell.stdout.take().expect("it is piped");
        let mut said = String::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.expect("programs write UTF-8");
            if line == "<<confirm>>" {
                let topic = format!("arn:aws:sns:us-east-1:{}:orgwatch-iam-changes", self.central);
                assert!(
                    sns::confirm(&mut self.simulator.world(), &topic, PEOPLE),
                    "nobody was asked:\n{said}"
                );
                writeln!(stdin).expect("the shell reads");
            }
            said.push_str(&line);
            said.push('\n');
        }
        said
    }
}

impl Drop for Organization {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
