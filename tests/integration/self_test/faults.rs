//! Each fault arrives at the AWS SDK as the real one would.

use std::time::{Duration, Instant};

use aws_sdk_eventbridge::{Client as EventBridge, error::ProvideErrorMetadata};
use aws_sdk_iam::Client as Iam;
use aws_sdk_organizations::Client as Organizations;
use aws_sdk_sns::Client as Sns;
use aws_sdk_sqs::Client as Sqs;
use aws_sdk_sts::Client as Sts;

use super::small_organization;
use crate::{
    proxy::{Fault, Then},
    sdk::{self, block_on},
};

const PATTERN: &str = r#"{"source":["a"]}"#;

fn error(status: u16, code: &'static str) -> Then {
    Then::Respond { status, code, message: "injected" }
}

#[test]
fn an_error_speaks_the_protocol_of_its_service() {
    let (_emulator, seed, proxy) = small_organization();
    let config = sdk::central(proxy.endpoint(), &seed);
    for (service, operation, status, code) in [
        ("events", "PutRule", 400, "ConcurrentModificationException"),
        ("organizations", "ListAccounts", 400, "TooManyRequestsException"),
        ("sts", "AssumeRole", 403, "AccessDenied"),
        ("sns", "GetTopicAttributes", 404, "NotFound"),
        ("iam", "GetRole", 404, "NoSuchEntity"),
        ("sqs", "GetQueueUrl", 400, "AWS.SimpleQueueService.NonExistentQueue"),
    ] {
        proxy.fault(Fault::on(service, operation, error(status, code)));
    }
    block_on(async {
        let rule = EventBridge::new(&config).put_rule().name("mine").event_pattern(PATTERN).send().await;
        let rule = rule.expect_err("it is broken").into_service_error();
        assert!(
            rule.is_concurrent_modification_exception() && rule.message() == Some("injected"),
            "{rule:?}"
        );
        let accounts = Organizations::new(&config).list_accounts().send().await;
        let accounts = accounts.expect_err("it is broken").into_service_error();
        assert!(accounts.is_too_many_requests_exception() && accounts.message() == Some("injected"));
        let role = Sts::new(&config).assume_role().role_arn("arn").role_session_name("test").send().await;
        let role = role.expect_err("it is broken").into_service_error();
        assert_eq!((role.code(), role.message()), (Some("AccessDenied"), Some("injected")));
        let topic = Sns::new(&config).get_topic_attributes().topic_arn("arn").send().await;
        assert!(topic.expect_err("it is broken").into_service_error().is_not_found_exception());
        let role = Iam::new(&config).get_role().role_name("mine").send().await;
        assert!(role.expect_err("it is broken").into_service_error().is_no_such_entity_exception());
        let queue = Sqs::new(&config).get_queue_url().queue_name("mine").send().await;
        assert!(queue.expect_err("it is broken").into_service_error().is_queue_does_not_exist());
    });
    let statuses: Vec<_> = proxy.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [400, 400, 403, 404, 404, 400].map(Some));
}

#[test]
fn a_fault_meets_only_its_account_only_its_role_and_only_so_often() {
    let (_emulator, seed, proxy) = small_organization();
    let [one, other] = [&seed.members().next().expect("there is one").id, &seed.management_account_id];
    proxy.fault(Fault::on("events", "*", error(400, "AccessDeniedException")).account(one));
    let shut =
        proxy.fault(Fault::on("sts", "AssumeRole", error(403, "AccessDenied")).role_arn(other).times(1));
    block_on(async {
        let central = sdk::central(proxy.endpoint(), &seed);
        let member = sdk::member(proxy.endpoint(), &seed, one, None).await;
        assert!(EventBridge::new(&member).list_rules().send().await.is_err());
        assert!(EventBridge::new(&central).list_rules().send().await.is_ok());
        let enter = Sts::new(&central)
            .assume_role()
            .role_arn(format!("arn:aws:iam::{other}:role/any"))
            .role_session_name("test");
        assert!(enter.clone().send().await.is_err());
        assert!(enter.send().await.is_ok(), "once means once");
    });
    assert_eq!(proxy.heal(shut), 1);
}

#[test]
fn a_healed_fault_meets_nothing_more() {
    let (_emulator, seed, proxy) = small_organization();
    let events = EventBridge::new(&sdk::central(proxy.endpoint(), &seed));
    let fault = proxy.fault(Fault::on("*", "*", error(503, "ServiceUnavailable")));
    assert!(block_on(events.list_rules().send()).is_err());
    assert_eq!(proxy.heal(fault), 1);
    assert!(block_on(events.list_rules().send()).is_ok());
}

#[test]
fn a_dropped_request_does_not_arrive_and_a_lost_answer_is_one_that_did() {
    let (_emulator, seed, proxy) = small_organization();
    let events = EventBridge::new(&sdk::central(proxy.endpoint(), &seed));
    proxy.fault(Fault::on("events", "PutRule", Then::Drop).times(1));
    proxy.fault(Fault::on("events", "PutRule", Then::LoseAnswer).times(1));
    block_on(async {
        for name in ["dropped", "lost"] {
            let put = events.put_rule().name(name).event_pattern(PATTERN).send().await;
            let error = put.expect_err("nobody answers");
            assert!(error.as_service_error().is_none(), "AWS has said nothing: {error:?}");
        }
        assert!(events.describe_rule().name("dropped").send().await.is_err());
        assert!(events.describe_rule().name("lost").send().await.is_ok());
    });
    let statuses: Vec<_> = proxy.calls().iter().map(|call| call.status).collect();
    assert_eq!(statuses, [None, None, Some(400), Some(200)]);
}

#[test]
fn a_delayed_request_arrives_late() {
    const DELAY: Duration = Duration::from_millis(300);
    let (_emulator, seed, proxy) = small_organization();
    let events = EventBridge::new(&sdk::central(proxy.endpoint(), &seed));
    proxy.fault(Fault::on("events", "ListRules", Then::Delay(DELAY)));
    let start = Instant::now();
    assert!(block_on(events.list_rules().send()).is_ok());
    assert!(start.elapsed() >= DELAY);
}
