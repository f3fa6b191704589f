//! `/api/v1/changes`.

use super::*;
use crate::model::plan::{Action, Change, Stage};
use crate::model::resource::ResourceId;
use crate::model::target::{Side, TargetKey};

fn key(account: &str) -> TargetKey {
    TargetKey { side: Side::Member, account: account.parse().unwrap(), region: "us-east-1".parse().unwrap() }
}

fn change() -> Change {
    Change {
        resource: ResourceId { kind: "sender_rule", name: "orgwatch-iam-changes".to_owned() },
        action: Action::Update,
        stage: Stage::Switch,
        reason: "state differs".to_owned(),
        fields: [].into(),
        calls: Vec::new(),
        hold: None,
    }
}

async fn server_with_writes() -> Server {
    let server = Server::new(&loopback());
    for account in ["333333333333", "444444444444", "333333333333"] {
        let intent = server.history.intend(&key(account), &change(), "PutRule").await;
        server.history.answered(intent, &Ok(Some(format!("request-{account}")))).await;
    }
    let _killed_before_the_answer =
        server.history.intend(&key("444444444444"), &change(), "PutTargets").await;
    server.history.operated("oncall", "pause", Some("all"), Some("a migration")).await;
    server
}

#[tokio::test]
async fn what_was_written_is_told_with_reason_request_and_outcome() {
    let list = server_with_writes().await.json("/api/v1/changes").await;
    assert_eq!((&list["total"], &list["history"]["state"]), (&4.into(), &"memory".into()));
    insta::assert_json_snapshot!(list["items"][1], @r#"
    {
      "account": "333333333333",
      "action": "update",
      "at": "2026-11-20T12:00:00Z",
      "id": 3,
      "kind": "sender_rule",
      "name": "orgwatch-iam-changes",
      "operation": "PutRule",
      "outcome": "done",
      "reason": "state differs",
      "region": "us-east-1",
      "request_id": "request-333333333333",
      "side": "member",
      "until": "2026-11-20T12:00:00Z",
      "what": "write"
    }
    "#);
    assert_eq!(list["items"][0]["outcome"], "unknown");
}

#[tokio::test]
async fn filters_narrow_and_pages_join() {
    let server = server_with_writes().await;
    let total = async |query: &str| server.json(&format!("/api/v1/changes?{query}")).await["total"].clone();
    assert_eq!(total("what=all").await, 5);
    assert_eq!(total("what=operation").await, 1);
    assert_eq!(total("what=operation,write&account=444444444444").await, 2);
    assert_eq!(total("outcome=unknown").await, 1);
    assert_eq!(total("since=1h").await, 4);
    assert_eq!(total("until=2026-11-20T12:00:00Z").await, 0);
    let first = server.json("/api/v1/changes?limit=3&sort=at").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = server.json(&format!("/api/v1/changes?limit=3&sort=at&cursor={cursor}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_what_would_be_right() {
    let server = server_with_writes().await;
    for query in [
        "what=wrote",
        "limit=0",
        "limit=1001",
        "cursor=x",
        "since=soon",
        "sort=id",
        "outcome=x",
        "account=1",
        "x=1",
    ] {
        let (status, detail) = server.get(&format!("/api/v1/changes?{query}")).await.problem();
        assert_eq!(status, 400, "{query}");
        assert!(detail.contains(query.split('=').next().unwrap()), "{query}: {detail}");
    }
}
