//! What an auditor is told: the gaps that are there, in the accounts that have them, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    reading::items,
    scene::{DENIED, Scene},
};
use crate::{orgwatch::Finished, proxy::Fault};

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// Status, control and reason of every account that does not meet a control, by the report.
fn gaps(report: &Value) -> BTreeSet<(String, String, String)> {
    let mut found = BTreeSet::new();
    for control in items(&report["controls"]) {
        for finding in items(&control["findings"]).iter().filter(|finding| finding["status"] != "met") {
            let told = format!("{} {}", text(&finding["status"]), text(&finding["reason"]));
            let control = text(&control["control"]);
            found.extend(
                items(&finding["accounts"])
                    .iter()
                    .map(|id| (text(id).to_owned(), control.to_owned(), told.clone())),
            );
        }
    }
    found
}

fn run(scene: &Scene, arguments: &[&str]) -> Finished {
    scene.orgwatch(&scene.config()).run(&[&["audit"], arguments].concat())
}

/// What `plant.py` leaves out by that name; the reason that is told, and words of what is said.
const PLANTED: [(&str, &str, &str); 8] = [
    ("no-trail", "NoTrail", "no trail logs in the account"),
    ("one-region", "NoMultiRegionTrail", "logs in us-east-1 alone"),
    ("stopped", "TrailStopped", "is stopped"),
    ("no-log-group", "NoLogGroup", "has no log group"),
    ("no-filter", "NoMetricFilter", "has no metric filter for"),
    ("alarm-disabled", "AlarmDisabled", "is disabled"),
    ("no-actions", "AlarmWithoutActions", "has no actions"),
    ("nobody-subscribed", "NoConfirmedSubscription", "nobody is subscribed"),
];

/// An organization in which the n-th account lacks the n-th thing, and the others nothing; and its accounts.
fn planted(standard: &str) -> (Scene, Vec<String>) {
    let scene = Scene::new(16);
    let covered: Vec<String> = scene.seed.covered().map(|account| account.id.clone()).collect();
    let gaps = PLANTED.map(|(gap, ..)| gap).into_iter().chain(std::iter::repeat("many-filters"));
    let plan: Vec<(&str, &str)> = covered.iter().map(String::as_str).zip(gaps).collect();
    scene.emulator.plant(standard, &plan);
    (scene, covered)
}

fn controls(report: &Value) -> Vec<String> {
    items(&report["controls"]).iter().map(|control| text(&control["control"]).to_owned()).collect()
}

#[test]
fn each_planted_gap_is_found_in_its_account_and_nothing_else_whatever_the_standard() {
    for (standard, count) in [("cwl-010", 1), ("cis-1.4", 15), ("security-hub", 14)] {
        let (scene, covered) = planted(standard);
        let report = run(&scene, &["--standard", standard, "--json"]).expect_code(0).json();
        let controls = controls(&report);
        let expected: BTreeSet<_> = PLANTED
            .iter()
            .zip(&covered)
            .flat_map(|((_, reason, _), id)| {
                controls.iter().map(move |control| (id.clone(), control.clone(), format!("unmet {reason}")))
            })
            .collect();
        assert_eq!(gaps(&report), expected, "{standard}");
        assert_eq!(report["counts"]["met"], (covered.len() - PLANTED.len()) * count, "{standard}");
        assert_eq!(report["left_out"].as_array().map(Vec::len), Some(2), "the closed and the excluded one");
        assert!(scene.proxy.writes().is_empty(), "it only reads");
    }
}

#[test]
fn where_anything_that_watches_will_do_and_no_rule_does_the_planted_gaps_are_told_as_remarks() {
    for standard in ["cis-3.0", "cis-5.0", "cis-6.0"] {
        let (scene, covered) = planted(standard);
        let report = run(&scene, &["--standard", standard, "--json"]).expect_code(0).json();
        let mut found = BTreeSet::new();
        for control in items(&report["controls"]) {
            for finding in items(&control["findings"]) {
                if finding["status"] == "met" {
                    assert_eq!(finding["by"], "metric_alarm", "{standard}: {finding}");
                    continue;
                }
                assert_eq!(finding["status"], "unmet", "{standard}: {finding}");
                let remark = items(&finding["remarks"])
                    .iter()
                    .find_map(|remark| text(remark).strip_prefix("nor by a metric filter and alarm: "))
                    .unwrap_or_else(|| panic!("{standard}: {finding}"));
                let told: Vec<&str> = PLANTED
                    .iter()
                    .filter(|(_, _, words)| remark.contains(words))
                    .map(|(gap, ..)| *gap)
                    .collect();
                let accounts = items(&finding["accounts"]).iter().map(|id| text(id).to_owned());
                found.extend(accounts.map(|id| (id, text(&control["control"]).to_owned(), told.join(" "))));
            }
        }
        let controls = controls(&report);
        let expected: BTreeSet<_> = PLANTED
            .iter()
            .zip(&covered)
            .flat_map(|((gap, ..), id)| {
                controls.iter().map(move |control| (id.clone(), control.clone(), (*gap).to_owned()))
            })
            .collect();
        assert_eq!(found, expected, "{standard}");
        assert_eq!(report["counts"]["met"], (covered.len() - PLANTED.len()) * 15, "{standard}");
        assert!(scene.proxy.writes().is_empty(), "it only reads");
    }
}

#[test]
fn where_a_rule_watches_each_way_in_which_it_fails_is_found_in_its_account_and_nothing_else() {
    const BROKEN: [(&str, &str); 5] = [
        ("rule-deleted", "unmet SenderRuleMissing"),
        ("rule-disabled", "unmet SenderRuleDrifted"),
        ("rule-foreign", "unmet NameTaken"),
        ("target-removed", "unmet SenderRuleDrifted"),
        ("role-deleted", "unmet ForwardingRoleMissing"),
    ];
    let scene = Scene::installed(12);
    let members: Vec<String> = scene.seed.members().map(|account| account.id.clone()).collect();
    for ((drift, _), id) in BROKEN.iter().zip(&members) {
        scene.emulator.drift(id, drift);
    }
    // In mode `enforce` what is missing is told as being made.
    let orgwatch = scene.orgwatch(&scene.config().with("reconcile.mode = 'observe'"));
    for (standard, number) in [("cis-3.0", "4.4"), ("cis-5.0", "4.4"), ("cis-6.0", "5.4")] {
        let report = orgwatch.run(&["audit", "--standard", standard, "--json"]).expect_code(0).json();
        let found: BTreeSet<_> =
            gaps(&report).into_iter().filter(|(_, control, _)| control == number).collect();
        let expected: BTreeSet<_> = BROKEN
            .iter()
            .zip(&members)
            .map(|((_, told), id)| (id.clone(), number.to_owned(), (*told).to_owned()))
            .collect();
        assert_eq!(found, expected, "{standard}");
        let control = items(&report["controls"]).iter().find(|control| control["control"] == number);
        let counts = &control.expect("it is one of the standard's")["counts"];
        assert_eq!(counts["met"], scene.seed.covered().count() - BROKEN.len(), "{standard}");
    }
}

#[test]
fn an_audit_ends_with_a_code_that_a_pipeline_can_go_by_and_speaks_every_form() {
    let scene = Scene::new(8);
    let plan: Vec<(&str, &str)> = scene.seed.covered().map(|account| (account.id.as_str(), "none")).collect();
    scene.emulator.plant("cwl-010", &plan);
    let standard = ["--standard", "cwl-010"];
    let ask = |more: &[&str]| run(&scene, &[&standard[..], more].concat());
    ask(&["--detailed-exitcode"]).expect_code(0);
    // What the benchmark asks besides is not there.
    run(&scene, &["--standard", "cis-6.0", "--detailed-exitcode"]).expect_code(2);
    run(&scene, &["--standard", "cis-6.0"]).expect_code(0);
    run(&scene, &["--standard", "cis-2.0"]).expect_code(1);

    let csv = ask(&["--csv"]).expect_code(0).stdout;
    assert_eq!(csv.lines().count(), 1 + plan.len());
    let page = ask(&["--html"]).expect_code(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("CWL-010"));
    let table = ask(&[]).expect_code(0).stdout;
    assert!(table.contains("IAM policy changes") && !table.contains("Not met"), "{table}");

    // An account that lets nobody in is not judged.
    let closed = scene.member(0).to_owned();
    scene.proxy.fault(Fault::on("sts", "AssumeRole", DENIED).role_arn(&closed));
    let report = ask(&["--json", "--detailed-exitcode"]).expect_code(3).json();
    let found = gaps(&report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found.iter().all(|(id, _, told)| *id == closed && told == "unknown TrailsUnreadable"),
        "{found:?}"
    );
}

#[test]
fn a_daemon_tells_the_same_as_the_command() {
    let scene = Scene::new(8);
    let plan: Vec<(&str, &str)> = scene.seed.covered().map(|account| (account.id.as_str(), "none")).collect();
    scene.emulator.plant("cis-1.4", &plan);
    let config = scene.config();
    let orgwatch = scene.orgwatch(&config);
    let daemon = orgwatch.serve();
    super::scene::until_covered(&daemon, plan.len());
    let url = format!("http://{}", config.bind);
    let asked =
        orgwatch.run(&["audit", "--standard", "cis-1.4", "--json", "--url", &url]).expect_code(0).json();
    let looked = run(&scene, &["--standard", "cis-1.4", "--json"]).expect_code(0).json();
    for report in [&asked, &looked] {
        assert_eq!(report["counts"]["unmet"], 0, "{report}");
    }
    assert_eq!(asked["controls"][3]["counts"], looked["controls"][3]["counts"]);
    drop(daemon);
}
