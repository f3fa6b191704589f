use std::collections::BTreeSet;

use super::*;
use crate::telemetry::metrics::Format;

fn ids(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn status_says_everything_in_numbers() {
    let mut status = Server::new(&loopback()).json("/api/v1/status").await;
    let age = status["oldest_observation_age_seconds"].take();
    assert!(age.is_f64(), "{age}");
    insta::assert_json_snapshot!(status, @r#"
    {
      "accounts": {
        "drifted": 1,
        "excluded": 1,
        "foreign": 1,
        "in_sync": 2,
        "inactive": 1,
        "orphan": 0,
        "pending": 1,
        "total": 8,
        "unknown": 1
      },
      "central": {
        "verdict": "drifted"
      },
      "coverage": {
        "broken": 2,
        "configured": 2,
        "covered": 2,
        "pending": 1,
        "proven": 0,
        "total": 7,
        "uncovered": 1,
        "unknown": 1
      },
      "dead_letters": 3,
      "deliveries": [
        {
          "alert": "iam-changes",
          "last_delivered_at": "2026-11-20T11:20:00Z",
          "last_failed_at": null,
          "last_not_delivered_at": null
        }
      ],
      "discovery": {
        "accounts": 8,
        "doubtful": "the listing lacks 12 of 20 known accounts; nothing departs until 3 agree",
        "error": null,
        "last_success_at": "2026-11-20T11:57:50Z"
      },
      "generation": 3,
      "history": {
        "message": null,
        "path": "/var/lib/orgwatch/history.db",
        "since": null,
        "state": "kept"
      },
      "holds": 1,
      "inbox": {
        "dropped": 0,
        "flooded_since": null,
        "last_message_at": null,
        "message": null,
        "state": "waiting",
        "woken": 0
      },
      "installation": "orgwatch",
      "last_resync": {
        "duration_seconds": 3.1,
        "finished_at": "2026-11-20T11:59:13Z",
        "started_at": "2026-11-20T11:59:10Z"
      },
      "latency": {
        "canary_seconds": null,
        "join_to_covered_seconds": null,
        "tamper_to_noticed_seconds": null,
        "tamper_to_repaired_seconds": null
      },
      "mode": "enforce",
      "observed_at": "2026-11-20T11:59:58Z",
      "oldest_observation_age_seconds": null,
      "organization_id": "o-a1b2c3d4e5",
      "pauses": [],
      "suppressed": [
        {
          "alert": "iam-changes",
          "events": 17,
          "last_at": "2026-11-20T11:53:30Z",
          "latest": [
            {
              "account": "333333333333",
              "at": "2026-11-20T11:53:20Z",
              "event_name": "CreateRole",
              "region": "us-east-1"
            }
          ],
          "suppressions": [
            {
              "accounts": [
                "333333333333"
              ],
              "ends_at": "2026-11-30T12:00:00Z",
              "event_names": [],
              "owner": "platform team",
              "principal_arn": "arn:aws:iam::333333333333:role/deploy-*",
              "reason": "<script>alert(\"x\")</script>&'",
              "state": "ends_soon"
            }
          ]
        }
      ],
      "version": "0.1.0",
      "wrong_place": null
    }
    "#);
}

#[tokio::test]
async fn before_the_first_pass_the_moments_are_null() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        let snapshot = Snapshot::edited(snapshot);
        snapshot.last_resync = None;
        snapshot.accounts.clear();
        snapshot.central.targets.clear();
    });
    let status = server.json("/api/v1/status").await;
    assert_eq!(status["last_resync"], Value::Null);
    assert_eq!(status["oldest_observation_age_seconds"], Value::Null);
    assert_eq!(status["accounts"]["total"], 0);
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
async fn central_shows_resources_with_what_waits_for_a_person() {
    insta::assert_json_snapshot!(Server::new(&loopback()).json("/api/v1/central").await, @r#"
    {
      "account": "222222222222",
      "conditions": [
        {
          "last_transition": "2026-11-20T09:55:00Z",
          "message": "1 of 3 resources differs",
          "reason": "Drifted",
          "status": "False",
          "type": "Synced"
        }
      ],
      "errors": [],
      "observed_at": "2026-11-20T11:59:19Z",
      "plan": [],
      "region": "cn-north-1",
      "resources": [
        {
          "changes": [],
          "error": null,
          "kind": "alert_rule",
          "name": "orgwatch-iam-changes",
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "verdict": "in_sync"
        },
        {
          "changes": [
            {
              "desired": "o-a1b2c3d4e5",
              "observed": [
                "o-a1b2c3d4e5",
                "o-zzzzzzzzzz"
              ],
              "path": "policy.Statement[0].Condition.StringEquals.aws:PrincipalOrgID"
            }
          ],
          "error": null,
          "kind": "event_bus",
          "name": "orgwatch",
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "verdict": "drifted"
        },
        {
          "changes": [],
          "error": null,
          "kind": "topic",
          "name": "orgwatch-iam-changes",
          "notes": [
            {
              "message": "security@example.com has not confirmed; ask for the link in the message from AWS",
              "reason": "SubscriptionPending"
            }
          ],
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "verdict": "in_sync"
        }
      ],
      "verdict": "drifted"
    }
    "#);
}

#[tokio::test]
async fn coverage_names_every_account_that_is_not_covered_with_the_reason() {
    let coverage = Server::new(&loopback()).json("/api/v1/coverage").await;
    let lacking: Vec<_> =
        coverage["not_covered"].as_array().unwrap().iter().map(|a| (&a["id"], &a["reason"])).collect();
    insta::assert_json_snapshot!(lacking, @r#"
    [
      [
        "012345678901",
        "NewAccount"
      ],
      [
        "333333333333",
        "SenderRuleDisabled"
      ],
      [
        "444444444444",
        "NameTaken"
      ],
      [
        "555555555555",
        "RoleMissing"
      ],
      [
        "666666666666",
        "Excluded"
      ]
    ]
    "#);
    insta::assert_json_snapshot!(coverage["not_covered"][2], @r#"
    {
      "coverage": "broken",
      "hop": "sender_rule",
      "id": "444444444444",
      "message": "a rule that is not ours is called orgwatch-iam-changes; rename it or list it in `reconcile.adopt`",
      "name": "<script>alert(\"x\")</script>&'",
      "path": "o-a1b2c3d4e5/r-ab12/ou-ab12-prod0001/",
      "reason": "NameTaken",
      "since": "2026-11-17T11:46:40Z"
    }
    "#);
    assert_eq!(coverage["covered"], 2);
    assert_eq!(coverage["total"], 7);
    assert_eq!(coverage["observed_at"], "2026-11-20T11:59:58Z");
}

#[tokio::test]
async fn drift_has_the_fields_of_both_sides_and_what_is_foreign() {
    insta::assert_json_snapshot!(Server::new(&loopback()).json("/api/v1/drift").await, @r#"
    {
      "items": [
        {
          "account": "222222222222",
          "changes": [
            {
              "desired": "o-a1b2c3d4e5",
              "observed": [
                "o-a1b2c3d4e5",
                "o-zzzzzzzzzz"
              ],
              "path": "policy.Statement[0].Condition.StringEquals.aws:PrincipalOrgID"
            }
          ],
          "error": null,
          "kind": "event_bus",
          "name": "orgwatch",
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "side": "central",
          "verdict": "drifted"
        },
        {
          "account": "333333333333",
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
          "side": "member",
          "verdict": "drifted"
        },
        {
          "account": "444444444444",
          "changes": [],
          "error": null,
          "kind": "sender_rule",
          "name": "orgwatch-iam-changes",
          "observed_at": "2026-11-20T11:59:19Z",
          "reason": "NameTaken",
          "region": "cn-north-1",
          "side": "member",
          "verdict": "foreign"
        }
      ],
      "next_cursor": null,
      "observed_at": "2026-11-20T11:59:58Z",
      "total": 3
    }
    "#);
}

#[tokio::test]
async fn plan_has_the_targets_with_changes_only() {
    insta::assert_json_snapshot!(Server::new(&loopback()).json("/api/v1/plan").await, @r#"
    {
      "items": [
        {
          "account": "333333333333",
          "changes": [
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
              "reason": "differs from what is desired",
              "resource": "sender_rule orgwatch-iam-changes",
              "stage": "switch"
            }
          ],
          "observed_at": "2026-11-20T11:59:19Z",
          "region": "cn-north-1",
          "side": "member"
        }
      ],
      "next_cursor": null,
      "observed_at": "2026-11-20T11:59:58Z",
      "total": 1
    }
    "#);
}

#[tokio::test]
async fn holds_and_version_are_answered() {
    let server = Server::new(&loopback());
    insta::assert_json_snapshot!(server.json("/api/v1/holds").await, @r#"
    {
      "items": [
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
      "next_cursor": null,
      "observed_at": "2026-11-20T11:59:58Z",
      "total": 1,
      "wrong_place": null
    }
    "#);
    insta::assert_json_snapshot!(server.json("/api/v1/version").await, @r#"
    {
      "observed_at": "2026-11-20T11:59:58Z",
      "started_at": "2026-11-19T11:00:00Z",
      "version": "0.1.0"
    }
    "#);
}

#[tokio::test]
async fn a_write_that_is_held_for_the_wrong_place_is_told() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        Snapshot::edited(snapshot).wrong_place = Some(crate::model::plan::Hold {
            reason: "WrongOrganization",
            message: "these credentials are of another organization".to_owned(),
            waits: false,
        });
    });
    for path in ["/api/v1/status", "/api/v1/holds"] {
        assert_eq!(server.json(path).await["wrong_place"]["reason"], "WrongOrganization", "{path}");
    }
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

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_what_would_be_right() {
    let server = Server::new(&loopback());
    let cursor = server.json("/api/v1/accounts?limit=3").await["next_cursor"].as_str().unwrap().to_owned();
    let long = format!("/api/v1/accounts?q={}", "a".repeat(1025));
    let other_order = format!("/api/v1/accounts?sort=name&cursor={cursor}");
    for (path, status, says) in [
        ("/api/v1/status?verbose=1", 400, "unknown query parameter `verbose`; this path takes none"),
        ("/api/v1/accounts?verdicts=x", 400, "takes verdict, coverage, reason, ou, q, sort, limit, cursor"),
        ("/api/v1/accounts?verdict=bad", 400, "`verdict`: `bad` is none of inactive, excluded, in_sync"),
        ("/api/v1/accounts?coverage=BROKEN", 400, "`coverage`: `BROKEN` is none of proven"),
        ("/api/v1/accounts?ou=prod", 400, "not an organizational unit id"),
        ("/api/v1/accounts?limit=0", 400, "1 to 1000"),
        ("/api/v1/accounts?limit=1001", 400, "1 to 1000"),
        ("/api/v1/accounts?limit=ten", 400, "`limit`"),
        ("/api/v1/accounts?limit=5&limit=6", 400, "given twice"),
        ("/api/v1/accounts?sort=age", 400, "id, name, verdict or coverage"),
        ("/api/v1/accounts?cursor=zz", 400, "begin without it"),
        ("/api/v1/accounts?cursor=5b5d", 400, "begin without it"),
        (&other_order, 400, "begin without it"),
        (&long, 400, "longer than 1024 bytes"),
        ("/api/v1/accounts/12345", 400, "not an account id of 12 digits"),
        ("/api/v1/accounts/%FF", 400, "not UTF-8"),
        ("/api/v1/accounts/999999999999", 404, "not known in this organization"),
        ("/api/v1/reconciles/none", 404, "POST /api/v1/reconcile"),
        ("/api/v1/reconciles/none?wait=61s", 400, "60s"),
        ("/api/v1/reconciles/none?wait=soon", 400, "`wait`"),
        ("/api/v1/nothing", 404, "there is nothing at /api/v1/nothing"),
        ("/api/v1", 404, "there is nothing"),
        ("/api/v1/status/", 404, "there is nothing"),
    ] {
        let (found, detail) = server.get(path).await.problem();
        assert_eq!(found, status, "{path}: {detail}");
        assert!(detail.contains(says), "{path}: {detail}");
    }
}

#[tokio::test]
async fn other_methods_and_what_is_too_large_are_refused() {
    let server = Server::new(&loopback());
    let answer = server.request("DELETE", "/api/v1/accounts").await;
    assert_eq!(answer.problem(), (405, "/api/v1/accounts does not answer to DELETE".to_owned()));
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD");
    assert_eq!(server.get("/api/v1/reconcile").await.problem().0, 405);
    let long = format!("/api/v1/accounts?q={}", "a".repeat(5000));
    assert_eq!(server.get(&long).await.problem().0, 414);
    let mut request = request("POST", "/api/v1/reconcile", &[("host", "localhost")]);
    *request.body_mut() = Body::from(vec![b' '; 64 * 1024 + 1]);
    assert_eq!(server.send(request).await.problem().0, 413);
    assert!(server.reconciles.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_browser_safe() {
    let server = Server::new(&loopback());
    for path in
        ["/", "/accounts/111111111111", "/api/v1/status", "/healthz", "/nothing", "/style.css", "/metrics"]
    {
        let headers = server.get(path).await.headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin", "{path}");
        let kept = match path {
            "/style.css" => "private, max-age=300",
            // They have validators, and have to be asked for again each time.
            "/" | "/accounts/111111111111" | "/api/v1/status" => "private, no-cache",
            _ => "no-store",
        };
        assert_eq!(headers[header::CACHE_CONTROL], kept, "{path}");
        assert_eq!(headers.get_all(header::CACHE_CONTROL).iter().count(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_without_internals() {
    let answer = Server::new(&loopback()).request("POST", "/api/v1/accounts/000000000000/reconcile").await;
    let (status, detail) = answer.problem();
    assert_eq!(status, 500);
    assert!(!detail.contains("secret"), "{detail}");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn readiness_ends_with_the_stop_and_with_nothing_else() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        Snapshot::edited(snapshot).discovery.error = Some("AWS does not answer".to_owned());
    });
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.text.as_str()), (StatusCode::OK, "ready"));
    server.stopping.cancel();
    let stopping = server.get("/readyz").await;
    assert_eq!((stopping.status, stopping.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "stopping"));
    assert_eq!(server.get("/healthz").await.text, "ok");
}

#[tokio::test]
async fn metrics_are_served_as_what_they_are() {
    let server = Server::new(&loopback());
    let answer = server.get("/metrics").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], Format::Classic.content_type());
    assert!(answer.text.contains("# TYPE orgwatch_build_info gauge\n"), "{}", answer.text);
    let accepts = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    let open = server.send(request("GET", "/metrics", &[("host", "localhost"), ("accept", accepts)])).await;
    assert_eq!(open.headers[header::CONTENT_TYPE], Format::OpenMetrics.content_type());
    assert!(open.text.ends_with("# EOF\n"));
    for text in [answer.text, open.text] {
        assert!(text.contains("orgwatch_coverage_accounts{coverage=\"broken\"} 2\n"));
    }
}

/// The paths of the design that answer; one that vanishes is a break for whoever calls it.
#[tokio::test]
async fn every_read_says_of_which_moment_it_is() {
    let server = Server::new(&loopback());
    let mut seen = BTreeSet::new();
    for path in [
        "status",
        "accounts",
        "accounts/111111111111",
        "central",
        "coverage",
        "drift",
        "plan",
        "holds",
        "version",
    ] {
        let answer = server.json(&format!("/api/v1/{path}")).await;
        let at = answer["observed_at"].as_str().unwrap_or_else(|| panic!("{path} has no observed_at"));
        seen.insert(at.to_owned());
    }
    assert_eq!(json!(seen), json!(["2026-11-20T11:59:19Z", "2026-11-20T11:59:58Z"]));
}
