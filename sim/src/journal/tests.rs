use jiff::Timestamp;
use serde_json::Map;

use super::*;
use crate::call::{Caller, Session};

fn call(service: Service, operation: &str, account: &str) -> Arc<Call> {
    let mut input = Map::new();
    input.insert("Name".to_owned(), json!("x"));
    Arc::new(Call {
        service,
        operation: operation.to_owned(),
        input,
        region: "us-east-1".to_owned(),
        caller: Caller {
            account: account.to_owned(),
            principal: Principal::Session(Arc::new(Session {
                role_name: "runner".to_owned(),
                role_id: "AROA1".to_owned(),
                role_arn: format!("arn:aws:iam::{account}:role/runner"),
                name: "s".to_owned(),
                token: "t".to_owned(),
                expires_at: Timestamp::MAX,
                policies: Vec::new(),
                source_identity: None,
                chained: false,
            })),
            access_key: "ASIA1".to_owned(),
        },
        request_id: "r-1".to_owned(),
        at: Timestamp::from_second(1_800_000_000).unwrap(),
    })
}

fn filled() -> Journal {
    let mut journal = Journal::default();
    let ok = Ok(Value::Null);
    journal.record(&call(Service::Events, "PutRule", "111"), &ok);
    journal.record(&call(Service::Events, "ListRules", "111"), &ok);
    journal.record(&call(Service::Iam, "GetRole", "222"), &Err(Refusal::new(404, "NoSuchEntity", "")));
    journal.record(&call(Service::Iam, "CreateRole", "222"), &ok);
    journal.record(&call(Service::Events, "PutTargets", "222"), &ok);
    journal
}

fn numbers(journal: &Journal, filter: &Filter) -> Vec<u64> {
    journal.filtered(filter).map(|entry| entry.number).collect()
}

#[test]
fn each_filter_admits_what_it_asks_for() {
    let journal = filled();
    let some = |text: &str| Some(text.to_owned());
    let all = Filter::default;
    assert_eq!(numbers(&journal, &all()), [1, 2, 3, 4, 5]);
    assert_eq!(numbers(&journal, &Filter { since: 3, ..all() }), [4, 5]);
    assert_eq!(numbers(&journal, &Filter { account: some("111"), ..all() }), [1, 2]);
    assert_eq!(numbers(&journal, &Filter { service: some("iam"), ..all() }), [3, 4]);
    assert_eq!(numbers(&journal, &Filter { operation: some("Put*"), ..all() }), [1, 5]);
    assert_eq!(numbers(&journal, &Filter { operation: some("Put"), ..all() }), [0; 0]);
    assert_eq!(numbers(&journal, &Filter { write: Some(true), ..all() }), [1, 4, 5]);
    assert_eq!(numbers(&journal, &Filter { write: Some(false), account: some("222"), ..all() }), [3]);
    assert_eq!(numbers(&journal, &Filter { refused: Some(true), ..all() }), [3]);
    let principal = some("arn:aws:sts::111:assumed-role/runner/*");
    assert_eq!(numbers(&journal, &Filter { principal, ..all() }), [1, 2]);
}

#[test]
fn the_oldest_entries_make_room_and_numbers_go_on() {
    let mut journal = filled();
    journal.set_limit(2);
    assert_eq!((journal.oldest(), journal.last()), (4, 5));
    journal.record(&call(Service::Sns, "Publish", "111"), &Ok(Value::Null));
    assert_eq!(numbers(&journal, &Filter::default()), [5, 6]);
    assert_eq!(journal.since(5).map(|entry| entry.number).collect::<Vec<_>>(), [6]);
    assert_eq!(journal.since(6).count(), 0);
    assert_eq!(journal.since(u64::MAX).count(), 0);
    journal.clear();
    assert_eq!((journal.oldest(), journal.since(0).count()), (7, 0));
    journal.record(&call(Service::Sns, "Publish", "111"), &Ok(Value::Null));
    assert_eq!(numbers(&journal, &Filter::default()), [7]);
}

#[test]
fn counters_outlive_entries() {
    let mut journal = filled();
    journal.set_limit(0);
    journal.count_accounts(true);
    let asked = call(Service::Iam, "GetRole", "333");
    journal.record(&asked, &Ok(Value::Null));
    journal.record(&asked, &Err(Refusal::new(404, "NoSuchEntity", "")));
    assert_eq!(Arc::strong_count(&asked), 1, "a journal without entries keeps no input");
    journal.clear();
    let refused = BTreeMap::from([("NoSuchEntity".to_owned(), 2)]);
    assert_eq!(journal.counters()["iam"]["GetRole"], &Outcomes { performed: 1, refused });
    assert_eq!(journal.counters()["events"]["PutRule"].performed, 1);
    assert_eq!(journal.accounts().unwrap()["333"], 2);
    assert_eq!(journal.last(), 7);
}

#[test]
fn writes_are_told_by_their_names() {
    for read in
        ["GetRole", "ListRules", "DescribeEventBus", "TestEventPattern", "AssumeRole", "ReceiveMessage"]
    {
        assert!(!is_write(read), "{read}");
    }
    for write in
        ["PutRule", "CreateRole", "DeleteMessage", "PutEvents", "Subscribe", "TagResource", "Unsubscribe"]
    {
        assert!(is_write(write), "{write}");
    }
}

#[test]
fn an_entry_is_flat_in_json() {
    let journal = filled();
    let entry = serde_json::to_value(journal.since(2).next().unwrap()).unwrap();
    let expected = json!({
        "number": 3, "at": "2027-01-15T08:00:00Z", "request_id": "r-1", "account": "222", "region": "us-east-1",
        "principal": "arn:aws:sts::222:assumed-role/runner/s", "access_key": "ASIA1", "service": "iam",
        "operation": "GetRole", "write": false, "input": { "Name": "x" }, "error": "NoSuchEntity",
    });
    assert_eq!(entry, expected);
}
