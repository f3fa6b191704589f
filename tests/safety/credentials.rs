//! No request is signed with another account's credentials, although hundreds of accounts are worked on at once.

use std::collections::{BTreeMap, BTreeSet};

use orgwatch_sim::fault::{Distribution, Span};
use orgwatch_sim::journal::Entry;
use serde_json::Value;

use crate::stage::{Stage, in_virtual_time};

/// Fields of inputs that name what can only be in the caller's own account; the others (a target's bus or dead-letter
/// queue, the role that is asked for) are elsewhere by design.
const OWN: [&str; 10] = [
    "RoleArn",
    "ResourceARN",
    "ResourceArn",
    "TopicArn",
    "SubscriptionArn",
    "QueueUrl",
    "PermissionsBoundary",
    "PolicyArn",
    "aws:SourceAccount",
    "aws:SourceArn",
];

/// What a call names in another account than the one whose credentials it was signed with; none: all is well.
fn misplaced(entry: &Entry) -> Option<String> {
    if entry.call.operation == "AssumeRole" {
        return None;
    }
    let account = &entry.call.caller.account;
    let mut named = BTreeSet::new();
    let input = Value::from(entry.call.input.clone());
    accounts_in(&input, false, &mut named);
    let wrong = named.into_iter().find(|named| named != account)?;
    Some(format!("{} {} by {account} names {wrong}: {input}", entry.call.service, entry.call.operation))
}

/// The accounts that the values of such fields name. Documents within texts are read as well.
fn accounts_in(value: &Value, own: bool, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                accounts_in(value, own || OWN.contains(&name.as_str()), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| accounts_in(item, own, found)),
        Value::String(text) => match serde_json::from_str::<Value>(text) {
            Ok(document @ (Value::Object(_) | Value::Array(_))) => {
                // The policies of central resources name the senders: all rules of the organization.
                accounts_in(&document, own, found);
            }
            _ if own => {
                let digits = |part: &&str| part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit());
                found.extend(text.split([':', '/']).filter(digits).map(ToOwned::to_owned));
            }
            _ => {}
        },
        _ => {}
    }
}

/// The calls of each account in the order of their names, with the account's own number taken out.
fn by_account(stage: &Stage) -> BTreeMap<String, Vec<String>> {
    let mut calls: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in stage.simulator.world().journal.since(0).filter(|entry| entry.error.is_none()) {
        let account = &entry.call.caller.account;
        if entry.principal().contains("orgwatch-member") {
            let input = Value::from(entry.call.input.clone()).to_string().replace(account, "<own>");
            let told = format!("{} {input}", entry.call.operation);
            calls.entry(account.clone()).or_default().push(told);
        }
    }
    for told in calls.values_mut() {
        told.sort_unstable();
    }
    calls
}

fn install(accounts: usize) -> Stage {
    in_virtual_time(async {
        let stage = Stage::new(accounts, 9);
        let latency = Distribution::LogNormal { median: Span::from_millis(5), p99: Span::from_millis(100) };
        stage.simulator.world().faults.set_latency(Some(latency)).expect("it is a distribution");
        let daemon = stage.daemon(&stage.config("concurrency = 256\n"));
        stage.ends(daemon.apply()).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        stage
    })
}

/// How many accounts are installed at once.
const ACCOUNTS: usize = 500;

#[test]
fn five_hundred_accounts_are_installed_at_once_and_each_gets_only_what_is_its_own() {
    let stage = install(ACCOUNTS);
    {
        let world = stage.simulator.world();
        assert_eq!(world.journal.oldest(), 1, "the journal holds every call");
        let wrong = world.journal.since(0).find_map(misplaced);
        assert_eq!(wrong, None);
    }
    // The members are alike, so each must have got the same calls; one that was made with the credentials of a
    // neighbour is one too few here and one too many there.
    let calls = by_account(&stage);
    assert_eq!(calls.len(), ACCOUNTS + 1, "the management account has a member role too");
    let members = &stage.accounts[1..];
    let model = &calls[&members[1]];
    // The first accounts are looked at before all others, and so once more.
    let others = members.iter().filter(|account| calls[*account] != *model);
    assert!(
        others.clone().count() <= 1,
        "{:?}",
        others.clone().next().map(|account| (&calls[account], model))
    );
    let held = stage.holdings();
    let of = |account: &str| -> Vec<String> {
        let own = held.names().filter(|name| name.starts_with(account) && name.contains("orgwatch"));
        own.map(|name| format!("{name}: {:?}", held.what(name)).replace(account, "<own>")).collect()
    };
    let model = of(&members[0]);
    assert!(model.iter().any(|thing| thing.contains("rule default/orgwatch-iam-changes")), "{model:?}");
    for account in members {
        assert_eq!(of(account), model, "{account}");
    }
}

#[test]
fn a_call_that_was_signed_for_another_account_is_found() {
    let stage = install(2);
    let (mut found, mut missed) = (BTreeSet::new(), BTreeSet::new());
    for entry in stage.simulator.world().journal.since(0) {
        assert_eq!(misplaced(entry), None);
        let mut call = (*entry.call).clone();
        call.caller.account = "999999999999".to_owned();
        let sabotaged = Entry { call: std::sync::Arc::new(call), ..entry.clone() };
        let names = if misplaced(&sabotaged).is_some() { &mut found } else { &mut missed };
        names.insert(entry.call.operation.clone());
    }
    for operation in
        ["PutTargets", "CreateRole", "SetTopicAttributes", "Subscribe", "GetTopicAttributes", "ListQueueTags"]
    {
        assert!(found.contains(operation), "{operation} tells nothing: {missed:?}");
    }
}
