use serde_json::{Value, json};

use crate::call::Service::Account;
use crate::seed::staged::{ask, refused, world};
use crate::seed::{Plan, Seeded};
use crate::world::World;

fn staged() -> (World, Seeded) {
    world(&Plan::default())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["Regions"].as_array().unwrap().iter().map(|r| r["RegionName"].as_str().unwrap()).collect()
}

#[test]
fn pages_of_regions_hold_every_region_once() {
    let (mut world, seeded) = staged();
    let account = seeded.member_ids[0].clone();
    let whole = ask(&mut world, &account, Account, "ListRegions", json!({})).unwrap();
    assert_eq!(whole["NextToken"], Value::Null);
    assert_eq!(names(&whole).len(), 20);
    let mut paged = Vec::new();
    let mut token = Value::Null;
    loop {
        let input = json!({ "MaxResults": 7, "NextToken": token });
        let page = ask(&mut world, &account, Account, "ListRegions", input).unwrap();
        assert!(names(&page).len() <= 7);
        paged.extend(names(&page).into_iter().map(str::to_owned));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(paged, names(&whole));
    for input in [json!({ "MaxResults": 0 }), json!({ "MaxResults": 51 }), json!({ "NextToken": "bogus" })] {
        assert_eq!(refused(&mut world, &account, Account, "ListRegions", input), "ValidationException");
    }
}

#[test]
fn an_opt_in_region_can_be_switched_and_a_default_one_not() {
    let (mut world, seeded) = staged();
    let account = seeded.member_ids[0].clone();
    let input = json!({ "RegionName": "af-south-1" });
    let status = |world: &mut World| {
        let answer = ask(world, &account, Account, "GetRegionOptStatus", input.clone()).unwrap();
        answer["RegionOptStatus"].as_str().unwrap().to_owned()
    };
    assert_eq!(status(&mut world), "DISABLED");
    ask(&mut world, &account, Account, "EnableRegion", input.clone()).unwrap();
    ask(&mut world, &account, Account, "EnableRegion", input.clone()).unwrap();
    assert_eq!(status(&mut world), "ENABLED");
    let filter = json!({ "RegionOptStatusContains": ["ENABLED"] });
    let enabled = ask(&mut world, &account, Account, "ListRegions", filter).unwrap();
    assert_eq!(names(&enabled), ["af-south-1"]);
    ask(&mut world, &account, Account, "DisableRegion", input.clone()).unwrap();
    assert_eq!(status(&mut world), "DISABLED");
    for region in ["us-east-1", "mars-1"] {
        let input = json!({ "RegionName": region });
        assert_eq!(refused(&mut world, &account, Account, "DisableRegion", input), "ValidationException");
    }
}

#[test]
fn another_account_is_named_with_trusted_access_only() {
    let (mut world, seeded) = staged();
    let (management, central) = (seeded.management_account_id.clone(), seeded.central_account_id.clone());
    let input = json!({ "AccountId": seeded.member_ids[0], "RegionName": "us-east-1" });
    let denied = |world: &mut World, by: &str, input: &Value| {
        assert_eq!(refused(world, by, Account, "GetRegionOptStatus", input.clone()), "AccessDeniedException");
    };
    denied(&mut world, &management, &input);
    world.organization.service_access.insert("account.amazonaws.com".to_owned(), world.now());
    assert!(ask(&mut world, &management, Account, "GetRegionOptStatus", input.clone()).is_ok());
    denied(&mut world, &central, &input);
    let services = world.organization.delegated.entry(central.clone()).or_default();
    services.insert("account.amazonaws.com".to_owned());
    assert!(ask(&mut world, &central, Account, "GetRegionOptStatus", input).is_ok());
    // The management account asks for itself without naming itself.
    denied(&mut world, &management, &json!({ "AccountId": management, "RegionName": "us-east-1" }));
}
