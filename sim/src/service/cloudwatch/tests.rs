use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{count, settle};
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::partition::PARTITIONS;
use crate::service::{cloudwatch, events, sns};
use crate::world::World;

const OWNER: &str = "111111111111";
const REGION: &str = "us-east-1";
const TOPIC: &str = "arn:aws:sns:us-east-1:111111111111:health";

/// A world with a topic that the owner's alarms may publish to, and one reader of it.
struct Stage {
    world: World,
    now: Arc<AtomicI64>,
}

impl Stage {
    fn new() -> Self {
        let start: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let now = Arc::new(AtomicI64::new(start.as_second()));
        let clock = Arc::clone(&now);
        let clock =
            Clock::from_source(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).unwrap());
        let mut world = World::new(PARTITIONS[0], clock, 7);
        world.organization.management = OWNER.to_owned();
        let mut stage = Self { world, now };
        stage.of(Service::Sns, "CreateTopic", json!({ "Name": "health" })).unwrap();
        let subscription = json!({ "TopicArn": TOPIC, "Protocol": "lambda", "Endpoint": "arn:aws:lambda:us-east-1:111111111111:function:reader" });
        stage.of(Service::Sns, "Subscribe", subscription).unwrap();
        stage.admit("cloudwatch.amazonaws.com");
        stage
    }

    /// From now on the topic takes messages of that service, and of no other.
    fn admit(&mut self, service: &str) {
        let policy = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Principal": { "Service": service }, "Action": "sns:Publish", "Resource": TOPIC }] });
        let input =
            json!({ "TopicArn": TOPIC, "AttributeName": "Policy", "AttributeValue": policy.to_string() });
        self.of(Service::Sns, "SetTopicAttributes", input).unwrap();
    }

    fn of(&mut self, service: Service, operation: &str, input: Value) -> Result<Value, Refusal> {
        let Value::Object(input) = input else { panic!("an input is an object") };
        let call = Call {
            service,
            operation: operation.to_owned(),
            input,
            region: REGION.to_owned(),
            caller: Caller {
                account: OWNER.to_owned(),
                principal: Principal::Administrator,
                access_key: "test".to_owned(),
            },
            request_id: "request".to_owned(),
            at: self.world.now(),
        };
        match service {
            Service::Sns => sns::perform(&mut self.world, &call),
            Service::Events => events::perform(&mut self.world, &call),
            _ => cloudwatch::perform(&mut self.world, &call),
        }
    }

    fn ask(&mut self, operation: &str, input: Value) -> Result<Value, Refusal> {
        self.of(Service::CloudWatch, operation, input)
    }

    /// Lets minutes pass; in each of them `beats` are counted.
    fn minutes(&mut self, minutes: i64, beats: u32) {
        for _ in 0..minutes {
            for _ in 0..beats {
                count(&mut self.world, OWNER, REGION, ("App", "Beats"), &[("Of", "heart")], 1.0);
            }
            self.now.fetch_add(60, Ordering::Relaxed);
            settle(&mut self.world);
        }
    }

    fn state(&mut self) -> String {
        let told = self.ask("DescribeAlarms", json!({ "AlarmNames": ["heart"] })).unwrap();
        told["MetricAlarms"][0]["StateValue"].as_str().unwrap().to_owned()
    }

    fn subjects(&self) -> Vec<String> {
        let body = |body: &str| {
            let parsed: Value = serde_json::from_str(body).unwrap();
            parsed["Subject"].as_str().unwrap().to_owned()
        };
        self.world.outbox.all().map(|received| body(&received.body)).collect()
    }
}

fn alarm(missing: &str) -> Value {
    json!({
        "AlarmName": "heart",
        "Namespace": "App",
        "MetricName": "Beats",
        "Dimensions": [{ "Name": "Of", "Value": "heart" }],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 3,
        "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": missing,
        "AlarmActions": [TOPIC],
        "OKActions": [TOPIC],
        "Tags": [{ "Key": "team", "Value": "a" }],
    })
}

#[test]
fn an_alarm_goes_off_once_when_nothing_is_measured_any_more_and_is_well_again() {
    let mut stage = Stage::new();
    stage.ask("PutMetricAlarm", alarm("breaching")).unwrap();
    assert_eq!(stage.state(), "INSUFFICIENT_DATA");
    stage.minutes(5, 2);
    assert_eq!(stage.state(), "OK");
    // AWS looks at figures that are older than the periods it needs before it takes others for missing.
    stage.minutes(4, 0);
    assert_eq!(stage.state(), "OK");
    stage.minutes(20, 0);
    assert_eq!(stage.state(), "ALARM");
    stage.minutes(1, 1);
    assert_eq!(stage.state(), "OK");
    let expected =
        ["OK: \"heart\" in us-east-1", "ALARM: \"heart\" in us-east-1", "OK: \"heart\" in us-east-1"];
    assert_eq!(stage.subjects(), expected);
}

#[test]
fn minutes_that_nobody_looked_at_are_caught_up_with() {
    let mut stage = Stage::new();
    stage.ask("PutMetricAlarm", alarm("breaching")).unwrap();
    stage.minutes(5, 1);
    stage.now.fetch_add(3_600, Ordering::Relaxed);
    settle(&mut stage.world);
    let told = stage.ask("DescribeAlarms", json!({})).unwrap();
    assert_eq!(told["MetricAlarms"][0]["StateValue"], "ALARM");
    // Three missing ones after the last figure, and two that are looked at further back.
    let since = told["MetricAlarms"][0]["StateUpdatedTimestamp"].as_i64().unwrap();
    assert_eq!(since, "2026-11-20T12:10:00Z".parse::<Timestamp>().unwrap().as_second());
}

#[test]
fn what_is_missing_counts_as_the_alarm_says() {
    for (missing, expected) in [
        ("breaching", "ALARM"),
        ("notBreaching", "OK"),
        ("ignore", "INSUFFICIENT_DATA"),
        ("missing", "INSUFFICIENT_DATA"),
    ] {
        let mut stage = Stage::new();
        stage.ask("PutMetricAlarm", alarm(missing)).unwrap();
        stage.minutes(10, 0);
        assert_eq!(stage.state(), expected, "{missing}");
    }
}

#[test]
fn an_alarm_whose_actions_are_off_or_whose_topic_does_not_admit_it_tells_nobody() {
    let mut stage = Stage::new();
    stage.ask("PutMetricAlarm", alarm("breaching")).unwrap();
    stage.ask("DisableAlarmActions", json!({ "AlarmNames": ["heart"] })).unwrap();
    stage.minutes(10, 0);
    assert_eq!(stage.state(), "ALARM");
    stage.ask("EnableAlarmActions", json!({ "AlarmNames": ["heart"] })).unwrap();
    stage.admit("events.amazonaws.com");
    stage.minutes(3, 1);
    assert_eq!(stage.state(), "OK");
    assert!(stage.subjects().is_empty());
}

#[test]
fn setting_an_alarm_again_keeps_its_state_and_its_tags() {
    let mut stage = Stage::new();
    stage.ask("PutMetricAlarm", alarm("breaching")).unwrap();
    stage.minutes(10, 0);
    let mut other = alarm("breaching");
    other["Threshold"] = json!(5.0);
    other["Tags"] = json!([{ "Key": "team", "Value": "b" }]);
    stage.ask("PutMetricAlarm", other).unwrap();
    assert_eq!(stage.state(), "ALARM");
    let arn = "arn:aws:cloudwatch:us-east-1:111111111111:alarm:heart";
    let tags = stage.ask("ListTagsForResource", json!({ "ResourceARN": arn })).unwrap();
    assert_eq!(tags, json!({ "Tags": [{ "Key": "team", "Value": "a" }] }));
}

#[test]
fn what_aws_refuses_is_refused() {
    let mut stage = Stage::new();
    for (field, value, code) in [
        ("Period", json!(45), "ValidationError"),
        ("EvaluationPeriods", json!(0), "ValidationError"),
        ("DatapointsToAlarm", json!(4), "ValidationError"),
        ("EvaluationPeriods", json!(2_000), "ValidationError"),
        ("ComparisonOperator", json!("Equals"), "ValidationError"),
        ("AlarmActions", json!(["health"]), "ValidationError"),
        ("Threshold", Value::Null, "MissingParameter"),
        ("Namespace", Value::Null, "MissingParameter"),
    ] {
        let mut input = alarm("missing");
        input[field] = value.clone();
        let refused = stage.ask("PutMetricAlarm", input).unwrap_err();
        assert_eq!(refused.code, code, "{field} {value}");
    }
    let refused = stage.ask("DeleteAlarms", json!({ "AlarmNames": ["a", "b"] })).unwrap_err();
    assert_eq!((refused.status, refused.code.as_str()), (404, "ResourceNotFound"));
    stage.ask("DeleteAlarms", json!({ "AlarmNames": ["a"] })).unwrap();
}

#[test]
fn deliveries_are_measured() {
    let mut stage = Stage::new();
    stage.of(Service::Events, "CreateEventBus", json!({ "Name": "own" })).unwrap();
    for (bus, name, target) in
        [("default", "good", TOPIC), ("own", "bad", "arn:aws:sns:us-east-1:111111111111:nobody")]
    {
        let pattern = json!({ "source": ["app"] }).to_string();
        stage
            .of(
                Service::Events,
                "PutRule",
                json!({ "Name": name, "EventBusName": bus, "EventPattern": pattern }),
            )
            .unwrap();
        let targets = json!([{ "Id": "t", "Arn": target }]);
        stage
            .of(
                Service::Events,
                "PutTargets",
                json!({ "Rule": name, "EventBusName": bus, "Targets": targets }),
            )
            .unwrap();
        let entries = json!([{ "Source": "app", "DetailType": "x", "Detail": "{}", "EventBusName": bus }]);
        stage.of(Service::Events, "PutEvents", json!({ "Entries": entries })).unwrap();
    }
    stage.admit("events.amazonaws.com");
    let entries = json!([{ "Source": "app", "DetailType": "x", "Detail": "{}" }]);
    stage.of(Service::Events, "PutEvents", json!({ "Entries": entries })).unwrap();

    let query = |id: &str, namespace: &str, name: &str, dimensions: Value| json!({ "Id": id, "MetricStat": { "Stat": "Sum", "Period": 300, "Metric": { "Namespace": namespace, "MetricName": name, "Dimensions": dimensions } } });
    let of_rule = json!([{ "Name": "RuleName", "Value": "good" }]);
    let of_bus = json!([{ "Name": "RuleName", "Value": "bad" }, { "Name": "EventBusName", "Value": "own" }]);
    let of_topic = json!([{ "Name": "TopicName", "Value": "health" }]);
    let now = stage.world.now().as_second();
    let answer = stage
        .ask(
            "GetMetricData",
            json!({
                "StartTime": now - 600,
                "EndTime": now + 60,
                "MetricDataQueries": [
                    query("matched", "AWS/Events", "TriggeredRules", of_rule.clone()),
                    query("failed", "AWS/Events", "FailedInvocations", of_rule.clone()),
                    query("lost", "AWS/Events", "FailedInvocations", of_bus),
                    query("elsewhere", "AWS/Events", "FailedInvocations", json!([{ "Name": "RuleName", "Value": "bad" }])),
                    query("sent", "AWS/SNS", "NumberOfNotificationsDelivered", of_topic.clone()),
                    query("refused", "AWS/SNS", "NumberOfNotificationsFailed", of_topic),
                ],
            }),
        )
        .unwrap();
    let values: Vec<(&str, &Value)> = answer["MetricDataResults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (result["Id"].as_str().unwrap(), &result["Values"]))
        .collect();
    let (two, one, none) = (json!([2.0]), json!([1.0]), json!([]));
    // The first event met a topic that did not admit EventBridge yet. What is zero is not sent.
    let expected = [
        ("matched", &two),
        ("failed", &one),
        ("lost", &one),
        ("elsewhere", &none),
        ("sent", &one),
        ("refused", &none),
    ];
    assert_eq!(values, expected);
    let of_good = json!({
        "StartTime": now - 600, "EndTime": now + 60, "Period": 60, "Namespace": "AWS/Events",
        "MetricName": "Invocations", "Dimensions": of_rule, "Statistics": ["Sum", "SampleCount"],
    });
    let points = stage.ask("GetMetricStatistics", of_good).unwrap();
    assert_eq!(
        (&points["Datapoints"][0]["Sum"], &points["Datapoints"][0]["SampleCount"]),
        (&json!(2.0), &json!(2.0))
    );
}
