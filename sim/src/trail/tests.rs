use serde_json::{Value, json};

use super::*;
use crate::seed::staged::{call, world};
use crate::seed::{Plan, Seeded};

fn everyone(_: &World, _: &str, _: &str, _: bool) -> bool {
    true
}

fn left_by(world: &mut World, call: &Call) -> Vec<Left> {
    events(world, call, &Ok(Value::Null), everyone)
}

fn create_user(world: &World, account: &str) -> Call {
    call(world, account, Service::Iam, "CreateUser", json!({ "UserName": "eve", "Tags": [{ "Key": "A" }] }))
}

fn trail<'a>(world: &'a mut World, seeded: &Seeded) -> &'a mut Trail {
    &mut world.account(&seeded.management_account_id).trails[0]
}

#[test]
fn a_call_leaves_its_event_in_the_callers_account() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    let mut call = create_user(&world, &member);
    call.region = "eu-west-1".to_owned();
    let left = left_by(&mut world, &call);
    assert_eq!(left.len(), 1);
    // IAM is global: the Region of the call does not matter.
    assert_eq!((left[0].account.as_str(), left[0].region.as_str()), (member.as_str(), "us-east-1"));
    let event = &left[0].event;
    assert_eq!(event["detail-type"], "AWS API Call via CloudTrail");
    assert_eq!(event["source"], "aws.iam");
    assert_eq!(event["time"], "2026-11-20T12:00:00Z");
    let detail = &event["detail"];
    assert_eq!(detail["eventSource"], "iam.amazonaws.com");
    assert_eq!(detail["eventName"], "CreateUser");
    assert_eq!(detail["requestParameters"], json!({ "userName": "eve", "tags": [{ "key": "A" }] }));
    assert_eq!(detail["readOnly"], false);
    assert_eq!(detail["errorCode"], Value::Null);
    assert_eq!(detail["recipientAccountId"], member);
    let identity = &detail["userIdentity"];
    assert_eq!(identity["type"], "AssumedRole");
    let arn = format!("arn:aws:sts::{member}:assumed-role/OrganizationAccountAccessRole/tester");
    assert_eq!(identity["arn"], arn);
    assert_eq!(identity["sessionContext"]["sourceIdentity"], "alice");
    let issuer = format!("arn:aws:iam::{member}:role/OrganizationAccountAccessRole");
    assert_eq!(identity["sessionContext"]["sessionIssuer"]["arn"], issuer);
}

#[test]
fn without_a_logging_trail_there_is_no_event() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    let call = create_user(&world, &member);
    trail(&mut world, &seeded).logging = false;
    assert!(left_by(&mut world, &call).is_empty());
    world.account(&member).trails.push(Trail::new("aws", &member, "us-east-1", "own"));
    assert_eq!(left_by(&mut world, &call).len(), 1);
    // A trail of its own that lives elsewhere sees no global service.
    world.account(&member).trails[0].home_region = "eu-west-1".to_owned();
    assert!(left_by(&mut world, &call).is_empty());
    world.account(&member).trails[0].multi_region = true;
    assert_eq!(left_by(&mut world, &call).len(), 1);
    world.account(&member).trails[0].global_events = false;
    assert!(left_by(&mut world, &call).is_empty());
}

#[test]
fn an_organization_trail_reaches_members_only() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    let call = create_user(&world, &member);
    trail(&mut world, &seeded).organization = false;
    assert!(left_by(&mut world, &call).is_empty());
    trail(&mut world, &seeded).organization = true;
    assert_eq!(left_by(&mut world, &call).len(), 1);
    organizations::depart(&mut world, &member);
    assert!(left_by(&mut world, &call).is_empty());
}

#[test]
fn regional_services_leave_events_where_they_are_called() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    let mut call = call(&world, &member, Service::Events, "PutRule", json!({ "Name": "r" }));
    call.region = "eu-west-1".to_owned();
    trail(&mut world, &seeded).global_events = false;
    assert_eq!(left_by(&mut world, &call)[0].region, "eu-west-1");
    trail(&mut world, &seeded).multi_region = false;
    assert!(left_by(&mut world, &call).is_empty());
}

#[test]
fn organizations_is_heard_in_its_own_region() {
    let partition = crate::partition::by_name("aws-cn").unwrap();
    let (mut world, seeded) = world(&Plan { partition, ..Plan::default() });
    let management = seeded.management_account_id.clone();
    let asked =
        call(&world, &management, Service::Organizations, "CreateAccount", json!({ "Email": "a@b.c" }));
    let left = left_by(&mut world, &asked);
    assert_eq!(left[0].region, "cn-northwest-1");
    assert_eq!(left[0].event["detail"]["requestParameters"]["email"], "****");
    let asked = create_user(&world, &management);
    assert_eq!(left_by(&mut world, &asked)[0].region, "cn-north-1");
}

#[test]
fn selectors_choose_reads_writes_and_sources() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    let write = create_user(&world, &member);
    let read = call(&world, &member, Service::Iam, "GetUser", json!({}));
    let classic = |value: Value| Selectors::classic(&[value]);
    let advanced = |fields: Value| Selectors::advanced(&[json!({ "FieldSelectors": fields })]);
    let category = json!({ "Field": "eventCategory", "Equals": ["Management"] });
    let data = json!({ "Field": "eventCategory", "Equals": ["Data"] });
    let cases = [
        (classic(json!({ "ReadWriteType": "All" })), true, true),
        (classic(json!({ "ReadWriteType": "WriteOnly" })), true, false),
        (classic(json!({ "ReadWriteType": "ReadOnly" })), false, true),
        (classic(json!({ "IncludeManagementEvents": false })), false, false),
        (classic(json!({ "ExcludeManagementEventSources": ["kms.amazonaws.com"] })), true, true),
        (advanced(json!([category])), true, true),
        (advanced(json!([data])), false, false),
        (advanced(json!([category, { "Field": "readOnly", "Equals": ["false"] }])), true, false),
        (advanced(json!([category, { "Field": "eventName", "NotStartsWith": ["Create"] }])), false, true),
        (advanced(json!([category, { "Field": "eventName", "EndsWith": ["User"] }])), true, true),
    ];
    for (selectors, writes, reads) in cases {
        let selectors = selectors.unwrap();
        trail(&mut world, &seeded).selectors = selectors.clone();
        assert_eq!(!left_by(&mut world, &write).is_empty(), writes, "{selectors:?}");
        assert_eq!(!left_by(&mut world, &read).is_empty(), reads, "{selectors:?}");
    }
    assert!(classic(json!({ "ExcludeManagementEventSources": ["iam.amazonaws.com"] })).is_err());
    assert!(advanced(json!([{ "Field": "readOnly", "Equals": ["true"] }])).is_err());
    assert!(
        advanced(json!([category, { "Field": "eventSource", "Equals": ["iam.amazonaws.com"] }])).is_err()
    );
}

#[test]
fn refused_calls_are_told_with_their_error_and_throttled_ones_not_at_all() {
    let (mut world, seeded) = world(&Plan::default());
    let call = create_user(&world, &seeded.member_ids[0]);
    let told = |world: &mut World, status, code: &str| {
        let left = events(world, &call, &Err(Refusal::new(status, code, "why")), everyone);
        left.first().map(|left| left.event["detail"]["errorCode"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(told(&mut world, 403, "AccessDenied").as_deref(), Some("AccessDenied"));
    assert_eq!(told(&mut world, 404, "NoSuchEntity").as_deref(), Some("NoSuchEntityException"));
    for (status, code) in [
        (400, "Throttling"),
        (403, "InvalidClientTokenId"),
        (403, "ExpiredToken"),
        (503, "ServiceUnavailable"),
    ] {
        assert_eq!(told(&mut world, status, code), None, "{code}");
    }
}

#[test]
fn data_events_are_not_told() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    for (service, operation) in
        [(Service::Events, "PutEvents"), (Service::Sns, "Publish"), (Service::Sqs, "ReceiveMessage")]
    {
        let call = call(&world, &member, service, operation, json!({}));
        assert!(left_by(&mut world, &call).is_empty(), "{operation}");
    }
}

#[test]
fn assume_role_is_told_in_both_accounts() {
    let (mut world, seeded) = world(&Plan::default());
    let (from, to) = (seeded.central_account_id.clone(), seeded.member_ids[0].clone());
    let input = json!({ "RoleArn": format!("arn:aws:iam::{to}:role/x"), "RoleSessionName": "s" });
    let call = call(&world, &from, Service::Sts, "AssumeRole", input);
    let left = left_by(&mut world, &call);
    let accounts: Vec<_> = left.iter().map(|left| left.account.clone()).collect();
    assert_eq!(accounts, [from.clone(), to.clone()]);
    let (own, other) = (&left[0].event["detail"], &left[1].event["detail"]);
    assert_eq!(own["sharedEventID"], other["sharedEventID"]);
    assert_ne!(own["eventID"], other["eventID"]);
    assert_eq!(own["userIdentity"]["type"], "AssumedRole");
    assert_eq!(other["userIdentity"]["type"], "AWSAccount");
    assert_eq!(own["readOnly"], true);
    let denied = events(&mut world, &call, &Err(Refusal::new(403, "AccessDenied", "no")), everyone);
    assert_eq!(denied.len(), 1);
}

#[test]
fn nobody_hears_where_an_account_holds_nothing() {
    let (mut world, seeded) = world(&Plan::default());
    let member = seeded.member_ids[0].clone();
    assert!(!hears(&world, &member, "us-east-1", false));
    world.regional(&member, "us-east-1");
    assert!(hears(&world, &member, "us-east-1", false));
    assert!(!hears(&world, &member, "us-east-1", true));
}

#[test]
fn a_service_event_needs_the_trail_too() {
    let (mut world, seeded) = world(&Plan::default());
    let management = seeded.management_account_id.clone();
    let at = world.now();
    let name = "AccountJoinedOrganization";
    let left = service_event(&mut world, &management, name, at, json!({ "a": 1 }), everyone).unwrap();
    assert_eq!(left.event["detail-type"], "AWS Service Event via CloudTrail");
    assert_eq!(left.event["source"], "aws.organizations");
    assert_eq!(left.event["detail"]["eventName"], name);
    assert_eq!(left.event["detail"]["serviceEventDetails"], json!({ "a": 1 }));
    trail(&mut world, &seeded).logging = false;
    assert!(service_event(&mut world, &management, name, at, json!({}), everyone).is_none());
}

#[test]
fn the_keys_of_maps_keep_their_spelling() {
    let (mut world, seeded) = world(&Plan::default());
    let input =
        json!({ "TopicArn": "t", "Attributes": { "DisplayName": "x" }, "Inner": { "Name": [{ "Id": 1 }] } });
    let call = call(&world, &seeded.member_ids[0], Service::Sns, "CreateTopic", input);
    let left = left_by(&mut world, &call);
    let expected =
        json!({ "topicArn": "t", "attributes": { "DisplayName": "x" }, "inner": { "name": [{ "id": 1 }] } });
    assert_eq!(left[0].event["detail"]["requestParameters"], expected);
}
