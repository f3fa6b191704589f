//! Lists in parts, and what narrows them.

use super::*;
use crate::letters::{Group, Overview};

/// Everything that a list answers, part by part; each of at most two items.
async fn walk(server: &Server, path: &str, items: &str, total: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    let joined = if path.contains('?') { '&' } else { '?' };
    loop {
        let part = server.json(&format!("{path}{joined}limit=2{cursor}")).await;
        let part_items = part[items].as_array().unwrap().clone();
        assert!(part_items.len() <= 2, "{part}");
        found.extend(part_items);
        let next = part["next_cursor"].as_str().map(|next| format!("&cursor={next}"));
        let Some(next) = next else {
            assert_eq!(part[total], found.len(), "{path}");
            return found;
        };
        cursor = next;
    }
}

#[tokio::test]
async fn the_parts_of_each_list_are_what_it_answers_at_once() {
    let server = Server::new(&loopback());
    server
        .snapshot
        .send_modify(|snapshot| Snapshot::edited(snapshot).dead_letters = Some(Arc::new(letters())));
    for (path, items, total, least) in [
        ("/api/v1/drift", "items", "total", 3),
        ("/api/v1/plan", "items", "total", 1),
        ("/api/v1/holds", "items", "total", 1),
        ("/api/v1/coverage", "not_covered", "not_covered_total", 3),
        ("/api/v1/dead-letters", "groups", "total", 3),
    ] {
        let whole = server.json(path).await[items].as_array().unwrap().clone();
        assert!(whole.len() >= least, "{path}: {}", whole.len());
        assert_eq!(walk(&server, path, items, total).await, whole, "{path}");
    }
}

#[tokio::test]
async fn drift_is_narrowed_by_place_kind_name_and_verdict() {
    let server = Server::new(&loopback());
    let all = walk(&server, "/api/v1/drift", "items", "total").await;
    let count =
        async |query: &str| walk(&server, &format!("/api/v1/drift?{query}"), "items", "total").await.len();
    let having = |key: &str, value: &str| all.iter().filter(|item| item[key] == value).count();
    for (key, value) in [
        ("account", "444444444444"),
        ("region", "cn-north-1"),
        ("kind", "sender_rule"),
        ("name", "orgwatch-iam-changes"),
        ("verdict", "foreign"),
    ] {
        assert!(having(key, value) > 0, "{key}");
        assert_eq!(count(&format!("{key}={value}")).await, having(key, value), "{key}");
    }
    assert_eq!(count("account=444444444444&verdict=drifted").await, 0);
    assert_eq!(count("region=eu-west-1").await, 0);
}

#[tokio::test]
async fn a_plan_is_narrowed_to_the_changes_that_are_asked_for() {
    let server = Server::new(&loopback());
    let count =
        async |query: &str| walk(&server, &format!("/api/v1/plan?{query}"), "items", "total").await.len();
    for (query, targets) in [
        ("action=update", 1),
        ("action=delete", 0),
        ("held=true", 1),
        ("held=false", 0),
        ("kind=sender_rule", 1),
        ("kind=topic", 0),
        ("account=333333333333", 1),
        ("account=444444444444", 0),
    ] {
        assert_eq!(count(query).await, targets, "{query}");
    }
}

#[tokio::test]
async fn holds_coverage_and_dead_letters_are_narrowed() {
    let server = Server::new(&loopback());
    server
        .snapshot
        .send_modify(|snapshot| Snapshot::edited(snapshot).dead_letters = Some(Arc::new(letters())));
    for (path, items, total, count) in [
        ("/api/v1/holds?reason=ChangedAccountsLimit", "items", "total", 1),
        ("/api/v1/holds?reason=DeletionLimit", "items", "total", 0),
        ("/api/v1/holds?account=333333333333", "items", "total", 1),
        ("/api/v1/holds?account=444444444444", "items", "total", 0),
        ("/api/v1/coverage?coverage=broken&reason=SenderRuleDisabled", "not_covered", "not_covered_total", 1),
        ("/api/v1/coverage?q=no+such+account", "not_covered", "not_covered_total", 0),
        ("/api/v1/dead-letters?account=333333333333", "groups", "total", 2),
        ("/api/v1/dead-letters?error=NO_RESOURCE", "groups", "total", 1),
        ("/api/v1/dead-letters?rule=orgwatch-b&error=NO_PERMISSIONS", "groups", "total", 1),
    ] {
        assert_eq!(walk(&server, path, items, total).await.len(), count, "{path}");
    }
    // The counts are those of all, however few are listed.
    let narrowed = server.json("/api/v1/coverage?limit=1&q=no+such+account").await;
    assert_eq!(narrowed["total"], server.json("/api/v1/coverage").await["total"]);
    assert_eq!(server.json("/api/v1/dead-letters?limit=1").await["letters"], 3);
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_what_can() {
    let server = Server::new(&loopback());
    for (path, says) in [
        ("/api/v1/drift?verdict=in_sync", "pending, orphan, unknown, drifted, foreign"),
        ("/api/v1/drift?cursor=ff", "`cursor`"),
        ("/api/v1/drift?limit=0", "`limit`"),
        ("/api/v1/drift?ou=r-ab12", "account, region, kind, name, verdict, limit, cursor"),
        ("/api/v1/plan?held=maybe", "`held`"),
        ("/api/v1/plan?action=burn", "create, update, delete"),
        ("/api/v1/holds?account=1", "`account`"),
        ("/api/v1/dead-letters?cursor=", "`cursor`"),
    ] {
        let (status, detail) = server.get(path).await.problem();
        assert_eq!(status, 400, "{path}");
        assert!(detail.contains(says), "{path}: {detail}");
    }
}

/// Three letters, each of another account, rule or error.
fn letters() -> Overview {
    let group = |account: &str, rule: &str, error: &str| Group {
        account: Some(account.parse().unwrap()),
        departed: false,
        region: Some("cn-north-1".parse().unwrap()),
        bus: None,
        rule: rule.to_owned(),
        error: error.to_owned(),
        message: "it could not be delivered".to_owned(),
        own: false,
        letters: 1,
        oldest: None,
        newest: None,
    };
    let groups = vec![
        group("333333333333", "orgwatch-a", "NO_PERMISSIONS"),
        group("333333333333", "orgwatch-b", "NO_PERMISSIONS"),
        group("444444444444", "orgwatch-a", "NO_RESOURCE"),
    ];
    let summary = crate::letters::Summary { groups, letters: 3 };
    Overview { summary, unreadable: Vec::new(), observed_at: NOW.parse().unwrap() }
}
