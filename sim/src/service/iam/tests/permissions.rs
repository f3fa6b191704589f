use super::*;
use crate::service::iam::{Document, NewRole, install_role};
use crate::service::sts;

/// A session of a role of the management account that may do what the statements say.
fn caller(world: &mut World, statements: Value) -> Caller {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let mut role = NewRole::new("operator", Document::parse(TRUST).unwrap());
    role.inline.insert("p".to_owned(), Document::parse(&policy).unwrap());
    install_role(world, MANAGEMENT, role);
    let hour = SignedDuration::from_hours(1);
    let key = sts::issue(world, MANAGEMENT, "operator", "op", Vec::new(), hour).unwrap().access_key_id;
    let (account, session) = world.sessions.by_key[&key].clone();
    Caller { account, principal: Principal::Session(session), access_key: key }
}

fn may(world: &mut World, caller: &Caller, operation: &str, input: Value) -> bool {
    match ask_as(world, caller, Service::Iam, operation, input) {
        Err(refusal) if refusal.code == "AccessDenied" => false,
        other => other.map(|_| true).unwrap(),
    }
}

const EDGE: &str = "arn:aws:iam::111111111111:policy/edge";

#[test]
fn a_boundary_can_be_demanded_of_new_roles_and_of_those_that_are_changed() {
    let mut world = world();
    let operator = caller(
        &mut world,
        json!([{
            "Effect": "Allow", "Resource": "arn:aws:iam::111111111111:role/team/*",
            "Action": ["iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"],
            "Condition": { "StringEquals": { "iam:PermissionsBoundary": EDGE } },
        }]),
    );
    ask(&mut world, "CreatePolicy", json!({ "PolicyName": "edge", "PolicyDocument": ALLOW })).unwrap();
    let mut role = json!({ "RoleName": "free", "Path": "/team/", "AssumeRolePolicyDocument": TRUST });
    assert!(!may(&mut world, &operator, "CreateRole", role.clone()));
    ask(&mut world, "CreateRole", role.clone()).unwrap();
    role["RoleName"] = json!("bound");
    role["PermissionsBoundary"] = json!(EDGE);
    let mut elsewhere = role.clone();
    elsewhere["Path"] = json!("/other/");
    assert!(!may(&mut world, &operator, "CreateRole", elsewhere));
    let mut tagged = role.clone();
    tagged["Tags"] = json!([{ "Key": "k", "Value": "v" }]);
    assert!(!may(&mut world, &operator, "CreateRole", tagged), "tags need iam:TagRole too");
    assert!(may(&mut world, &operator, "CreateRole", role));
    for (name, expected) in [("free", false), ("bound", true), ("ghost", false)] {
        let put = json!({ "RoleName": name, "PolicyName": "p", "PolicyDocument": ALLOW });
        assert_eq!(may(&mut world, &operator, "PutRolePolicy", put), expected, "{name}");
    }
}

#[test]
fn tags_of_the_role_and_of_the_request_can_be_demanded() {
    let mut world = world();
    let operator = caller(
        &mut world,
        json!([
            {
                "Effect": "Allow", "Action": "iam:UpdateRole", "Resource": "*",
                "Condition": { "StringEquals": { "aws:ResourceTag/Team": "blue" } },
            },
            {
                "Effect": "Allow", "Action": "iam:TagRole", "Resource": "*",
                "Condition": {
                    "StringEquals": { "aws:RequestTag/Team": "blue" },
                    "ForAllValues:StringEquals": { "aws:TagKeys": ["Team"] },
                },
            },
            {
                "Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*",
                "Condition": { "ArnEquals": { "iam:PolicyARN": "arn:aws:iam::aws:policy/SecurityAudit" } },
            },
        ]),
    );
    create_role(&mut world, "r");
    let update = json!({ "RoleName": "r", "Description": "d" });
    assert!(!may(&mut world, &operator, "UpdateRole", update.clone()));
    let tag = |key: &str, value: &str| json!({ "RoleName": "r", "Tags": [{ "Key": key, "Value": value }] });
    assert!(!may(&mut world, &operator, "TagRole", tag("Team", "red")));
    assert!(!may(&mut world, &operator, "TagRole", tag("Other", "blue")));
    assert!(may(&mut world, &operator, "TagRole", tag("Team", "blue")));
    assert!(may(&mut world, &operator, "UpdateRole", update));
    for (policy, expected) in [("SecurityAudit", true), ("AdministratorAccess", false)] {
        let attach = json!({ "RoleName": "r", "PolicyArn": format!("arn:aws:iam::aws:policy/{policy}") });
        assert_eq!(may(&mut world, &operator, "AttachRolePolicy", attach), expected, "{policy}");
    }
}

#[test]
fn a_role_made_anew_is_not_the_one_that_a_trust_policy_named() {
    let mut world = world();
    let statement = json!([{ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*" }]);
    let before = caller(&mut world, statement.clone());
    let trust = TRUST.replace(":root", ":role/operator");
    ask(&mut world, "CreateRole", json!({ "RoleName": "r", "AssumeRolePolicyDocument": trust })).unwrap();
    let assume = |world: &mut World, caller: &Caller| {
        let input = json!({ "RoleArn": "arn:aws:iam::111111111111:role/r", "RoleSessionName": "watch" });
        ask_as(world, caller, Service::Sts, "AssumeRole", input)
    };
    assume(&mut world, &before).unwrap();
    ask(&mut world, "DeleteRolePolicy", json!({ "RoleName": "operator", "PolicyName": "p" })).unwrap();
    ask(&mut world, "DeleteRole", json!({ "RoleName": "operator" })).unwrap();
    let after = caller(&mut world, statement);
    assert_eq!(refused(assume(&mut world, &after)), code(403, "AccessDenied"));
    // AWS: writing the trust again binds it to the role that has the name now.
    let again = json!({ "RoleName": "r", "PolicyDocument": trust });
    ask(&mut world, "UpdateAssumeRolePolicy", again).unwrap();
    assume(&mut world, &after).unwrap();
}

#[test]
fn an_external_id_that_the_trust_demands_must_come_with_the_call() {
    let mut world = world();
    let trust =
        TRUST.replace(r#""Action""#, r#""Condition":{"StringEquals":{"sts:ExternalId":"ours"}},"Action""#);
    ask(&mut world, "CreateRole", json!({ "RoleName": "r", "AssumeRolePolicyDocument": trust })).unwrap();
    for (id, expected) in [(json!("ours"), true), (json!("theirs"), false), (Value::Null, false)] {
        let role = "arn:aws:iam::111111111111:role/r";
        let input = json!({ "RoleArn": role, "RoleSessionName": "watch", "ExternalId": id });
        let result = ask_as(&mut world, &administrator(), Service::Sts, "AssumeRole", input);
        assert_eq!(result.is_ok(), expected, "{id}");
    }
}
