use serde_json::{Value, json};

use super::perform;
use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::clock::Clock;
use crate::partition::PARTITIONS;
use crate::world::World;

const OWNER: &str = "111111111111";
const GROUP: &str = "trail/logs";

struct Stage(World);

impl Stage {
    /// A world in which the owner has one group.
    fn new() -> Self {
        let mut world = World::new(PARTITIONS[0], Clock::real(), 7);
        world.organization.management = OWNER.to_owned();
        let mut stage = Self(world);
        stage.ask("CreateLogGroup", json!({ "logGroupName": GROUP })).unwrap();
        stage
    }

    fn ask(&mut self, operation: &str, input: Value) -> Result<Value, Refusal> {
        let Value::Object(input) = input else { panic!("an input is an object") };
        let call = Call {
            service: Service::Logs,
            operation: operation.to_owned(),
            input,
            region: "us-east-1".to_owned(),
            caller: Caller {
                account: OWNER.to_owned(),
                principal: Principal::Administrator,
                access_key: "test".to_owned(),
            },
            request_id: "request".to_owned(),
            at: self.0.now(),
        };
        perform(&mut self.0, &call)
    }

    fn put(&mut self, name: &str, pattern: &str) -> Result<Value, Refusal> {
        self.ask("PutMetricFilter", filter(name, pattern))
    }

    /// The names of the filters of the group, over all pages.
    fn filters(&mut self, more: Value) -> Vec<String> {
        let mut input = json!({ "logGroupName": GROUP });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let mut names = Vec::new();
        loop {
            let page = self.ask("DescribeMetricFilters", input.clone()).unwrap();
            let rows = page["metricFilters"].as_array().unwrap();
            names.extend(rows.iter().map(|row| row["filterName"].as_str().unwrap().to_owned()));
            match page.get("nextToken") {
                Some(token) => input["nextToken"] = token.clone(),
                None => return names,
            }
        }
    }
}

fn filter(name: &str, pattern: &str) -> Value {
    json!({
        "logGroupName": GROUP, "filterName": name, "filterPattern": pattern,
        "metricTransformations": [{ "metricName": name, "metricNamespace": "Trail", "metricValue": "1" }],
    })
}

fn code<T>(outcome: Result<T, Refusal>) -> String {
    outcome.err().map_or_else(|| "ok".to_owned(), |refusal| refusal.code)
}

#[test]
fn a_filter_that_is_put_again_is_replaced() {
    let mut stage = Stage::new();
    stage.put("one", "{ $.a = 1 }").unwrap();
    stage.put("one", "{ $.a = 2 }").unwrap();
    let told = stage.ask("DescribeMetricFilters", json!({ "logGroupName": GROUP })).unwrap();
    assert_eq!(told["metricFilters"].as_array().unwrap().len(), 1);
    assert_eq!(told["metricFilters"][0]["filterPattern"], "{ $.a = 2 }");
    assert_eq!(told["metricFilters"][0]["metricTransformations"][0]["metricValue"], "1");
}

#[test]
fn a_group_takes_a_hundred_filters_and_they_come_in_pages_of_fifty() {
    let mut stage = Stage::new();
    for n in 0..100 {
        stage.put(&format!("f{n:03}"), "").unwrap();
    }
    assert_eq!(code(stage.put("one-more", "")), "LimitExceededException");
    assert_eq!(code(stage.put("f007", "{ $.a = 1 }")), "ok", "a change is no further filter");
    assert_eq!(stage.filters(json!({})).len(), 100);
    assert_eq!(stage.filters(json!({ "filterNamePrefix": "f09", "limit": 3 })).len(), 10);
    assert_eq!(stage.filters(json!({ "metricName": "f001", "metricNamespace": "Trail" })), ["f001"]);
}

#[test]
fn what_is_not_there_is_told() {
    let mut stage = Stage::new();
    let mut elsewhere = filter("one", "");
    elsewhere["logGroupName"] = json!("other");
    assert_eq!(code(stage.ask("PutMetricFilter", elsewhere.clone())), "ResourceNotFoundException");
    let other = json!({ "logGroupName": "other" });
    assert_eq!(code(stage.ask("DescribeMetricFilters", other.clone())), "ResourceNotFoundException");
    assert_eq!(code(stage.ask("DeleteLogGroup", other)), "ResourceNotFoundException");
    let one = json!({ "logGroupName": GROUP, "filterName": "one" });
    assert_eq!(code(stage.ask("DeleteMetricFilter", one.clone())), "ResourceNotFoundException");
    stage.put("one", "").unwrap();
    assert_eq!(code(stage.ask("DeleteMetricFilter", one)), "ok");
    assert_eq!(stage.filters(json!({})), [""; 0]);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut stage = Stage::new();
    for (field, value) in [
        ("filterName", json!("a:b")),
        ("filterName", json!("")),
        ("filterPattern", json!("x".repeat(1_025))),
        ("logGroupName", json!("a b")),
        ("metricTransformations", json!([])),
        (
            "metricTransformations",
            json!([{ "metricName": "a$", "metricNamespace": "b", "metricValue": "1" }]),
        ),
        ("metricTransformations", json!([{ "metricName": "a", "metricNamespace": "b" }])),
    ] {
        let mut input = filter("one", "");
        input[field] = value.clone();
        assert_eq!(code(stage.ask("PutMetricFilter", input)), "InvalidParameterException", "{field} {value}");
    }
    let half = json!({ "metricName": "a" });
    assert_eq!(code(stage.ask("DescribeMetricFilters", half)), "InvalidParameterException");
    assert_eq!(
        code(stage.ask("CreateLogGroup", json!({ "logGroupName": GROUP }))),
        "ResourceAlreadyExistsException"
    );
}

#[test]
fn groups_are_listed_with_how_many_filters_they_have() {
    let mut stage = Stage::new();
    stage.put("one", "").unwrap();
    let told = stage.ask("DescribeLogGroups", json!({ "logGroupNamePrefix": "trail" })).unwrap();
    assert_eq!(told["logGroups"][0]["metricFilterCount"], 1);
    assert_eq!(told["logGroups"][0]["arn"], "arn:aws:logs:us-east-1:111111111111:log-group:trail/logs:*");
}
