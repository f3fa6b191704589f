//! The calls that each kind asks for: to make, to mend and to remove.

use super::*;

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
