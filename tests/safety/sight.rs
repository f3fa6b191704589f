//! What is hard to see is seen: failures inside a success, what stands on a later page.

use std::time::Duration;

use orgwatch_sim::call::Service;
use serde_json::{Value, json};

use crate::stage::{Stage, in_virtual_time};

#[test]
fn an_entry_that_fails_inside_a_success_is_told_as_a_failure() {
    in_virtual_time(async {
        let stage = Stage::new(1, 1);
        stage.simulator.world().events.failing_entries = 1;
        let passes = stage.daemon(&stage.config("")).apply().await;
        let failed: Vec<_> = passes
            .iter()
            .flat_map(|pass| &pass.written)
            .filter(|written| written.operation == "PutTargets" && written.outcome.is_err())
            .collect();
        assert_eq!(failed.len(), 1, "{passes:#?}");
    });
}

#[test]
fn a_rule_behind_a_hundred_others_is_found() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let member = &stage.accounts[1];
        // By name they stand before ours, and fill a page.
        for number in 0..120 {
            let rule = json!({
                "Name": format!("orgwatch-a-{number:03}"), "EventPattern": r#"{"source":["theirs"]}"#,
            });
            let Value::Object(rule) = rule else { unreachable!("it is an object") };
            let caller = stage.administrator(member);
            let region = stage.region();
            stage.simulator.ask(&caller, Service::Events, &region, "PutRule", rule).expect("a rule is made");
        }
        let daemon = stage.daemon(&stage.config(""));
        let calls = stage.calls();
        daemon.serve_for(Duration::from_secs(2 * 60 * 60)).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        let puts = stage.writes_since(calls);
        let puts = puts.iter().filter(|write| write.contains("PutRule") && write.contains(member.as_str()));
        assert_eq!(puts.count(), 2, "sender rule and guard are made once and found from then on");
    });
}

#[test]
fn an_account_on_the_last_page_is_covered() {
    in_virtual_time(async {
        // AWS answers at most twenty accounts at once.
        let stage = Stage::new(45, 1);
        stage.simulator.world().organization.empty_pages = true;
        let daemon = stage.daemon(&stage.config(""));
        daemon.apply().await;
        let world = stage.simulator.world();
        let region = stage.region();
        for account in &stage.accounts {
            let held = world.accounts[account].regions.get(&region).expect("something is there");
            let rules = held.events.current().buses["default"].rules.keys();
            // The central account has rules of its own beside them.
            let rules: Vec<&str> =
                rules.map(String::as_str).filter(|name| !name.contains("-guard-central")).collect();
            assert_eq!(rules, ["orgwatch-guard", "orgwatch-iam-changes"], "{account}");
        }
    });
}
