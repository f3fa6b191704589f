//! An organization with one account in each state that there is, to look at and to test with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::config::SuppressState;
use crate::http::{
    OperationRefused, Operations, ReconcileRefused, Reconciles, ReloadRefused, Reloaded, Reloads,
};
use crate::inbox::hidden::HiddenEvent;
use crate::letters::{Group, Overview, Summary, Unreadable};
use crate::model::call::Call;
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::AccountId;
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{FieldChange, Note, Resource, ResourceId, Verdict};
use crate::model::scope::{Pause, Scope};
use crate::model::target::{Side, TargetKey};
use crate::model::view::{
    AccountView, CanaryHour, CentralView, Condition, Coverage, DeliveryCounts, DeliveryView, DiscoveryView,
    HistoryView, HoldView, InboxView, LatencyView, ReconcileView, ResyncView, Snapshot, Standing,
    SuppressedView, SuppressionView, TargetView, Totals,
};

/// A name that must never reach a page as it is.
pub(crate) const HOSTILE: &str = "<script>alert(\"x\")</script>&'";

fn ago(now: Timestamp, seconds: i64) -> Timestamp {
    now - SignedDuration::from_secs(seconds)
}

/// An event that a member could not send.
fn dead_letters(now: Timestamp) -> Overview {
    let group = Group {
        account: Some("444444444444".parse().unwrap()),
        departed: false,
        region: Some("us-east-1".parse().unwrap()),
        bus: None,
        rule: "orgwatch-iam-changes".to_owned(),
        error: "NO_PERMISSIONS".to_owned(),
        message: "the role cannot be assumed".to_owned(),
        own: false,
        letters: 3,
        oldest: Some(ago(now, 7_200)),
        newest: Some(ago(now, 600)),
    };
    let unreadable = Unreadable { region: "eu-west-1".parse().unwrap(), error: "denied".to_owned() };
    Overview {
        summary: Summary { groups: vec![group], letters: 3 },
        unreadable: vec![unreadable],
        observed_at: ago(now, 60),
    }
}

/// An alert that does not deliver what a pipeline does, and did not for a while.
fn suppressed(now: Timestamp) -> Vec<SuppressedView> {
    let suppression = SuppressionView {
        principal_arn: "arn:aws:iam::333333333333:role/deploy-*".to_owned(),
        accounts: vec!["333333333333".parse().unwrap()],
        event_names: Vec::new(),
        reason: HOSTILE.to_owned(),
        owner: "platform team".to_owned(),
        ends_at: now + SignedDuration::from_hours(24 * 10),
        state: SuppressState::EndsSoon,
    };
    let latest = HiddenEvent {
        id: "1".to_owned(),
        alert: "iam-changes".to_owned(),
        event_name: "CreateRole".to_owned(),
        account: "333333333333".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        at: ago(now, 400),
    };
    vec![SuppressedView {
        alert: "iam-changes".to_owned(),
        events: 17,
        last_at: Some(ago(now, 390)),
        latest: vec![latest],
        suppressions: vec![suppression],
    }]
}

fn resource(kind: &'static str, name: &str, verdict: Verdict) -> Resource {
    let id = ResourceId { kind, name: name.to_owned() };
    Resource { id, verdict, reason: None, changes: Vec::new(), error: None, notes: Vec::new() }
}

fn field(path: &str, desired: Value, observed: Value) -> FieldChange {
    FieldChange { path: path.to_owned(), desired: desired.into(), observed: observed.into() }
}

fn target(now: Timestamp, side: Side, account: &str, resources: Vec<Resource>) -> TargetView {
    let target = TargetKey { side, account: account.parse().unwrap(), region: "cn-north-1".parse().unwrap() };
    TargetView {
        plan: Plan { target: target.clone(), changes: Vec::new() },
        target,
        resources,
        error: None,
        observed_at: ago(now, 41),
        last_change_at: None,
        observed_generation: 3,
    }
}

/// An account that is in sync and covered; the others differ from it.
fn account(now: Timestamp, id: &str, name: &str, ou: &str) -> AccountView {
    let resources = vec![
        resource("forwarding_role", "orgwatch-forwarder", Verdict::InSync),
        resource("sender_rule", "orgwatch-iam-changes", Verdict::InSync),
    ];
    AccountView {
        id: id.parse().unwrap(),
        name: name.to_owned(),
        email: format!("aws+{id}@example.com"),
        path: format!("o-a1b2c3d4e5/r-ab12/{ou}"),
        state: "ACTIVE".to_owned(),
        standing: Standing::Active,
        standing_reason: None,
        verdict: Verdict::InSync,
        coverage: Coverage::Configured,
        coverage_reason: "InSync",
        coverage_hop: None,
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_message: "sender rule and forwarding role are as desired".to_owned(),
        coverage_since: ago(now, 86_400),
        conditions: vec![condition(now, "Reachable", "True", "RoleAssumed", "the member role was assumed")],
        targets: vec![Arc::new(target(now, Side::Member, id, resources))],
        observed_at: Some(ago(now, 41)),
        last_change_at: Some(ago(now, 86_400)),
    }
}

fn condition(
    now: Timestamp,
    kind: &'static str,
    status: &'static str,
    reason: &'static str,
    message: &str,
) -> Condition {
    Condition { kind, status, reason, message: message.to_owned(), last_transition: ago(now, 7_500) }
}

fn drifted(now: Timestamp) -> AccountView {
    let mut rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::Drifted);
    rule.changes = vec![
        field("state", json!("ENABLED"), json!("DISABLED")),
        field("pattern.detail.eventName[0].anything-but.prefix[3]", json!("Generate"), Value::Null),
        field(
            "targets.central.role_arn",
            json!("arn:aws-cn:iam::333333333333:role/orgwatch-forwarder"),
            json!(""),
        ),
    ];
    let hold = Hold {
        reason: "ChangedAccountsLimit",
        message:
            "more than 10% of the accounts would be rewritten within 1h; `orgwatch release` lets it go on"
                .into(),
        waits: false,
    };
    let change = Change {
        resource: rule.id.clone(),
        action: Action::Update,
        stage: Stage::Switch,
        reason: "differs from what is desired".to_owned(),
        fields: rule.changes.clone(),
        calls: vec![Call::PutRule {
            bus: "default".to_owned(),
            name: "orgwatch-iam-changes".to_owned(),
            pattern: json!({"source": ["aws.iam"]}).into(),
            state: "ENABLED".to_owned(),
            description: "managed by orgwatch/orgwatch v1".to_owned(),
            tags: Arc::default(),
        }],
        hold: Some(hold),
    };
    let role = resource("forwarding_role", "orgwatch-forwarder", Verdict::InSync);
    let mut view = target(now, Side::Member, "333333333333", vec![role, rule]);
    view.plan.changes.push(change);
    AccountView {
        verdict: Verdict::Drifted,
        coverage: Coverage::Broken,
        coverage_reason: "SenderRuleDisabled",
        coverage_hop: Some("sender_rule"),
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_message:
            "the sender rule is disabled, so nothing is forwarded; release the hold or enable it".into(),
        coverage_since: ago(now, 7_500),
        conditions: vec![
            condition(now, "Reachable", "True", "RoleAssumed", "the member role was assumed"),
            condition(now, "Synced", "False", "Drifted", "1 of 2 resources differs"),
        ],
        targets: vec![Arc::new(view)],
        ..account(now, "333333333333", "payments-prod", "ou-ab12-prod0001/ou-ab12-pay00001/")
    }
}

fn foreign(now: Timestamp) -> AccountView {
    let mut rule = resource("sender_rule", "orgwatch-iam-changes", Verdict::Foreign);
    rule.reason = Some("NameTaken");
    let role = resource("forwarding_role", "orgwatch-forwarder", Verdict::InSync);
    AccountView {
        verdict: Verdict::Foreign,
        coverage: Coverage::Broken,
        coverage_reason: "NameTaken",
        coverage_hop: Some("sender_rule"),
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_message: "a rule that is not ours is called orgwatch-iam-changes; rename it or list it in \
                           `reconcile.adopt`"
            .to_owned(),
        coverage_since: ago(now, 260_000),
        targets: vec![Arc::new(target(now, Side::Member, "444444444444", vec![role, rule]))],
        ..account(now, "444444444444", HOSTILE, "ou-ab12-prod0001/")
    }
}

fn unreachable(now: Timestamp) -> AccountView {
    let error = CloudError {
        class: ErrorClass::Denied,
        service: "sts",
        operation: "AssumeRole",
        account: Some("555555555555".parse().unwrap()),
        region: None,
        code: "AccessDenied".to_owned(),
        message: "not authorized to perform: sts:AssumeRole on resource orgwatch-member".to_owned(),
        request_id: Some("0a1b2c3d-1111-2222-3333-444455556666".to_owned()),
        hint: "install the member role in this account".to_owned(),
    };
    let mut view = target(now, Side::Member, "555555555555", Vec::new());
    view.error = Some(error);
    AccountView {
        verdict: Verdict::Unknown,
        coverage: Coverage::Unknown,
        coverage_reason: "RoleMissing",
        coverage_hop: None,
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_message: "the member role cannot be assumed; install it with the stack set".to_owned(),
        coverage_since: ago(now, 600),
        conditions: vec![condition(now, "Reachable", "False", "Denied", "the member role cannot be assumed")],
        targets: vec![Arc::new(view)],
        last_change_at: None,
        ..account(now, "555555555555", "sandbox-data", "ou-ab12-sand0001/")
    }
}

fn unwatched(now: Timestamp) -> [AccountView; 3] {
    let none = |id, name, ou| AccountView {
        conditions: Vec::new(),
        targets: Vec::new(),
        observed_at: None,
        last_change_at: None,
        verdict: Verdict::Pending,
        ..account(now, id, name, ou)
    };
    let pending = AccountView {
        coverage: Coverage::Pending,
        coverage_reason: "NewAccount",
        coverage_hop: None,
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_message: "joined 4 minutes ago; its role may take up to 30 minutes to appear".to_owned(),
        coverage_since: ago(now, 240),
        ..none("012345678901", "new-team", "ou-ab12-sand0001/")
    };
    let excluded = AccountView {
        standing: Standing::Excluded,
        standing_reason: Some("listed in organization.exclude_accounts".to_owned()),
        coverage: Coverage::Uncovered,
        coverage_reason: "Excluded",
        coverage_hop: None,
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        coverage_message: "left out by configuration: organization.exclude_accounts".to_owned(),
        coverage_since: ago(now, 9_000_000),
        ..none("666666666666", "legacy-mainframe", "ou-ab12-prod0001/")
    };
    let inactive = AccountView {
        standing: Standing::Inactive,
        standing_reason: Some("SUSPENDED".to_owned()),
        state: "SUSPENDED".to_owned(),
        coverage: Coverage::Uncovered,
        coverage_reason: "Inactive",
        coverage_hop: None,
        alerts: Arc::new(["iam-changes".to_owned()].into()),
        ..none("777777777777", "old-project", "ou-ab12-sand0001/")
    };
    [pending, excluded, inactive]
}

fn central(now: Timestamp) -> CentralView {
    let mut topic = resource("topic", "orgwatch-iam-changes", Verdict::InSync);
    topic.notes = vec![Note::new(
        "SubscriptionPending",
        "security@example.com has not confirmed; ask for the link in the message from AWS",
    )];
    let mut bus = resource("event_bus", "orgwatch", Verdict::Drifted);
    bus.changes = vec![field(
        "policy.Statement[0].Condition.StringEquals.aws:PrincipalOrgID",
        json!("o-a1b2c3d4e5"),
        json!(["o-a1b2c3d4e5", "o-zzzzzzzzzz"]),
    )];
    let alert = resource("alert_rule", "orgwatch-iam-changes", Verdict::InSync);
    CentralView {
        account: "222222222222".parse().unwrap(),
        region: "cn-north-1".parse().unwrap(),
        verdict: Verdict::Drifted,
        conditions: vec![condition(now, "Synced", "False", "Drifted", "1 of 3 resources differs")],
        beside: Vec::new(),
        targets: vec![Arc::new(target(now, Side::Central, "222222222222", vec![alert, bus, topic]))],
        observed_at: Some(ago(now, 41)),
    }
}

/// The organization as it stood at `now`.
pub(crate) fn snapshot(now: Timestamp) -> Snapshot {
    let mut accounts = vec![
        account(now, "111111111111", "management", ""),
        account(now, "222222222222", "Security", "ou-ab12-core0001/"),
        drifted(now),
        foreign(now),
        unreachable(now),
    ];
    accounts.extend(unwatched(now));
    Snapshot {
        version: "0.1.0",
        installation: "orgwatch".to_owned(),
        mode: "enforce",
        generation: 3,
        organization_id: Some("o-a1b2c3d4e5".parse().unwrap()),
        wrong_place: None,
        discovery: DiscoveryView {
            last_success_at: Some(ago(now, 130)),
            error: None,
            doubtful: Some(
                "the listing lacks 12 of 20 known accounts; nothing departs until 3 agree".to_owned(),
            ),
            accounts: accounts.len(),
        },
        accounts: accounts.into_iter().map(|a| (a.id.clone(), Arc::new(a))).collect(),
        units: Arc::default(),
        central: central(now),
        holds: vec![HoldView {
            id: "changedaccountslimit-333333333333".to_owned(),
            reason: "ChangedAccountsLimit",
            releasable: true,
            message:
                "more than 10% of the accounts would be rewritten within 1h; `orgwatch release` lets it go on"
                    .to_owned(),
            accounts: vec!["333333333333".parse().unwrap()],
            changes: 1,
            since: ago(now, 7_400),
        }],
        inbox: InboxView::default(),
        suppressed: suppressed(now),
        deliveries: vec![DeliveryView {
            alert: "iam-changes".to_owned(),
            last_delivered_at: Some(ago(now, 2_400)),
            last_failed_at: None,
            last_not_delivered_at: None,
            last_hour: DeliveryCounts {
                invocations: 2,
                notifications_delivered: 3,
                notifications_failed: 1,
                ..DeliveryCounts::default()
            },
            observed_at: ago(now, 120),
        }],
        latency: LatencyView::default(),
        canaries: canaries(now),
        canary_rules: Some([6, 1, 1]),
        dead_letters: Some(Arc::new(dead_letters(now))),
        last_resync: Some(ResyncView {
            started_at: ago(now, 50),
            finished_at: ago(now, 47),
            duration_seconds: 3.1,
        }),
        pauses: Vec::new(),
        history: HistoryView {
            state: "kept",
            path: Some("/var/lib/orgwatch/history.db".to_owned()),
            ..HistoryView::default()
        },
        totals: Totals::default(),
        taken_at: ago(now, 2),
        started_at: ago(now, 90_000),
    }
}

/// Canaries of three hours, in the second of which some were lost.
fn canaries(now: Timestamp) -> Vec<CanaryHour> {
    let hour = |ago_seconds, returned, mean| CanaryHour {
        began: ago(now, ago_seconds),
        sent: 8,
        returned,
        mean_seconds: Some(mean),
        max_seconds: Some(mean * 2.0),
    };
    vec![hour(14_400, 8, 1.5), hour(10_800, 6, 2.5), hour(7_200, 8, 1.25)]
}

/// Takes every request that the snapshot allows; a test finishes it.
#[derive(Default)]
pub(crate) struct FakeReconciles(pub(crate) Mutex<BTreeMap<String, watch::Sender<ReconcileView>>>);

impl Reconciles for FakeReconciles {
    fn request(&self, account: Option<&AccountId>) -> Result<ReconcileView, ReconcileRefused> {
        match account.map(AccountId::as_str) {
            Some("999999999999") => return Err(ReconcileRefused::NoSuchAccount(account.unwrap().clone())),
            Some("666666666666") => {
                let why = "it is excluded by configuration".to_owned();
                return Err(ReconcileRefused::NotReconciled { account: account.unwrap().clone(), why });
            }
            Some("000000000000") => panic!("secret details"),
            _ => {}
        }
        let view = ReconcileView {
            id: "r-1".to_owned(),
            state: "running",
            done: 0,
            total: if account.is_some() { 1 } else { 5 },
            changes: 0,
            errors: Vec::new(),
            observed_at: None,
        };
        self.0.lock().unwrap().insert(view.id.clone(), watch::Sender::new(view.clone()));
        Ok(view)
    }

    fn progress(&self, id: &str) -> Option<watch::Receiver<ReconcileView>> {
        self.0.lock().unwrap().get(id).map(watch::Sender::subscribe)
    }
}

impl Reloads for FakeReconciles {
    fn reload(&self, by: Arc<str>) -> BoxFuture<'_, Result<Reloaded, ReloadRefused>> {
        let read = |text: &str| {
            let text = format!("[central]\naccount_id = '222222222222'\n{text}");
            crate::config::parse(&text, [])
        };
        let before = read("").unwrap();
        let now = self.now();
        Box::pin(async move {
            if &*by == "oncall" {
                let problems =
                    read("[reconcile]\nmode = 'planted'\n[http]\nport = 1\n").unwrap_err().problems;
                return Err(ReloadRefused { problems, in_force_since: now });
            }
            let after = read("[[alert]]\nname = 'a'\nseverity = 'high'\n").unwrap();
            let changes = crate::config::between(&before, &after);
            Ok(Reloaded { changes, warnings: after.warnings, generation: 2, loaded_at: now })
        })
    }
}

impl Operations for FakeReconciles {
    fn release(&self, id: String, _: Arc<str>) -> BoxFuture<'_, Result<Vec<TargetKey>, OperationRefused>> {
        Box::pin(async move {
            match id.as_str() {
                "open" => Ok(vec![TargetKey {
                    side: Side::Member,
                    account: "333333333333".parse().unwrap(),
                    region: "cn-north-1".parse().unwrap(),
                }]),
                "Paused-x" => Err(OperationRefused::Conflict("a pause is resumed".to_owned())),
                _ => Err(OperationRefused::NotFound(format!("no hold `{id}` is open"))),
            }
        })
    }

    fn pause(
        &self,
        scope: Scope,
        until: Option<Timestamp>,
        reason: String,
        by: Arc<str>,
    ) -> BoxFuture<'_, Result<Pause, OperationRefused>> {
        let (scope, since, by) = (scope.to_string(), self.now(), by.to_string());
        Box::pin(async move { Ok(Pause { scope, since, until, reason, by }) })
    }

    fn resume(&self, scope: Scope, by: Arc<str>) -> BoxFuture<'_, Option<Pause>> {
        let pause = Pause {
            scope: scope.to_string(),
            since: self.now(),
            until: None,
            reason: "a migration".to_owned(),
            by: by.to_string(),
        };
        Box::pin(async move { (scope == Scope::All).then_some(pause) })
    }

    fn log_level(&self, directives: String, _: Arc<str>) -> BoxFuture<'_, Result<(), OperationRefused>> {
        let known = directives == "debug";
        Box::pin(async move { known.then_some(()).ok_or(OperationRefused::Bad("no level".to_owned())) })
    }

    fn accept_listing(&self, _: Arc<str>) -> BoxFuture<'_, Result<usize, OperationRefused>> {
        Box::pin(async { Ok(12) })
    }

    fn now(&self) -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }
}
