use super::*;

const ARN: &str = "arn:aws:iam::111111111111:policy/p";

fn sized(size: usize) -> String {
    let filler = "x".repeat(size - (ALLOW.len() - 1));
    ALLOW.replace("events:*", &format!("events:{filler}"))
}

fn put(world: &mut World, name: &str, document: &str) -> Result<Value, Refusal> {
    ask(world, "PutRolePolicy", json!({ "RoleName": "r", "PolicyName": name, "PolicyDocument": document }))
}

#[test]
fn inline_policies_share_a_size_in_which_white_space_does_not_count() {
    let mut world = world();
    create_role(&mut world, "r");
    put(&mut world, "a", &format!("{}\n   \n", sized(10_000))).unwrap();
    assert_eq!(refused(put(&mut world, "b", &sized(241))), code(409, "LimitExceeded"));
    put(&mut world, "b", &sized(240)).unwrap();
    put(&mut world, "a", &sized(9_000)).unwrap();
    let names = ask(&mut world, "ListRolePolicies", json!({ "RoleName": "r" })).unwrap();
    assert_eq!(names["PolicyNames"], json!(["a", "b"]));
}

#[test]
fn a_permission_policy_has_resources_and_no_principal() {
    let mut world = world();
    create_role(&mut world, "r");
    let without_resource = ALLOW.replace(r#","Resource":"*""#, "");
    let with_principal = ALLOW.replace(r#""Effect""#, r#""Principal":"*","Effect""#);
    for document in ["nonsense", "[]", "{}", &without_resource, &with_principal] {
        assert_eq!(
            refused(put(&mut world, "p", document)),
            code(400, "MalformedPolicyDocument"),
            "{document}"
        );
    }
}

#[test]
fn an_inline_policy_is_answered_as_it_was_put_and_encoded() {
    let mut world = world();
    create_role(&mut world, "r");
    put(&mut world, "p", ALLOW).unwrap();
    let input = json!({ "RoleName": "r", "PolicyName": "p" });
    let answer = ask(&mut world, "GetRolePolicy", input).unwrap();
    let encoded = answer["PolicyDocument"].as_str().unwrap();
    let decoded: String =
        form_urlencoded::parse(encoded.as_bytes()).map(|(key, _)| key.into_owned()).collect();
    assert_eq!(decoded, ALLOW);
    let other = json!({ "RoleName": "r", "PolicyName": "q" });
    assert_eq!(refused(ask(&mut world, "GetRolePolicy", other)), code(404, "NoSuchEntity"));
}

#[test]
fn only_policies_of_the_account_and_of_aws_can_be_attached_or_bound() {
    let mut world = world();
    create_role(&mut world, "r");
    for arn in [ARN, "arn:aws:iam::222222222222:policy/p", "arn:aws:iam::aws:policy/NoSuchAccess"] {
        let attach = json!({ "RoleName": "r", "PolicyArn": arn });
        assert_eq!(refused(ask(&mut world, "AttachRolePolicy", attach)), code(404, "NoSuchEntity"), "{arn}");
        let bind = json!({ "RoleName": "r", "PermissionsBoundary": arn });
        let bound = ask(&mut world, "PutRolePermissionsBoundary", bind);
        assert_eq!(refused(bound), code(404, "NoSuchEntity"), "{arn}");
    }
    let wrong = json!({ "RoleName": "r", "PolicyArn": "arn:aws:iam::111111111111:role/p" });
    assert_eq!(refused(ask(&mut world, "AttachRolePolicy", wrong)), code(400, "InvalidInput"));
}

#[test]
fn a_managed_policy_in_use_or_with_versions_cannot_be_deleted() {
    let mut world = world();
    create_role(&mut world, "r");
    ask(&mut world, "CreatePolicy", json!({ "PolicyName": "p", "PolicyDocument": ALLOW })).unwrap();
    let again = json!({ "PolicyName": "P", "Path": "/x/", "PolicyDocument": ALLOW });
    assert_eq!(refused(ask(&mut world, "CreatePolicy", again)), code(409, "EntityAlreadyExists"));
    let (policy, role) = (json!({ "PolicyArn": ARN }), json!({ "RoleName": "r" }));
    ask(&mut world, "PutRolePermissionsBoundary", json!({ "RoleName": "r", "PermissionsBoundary": ARN }))
        .unwrap();
    assert_eq!(refused(ask(&mut world, "DeletePolicy", policy.clone())), code(409, "DeleteConflict"));
    ask(&mut world, "DeleteRolePermissionsBoundary", role).unwrap();
    ask(&mut world, "AttachRolePolicy", json!({ "RoleName": "r", "PolicyArn": ARN })).unwrap();
    assert_eq!(ask(&mut world, "GetPolicy", policy.clone()).unwrap()["Policy"]["AttachmentCount"], 1);
    assert_eq!(refused(ask(&mut world, "DeletePolicy", policy.clone())), code(409, "DeleteConflict"));
    ask(&mut world, "DetachRolePolicy", json!({ "RoleName": "r", "PolicyArn": ARN })).unwrap();
    let version = json!({ "PolicyArn": ARN, "PolicyDocument": ALLOW });
    ask(&mut world, "CreatePolicyVersion", version).unwrap();
    assert_eq!(refused(ask(&mut world, "DeletePolicy", policy.clone())), code(409, "DeleteConflict"));
    ask(&mut world, "DeletePolicyVersion", json!({ "PolicyArn": ARN, "VersionId": "v2" })).unwrap();
    ask(&mut world, "DeletePolicy", policy.clone()).unwrap();
    assert_eq!(refused(ask(&mut world, "GetPolicy", policy)), code(404, "NoSuchEntity"));
}

#[test]
fn the_default_version_is_what_a_policy_says() {
    let mut world = world();
    let other = ALLOW.replace("events:*", "sns:*");
    ask(&mut world, "CreatePolicy", json!({ "PolicyName": "p", "PolicyDocument": ALLOW })).unwrap();
    let version = json!({ "PolicyArn": ARN, "PolicyDocument": other });
    ask(&mut world, "CreatePolicyVersion", version.clone()).unwrap();
    let said =
        |world: &World| world.accounts[MANAGEMENT].iam.current().policies[ARN].document.text.to_string();
    assert_eq!(said(&world), ALLOW);
    let v2 = json!({ "PolicyArn": ARN, "VersionId": "v2" });
    ask(&mut world, "SetDefaultPolicyVersion", v2.clone()).unwrap();
    assert_eq!(said(&world), other);
    assert_eq!(refused(ask(&mut world, "DeletePolicyVersion", v2)), code(409, "DeleteConflict"));
    for _ in 0..3 {
        ask(&mut world, "CreatePolicyVersion", version.clone()).unwrap();
    }
    assert_eq!(refused(ask(&mut world, "CreatePolicyVersion", version.clone())), code(409, "LimitExceeded"));
    ask(&mut world, "DeletePolicyVersion", json!({ "PolicyArn": ARN, "VersionId": "v5" })).unwrap();
    let made = ask(&mut world, "CreatePolicyVersion", version).unwrap();
    assert_eq!(made["PolicyVersion"]["VersionId"], "v6", "a number is never given again");
    let missing = json!({ "PolicyArn": ARN, "VersionId": "v5" });
    assert_eq!(refused(ask(&mut world, "GetPolicyVersion", missing)), code(404, "NoSuchEntity"));
    let malformed = json!({ "PolicyArn": ARN, "VersionId": "5" });
    assert_eq!(refused(ask(&mut world, "GetPolicyVersion", malformed)), code(400, "ValidationError"));
}
