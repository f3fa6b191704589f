//! The page and the interface as their users meet them: in a real browser, by the contract, and in a storm of nonsense.
//!
//! `tests/page/run.py` looks; here are the organization and the program that it looks at. `.ci/deep page` asks for more
//! of the same through the variables below.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use jiff::SignedDuration;
use orgwatch_sim::seed::{self, Plan};
use orgwatch_sim::service::sts;
use orgwatch_sim::{Simulator, clock::Clock, serve};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ROLE: &str = "OrganizationAccountAccessRole";
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");

/// The Python that has the browser's driver and schemathesis; made on first use.
static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's directory has a parent");
    let output = Command::new("python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/emulator/install.py"))
        .arg("--directory")
        .arg(target.join("page-tests"))
        .arg("--requirements")
        .arg(format!("{SCRIPTS}/requirements.txt"))
        .output()
        .expect("these tests need Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a path is UTF-8").trim().to_owned()
});

/// A number that the long run sets.
#[expect(clippy::disallowed_methods, reason = "the long run sets it")]
pub(crate) fn wanted(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// Serves an organization of so many accounts for as long as the script runs, which must succeed; answers what it said.
fn run(accounts: usize, arguments: &[String]) -> String {
    let plan = Plan { accounts, ou_depth: 3, seed: 7, ..Plan::default() };
    let (mut world, seeded) = seed::build(&plan, Clock::real());
    let central = seeded.central_account_id.clone();
    world.central = Some(central.clone());
    world.journal.set_limit(1000);
    let members: Vec<String> = world.organization.members.keys().cloned().collect();
    for account in members.iter().chain([&central, &seeded.management_account_id]) {
        seed::simple_member_role(&mut world, account, ROLE, &central);
    }
    let lasts = SignedDuration::from_hours(24);
    let given = sts::issue(&mut world, &central, ROLE, "test", Vec::new(), lasts).expect("the role is there");
    let simulator = Simulator::new(world);
    let stop = CancellationToken::new();
    let ends = stop.clone().drop_guard();
    let (told, url) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime can be made").block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port is free");
            let address = listener.local_addr().expect("it is bound");
            told.send(format!("http://{address}")).expect("the test waits for it");
            serve(simulator, listener, stop.cancelled()).await.expect("it serves to its end");
        });
    });
    let url = url.recv_timeout(Duration::from_secs(60)).expect("the simulator listens");
    let setting = json!({
        "orgwatch": env!("CARGO_BIN_EXE_orgwatch"),
        "role": ROLE,
        "central": central,
        "management": seeded.management_account_id,
        "accounts": seeded.member_ids,
        "environment": {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": given.access_key_id,
            "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
            "AWS_SESSION_TOKEN": given.session_token,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
    });
    let mut script = Command::new(&*PYTHON)
        .arg(format!("{SCRIPTS}/run.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it was there a moment ago");
    let mut input = script.stdin.take().expect("it is piped");
    input.write_all(setting.to_string().as_bytes()).expect("it reads its input");
    drop(input);
    let output = script.wait_with_output().expect("it ends");
    drop(ends);
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{}\n{said}", output.status);
    said
}

/// Whether there is a browser. Continuous integration installs one; elsewhere its absence is told, not hidden.
fn is_there_a_browser() -> bool {
    let there = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    let found = ["chromium", "chromium-browser", "google-chrome"].iter().any(there);
    assert!(
        found || std::env::var_os("CI").is_none(),
        "no chromium on this machine; install it for this test"
    );
    found
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

#[test]
fn a_person_finds_in_a_browser_who_is_covered_follows_what_happens_and_acts() {
    if !is_there_a_browser() {
        println!("not run: there is no chromium here");
        return;
    }
    let mut arguments = words("browser");
    #[expect(clippy::disallowed_methods, reason = "the pictures of the documents are renewed by hand")]
    if let Ok(shots) = std::env::var("ORGWATCH_TEST_SHOTS") {
        arguments.extend(["--shots".to_owned(), shots]);
    }
    let said = run(24, &arguments);
    println!("{said}");
    assert!(said.contains("all to 127.0.0.1"), "{said}");
}

#[test]
fn the_interface_does_as_its_document_says_with_a_token_and_without() {
    let cases = wanted("ORGWATCH_TEST_CASES", 100);
    let said = run(8, &words(&format!("contract --cases {cases}")));
    println!("{said}");
    for how in ["with a token", "without a token"] {
        assert!(said.contains(&format!(" cases {how}: no failure")), "{said}");
    }
}

#[test]
fn nonsense_and_slow_clients_harm_nobody_else() {
    let (requests, clients) = (wanted("ORGWATCH_TEST_MALFORMED", 400), wanted("ORGWATCH_TEST_SLOW", 60));
    let accounts = wanted("ORGWATCH_TEST_ACCOUNTS", 8);
    let said = run(accounts, &words(&format!("storm --requests {requests} --clients {clients}")));
    println!("{said}");
    assert!(said.contains("slow clients"), "{said}");
}

/// Minutes in a build that is not optimised.
#[test]
#[ignore = "an organization of 10,000 accounts takes minutes; `.ci/deep page` runs it"]
fn the_first_look_at_ten_thousand_accounts_is_small_and_filters_answer_at_once() {
    let said = run(wanted("ORGWATCH_TEST_ACCOUNTS", 10_000), &words("scale"));
    println!("{said}");
    assert!(said.contains("compressed"), "{said}");
}
