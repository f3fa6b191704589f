//! The organization as a whole: its state, what differs, what is planned and held.

use super::*;

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
