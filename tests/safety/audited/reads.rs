//! What an audit reads, of whom, and how often.

use std::time::Duration;

use orgwatch::compliance::report::Status;
use orgwatch::compliance::{standards, themes};
use orgwatch::http::Audits as _;
use orgwatch_sim::call::Service::Logs;
use serde_json::json;

use super::{GROUP, Gaps, alarm, audit, comply, gaps, log_to, look, make_group, topic};
use crate::stage::{Stage, in_virtual_time};

#[test]
fn filters_on_a_later_page_count_and_what_many_accounts_share_is_read_once() {
    in_virtual_time(async {
        let stage = Stage::new(30, 1);
        let auditors = topic(&stage, "auditors", true);
        let central = stage.accounts[0].clone();
        make_group(&stage, &central);
        // By name they stand before ours. AWS takes a hundred filters of a group and answers fifty at once.
        for n in 0..84 {
            let metric = json!({ "metricName": "theirs", "metricNamespace": "theirs", "metricValue": "1" });
            let input = json!({
                "logGroupName": GROUP, "filterName": format!("a-{n:03}"), "filterPattern": "ERROR",
                "metricTransformations": [metric],
            });
            stage.make(&central, Logs, "PutMetricFilter", input);
        }
        comply(&stage, &central, "cis-1.4", &auditors);
        log_to(&stage, &central);
        let daemon = look(&stage, &stage.config("")).await;
        let before = stage.calls();
        let report = audit(&daemon, "cis-1.4").await;
        assert_eq!(gaps(&report), Gaps::new());
        assert_eq!(report.counts.met, 15 * 31);
        let world = stage.simulator.world();
        let count = |operation: &str| {
            world.journal.since(before).filter(|entry| entry.call.operation == operation).count()
        };
        assert_eq!(count("DescribeMetricFilters"), 2, "two pages of one group");
        assert_eq!(count("DescribeAlarmsForMetric"), 15);
        assert_eq!(count("ListSubscriptionsByTopic"), 1);
        assert_eq!(count("DescribeTrails"), 0, "passes have read them");
    });
}

#[test]
fn without_a_look_at_trails_the_audit_looks_itself() {
    in_virtual_time(async {
        let stage = Stage::new(4, 1);
        let auditors = topic(&stage, "auditors", true);
        let central = stage.accounts[0].clone();
        make_group(&stage, &central);
        comply(&stage, &central, "cis-1.4", &auditors);
        log_to(&stage, &central);
        let daemon = look(&stage, &stage.config("[trail]\nrequired = false\n")).await;
        let before = stage.calls();
        assert_eq!(gaps(&audit(&daemon, "cis-1.4").await), Gaps::new());
        let world = stage.simulator.world();
        let count = |operation: &str| {
            world.journal.since(before).filter(|entry| entry.call.operation == operation).count()
        };
        assert_eq!(count("DescribeTrails"), 5, "each account once");
        assert_eq!((count("GetTrailStatus"), count("GetEventSelectors")), (1, 1), "the one trail once");
    });
}

#[test]
fn a_daemon_reads_when_it_is_asked_and_not_more_often_than_every_few_minutes() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let auditors = topic(&stage, "auditors", true);
        let central = stage.accounts[0].clone();
        make_group(&stage, &central);
        comply(&stage, &central, "cis-1.4", &auditors);
        log_to(&stage, &central);
        let daemon = stage.daemon(&stage.config(""));
        let standard = standards::by_id("cis-1.4").unwrap();
        let reads = |since: u64| {
            let world = stage.simulator.world();
            let reads = world.journal.since(since);
            reads.filter(|entry| entry.call.operation == "DescribeMetricFilters").count()
        };
        let asking = async {
            tokio::time::sleep(Duration::from_secs(10 * 60)).await;
            let before = stage.calls();
            assert_eq!(reads(0), 0, "nobody asked");
            assert!(daemon.controller.report(standard, &daemon.snapshot()).is_none());
            let mut read = daemon.controller.ask();
            read.wait_for(Option::is_some).await.unwrap();
            let report = daemon.controller.report(standard, &daemon.snapshot()).unwrap();
            assert_eq!(gaps(&report), Gaps::new());
            for _ in 0..10 {
                let _again = daemon.controller.ask();
                tokio::time::sleep(Duration::from_secs(10)).await;
            }
            assert_eq!(reads(before), 1);
            alarm(&stage, &central, themes::by_id("cis-4.4").unwrap(), &[&auditors], false);
            tokio::time::sleep(Duration::from_secs(5 * 60)).await;
            let _old = daemon.controller.ask();
            tokio::time::sleep(Duration::from_secs(10)).await;
            assert_eq!(reads(before), 2);
            let report = daemon.controller.report(standard, &daemon.snapshot()).unwrap();
            assert_eq!(gaps(&report).len(), 4);
        };
        futures::join!(stage.confirming(asking), daemon.serve_for(Duration::from_secs(20 * 60)));
    });
}

#[test]
fn an_excluded_account_gets_no_call_and_is_named() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let out = stage.accounts[2].clone();
        make_group(&stage, &out);
        log_to(&stage, &out);
        let config = stage.config("").replacen(
            "[organization]\n",
            &format!("[organization]\nexclude_accounts = ['{out}']\n"),
            1,
        );
        let daemon = look(&stage, &config).await;
        let before = stage.calls();
        let report = audit(&daemon, "cis-1.4").await;
        assert_eq!(report.left_out.iter().map(|left| left.id.as_str()).collect::<Vec<_>>(), [out.as_str()]);
        assert!(report.rows().all(|(_, account, finding)| {
            account.as_str() != out
                && finding.status == Status::Unknown
                && finding.reason == "LogGroupUnreadable"
        }));
        let world = stage.simulator.world();
        assert_eq!(world.journal.since(before).filter(|entry| entry.call.caller.account == out).count(), 0);
    });
}
