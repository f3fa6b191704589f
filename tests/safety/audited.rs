//! The audit finds what is missing, in whose account, and nothing else; what it cannot see it does not judge.

mod measured;
mod reads;

use std::collections::BTreeSet;

use orgwatch::compliance::evidence::Seen;
use orgwatch::compliance::report::{By, Report, Status};
use orgwatch::compliance::{Theme, standards, themes};
use orgwatch_sim::call::Service::{CloudTrail, CloudWatch, Events, Iam, Logs, Sns};
use orgwatch_sim::seed::TRAIL_LOG_GROUP;
use orgwatch_sim::service::sns;
use orgwatch_sim::trail::Trail;
use serde_json::json;

use crate::privilege::Denials;
use crate::stage::{Daemon, Stage, in_virtual_time};

const TRAIL: &str = "organization-trail";
const GROUP: &str = TRAIL_LOG_GROUP;
const AUDITOR: &str = "auditor@example.com";

/// What is to be found missing: theme, account, status, reason.
type Gaps = BTreeSet<(String, String, Status, String)>;

fn gaps(report: &Report) -> Gaps {
    report
        .rows()
        .filter(|(_, _, finding)| finding.status != Status::Met)
        .map(|(control, account, finding)| {
            (control.theme.clone(), account.to_string(), finding.status, finding.reason.clone())
        })
        .collect()
}

fn group_arn(stage: &Stage, holder: &str) -> String {
    format!("arn:{}:logs:{}:{holder}:log-group:{GROUP}", stage.kit.partition, stage.region())
}

fn make_group(stage: &Stage, holder: &str) {
    crate::audit::group_of(stage, holder);
}

/// The organization's trail writes to a log group of this account.
pub(crate) fn log_to(stage: &Stage, holder: &str) {
    let role = format!("arn:{}:iam::{}:role/cloudtrail-logs", stage.kit.partition, stage.management);
    let input = json!({
        "Name": TRAIL, "CloudWatchLogsLogGroupArn": format!("{}:*", group_arn(stage, holder)),
        "CloudWatchLogsRoleArn": role,
    });
    stage.make(&stage.management, CloudTrail, "UpdateTrail", input);
}

/// A topic of the central account to which the auditor is subscribed.
fn topic(stage: &Stage, name: &str, confirmed: bool) -> String {
    topic_in(stage, &stage.kit.central_account, name, confirmed)
}

/// A topic of an account to which the auditor is subscribed.
fn topic_in(stage: &Stage, account: &str, name: &str, confirmed: bool) -> String {
    let made = stage.make(account, Sns, "CreateTopic", json!({ "Name": name }));
    let arn = made["TopicArn"].as_str().unwrap().to_owned();
    let input = json!({ "TopicArn": arn, "Protocol": "email", "Endpoint": AUDITOR });
    stage.make(account, Sns, "Subscribe", input);
    if confirmed {
        sns::confirm(&mut stage.simulator.world(), &arn, AUDITOR);
    }
    arn
}

fn filter(stage: &Stage, holder: &str, theme: &Theme, pattern: &str) {
    let metric = json!({
        "metricName": theme.metric_name, "metricNamespace": "CISBenchmark", "metricValue": "1",
    });
    let input = json!({
        "logGroupName": GROUP, "filterName": format!("of-{}", theme.id), "filterPattern": pattern,
        "metricTransformations": [metric],
    });
    stage.make(holder, Logs, "PutMetricFilter", input);
}

fn alarm(stage: &Stage, holder: &str, theme: &Theme, actions: &[&str], enabled: bool) {
    let input = json!({
        "AlarmName": theme.alarm_name, "MetricName": theme.metric_name, "Namespace": "CISBenchmark", "Statistic": "Sum",
        "Period": 300, "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        "AlarmActions": actions, "ActionsEnabled": enabled,
    });
    stage.make(holder, CloudWatch, "PutMetricAlarm", input);
}

/// All filters of a standard, each with its alarm and the topic of the auditor, on the log group of an account.
fn comply(stage: &Stage, holder: &str, standard: &str, topic: &str) {
    for (_, theme) in standards::by_id(standard).unwrap().controls() {
        filter(stage, holder, theme, theme.pattern_of(standard).unwrap().text.as_str());
        alarm(stage, holder, theme, &[topic], true);
    }
}

/// Looks as `orgwatch audit` does.
async fn look(stage: &Stage, config: &str) -> Daemon {
    let daemon = stage.daemon(config);
    daemon.controller.discover().await.unwrap_or_else(|error| panic!("{error}"));
    daemon.controller.look_at_all(&daemon.stop, &mut |_| ()).await;
    daemon
}

async fn audit(daemon: &Daemon, standard: &str) -> Report {
    let evidence = daemon.controller.evidence(&daemon.stop, &mut |_| ()).await;
    daemon.controller.audit(standards::by_id(standard).unwrap(), &evidence, &daemon.snapshot())
}

fn everybody(stage: &Stage) -> Vec<String> {
    stage.accounts.iter().chain([&stage.management]).cloned().collect()
}

fn all_themes(standard: &str) -> Vec<&'static str> {
    standards::by_id(standard).unwrap().controls().map(|(_, theme)| theme.id.as_str()).collect()
}

#[test]
fn five_gaps_in_filters_alarms_and_topics_are_found_for_each_standard_and_nothing_else() {
    in_virtual_time(async {
        for standard in ["cis-1.4", "cis-3.0", "cis-5.0", "cis-6.0", "security-hub"] {
            let stage = Stage::new(4, 1);
            let holder = stage.accounts[2].clone();
            make_group(&stage, &holder);
            log_to(&stage, &holder);
            let auditors = topic(&stage, "auditors", true);
            comply(&stage, &holder, standard, &auditors);
            stage.daemon(&stage.config("")).apply().await;
            stage.confirm_subscriptions();

            let denials = Denials::of(&stage.simulator);
            let daemon = look(&stage, &stage.config("")).await;
            let calls = stage.calls();
            let report = audit(&daemon, standard).await;
            assert_eq!(gaps(&report), Gaps::new(), "{standard}");
            assert_eq!(stage.writes_since(calls), Vec::<String>::new());

            let theme = |id: &str| themes::by_id(id).unwrap();
            filter(&stage, &holder, theme("cis-4.5"), "{ $.eventName = StopLogging }");
            alarm(&stage, &holder, theme("cis-4.6"), &[&auditors], false);
            alarm(&stage, &holder, theme("cis-4.7"), &[], true);
            let silent = topic(&stage, "silent", false);
            alarm(&stage, &holder, theme("cis-4.8"), &[&silent], true);
            let input = json!({ "logGroupName": GROUP, "filterName": "of-cis-4.9" });
            stage.make(&holder, Logs, "DeleteMetricFilter", input);

            let monitored = standard > "cis-2" && standard != "security-hub";
            let planted = [
                ("cis-4.5", "PatternDiffers"),
                ("cis-4.6", "AlarmDisabled"),
                ("cis-4.7", "AlarmWithoutActions"),
                ("cis-4.8", "SubscriptionPending"),
                ("cis-4.9", "NoMetricFilter"),
            ];
            let expected: Gaps = planted
                .into_iter()
                .flat_map(|(theme, reason)| {
                    // What may be met by a rule as well is told by the rule that is missing.
                    let reason = if monitored { "NotWatched" } else { reason };
                    let gap = move |id| (theme.to_owned(), id, Status::Unmet, reason.to_owned());
                    everybody(&stage).into_iter().map(gap)
                })
                .collect();
            let report = audit(&daemon, standard).await;
            assert_eq!(gaps(&report), expected, "{standard}");
            if monitored {
                for (control, _, finding) in report.rows().filter(|(_, _, f)| f.status != Status::Met) {
                    assert!(
                        finding.remarks.iter().any(|remark| remark.starts_with("nor by a metric filter")),
                        "{standard} {}: {finding:?}",
                        control.control
                    );
                }
            }
            let policy_changes = report.rows().find(|(control, _, _)| control.theme == "cis-4.4").unwrap().2;
            let by = if monitored { By::Both } else { By::MetricAlarm };
            assert_eq!(policy_changes.by, Some(by), "{standard}");
            assert_eq!(denials.found(), Vec::<String>::new());
        }
    });
}

/// An account's own trail, which writes to a log group of its own that has all that CWL-010 asks for.
fn own_trail(stage: &Stage, account: &str, topic: &str, change: impl FnOnce(&mut Trail)) {
    make_group(stage, account);
    comply(stage, account, "cwl-010", topic);
    let mut trail = Trail::new("aws", account, &stage.region(), "own-trail");
    trail.multi_region = true;
    let arn = format!("{}:*", group_arn(stage, account));
    trail.settings.insert("CloudWatchLogsLogGroupArn".to_owned(), arn.into());
    change(&mut trail);
    stage.simulator.world().account(account).trails.push(trail);
}

/// Every account but the management account has a trail with log group, filter, alarm and topic of its own, and the
/// organization's trail has all of that in the management account.
pub(crate) fn everywhere(stage: &Stage) {
    for account in &stage.accounts {
        own_trail(stage, account, &topic_in(stage, account, "auditors", true), |_| ());
    }
    let management = &stage.management;
    make_group(stage, management);
    comply(stage, management, "cwl-010", &topic_in(stage, management, "auditors", true));
    log_to(stage, management);
}

/// What is not met of CWL-010 by what a process sees, in words.
pub(crate) async fn missing(daemon: &Daemon) -> Vec<String> {
    let evidence = daemon.controller.evidence(&daemon.stop, &mut |_| ()).await;
    let unseen = evidence.groups.values().filter(|group| matches!(group, Seen::Unseen(_))).count();
    let report = daemon.controller.audit(standards::by_id("cwl-010").unwrap(), &evidence, &daemon.snapshot());
    let unseen = (unseen > 0).then(|| format!("{unseen} log groups were not seen"));
    gaps(&report).into_iter().map(|gap| format!("{gap:?}")).chain(unseen).collect()
}

#[test]
fn a_gap_of_each_kind_in_an_account_is_found_in_that_account_alone() {
    in_virtual_time(async {
        let stage = Stage::new(8, 1);
        stage.make(&stage.management, CloudTrail, "DeleteTrail", json!({ "Name": TRAIL }));
        let auditors = topic(&stage, "auditors", true);
        let account = |n: usize| stage.accounts[n].clone();
        for id in [account(0), account(5), account(6), account(7), stage.management.clone()] {
            own_trail(&stage, &id, &auditors, |_| ());
        }
        own_trail(&stage, &account(2), &auditors, |trail| trail.multi_region = false);
        own_trail(&stage, &account(3), &auditors, |trail| trail.logging = false);
        own_trail(&stage, &account(4), &auditors, |trail| trail.settings.clear());
        stage.daemon(&stage.config("")).apply().await;
        stage.confirm_subscriptions();
        alarm(&stage, &account(5), themes::by_id("cis-4.4").unwrap(), &[&auditors], false);
        stage.make(&account(5), Events, "DisableRule", json!({ "Name": "orgwatch-iam-changes" }));
        forbid(&stage, &account(6));

        let daemon = look(&stage, &stage.config("")).await;
        let gap =
            |n: usize, status, reason: &str| ("cis-4.4".to_owned(), account(n), status, reason.to_owned());
        let expected = Gaps::from([
            gap(1, Status::Unmet, "NoTrail"),
            gap(2, Status::Unmet, "NoMultiRegionTrail"),
            gap(3, Status::Unmet, "TrailStopped"),
            gap(4, Status::Unmet, "NoLogGroup"),
            gap(5, Status::Unmet, "AlarmDisabled"),
            gap(6, Status::Unknown, "TrailsUnreadable"),
        ]);
        assert_eq!(gaps(&audit(&daemon, "cwl-010").await), expected);

        // What is asked to be monitored, a rule does too, where a trail logs and the rule stands.
        let report = audit(&daemon, "cis-6.0").await;
        let found: Gaps = gaps(&report).into_iter().filter(|(theme, ..)| theme == "cis-4.4").collect();
        let expected = Gaps::from([
            gap(1, Status::Unmet, "NoTrail"),
            gap(3, Status::Unmet, "TrailStopped"),
            gap(5, Status::Unmet, "SenderRuleDrifted"),
            gap(6, Status::Unknown, "Denied"),
        ]);
        assert_eq!(found, expected);
    });
}

/// The member role of an account may not be entered any more.
fn forbid(stage: &Stage, account: &str) {
    let nobody = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "lambda.amazonaws.com" },
    }] });
    let input = json!({ "RoleName": "orgwatch-member", "PolicyDocument": nobody.to_string() });
    stage.make(account, Iam, "UpdateAssumeRolePolicy", input);
}

#[test]
fn a_subscription_that_nobody_confirmed_leaves_what_is_to_be_monitored_unmet_everywhere() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        stage.daemon(&stage.config("")).apply().await;
        let daemon = look(&stage, &stage.config("")).await;
        let report = audit(&daemon, "cis-5.0").await;
        let control = report.controls.iter().find(|control| control.theme == "cis-4.4").unwrap();
        assert_eq!(control.counts.unmet, 4);
        assert_eq!(control.findings[0].reason, "SubscriptionPending");
        stage.confirm_subscriptions();
        let daemon = look(&stage, &stage.config("")).await;
        let report = audit(&daemon, "cis-5.0").await;
        let control = report.controls.iter().find(|control| control.theme == "cis-4.4").unwrap();
        assert_eq!((control.counts.met, control.findings[0].by), (4, Some(By::EventRule)));
    });
}

#[test]
fn a_log_group_that_is_out_of_reach_or_gone_is_told_apart() {
    in_virtual_time(async {
        let of_all = |stage: &Stage, status, reason: &str| -> Gaps {
            let themes = all_themes("cis-1.4").into_iter();
            themes
                .flat_map(|theme| {
                    everybody(stage)
                        .into_iter()
                        .map(move |id| (theme.to_owned(), id, status, reason.to_owned()))
                })
                .collect()
        };
        let stage = Stage::new(3, 1);
        let auditors = topic(&stage, "auditors", true);
        let holder = stage.accounts[2].clone();
        make_group(&stage, &holder);
        comply(&stage, &holder, "cis-1.4", &auditors);
        log_to(&stage, &holder);
        let daemon = look(&stage, &stage.config("")).await;
        assert_eq!(gaps(&audit(&daemon, "cis-1.4").await), Gaps::new());

        // The account that holds it lets nobody in any more; the others see their trail all the same.
        forbid(&stage, &holder);
        let daemon = look(&stage, &stage.config("")).await;
        let mut expected = of_all(&stage, Status::Unknown, "LogGroupUnreadable");
        expected.retain(|(_, account, ..)| *account != holder);
        expected.extend(
            all_themes("cis-1.4").into_iter().map(|theme| {
                (theme.to_owned(), holder.clone(), Status::Unknown, "TrailsUnreadable".to_owned())
            }),
        );
        assert_eq!(gaps(&audit(&daemon, "cis-1.4").await), expected);

        // One of another organization nobody can look at.
        log_to(&stage, "999999999999");
        let daemon = look(&stage, &stage.config("")).await;
        let report = audit(&daemon, "cis-1.4").await;
        let told = report.rows().find(|(_, account, _)| account.as_str() == stage.management).unwrap().2;
        assert_eq!((told.status, told.reason.as_str()), (Status::Unknown, "LogGroupUnreadable"));
        assert!(told.message.contains("not one of this organization"), "{told:?}");

        // One that is not there is missing, not unseen.
        log_to(&stage, &stage.accounts[1]);
        let daemon = look(&stage, &stage.config("")).await;
        let report = audit(&daemon, "cis-1.4").await;
        let told = report.rows().find(|(_, account, _)| account.as_str() == stage.management).unwrap().2;
        assert_eq!((told.status, told.reason.as_str()), (Status::Unmet, "LogGroupMissing"));
    });
}

#[test]
fn a_log_group_that_only_the_role_for_alarms_can_enter_is_read_by_that_role() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let holder = stage.management.clone();
        make_group(&stage, &holder);
        comply(&stage, &holder, "cis-1.4", &topic(&stage, "auditors", true));
        log_to(&stage, &holder);
        let of = |status, account: &str, reason: &str| -> Gaps {
            let gap = |theme: &str| (theme.to_owned(), account.to_owned(), status, reason.to_owned());
            all_themes("cis-1.4").into_iter().map(gap).collect()
        };
        // Without a role of its own the management account itself is not seen either way.
        let alone = |more: &str| {
            let config = stage.config(more);
            config
                .lines()
                .filter(|line| !line.starts_with("management_role_arn"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let unseen = of(Status::Unknown, &holder, "TrailsUnreadable");
        let denials = Denials::of(&stage.simulator);
        let daemon = look(&stage, &alone("")).await;
        let mut expected = unseen.clone();
        for account in &stage.accounts {
            expected.extend(of(Status::Unknown, account, "LogGroupUnreadable"));
        }
        assert_eq!(gaps(&audit(&daemon, "cis-1.4").await), expected);

        let role = format!("arn:{}:iam::{holder}:role/orgwatch-alarms", stage.kit.partition);
        let config = alone(&format!("[compliance]\nmetric_alarms = []\nrole_arn = '{role}'\n"));
        let daemon = look(&stage, &config).await;
        assert_eq!(gaps(&audit(&daemon, "cis-1.4").await), unseen);
        assert_eq!(denials.found(), Vec::<String>::new());
    });
}
