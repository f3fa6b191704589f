use super::*;

#[test]
fn a_user_is_deleted_when_nothing_is_left_of_it() {
    let mut world = world();
    let user = json!({ "UserName": "ann" });
    let made = ask(&mut world, "CreateUser", user.clone()).unwrap();
    assert_eq!(made["User"]["Arn"], "arn:aws:iam::111111111111:user/ann");
    assert_eq!(refused(ask(&mut world, "CreateUser", user.clone())), code(409, "EntityAlreadyExists"));
    let key = ask(&mut world, "CreateAccessKey", user.clone()).unwrap()["AccessKey"]["AccessKeyId"].clone();
    ask(&mut world, "CreateLoginProfile", json!({ "UserName": "ann", "Password": "pw" })).unwrap();
    let administrator = "arn:aws:iam::aws:policy/AdministratorAccess";
    ask(&mut world, "AttachUserPolicy", json!({ "UserName": "ann", "PolicyArn": administrator })).unwrap();
    let inline = json!({ "UserName": "ann", "PolicyName": "p", "PolicyDocument": ALLOW });
    ask(&mut world, "PutUserPolicy", inline).unwrap();
    for (operation, input) in [
        ("DeleteAccessKey", json!({ "UserName": "ann", "AccessKeyId": key })),
        ("DeleteLoginProfile", user.clone()),
        ("DetachUserPolicy", json!({ "UserName": "ann", "PolicyArn": administrator })),
        ("DeleteUserPolicy", json!({ "UserName": "ann", "PolicyName": "p" })),
    ] {
        assert_eq!(refused(ask(&mut world, "DeleteUser", user.clone())), code(409, "DeleteConflict"));
        ask(&mut world, operation, input).unwrap();
    }
    ask(&mut world, "DeleteUser", user.clone()).unwrap();
    assert_eq!(refused(ask(&mut world, "GetUser", user)), code(404, "NoSuchEntity"));
}

#[test]
fn a_user_has_two_access_keys_at_most() {
    let mut world = world();
    let user = json!({ "UserName": "ann" });
    ask(&mut world, "CreateUser", user.clone()).unwrap();
    ask(&mut world, "CreateAccessKey", user.clone()).unwrap();
    ask(&mut world, "CreateAccessKey", user.clone()).unwrap();
    assert_eq!(refused(ask(&mut world, "CreateAccessKey", user)), code(409, "LimitExceeded"));
}

#[test]
fn a_group_is_made_once_and_deleted_once() {
    let mut world = world();
    let group = json!({ "GroupName": "auditors" });
    ask(&mut world, "CreateGroup", group.clone()).unwrap();
    assert_eq!(refused(ask(&mut world, "CreateGroup", group.clone())), code(409, "EntityAlreadyExists"));
    ask(&mut world, "DeleteGroup", group.clone()).unwrap();
    assert_eq!(refused(ask(&mut world, "DeleteGroup", group)), code(404, "NoSuchEntity"));
}
