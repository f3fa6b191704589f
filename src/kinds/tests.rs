use serde_json::json;

use super::model::Aws;
use super::topic::{NO_CONFIRMED_SUBSCRIPTION, WAITING_FOR_CONFIRMATION};
use super::*;
use crate::compliance::place::{LogGroup, Place};
use crate::config::Settings;
use crate::model::ids::AccountId;
use crate::world::fixture::{self, desired_one, kind};

/// One kind in an installation, with the one resource that is desired of it.
struct Of {
    kind: &'static dyn AnyKind,
    world: World,
    target: Target,
    name: String,
    spec: Value,
}

fn of(kind_name: &str, settings: &Settings) -> Of {
    let kind = kind(kind_name);
    let world = fixture::world(settings);
    let target = match kind.side() {
        Side::Member => fixture::member(settings),
        Side::Central => fixture::central(settings),
        Side::Audit => fixture::audit(settings),
    };
    let (name, spec) = desired_one(kind_name, &world, &target);
    Of { kind, world, target, name, spec }
}

impl Of {
    /// What is desired, with one field otherwise.
    fn with(&self, pointer: &str, value: Value) -> Value {
        let mut spec = self.spec.clone();
        match spec.pointer_mut(pointer) {
            Some(there) => *there = value,
            None => {
                let (parent, key) = pointer.rsplit_once('/').unwrap();
                spec.pointer_mut(parent).unwrap()[key] = value;
            }
        }
        spec
    }

    fn calls(&self, seen: Option<(Value, Mark)>) -> Vec<Call> {
        let seen = seen.map(|(spec, mark)| Seen { spec, mark, notes: Vec::new() });
        self.kind.mend(&self.world, &self.target, &self.name, &self.spec, seen.as_ref())
    }

    /// The operations that mend what differs in one field.
    fn mend(&self, pointer: &str, value: Value) -> Vec<&'static str> {
        self.calls(Some((self.with(pointer, value), Mark::Ours))).iter().map(Call::operation).collect()
    }

    fn create(&self) -> Vec<&'static str> {
        self.calls(None).iter().map(Call::operation).collect()
    }

    fn removal(&self, spec: Value, notes: Vec<Note>) -> (Vec<&'static str>, Option<&'static str>) {
        let seen = Seen { spec, mark: Mark::Ours, notes };
        let Removal { calls, hold } = self.kind.removal(&self.world, &self.target, &self.name, &seen);
        (calls.iter().map(Call::operation).collect(), hold.map(|hold| hold.reason))
    }
}

fn standard(kind_name: &str) -> Of {
    // Nothing is guarded as a rule, so that each kind but the guard's own has one resource.
    let asks = match kind_name {
        "guard_rule" => "[guard]\nenabled = true\n",
        "delivery_role" => "[[alert]]\nname = 'iam-changes'\ndelivery = 'role'\n",
        "metric_alarm" => "[notify]\nalert = 'orgwatch-health'\n",
        "log_group" | "metric_filter" => "[compliance]\nmetric_alarms = ['cis-4.4']\n",
        _ => "",
    };
    of(kind_name, &fixture::settings(asks))
}

const KIND_NAMES: [&str; 11] = [
    "queue",
    "event_bus",
    "archive",
    "topic",
    "delivery_role",
    "alert_rule",
    "metric_alarm",
    "guard_rule",
    "forwarding_role",
    "sender_rule",
    "metric_filter",
];

#[test]
fn the_kinds_stand_in_the_order_in_which_they_are_made() {
    // Keys are looked at before anything is encrypted with them, and there are none as a rule. A log group is looked at, and
    // alarms are of two sides.
    let (path, audit) = KIND_NAMES.split_at(KIND_NAMES.len() - 1);
    let expected = [&["kms_key"], path, &["log_group"], audit, &["metric_alarm"]].concat();
    assert_eq!(KINDS.map(AnyKind::name).to_vec(), expected);
}

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

#[test]
fn what_is_as_desired_needs_no_call() {
    for name in KIND_NAMES {
        let of = standard(name);
        assert_eq!(of.calls(Some((of.spec.clone(), Mark::Ours))), [], "{name}");
    }
}

#[test]
fn each_kind_is_made_from_nothing_in_an_order_that_aws_takes() {
    for (name, expected) in [
        ("queue", vec!["CreateQueue"]),
        ("event_bus", vec!["CreateEventBus", "PutPermission"]),
        ("topic", vec!["CreateTopic", "SetTopicAttributes", "Subscribe"]),
        ("alert_rule", vec!["PutRule", "PutTargets"]),
        ("guard_rule", vec!["PutRule", "PutTargets"]),
        ("forwarding_role", vec!["CreateRole", "PutRolePolicy"]),
        ("sender_rule", vec!["PutRule", "PutTargets"]),
        ("metric_filter", vec!["PutMetricFilter"]),
    ] {
        assert_eq!(standard(name).create(), expected, "{name}");
    }
}

#[test]
fn what_is_encrypted_is_so_by_a_call_of_its_own_after_all_that_must_not_wait_for_a_key() {
    const KEY: &str = "arn:aws:kms:us-east-1:222222222222:key/1";
    let central = format!("[central]\nkms_key_arn = '{KEY}'\n");
    let alert = format!("[[alert]]\nname = 'x'\nkms_key_arn = '{KEY}'\n");
    let settings = fixture::settings(&format!("{central}{alert}"));
    let other = "arn:aws:kms:us-east-1:222222222222:key/2";
    for (name, field, creates) in [
        ("queue", "/attributes/KmsMasterKeyId", vec!["CreateQueue", "SetQueueAttributes"]),
        ("event_bus", "/kms_key_arn", vec!["CreateEventBus", "PutPermission", "UpdateEventBus"]),
        ("archive", "/kms_key_arn", vec!["CreateArchive", "UpdateArchive"]),
        ("topic", "/kms_key_arn", vec!["CreateTopic", "SetTopicAttributes", "SetTopicAttributes"]),
    ] {
        let encrypted = of(name, &settings);
        assert_eq!(encrypted.create(), creates, "{name}");
        assert_eq!(encrypted.calls(None).last().unwrap().encrypts_with(), Some(KEY), "{name}");
        assert_eq!(encrypted.mend(field, json!(other)), creates[creates.len() - 1..], "{name}");
        // A key that nobody asked for is taken away, whatever there is of it.
        let plain = standard(name);
        let calls = plain.calls(Some((plain.with(field, json!(other)), Mark::Ours)));
        assert_eq!((calls.len(), calls[0].encrypts_with()), (1, None), "{name}");
        // From nothing and from another key it is as desired.
        for key in [None, Some(other)] {
            let mut aws = Aws::default();
            let make = |of: &Of, aws: &mut Aws, seen| {
                for call in of.calls(seen) {
                    aws.apply(&of.world, &of.target, &call).unwrap();
                }
            };
            let scope = Scope { names: BTreeSet::from([encrypted.name.clone()]), sweep: false };
            let look = |aws: &Aws| aws.look(encrypted.kind, &encrypted.world, &encrypted.target, &scope);
            make(&encrypted, &mut aws, None);
            if let Some(key) = key {
                let spoilt = encrypted.with(field, json!(key));
                aws.things.values_mut().next().unwrap().spec = spoilt.clone();
                make(&encrypted, &mut aws, Some((spoilt, Mark::Ours)));
            }
            let Sight::Present(seen) = &look(&aws)[&encrypted.name] else { panic!("{name}") };
            assert_eq!(seen.spec, encrypted.spec, "{name}");
        }
    }
}

#[test]
fn queues_of_other_regions_keep_the_encryption_of_their_own_service() {
    let key = "[central]\nkms_key_arn = 'arn:aws:kms:us-east-1:222222222222:key/1'\n";
    let settings = fixture::settings(key);
    let (world, mut target) = (fixture::world(&settings), fixture::central(&settings));
    target.key.region = "eu-west-1".parse().unwrap();
    let queues = kind("queue").desired(&world, &target);
    let attributes = &queues["orgwatch-dead-letters"]["attributes"];
    assert_eq!(
        (&attributes["SqsManagedSseEnabled"], &attributes["KmsMasterKeyId"]),
        (&json!("true"), &Value::Null)
    );
}

#[test]
fn each_difference_is_mended_by_its_own_calls_and_by_no_other() {
    let other = || json!({ "Statement": [{ "Sid": "x", "Effect": "Deny" }] });
    for (name, pointer, value, expected) in [
        ("queue", "/attributes/Policy", other(), vec!["SetQueueAttributes"]),
        ("queue", "/attributes/MessageRetentionPeriod", json!("60"), vec!["SetQueueAttributes"]),
        ("queue", "/tags", json!({}), vec!["TagQueue"]),
        ("event_bus", "/policy", json!(null), vec!["PutPermission"]),
        ("event_bus", "/policy", other(), vec!["PutPermission"]),
        ("event_bus", "/description", json!("x"), vec!["TagResource", "UpdateEventBus"]),
        ("topic", "/tags", json!({}), vec!["TagResource"]),
        ("topic", "/policy", other(), vec!["SetTopicAttributes"]),
        ("topic", "/display_name", json!("x"), vec!["SetTopicAttributes"]),
        ("topic", "/subscriptions", json!({}), vec!["Subscribe"]),
        ("topic", "/subscriptions/sms +1", json!("arn:x"), vec![]),
        ("forwarding_role", "/tags", json!({}), vec!["TagRole"]),
        ("forwarding_role", "/description", json!("x"), vec!["UpdateRoleDescription"]),
        ("forwarding_role", "/boundary", json!(null), vec!["PutRolePermissionsBoundary"]),
        ("forwarding_role", "/trust", other(), vec!["UpdateAssumeRolePolicy"]),
        ("forwarding_role", "/policies", json!({}), vec!["PutRolePolicy"]),
        ("forwarding_role", "/policies/orgwatch-forward", other(), vec!["PutRolePolicy"]),
        ("forwarding_role", "/policies/x", other(), vec!["DeleteRolePolicy"]),
        ("forwarding_role", "/attached", json!(["arn:x"]), vec!["DetachRolePolicy"]),
        // A role cannot be moved to another path, and one in use is not made anew.
        ("forwarding_role", "/path", json!("/x/"), vec![]),
        ("sender_rule", "/pattern", json!({ "source": ["x"] }), vec!["PutRule"]),
        ("sender_rule", "/state", json!("DISABLED"), vec!["PutRule"]),
        ("sender_rule", "/description", json!("x"), vec!["PutRule", "TagResource"]),
        ("sender_rule", "/schedule", json!("rate(1 day)"), vec!["PutRule"]),
        ("sender_rule", "/role_arn", json!("arn:x"), vec!["PutRule"]),
        ("sender_rule", "/targets", json!({}), vec!["PutTargets"]),
        ("sender_rule", "/targets/central/arn", json!("x"), vec!["PutTargets"]),
        ("sender_rule", "/targets/central/role_arn", json!(null), vec!["PutTargets"]),
        ("sender_rule", "/targets/central/dead_letter", json!(null), vec!["PutTargets"]),
        ("sender_rule", "/targets/central/retry_seconds", json!(60), vec!["PutTargets"]),
        ("sender_rule", "/targets/central/foreign_input", json!("{}"), vec!["PutTargets"]),
        ("alert_rule", "/targets/topic/transformer", json!(null), vec!["PutTargets"]),
    ] {
        assert_eq!(standard(name).mend(pointer, value), expected, "{name} {pointer}");
    }
}

#[test]
fn put_rule_sends_the_whole_rule_because_aws_empties_what_is_left_out() {
    let rule = standard("sender_rule");
    let calls = rule.calls(Some((rule.with("/state", json!("DISABLED")), Mark::Ours)));
    let [Call::PutRule { bus, name, pattern, state, description, tags }] = &calls[..] else {
        panic!("{calls:?}")
    };
    assert_eq!((bus.as_str(), name.as_str()), ("default", "orgwatch-iam-changes"));
    assert_eq!((pattern.value(), state.as_str()), (rule.spec["pattern"].clone(), "ENABLED"));
    assert_eq!(json!(description), rule.spec["description"]);
    assert_eq!(**tags, rule.world.owner_tags());
}

#[test]
fn a_target_that_does_not_belong_goes_after_ours_was_put_and_before_only_where_there_is_no_room() {
    let rule = standard("sender_rule");
    let ours = rule.spec["targets"]["central"].clone();
    let strangers = |n: usize| {
        let mut targets = json!({});
        (0..n).for_each(|n| targets[format!("x{n}")] = ours.clone());
        targets
    };
    assert_eq!(rule.mend("/targets", strangers(4)), ["PutTargets", "RemoveTargets"]);
    assert_eq!(rule.mend("/targets", strangers(5)), ["RemoveTargets", "PutTargets"]);
    let calls = rule.calls(Some((rule.with("/targets/x", ours.clone()), Mark::Ours)));
    let remove =
        Call::RemoveTargets { bus: "default".to_owned(), rule: rule.name.clone(), ids: vec!["x".to_owned()] };
    assert_eq!(calls, [remove]);
}

#[test]
fn the_boundary_comes_before_every_other_write_to_the_role() {
    let role = standard("forwarding_role");
    let spoilt = json!({ "path": "/", "trust": {}, "boundary": null, "policies": { "x": {} },
                         "attached": ["arn:x"], "description": "", "tags": {} });
    let calls: Vec<_> = role.calls(Some((spoilt, Mark::Ours))).iter().map(Call::operation).collect();
    insta::assert_json_snapshot!(calls, @r#"
    [
      "PutRolePermissionsBoundary",
      "TagRole",
      "UpdateRoleDescription",
      "UpdateAssumeRolePolicy",
      "PutRolePolicy",
      "DeleteRolePolicy",
      "DetachRolePolicy"
    ]
    "#);
    let Call::CreateRole { boundary, .. } = &role.calls(None)[0] else { panic!() };
    assert_eq!(boundary.as_deref(), Some("arn:aws:iam::300000000001:policy/orgwatch-boundary"));
}

#[test]
fn a_role_that_somebody_else_keeps_is_never_written() {
    let role = of("forwarding_role", &fixture::settings("[member]\nforwarding_role = 'existing'\n"));
    assert_eq!(role.create(), [""; 0]);
    assert_eq!(role.mend("/trust", json!({})), [""; 0]);
    assert_eq!(role.removal(role.spec.clone(), Vec::new()), (vec![], None));
}

#[test]
fn a_lost_mark_brings_the_tag_back() {
    for name in ["event_bus", "sender_rule", "alert_rule"] {
        let of = standard(name);
        let calls = of.calls(Some((of.spec.clone(), Mark::Foreign)));
        let [Call::TagEvents { arn, tags }] = &calls[..] else { panic!("{calls:?}") };
        assert_eq!(tags, &of.world.owner_tags());
        let expected = match name {
            "event_bus" => "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch",
            "sender_rule" => "arn:aws:events:us-east-1:300000000001:rule/orgwatch-iam-changes",
            _ => "arn:aws:events:us-east-1:222222222222:rule/orgwatch/orgwatch-iam-changes",
        };
        assert_eq!(arn, expected);
    }
}

#[test]
fn a_topic_is_made_without_attributes_and_with_its_tags() {
    let topic = standard("topic");
    let tags = topic.world.owner_tags();
    assert_eq!(topic.calls(None)[0], Call::CreateTopic { name: topic.name.clone(), tags });
}

#[test]
fn strangers_are_unsubscribed_only_on_request_and_only_once_they_have_an_arn() {
    let text = "[[alert]]\nname = 'a'\nunknown_subscriptions = 'remove'\n";
    let topic = of("topic", &fixture::settings(text));
    assert_eq!(topic.mend("/subscriptions/sms +1", json!("arn:x")), ["Unsubscribe"]);
    assert_eq!(topic.mend("/subscriptions/sms +1", json!("PendingConfirmation")), [""; 0]);
}

#[test]
fn removals_go_from_the_outside_in() {
    let rule = standard("sender_rule");
    assert_eq!(rule.removal(rule.spec.clone(), Vec::new()), (vec!["RemoveTargets", "DeleteRule"], None));
    assert_eq!(rule.removal(rule.with("/targets", json!({})), Vec::new()), (vec!["DeleteRule"], None));
    let role = standard("forwarding_role");
    assert_eq!(
        role.removal(role.with("/attached", json!(["arn:x"])), Vec::new()),
        (vec!["DeleteRolePolicy", "DetachRolePolicy", "DeleteRole"], None)
    );
    assert_eq!(
        role.removal(role.with("/boundary", Value::Null), Vec::new()),
        (vec!["PutRolePermissionsBoundary", "DeleteRolePolicy", "DeleteRole"], None)
    );
    let bus = standard("event_bus");
    assert_eq!(bus.removal(bus.spec.clone(), Vec::new()), (vec!["DeleteEventBus"], None));
}

#[test]
fn a_topic_with_listeners_and_a_queue_with_events_are_held_back() {
    let note = |reason| vec![Note::new(reason, "")];
    let topic = standard("topic");
    assert_eq!(
        topic.removal(topic.spec.clone(), Vec::new()),
        (vec!["DeleteTopic"], Some(WAITING_FOR_CONFIRMATION))
    );
    assert_eq!(
        topic.removal(topic.spec.clone(), note(NO_CONFIRMED_SUBSCRIPTION)),
        (vec!["DeleteTopic"], None)
    );
    let queue = standard("queue");
    assert_eq!(queue.removal(queue.spec.clone(), Vec::new()), (vec!["DeleteQueue"], None));
    assert_eq!(
        queue.removal(queue.spec.clone(), note(queue::DEAD_LETTERS)),
        (vec!["DeleteQueue"], Some(queue::DEAD_LETTERS))
    );
}

#[test]
fn a_mark_says_whose_a_resource_is_and_of_which_version_or_nothing_at_all() {
    let world = fixture::world(&fixture::settings(""));
    for (description, expected) in [
        ("forwards to 2; managed by orgwatch/orgwatch v1", Some(Mark::Ours)),
        ("managed by orgwatch/orgwatch v0", Some(Mark::Ours)),
        ("managed by orgwatch/orgwatch v1 (do not touch)", Some(Mark::Ours)),
        ("managed by orgwatch/orgwatch v2", Some(Mark::Newer)),
        ("managed by orgwatch/other v1", Some(Mark::Foreign)),
        ("managed by orgwatch/orgwatch2 v1", Some(Mark::Foreign)),
        ("managed by orgwatch/orgwatch vX", None),
        ("managed by orgwatch/orgwatch v99999999999999999999", None),
        ("managed by orgwatch/orgwatch", None),
        ("managed by somebody", None),
        ("", None),
    ] {
        assert_eq!(Mark::in_description(&world, description), expected, "{description}");
    }
    let tags = |value: &str| Tags::from([(OWNER_TAG.to_owned(), value.to_owned())]);
    assert_eq!(Mark::in_tags(&world, &tags("orgwatch")), Mark::Ours);
    assert_eq!(Mark::in_tags(&world, &tags("other")), Mark::Foreign);
    assert_eq!(Mark::in_tags(&world, &Tags::new()), Mark::Foreign);
}

#[test]
fn tags_of_others_on_our_resources_are_nobodys_drift() {
    let settings = fixture::settings("tags = { team = 'security' }\n");
    let world = fixture::world(&settings);
    let mut tags = world.owner_tags();
    tags.insert("cost-center".to_owned(), "7".to_owned());
    assert_eq!(world.our_tags(&tags), world.owner_tags());
    tags.insert("team".to_owned(), "other".to_owned());
    assert_ne!(world.our_tags(&tags), world.owner_tags());
}

#[test]
fn the_organization_that_a_bus_admits_is_read_from_our_own_statement() {
    let bus = standard("event_bus");
    assert_eq!(event_bus::admitted_organization(&bus.spec["policy"]), Some("o-a1b2c3d4e5"));
    assert_eq!(event_bus::admitted_organization(&Value::Null), None);
    let other = json!({ "Statement": [{ "Sid": "x",
        "Condition": { "StringEquals": { "aws:PrincipalOrgID": "o-other00000" } } }] });
    assert_eq!(event_bus::admitted_organization(&other), None);
}

#[test]
fn every_kind_made_from_nothing_is_seen_as_desired() {
    // In the order of the kinds, so that the member's half finds the central one.
    let mut aws = Aws::default();
    for name in KIND_NAMES {
        let of = standard(name);
        if name == "delivery_role" {
            assert!(of.calls(None).is_empty(), "it is not ours to make");
            continue;
        }
        for call in of.calls(None) {
            aws.apply(&of.world, &of.target, &call).unwrap();
        }
        let scope = Scope { names: BTreeSet::from([of.name.clone()]), sweep: false };
        let sights = aws.look(of.kind, &of.world, &of.target, &scope);
        let Sight::Present(seen) = &sights[&of.name] else { panic!("{name}: {sights:?}") };
        assert_eq!((&seen.spec, seen.mark), (&of.spec, Mark::Ours), "{name}");
    }
}

#[test]
fn a_topic_takes_alarms_for_auditors_of_the_account_that_has_them_and_of_no_other() {
    let settings = fixture::settings("[compliance]\nmetric_alarms = ['cis-4.4']\n");
    let world = fixture::world(&settings);
    let policy = |place: Option<&str>| {
        let place = place.map(|account| {
            let arn = format!("arn:aws:logs:us-east-1:{account}:log-group:trail");
            std::sync::Arc::new(Place::At(LogGroup::parse(&arn).unwrap()))
        });
        let target = Target { place, ..fixture::central(&settings) };
        let spec = kind("topic").desired(&world, &target).remove("orgwatch-iam-changes").unwrap();
        let mut sids = BTreeMap::new();
        for statement in spec["policy"]["Statement"].as_array().unwrap() {
            sids.insert(statement["Sid"].as_str().unwrap().to_owned(), statement.clone());
        }
        sids
    };
    let unknown: Vec<String> = policy(None).into_keys().collect();
    assert_eq!(unknown, ["alert-rules", "owner"]);
    let here: Vec<String> = policy(Some(fixture::CENTRAL)).into_keys().collect();
    assert_eq!(here, ["alarms", "alert-rules", "owner"]);
    let elsewhere = policy(Some(fixture::MANAGEMENT));
    assert_eq!(
        elsewhere["audit-alarms"]["Condition"],
        json!({
            "ArnLike": { "aws:SourceArn": "arn:aws:cloudwatch:us-east-1:111111111111:alarm:orgwatch-*" },
            "StringEquals": { "aws:SourceAccount": "111111111111" },
        })
    );
    assert_eq!(elsewhere["auditors"]["Principal"], json!({ "AWS": "111111111111" }));
    assert_eq!(elsewhere["auditors"]["Action"], "SNS:ListSubscriptionsByTopic");
}

#[test]
fn every_field_of_a_filter_or_its_alarm_is_mended_by_one_call_and_they_go_by_one_each() {
    let filter = standard("metric_filter");
    for (field, value) in [
        ("/pattern", json!("{ $.a = 1 }")),
        ("/metric", json!("Other")),
        ("/namespace", json!("Other")),
        ("/value", json!("2")),
        ("/default_value", json!(1.0)),
        ("/other", json!("transformed logs")),
    ] {
        assert_eq!(filter.mend(field, value), ["PutMetricFilter"], "{field}");
    }
    assert_eq!(filter.removal(filter.spec.clone(), Vec::new()), (vec!["DeleteMetricFilter"], None));
}
