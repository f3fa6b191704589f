use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::call::Service::Organizations;
use crate::seed::staged::{ask, refused, world};
use crate::seed::{ORGANIZATION_ROLE, Plan, Seeded};

struct Stage {
    world: World,
    seeded: Seeded,
}

impl Stage {
    fn new(accounts: usize) -> Self {
        let (world, seeded) = world(&Plan { accounts, ..Plan::default() });
        Self { world, seeded }
    }

    /// By the management account.
    fn ask(&mut self, operation: &str, input: Value) -> Value {
        let management = self.seeded.management_account_id.clone();
        ask(&mut self.world, &management, Organizations, operation, input).unwrap()
    }

    fn refused(&mut self, operation: &str, input: Value) -> String {
        let management = self.seeded.management_account_id.clone();
        refused(&mut self.world, &management, Organizations, operation, input)
    }

    fn refused_to(&mut self, account: &str, operation: &str, input: Value) -> String {
        refused(&mut self.world, account, Organizations, operation, input)
    }

    /// All items of a list, and how many pages they came in; the tokens must all differ.
    fn pages(&mut self, operation: &str, name: &str, input: Value) -> (Vec<Value>, usize) {
        let (mut items, mut tokens) = (Vec::new(), BTreeSet::new());
        let mut input = input;
        for pages in 1..1_000 {
            let page = self.ask(operation, input.clone());
            items.extend(page[name].as_array().unwrap().iter().cloned());
            match page.get("NextToken") {
                None => return (items, pages),
                Some(token) => {
                    assert!(tokens.insert(token.to_string()), "a token came twice");
                    input["NextToken"] = token.clone();
                }
            }
        }
        panic!("the list does not end");
    }

    fn member(&self) -> String {
        self.seeded.member_ids[0].clone()
    }
}

fn ids(items: &[Value]) -> BTreeSet<&str> {
    items.iter().map(|item| item["Id"].as_str().unwrap()).collect()
}

#[test]
fn accounts_come_in_pages_of_twenty_at_most() {
    let mut stage = Stage::new(45);
    let (accounts, pages) = stage.pages("ListAccounts", "Accounts", json!({}));
    assert_eq!((accounts.len(), ids(&accounts).len(), pages), (45, 45, 3));
    let (accounts, pages) = stage.pages("ListAccounts", "Accounts", json!({ "MaxResults": 15 }));
    assert_eq!((accounts.len(), pages), (45, 3));
    for size in [0, 21] {
        assert_eq!(stage.refused("ListAccounts", json!({ "MaxResults": size })), "InvalidInputException");
    }
}

#[test]
fn a_token_that_this_list_did_not_give_is_refused() {
    let mut stage = Stage::new(45);
    let token = stage.ask("ListAccounts", json!({}))["NextToken"].clone();
    let root = stage.world.organization.root.clone();
    let elsewhere = json!({ "ParentId": root, "NextToken": token });
    assert_eq!(stage.refused("ListAccountsForParent", elsewhere), "InvalidInputException");
    for bogus in ["bogus", "", "AAAA"] {
        assert_eq!(stage.refused("ListAccounts", json!({ "NextToken": bogus })), "InvalidInputException");
    }
}

#[test]
fn empty_pages_come_between_and_nothing_is_lost() {
    let mut stage = Stage::new(200);
    stage.world.organization.empty_pages = true;
    let (accounts, pages) = stage.pages("ListAccounts", "Accounts", json!({}));
    assert_eq!(ids(&accounts).len(), 200);
    assert!(pages > 10, "{pages}");
}

#[test]
fn an_account_carries_what_the_endpoint_knows() {
    let mut stage = Stage::new(10);
    let id = stage.member();
    let input = json!({ "AccountId": id });
    let account = stage.ask("DescribeAccount", input.clone())["Account"].clone();
    let organization = &stage.world.organization;
    let expected = format!(
        "arn:aws:organizations::{}:account/{}/{id}",
        stage.seeded.management_account_id, stage.seeded.organization_id
    );
    assert_eq!(account["Arn"], expected);
    assert_eq!(account["Paths"], json!([organization.path(&id).unwrap()]));
    assert_eq!((&account["State"], &account["Status"]), (&json!("ACTIVE"), &json!("ACTIVE")));
    assert_eq!(account["JoinedMethod"], "CREATED");
    assert!(account["JoinedTimestamp"].is_f64());
    stage.world.organization.carries_paths = false;
    stage.world.organization.omits_status = true;
    let account = stage.ask("DescribeAccount", input)["Account"].clone();
    for absent in ["State", "Status", "Paths"] {
        assert_eq!(account.get(absent), None, "{absent}");
    }
}

#[test]
fn only_the_management_account_and_delegated_administrators_read() {
    let mut stage = Stage::new(10);
    let central = stage.seeded.central_account_id.clone();
    let organization = ask(&mut stage.world, &central, Organizations, "DescribeOrganization", json!({}));
    assert_eq!(organization.unwrap()["Organization"]["Id"], stage.seeded.organization_id);
    assert_eq!(stage.refused_to(&central, "ListAccounts", json!({})), "AccessDeniedException");
    let service = json!({ "AccountId": central, "ServicePrincipal": "config.amazonaws.com" });
    assert_eq!(
        stage.refused("RegisterDelegatedAdministrator", service.clone()),
        "ConstraintViolationException"
    );
    stage.ask("EnableAWSServiceAccess", json!({ "ServicePrincipal": "config.amazonaws.com" }));
    stage.ask("RegisterDelegatedAdministrator", service.clone());
    let again = stage.refused("RegisterDelegatedAdministrator", service.clone());
    assert_eq!(again, "AccountAlreadyRegisteredException");
    let listed = stage.ask("ListDelegatedAdministrators", json!({}));
    assert_eq!(listed["DelegatedAdministrators"][0]["Id"], central);
    let seen = ask(&mut stage.world, &central, Organizations, "ListAccounts", json!({})).unwrap();
    assert_eq!(seen["Accounts"].as_array().unwrap().len(), 10);
    let write = json!({ "AccountId": stage.member() });
    assert_eq!(stage.refused_to(&central, "CloseAccount", write), "AccessDeniedException");
    stage.ask("DeregisterDelegatedAdministrator", service);
    assert_eq!(stage.refused_to(&central, "ListAccounts", json!({})), "AccessDeniedException");
}

#[test]
fn an_account_outside_is_in_no_organization() {
    let mut stage = Stage::new(10);
    let member = stage.member();
    assert!(depart(&mut stage.world, &member));
    assert!(!depart(&mut stage.world, &member));
    let code = stage.refused_to(&member, "DescribeOrganization", json!({}));
    assert_eq!(code, "AWSOrganizationsNotInUseException");
    let code = stage.refused("DescribeAccount", json!({ "AccountId": member }));
    assert_eq!(code, "AccountNotFoundException");
    assert!(stage.world.accounts.contains_key(&member));
}

#[test]
fn walking_the_tree_finds_every_account_once() {
    let mut stage = Stage::new(60);
    let root = stage.ask("ListRoots", json!({}))["Roots"][0]["Id"].as_str().unwrap().to_owned();
    let (mut places, mut found) = (vec![root], Vec::new());
    while let Some(place) = places.pop() {
        let input = json!({ "ParentId": place });
        let (accounts, _) = stage.pages("ListAccountsForParent", "Accounts", input.clone());
        for account in &accounts {
            let parents = stage.ask("ListParents", json!({ "ChildId": account["Id"] }));
            assert_eq!(parents["Parents"][0]["Id"], place);
        }
        let children = json!({ "ParentId": place, "ChildType": "ACCOUNT" });
        assert_eq!(stage.pages("ListChildren", "Children", children).0.len(), accounts.len());
        found.extend(accounts);
        let (units, _) = stage.pages("ListOrganizationalUnitsForParent", "OrganizationalUnits", input);
        places.extend(units.iter().map(|unit| unit["Id"].as_str().unwrap().to_owned()));
    }
    assert_eq!((found.len(), ids(&found).len()), (60, 60));
    let code = stage.refused("ListAccountsForParent", json!({ "ParentId": "ou-abcd-12345678" }));
    assert_eq!(code, "ParentNotFoundException");
    let code = stage.refused("ListAccountsForParent", json!({ "ParentId": "x" }));
    assert_eq!(code, "InvalidInputException");
}

#[test]
fn create_account_answers_before_the_account_is_there() {
    let mut stage = Stage::new(10);
    stage.world.organization.creation_time = SignedDuration::from_secs(30);
    let input = json!({ "Email": "new@a.example", "AccountName": "New", "RoleName": "Audit" });
    let status = stage.ask("CreateAccount", input.clone())["CreateAccountStatus"].clone();
    assert_eq!((&status["State"], status.get("AccountId")), (&json!("IN_PROGRESS"), None));
    let request = json!({ "CreateAccountRequestId": status["Id"] });
    stage.world.clock.advance(SignedDuration::from_secs(29));
    let status = stage.ask("DescribeCreateAccountStatus", request.clone());
    assert_eq!(status["CreateAccountStatus"]["State"], "IN_PROGRESS");
    assert_eq!(stage.world.organization.members.len(), 10);
    stage.world.clock.advance(SignedDuration::from_secs(1));
    let status = stage.ask("DescribeCreateAccountStatus", request)["CreateAccountStatus"].clone();
    assert_eq!(status["State"], "SUCCEEDED");
    let id = status["AccountId"].as_str().unwrap();
    let member = &stage.world.organization.members[id];
    assert_eq!((member.name.as_str(), &member.parent), ("New", &stage.world.organization.root));
    let roles = &stage.world.accounts[id].iam.current().roles;
    assert_eq!(roles.keys().collect::<Vec<_>>(), ["Audit"]);
    assert!(stage.world.organization.attachments[id].contains(FULL_ACCESS));
}

#[test]
fn an_address_makes_one_account() {
    let mut stage = Stage::new(10);
    let input = json!({ "Email": "new@a.example", "AccountName": "New" });
    stage.ask("CreateAccount", input.clone());
    let status = stage.ask("CreateAccount", input)["CreateAccountStatus"].clone();
    assert_eq!(status["State"], "IN_PROGRESS");
    let status = stage.ask("DescribeCreateAccountStatus", json!({ "CreateAccountRequestId": status["Id"] }));
    assert_eq!(status["CreateAccountStatus"]["State"], "FAILED");
    assert_eq!(status["CreateAccountStatus"]["FailureReason"], "EMAIL_ALREADY_EXISTS");
    assert_eq!(stage.world.organization.members.len(), 11);
    let code = stage.refused("CreateAccount", json!({ "Email": "nowhere", "AccountName": "New" }));
    assert_eq!(code, "InvalidInputException");
}

#[test]
fn a_joined_account_has_its_role_when_it_was_said_to() {
    let mut stage = Stage::new(10);
    let tags = BTreeMap::from([("team".to_owned(), "x".to_owned())]);
    let after = SignedDuration::from_secs(60);
    let id = join(&mut stage.world, "Late", "late@a.example", "nowhere", tags, after);
    let now = stage.world.now();
    let role = &stage.world.accounts[&id].iam.current().roles[ORGANIZATION_ROLE];
    assert_eq!(role.created_at, now + after);
    assert_eq!(stage.world.organization.members[&id].parent, stage.world.organization.root);
    let listed = stage.ask("ListTagsForResource", json!({ "ResourceId": id }));
    assert_eq!(listed["Tags"], json!([{ "Key": "team", "Value": "x" }]));
}

#[test]
fn a_closed_account_waits_then_leaves_for_good() {
    let mut stage = Stage::new(10);
    let id = stage.member();
    let input = json!({ "AccountId": id });
    let shown = |stage: &mut Stage| {
        let account = stage.ask("DescribeAccount", json!({ "AccountId": stage.member() }))["Account"].clone();
        format!("{} {}", account["State"], account["Status"])
    };
    stage.ask("CloseAccount", input.clone());
    assert_eq!(shown(&mut stage), r#""PENDING_CLOSURE" "PENDING_CLOSURE""#);
    assert_eq!(stage.refused("CloseAccount", input.clone()), "ConflictException");
    stage.world.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(shown(&mut stage), r#""CLOSED" "SUSPENDED""#);
    assert_eq!(stage.refused("CloseAccount", input.clone()), "AccountAlreadyClosedException");
    stage.world.clock.advance(SignedDuration::from_hours(90 * 24));
    assert_eq!(stage.refused("DescribeAccount", input), "AccountNotFoundException");
    let management = json!({ "AccountId": stage.seeded.management_account_id });
    assert_eq!(stage.refused("CloseAccount", management), "ConstraintViolationException");
}

#[test]
fn a_move_names_where_the_account_is_and_goes() {
    let mut stage = Stage::new(10);
    let id = stage.member();
    let (root, from) =
        (stage.world.organization.root.clone(), stage.world.organization.members[&id].parent.clone());
    let step =
        |from: &str, to: &str| json!({ "AccountId": id, "SourceParentId": from, "DestinationParentId": to });
    assert_eq!(stage.refused("MoveAccount", step(&root, &from)), "SourceParentNotFoundException");
    assert_eq!(
        stage.refused("MoveAccount", step(&from, "ou-none-12345678")),
        "DestinationParentNotFoundException"
    );
    assert_eq!(stage.refused("MoveAccount", step(&from, &from)), "DuplicateAccountException");
    stage.ask("MoveAccount", step(&from, &root));
    let (below, _) = stage.pages("ListAccountsForParent", "Accounts", json!({ "ParentId": root }));
    assert!(ids(&below).contains(id.as_str()));
    let (below, _) = stage.pages("ListAccountsForParent", "Accounts", json!({ "ParentId": from }));
    assert!(!ids(&below).contains(id.as_str()));
    assert!(move_to(&mut stage.world, &id, &from));
    assert!(!move_to(&mut stage.world, &id, "nowhere"));
}

#[test]
fn a_created_account_stays_four_days() {
    let mut stage = Stage::new(10);
    let id = join(&mut stage.world, "New", "new@a.example", "", BTreeMap::new(), SignedDuration::ZERO);
    let code = stage.refused_to(&id, "LeaveOrganization", json!({}));
    assert_eq!(code, "ConstraintViolationException");
    stage.world.clock.advance(SignedDuration::from_hours(4 * 24));
    ask(&mut stage.world, &id, Organizations, "LeaveOrganization", json!({})).unwrap();
    assert!(!stage.world.organization.members.contains_key(&id));
    let old = stage.member();
    stage.ask("RemoveAccountFromOrganization", json!({ "AccountId": old }));
    assert!(!stage.world.organization.members.contains_key(&old));
    let management = json!({ "AccountId": stage.seeded.management_account_id });
    let code = stage.refused("RemoveAccountFromOrganization", management);
    assert_eq!(code, "MasterCannotLeaveOrganizationException");
}

#[test]
fn units_have_their_own_names_and_nest_five_deep() {
    let mut stage = Stage::new(10);
    let mut parent = stage.world.organization.root.clone();
    let taken = stage.refused("CreateOrganizationalUnit", json!({ "ParentId": parent, "Name": "Security" }));
    assert_eq!(taken, "DuplicateOrganizationalUnitException");
    for _ in 0..5 {
        let made = stage.ask("CreateOrganizationalUnit", json!({ "ParentId": parent, "Name": "Deep" }));
        parent = made["OrganizationalUnit"]["Id"].as_str().unwrap().to_owned();
    }
    let unit = stage.ask("DescribeOrganizationalUnit", json!({ "OrganizationalUnitId": parent }));
    let path = unit["OrganizationalUnit"]["Path"].as_str().unwrap();
    assert!(path.starts_with("o-") && path.ends_with(&format!("/{parent}/")) && path.split('/').count() == 8);
    let code = stage.refused("CreateOrganizationalUnit", json!({ "ParentId": parent, "Name": "Deeper" }));
    assert_eq!(code, "ConstraintViolationException");
}

#[test]
fn policies_are_made_attached_and_kept_while_in_use() {
    let mut stage = Stage::new(10);
    let root = stage.world.organization.root.clone();
    let content =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}"#;
    let input = |content: &str| json!({ "Name": "No IAM", "Description": "d", "Type": "SERVICE_CONTROL_POLICY", "Content": content });
    let long = format!("{content}{}", " ".repeat(5_120));
    assert_eq!(stage.refused("CreatePolicy", input(&long)), "ConstraintViolationException");
    let made = stage.ask("CreatePolicy", input(content));
    assert_eq!(stage.refused("CreatePolicy", input(content)), "DuplicatePolicyException");
    let id = made["Policy"]["PolicySummary"]["Id"].clone();
    let pair = json!({ "PolicyId": id, "TargetId": root });
    stage.ask("AttachPolicy", pair.clone());
    assert_eq!(stage.refused("AttachPolicy", pair.clone()), "DuplicatePolicyAttachmentException");
    assert_eq!(stage.refused("DeletePolicy", json!({ "PolicyId": id })), "PolicyInUseException");
    let filter = json!({ "TargetId": root, "Filter": "SERVICE_CONTROL_POLICY" });
    let listed = stage.ask("ListPoliciesForTarget", filter);
    assert_eq!(
        ids(listed["Policies"].as_array().unwrap()),
        BTreeSet::from([id.as_str().unwrap(), FULL_ACCESS])
    );
    let full = json!({ "PolicyId": FULL_ACCESS, "TargetId": root });
    stage.ask("DetachPolicy", full.clone());
    assert_eq!(stage.refused("DetachPolicy", full), "PolicyNotAttachedException");
    // The last one stays.
    assert_eq!(stage.refused("DetachPolicy", pair), "ConstraintViolationException");
    let other = content.replace("iam", "sns");
    stage.ask("UpdatePolicy", json!({ "PolicyId": id, "Content": other }));
    let described = stage.ask("DescribePolicy", json!({ "PolicyId": id }));
    assert_eq!(described["Policy"]["Content"], other);
    assert_eq!(described["Policy"]["PolicySummary"]["Name"], "No IAM");
    assert_eq!(
        stage.refused("DescribePolicy", json!({ "PolicyId": "p-none1234" })),
        "PolicyNotFoundException"
    );
}

#[test]
fn tags_come_and_go_on_accounts_and_units() {
    let mut stage = Stage::new(10);
    let unit = stage.world.organization.units.keys().next().unwrap().clone();
    for id in [stage.member(), unit] {
        stage.world.organization.members.values_mut().for_each(|member| member.tags.clear());
        let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
        stage.ask("TagResource", json!({ "ResourceId": id, "Tags": tags }));
        stage.ask("UntagResource", json!({ "ResourceId": id, "TagKeys": ["a"] }));
        let listed = stage.ask("ListTagsForResource", json!({ "ResourceId": id }));
        assert_eq!(listed["Tags"], json!([{ "Key": "b", "Value": "2" }]));
    }
    let code = stage.refused("ListTagsForResource", json!({ "ResourceId": "000000000000" }));
    assert_eq!(code, "TargetNotFoundException");
}
