//! No request is made with another account's credentials.

use std::collections::{BTreeMap, BTreeSet};

use super::scene::Scene;
use crate::proxy::Call;

/// Twelve digits where an ARN has its account.
fn accounts_in(text: &str) -> BTreeSet<String> {
    let text = text.replace("%3A", ":");
    let parts = text.split("arn:aws:").skip(1);
    let account = |arn: &str| {
        let id: String = arn.split(':').nth(2)?.chars().take(12).collect();
        (id.len() == 12 && id.chars().all(|digit| digit.is_ascii_digit())).then_some(id)
    };
    parts.filter_map(account).collect()
}

/// The accounts that a call of a member is about, the central one aside, which each of them names as its receiver.
fn named(call: &Call, central: &str) -> BTreeSet<String> {
    let mut named = accounts_in(&call.body);
    named.remove(central);
    named
}

#[test]
fn every_request_is_signed_for_the_account_that_it_is_about() {
    // More than the 64 identities that the SDK's own cache holds.
    let scene = Scene::new(80);
    let central = scene.seed.central_account_id.as_str();
    let apply = scene.orgwatch(&scene.config().with("reconcile.concurrency = 64"));
    apply.run(&["apply", "--yes"]).expect_code(0);

    let mut entered: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut speaking = 0;
    for call in scene.proxy.calls() {
        let account =
            call.account.clone().unwrap_or_else(|| panic!("nobody knows whose key this is: {call:?}"));
        match call.service.as_str() {
            "sts" => assert_eq!(account, central, "sessions are asked for in the central account"),
            "organizations" => assert_eq!(account, scene.seed.management_account_id),
            "sns" | "sqs" => assert_eq!(account, central, "{call:?}"),
            _ => {
                let about = named(&call, central);
                speaking += usize::from(!about.is_empty());
                assert!(about.iter().all(|id| *id == account), "{account} asks about {about:?}: {call:?}");
                entered.entry(account).or_default().insert(call.access_key.clone());
            }
        }
    }
    // The trust of each role and its place in the target; the management account has its role already.
    let covered: BTreeSet<String> = scene.seed.covered().map(|account| account.id.clone()).collect();
    assert_eq!(speaking, 2 * (covered.len() - 2) + 1, "of the writes, so many name their account");
    let looks = scene.proxy.calls().into_iter().filter(|call| {
        call.operation == "AssumeRole"
            && call.session_policy().is_some_and(|p| p.to_string().contains("iam:ListRoles"))
    });
    let roles: Vec<String> = looks.filter_map(|call| call.role_arn()).collect();
    assert_eq!(roles.len(), covered.len(), "each account is looked at several times with one session");
    assert_eq!(entered.keys().cloned().collect::<BTreeSet<_>>(), covered);
    let keys: Vec<&String> = entered.values().flatten().collect();
    assert_eq!(keys.len(), keys.iter().collect::<BTreeSet<_>>().len(), "no key is of two accounts");

    // What another program reads is what each account was told, and nothing of any other.
    let read = scene.read_back();
    for account in scene.seed.members() {
        let there = &read["accounts"][&account.id];
        let role = &there["roles"]["orgwatch-forwarder"];
        let target = &there["rules"]["orgwatch-iam-changes"]["targets"][0];
        assert_eq!(
            target["RoleArn"],
            format!("arn:aws:iam::{}:role/orgwatch-forwarder", account.id).as_str()
        );
        let mut about = accounts_in(&role.to_string());
        about.extend(accounts_in(&target.to_string()));
        assert_eq!(about, BTreeSet::from([account.id.clone(), central.to_owned()]));
    }
}
