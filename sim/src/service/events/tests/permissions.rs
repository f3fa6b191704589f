//! Which permission each operation asks for: on what, with which keys.

use serde_json::json;

use super::*;
use crate::call::Session;

const PATTERN: &str = r#"{"source":["app"]}"#;
const RULE: &str = "arn:aws:events:us-east-1:111111111111:rule/a";
const BUS: &str = "arn:aws:events:us-east-1:111111111111:event-bus/default";
const LAMBDA: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";
const ROLE: &str = "arn:aws:iam::111111111111:role/r";

/// Asks as a session of a role that may do what the statements say.
fn ask_with(world: &mut World, statements: &Value, operation: &str, input: Value) -> Result<Value, Refusal> {
    let role_arn = role(world, HOME, "caller");
    let policy = document(&json!({ "Version": "2012-10-17", "Statement": statements }));
    let now = world.now();
    let iam = world.account(HOME).iam.write(now, SignedDuration::ZERO);
    let caller = iam.roles.get_mut("caller").unwrap();
    caller.inline = BTreeMap::from([("rights".to_owned(), policy)]);
    let session = Session {
        role_name: "caller".to_owned(),
        role_id: caller.id.clone(),
        role_arn,
        name: "session".to_owned(),
        token: "token".to_owned(),
        expires_at: Timestamp::MAX,
        policies: Vec::new(),
        source_identity: None,
        chained: false,
    };
    let mut call = call(HOME, operation, input);
    call.caller.principal = Principal::Session(Arc::new(session));
    super::super::perform(world, &call)
}

fn allow(action: &str, resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": action, "Resource": resource })
}

fn allow_if(action: &str, resource: &str, condition: Value) -> Value {
    let mut statement = allow(action, resource);
    statement["Condition"] = condition;
    statement
}

fn prepared() -> World {
    let mut world = world();
    let input = json!({ "Name": "a", "EventPattern": PATTERN, "Tags": [{ "Key": "owner", "Value": "me" }] });
    ask(&mut world, "PutRule", input).unwrap();
    role(&mut world, HOME, "r");
    world
}

#[test]
fn each_operation_asks_for_its_own_action_on_its_own_resource() {
    let rule = json!({ "Name": "a" });
    let targets = json!({ "Rule": "a", "Targets": [{ "Id": "1", "Arn": LAMBDA }] });
    let entry = json!({ "Entries": [{ "Source": "app", "DetailType": "t", "Detail": "{}" }] });
    let grant = json!({ "Action": "events:PutEvents", "Principal": "*", "StatementId": "x" });
    let tag = json!({ "ResourceARN": RULE, "Tags": [{ "Key": "a", "Value": "b" }] });
    let table = [
        ("PutRule", json!({ "Name": "a", "EventPattern": PATTERN }), RULE),
        ("DescribeRule", rule.clone(), RULE),
        ("EnableRule", rule.clone(), RULE),
        ("DisableRule", rule.clone(), RULE),
        ("DeleteRule", rule, RULE),
        ("PutTargets", targets, RULE),
        ("RemoveTargets", json!({ "Rule": "a", "Ids": ["1"] }), RULE),
        ("ListTargetsByRule", json!({ "Rule": "a" }), RULE),
        ("TagResource", tag, RULE),
        ("UntagResource", json!({ "ResourceARN": RULE, "TagKeys": ["a"] }), RULE),
        ("ListTagsForResource", json!({ "ResourceARN": RULE }), RULE),
        ("DescribeEventBus", json!({}), BUS),
        ("UpdateEventBus", json!({ "Name": "default" }), BUS),
        ("PutEvents", entry, BUS),
        ("ListRules", json!({}), "*"),
        ("ListEventBuses", json!({}), "*"),
        ("ListRuleNamesByTarget", json!({ "TargetArn": LAMBDA }), "*"),
        ("PutPermission", grant, "*"),
        ("RemovePermission", json!({ "RemoveAllPermissions": true }), "*"),
    ];
    for (operation, input, resource) in table {
        let action = format!("events:{operation}");
        let allowed = json!([allow(&action, resource)]);
        let result = ask_with(&mut prepared(), &allowed, operation, input.clone());
        assert!(result.is_ok(), "{operation}: {result:?}");
        for denied in [
            json!([allow("events:Nothing", "*")]),
            json!([allow(&action, "arn:aws:events:us-east-1:111111111111:rule/other")]),
        ] {
            let result = ask_with(&mut prepared(), &denied, operation, input.clone());
            assert_eq!(code(result), "AccessDeniedException", "{operation} with {denied}");
        }
    }
}

#[test]
fn conditions_see_what_the_call_is_about() {
    let put_rule = |tags: Value| json!({ "Name": "a", "EventPattern": PATTERN, "Tags": tags });
    let new_rule = |tags: Value| json!({ "Name": "new", "EventPattern": PATTERN, "Tags": tags });
    let targets = json!({ "Rule": "a", "Targets": [{ "Id": "1", "Arn": LAMBDA }] });
    let entries =
        |source: &str| json!({ "Entries": [{ "Source": source, "DetailType": "t", "Detail": "{}" }] });
    let mine = json!([{ "Key": "owner", "Value": "me" }]);
    let equals = |key: &str, value: &str| json!({ "StringEquals": { key: value } });
    let each = |key: &str, value: &str| json!({ "ForAllValues:StringEquals": { key: value } });
    let table = [
        ("PutTargets", targets.clone(), each("events:TargetArn", LAMBDA), true),
        ("PutTargets", targets.clone(), each("events:TargetArn", BUS), false),
        ("PutTargets", targets.clone(), equals("events:creatorAccount", HOME), true),
        ("PutTargets", targets.clone(), equals("events:creatorAccount", AWAY), false),
        ("PutTargets", targets, equals("aws:ResourceTag/owner", "you"), false),
        ("PutRule", put_rule(json!([])), equals("aws:ResourceTag/owner", "me"), true),
        ("PutRule", put_rule(json!([])), each("events:source", "app"), true),
        ("PutRule", put_rule(json!([])), each("events:source", "aws.iam"), false),
        ("PutRule", new_rule(mine.clone()), equals("aws:RequestTag/owner", "me"), true),
        ("PutRule", new_rule(mine.clone()), equals("aws:RequestTag/owner", "you"), false),
        ("PutRule", new_rule(mine.clone()), each("aws:TagKeys", "owner"), true),
        ("PutRule", new_rule(mine), each("aws:TagKeys", "cost"), false),
        ("PutEvents", entries("app"), equals("events:source", "app"), true),
        ("PutEvents", entries("app"), equals("events:source", "other"), false),
        ("PutEvents", entries("app"), json!({ "Bool": { "events:eventBusInvocation": "false" } }), true),
        ("PutEvents", entries("app"), json!({ "Bool": { "events:eventBusInvocation": "true" } }), false),
    ];
    for (operation, input, condition, allowed) in table {
        let statements = json!([allow_if("events:*", "*", condition.clone())]);
        let result = ask_with(&mut prepared(), &statements, operation, input);
        assert_eq!(result.is_ok(), allowed, "{operation} if {condition}: {result:?}");
    }
}

#[test]
fn tags_of_a_new_rule_need_a_permission_of_their_own() {
    let statements = json!([allow("events:PutRule", "*")]);
    let tags = json!([{ "Key": "owner", "Value": "me" }]);
    let tagged = |name: &str| json!({ "Name": name, "EventPattern": PATTERN, "Tags": tags });
    let new = ask_with(&mut prepared(), &statements, "PutRule", tagged("new"));
    assert_eq!(code(new), "AccessDeniedException");
    ask_with(&mut prepared(), &statements, "PutRule", tagged("a")).unwrap();
}

#[test]
fn a_role_must_be_passed_to_the_service() {
    let targets = json!({ "Rule": "a", "Targets": [{ "Id": "1", "Arn": LAMBDA, "RoleArn": ROLE }] });
    let to = |service: &str| json!({ "StringEquals": { "iam:PassedToService": service } });
    let table = [
        (allow("iam:Nothing", "*"), false),
        (allow("iam:PassRole", ROLE), true),
        (allow("iam:PassRole", "arn:aws:iam::111111111111:role/s"), false),
        (allow_if("iam:PassRole", ROLE, to("events.amazonaws.com")), true),
        (allow_if("iam:PassRole", ROLE, to("lambda.amazonaws.com")), false),
    ];
    for (pass, allowed) in table {
        let statements = json!([allow("events:*", "*"), pass]);
        let result = ask_with(&mut prepared(), &statements, "PutTargets", targets.clone());
        assert_eq!(result.is_ok(), allowed, "{pass}: {result:?}");
        let rule = json!({ "Name": "a", "EventPattern": PATTERN, "RoleArn": ROLE });
        let result = ask_with(&mut prepared(), &statements, "PutRule", rule);
        assert_eq!(result.is_ok(), allowed, "PutRule, {pass}: {result:?}");
    }
}
