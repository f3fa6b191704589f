//! Metric filters and alarms for auditors: installed as prescribed wherever the trail's log group is, kept, told, taken away.

use std::collections::BTreeMap;
use std::time::Duration;

use orgwatch::compliance::themes;
use orgwatch::model::resource::Verdict;
use orgwatch_sim::call::Service;
use orgwatch_sim::seed::{TRAIL_LOG_GROUP, TrailLogs};
use serde_json::{Value, json};

use crate::converges::assert_everybody_is_heard;
use crate::stage::{Daemon, Fuse, Holdings, PEOPLE, Stage, in_virtual_time};

/// All that can be asked for.
const ALL: &str = "[compliance]\nmetric_alarms = ['cis-4']\n";

/// Few enough to go within the limit of an hour.
const SOME: &str = "[compliance]\nmetric_alarms = ['cis-4.4', 'cis-4.5', 'cis-4.6']\n";

/// The alarm and the filter that most tests are about.
const POLICIES: &str = "orgwatch-CIS-4.4-IAMPolicyChanges";

/// What somebody does to a filter or an alarm of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Spoilt {
    /// The filter counts something else.
    Pattern,
    /// The filter is gone.
    Filter,
    /// The alarm is another one, and says no more whose it is.
    Alarm,
    /// The alarm tells nobody, though the topic is still named.
    Silenced,
    /// The alarm names nobody.
    Nobody,
    /// The alarm looks at another period.
    Period,
    /// The alarm is gone.
    Gone,
}

impl Spoilt {
    const ALL: [Self; 7] =
        [Self::Pattern, Self::Filter, Self::Alarm, Self::Silenced, Self::Nobody, Self::Period, Self::Gone];

    /// Does it to the first one of ours.
    pub(crate) fn happens(self, stage: &Stage, account: &str) {
        let filters = || filters(stage, account).into_values().find(|filter| is_ours(&filter["filterName"]));
        let alarms = || alarms(stage, account).into_values().find(|alarm| is_ours(&alarm["AlarmName"]));
        let (mut filter, mut alarm) = (filters().expect("a filter"), alarms().expect("an alarm"));
        let named = json!({ "logGroupName": TRAIL_LOG_GROUP, "filterName": filter["filterName"] });
        let (service, operation, input) = match self {
            Self::Pattern => {
                filter["filterPattern"] = json!("{ ($.eventName = DeletePayroll) }");
                (Service::Logs, "PutMetricFilter", filter)
            }
            Self::Filter => (Service::Logs, "DeleteMetricFilter", named),
            Self::Alarm => {
                alarm["AlarmDescription"] = json!("mine");
                alarm["Threshold"] = json!(1000.0);
                (Service::CloudWatch, "PutMetricAlarm", alarm)
            }
            Self::Silenced => {
                (Service::CloudWatch, "DisableAlarmActions", json!({ "AlarmNames": [alarm["AlarmName"]] }))
            }
            Self::Nobody => {
                alarm["AlarmActions"] = json!([]);
                (Service::CloudWatch, "PutMetricAlarm", alarm)
            }
            Self::Period => {
                alarm["Period"] = json!(60);
                (Service::CloudWatch, "PutMetricAlarm", alarm)
            }
            Self::Gone => {
                (Service::CloudWatch, "DeleteAlarms", json!({ "AlarmNames": [alarm["AlarmName"]] }))
            }
        };
        stage.make(account, service, operation, input);
    }
}

fn is_ours(name: &Value) -> bool {
    name.as_str().is_some_and(|name| name.starts_with("orgwatch-CIS-"))
}

/// The ARN of a log group by the trail's name in an account; it is made where there is none.
pub(crate) fn group_of(stage: &Stage, account: &str) -> String {
    let input = json!({ "logGroupName": TRAIL_LOG_GROUP });
    if let Err(refusal) = stage.ask(account, Service::Logs, "CreateLogGroup", input) {
        assert_eq!(refusal.code, "ResourceAlreadyExistsException");
    }
    format!("arn:{}:logs:{}:{account}:log-group:{TRAIL_LOG_GROUP}", stage.kit.partition, stage.region())
}

/// Everything of a list in an account, by name.
fn listed(
    stage: &Stage,
    account: &str,
    (service, operation): (Service, &str),
    list: &str,
    name: &str,
) -> BTreeMap<String, Value> {
    let token = if service == Service::Logs { "nextToken" } else { "NextToken" };
    let (mut all, mut input) = (BTreeMap::new(), json!({}));
    loop {
        let page = stage.make(account, service, operation, input.clone());
        for row in page[list].as_array().into_iter().flatten() {
            all.insert(row[name].as_str().expect("a name").to_owned(), row.clone());
        }
        match page.get(token) {
            Some(next) => input[token] = next.clone(),
            None => return all,
        }
    }
}

fn filters(stage: &Stage, account: &str) -> BTreeMap<String, Value> {
    listed(stage, account, (Service::Logs, "DescribeMetricFilters"), "metricFilters", "filterName")
}

fn alarms(stage: &Stage, account: &str) -> BTreeMap<String, Value> {
    listed(stage, account, (Service::CloudWatch, "DescribeAlarms"), "MetricAlarms", "AlarmName")
}

/// An organization whose trail has its log group there, the account that holds it, and a configuration that asks for `more`.
fn installed_in(holder: TrailLogs, more: &str) -> (Stage, String, String) {
    let stage = Stage::with_log_group(3, holder);
    let account = match holder {
        TrailLogs::Management => stage.management.clone(),
        TrailLogs::Member => {
            let member = stage.accounts[1].clone();
            stage.kit.install_alarms(&mut stage.simulator.world(), &member);
            member
        }
        TrailLogs::Central | TrailLogs::Nowhere => stage.accounts[0].clone(),
    };
    let role = format!("role_arn = 'arn:{}:iam::{account}:role/orgwatch-alarms'\n", stage.kit.partition);
    let role = if account == stage.accounts[0] { String::new() } else { role };
    let config = stage.config(&format!("{more}{role}"));
    (stage, account, config)
}

/// `apply`, people click their links, and once more, after which nothing is left to do.
async fn install(stage: &Stage, config: &str) {
    stage.ends(stage.daemon(config).apply()).await;
    stage.confirm_subscriptions();
    let again = stage.daemon(config);
    stage.ends(again.apply()).await;
    assert_eq!(again.out_of_sync(), Vec::<String>::new());
}

/// The reasons of what is remarked on the side of the filters and alarms, and of what is not as desired there.
fn reasons(daemon: &Daemon) -> Vec<String> {
    let mut reasons = Vec::new();
    for view in daemon.snapshot().central.beside {
        reasons.extend(view.error.iter().map(|error| error.class.reason().to_owned()));
        for resource in &view.resources {
            reasons.extend(resource.notes.iter().map(|note| note.reason.to_owned()));
            if resource.verdict != Verdict::InSync && resource.notes.is_empty() {
                reasons.push(format!("{} {}", resource.verdict.label(), resource.id));
            }
        }
    }
    reasons
}

#[test]
fn wherever_the_trails_log_group_is_every_filter_and_alarm_is_as_prescribed_and_the_alarm_reaches_people() {
    for holder in [TrailLogs::Central, TrailLogs::Management, TrailLogs::Member] {
        in_virtual_time(async {
            let (stage, account, config) = installed_in(holder, ALL);
            install(&stage, &config).await;
            let (filters, alarms) = (filters(&stage, &account), alarms(&stage, &account));
            let topic =
                format!("arn:aws:sns:{}:{}:orgwatch-iam-changes", stage.region(), stage.kit.central_account);
            assert_eq!(filters.len(), 15, "{holder:?}");
            for theme in themes::all() {
                let name = format!("orgwatch-{}", theme.alarm_name);
                let (filter, alarm) = (&filters[&name], &alarms[&name]);
                assert_eq!(filter["filterPattern"], theme.pattern());
                let counted = json!([{
                    "metricName": theme.metric_name, "metricNamespace": "CloudTrailMetrics", "metricValue": "1",
                }]);
                assert_eq!(filter["metricTransformations"], counted);
                for (field, wanted) in [
                    ("MetricName", json!(theme.metric_name)),
                    ("Namespace", json!("CloudTrailMetrics")),
                    ("Statistic", json!("Sum")),
                    ("Period", json!(300)),
                    ("EvaluationPeriods", json!(1)),
                    ("Threshold", json!(1.0)),
                    ("ComparisonOperator", json!("GreaterThanOrEqualToThreshold")),
                    ("TreatMissingData", json!("notBreaching")),
                    ("ActionsEnabled", json!(true)),
                    ("AlarmActions", json!([topic])),
                    ("Dimensions", json!([])),
                ] {
                    assert_eq!(alarm[field], wanted, "{name}: {field}");
                }
            }
            stage.simulator.world().outbox.clear();
            let input = json!({ "AlarmName": POLICIES, "StateValue": "ALARM", "StateReason": "counted" });
            stage.make(&account, Service::CloudWatch, "SetAlarmState", input);
            let world = stage.simulator.world();
            let told =
                world.outbox.all().filter(|mail| mail.endpoint == PEOPLE && mail.body.contains(POLICIES));
            assert_eq!(told.count(), 1, "{holder:?}");
        });
    }
}

#[test]
fn whatever_is_done_to_a_filter_or_an_alarm_is_shown_and_repaired_and_others_stay() {
    in_virtual_time(async {
        let (stage, account, config) = installed_in(TrailLogs::Management, ALL);
        strangers(&stage, &account);
        install(&stage, &config).await;
        let before = stage.holdings();
        for spoilt in Spoilt::ALL {
            spoilt.happens(&stage, &account);
            let calls = stage.calls();
            let looking = stage.daemon(&config);
            looking.controller.discover().await.expect("the organization");
            looking.controller.look_at_all(&looking.stop, &mut |_| ()).await;
            assert_eq!(reasons(&looking).len(), 1, "{spoilt:?}: {:?}", reasons(&looking));
            assert_eq!(stage.writes_since(calls), Vec::<String>::new());
            stage.ends(stage.daemon(&config).apply()).await;
            let writes = stage.told_writes_since(calls);
            assert!((1..=2).contains(&writes.len()), "{spoilt:?}: {writes:?}");
            assert_eq!(before.unlike(&stage.holdings()), Vec::<String>::new(), "{spoilt:?}");
        }
    });
}

/// A filter and an alarm that somebody else keeps, with names much like ours.
fn strangers(stage: &Stage, account: &str) {
    for name in ["CIS-4.4-IAMPolicyChanges", "orgwatch-theirs"] {
        filter(stage, account, name);
        let input = json!({
            "AlarmName": name, "Namespace": "Theirs", "MetricName": "Theirs", "Statistic": "Sum", "Period": 60,
            "EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold",
        });
        stage.make(account, Service::CloudWatch, "PutMetricAlarm", input);
    }
}

fn filter(stage: &Stage, account: &str, name: &str) {
    let input = json!({
        "logGroupName": TRAIL_LOG_GROUP, "filterName": name, "filterPattern": "{ $.a = 1 }",
        "metricTransformations": [{ "metricName": "Theirs", "metricNamespace": "Theirs", "metricValue": "1" }],
    });
    stage.make(account, Service::Logs, "PutMetricFilter", input);
}

/// What an account holds of filters and alarms.
fn held(stage: &Stage) -> Holdings {
    stage.holdings().without(|name| !name.contains(" alarm ") && !name.contains(" metric filter "))
}

#[test]
fn what_is_no_longer_asked_for_goes_and_a_teardown_takes_all_of_it_and_nothing_of_others() {
    for holder in [TrailLogs::Central, TrailLogs::Management] {
        in_virtual_time(async {
            let (stage, account, config) = installed_in(holder, SOME);
            strangers(&stage, &account);
            let theirs = held(&stage);
            install(&stage, &config).await;
            let fewer = config.replacen(", 'cis-4.5', 'cis-4.6']", "]", 1).replacen(
                "mode = 'enforce'\n",
                "mode = 'enforce'\nprune = true\n",
                1,
            );
            stage.daemon(&fewer).serve_for(Duration::from_secs(3600)).await;
            let ours: Vec<String> = filters(&stage, &account)
                .into_keys()
                .filter(|name| name.starts_with("orgwatch-CIS"))
                .collect();
            assert_eq!(ours, [POLICIES]);
            let calls = stage.calls();
            stage.ends(stage.teardown(&fewer, true, Fuse::none()).apply()).await;
            assert_eq!(theirs.changes(&held(&stage)), Vec::<String>::new(), "{holder:?}");
            let removed = stage.told_writes_since(calls);
            let place = |operation: &str| removed.iter().position(|told| told.contains(operation));
            assert!(place("DeleteAlarms").is_some(), "{removed:?}");
            assert!(place("DeleteAlarms") < place("DeleteMetricFilter"), "{removed:?}");
        });
    }
}

#[test]
fn a_log_group_without_room_is_told_and_what_fits_is_installed() {
    in_virtual_time(async {
        let (stage, account, config) = installed_in(TrailLogs::Central, ALL);
        for n in 0..90 {
            filter(&stage, &account, &format!("theirs-{n:02}"));
        }
        let daemon = stage.daemon(&config);
        stage.ends(daemon.apply()).await;
        assert!(reasons(&daemon).contains(&"LogGroupFull".to_owned()), "{:?}", reasons(&daemon));
        let filters = filters(&stage, &account);
        assert_eq!(filters.len(), 100);
        assert_eq!(filters.keys().filter(|name| name.starts_with("theirs-")).count(), 90);
    });
}

#[test]
fn what_stands_in_the_way_is_told_with_what_to_do_and_alerts_are_installed_all_the_same() {
    let told = |holder, change: &dyn Fn(&Stage, String) -> String| {
        in_virtual_time(async {
            let (stage, _, config) = installed_in(holder, ALL);
            let config = change(&stage, config);
            let daemon = stage.daemon(&config);
            stage.ends(daemon.apply()).await;
            stage.confirm_subscriptions();
            assert_everybody_is_heard(&stage);
            reasons(&daemon)
        })
    };
    let as_it_is = |_: &Stage, config: String| config;
    assert_eq!(told(TrailLogs::Nowhere, &as_it_is), ["NoLogGroup"]);
    let without_trail = |stage: &Stage, config: String| {
        let input = json!({ "Name": "organization-trail" });
        let mut trail =
            stage.make(&stage.management, Service::CloudTrail, "GetTrail", input)["Trail"].clone();
        trail["IsOrganizationTrail"] = json!(false);
        stage.make(&stage.management, Service::CloudTrail, "UpdateTrail", trail);
        config.replacen("[reconcile]", "[trail]\nrequired = false\n[reconcile]", 1)
    };
    let no_role = |_: &Stage, config: String| {
        let lines = config.lines().filter(|line| !line.starts_with("role_arn = "));
        lines.map(|line| format!("{line}\n")).collect::<String>()
    };
    assert_eq!(told(TrailLogs::Management, &no_role), ["NoRole"]);
    let elsewhere = |_: &Stage, config: String| config.replacen("role/orgwatch-alarms", "role/nobodys", 1);
    assert_eq!(told(TrailLogs::Management, &elsewhere), ["Denied"]);
    let gone = |stage: &Stage, config: String| {
        let input = json!({ "logGroupName": TRAIL_LOG_GROUP });
        stage.make(&stage.management, Service::Logs, "DeleteLogGroup", input);
        config
    };
    let reasons = told(TrailLogs::Management, &gone);
    assert!(reasons.contains(&"LogGroupMissing".to_owned()), "{reasons:?}");
    // Last, as nobody is heard without a trail.
    in_virtual_time(async {
        let (stage, _, config) = installed_in(TrailLogs::Nowhere, ALL);
        let daemon = stage.daemon(&without_trail(&stage, config));
        stage.ends(daemon.apply()).await;
        assert_eq!(self::reasons(&daemon), ["NoOrganizationTrail"]);
    });
}

#[test]
fn who_only_observes_writes_nothing_and_who_asks_for_nothing_makes_no_call_of_cloudwatch_logs() {
    in_virtual_time(async {
        let (stage, _, config) = installed_in(TrailLogs::Central, ALL);
        let observing = config.replacen("mode = 'enforce'", "mode = 'observe'", 1);
        let calls = stage.calls();
        stage.daemon(&observing).serve_for(Duration::from_secs(3600)).await;
        assert_eq!(stage.writes_since(calls), Vec::<String>::new());
        let calls = stage.calls();
        stage.daemon(&stage.config("")).serve_for(Duration::from_secs(600)).await;
        let world = stage.simulator.world();
        let of_logs = world.journal.since(calls).filter(|entry| entry.call.service == Service::Logs);
        assert_eq!(of_logs.count(), 0);
    });
}

#[test]
fn as_long_as_nobody_knows_where_the_alarms_are_what_admits_them_stays() {
    for holder in [TrailLogs::Central, TrailLogs::Management] {
        in_virtual_time(async {
            let (stage, _, config) = installed_in(holder, ALL);
            install(&stage, &config).await;
            let before = stage.holdings();
            let rule =
                json!({ "service": "cloudtrail", "operation": "DescribeTrails", "action": "throttle" });
            let rule = serde_json::from_value(rule).expect("it is a rule");
            let now = stage.simulator.world().now();
            stage.simulator.world().faults.set(rule, now).expect("it is a rule");
            let calls = stage.calls();
            stage.daemon(&config).serve_for(Duration::from_secs(1800)).await;
            assert_eq!(stage.writes_since(calls), Vec::<String>::new(), "{holder:?}");
            assert_eq!(before.changes(&stage.holdings()), Vec::<String>::new());
        });
    }
}
