//! `orgwatch serve` while its inbox is flooded: what that costs in memory.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use orgwatch_sim::access::Asker;
use orgwatch_sim::call::{Caller, Principal, Service};
use orgwatch_sim::service::sqs;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::killed::{Aws, REGION, ROLE, start};
use crate::page::wanted;
use crate::wait::eventually;

const MESSAGES: usize = 10_000;
/// How much more memory a flood may take than was in use before it. Messages are bounded in size, and nothing keeps them.
const MOST_MIB: f64 = 16.0;
const PATIENCE: Duration = Duration::from_secs(180);

/// Resident memory of a process in MiB: now, and at its highest.
fn memory(pid: u32) -> (f64, f64) {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs, on Linux");
    let field = |name: &str| -> f64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("it is a number") / 1024.0
    };
    (field("VmRSS:"), field("VmHWM:"))
}

fn configuration(aws: &Aws, folder: &Path) -> std::path::PathBuf {
    let path = folder.join("orgwatch.toml");
    let text = format!(
        "[organization]\nmax_calls_per_second = 1000\nregions = ['{REGION}']\n\
         reader_role_arn = 'arn:aws:iam::{}:role/{ROLE}'\n\
         [member]\nrole_name = '{ROLE}'\npermissions_boundary = 'off'\n\
         [central]\naccount_id = '{}'\n\
         [[alert]]\nname = 'iam-changes'\nsubscriptions = [{{ protocol = 'email', endpoint = 's@example.com' }}]\n\
         [reconcile]\nmode = 'enforce'\nsettle_time = '50ms'\niam_writes_per_second = 'off'\n\
         [http]\nbind = '127.0.0.1:0'\n[history]\npath = '{}'\n",
        aws.management,
        aws.central,
        folder.join("history.db").display()
    );
    fs::write(&path, text).expect("our directory is writable");
    path
}

/// A message as the rules put it into the inbox, one of five kinds; those that name a target name the victim.
fn message(n: usize, victim: &str, now: &str) -> String {
    let deed = |account: &str, id: usize| {
        let text = include_str!("../corpus/guard/events-disable-rule.json");
        let mut event: Value = serde_json::from_str(text).expect("the corpus is JSON");
        event["account"] = account.into();
        event["time"] = now.into();
        event["detail"]["eventID"] = format!("forged-{id}").into();
        // Some nearly as large as an event may be.
        let padding = if id.is_multiple_of(8) { 200 * 1024 } else { 0 };
        event["detail"]["requestParameters"]["padding"] = "x".repeat(padding).into();
        event.to_string()
    };
    match n % 5 {
        0 => "not even JSON".to_owned(),
        1 => json!({ "source": "orgwatch.canary", "account": victim }).to_string(),
        2 => deed("999999999999", n),
        3 => deed(victim, 0),
        _ => deed(victim, n),
    }
}

/// How many messages lie in the inbox, whether somebody has them in hand or not; none if there is no inbox.
fn waiting(aws: &Aws) -> Option<u64> {
    let caller = Caller {
        account: aws.central.clone(),
        principal: Principal::Administrator,
        access_key: "test".to_owned(),
    };
    let Value::Object(input) = json!({
        "QueueUrl": format!("https://sqs/{}/orgwatch-inbox", aws.central), "AttributeNames": ["All"],
    }) else {
        unreachable!("it is an object")
    };
    let answer = aws.simulator.ask(&caller, Service::Sqs, REGION, "GetQueueAttributes", input).ok()?;
    let count = |name: &str| answer["Attributes"][name].as_str().and_then(|n| n.parse::<u64>().ok());
    Some(count("ApproximateNumberOfMessages")? + count("ApproximateNumberOfMessagesNotVisible")?)
}

/// Settings that cargo would hand to nobody would be a comment.
#[test]
fn the_allocator_has_the_settings_that_the_build_gives_it() {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/.cargo/config.toml"));
    let given: toml::Table = text.expect("it is there").parse().expect("it is TOML");
    let wanted = given["env"]["JEMALLOC_SYS_WITH_MALLOC_CONF"].as_str().expect("a text");
    let ended = Command::new(env!("CARGO_BIN_EXE_orgwatch"))
        .arg("--version")
        .env("_RJEM_MALLOC_CONF", "stats_print:true")
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(said.contains(&format!("config.malloc_conf: \"{wanted}\"")), "{said}");
}

#[test]
fn ten_thousand_forged_messages_large_ones_among_them_take_little_memory() {
    let aws = Aws::start(wanted("ORGWATCH_TEST_ACCOUNTS", 20));
    let folder = TempDir::new().expect("a temporary directory can be made");
    let config = configuration(&aws, folder.path());
    let mut daemon = start(&aws, &config, folder.path());
    let written = std::cell::Cell::new(0);
    eventually("everything is installed", PATIENCE, || {
        let before = written.replace(aws.writes().len());
        std::thread::sleep(Duration::from_secs(5));
        let quiet = aws.writes().len() == before && before > aws.accounts.len();
        (quiet && waiting(&aws) == Some(0)).then_some(())
    });
    let (before, _) = memory(daemon.id());
    // What the installation took at most is not asked for: Linux forgets it.
    fs::write(format!("/proc/{}/clear_refs", daemon.id()), "5").expect("it is our process");
    let asker = Asker::Service {
        service: "events.amazonaws.com".to_owned(),
        source_account: aws.central.clone(),
        source_arn: format!("arn:aws:events:{REGION}:{}:rule/orgwatch/orgwatch-wake", aws.central),
    };
    let queue = format!("arn:aws:sqs:{REGION}:{}:orgwatch-inbox", aws.central);
    let mut sent = 0;
    // In bundles, so that the simulator need not hold all of them.
    while sent < MESSAGES {
        for _ in 0..500 {
            let mut world = aws.simulator.world();
            let body = message(sent, &aws.accounts[0], &world.now().to_string());
            sqs::send(&mut world, &queue, &body, &std::collections::BTreeMap::new(), &asker)
                .expect("the rule may send");
            sent += 1;
        }
        eventually("the messages are read", PATIENCE, || {
            let status = daemon.try_wait().expect("it can be waited for");
            assert_eq!(
                status,
                None,
                "{}",
                fs::read_to_string(folder.path().join("stderr")).unwrap_or_default()
            );
            waiting(&aws).filter(|waiting| *waiting < 100)
        });
    }
    eventually("the last ones are read", PATIENCE, || waiting(&aws).filter(|waiting| *waiting == 0));
    let (after, highest) = memory(daemon.id());
    daemon.kill().expect("it runs");
    daemon.wait().expect("it has ended");
    println!(
        "{sent} forged messages: {before:.1} MiB resident before them, {highest:.1} MiB at most, {after:.1} MiB after"
    );
    assert!(highest - before < MOST_MIB, "{before:.1} MiB before, {highest:.1} MiB at most");
}
