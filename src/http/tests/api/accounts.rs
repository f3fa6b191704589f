//! One account, and the list of all.

use super::*;

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_account_shows_its_fields_its_plan_and_what_is_held() {
    insta::assert_json_snapshot!(Server::new(&loopback()).json("/api/v1/accounts/333333333333").await, @r#"
    {
      "conditions": [
        {
          "last_transition": "2026-11-20T09:55:00Z",
          "message": "the member role was assumed",
          "reason": "RoleAssumed",
          "status": "True",
          "type": "Reachable"
        },
        {
          "last_transition": "2026-11-20T09:55:00Z",
          "message": "1 of 2 resources differs",
          "reason": "Drifted",
          "status": "False",
          "type": "Synced"
        }
      ],
      "coverage": "broken",
      "coverage_hop": "sender_rule",
      "coverage_message": "the sender rule is disabled, so nothing is forwarded; release the hold or enable it",
      "coverage_reason": "SenderRuleDisabled",
      "coverage_since": "2026-11-20T09:55:00Z",
      "diagnosis": {
        "command": "orgwatch release changedaccountslimit-333333333333",
        "hop": "sender_rule",
        "sentence": "An IAM change in account 333333333333 ends at the sender rule, which is broken: orgwatch-iam-changes differs in state, pattern.detail.eventName[0].anything-but.prefix[3], targets.central.role_arn."
      },
      "email": "aws+333333333333@example.com",
      "errors": [],
      "holds": [
        {
          "accounts": [
            "333333333333"
          ],
          "changes": 1,
          "id": "changedaccountslimit-333333333333",
          "message": "more than 10% of the accounts would be rewritten within 1h; `orgwatch release` lets it go on",
          "reason": "ChangedAccountsLimit",
          "releasable": true,
          "since": "2026-11-20T09:56:40Z"
        }
      ],
      "hops": [
        {
          "account": "333333333333",
          "hop": "trail",
          "message": "whether a trail logs here is not looked at",
          "names": [],
          "state": "not_watched"
        },
        {
          "account": "333333333333",
          "hop": "sender_rule",
          "message": "orgwatch-iam-changes differs in state, pattern.detail.eventName[0].anything-but.prefix[3], targets.central.role_arn",
          "names": [
            "orgwatch-iam-changes"
          ],
          "state": "broken"
        },
        {
          "account": "333333333333",
          "hop": "forwarding_role",
          "message": "as desired",
          "names": [
            "orgwatch-forwarder"
          ],
          "state": "works"
        },
        {
          "account": "222222222222",
          "hop": "event_bus",
          "message": "orgwatch differs in policy.Statement[0].Condition.StringEquals.aws:PrincipalOrgID",
          "names": [
            "orgwatch"
          ],
          "state": "broken"
        },
        {
          "account": "222222222222",
          "hop": "alert_rule",
          "message": "as desired",
          "names": [
            "orgwatch-iam-changes"
          ],
          "state": "works"
        },
        {
          "account": "222222222222",
          "hop": "topic",
          "message": "as desired",
          "names": [
            "orgwatch-iam-changes"
          ],
          "state": "works"
        },
        {
          "account": "222222222222",
          "hop": "people",
          "message": "confirmed; of others: security@example.com has not confirmed; ask for the link in the message from AWS",
          "names": [],
          "state": "works"
        }
      ],
      "id": "333333333333",
      "last_change_at": "2026-11-19T12:00:00Z",
      "name": "payments-prod",
      "observed_at": "2026-11-20T11:59:19Z",
      "path": "o-a1b2c3d4e5/r-ab12/ou-ab12-prod0001/ou-ab12-pay00001/",
      "plan": [
        {
          "action": "update",
          "calls": [
            {
              "bus": "default",
              "description": "managed by orgwatch/orgwatch v1",
              "name": "orgwatch-iam-changes",
              "operation": "PutRule",
              "pattern": {
                "source": [
                  "aws.iam"
                ]
              },
              "state": "ENABLED",
              "tags": {}
            }
          ],
          "fields": [
            {
              "desired": "ENABLED",
              "observed": "DISABLED",
              "path": "state"
            },
            {
              "desired": "Generate",
              "observed": null,
              "path": "pattern.detail.eventName[0].anything-but.prefix[3]"
            },
            {
              "desired": "arn:aws-cn:iam::333333333333:role/orgwatch-forwarder",
              "observed": "",
              "path": "targets.central.role_arn"
            }
          ],
          "hold": {
            "message": "more than 10% of the accounts would be rewritten within 1h; `orgwatch release` lets it go on",
            "reason": "ChangedAccountsLimit",
            "waits": false
          },
          "observed_at": "2026-11-20T11:59:19Z",
          "reason": "differs from what is desired",
          "region": "cn-north-1",
          "resource": "sender_rule orgwatch-iam-changes",
          "stage": "switch"
        }
      ],
      "resources": [
        {
          "changes": [],
          "error": null,
          "kind": "forwarding_role",
          "name": "orgwatch-forwarder",
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "verdict": "in_sync"
        },
        {
          "changes": [
            {
              "desired": "ENABLED",
              "observed": "DISABLED",
              "path": "state"
            },
            {
              "desired": "Generate",
              "observed": null,
              "path": "pattern.detail.eventName[0].anything-but.prefix[3]"
            },
            {
              "desired": "arn:aws-cn:iam::333333333333:role/orgwatch-forwarder",
              "observed": "",
              "path": "targets.central.role_arn"
            }
          ],
          "error": null,
          "kind": "sender_rule",
          "name": "orgwatch-iam-changes",
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "verdict": "drifted"
        }
      ],
      "standing": "active",
      "standing_reason": null,
      "state": "ACTIVE",
      "verdict": "drifted"
    }
    "#);
}

#[tokio::test]
async fn an_account_whose_role_is_missing_shows_the_error_of_aws() {
    let account = Server::new(&loopback()).json("/api/v1/accounts/555555555555").await;
    assert_eq!(account["coverage_reason"], "RoleMissing");
    assert_eq!(account["errors"][0]["region"], "cn-north-1");
    let error = account["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("sts:AssumeRole") && error.contains("install the member role"), "{error}");
}

#[tokio::test]
async fn an_inactive_account_has_no_coverage_and_no_verdict_of_its_own() {
    let account = Server::new(&loopback()).json("/api/v1/accounts/777777777777").await;
    assert_eq!(account["verdict"], "inactive");
    for field in ["coverage", "coverage_reason", "coverage_message", "coverage_since"] {
        assert_eq!(account[field], Value::Null, "{field}");
    }
}

#[tokio::test]
async fn the_list_of_accounts_is_a_summary_of_each() {
    insta::assert_json_snapshot!(Server::new(&loopback()).json("/api/v1/accounts?q=legacy").await, @r#"
    {
      "items": [
        {
          "coverage": "uncovered",
          "coverage_reason": "Excluded",
          "email": "aws+666666666666@example.com",
          "id": "666666666666",
          "last_change_at": null,
          "name": "legacy-mainframe",
          "observed_at": null,
          "path": "o-a1b2c3d4e5/r-ab12/ou-ab12-prod0001/",
          "standing": "excluded",
          "state": "ACTIVE",
          "verdict": "excluded"
        }
      ],
      "next_cursor": null,
      "observed_at": "2026-11-20T11:59:58Z",
      "total": 1
    }
    "#);
}

#[tokio::test]
async fn accounts_are_narrowed_by_each_filter() {
    let server = Server::new(&loopback());
    for (query, expected) in [
        ("verdict=in_sync", vec!["111111111111", "222222222222"]),
        ("verdict=inactive", vec!["777777777777"]),
        ("verdict=pending", vec!["012345678901"]),
        ("coverage=broken", vec!["333333333333", "444444444444"]),
        ("coverage=uncovered", vec!["666666666666"]),
        ("ou=ou-ab12-prod0001", vec!["333333333333", "444444444444", "666666666666"]),
        ("ou=ou-ab12-pay00001", vec!["333333333333"]),
        ("ou=ou-ab12-prod0001&coverage=broken&q=PAY", vec!["333333333333"]),
        ("q=security", vec!["222222222222"]),
        ("q=0123", vec!["012345678901"]),
        ("q=%3Cscript", vec!["444444444444"]),
        ("q=nobody", vec![]),
    ] {
        let page = server.json(&format!("/api/v1/accounts?{query}")).await;
        assert_eq!(ids(&page), expected, "{query}");
        assert_eq!(page["total"], expected.len(), "{query}");
    }
    assert_eq!(server.json("/api/v1/accounts?ou=r-ab12").await["total"], 8);
}

#[tokio::test]
async fn accounts_are_ordered_both_ways_with_ids_between_equals() {
    let server = Server::new(&loopback());
    for (sort, first, last) in [
        ("id", "012345678901", "777777777777"),
        ("-id", "777777777777", "012345678901"),
        ("name", "444444444444", "222222222222"),
        ("-verdict", "444444444444", "777777777777"),
        ("verdict", "777777777777", "444444444444"),
        ("-coverage", "666666666666", "777777777777"),
    ] {
        let page = server.json(&format!("/api/v1/accounts?sort={sort}")).await;
        let ids = ids(&page);
        assert_eq!((ids[0], ids[7]), (first, last), "{sort}: {ids:?}");
    }
    let page = server.json("/api/v1/accounts?sort=-verdict&verdict=in_sync").await;
    assert_eq!(ids(&page), ["111111111111", "222222222222"]);
}

#[tokio::test]
async fn pages_give_every_account_once_in_every_order() {
    let server = Server::new(&loopback());
    for sort in ["id", "-id", "name", "-name", "verdict", "-verdict", "coverage", "-coverage"] {
        let whole = server.json(&format!("/api/v1/accounts?sort={sort}")).await;
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let after = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
            let page = server.json(&format!("/api/v1/accounts?limit=3&sort={sort}{after}")).await;
            assert_eq!(page["total"], 8);
            seen.extend(ids(&page).into_iter().map(str::to_owned));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(seen, ids(&whole), "{sort}");
    }
}

#[tokio::test]
async fn a_page_goes_on_rightly_after_accounts_came_and_went() {
    let server = Server::new(&loopback());
    let first = server.json("/api/v1/accounts?limit=3").await;
    assert_eq!(ids(&first), ["012345678901", "111111111111", "222222222222"]);
    server.snapshot.send_modify(|snapshot| {
        let accounts = &mut Snapshot::edited(snapshot).accounts;
        // The account that the cursor names is gone, and a new one stands before it.
        let gone = accounts.remove(&"222222222222".parse().unwrap()).unwrap();
        let mut new = (*gone).clone();
        new.id = "000000000001".parse().unwrap();
        accounts.insert(new.id.clone(), Arc::new(new));
    });
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = server.json(&format!("/api/v1/accounts?limit=3&cursor={cursor}")).await;
    assert_eq!(ids(&second), ["333333333333", "444444444444", "555555555555"]);
}
