//! `serve`: it installs, notices who joins, repairs, answers, and ends when told to.

use std::time::Instant;

use serde_json::{Value, json};

use super::scene::{SOON, Scene, account, until_covered};
use crate::{
    orgwatch::Daemon,
    sdk::{self, block_on},
    wait::eventually,
};

/// Posts, and waits until what was asked for is done.
fn reconcile(daemon: &Daemon, path: &str) -> Value {
    let asked = daemon.post(path);
    assert_eq!(asked.status, 202, "{asked:?}");
    let id = asked.json()["id"].as_str().expect("it has an id").to_owned();
    daemon.get(&format!("/api/v1/reconciles/{id}?wait=60s")).json()
}

/// The accounts of what `/drift` or `/plan` lists.
fn accounts_in(daemon: &Daemon, path: &str) -> Vec<String> {
    let items = daemon.get(path).json();
    let items = items["items"].as_array().expect("it is a list").iter();
    items.map(|item| item["account"].as_str().expect("it names one").to_owned()).collect()
}

#[test]
fn a_daemon_covers_the_organization_and_whoever_joins_it() {
    let scene = Scene::new(8);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    let status = until_covered(&daemon, 6);
    assert_eq!(status["organization_id"], scene.seed.organization_id.as_str());
    assert_eq!(
        (&status["accounts"]["excluded"], &status["accounts"]["inactive"], &status["mode"]),
        (&json!(1), &json!(1), &json!("enforce"))
    );

    let joined = Instant::now();
    let newcomer = scene.emulator.add_account("newcomer");
    until_covered(&daemon, 7);
    println!("covered {:?} after it joined, with a poll interval of 2s", joined.elapsed());
    assert_eq!(account(&daemon, &newcomer.id)["coverage"], "configured");
    let read = scene.emulator.read_back(&scene.seed, [&newcomer]);
    let rule = &read["accounts"][&newcomer.id]["rules"]["orgwatch-iam-changes"];
    assert_eq!((&rule["state"], rule["targets"].as_array().map(Vec::len)), (&json!("ENABLED"), Some(1)));

    for outsider in [&scene.seed.excluded_account_id, &scene.seed.closed_account_id] {
        assert_eq!(scene.proxy.for_account(outsider).len(), 0, "{outsider} gets no call at all");
    }
    println!("SIGTERM to exit: {:?}", daemon.stop());
}

#[test]
fn every_view_answers_for_the_same_organization() {
    let scene = Scene::installed(8);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 6);
    let accounts = daemon.get("/api/v1/accounts").json();
    assert_eq!(accounts["total"], 8);
    let coverage = daemon.get("/api/v1/coverage").json();
    assert_eq!((&coverage["covered"], &coverage["uncovered"]), (&json!(6), &json!(1)));
    assert_eq!(coverage["not_covered"][0]["id"], scene.seed.excluded_account_id.as_str());
    assert_eq!(coverage["not_covered"][0]["reason"], "Excluded");
    assert_eq!(daemon.get("/api/v1/central").json()["verdict"], "in_sync");
    for list in ["drift", "plan", "holds"] {
        assert_eq!(daemon.get(&format!("/api/v1/{list}")).json()["items"], json!([]), "{list}");
    }
    let metrics = daemon.get("/metrics").body;
    assert!(metrics.lines().any(|line| line.starts_with("orgwatch_") && line.ends_with(" 6")), "{metrics}");
    let page = daemon.get("/accounts").body;
    for one in &scene.seed.accounts {
        assert_eq!(account(&daemon, &one.id)["name"], one.name.as_str());
        assert_eq!(daemon.get(&format!("/accounts/{}", one.id)).status, 200);
        assert!(page.contains(&one.id), "the page shows {}", one.name);
    }
    assert_eq!(daemon.get("/api/v1/accounts/000000000001").status, 404);
    // The command line asks a daemon for the same, and says what to do when there is none.
    let asked = orgwatch.run(&["status", "--json", "--url", daemon.url()]).expect_code(0).json();
    assert_eq!(asked["coverage"], daemon.status()["coverage"]);
    let shown = orgwatch.run(&["status", "--url", daemon.url()]).expect_code(0);
    assert!(shown.stdout.contains("6 of 7 accounts covered"), "{}", shown.stdout);
    let member = scene.member(0);
    for daemon in [&["--url", daemon.url()][..], &[]] {
        let run = |arguments: &[&str]| orgwatch.run(&[arguments, daemon].concat()).expect_code(0);
        assert_eq!(run(&["accounts", "--json"]).json()["total"], 8);
        assert!(run(&["accounts", "--coverage", "configured"]).stdout.contains("6 accounts."));
        assert_eq!(run(&["account", member, "--json"]).json()["coverage"], "configured");
        let doctor = run(&["doctor", member]).stdout;
        assert!(doctor.contains(&format!("an IAM change in account {member} reaches people")), "{doctor}");
    }
    let stranger = orgwatch.run(&["doctor", "000000000001"]).expect_code(1);
    assert!(stranger.stderr.contains("is not known in this organization"), "{}", stranger.stderr);
    let nobody = orgwatch.run(&["status", "--url", "http://127.0.0.1:9"]).expect_code(1);
    assert!(nobody.stderr.contains("no daemon answers at http://127.0.0.1:9"), "{}", nobody.stderr);
    assert_eq!(scene.proxy.writes().len(), 0, "who finds everything in place writes nothing");
    println!("SIGINT to exit: {:?}", daemon.end_by("INT"));
}

#[test]
fn drift_is_repaired_while_nobody_looks() {
    let scene = Scene::installed(7);
    let before = scene.read_back();
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 5);
    let began = Instant::now();
    scene.emulator.drift(scene.member(0), "rule-deleted");
    scene.emulator.drift(scene.member(1), "role-policy");
    scene.emulator.drift(&scene.seed.central_account_id, "alert-rule-disabled");
    eventually("everything is as it was", SOON, || (scene.read_back() == before).then_some(()));
    println!("repaired within {:?}, with a resync interval of 2s", began.elapsed());
    until_covered(&daemon, 5);
    daemon.stop();
}

#[test]
fn a_request_to_reconcile_is_followed_until_it_is_done() {
    let scene = Scene::installed(6);
    let before = scene.read_back();
    // Nothing happens here unless somebody asks.
    let config = scene.config().with("reconcile.resync_interval = '1h'");
    let orgwatch = scene.orgwatch(&config);
    let daemon = orgwatch.serve();
    until_covered(&daemon, 4);

    scene.emulator.drift(scene.member(0), "rule-disabled");
    let one = reconcile(&daemon, &format!("/api/v1/accounts/{}/reconcile", scene.member(0)));
    assert_eq!((&one["state"], &one["done"], &one["total"]), (&json!("done"), &json!(1), &json!(1)));
    assert_eq!((&one["changes"], &one["errors"]), (&json!(1), &json!([])));
    assert_eq!(scene.read_back(), before);

    scene.emulator.drift(scene.member(1), "target-removed");
    scene.emulator.drift(&scene.seed.central_account_id, "topic-policy");
    let all = reconcile(&daemon, "/api/v1/reconcile");
    // Four members and the central side.
    assert_eq!((&all["state"], &all["done"], &all["total"]), (&json!("done"), &json!(5), &json!(5)));
    assert_eq!((&all["changes"], &all["errors"]), (&json!(2), &json!([])));
    assert_eq!(scene.read_back(), before);

    let excluded = &scene.seed.excluded_account_id;
    let refused = daemon.post(&format!("/api/v1/accounts/{excluded}/reconcile"));
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.body.contains("exclude_tags"), "{refused:?}");
    assert_eq!(daemon.post("/api/v1/accounts/000000000001/reconcile").status, 404);
    assert_eq!(scene.proxy.for_account(excluded).len(), 0);
    daemon.stop();
}

#[test]
fn what_is_overridden_to_observe_is_shown_and_never_written() {
    let scene = Scene::installed(8);
    let [by_account, by_ou, enforced] = [1, 2, 3].map(|n| scene.member(n));
    let ou =
        scene.seed.accounts.iter().find(|account| account.id == by_ou).expect("it is listed").path.last();
    let overrides = format!(
        "[[reconcile.override]]\naccount = '{by_account}'\nmode = 'observe'\n\
         [[reconcile.override]]\nou = '{}'\nmode = 'observe'",
        ou.expect("it is somewhere")
    );
    for drifted in [by_account, by_ou, enforced] {
        scene.emulator.drift(drifted, "rule-disabled");
    }
    let orgwatch = scene.orgwatch(&scene.config().with(&overrides));
    let daemon = orgwatch.serve();
    let shown = eventually("only the enforced account is repaired", SOON, || {
        let shown = accounts_in(&daemon, "/api/v1/drift");
        (!shown.is_empty() && !shown.iter().any(|id| id == enforced)).then_some(shown)
    });
    let mut expected = [by_account, by_ou];
    expected.sort_unstable();
    assert_eq!(shown, expected);
    // Being asked for it by name changes nothing.
    reconcile(&daemon, &format!("/api/v1/accounts/{by_account}/reconcile"));
    // A plan says that it is held, and not that it would be made.
    orgwatch.run(&["apply", "--yes"]).expect_code(4);
    let held = orgwatch.run(&["plan"]).expect_code(4);
    assert!(held.stdout.contains("ObserveOnly"), "{}", held.stdout);
    for account in [by_account, by_ou] {
        assert_eq!(scene.writes_in(account).len(), 0);
        assert_eq!(self::account(&daemon, account)["coverage"], "broken");
    }
    assert!(!scene.writes_in(enforced).is_empty());
    daemon.stop();
}

#[test]
fn an_account_that_leaves_gets_no_further_call_and_its_owner_is_told_what_is_left_there() {
    let scene = Scene::installed(8);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 6);
    let leaver = scene.member(2);
    block_on(async {
        let management =
            sdk::member(scene.emulator.endpoint(), &scene.seed, &scene.seed.management_account_id, None)
                .await;
        let organizations = aws_sdk_organizations::Client::new(&management);
        organizations
            .remove_account_from_organization()
            .account_id(leaver)
            .send()
            .await
            .expect("it may leave");
    });
    let status = until_covered(&daemon, 5);
    assert_eq!(status["accounts"]["total"], 7);
    scene.proxy.clear();
    // Two more walks over everybody who is left.
    for _ in 0..2 {
        reconcile(&daemon, "/api/v1/reconcile");
    }
    assert_eq!(scene.proxy.for_account(leaver).len(), 0);
    let log = daemon.log();
    assert!(log.contains(&format!("Account {leaver} left the organization")), "{log}");
    assert_eq!(scene.writes_in(leaver).len(), 0, "nothing is taken away because of an absence");
    daemon.stop();
}
