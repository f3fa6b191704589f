use super::*;
use crate::model::plan::Plan;
use crate::render::fixtures::*;
use insta::assert_snapshot;
use proptest::prelude::*;

const OPTIONS: PlanOptions = PlanOptions { expand: false, prune: false, style: Style::PLAIN };

fn print(views: &[Arc<TargetView>]) -> String {
    plan(views, &OPTIONS)
}

#[test]
fn nothing_to_do_is_one_sentence() {
    let views: Vec<_> = (0..30).map(|n| Arc::new(view(member(n)))).collect();
    assert_snapshot!(print(&views), @"No changes. 30 of 30 targets are as desired.");
}

#[test]
fn no_targets_at_all_is_explained() {
    assert_snapshot!(print(&[]), @"Nothing to look at: no account of the organization is active and wanted. The filters under [organization] in the configuration, --account and --ou decide which are.");
}

#[test]
fn an_equal_creation_in_28_accounts_is_told_once() {
    let views: Vec<_> = (0..28).map(|n| planned(member(n), vec![create_sender_rule(&member(n))])).collect();
    assert_snapshot!(print(&views), @r#"
      + create sender_rule orgwatch-iam-changes
          in 28 accounts, us-east-1: 333333333333, 334444444444 and 26 more
          why: the rule is not there
          pattern:
            {
              "detail": {
                "eventName": [{"anything-but":{"prefix":["Get","List","Simulate","Generate"]}}],
                "eventSource": ["iam.amazonaws.com"]
              },
              "source": ["aws.iam"]
            }
          state: "ENABLED"
          targets.central.role_arn: "arn:aws:iam::<account>:role/orgwatch-forwarder"
          calls: events:PutRule, events:PutTargets

    Plan: 28 to create in 28 accounts.
    "#);
}

#[test]
fn expanded_each_account_is_named() {
    let views: Vec<_> = (0..4)
        .map(|n| planned(member(n), vec![change(Action::Create, id("sender_rule", "orgwatch-x"), "absent")]))
        .collect();
    assert_snapshot!(plan(&views, &PlanOptions { expand: true, ..OPTIONS }), @r"
      + create sender_rule orgwatch-x
          in 4 accounts, us-east-1:
            333333333333
            334444444444
            335555555555
            336666666666
          why: absent

    Plan: 4 to create in 4 accounts.
    ");
}

#[test]
fn an_update_shows_each_field_as_seen_and_as_it_will_be() {
    let update = Change {
        fields: [
            field("state", json!("DISABLED"), json!("ENABLED")),
            field("targets.central.role_arn", json!(null), json!("arn:aws:iam::333333333333:role/f")),
        ]
        .into(),
        calls: create_sender_rule(&member(0)).calls,
        ..change(Action::Update, id("sender_rule", "orgwatch-iam-changes"), "it differs from what is desired")
    };
    assert_snapshot!(print(&[planned(member(0), vec![update])]), @r#"
      ~ update sender_rule orgwatch-iam-changes
          in account 333333333333, us-east-1
          why: it differs from what is desired
          state: "DISABLED" -> "ENABLED"
          targets.central.role_arn: (none) -> "arn:aws:iam::333333333333:role/f"
          calls: events:PutRule, events:PutTargets

    Plan: 1 to update in 1 account.
    "#);
}

#[test]
fn a_changed_bus_policy_shows_which_lines_differ() {
    let policy = |condition: serde_json::Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "orgwatch",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch",
                "Condition": condition,
            }],
        })
    };
    let observed = policy(json!({ "StringEquals": { "aws:PrincipalOrgID": "o-somebodyelse" } }));
    let desired = policy(json!({
        "StringEquals": { "aws:PrincipalOrgID": "o-a1b2c3d4e5" },
        "ArnLike": { "aws:PrincipalArn": "arn:aws:iam::*:role/orgwatch-forwarder*" },
    }));
    let update = Change {
        fields: [field("policy", observed, desired.clone())].into(),
        calls: vec![Call::PutPermission { bus: "orgwatch".to_owned(), policy: desired.into() }],
        ..change(Action::Update, id("event_bus", "orgwatch"), "its policy was changed")
    };
    assert_snapshot!(print(&[planned(central(), vec![update])]), @r#"
      ~ update event_bus orgwatch
          in the central account 222222222222, us-east-1
          why: its policy was changed
          policy:
                  {
                    "Action": "events:PutEvents",
            -       "Condition": {"StringEquals":{"aws:PrincipalOrgID":"o-somebodyelse"}},
            +       "Condition": {
            +         "ArnLike": {"aws:PrincipalArn":"arn:aws:iam::*:role/orgwatch-forwarder*"},
            +         "StringEquals": {"aws:PrincipalOrgID":"o-a1b2c3d4e5"}
            +       },
                    "Effect": "Allow",
                    "Principal": "*",
          calls: events:PutPermission

    Plan: 1 to update in 1 account.
    "#);
}

#[test]
fn held_and_waiting_changes_say_why_and_what_releases_them() {
    let delete = |name: &str| change(Action::Delete, id("sender_rule", name), "no watch wants it any more");
    let held = Change {
        fields: [field("state", json!("ENABLED"), json!(null))].into(),
        calls: vec![
            Call::RemoveTargets { bus: "default".into(), rule: "orgwatch-old".into(), ids: vec![] },
            Call::DeleteRule { bus: "default".into(), name: "orgwatch-old".into() },
        ],
        hold: hold(
            "DeletionLimit",
            "10 deletions were made within 1h; `orgwatch apply` makes it later",
            false,
        ),
        ..delete("orgwatch-old")
    };
    let waiting = Change {
        hold: hold("Settling", "its successor has not been observed yet", true),
        ..delete("orgwatch-older")
    };
    assert_snapshot!(print(&[planned(member(0), vec![held, waiting])]), @r#"
    ! - delete sender_rule orgwatch-old
          in account 333333333333, us-east-1
          why: no watch wants it any more
          state: "ENABLED"
          calls: events:RemoveTargets, events:DeleteRule
          held (DeletionLimit): 10 deletions were made within 1h; `orgwatch apply` makes it later

    … - delete sender_rule orgwatch-older
          in account 333333333333, us-east-1
          why: no watch wants it any more
          waits (Settling): its successor has not been observed yet

    Plan: 1 to delete in 1 account (1 waiting); 1 held.
    "#);
}

#[test]
fn what_is_foreign_is_listed_with_the_entry_that_adopts_it() {
    let foreign = |kind, name: &str| Resource {
        reason: Some("NameTaken"),
        ..resource(id(kind, name), Verdict::Foreign)
    };
    let views = [
        judged(central(), vec![foreign("topic", "orgwatch-iam-changes")]),
        judged(member(0), vec![foreign("sender_rule", "orgwatch-iam-changes")]),
    ];
    assert_snapshot!(print(&views), @r#"
    Foreign: stands at our name and is not ours
      topic orgwatch-iam-changes (NameTaken)
          in the central account 222222222222, us-east-1
          next: rename or remove it, or let orgwatch take it over by adding to `adopt` under [reconcile]:
            "topic:orgwatch-iam-changes"
      sender_rule orgwatch-iam-changes (NameTaken)
          in account 333333333333, us-east-1
          next: rename or remove it, or let orgwatch take it over by adding to `adopt` under [reconcile]:
            "sender_rule:333333333333/us-east-1/orgwatch-iam-changes"

    No changes. 0 of 2 targets are as desired; 2 foreign.
    "#);
}

#[test]
fn what_could_not_be_seen_is_listed_with_awss_words_and_what_to_do() {
    let whole = |n| {
        Arc::new(TargetView {
            resources: vec![],
            error: Some(Box::new(denied(&member(n)))),
            ..view(member(n))
        })
    };
    let unknown = Resource {
        error: Some(Box::new(denied(&central()))),
        ..resource(id("topic", "orgwatch-iam-changes"), Verdict::Unknown)
    };
    let views = [whole(0), whole(1), whole(2), whole(3), judged(central(), vec![unknown])];
    assert_snapshot!(print(&views), @r"
    Unknown: could not be seen, so nothing is planned for it
      topic orgwatch-iam-changes
          in the central account 222222222222, us-east-1
          sts:AssumeRole: AccessDenied: not authorized to assume arn:aws:iam::222222222222:role/orgwatch-member [request request-of-222222222222]
          next: install the member role's template in this account
      the whole target
          in 4 accounts, us-east-1: 333333333333, 334444444444 and 2 more
          sts:AssumeRole: AccessDenied: not authorized to assume arn:aws:iam::<account>:role/orgwatch-member
          next: install the member role's template in this account

    No changes. 0 of 5 targets are as desired; 5 unknown.
    ");
}

#[test]
fn an_orphan_names_the_command_that_removes_it() {
    let views = [judged(member(0), vec![resource(id("sender_rule", "orgwatch-old"), Verdict::Orphan)])];
    assert_snapshot!(print(&views), @r"
    Orphans: ours and no longer desired
      sender_rule orgwatch-old
          in account 333333333333, us-east-1
          next: `orgwatch apply --prune` removes it

    No changes. 1 of 1 target is as desired; 1 orphan.
    ");
    let pruned = plan(&views, &PlanOptions { prune: true, ..OPTIONS });
    assert!(pruned.contains("not removed yet"), "{pruned}");
}

#[test]
fn drift_that_is_left_to_a_person_and_notices_have_their_own_headings() {
    let existing = Resource {
        reason: Some("NotManaged"),
        changes: [field("path", json!("/team/"), json!("/"))].into(),
        ..resource(id("forwarding_role", "our-own"), Verdict::Drifted)
    };
    let topic = Resource {
        notes: vec![note("SubscriptionPending", "security@example.com has not confirmed; ask its owner to")],
        ..resource(id("topic", "orgwatch-iam-changes"), Verdict::InSync)
    };
    let young = Resource {
        reason: Some("Settling"),
        ..resource(id("sender_rule", "orgwatch-iam-changes"), Verdict::Pending)
    };
    let views = [judged(central(), vec![topic]), judged(member(0), vec![existing, young])];
    assert_snapshot!(print(&views), @r#"
    Drifted: orgwatch leaves these to a person
      forwarding_role our-own (NotManaged)
          in account 333333333333, us-east-1
          path: "/team/" -> "/"

    Pending: judged by a later pass
      sender_rule orgwatch-iam-changes (Settling)
          in account 333333333333, us-east-1

    Notices: no drift, nothing that orgwatch changes
      topic orgwatch-iam-changes (SubscriptionPending)
          in the central account 222222222222, us-east-1
          security@example.com has not confirmed; ask its owner to

    No changes. 1 of 2 targets are as desired; 1 left to a person; 1 pending.
    "#);
}

#[test]
fn the_whole_picture_ends_with_the_counts() {
    let held = Change {
        hold: hold("DeletionLimit", "later", false),
        ..change(Action::Delete, id("topic", "a"), "x")
    };
    let views = [
        planned(central(), vec![change(Action::Create, id("topic", "b"), "absent"), held]),
        planned(member(0), vec![create_sender_rule(&member(0))]),
        Arc::new(TargetView { error: Some(Box::new(denied(&member(1)))), ..view(member(1)) }),
    ];
    let text = print(&views);
    assert_snapshot!(text.lines().last().unwrap(), @"Plan: 2 to create in 2 accounts; 1 held; 1 unknown.");
}

#[test]
fn wrapped_to_80_columns_only_values_and_names_are_wider() {
    let style = Style { colour: false, width: Some(80) };
    let views: Vec<_> = (0..28)
        .map(|n| {
            let mut change = create_sender_rule(&member(n));
            change.reason = "a reason that goes on and on, ".repeat(6);
            planned(member(n), vec![change])
        })
        .collect();
    let text = plan(&views, &PlanOptions { style, ..OPTIONS });
    for line in text.lines() {
        assert!(line.chars().count() <= 80 || line.contains("\":"), "{line}");
    }
}

#[test]
fn programs_get_the_plans_what_is_unseen_and_the_counts() {
    let foreign = Resource { reason: Some("NameTaken"), ..resource(id("topic", "t"), Verdict::Foreign) };
    let views = [
        planned(member(0), vec![change(Action::Delete, id("sender_rule", "orgwatch-old"), "unwanted")]),
        judged(member(1), vec![foreign]),
        Arc::new(TargetView {
            resources: vec![],
            error: Some(Box::new(denied(&member(2)))),
            ..view(member(2))
        }),
    ];
    insta::assert_json_snapshot!(plan_json(&views), @r#"
    {
      "left": [
        {
          "resource": {
            "changes": [],
            "error": null,
            "kind": "topic",
            "name": "t",
            "reason": "NameTaken",
            "verdict": "foreign"
          },
          "target": "member 334444444444/us-east-1"
        }
      ],
      "notices": [],
      "plans": [
        {
          "changes": [
            {
              "action": "delete",
              "calls": [],
              "fields": [],
              "reason": "unwanted",
              "resource": "sender_rule orgwatch-old",
              "stage": "contract"
            }
          ],
          "target": "member 333333333333/us-east-1"
        }
      ],
      "summary": {
        "accounts": 1,
        "as_desired": 0,
        "create": 0,
        "delete": 1,
        "foreign": 1,
        "held": 0,
        "left_to_a_person": 0,
        "notices": 0,
        "orphan": 0,
        "pending": 0,
        "targets": 3,
        "unknown": 1,
        "update": 0,
        "waiting": 0
      },
      "unseen": [
        {
          "error": {
            "account": "335555555555",
            "class": "denied",
            "code": "AccessDenied",
            "hint": "install the member role's template in this account",
            "message": "not authorized to assume arn:aws:iam::335555555555:role/orgwatch-member",
            "operation": "AssumeRole",
            "region": "us-east-1",
            "request_id": "request-of-335555555555",
            "service": "sts"
          },
          "resource": null,
          "target": "member 335555555555/us-east-1"
        }
      ]
    }
    "#);
}

fn any_hold() -> impl Strategy<Value = Option<crate::model::plan::Hold>> {
    prop_oneof![Just(None), Just(hold("Settling", "later", true)), Just(hold("DeletionLimit", "no", false))]
}

fn any_changes() -> impl Strategy<Value = Vec<Change>> {
    let action = prop::sample::select(vec![Action::Create, Action::Update, Action::Delete]);
    let one = (action, "[ab]", any_hold())
        .prop_map(|(action, name, hold)| Change { hold, ..change(action, id("topic", &name), "why") });
    prop::collection::vec(one, 0..4)
}

proptest! {
    #[test]
    fn the_counts_equal_the_changes(all in prop::collection::vec(any_changes(), 0..12)) {
        let views: Vec<_> = all.iter().enumerate().map(|(n, c)| planned(member(n), c.clone())).collect();
        let summary = PlanSummary::of(&views);
        let goes_ahead = |c: &&Change| c.hold.as_ref().is_none_or(|h| h.waits);
        let changes = || all.iter().flatten();
        let of = |action| changes().filter(goes_ahead).filter(|c| c.action == action).count();

        prop_assert_eq!(summary.create, of(Action::Create));
        prop_assert_eq!(summary.update, of(Action::Update));
        prop_assert_eq!(summary.delete, of(Action::Delete));
        prop_assert_eq!(summary.held + summary.changes(), changes().count());
        prop_assert_eq!(summary.waiting, changes().filter(|c| c.hold.as_ref().is_some_and(|h| h.waits)).count());
        prop_assert_eq!(summary.accounts, all.iter().filter(|a| a.iter().any(|c| goes_ahead(&c))).count());
        prop_assert_eq!(summary.as_desired, all.iter().filter(|a| a.is_empty()).count());
    }

    #[test]
    fn expanded_every_account_with_a_change_is_in_the_text(all in prop::collection::vec(any_changes(), 0..12)) {
        let views: Vec<_> = all.iter().enumerate().map(|(n, c)| planned(member(n), c.clone())).collect();
        let text = plan(&views, &PlanOptions { expand: true, ..OPTIONS });
        for (n, changes) in all.iter().enumerate() {
            prop_assert_eq!(text.contains(account(n).as_str()), !changes.is_empty());
        }
    }

    #[test]
    fn the_text_does_not_depend_on_who_finished_first(
        views in Just((0..6).map(|n| planned(member(n), vec![create_sender_rule(&member(n))])).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let mut ordered = views.clone();
        ordered.sort_by(|a, b| a.target.cmp(&b.target));
        prop_assert_eq!(print(&views), print(&ordered));
    }
}

#[test]
fn text_from_aws_cannot_steer_the_terminal_or_forge_a_line() {
    let mut error = denied(&member(0));
    (error.code, error.message, error.hint) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    let drifted = Resource {
        changes: [field(HOSTILE, json!(HOSTILE), json!({ HOSTILE: HOSTILE.repeat(9) }))].into(),
        notes: vec![note("Remark", HOSTILE)],
        ..resource(id("topic", HOSTILE), Verdict::Drifted)
    };
    let hostile = Change {
        fields: drifted.changes.clone(),
        hold: hold("Held", HOSTILE, false),
        ..change(Action::Update, id("topic", HOSTILE), HOSTILE)
    };
    let of = |verdict| Resource { verdict, id: id("queue", HOSTILE), ..drifted.clone() };
    let resources = Verdict::ALL.into_iter().map(of).collect();
    let views = [Arc::new(TargetView {
        plan: Plan { target: member(0), changes: vec![hostile] },
        resources,
        error: Some(Box::new(error)),
        ..view(member(0))
    })];
    for style in [Style::PLAIN, Style { colour: false, width: Some(60) }] {
        let text = plan(&views, &PlanOptions { style, ..OPTIONS });
        assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("Plan: nothing\u{202e}")), "{text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("Plan: ")).count(), 1, "{text}");
    }
}
