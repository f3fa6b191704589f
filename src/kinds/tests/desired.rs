//! What each kind wants to be there.

use super::*;

#[test]
fn the_bus_admits_forwarding_roles_of_the_organization_or_all_of_it() {
    insta::assert_json_snapshot!(standard("event_bus").spec, @r#"
    {
      "description": "IAM events of the organization; managed by orgwatch/orgwatch v1",
      "policy": {
        "Statement": [
          {
            "Action": "events:PutEvents",
            "Condition": {
              "ArnLike": {
                "aws:PrincipalArn": "arn:aws:iam::*:role/orgwatch-forwarder*"
              },
              "StringEquals": {
                "aws:PrincipalOrgID": "o-a1b2c3d4e5"
              }
            },
            "Effect": "Allow",
            "Principal": "*",
            "Resource": "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch",
            "Sid": "senders"
          }
        ],
        "Version": "2012-10-17"
      }
    }
    "#);
    let all = of("event_bus", &fixture::settings("[central]\nsenders = 'organization'\n"));
    insta::assert_json_snapshot!(all.spec["policy"]["Statement"][0]["Condition"], @r#"
    {
      "StringEquals": {
        "aws:PrincipalOrgID": "o-a1b2c3d4e5"
      }
    }
    "#);
    let theirs = "[member]\nforwarding_role = 'existing'\nforwarding_role_name = 'theirs'\n";
    let theirs = of("event_bus", &fixture::settings(theirs));
    insta::assert_json_snapshot!(theirs.spec["policy"]["Statement"][0]["Condition"]["ArnLike"], @r#"
    {
      "aws:PrincipalArn": "arn:aws:iam::*:role/theirs*"
    }
    "#);
}

#[test]
fn only_eventbridge_becomes_the_forwarding_role_and_only_for_our_rules_and_all_it_can_do_is_send() {
    insta::assert_json_snapshot!(standard("forwarding_role").spec, @r#"
    {
      "attached": [],
      "boundary": "arn:aws:iam::300000000001:policy/orgwatch-boundary",
      "description": "sends events to 222222222222; managed by orgwatch/orgwatch v1",
      "path": "/",
      "policies": {
        "orgwatch-forward": {
          "Statement": [
            {
              "Action": "events:PutEvents",
              "Effect": "Allow",
              "Resource": "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch",
              "Sid": "CentralBus"
            }
          ],
          "Version": "2012-10-17"
        }
      },
      "tags": {
        "orgwatch:managed-by": "orgwatch"
      },
      "trust": {
        "Statement": [
          {
            "Action": "sts:AssumeRole",
            "Condition": {
              "ArnLike": {
                "aws:SourceArn": "arn:aws:events:*:300000000001:rule/orgwatch-*"
              },
              "StringEquals": {
                "aws:SourceAccount": "300000000001"
              }
            },
            "Effect": "Allow",
            "Principal": {
              "Service": "events.amazonaws.com"
            },
            "Sid": "SenderRules"
          }
        ],
        "Version": "2012-10-17"
      }
    }
    "#);
}

#[test]
fn a_dead_letter_queue_takes_events_of_our_rules_over_tls() {
    insta::assert_json_snapshot!(standard("queue").spec, @r#"
    {
      "attributes": {
        "MessageRetentionPeriod": "1209600",
        "Policy": {
          "Statement": [
            {
              "Action": "sqs:*",
              "Condition": {
                "Bool": {
                  "aws:SecureTransport": "false"
                }
              },
              "Effect": "Deny",
              "Principal": "*",
              "Resource": "arn:aws:sqs:us-east-1:222222222222:orgwatch-dead-letters",
              "Sid": "only-tls"
            },
            {
              "Action": "sqs:SendMessage",
              "Condition": {
                "ArnLike": {
                  "aws:SourceArn": [
                    "arn:aws:events:us-east-1:*:rule/orgwatch-*",
                    "arn:aws:events:us-east-1:222222222222:rule/orgwatch/orgwatch-*"
                  ]
                },
                "StringEqualsIfExists": {
                  "aws:SourceOrgID": "o-a1b2c3d4e5"
                }
              },
              "Effect": "Allow",
              "Principal": {
                "Service": "events.amazonaws.com"
              },
              "Resource": "arn:aws:sqs:us-east-1:222222222222:orgwatch-dead-letters",
              "Sid": "dead-letters"
            }
          ],
          "Version": "2012-10-17"
        },
        "SqsManagedSseEnabled": "true"
      },
      "tags": {
        "orgwatch:managed-by": "orgwatch"
      }
    }
    "#);
}

#[test]
fn a_topic_takes_alerts_from_eventbridge_and_keeps_its_owners_rights() {
    insta::assert_json_snapshot!(standard("topic").spec, @r#"
    {
      "display_name": "",
      "policy": {
        "Statement": [
          {
            "Action": "sns:Publish",
            "Effect": "Allow",
            "Principal": {
              "Service": "events.amazonaws.com"
            },
            "Resource": "arn:aws:sns:us-east-1:222222222222:orgwatch-iam-changes",
            "Sid": "alert-rules"
          },
          {
            "Action": [
              "SNS:AddPermission",
              "SNS:DeleteTopic",
              "SNS:GetTopicAttributes",
              "SNS:ListSubscriptionsByTopic",
              "SNS:Publish",
              "SNS:RemovePermission",
              "SNS:SetTopicAttributes",
              "SNS:Subscribe"
            ],
            "Effect": "Allow",
            "Principal": {
              "AWS": "222222222222"
            },
            "Resource": "arn:aws:sns:us-east-1:222222222222:orgwatch-iam-changes",
            "Sid": "owner"
          }
        ],
        "Version": "2012-10-17"
      },
      "subscriptions": {
        "email a@example.com": "subscribed"
      },
      "tags": {
        "orgwatch:managed-by": "orgwatch"
      }
    }
    "#);
}

#[test]
fn a_topic_whose_rules_have_a_role_admits_nobody_but_its_owner_unless_a_built_in_alert_goes_there_too() {
    let alert = "[[alert]]\nname = 'a'\ndelivery = 'role'\n";
    let sids = |settings: &str| {
        let topic = of("topic", &fixture::settings(settings));
        let statements = topic.spec["policy"]["Statement"].as_array().unwrap().clone();
        statements.iter().map(|s| s["Sid"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(sids(alert), ["owner"]);
    assert!(sids(&format!("{alert}[notify]\nalert = 'a'\n")).contains(&"alert-rules".to_owned()));
    assert_eq!(sids("[[alert]]\nname = 'a'\n"), ["alert-rules", "owner"]);

    let rule = of("alert_rule", &fixture::settings(alert));
    assert_eq!(rule.spec["targets"]["topic"]["role_arn"], "arn:aws:iam::222222222222:role/orgwatch-delivery");
}

#[test]
fn a_sender_rule_forwards_its_watch_through_the_role_to_the_bus() {
    insta::assert_json_snapshot!(standard("sender_rule").spec, @r#"
    {
      "description": "forwards to 222222222222; managed by orgwatch/orgwatch v1",
      "pattern": {
        "detail": {
          "eventName": [
            {
              "anything-but": {
                "prefix": [
                  "Generate",
                  "Get",
                  "List",
                  "Simulate"
                ]
              }
            }
          ],
          "eventSource": [
            "iam.amazonaws.com"
          ]
        },
        "source": [
          "aws.iam"
        ]
      },
      "state": "ENABLED",
      "targets": {
        "central": {
          "arn": "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch",
          "dead_letter": "arn:aws:sqs:us-east-1:222222222222:orgwatch-dead-letters",
          "retry_attempts": 185,
          "retry_seconds": 86400,
          "role_arn": "arn:aws:iam::300000000001:role/orgwatch-forwarder"
        }
      }
    }
    "#);
}

#[test]
fn an_alert_rule_tells_the_topic_in_words_or_passes_the_event_on() {
    let alert = |more: &str| {
        of("alert_rule", &fixture::settings(&format!("[[alert]]\nname = 'a'\nown_writes = 'show'\n{more}")))
    };
    let mut text = alert("severity = 'high'\n");
    let transformer = text.spec["targets"]["topic"].as_object_mut().unwrap().remove("transformer").unwrap();
    let template = transformer["template"].as_str().unwrap();
    assert!(template.contains("Alert: a, severity high") && template.lines().count() > 5, "{template}");
    insta::assert_json_snapshot!(text.spec, @r#"
    {
      "description": "delivers alert a; managed by orgwatch/orgwatch v1",
      "pattern": {
        "detail": {
          "eventName": [
            {
              "anything-but": {
                "prefix": [
                  "Generate",
                  "Get",
                  "List",
                  "Simulate"
                ]
              }
            }
          ],
          "eventSource": [
            "iam.amazonaws.com"
          ]
        },
        "source": [
          "aws.iam"
        ]
      },
      "state": "ENABLED",
      "targets": {
        "topic": {
          "arn": "arn:aws:sns:us-east-1:222222222222:orgwatch-a",
          "dead_letter": "arn:aws:sqs:us-east-1:222222222222:orgwatch-dead-letters",
          "retry_attempts": 185,
          "retry_seconds": 86400
        }
      }
    }
    "#);
    assert_eq!(alert("format = 'raw'\n").spec["targets"]["topic"]["transformer"], Value::Null);
}

#[test]
fn names_and_arns_are_those_of_the_partition_and_of_the_installation() {
    let settings = fixture::settings("installation = 'watch2'\n[central]\nregion = 'cn-northwest-1'\n");
    let world = fixture::world(&settings);
    let key = |side, account: AccountId, region: &str| crate::model::target::TargetKey {
        side,
        account,
        region: region.parse().unwrap(),
    };
    let targets = fixture::targets(&settings, 1);
    let member = &targets[&key(Side::Member, fixture::member_id(1), "cn-north-1")];
    let central = &targets[&key(Side::Central, fixture::id(fixture::CENTRAL), "cn-northwest-1")];
    for kind in &KINDS {
        let target = if kind.side() == Side::Member { member } else { central };
        for (name, spec) in kind.desired(&world, target) {
            let text = spec.to_string();
            assert!(name.starts_with("watch2"), "{name}");
            assert!(!text.contains("arn:aws:") && !text.contains("orgwatch-"), "{text}");
            assert!(!text.contains("us-east-1"), "{text}");
        }
    }
    // The dead letters of a rule lie in the rule's own Region.
    let rule = kind("sender_rule").desired(&world, member).remove("watch2-iam-changes").unwrap();
    let dead_letter = rule["targets"]["central"]["dead_letter"].as_str().unwrap();
    assert_eq!(dead_letter, "arn:aws-cn:sqs:cn-north-1:222222222222:watch2-dead-letters");
}

#[test]
fn what_belongs_to_the_bus_is_only_beside_it_and_roles_only_where_they_are_kept() {
    let settings = fixture::settings("[central]\nregion = 'eu-central-1'\n");
    let world = fixture::world(&settings);
    for target in fixture::targets(&settings, 1).values() {
        let kinds: Vec<_> = KINDS.iter().filter(|k| !k.desired(&world, target).is_empty()).collect();
        let kinds: Vec<_> = kinds.iter().map(|k| k.name()).collect();
        match (target.key.side, target.region().as_str()) {
            (Side::Central, "eu-central-1") => {
                assert_eq!(kinds, ["queue", "event_bus", "archive", "topic", "alert_rule"])
            }
            (Side::Central, _) => assert_eq!(kinds, ["queue"]),
            (Side::Member, _) => assert_eq!(kinds, ["forwarding_role", "sender_rule"]),
            (Side::Audit, _) => unreachable!("nobody asks for alarms here"),
        }
        let elsewhere = Target { roles_here: false, ..target.clone() };
        assert!(kind("forwarding_role").desired(&world, &elsewhere).is_empty());
        let leaving = Target { leaving: true, ..target.clone() };
        assert!(KINDS.iter().all(|k| k.desired(&world, &leaving).is_empty()));
    }
}
