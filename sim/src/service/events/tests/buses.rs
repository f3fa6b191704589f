use serde_json::json;

use super::*;

fn policy(world: &mut World, bus: &str) -> Value {
    let bus = ask(world, "DescribeEventBus", json!({ "Name": bus })).unwrap();
    bus["Policy"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

#[test]
fn every_account_has_its_default_bus() {
    let mut world = world();
    let bus = ask(&mut world, "DescribeEventBus", json!({})).unwrap();
    let arn = format!("arn:aws:events:{REGION}:{HOME}:event-bus/default");
    assert_eq!(bus, json!({ "Name": "default", "Arn": arn }));
    let buses = ask(&mut world, "ListEventBuses", json!({})).unwrap();
    assert_eq!(buses["EventBuses"], json!([{ "Name": "default", "Arn": arn }]));
    assert!(world.accounts.is_empty(), "reading writes nothing");
    assert_eq!(code(ask(&mut world, "DeleteEventBus", json!({ "Name": "default" }))), "ValidationException");
}

#[test]
fn a_bus_is_made_changed_and_deleted() {
    let mut world = world();
    let input = json!({ "Name": "b", "Description": "mine", "Tags": [{ "Key": "a", "Value": "b" }] });
    let arn = format!("arn:aws:events:{REGION}:{HOME}:event-bus/b");
    let answer = ask(&mut world, "CreateEventBus", input.clone()).unwrap();
    assert_eq!(answer, json!({ "EventBusArn": arn, "Description": "mine" }));
    assert_eq!(code(ask(&mut world, "CreateEventBus", input)), "ResourceAlreadyExistsException");
    ask(&mut world, "UpdateEventBus", json!({ "Name": "b", "LogConfig": { "Level": "ERROR" } })).unwrap();
    let bus = ask(&mut world, "DescribeEventBus", json!({ "Name": arn })).unwrap();
    assert_eq!((&bus["Description"], &bus["LogConfig"]["Level"]), (&json!("mine"), &json!("ERROR")));
    assert!(bus["CreationTime"].is_number());
    let tags = ask(&mut world, "ListTagsForResource", json!({ "ResourceARN": arn })).unwrap();
    assert_eq!(tags["Tags"], json!([{ "Key": "a", "Value": "b" }]));

    rule(&mut world, HOME, "b", "r");
    let described = ask(&mut world, "DescribeRule", json!({ "Name": "r", "EventBusName": arn })).unwrap();
    assert_eq!(described["Arn"], format!("arn:aws:events:{REGION}:{HOME}:rule/b/r"));
    assert_eq!(code(ask(&mut world, "DeleteEventBus", json!({ "Name": "b" }))), "ValidationException");
    ask(&mut world, "DeleteRule", json!({ "Name": "r", "EventBusName": "b" })).unwrap();
    ask(&mut world, "DeleteEventBus", json!({ "Name": "b" })).unwrap();
    ask(&mut world, "DeleteEventBus", json!({ "Name": "b" })).unwrap();
    let gone = ask(&mut world, "DescribeEventBus", json!({ "Name": "b" })).unwrap_err();
    assert_eq!(
        (gone.code.as_str(), gone.message.as_str()),
        ("ResourceNotFoundException", "Event bus b does not exist.")
    );
}

#[test]
fn what_is_no_name_of_a_bus() {
    let mut world = world();
    for name in ["a/b", "a b", ""] {
        assert_eq!(
            code(ask(&mut world, "CreateEventBus", json!({ "Name": name }))),
            "ValidationException",
            "{name}"
        );
    }
    let default = json!({ "Name": "default" });
    assert_eq!(code(ask(&mut world, "CreateEventBus", default)), "ResourceAlreadyExistsException");
}

#[test]
fn a_statement_is_added_to_the_policy_and_an_account_becomes_its_root() {
    let mut world = world();
    let grant = |id: &str, principal: &str| json!({ "Action": "events:PutEvents", "Principal": principal, "StatementId": id });
    ask(&mut world, "PutPermission", grant("one", AWAY)).unwrap();
    let mut organization = grant("org", "*");
    organization["Condition"] =
        json!({ "Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1" });
    ask(&mut world, "PutPermission", organization).unwrap();
    ask(&mut world, "PutPermission", grant("one", AWAY)).unwrap();
    let bus = format!("arn:aws:events:{REGION}:{HOME}:event-bus/default");
    let wanted = json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "one", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::222222222222:root" },
          "Action": "events:PutEvents", "Resource": bus },
        { "Sid": "org", "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": bus,
          "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-1" } } },
    ] });
    assert_eq!(policy(&mut world, "default"), wanted);
    ask(&mut world, "RemovePermission", json!({ "StatementId": "one" })).unwrap();
    assert_eq!(policy(&mut world, "default")["Statement"].as_array().unwrap().len(), 1);
    let again = ask(&mut world, "RemovePermission", json!({ "StatementId": "one" }));
    assert_eq!(code(again), "ResourceNotFoundException");
    ask(&mut world, "RemovePermission", json!({ "RemoveAllPermissions": true })).unwrap();
    assert_eq!(policy(&mut world, "default"), Value::Null);
}

#[test]
fn a_whole_policy_replaces_what_was_there() {
    let mut world = world();
    let grant = json!({ "Action": "events:PutEvents", "Principal": "*", "StatementId": "one" });
    ask(&mut world, "PutPermission", grant).unwrap();
    let bus = format!("arn:aws:events:{REGION}:{HOME}:event-bus/default");
    let mut whole = json!({ "Version": "2012-10-17", "Statement": {
        "Sid": "two", "Effect": "Allow", "Principal": { "AWS": [AWAY, "arn:aws:iam::333333333333:role/r"] },
        "Action": "events:PutEvents", "Resource": bus,
    } });
    ask(&mut world, "PutPermission", json!({ "Policy": whole.to_string() })).unwrap();
    whole["Statement"]["Principal"]["AWS"][0] = json!("arn:aws:iam::222222222222:root");
    assert_eq!(policy(&mut world, "default"), whole);
    // The other form adds to it.
    let grant = json!({ "Action": "events:PutEvents", "Principal": "*", "StatementId": "one" });
    ask(&mut world, "PutPermission", grant).unwrap();
    let both = policy(&mut world, "default");
    assert_eq!((&both["Statement"][0]["Sid"], &both["Statement"][1]["Sid"]), (&json!("two"), &json!("one")));
}

#[test]
fn what_the_api_refuses_of_a_policy() {
    let bus = format!("arn:aws:events:{REGION}:{HOME}:event-bus/default");
    let statement =
        json!({ "Effect": "Allow", "Principal": "*", "Action": "events:PutEvents", "Resource": bus });
    let many: Vec<_> = (0..100).map(|_| statement.clone()).collect();
    let mut without = statement.clone();
    without.as_object_mut().unwrap().remove("Resource");
    let table = [
        (json!({ "Policy": "x" }), "ValidationException"),
        (json!({ "Policy": json!({ "Statement": [] }).to_string() }), "ValidationException"),
        (json!({ "Policy": json!({ "Statement": [without] }).to_string() }), "ValidationException"),
        (
            json!({ "Policy": json!({ "Version": "2012-10-17", "Statement": many }).to_string() }),
            "PolicyLengthExceededException",
        ),
        (
            json!({ "Policy": json!({ "Statement": [statement] }).to_string(), "Principal": "*" }),
            "ValidationException",
        ),
        (json!({ "Action": "events:PutRule", "Principal": "*", "StatementId": "a" }), "ValidationException"),
        (
            json!({ "Action": "events:PutEvents", "Principal": "me", "StatementId": "a" }),
            "ValidationException",
        ),
        (
            json!({ "Action": "events:PutEvents", "Principal": "*", "StatementId": "a b" }),
            "ValidationException",
        ),
        (json!({ "Action": "events:PutEvents", "Principal": "*" }), "ValidationException"),
        (
            json!({ "Action": "events:PutEvents", "Principal": "*", "StatementId": "a",
                 "Condition": { "Type": "StringLike", "Key": "aws:PrincipalOrgID", "Value": "*" } }),
            "ValidationException",
        ),
        (
            json!({ "Action": "events:PutEvents", "Principal": "*", "StatementId": "a", "EventBusName": "none" }),
            "ResourceNotFoundException",
        ),
    ];
    for (input, wanted) in table {
        let mut world = world();
        assert_eq!(code(ask(&mut world, "PutPermission", input.clone())), wanted, "{input}");
        assert_eq!(policy(&mut world, "default"), Value::Null);
    }
}

#[test]
fn each_entry_of_put_events_succeeds_or_fails_by_itself() {
    let mut world = world();
    let entry = |source: &str, detail: &str| json!({ "Source": source, "DetailType": "t", "Detail": detail });
    let entries = json!([
        entry("app", "{}"), entry("aws.iam", "{}"), entry("app", "x"), entry("app", "[]"),
        { "Source": "app", "Detail": "{}" },
    ]);
    let answer = ask(&mut world, "PutEvents", json!({ "Entries": entries })).unwrap();
    assert_eq!(answer["FailedEntryCount"], 4);
    assert!(answer["Entries"][0]["EventId"].is_string());
    let codes: Vec<_> = answer["Entries"].as_array().unwrap()[1..]
        .iter()
        .map(|entry| entry["ErrorCode"].as_str().unwrap())
        .collect();
    let wanted = ["NotAuthorizedForSourceException", "MalformedDetail", "MalformedDetail", "InvalidArgument"];
    assert_eq!(codes, wanted);
    for count in [0, 11] {
        let entries: Vec<_> = (0..count).map(|_| entry("app", "{}")).collect();
        assert_eq!(code(ask(&mut world, "PutEvents", json!({ "Entries": entries }))), "ValidationException");
    }
}
