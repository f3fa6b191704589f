//! The page in a real browser: it shows what the API says, and nothing that it brings is refused by its own policy.

use std::process::Command;

use crate::config::Config;
use crate::emulator::Emulator;
use crate::orgwatch::Orgwatch;
use crate::wait::eventually;

/// A browser of this machine. Continuous integration installs one; elsewhere its absence is told, not hidden.
fn browser() -> Option<&'static str> {
    let there = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    let found = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| there(name));
    assert!(
        found.is_some() || std::env::var_os("CI").is_none(),
        "no chromium on this machine; install it for this test"
    );
    found
}

#[test]
fn the_page_loads_in_a_browser_and_shows_who_is_covered() {
    let Some(browser) = browser() else {
        println!("not run: there is no chromium here");
        return;
    };
    let emulator = Emulator::start();
    let seed = emulator.seed(6);
    let config =
        Config::new(&seed).with("reconcile.mode = 'enforce'\norganization.max_calls_per_second = 1000");
    let orgwatch = Orgwatch::new(emulator.endpoint(), &seed, &config);
    let daemon = orgwatch.serve();
    let covered = seed.covered().count();
    eventually("all accounts are covered", std::time::Duration::from_secs(60), || {
        let status = daemon.get("/api/v1/status").json();
        (status["coverage"]["covered"] == covered).then_some(())
    });
    let profile = tempfile::tempdir().unwrap();
    let page = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
        ])
        .args(["--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(daemon.url())
        .output()
        .unwrap();
    let (dom, told) = (String::from_utf8_lossy(&page.stdout), String::from_utf8_lossy(&page.stderr));
    assert!(dom.contains("accounts are covered"), "{dom}\n{told}");
    assert!(dom.contains(&format!(">{covered}<")), "{dom}");
    assert!(!told.contains("CONSOLE"), "the page makes the browser complain: {told}");
    daemon.stop();
}
