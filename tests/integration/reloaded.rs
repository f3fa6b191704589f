//! `orgwatch serve` whose configuration is edited while it runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::staged::Staged;

/// An alert of this name, beside the usual one.
fn with_alerts(names: &[&str]) -> String {
    let subscription = "subscriptions = [{ protocol = 'email', endpoint = 's@example.com' }]";
    let alert = |name: &&str| format!("[[alert]]\nname = '{name}'\n{subscription}\n");
    ["iam-changes"].iter().chain(names).map(alert).collect()
}

fn paths(answer: &Value) -> Vec<&str> {
    let changes = answer["changes"].as_array().expect("it is a list");
    changes.iter().map(|change| change["path"].as_str().expect("it has one")).collect()
}

/// Who did what, newest first.
fn deeds(daemon: &Staged) -> Vec<(String, String)> {
    let told = daemon.get("/api/v1/changes?what=operation");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let items = told["items"].as_array().expect("it is a list");
    items.iter().map(|item| (text(&item["by"]), text(&item["operation"]))).collect()
}

#[test]
fn what_is_added_comes_into_being_and_who_asked_is_in_the_history() {
    let daemon = Staged::start(6, "");
    let before = daemon.until_covered(6);
    assert!(!daemon.alert_rules().contains(&"orgwatch-second".to_owned()));

    daemon.configure(&with_alerts(&["second"]));
    let (status, answer) = daemon.post("/api/v1/reload");
    assert_eq!(status, 200, "{answer}");
    let keys = ["endpoint", "protocol"].map(|key| format!("alert[second].subscriptions[0].{key}"));
    assert_eq!(paths(&answer), ["alert[second].name", &keys[0], &keys[1]]);
    assert_eq!(answer["generation"], before["generation"].as_u64().expect("a number") + 1);
    let has =
        |daemon: &Staged, name: &str| daemon.alert_rules().iter().any(|rule| rule == name).then_some(());
    daemon.until("the second alert has its rule", |daemon| has(daemon, "orgwatch-second"));
    assert_eq!(daemon.get("/api/v1/alerts")["items"].as_array().map(Vec::len), Some(2));

    daemon.configure(&with_alerts(&["second", "third"]));
    daemon.signal("HUP");
    daemon.until("the third alert has its rule", |daemon| has(daemon, "orgwatch-third"));
    daemon.until("the reload is told", |daemon| {
        (deeds(daemon)
            == [("SIGHUP".to_owned(), "reload".to_owned()), ("loopback".to_owned(), "reload".to_owned())])
        .then_some(())
    });
    daemon.until_covered(6);
    assert!(daemon.alert_rules().iter().any(|rule| rule == "orgwatch-iam-changes"), "and nothing was lost");

    // Nothing differs from now on, and nothing is done for it.
    let (_, again) = daemon.post("/api/v1/reload");
    daemon.until("the status is of this generation", |daemon| {
        (daemon.get("/api/v1/status")["generation"] == again["generation"]).then_some(())
    });
    assert_eq!(
        (&again["changes"], &again["generation"]),
        (&json!([]), &daemon.get("/api/v1/status")["generation"])
    );
}

#[test]
fn a_file_that_is_wrong_changes_nothing_and_every_problem_is_told() {
    let daemon = Staged::start(4, "");
    daemon.until_covered(4);
    let status = daemon.get("/api/v1/status");
    daemon.configure("[reconcile]\nmode = 'planted-secret-mode'\n[http]\nport = 80\n");
    let (code, problem) = daemon.post("/api/v1/reload");
    let codes = |problems: &Value| -> Vec<String> {
        let all = problems.as_array().expect("it is a list").iter();
        all.map(|problem| {
            format!(
                "{} {}",
                problem["code"].as_str().unwrap_or_default(),
                problem["path"].as_str().unwrap_or_default()
            )
        })
        .collect()
    };
    assert_eq!(
        (code, codes(&problem["problems"])),
        (422, vec!["E-bad-value reconcile.mode".to_owned(), "E-unknown-key http.port".to_owned(),])
    );
    let shown = daemon.get("/api/v1/config");
    assert_eq!(codes(&shown["refused"]["problems"]).len(), 2);
    let mode =
        shown["items"].as_array().and_then(|all| all.iter().find(|one| one["path"] == "reconcile.mode"));
    assert_eq!(mode.expect("it is shown")["value"], "enforce");
    assert!(daemon.log().contains("The configuration is not taken over"), "{}", daemon.log());
    assert_eq!(daemon.get("/api/v1/status")["generation"], status["generation"]);
    let metric = |daemon: &Staged| daemon.ask(reqwest::Method::GET, "/metrics").1;
    assert!(metric(&daemon).contains("orgwatch_config_last_reload_successful 0"), "{}", metric(&daemon));

    let refused = daemon.run(&["reload"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("E-unknown-key  http.port") && said.contains("stays in force"), "{said}");

    // A hangup with a file that is no TOML does not end the daemon.
    daemon.write("[[[");
    daemon.signal("HUP");
    daemon.until("the hangup was refused", |daemon| {
        (daemon.get("/api/v1/config")["refused"]["by"] == "SIGHUP").then_some(())
    });
    daemon.configure("");
    assert_eq!(daemon.post("/api/v1/reload").0, 200);
    assert!(daemon.get("/api/v1/config")["refused"].is_null());
    assert!(metric(&daemon).contains("orgwatch_config_last_reload_successful 1"), "{}", metric(&daemon));
    assert_eq!(deeds(&daemon).iter().filter(|(_, deed)| deed == "reload-refused").count(), 3);
}

#[test]
fn a_key_that_needs_a_restart_is_named_and_nothing_else_is_taken_over_with_it() {
    let daemon = Staged::start(2, "");
    daemon.until_covered(2);
    daemon.configure(&format!("[http]\nbind = '127.0.0.1:1'\n{}", with_alerts(&["second"])));
    let refused = daemon.run(&["reload"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(78), "{said}");
    assert!(said.contains("E-needs-restart  http.bind") && said.contains("127.0.0.1:1"), "{said}");
    assert_eq!(daemon.get("/api/v1/alerts")["items"].as_array().map(Vec::len), Some(1));

    daemon.configure("reconcile.resync_interval = '1h'");
    let taken = daemon.run(&["reload"]);
    let said = String::from_utf8_lossy(&taken.stdout).into_owned();
    assert_eq!(taken.status.code(), Some(0), "{said}{}", String::from_utf8_lossy(&taken.stderr));
    let row = said
        .lines()
        .find(|line| line.contains("reconcile.resync_interval"))
        .unwrap_or_else(|| panic!("{said}"));
    assert!(row.contains("2s") && row.contains("1h") && row.contains("file"), "{said}");
}

#[test]
fn an_account_that_is_excluded_gets_no_further_call_and_one_that_comes_back_is_covered() {
    let daemon = Staged::start(4, "");
    daemon.until_covered(4);
    let out = daemon.aws.accounts[0].clone();
    let calls = |daemon: &Staged| {
        let world = daemon.aws.simulator.world();
        world.journal.since(0).filter(|entry| entry.call.caller.account == out).count()
    };
    let exclude = format!("organization.exclude_accounts = ['{out}']");
    daemon.configure(&exclude);
    assert_eq!(daemon.post("/api/v1/reload").0, 200);
    daemon.until("it is excluded", |daemon| {
        (daemon.get(&format!("/api/v1/accounts/{out}"))["verdict"] == "excluded").then_some(())
    });
    daemon.until_covered(3);
    // A pass that had begun may have ended since; another whole walk tells that none begins.
    let walk = |daemon: &Staged| daemon.get("/api/v1/status")["last_resync"]["started_at"].clone();
    let began = walk(&daemon);
    daemon.until("everybody else was looked at again", |daemon| (walk(daemon) != began).then_some(()));
    let before = calls(&daemon);
    let began = walk(&daemon);
    daemon.until("and once more", |daemon| (walk(daemon) != began).then_some(()));
    assert_eq!(calls(&daemon), before);
    daemon.configure("");
    assert_eq!(daemon.post("/api/v1/reload").0, 200);
    daemon.until_covered(4);
}

#[test]
fn two_reloads_at_once_come_one_after_the_other() {
    let daemon = Staged::start(2, "");
    daemon.until_covered(2);
    daemon.configure(&with_alerts(&["second"]));
    let url = daemon.url().to_owned();
    let told: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let asked: Vec<_> = (0..8).map(|_| scope.spawn(|| reload(&url))).collect();
        asked.into_iter().map(|asked| asked.join().expect("it answers")).collect()
    });
    assert!(told.iter().all(|(status, _)| *status == 200), "{told:?}");
    let changed = told.iter().filter(|(_, answer)| answer["changes"] != json!([])).count();
    assert_eq!(changed, 1, "one of them found what was new: {told:?}");
    let generations: std::collections::BTreeSet<u64> =
        told.iter().filter_map(|(_, answer)| answer["generation"].as_u64()).collect();
    assert_eq!(generations.len(), 1, "{told:?}");
}

fn reload(url: &str) -> (u16, Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime can be made").block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
        let sent = client.expect("a plain client").post(format!("{url}/api/v1/reload")).send().await;
        let answer = sent.expect("it answers");
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.expect("text")).expect("JSON"))
    })
}
