//! The proxy knows who did what.

use aws_credential_types::Credentials;
use aws_sdk_eventbridge::Client as EventBridge;
use aws_sdk_sns::Client as Sns;
use futures::future::join_all;
use serde_json::json;

use super::small_organization;
use crate::sdk::{self, block_on};

#[test]
fn calls_are_recorded_with_the_account_that_made_them() {
    let (_emulator, seed, proxy) = small_organization();
    let member = &seed.members().next().expect("there is one").id;
    let policy = json!({ "Version": "2012-10-17", "Statement": [] });
    block_on(async {
        let config = sdk::member(proxy.endpoint(), &seed, member, Some(&policy.to_string())).await;
        let put = EventBridge::new(&config).put_rule().name("mine").event_pattern(r#"{"source":["a"]}"#);
        put.send().await.expect("the emulator takes it");
        Sns::new(&config).list_topics().send().await.expect("the emulator lists them");
    });

    let [assume, put, list] = proxy.calls().try_into().expect("three calls were made");
    assert_eq!((assume.service.as_str(), assume.operation.as_str()), ("sts", "AssumeRole"));
    assert_eq!(assume.account.as_ref(), Some(&seed.central_account_id));
    let role = format!("arn:aws:iam::{member}:role/OrganizationAccountAccessRole");
    assert_eq!((assume.role_arn(), assume.session_policy()), (Some(role), Some(policy)));
    assert_eq!((put.service.as_str(), put.operation.as_str()), ("events", "PutRule"));
    assert_eq!((put.region.as_str(), put.account.as_ref()), ("us-east-1", Some(member)));
    assert_eq!((put.field("Name").as_deref(), put.status), (Some("mine"), Some(200)));
    assert_eq!((list.service.as_str(), list.operation.as_str()), ("sns", "ListTopics"));
    assert_ne!(put.access_key, assume.access_key);
    assert!(assume.at < put.at && put.at < list.at);

    assert_eq!(proxy.writes().len(), 1);
    assert_eq!(proxy.for_account(member).len(), 3, "being entered concerns an account too");
    assert_eq!(proxy.for_account(&seed.central_account_id).len(), 1);
    assert_eq!(proxy.for_account(&seed.closed_account_id).len(), 0);
    proxy.clear();
    assert_eq!(proxy.calls().len(), 0);
}

#[test]
fn a_call_with_a_key_that_nobody_issued_is_recorded_without_an_account() {
    let (_emulator, _seed, proxy) = small_organization();
    let nobody = Credentials::new("AKIANOBODY", "secret", None, None, "test");
    let config = sdk::with(proxy.endpoint(), nobody);
    block_on(EventBridge::new(&config).list_rules().send()).expect("the emulator knows no wrong keys");

    let [call] = proxy.calls().try_into().expect("one call was made");
    assert_eq!((call.access_key.as_str(), call.account), ("AKIANOBODY", None));
    proxy.know("AKIANOBODY", "123456789012");
    block_on(EventBridge::new(&config).list_rules().send()).expect("the emulator knows no wrong keys");
    assert_eq!(proxy.for_account("123456789012").len(), 1);
}

#[test]
fn many_connections_at_a_time_lose_nothing() {
    let (_emulator, seed, proxy) = small_organization();
    let events = EventBridge::new(&sdk::central(proxy.endpoint(), &seed));
    let answers = block_on(join_all((0..64).map(|_| events.list_rules().send())));
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(proxy.calls().iter().filter(|call| call.status == Some(200)).count(), 64);
}

#[test]
#[should_panic(expected = "nobody has said yet whether this reads or writes")]
fn an_operation_that_is_neither_known_to_read_nor_to_write_stops_the_test() {
    let (_emulator, seed, proxy) = small_organization();
    let events = EventBridge::new(&sdk::central(proxy.endpoint(), &seed));
    let test = events.test_event_pattern().event_pattern("{}").event("{}");
    // Whatever it answers: that it was asked is the point.
    let _answer = block_on(test.send());
    proxy.writes();
}
