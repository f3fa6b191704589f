use serde_json::{Value, json};

use super::perform;
use crate::call::{Refusal, Service};
use crate::service::events::tests::{AWAY, HOME, call, world};
use crate::world::World;

/// Asks as the administrator of an account.
pub(crate) fn ask(world: &mut World, account: &str, operation: &str, input: Value) -> Result<Value, Refusal> {
    let call = crate::call::Call { service: Service::Kms, ..call(account, operation, input) };
    perform(world, &call)
}

/// A key at home whose policy leaves everything to the account, and has these statements besides; its ARN.
pub(crate) fn key(world: &mut World, statements: &[Value]) -> String {
    let input = json!({ "Policy": policy(statements) });
    ask(world, HOME, "CreateKey", input).unwrap()["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
}

pub(crate) fn policy(statements: &[Value]) -> String {
    let mut all = vec![json!({
        "Sid": "account", "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{HOME}:root") },
        "Action": "kms:*", "Resource": "*",
    })];
    all.extend(statements.iter().cloned());
    json!({ "Version": "2012-10-17", "Statement": all }).to_string()
}

/// EventBridge may use the key under a condition.
pub(crate) fn for_events(condition: &Value) -> Value {
    json!({
        "Effect": "Allow", "Principal": { "Service": "events.amazonaws.com" },
        "Action": ["kms:GenerateDataKey*", "kms:Decrypt"], "Resource": "*", "Condition": condition,
    })
}

fn code(result: Result<Value, Refusal>) -> String {
    result.unwrap_err().code
}

#[test]
fn a_key_is_made_described_switched_off_and_on_and_deleted_after_a_while() {
    let mut world = world();
    let arn = key(&mut world, &[]);
    let state = |world: &mut World| {
        let told = ask(world, HOME, "DescribeKey", json!({ "KeyId": arn })).unwrap()["KeyMetadata"].clone();
        (told["KeyState"].as_str().unwrap().to_owned(), told["Enabled"].as_bool().unwrap())
    };
    assert_eq!(state(&mut world), ("Enabled".to_owned(), true));
    let id = json!({ "KeyId": arn });
    ask(&mut world, HOME, "DisableKey", id.clone()).unwrap();
    assert_eq!(state(&mut world), ("Disabled".to_owned(), false));
    ask(&mut world, HOME, "EnableKey", id.clone()).unwrap();
    assert_eq!(code(ask(&mut world, HOME, "CancelKeyDeletion", id.clone())), "KMSInvalidStateException");
    ask(&mut world, HOME, "ScheduleKeyDeletion", id.clone()).unwrap();
    assert_eq!(state(&mut world), ("PendingDeletion".to_owned(), false));
    assert_eq!(code(ask(&mut world, HOME, "EnableKey", id.clone())), "KMSInvalidStateException");
    ask(&mut world, HOME, "CancelKeyDeletion", id).unwrap();
    assert_eq!(state(&mut world), ("Disabled".to_owned(), false));
}

#[test]
fn a_policy_that_would_lock_out_whoever_gives_it_is_refused_unless_that_is_meant() {
    let mut world = world();
    let arn = key(&mut world, &[]);
    let closed = json!({ "Version": "2012-10-17", "Statement": [for_events(&json!({}))] }).to_string();
    let input = json!({ "KeyId": arn, "Policy": closed });
    let refused = ask(&mut world, HOME, "PutKeyPolicy", input.clone());
    assert_eq!(code(refused), "MalformedPolicyDocumentException");
    let mut meant = input;
    meant["BypassPolicyLockoutSafetyCheck"] = json!(true);
    ask(&mut world, HOME, "PutKeyPolicy", meant).unwrap();
    // Nobody gets past a key's policy: not the administrator of its account either.
    assert_eq!(code(ask(&mut world, HOME, "GetKeyPolicy", json!({ "KeyId": arn }))), "AccessDeniedException");
}

#[test]
fn what_is_not_there_or_is_another_accounts_is_refused() {
    let mut world = world();
    let arn = key(&mut world, &[]);
    assert_eq!(code(ask(&mut world, HOME, "DescribeKey", json!({ "KeyId": "none" }))), "NotFoundException");
    assert_eq!(
        code(ask(&mut world, HOME, "DescribeKey", json!({ "KeyId": "alias/x" }))),
        "NotFoundException"
    );
    assert_eq!(code(ask(&mut world, AWAY, "DescribeKey", json!({ "KeyId": arn }))), "AccessDeniedException");
    let shared = for_events(&json!({}));
    let open = json!({
        "Effect": "Allow", "Principal": { "AWS": AWAY }, "Action": ["kms:DescribeKey", "kms:GetKeyPolicy"],
        "Resource": "*",
    });
    let input = json!({ "KeyId": arn, "Policy": policy(&[shared, open]) });
    ask(&mut world, HOME, "PutKeyPolicy", input).unwrap();
    assert!(ask(&mut world, AWAY, "DescribeKey", json!({ "KeyId": arn })).is_ok());
    // AWS: a key's policy is for its own account to read, whatever it says itself.
    assert_eq!(code(ask(&mut world, AWAY, "GetKeyPolicy", json!({ "KeyId": arn }))), "AccessDeniedException");
}
