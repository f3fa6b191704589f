//! What could not be seen is not written: one reading call after the other goes wrong in one account while there is
//! something to repair, and nothing that it would have shown is touched until it goes well again.

use std::collections::BTreeSet;
use std::time::Duration;

use orgwatch::model::resource::Verdict;
use orgwatch_sim::call::{Principal, Service};
use orgwatch_sim::fault::{Action, Rule};
use orgwatch_sim::journal::Entry;
use serde_json::json;

use crate::drift::Drift;
use crate::stage::{Daemon, Stage, in_virtual_time, is_write_of_ours};

const ACCOUNTS: usize = 2;
const SEED: u64 = 11;
/// How often every target is looked at.
const CONFIG: &str = "resync_interval = '10m'\n[notify]\nalert = 'orgwatch-health'\n";
/// Everything of which orgwatch makes only one, too.
const TOLD: &str = "[notify]\nalert = 'orgwatch-health'\n";
/// Longer than two resyncs.
const BLIND: Duration = Duration::from_secs(23 * 60);
/// Long enough for every backoff and two resyncs.
const RECOVERY: Duration = Duration::from_secs(30 * 60);

const TASK: &str = "orgwatch-task";
const MEMBER: &str = "orgwatch-member";

/// A reading call: which, and the role that makes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    service: String,
    operation: String,
    role: String,
}

/// What a reading call shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// Everything that discovery learns.
    Organization,
    /// All that a member holds.
    Account,
    /// Resources of these kinds.
    Kinds(&'static [&'static str]),
    /// Nothing that is not asked for by name as well: it only finds what was forgotten.
    Forgotten,
}

impl Look {
    fn of(entry: &Entry) -> Option<Self> {
        let Principal::Session(session) = &entry.call.caller.principal else { return None };
        (!entry.write).then(|| Self {
            service: entry.call.service.prefix().to_owned(),
            operation: entry.call.operation.clone(),
            role: session.role_name.clone(),
        })
    }

    /// A look that is missing here is one that nobody thought about.
    fn shown(&self) -> Shown {
        let Self { service, operation, role } = self;
        match (service.as_str(), operation.as_str(), role.as_str()) {
            ("organizations", _, _) | ("sts", "GetCallerIdentity", _) => Shown::Organization,
            ("sts", "AssumeRole", TASK) => Shown::Account,
            ("events", "ListRules" | "ListTargetsByRule" | "ListTagsForResource", MEMBER) => {
                Shown::Kinds(&["sender_rule"])
            }
            // Where leftovers may be, and whether a trail logs: for neither is anything written.
            ("iam", "ListRoles", MEMBER) | ("account", "ListRegions", _) | ("cloudtrail", _, _) => {
                Shown::Forgotten
            }
            ("iam", _, MEMBER) => Shown::Kinds(&["forwarding_role"]),
            ("events", "DescribeArchive", TASK) => Shown::Kinds(&["archive"]),
            ("events", "DescribeEventBus", TASK) => Shown::Kinds(&["event_bus"]),
            ("events", "ListRules" | "ListTargetsByRule", TASK) => Shown::Kinds(&["alert_rule"]),
            ("events", "ListTagsForResource", TASK) => Shown::Kinds(&["alert_rule", "event_bus"]),
            ("sns", _, TASK) => Shown::Kinds(&["topic"]),
            ("cloudwatch", _, TASK) => Shown::Kinds(&["metric_alarm"]),
            ("sqs", _, TASK) => Shown::Kinds(&["queue"]),
            _ => panic!("what does {self:?} show?"),
        }
    }

    /// The account in which it goes wrong.
    fn account<'a>(&self, stage: &'a Stage) -> &'a str {
        if self.role == MEMBER || self.shown() == Shown::Account {
            &stage.accounts[1]
        } else {
            &stage.accounts[0]
        }
    }

    fn goes_wrong(&self, stage: &Stage, action: Action) {
        let mut rule = Rule::new(action);
        rule.service = Some(self.service.clone());
        rule.operation = Some(self.operation.clone());
        rule.role = Some(self.role.clone());
        match self.shown() {
            Shown::Account => rule.target = Some(self.account(stage).to_owned()),
            Shown::Organization => {}
            Shown::Kinds(_) | Shown::Forgotten => rule.account = Some(self.account(stage).to_owned()),
        }
        let now = stage.clock.now();
        stage.simulator.world().faults.set(rule, now).expect("it is a rule");
    }

    /// Whether a write concerns what it shows.
    fn concerns(&self, stage: &Stage, entry: &Entry) -> bool {
        let within = entry.call.caller.account == self.account(stage);
        match self.shown() {
            Shown::Organization => true,
            Shown::Account => within && !entry.principal().contains(TASK),
            Shown::Kinds(kinds) => within && kinds.contains(&written_kind(entry)),
            Shown::Forgotten => false,
        }
    }
}

/// The kind of resource that a writing call of ours is about.
fn written_kind(entry: &Entry) -> &'static str {
    let member = entry.principal().contains(MEMBER);
    let bus = ["PutPermission", "CreateEventBus", "UpdateEventBus", "DeleteEventBus"];
    let of_bus = entry.call.text("ResourceARN").is_some_and(|arn| arn.contains(":event-bus/"));
    match entry.call.service.prefix() {
        "iam" => "forwarding_role",
        "events" if member => "sender_rule",
        "events" if of_bus || bus.contains(&entry.call.operation.as_str()) => "event_bus",
        "events" if entry.call.operation.ends_with("Archive") => "archive",
        "events" => "alert_rule",
        "sns" => "topic",
        "sqs" => "queue",
        "cloudwatch" => "metric_alarm",
        other => panic!("we do not write to {other}"),
    }
}

/// Something to repair in every resource of both accounts; the marks go too, so that tags must be read.
fn everything_drifts(stage: &Stage) {
    use Drift::{
        AlertRulePattern, BusDescription, BusPolicyOpened, QueuePolicy, RolePolicyAdded, RoleTrust,
        RulePattern, TargetReplaced, TopicName, TopicPolicy,
    };
    for drift in [RulePattern, TargetReplaced, RolePolicyAdded, RoleTrust] {
        drift.happens(stage, &stage.accounts[1]);
    }
    for drift in [AlertRulePattern, BusDescription, BusPolicyOpened, QueuePolicy, TopicName, TopicPolicy] {
        drift.happens(stage, &stage.accounts[0]);
    }
    let input = json!({
        "AlarmName": "orgwatch-heartbeat", "AlarmDescription": "mine", "Namespace": "AWS/Events",
        "MetricName": "Invocations", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
        "ComparisonOperator": "LessThanThreshold",
    });
    stage.make(&stage.accounts[0], Service::CloudWatch, "PutMetricAlarm", input);
}

async fn installed() -> Stage {
    let stage = Stage::new(ACCOUNTS, SEED);
    stage.confirming(stage.daemon(&stage.config(TOLD)).apply()).await;
    stage.confirm_subscriptions();
    stage
}

/// Every reading call that the product makes, from its own journal.
fn looks() -> BTreeSet<Look> {
    in_virtual_time(async {
        let stage = installed().await;
        everything_drifts(&stage);
        stage.daemon(&stage.config(TOLD)).apply().await;
        let world = stage.simulator.world();
        world.journal.since(0).filter_map(Look::of).collect()
    })
}

/// Fails if what `look` shows was written, or anything was deleted, since that call.
fn assert_left_alone(stage: &Stage, look: &Look, since: u64) {
    let world = stage.simulator.world();
    for entry in world.journal.since(since).filter(|entry| is_write_of_ours(entry)) {
        assert!(!look.concerns(stage, entry), "{look:?} went wrong, and this was written: {entry:?}");
        // These take away what somebody added to a rule or role that could be seen.
        let deletes =
            entry.call.operation.starts_with("Delete") && entry.call.operation != "DeleteRolePolicy";
        assert!(!deletes, "{look:?} went wrong, and this was deleted: {entry:?}");
    }
}

/// Fails unless what `look` shows is shown as unknown.
fn assert_unknown(stage: &Stage, daemon: &Daemon, look: &Look) {
    let account = look.account(stage);
    let views = daemon.controller.views(&daemon.controller.keys());
    let mut of_account = views.iter().filter(|view| view.target.account.as_str() == account);
    let unknown = match look.shown() {
        Shown::Organization => daemon.snapshot().discovery.error.is_some(),
        Shown::Account => of_account.any(|view| view.error.is_some()),
        Shown::Forgotten => true,
        Shown::Kinds(kinds) => of_account
            .flat_map(|view| &view.resources)
            .any(|resource| kinds.contains(&resource.id.kind) && resource.verdict == Verdict::Unknown),
    };
    assert!(unknown, "{look:?} went wrong, and {:?} shows no unknown", daemon.out_of_sync());
}

/// A process that has just been started looks with one eye closed, then with both.
async fn blind_from_the_start(look: &Look, action: Action) {
    let stage = installed().await;
    look.goes_wrong(&stage, action);
    everything_drifts(&stage);
    let daemon = stage.daemon(&stage.config(CONFIG));
    watch_it_be_blind(&stage, &daemon, look, Duration::ZERO).await;
}

/// A process that saw everything in sync loses one eye, then gets it back.
async fn blind_after_a_while(look: &Look, action: Action) {
    let stage = installed().await;
    let daemon = stage.daemon(&stage.config(CONFIG));
    let seeing = Duration::from_secs(5 * 60);
    let around = async {
        tokio::time::sleep(seeing).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        look.goes_wrong(&stage, action);
        everything_drifts(&stage);
    };
    futures::join!(around, watch_it_be_blind(&stage, &daemon, look, seeing));
}

async fn watch_it_be_blind(stage: &Stage, daemon: &Daemon, look: &Look, from: Duration) {
    let began = stage.calls();
    let around = async {
        tokio::time::sleep(from + BLIND).await;
        assert_left_alone(stage, look, began);
        assert_unknown(stage, daemon, look);
        stage.simulator.world().faults.clear();
        tokio::time::sleep(RECOVERY).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new(), "an hour after {look:?} went well again");
    };
    futures::join!(around, daemon.serve_for(from + BLIND + RECOVERY + Duration::from_secs(1)));
}

/// All ways in which a look can go wrong, or one of them in turn where nobody asks for more.
fn ways(turn: usize) -> Vec<Action> {
    let all = [Action::Denied, Action::Timeout, Action::ServerError { status: 500 }];
    if crate::many_are_asked_for() { all.to_vec() } else { vec![all[turn % all.len()].clone()] }
}

#[test]
fn what_a_look_that_goes_wrong_would_have_shown_is_not_written_by_a_process_that_has_just_been_started() {
    for (turn, look) in looks().iter().filter(|look| look.shown() != Shown::Forgotten).enumerate() {
        for action in ways(turn) {
            in_virtual_time(blind_from_the_start(look, action));
        }
    }
}

#[test]
fn what_a_look_that_goes_wrong_would_have_shown_is_not_written_although_it_was_seen_before() {
    // A session lasts an hour, and who knows the organization goes on with what is known.
    let steady = |look: &&Look| matches!(look.shown(), Shown::Kinds(_));
    for (turn, look) in looks().iter().filter(steady).enumerate() {
        for action in ways(turn + 1) {
            in_virtual_time(blind_after_a_while(look, action));
        }
    }
}
