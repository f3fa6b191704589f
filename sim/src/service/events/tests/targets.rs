use jiff::SignedDuration;
use serde_json::json;

use super::*;

const LAMBDA: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";
const FOREIGN_BUS: &str = "arn:aws:events:eu-west-1:222222222222:event-bus/default";

fn put(world: &mut World, targets: Value) -> Result<Value, Refusal> {
    ask(world, "PutTargets", json!({ "Rule": "a", "Targets": targets }))
}

fn listed(world: &mut World) -> Value {
    ask(world, "ListTargetsByRule", json!({ "Rule": "a" })).unwrap()["Targets"].clone()
}

/// A world with a rule, a role for it and a bus of another account that is open to everybody.
fn prepared() -> (World, String) {
    let mut world = world();
    rule(&mut world, HOME, "default", "a");
    let role = role(&mut world, HOME, "r");
    let mut open = call(
        AWAY,
        "PutPermission",
        json!({
            "Action": "events:PutEvents", "Principal": HOME, "StatementId": "home",
        }),
    );
    open.region = "eu-west-1".to_owned();
    super::super::perform(&mut world, &open).unwrap();
    (world, role)
}

#[test]
fn a_target_is_read_back_as_it_was_given() {
    let (mut world, role) = prepared();
    let target = json!({
        "Id": "bus", "Arn": FOREIGN_BUS, "RoleArn": role,
        "RetryPolicy": { "MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60 },
        "DeadLetterConfig": { "Arn": "arn:aws:sqs:us-east-1:222222222222:dead" },
    });
    let answer = put(&mut world, json!([target])).unwrap();
    assert_eq!(answer, json!({ "FailedEntryCount": 0, "FailedEntries": [] }));
    assert_eq!(listed(&mut world), json!([target]));
    let rules = ask(&mut world, "ListRuleNamesByTarget", json!({ "TargetArn": FOREIGN_BUS })).unwrap();
    assert_eq!(rules["RuleNames"], json!(["a"]));
}

#[test]
fn what_the_api_refuses_of_a_target() {
    let table = [
        (json!({ "Arn": LAMBDA }), "ValidationException"),
        (json!({ "Id": "1" }), "ValidationException"),
        (json!({ "Id": "a b", "Arn": LAMBDA }), "ValidationException"),
        (json!({ "Id": "1", "Arn": "f" }), "ValidationException"),
        (json!({ "Id": "1", "Arn": FOREIGN_BUS }), "ValidationException"),
        (json!({ "Id": "1", "Arn": FOREIGN_BUS, "RoleArn": "R", "Input": "{}" }), "ValidationException"),
        (json!({ "Id": "1", "Arn": "arn:aws:sns:us-east-1:222222222222:t" }), "ValidationException"),
        (json!({ "Id": "1", "Arn": "arn:aws:sns:eu-west-1:111111111111:t" }), "ValidationException"),
        (json!({ "Id": "1", "Arn": "arn:aws-cn:sns:us-east-1:111111111111:t" }), "ValidationException"),
        (
            json!({ "Id": "1", "Arn": LAMBDA, "RoleArn": "arn:aws:iam::222222222222:role/r" }),
            "AccessDeniedException",
        ),
        (json!({ "Id": "1", "Arn": LAMBDA, "Input": "x".repeat(8_193) }), "ValidationException"),
        (
            json!({ "Id": "1", "Arn": LAMBDA, "RetryPolicy": { "MaximumRetryAttempts": 186 } }),
            "ValidationException",
        ),
        (
            json!({ "Id": "1", "Arn": LAMBDA, "RetryPolicy": { "MaximumEventAgeInSeconds": 59 } }),
            "ValidationException",
        ),
        (
            json!({ "Id": "1", "Arn": LAMBDA, "DeadLetterConfig": { "Arn": "arn:aws:sqs:eu-west-1:111111111111:q" } }),
            "ValidationException",
        ),
        (json!({ "Id": "1", "Arn": LAMBDA, "DeadLetterConfig": { "Arn": LAMBDA } }), "ValidationException"),
    ];
    for (mut target, wanted) in table {
        let (mut world, role) = prepared();
        if target["RoleArn"] == "R" {
            target["RoleArn"] = json!(role);
        }
        assert_eq!(code(put(&mut world, json!([target]))), wanted, "{target}");
        assert_eq!(listed(&mut world), json!([]));
    }
}

#[test]
fn a_rule_has_five_targets_at_most() {
    let (mut world, _) = prepared();
    let target = |number: usize| json!({ "Id": number.to_string(), "Arn": LAMBDA });
    put(&mut world, Value::Array((0..5).map(target).collect())).unwrap();
    assert_eq!(code(put(&mut world, json!([target(5)]))), "LimitExceededException");
    put(&mut world, json!([target(4)])).unwrap();
    assert_eq!(code(put(&mut world, Value::Array((0..11).map(target).collect()))), "ValidationException");
    assert_eq!(code(put(&mut world, json!([]))), "ValidationException");
}

#[test]
fn a_call_without_a_role_does_not_take_it_from_a_bus_of_another_account() {
    let (mut world, role) = prepared();
    let target = json!({ "Id": "1", "Arn": FOREIGN_BUS, "RoleArn": role });
    put(&mut world, json!([target])).unwrap();
    put(&mut world, json!([{ "Id": "1", "Arn": FOREIGN_BUS }])).unwrap();
    assert_eq!(listed(&mut world)[0]["RoleArn"], json!(role));
    // Under another id it is another target, and a target in the own account does lose its role.
    assert_eq!(code(put(&mut world, json!([{ "Id": "2", "Arn": FOREIGN_BUS }]))), "ValidationException");
    put(&mut world, json!([{ "Id": "3", "Arn": LAMBDA, "RoleArn": role }])).unwrap();
    put(&mut world, json!([{ "Id": "3", "Arn": LAMBDA }])).unwrap();
    assert_eq!(listed(&mut world)[1], json!({ "Id": "3", "Arn": LAMBDA }));
}

#[test]
fn a_role_that_was_just_made_is_refused_until_it_can_be_assumed() {
    let mut world = world();
    world.lags.role = SignedDuration::from_secs(10);
    rule(&mut world, HOME, "default", "a");
    let role = role(&mut world, HOME, "r");
    let target = json!([{ "Id": "1", "Arn": LAMBDA, "RoleArn": role }]);
    let refusal = put(&mut world, target.clone()).unwrap_err();
    assert_eq!(refusal.code, "ValidationException");
    let wanted = format!("Provided role '{role}' cannot be assumed by principal 'events.amazonaws.com'.");
    assert_eq!(refusal.message, wanted);
    advance(&mut world, 10);
    put(&mut world, target).unwrap();
}

#[test]
fn a_bus_that_is_not_there_is_no_target() {
    let (mut world, role) = prepared();
    let missing = FOREIGN_BUS.replace("default", "none");
    let target = json!([{ "Id": "1", "Arn": missing, "RoleArn": role }]);
    assert_eq!(code(put(&mut world, target.clone())), "AccessDeniedException");
    world.events.checks_destination = false;
    put(&mut world, target).unwrap();
}

#[test]
fn events_do_not_cross_regions_in_china() {
    let (mut world, role) = prepared();
    world.partition = partition::by_name("aws-cn").unwrap();
    let role = role.replace("arn:aws:", "arn:aws-cn:");
    let bus = "arn:aws-cn:events:cn-northwest-1:111111111111:event-bus/default";
    let refusal = put(&mut world, json!([{ "Id": "1", "Arn": bus, "RoleArn": role }])).unwrap_err();
    assert_eq!(refusal.message, "Cross-region api call is not allowed.");
}

#[test]
fn an_entry_can_fail_in_an_answer_that_is_a_success() {
    let (mut world, _) = prepared();
    world.events.failing_entries = 1;
    let targets = json!([{ "Id": "1", "Arn": LAMBDA }, { "Id": "2", "Arn": LAMBDA }]);
    let answer = put(&mut world, targets.clone()).unwrap();
    assert_eq!(answer["FailedEntryCount"], 1);
    assert_eq!(answer["FailedEntries"][0]["TargetId"], "1");
    assert_eq!(answer["FailedEntries"][0]["ErrorCode"], "ConcurrentModificationException");
    assert_eq!(listed(&mut world), json!([{ "Id": "2", "Arn": LAMBDA }]));
    assert_eq!(put(&mut world, targets).unwrap()["FailedEntryCount"], 0);
    world.events.failing_entries = 1;
    let answer = ask(&mut world, "RemoveTargets", json!({ "Rule": "a", "Ids": ["1", "2", "none"] })).unwrap();
    assert_eq!(answer["FailedEntryCount"], 1);
    assert_eq!(listed(&mut world), json!([{ "Id": "1", "Arn": LAMBDA }]));
}

#[test]
fn targets_of_a_rule_that_is_not_there() {
    let mut world = world();
    for (operation, input) in [
        ("PutTargets", json!({ "Rule": "a", "Targets": [{ "Id": "1", "Arn": LAMBDA }] })),
        ("RemoveTargets", json!({ "Rule": "a", "Ids": ["1"] })),
        ("ListTargetsByRule", json!({ "Rule": "a" })),
    ] {
        let refusal = ask(&mut world, operation, input).unwrap_err();
        assert_eq!(refusal.code, "ResourceNotFoundException", "{operation}");
        assert_eq!(refusal.message, "Rule a does not exist on EventBus default.");
    }
}
