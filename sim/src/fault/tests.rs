use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use super::*;
use crate::call::{Caller, Principal, Service, Session};

fn start() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

fn call(service: Service, operation: &str) -> Call {
    Call {
        service,
        operation: operation.to_owned(),
        input: Map::new(),
        region: "us-east-1".to_owned(),
        caller: Caller {
            account: "111122223333".to_owned(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        },
        request_id: "r-1".to_owned(),
        at: start(),
    }
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(7)
}

fn rule(rule: Value) -> Rule {
    serde_json::from_value(rule).unwrap()
}

fn faults(rules: impl IntoIterator<Item = Value>) -> Faults {
    let mut faults = Faults::default();
    for each in rules {
        faults.set(rule(each), start()).unwrap();
    }
    faults
}

/// The codes of so many calls in a row, `-` where none was refused.
fn codes(faults: &mut Faults, rng: &mut StdRng, call: &Call, times: usize) -> Vec<String> {
    let code = |decision: Decision| decision.refusal.map_or("-".to_owned(), |refusal| refusal.code);
    (0..times).map(|_| code(faults.decide(call, rng))).collect()
}

#[test]
fn without_rules_nothing_goes_wrong() {
    let decision = Faults::default().decide(&call(Service::Events, "PutRule"), &mut rng());
    assert!(decision.refusal.is_none() && decision.delay.is_zero() && !decision.traceless);
    assert_eq!(decision.transport, Transport::Whole);
}

#[test]
fn chances_are_the_same_for_the_same_seed() {
    let throttle = json!({ "probability": 0.3, "action": "throttle" });
    let run = |seed: u64| {
        let call = call(Service::Events, "PutRule");
        codes(&mut faults([throttle.clone()]), &mut StdRng::seed_from_u64(seed), &call, 200)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let fired = run(1).iter().filter(|code| *code == "ThrottlingException").count();
    assert!((40..80).contains(&fired), "{fired} of 200");
}

#[test]
fn a_rule_asks_for_everything_that_it_names() {
    let mut asked = call(Service::Sts, "AssumeRole");
    asked.input.insert("RoleArn".into(), json!("arn:aws:iam::444455556666:role/x"));
    asked.caller.principal = Principal::Session(Arc::new(Session {
        role_name: "orchestrator".to_owned(),
        role_id: "AROA1".to_owned(),
        role_arn: "arn:aws-cn:iam::111122223333:role/orchestrator".to_owned(),
        name: "s".to_owned(),
        token: "t".to_owned(),
        expires_at: start(),
        policies: Vec::new(),
        source_identity: None,
        chained: false,
    }));
    let fires = |condition: Value| {
        let mut given = condition;
        given["action"] = json!("denied");
        faults([given]).decide(&asked, &mut rng()).refusal.is_some()
    };
    let right = json!({ "service": "sts", "operation": "Assume*", "account": "111122223333",
        "target": "444455556666", "region": "us-east-1", "role": "orchestrator" });
    assert!(fires(right.clone()));
    for name in ["service", "operation", "account", "target", "region", "role"] {
        let mut wrong = right.clone();
        wrong[name] = json!(if name == "service" { "iam" } else { "other" });
        assert!(!fires(wrong), "{name} was not asked about");
    }
    assert!(!fires(json!({ "operation": "Assume" })), "only a star stands for the rest");
    let message = faults([json!({ "action": "denied" })]).decide(&asked, &mut rng()).refusal.unwrap().message;
    assert!(message.starts_with("User: arn:aws-cn:sts::111122223333:assumed-role/orchestrator/s is not"));
}

#[test]
fn a_rule_spares_the_first_and_ends_after_its_times() {
    let mut faults = faults([json!({ "after": 2, "times": 2, "action": "throttle" })]);
    let got = codes(&mut faults, &mut rng(), &call(Service::Iam, "GetRole"), 6);
    assert_eq!(got, ["-", "-", "Throttling", "Throttling", "-", "-"]);
    assert_eq!(faults.rules()[0].fired, 2);
}

#[test]
fn a_rule_fires_in_its_time_only() {
    let mut faults = faults([json!({ "from": 10, "until": "20s", "action": "denied" })]);
    let mut asked = call(Service::Iam, "GetRole");
    let mut refused_at = |second: i64| {
        asked.at = start() + SignedDuration::from_secs(second);
        faults.decide(&asked, &mut rng()).refusal.is_some()
    };
    assert_eq!([0, 9, 10, 19, 20].map(&mut refused_at), [false, false, true, true, false]);
}

#[test]
fn the_first_rule_that_fires_wins_and_delays_add_up() {
    let mut faults = faults([
        json!({ "id": "a", "action": { "delay": { "fixed": "10ms" } } }),
        json!({ "id": "b", "times": 1, "action": { "error": { "status": 409, "code": "B" } } }),
        json!({ "id": "c", "action": { "server-error": { "status": 503 } } }),
        json!({ "id": "d", "action": { "delay": { "fixed": "5ms" } } }),
    ]);
    faults.set_latency(Some(Distribution::Fixed(Span::from_millis(1)))).unwrap();
    let asked = call(Service::Events, "PutRule");
    let first = faults.decide(&asked, &mut rng());
    let refusal = first.refusal.unwrap();
    assert_eq!((refusal.status, refusal.code.as_str()), (409, "B"));
    assert_eq!(first.delay, Duration::from_millis(16));
    assert!(!first.traceless);
    assert_eq!(faults.rules()[2].matched, 0, "a rule behind the winner was counted");
    let second = faults.decide(&asked, &mut rng());
    assert_eq!(second.refusal.unwrap().code, "ServiceUnavailable");
    assert!(second.traceless);
}

#[test]
fn broken_transports_tell_what_took_effect() {
    let decide =
        |action: &str| faults([json!({ "action": action })]).decide(&call(Service::Sns, "X"), &mut rng());
    for (action, transport, takes_effect) in [
        ("timeout", Transport::Silent, false),
        ("reset", Transport::Reset, false),
        ("lost-answer", Transport::Reset, true),
        ("truncated", Transport::Truncated, true),
    ] {
        let decision = decide(action);
        assert_eq!(decision.transport, transport, "{action}");
        assert_eq!(decision.refusal.is_none(), takes_effect, "{action}");
        assert_eq!(decision.traceless, !takes_effect, "{action}");
    }
}

#[test]
fn a_rule_of_the_same_id_is_replaced_in_its_place() {
    let mut faults = faults([
        json!({ "action": "throttle" }),
        json!({ "id": "mine", "action": "throttle" }),
        json!({ "action": "throttle" }),
    ]);
    faults.set(rule(json!({ "id": "mine", "action": "denied" })), start()).unwrap();
    let ids: Vec<_> = faults.rules().iter().map(|armed| armed.rule.id.as_str()).collect();
    assert_eq!(ids, ["fault-1", "mine", "fault-2"]);
    assert_eq!(faults.rules()[1].rule.action, Action::Denied);
    assert!(faults.remove("mine") && !faults.remove("mine"));
}

#[test]
fn rules_without_sense_are_refused() {
    let wrong = [
        json!({ "probability": 1.5, "action": "throttle" }),
        json!({ "service": "ec2", "action": "throttle" }),
        json!({ "action": { "error": { "status": 200, "code": "Fine" } } }),
        json!({ "action": { "server-error": { "status": 404 } } }),
        json!({ "action": { "delay": { "uniform": { "min": 2, "max": 1 } } } }),
    ];
    for each in wrong {
        assert!(Faults::default().set(rule(each.clone()), start()).is_err(), "{each}");
    }
    assert!(serde_json::from_value::<Rule>(json!({ "acount": "1", "action": "throttle" })).is_err());
    assert!(serde_json::from_value::<Rule>(json!({ "service": "iam" })).is_err(), "a rule without an action");
}

fn quotas(change: Value) -> Faults {
    let mut faults = Faults::default();
    faults.quotas.change(serde_json::from_value(change).unwrap()).unwrap();
    faults
}

fn refused(faults: &mut Faults, call: &Call, times: usize) -> usize {
    codes(faults, &mut rng(), call, times).iter().filter(|code| *code != "-").count()
}

#[test]
fn quotas_are_off_until_they_are_asked_for() {
    let asked = call(Service::Events, "PutRule");
    assert_eq!(refused(&mut Faults::default(), &asked, 1000), 0);
    assert_eq!(refused(&mut quotas(json!({ "quotas": true })), &asked, 1000), 950);
}

#[test]
fn a_quota_is_counted_by_account_and_region_and_fills_again() {
    let mut faults = quotas(json!({ "quotas": true }));
    let mut asked = call(Service::Events, "PutRule");
    assert_eq!(refused(&mut faults, &asked, 60), 10);
    assert_eq!(refused(&mut faults, &call(Service::Events, "PutEvents"), 60), 0);
    asked.region = "eu-west-1".to_owned();
    assert_eq!(refused(&mut faults, &asked, 60), 10);
    asked.caller.account = "444455556666".to_owned();
    assert_eq!(refused(&mut faults, &asked, 60), 10);
    asked.at = start() + SignedDuration::from_millis(100);
    assert_eq!(refused(&mut faults, &asked, 60), 55, "a tenth of a second brings five");
    asked.at = start();
    assert_eq!(refused(&mut faults, &asked, 1), 1, "time that goes back fills nothing");
    assert_eq!(faults.quotas.exceeded(), &BTreeMap::from([("events", 86)]));
}

#[test]
fn each_quota_has_the_figure_of_aws() {
    let figures = [
        (Service::Events, "PutEvents", 10_000),
        (Service::Sts, "AssumeRole", 600),
        (Service::Sns, "ListTopics", 30),
        (Service::Sns, "ListSubscriptionsByTopic", 30),
        (Service::Sns, "TagResource", 10),
        (Service::Sns, "SetTopicAttributes", 10),
        (Service::Sns, "Subscribe", 100),
        (Service::Sns, "Unsubscribe", 100),
        (Service::Iam, "PutRolePolicy", 20),
        (Service::Account, "ListRegions", 10),
    ];
    for (service, operation, figure) in figures {
        let mut faults = quotas(json!({ "quotas": true }));
        assert_eq!(refused(&mut faults, &call(service, operation), figure + 3), 3, "{operation}");
    }
    assert_eq!(refused(&mut quotas(json!({ "quotas": true })), &call(Service::Iam, "GetRole"), 500), 0);
}

#[test]
fn organizations_answers_one_call_at_a_time() {
    let mut faults = quotas(json!({ "quotas": true }));
    let first = call(Service::Organizations, "ListAccounts");
    let second = Call { request_id: "r-2".to_owned(), ..first.clone() };
    assert!(faults.decide(&first, &mut rng()).in_progress);
    let refusal = faults.decide(&second, &mut rng()).refusal.unwrap();
    assert_eq!(refusal.code, "TooManyRequestsException");
    assert!(refusal.message.contains("another request is already in progress"));
    faults.finished(&second);
    assert!(faults.decide(&second, &mut rng()).refusal.is_some(), "a refused call ends nobody else's");
    faults.finished(&first);
    assert!(faults.decide(&second, &mut rng()).refusal.is_none());
}

#[test]
fn organizations_has_a_rate_and_a_burst() {
    let mut faults = quotas(json!({ "quotas": true, "one_organizations_call": false }));
    let mut asked = call(Service::Organizations, "ListAccounts");
    assert_eq!(refused(&mut faults, &asked, 25), 5);
    asked.caller.account = "444455556666".to_owned();
    asked.at = start() + SignedDuration::from_secs(1);
    assert_eq!(refused(&mut faults, &asked, 25), 15, "accounts of an organization share its quota");
}

#[test]
fn a_quota_can_be_changed_and_switched_off() {
    let mut faults =
        quotas(json!({ "quotas": true, "limits": { "iam-writes": null, "sts": { "rate": 1, "burst": 2 } } }));
    assert_eq!(refused(&mut faults, &call(Service::Iam, "CreateRole"), 500), 0);
    assert_eq!(refused(&mut faults, &call(Service::Sts, "AssumeRole"), 5), 3);
    let wrong = QuotaChange {
        limits: BTreeMap::from([(Quota::Sts, Some(Limit { rate: 0.0, burst: 1.0 }))]),
        ..Default::default()
    };
    assert!(faults.quotas.change(wrong).is_err());
}
