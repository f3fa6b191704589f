use serde_json::{Value, json};

use crate::call::{Refusal, Service::CloudTrail};
use crate::seed::staged::{ask, call, refused, world};
use crate::seed::{Plan, Seeded};
use crate::world::World;
use crate::{dispatch, trail};

const NAME: &str = "organization-trail";

fn staged() -> (World, Seeded, String) {
    let (world, seeded) = world(&Plan::default());
    let arn = world.accounts[&seeded.management_account_id].trails[0].arn.clone();
    (world, seeded, arn)
}

fn ask_in(
    world: &mut World,
    account: &str,
    region: &str,
    operation: &str,
    input: Value,
) -> Result<Value, Refusal> {
    let mut call = call(world, account, CloudTrail, operation, input);
    call.region = region.to_owned();
    dispatch::perform(world, &call)
}

fn described(answer: &Value) -> Vec<&str> {
    answer["trailList"].as_array().unwrap().iter().map(|trail| trail["Name"].as_str().unwrap()).collect()
}

#[test]
fn a_member_sees_the_organization_trail_in_every_region() {
    let (mut world, seeded, arn) = staged();
    let member = seeded.member_ids[0].clone();
    for region in ["us-east-1", "eu-west-1"] {
        let answer = ask_in(&mut world, &member, region, "DescribeTrails", json!({})).unwrap();
        assert_eq!(described(&answer), [NAME]);
        let shown = &answer["trailList"][0];
        assert_eq!((&shown["TrailARN"], &shown["HomeRegion"]), (&json!(arn), &json!("us-east-1")));
        assert_eq!(
            (&shown["IsOrganizationTrail"], &shown["IsMultiRegionTrail"]),
            (&json!(true), &json!(true))
        );
    }
    let here = json!({ "includeShadowTrails": false });
    let answer = ask_in(&mut world, &member, "eu-west-1", "DescribeTrails", here).unwrap();
    assert!(described(&answer).is_empty());
    let listed = ask(&mut world, &member, CloudTrail, "ListTrails", json!({})).unwrap();
    assert_eq!(listed["Trails"][0]["TrailARN"], arn);
}

#[test]
fn a_member_names_the_organization_trail_by_its_arn_only() {
    let (mut world, seeded, arn) = staged();
    let member = seeded.member_ids[0].clone();
    let status = ask(&mut world, &member, CloudTrail, "GetTrailStatus", json!({ "Name": arn })).unwrap();
    assert_eq!(status["IsLogging"], true);
    for operation in ["GetTrailStatus", "GetTrail"] {
        let code = refused(&mut world, &member, CloudTrail, operation, json!({ "Name": NAME }));
        assert_eq!(code, "TrailNotFoundException");
    }
    let by_name = json!({ "trailNameList": [NAME] });
    let by_arn = json!({ "trailNameList": [arn] });
    let answer = ask(&mut world, &member, CloudTrail, "DescribeTrails", by_name).unwrap();
    assert!(described(&answer).is_empty());
    let answer = ask_in(&mut world, &member, "eu-west-1", "DescribeTrails", by_arn).unwrap();
    assert_eq!(described(&answer), [NAME]);
    let bad = json!({ "Name": "arn:aws:sns:us-east-1:111122223333:x" });
    assert_eq!(refused(&mut world, &member, CloudTrail, "GetTrail", bad), "CloudTrailARNInvalidException");
}

#[test]
fn a_member_cannot_change_the_organization_trail() {
    let (mut world, seeded, arn) = staged();
    let member = seeded.member_ids[0].clone();
    for operation in ["StopLogging", "StartLogging", "DeleteTrail", "UpdateTrail"] {
        let code = refused(&mut world, &member, CloudTrail, operation, json!({ "Name": arn }));
        assert_eq!(code, "NotOrganizationMasterAccountException", "{operation}");
    }
    let input = json!({ "TrailName": arn, "EventSelectors": [{ "ReadWriteType": "ReadOnly" }] });
    let code = refused(&mut world, &member, CloudTrail, "PutEventSelectors", input);
    assert_eq!(code, "NotOrganizationMasterAccountException");
    let services = world.organization.delegated.entry(member.clone()).or_default();
    services.insert(super::PRINCIPAL.to_owned());
    assert!(ask(&mut world, &member, CloudTrail, "StopLogging", json!({ "Name": arn })).is_ok());
    assert!(!world.accounts[&seeded.management_account_id].trails[0].logging);
}

#[test]
fn selectors_of_an_organization_trail_can_be_hidden_from_members() {
    let (mut world, seeded, arn) = staged();
    let (member, management) = (seeded.member_ids[0].clone(), seeded.management_account_id.clone());
    let input = json!({ "TrailName": arn });
    let answer = ask(&mut world, &member, CloudTrail, "GetEventSelectors", input.clone()).unwrap();
    assert_eq!(answer["EventSelectors"][0]["ReadWriteType"], "All");
    world.organization.hides_selectors = true;
    let code = refused(&mut world, &member, CloudTrail, "GetEventSelectors", input.clone());
    assert_eq!(code, "AccessDeniedException");
    assert!(ask(&mut world, &management, CloudTrail, "GetEventSelectors", input).is_ok());
}

#[test]
fn a_trail_is_changed_in_its_home_region() {
    let (mut world, seeded, arn) = staged();
    let management = seeded.management_account_id.clone();
    for name in [NAME, arn.as_str()] {
        let refusal = ask_in(&mut world, &management, "eu-west-1", "StopLogging", json!({ "Name": name }));
        assert_eq!(refusal.unwrap_err().code, "InvalidHomeRegionException");
    }
    ask(&mut world, &management, CloudTrail, "StopLogging", json!({ "Name": NAME })).unwrap();
    let status = ask_in(&mut world, &management, "eu-west-1", "GetTrailStatus", json!({ "Name": NAME }));
    let status = status.unwrap();
    assert_eq!(status["IsLogging"], false);
    assert_eq!(status["TimeLoggingStopped"], "2026-11-20T12:00:00Z");
}

#[test]
fn a_new_trail_logs_only_when_started() {
    let (mut world, seeded, _) = staged();
    let member = seeded.member_ids[0].clone();
    let input = json!({ "Name": "own", "S3BucketName": "logs", "IsMultiRegionTrail": true });
    let made = ask(&mut world, &member, CloudTrail, "CreateTrail", input.clone()).unwrap();
    let arn = format!("arn:aws:cloudtrail:us-east-1:{member}:trail/own");
    assert_eq!(made["TrailARN"], arn);
    let logging = |world: &mut World| {
        ask(world, &member, CloudTrail, "GetTrailStatus", json!({ "Name": "own" })).unwrap()["IsLogging"]
            .clone()
    };
    assert_eq!(logging(&mut world), false);
    ask(&mut world, &member, CloudTrail, "StartLogging", json!({ "Name": "own" })).unwrap();
    assert_eq!(logging(&mut world), true);
    let code = refused(&mut world, &member, CloudTrail, "CreateTrail", input);
    assert_eq!(code, "TrailAlreadyExistsException");
    ask(&mut world, &member, CloudTrail, "DeleteTrail", json!({ "Name": "own" })).unwrap();
    let code = refused(&mut world, &member, CloudTrail, "GetTrail", json!({ "Name": "own" }));
    assert_eq!(code, "TrailNotFoundException");
}

#[test]
fn what_a_trail_cannot_be_is_refused() {
    let (mut world, seeded, _) = staged();
    let (member, management) = (seeded.member_ids[0].clone(), seeded.management_account_id.clone());
    let organization = json!({ "Name": "second", "S3BucketName": "logs", "IsOrganizationTrail": true });
    let code = refused(&mut world, &member, CloudTrail, "CreateTrail", organization.clone());
    assert_eq!(code, "NotOrganizationMasterAccountException");
    world.organization.service_access.clear();
    let code = refused(&mut world, &management, CloudTrail, "CreateTrail", organization);
    assert_eq!(code, "CloudTrailAccessNotEnabledException");
    let both = json!({ "Name": "own", "S3BucketName": "logs", "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": false });
    let code = refused(&mut world, &member, CloudTrail, "CreateTrail", both);
    assert_eq!(code, "InvalidParameterCombinationException");
    for name in ["ab", "-trail", "a..b", "a b c"] {
        let input = json!({ "Name": name, "S3BucketName": "logs" });
        let code = refused(&mut world, &member, CloudTrail, "CreateTrail", input);
        assert_eq!(code, "InvalidTrailNameException", "{name}");
    }
    for number in 0..5 {
        let input = json!({ "Name": format!("trail-{number}"), "S3BucketName": "logs" });
        ask(&mut world, &member, CloudTrail, "CreateTrail", input).unwrap();
    }
    let input = json!({ "Name": "trail-6", "S3BucketName": "logs" });
    let code = refused(&mut world, &member, CloudTrail, "CreateTrail", input);
    assert_eq!(code, "MaximumNumberOfTrailsExceededException");
}

#[test]
fn either_kind_of_selectors_replaces_the_other() {
    let (mut world, seeded, arn) = staged();
    let management = seeded.management_account_id.clone();
    let advanced = json!([{ "Name": "all", "FieldSelectors": [{ "Field": "eventCategory", "Equals": ["Management"] }] }]);
    let input = json!({ "TrailName": arn, "AdvancedEventSelectors": advanced });
    ask(&mut world, &management, CloudTrail, "PutEventSelectors", input).unwrap();
    let read = json!({ "TrailName": NAME });
    let answer = ask(&mut world, &management, CloudTrail, "GetEventSelectors", read.clone()).unwrap();
    assert_eq!(answer["AdvancedEventSelectors"], advanced);
    assert_eq!(answer.get("EventSelectors"), None);
    let input = json!({ "TrailName": arn, "EventSelectors": [{ "ReadWriteType": "WriteOnly" }] });
    ask(&mut world, &management, CloudTrail, "PutEventSelectors", input).unwrap();
    let answer = ask(&mut world, &management, CloudTrail, "GetEventSelectors", read).unwrap();
    assert_eq!(answer.get("AdvancedEventSelectors"), None);
    let code = refused(&mut world, &management, CloudTrail, "PutEventSelectors", json!({ "TrailName": arn }));
    assert_eq!(code, "InvalidEventSelectorsException");
}

#[test]
fn the_call_that_stops_a_trail_is_told_once_before_it_stops() {
    let (mut world, seeded, _) = staged();
    let management = seeded.management_account_id.clone();
    let stop = call(&world, &management, CloudTrail, "StopLogging", json!({ "Name": NAME }));
    let result = dispatch::perform(&mut world, &stop);
    assert_eq!(world.foretold.as_deref(), Some("request"));
    trail::emit(&mut world, &stop, &result);
    assert_eq!(world.foretold, None);
}

#[test]
fn tags_are_added_and_removed() {
    let (mut world, seeded, arn) = staged();
    let management = seeded.management_account_id.clone();
    let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
    let input = json!({ "ResourceId": arn, "TagsList": tags });
    ask(&mut world, &management, CloudTrail, "AddTags", input).unwrap();
    let input = json!({ "ResourceId": arn, "TagsList": [{ "Key": "a" }] });
    ask(&mut world, &management, CloudTrail, "RemoveTags", input).unwrap();
    let answer =
        ask(&mut world, &management, CloudTrail, "ListTags", json!({ "ResourceIdList": [arn] })).unwrap();
    assert_eq!(answer["ResourceTagList"][0]["TagsList"], json!([{ "Key": "b", "Value": "2" }]));
}
