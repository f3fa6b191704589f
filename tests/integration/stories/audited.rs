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

#[test]
fn each_planted_gap_is_found_in_its_account_and_nothing_else_whatever_the_standard() {
    const PLANTED: [(&str, &str); 8] = [
        ("no-trail", "unmet NoTrail"),
        ("one-region", "unmet NoMultiRegionTrail"),
        ("stopped", "unmet TrailStopped"),
        ("no-log-group", "unmet NoLogGroup"),
        ("no-filter", "unmet NoMetricFilter"),
        ("alarm-disabled", "unmet AlarmDisabled"),
        ("no-actions", "unmet AlarmWithoutActions"),
        ("nobody-subscribed", "unmet NoConfirmedSubscription"),
    ];
    for (standard, controls) in [("cwl-010", 1), ("cis-1.4", 15), ("security-hub", 14)] {
        let scene = Scene::new(16);
        let covered: Vec<&str> = scene.seed.covered().map(|account| account.id.as_str()).collect();
        let gaps_of = PLANTED.map(|(gap, _)| gap).into_iter().chain(std::iter::repeat("many-filters"));
        let plan: Vec<(&str, &str)> = covered.iter().copied().zip(gaps_of).collect();
        scene.emulator.plant(standard, &plan);

        let report = run(&scene, &["--standard", standard, "--json"]).expect_code(0).json();
        let expected: BTreeSet<_> = PLANTED
            .iter()
            .zip(&covered)
            .flat_map(|((_, told), id)| {
                let controls = items(&report["controls"]).iter().map(|c| text(&c["control"]));
                controls.map(move |control| ((*id).to_owned(), control.to_owned(), (*told).to_owned()))
            })
            .collect();
        assert_eq!(gaps(&report), expected, "{standard}");
        assert_eq!(report["counts"]["met"], (covered.len() - PLANTED.len()) * controls, "{standard}");
        assert_eq!(report["left_out"].as_array().map(Vec::len), Some(2), "the closed and the excluded one");
        assert!(scene.proxy.writes().is_empty(), "it only reads");
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
