use super::*;

#[test]
fn a_role_is_answered_as_it_was_made() {
    let mut world = world();
    ask(&mut world, "CreatePolicy", json!({ "PolicyName": "edge", "PolicyDocument": ALLOW })).unwrap();
    let made = ask(
        &mut world,
        "CreateRole",
        json!({
            "RoleName": "watcher", "Path": "/security/", "Description": "Watches", "AssumeRolePolicyDocument": TRUST,
            "MaxSessionDuration": "7200", "PermissionsBoundary": "arn:aws:iam::111111111111:policy/edge",
            "Tags": [{ "Key": "owner", "Value": "sec" }],
        }),
    )
    .unwrap();
    let role = ask(&mut world, "GetRole", json!({ "RoleName": "watcher" })).unwrap()["Role"].clone();
    assert_eq!(role["RoleId"], made["Role"]["RoleId"]);
    let id = role["RoleId"].as_str().unwrap();
    assert!(id.starts_with("AROA") && id.len() == 21, "{id}");
    assert_eq!(role["Arn"], "arn:aws:iam::111111111111:role/security/watcher");
    assert_eq!(role["CreateDate"], "2026-11-20T12:00:00Z");
    assert_eq!(role["MaxSessionDuration"], 7200);
    assert_eq!(role["Description"], "Watches");
    assert_eq!(role["Tags"], json!([{ "Key": "owner", "Value": "sec" }]));
    let boundary = json!({
        "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": "arn:aws:iam::111111111111:policy/edge"
    });
    assert_eq!(role["PermissionsBoundary"], boundary);
    let document = role["AssumeRolePolicyDocument"].as_str().unwrap();
    assert!(document.starts_with("%7B%22Version%22%3A%222012-10-17%22%2C"), "{document}");

    let listed =
        ask(&mut world, "ListRoles", json!({ "PathPrefix": "/security/" })).unwrap()["Roles"][0].clone();
    assert_eq!(listed["RoleName"], "watcher");
    assert!(listed.get("Tags").is_none() && listed.get("PermissionsBoundary").is_none());
}

#[test]
fn a_name_is_given_once_whatever_its_case() {
    let mut world = world();
    create_role(&mut world, "Watcher");
    for name in ["Watcher", "watcher"] {
        let again = json!({ "RoleName": name, "AssumeRolePolicyDocument": TRUST, "Path": "/other/" });
        assert_eq!(refused(ask(&mut world, "CreateRole", again)), code(409, "EntityAlreadyExists"));
    }
}

#[test]
fn what_does_not_fit_a_constraint_is_a_validation_error() {
    let mut world = world();
    let base = json!({ "RoleName": "r", "AssumeRolePolicyDocument": TRUST });
    for (field, value) in [
        ("RoleName", "x".repeat(65)),
        ("RoleName", "a b".to_owned()),
        ("Path", "security".to_owned()),
        ("Path", "/a b/".to_owned()),
        ("Description", "x".repeat(1001)),
        ("Description", "snow\u{2603}".to_owned()),
        ("MaxSessionDuration", "3599".to_owned()),
        ("AssumeRolePolicyDocument", "{\"\u{2603}\":1}".to_owned()),
        ("PermissionsBoundary", "short".to_owned()),
    ] {
        let mut input = base.clone();
        input[field] = json!(value);
        assert_eq!(
            refused(ask(&mut world, "CreateRole", input)),
            code(400, "ValidationError"),
            "{field} {value}"
        );
    }
    let missing = json!({ "RoleName": "r" });
    assert_eq!(refused(ask(&mut world, "CreateRole", missing)), code(400, "ValidationError"));
    create_role(&mut world, &"x".repeat(64));
}

#[test]
fn a_trust_policy_has_principals_that_exist_and_no_resource() {
    let mut world = world();
    let trust = |statement: Value| json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
    let naming = |principal: &str| {
        trust(json!([{ "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "sts:AssumeRole" }]))
    };
    let create = |world: &mut World, text: String| {
        ask(world, "CreateRole", json!({ "RoleName": "r", "AssumeRolePolicyDocument": text }))
    };
    for (text, message) in [
        ("{".to_owned(), "This policy contains invalid Json"),
        (
            trust(
                json!([{ "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole", "Resource": "*" }]),
            ),
            "Has prohibited field Resource",
        ),
        (
            trust(json!([{ "Effect": "Allow", "Action": "sts:AssumeRole" }])),
            "Missing required field Principal",
        ),
        (
            naming("arn:aws:iam::222222222222:role/ghost"),
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::222222222222:role/ghost\"",
        ),
    ] {
        let refusal = create(&mut world, text).unwrap_err();
        assert_eq!((refusal.code.as_str(), refusal.message.as_str()), ("MalformedPolicyDocument", message));
    }
    assert_eq!(refused(create(&mut world, naming(&"x".repeat(2048)))), code(409, "LimitExceeded"));
    create(&mut world, naming("222222222222")).unwrap();
    let kept = &world.accounts[MANAGEMENT].iam.current().roles["r"].trust.text;
    assert!(kept.contains(r#""AWS":"arn:aws:iam::222222222222:root""#), "{kept}");
}

#[test]
fn a_role_made_a_moment_ago_is_no_principal_yet() {
    let mut world = world();
    slow(&mut world);
    create_role(&mut world, "fresh");
    let trust = TRUST.replace(":root", ":role/fresh");
    let input = json!({ "RoleName": "other", "AssumeRolePolicyDocument": trust });
    assert_eq!(refused(ask(&mut world, "CreateRole", input.clone())), code(400, "MalformedPolicyDocument"));
    world.clock.advance(SignedDuration::from_secs(20));
    ask(&mut world, "CreateRole", input).unwrap();
}

#[test]
fn reads_lag_but_existence_is_decided_at_once() {
    let mut world = world();
    slow(&mut world);
    create_role(&mut world, "r");
    let reads = |world: &mut World| -> Vec<bool> {
        (0..50).map(|_| ask(world, "GetRole", json!({ "RoleName": "r" })).is_ok()).collect()
    };
    world.clock.advance(SignedDuration::from_secs(5));
    let seen = reads(&mut world);
    assert!(seen.contains(&true) && seen.contains(&false), "half way a read may or may not see it: {seen:?}");
    let again = json!({ "RoleName": "r", "AssumeRolePolicyDocument": TRUST });
    assert_eq!(refused(ask(&mut world, "CreateRole", again)), code(409, "EntityAlreadyExists"));
    world.clock.advance(SignedDuration::from_secs(10));
    assert!(!reads(&mut world).contains(&false));
    ask(&mut world, "DeleteRole", json!({ "RoleName": "r" })).unwrap();
    assert!(reads(&mut world).contains(&true), "one just deleted may still be there");
    assert_eq!(refused(ask(&mut world, "DeleteRole", json!({ "RoleName": "r" }))), code(404, "NoSuchEntity"));
}

#[test]
fn a_role_with_policies_cannot_be_deleted() {
    let mut world = world();
    create_role(&mut world, "r");
    let of = |fields: Value| {
        let mut input = json!({ "RoleName": "r" });
        input.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        input
    };
    let audit = "arn:aws:iam::aws:policy/SecurityAudit";
    ask(&mut world, "PutRolePolicy", of(json!({ "PolicyName": "p", "PolicyDocument": ALLOW }))).unwrap();
    ask(&mut world, "AttachRolePolicy", of(json!({ "PolicyArn": audit }))).unwrap();
    ask(&mut world, "AttachRolePolicy", of(json!({ "PolicyArn": audit }))).unwrap();
    let attached = ask(&mut world, "ListAttachedRolePolicies", of(json!({}))).unwrap();
    assert_eq!(attached["AttachedPolicies"], json!([{ "PolicyName": "SecurityAudit", "PolicyArn": audit }]));
    assert_eq!(refused(ask(&mut world, "DeleteRole", of(json!({})))), code(409, "DeleteConflict"));
    ask(&mut world, "DetachRolePolicy", of(json!({ "PolicyArn": audit }))).unwrap();
    assert_eq!(refused(ask(&mut world, "DeleteRole", of(json!({})))), code(409, "DeleteConflict"));
    ask(&mut world, "DeleteRolePolicy", of(json!({ "PolicyName": "p" }))).unwrap();
    ask(&mut world, "DeleteRole", of(json!({}))).unwrap();
    for (operation, fields) in [
        ("DetachRolePolicy", json!({ "PolicyArn": audit })),
        ("GetRole", json!({})),
        ("PutRolePolicy", json!({ "PolicyName": "p", "PolicyDocument": ALLOW })),
        ("UpdateRole", json!({ "Description": "x" })),
    ] {
        assert_eq!(refused(ask(&mut world, operation, of(fields))), code(404, "NoSuchEntity"), "{operation}");
    }
}

#[test]
fn a_service_linked_role_is_not_the_accounts_to_change() {
    let mut world = world();
    let trust = crate::service::iam::Document::parse(TRUST).unwrap();
    let mut role = crate::service::iam::NewRole::new("AWSServiceRoleForX", trust);
    role.path = "/aws-service-role/x.amazonaws.com/".to_owned();
    crate::service::iam::install_role(&mut world, MANAGEMENT, role);
    let name = "AWSServiceRoleForX";
    for (operation, input) in [
        ("DeleteRole", json!({ "RoleName": name })),
        ("PutRolePolicy", json!({ "RoleName": name, "PolicyName": "p", "PolicyDocument": ALLOW })),
        ("UpdateAssumeRolePolicy", json!({ "RoleName": name, "PolicyDocument": TRUST })),
        ("UpdateRole", json!({ "RoleName": name, "MaxSessionDuration": "7200" })),
    ] {
        assert_eq!(
            refused(ask(&mut world, operation, input)),
            code(400, "UnmodifiableEntity"),
            "{operation}"
        );
    }
    ask(&mut world, "UpdateRole", json!({ "RoleName": name, "Description": "d" })).unwrap();
}

#[test]
fn pages_follow_each_other_without_gap_or_repetition() {
    let mut world = world();
    let names: Vec<String> = (0..25).map(|number| format!("role-{number:02}")).collect();
    names.iter().for_each(|name| create_role(&mut world, name));
    let (mut found, mut marker, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let page = ask(&mut world, "ListRoles", json!({ "MaxItems": "10", "Marker": marker })).unwrap();
        found.extend(page["Roles"].as_array().unwrap().iter().map(|role| role["RoleName"].clone()));
        pages += 1;
        if page["IsTruncated"] == false {
            assert!(page.get("Marker").is_none());
            break;
        }
        marker = page["Marker"].clone();
    }
    assert_eq!((pages, found), (3, names.into_iter().map(Value::String).collect()));
    for bad in [json!({ "Marker": "?" }), json!({ "MaxItems": "1001" })] {
        assert_eq!(refused(ask(&mut world, "ListRoles", bad)), code(400, "ValidationError"));
    }
}

#[test]
fn tags_have_limits_and_keys_that_know_no_case() {
    let mut world = world();
    create_role(&mut world, "r");
    let tag =
        |world: &mut World, tags: Value| ask(world, "TagRole", json!({ "RoleName": "r", "Tags": tags }));
    let many = |range: std::ops::Range<usize>| -> Value {
        range.map(|number| json!({ "Key": format!("k{number}"), "Value": "" })).collect()
    };
    for tags in [
        json!([{ "Key": "k".repeat(129), "Value": "v" }]),
        json!([{ "Key": "k", "Value": "v".repeat(257) }]),
        json!([{ "Key": "k!", "Value": "v" }]),
        many(0..51),
    ] {
        assert_eq!(refused(tag(&mut world, tags)), code(400, "ValidationError"));
    }
    for tags in [
        json!([{ "Key": "aws:x", "Value": "v" }]),
        json!([{ "Key": "a", "Value": "" }, { "Key": "A", "Value": "" }]),
    ] {
        assert_eq!(refused(tag(&mut world, tags)), code(400, "InvalidInput"));
    }
    tag(&mut world, many(0..50)).unwrap();
    assert_eq!(refused(tag(&mut world, many(50..51))), code(409, "LimitExceeded"));
    tag(&mut world, json!([{ "Key": "K7", "Value": "seven" }])).unwrap();
    let keys: Value = (0..50).filter(|number| *number != 7).map(|number| format!("k{number}")).collect();
    ask(&mut world, "UntagRole", json!({ "RoleName": "r", "TagKeys": keys })).unwrap();
    let listed = ask(&mut world, "ListRoleTags", json!({ "RoleName": "r" })).unwrap();
    assert_eq!(listed["Tags"], json!([{ "Key": "K7", "Value": "seven" }]));
}
