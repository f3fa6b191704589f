//! `orgwatch serve` whose history lies on a disk that fills up: it goes on repairing, says so, and recovers.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use orgwatch_sim::call::Service;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::staged::Staged;

const RULE: &str = "orgwatch-iam-changes";

/// A disk of a few megabytes of its own, gone with the test.
struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts it; who may not mount is told so.
    fn mount() -> Result<Self, String> {
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(folder.path())
            .output()
            .map_err(|error| format!("there is no `mount`: {error}"))?;
        if mounted.status.success() {
            Ok(Self { folder })
        } else {
            Err(String::from_utf8_lossy(&mounted.stderr).trim().to_owned())
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let mut file = File::create(self.filler()).expect("a file can be made");
        // Ever smaller pieces, as the last ones do not fit whole.
        for size in [64 * 1024, 4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.filler()).expect("it is ours");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: the daemon may have its file open until it is dropped.
        let _gone = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Somebody disables a rule; waits until it is enabled again.
fn repairs(daemon: &Staged, account: &str) {
    let rule = json!({ "Name": RULE, "EventBusName": "default" });
    daemon.aws(account, Service::Events, "DisableRule", rule.clone());
    daemon.until("the rule is repaired", |daemon| {
        (daemon.aws(account, Service::Events, "DescribeRule", rule.clone())["State"] == "ENABLED")
            .then_some(())
    });
}

fn history(daemon: &Staged) -> Value {
    daemon.get("/api/v1/status")["history"].clone()
}

fn writes(daemon: &Staged, account: &str) -> u64 {
    daemon.get(&format!("/api/v1/changes?account={account}"))["total"].as_u64().expect("it is a number")
}

#[test]
fn a_disk_that_fills_up_keeps_nothing_from_being_repaired_and_is_used_again_when_there_is_room() {
    let disk = match Disk::mount() {
        Ok(disk) => disk,
        Err(why) => {
            println!("NOT RUN: this test mounts a small disk, which needs root: {why}");
            return;
        }
    };
    let path = disk.path().join("history.db");
    let daemon = Staged::start(4, &format!("history.path = '{}'\n", path.display()));
    daemon.until_covered(4);
    assert_eq!(history(&daemon)["state"], "kept");
    let account = daemon.aws.accounts[0].clone();
    let before = writes(&daemon, &account);

    disk.fill();
    repairs(&daemon, &account);
    let degraded = daemon.until("it says that the disk is full", |daemon| {
        let history = history(daemon);
        (history["state"] == "degraded").then_some(history)
    });
    assert!(degraded["message"].as_str().is_some_and(|message| message.contains("full")), "{degraded}");
    assert!(degraded["since"].is_string() && degraded["path"] == path.display().to_string(), "{degraded}");
    let log = daemon.log();
    assert!(log.lines().any(|line| line.contains("ERROR") && line.contains("full")), "{log}");
    // It goes on for as long as the disk is full, and what it does meanwhile is known.
    repairs(&daemon, &account);
    assert!(daemon.get("/api/v1/status")["coverage"]["covered"].as_u64() >= Some(2));

    disk.empty();
    daemon.until("the file is used again", |daemon| (history(daemon)["state"] == "kept").then_some(()));
    repairs(&daemon, &account);
    daemon.until("what happened is in the file", |daemon| (writes(daemon, &account) > before).then_some(()));
    daemon.until_covered(4);
    drop(daemon);
    let kept = orgwatch::history::History::read_file(&path, &orgwatch::history::Filter::default(), 10_000);
    let kept = kept.expect("the file opens").expect("it is there");
    let repaired = kept.records.iter().filter(|record| record.account.as_deref() == Some(&*account)).count();
    assert!(repaired as u64 > before, "{repaired} records of the account, {before} before");
}
