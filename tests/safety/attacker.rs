//! The administrator of one member does there whatever hurts most: nothing happens in any other account, nothing that the
//! desired state does not ask for, and what we keep in memory stays small.

use std::time::Duration;

use orgwatch::model::resource::Verdict;
use orgwatch_sim::call::Service;
use orgwatch_sim::journal::Entry;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::drift::{Drift, IN_MEMBERS};
use crate::stage::{Daemon, Stage, in_virtual_time, is_write_of_ours};

const ACCOUNTS: usize = 3;
/// Which of them is hostile.
const HOSTILE: usize = 1;
/// AWS: so many rules a bus bears.
const RULES_PER_BUS: usize = 300;
/// What we keep of one rule at most: pattern, description, five targets, and what is wrong with them.
const BYTES_PER_RULE: usize = 16 * 1024;

const RULE: &str = "orgwatch-iam-changes";
const ROLE: &str = "orgwatch-forwarder";

/// What an attacker does in the account that is theirs.
#[derive(Clone, Copy, Debug)]
enum Hostility {
    /// What anybody might do.
    Drift(Drift),
    /// So many rules more with our prefix.
    Rules(usize),
    /// The same with our mark in the description, which makes them ours and forgotten.
    MarkedRules(usize),
    /// Our tag on a rule and a role of theirs.
    TagsOnTheirs,
    /// The longest description that AWS takes.
    LongDescription,
    /// Five targets that are not ours.
    Targets,
    /// Policies of 10 KB in our role.
    LongPolicies,
    /// So many roles beside ours, with our tag.
    Roles(usize),
    /// A role of our name at another path.
    RoleElsewhere,
    /// A rule of ours that is said to be a newer version's.
    Newer,
    /// Events put straight on the central bus, and on their own.
    ForgedEvents,
    /// We may no longer come in.
    Locked,
}

fn hostility() -> impl Strategy<Value = Hostility> {
    use Hostility::{
        ForgedEvents, Locked, LongDescription, LongPolicies, MarkedRules, Newer, RoleElsewhere, Roles, Rules,
        TagsOnTheirs, Targets,
    };
    prop_oneof![
        4 => proptest::sample::select(IN_MEMBERS.to_vec()).prop_map(Hostility::Drift),
        1 => (1..60_usize).prop_map(Rules),
        1 => (1..60_usize).prop_map(MarkedRules),
        1 => (1..30_usize).prop_map(Roles),
        4 => proptest::sample::select(vec![
            TagsOnTheirs, LongDescription, Targets, LongPolicies, RoleElsewhere, Newer, ForgedEvents,
        ]),
        1 => Just(Locked),
    ]
}

impl Hostility {
    /// Does it, as far as AWS lets them; answers what AWS refused.
    fn happens(self, stage: &Stage, account: &str) -> Vec<String> {
        if let Self::Drift(drift) = self {
            drift.happens(stage, account);
        }
        let calls = self.calls(stage, account).into_iter();
        let refused = calls.filter_map(|(service, operation, input)| {
            let refusal = stage.ask(account, service, operation, input).err()?;
            Some(format!("{operation}: {}", refusal.message))
        });
        refused.collect()
    }

    fn calls(self, stage: &Stage, account: &str) -> Vec<(Service, &'static str, Value)> {
        let (partition, region, central) = (&stage.kit.partition, stage.region(), &stage.kit.central_account);
        let pattern = json!({ "source": ["aws.iam"] }).to_string();
        let rule = |name: &str, description: &str| {
            let input = json!({ "Name": name, "EventPattern": pattern, "Description": description });
            (Service::Events, "PutRule", input)
        };
        let ours = json!([{ "Key": "orgwatch:managed-by", "Value": "orgwatch" }]);
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": account },
            }],
        })
        .to_string();
        let role = |name: &str, path: &str| {
            let input = json!({
                "RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust, "Tags": ours,
            });
            (Service::Iam, "CreateRole", input)
        };
        let named = |prefix: &str, n: usize| format!("{prefix}{n}");
        let event = |source: &str, bus: &str| {
            json!({
                "Source": source, "DetailType": "AWS API Call via CloudTrail", "EventBusName": bus,
                "Detail": json!({ "eventSource": "iam.amazonaws.com", "eventName": "CreateUser" }).to_string(),
            })
        };
        match self {
            Self::Drift(_) => Vec::new(),
            Self::Rules(count) => (0..count).map(|n| rule(&named("orgwatch-x", n), "")).collect(),
            Self::MarkedRules(count) => {
                let mark = "managed by orgwatch/orgwatch v1";
                (0..count).map(|n| rule(&named("orgwatch-y", n), mark)).collect()
            }
            Self::TagsOnTheirs => {
                let arn = format!("arn:{partition}:events:{region}:{account}:rule/orgwatch-theirs");
                vec![
                    rule("orgwatch-theirs", "theirs"),
                    (Service::Events, "TagResource", json!({ "ResourceARN": arn, "Tags": ours })),
                    (Service::Iam, "TagRole", json!({ "RoleName": "orgwatch-member", "Tags": ours })),
                ]
            }
            Self::LongDescription => vec![rule(RULE, &"d".repeat(512))],
            Self::Targets => {
                let bus = format!("arn:{partition}:events:{region}:{central}:event-bus/default");
                let queue = |n: usize| format!("arn:{partition}:sqs:{region}:{account}:{}", named("ears", n));
                let role = format!("arn:{partition}:iam::{account}:role/{ROLE}");
                let queues: Vec<Value> =
                    (0..4).map(|n| json!({ "Id": named("t", n), "Arn": queue(n) })).collect();
                vec![
                    (Service::Events, "PutTargets", json!({ "Rule": RULE, "Targets": queues })),
                    (
                        Service::Events,
                        "PutTargets",
                        json!({ "Rule": RULE, "Targets": [{ "Id": "bus", "Arn": bus, "RoleArn": role }] }),
                    ),
                ]
            }
            Self::LongPolicies => {
                let document = json!({
                    "Version": "2012-10-17",
                    "Statement": [{ "Effect": "Deny", "Action": "s3:*", "Resource": format!("arn:{partition}:s3:::{}", "x".repeat(4_700)) }],
                })
                .to_string();
                let put = |name: &str| {
                    let input = json!({ "RoleName": ROLE, "PolicyName": name, "PolicyDocument": document });
                    (Service::Iam, "PutRolePolicy", input)
                };
                vec![put("orgwatch-forward"), put("theirs")]
            }
            Self::Roles(count) => (0..count).map(|n| role(&named("orgwatch-forwarder-", n), "/")).collect(),
            Self::RoleElsewhere => vec![
                (
                    Service::Iam,
                    "DeleteRolePolicy",
                    json!({ "RoleName": ROLE, "PolicyName": "orgwatch-forward" }),
                ),
                (Service::Iam, "DeleteRole", json!({ "RoleName": ROLE })),
                role(ROLE, "/theirs/"),
            ],
            Self::Newer => vec![rule(RULE, "managed by orgwatch/orgwatch v999")],
            Self::ForgedEvents => {
                let bus = format!("arn:{partition}:events:{region}:{central}:event-bus/orgwatch");
                let entries = [event("aws.iam", &bus), event("orgwatch", &bus), event("orgwatch", "default")];
                entries
                    .into_iter()
                    .map(|entry| (Service::Events, "PutEvents", json!({ "Entries": [entry] })))
                    .collect()
            }
            Self::Locked => vec![(
                Service::Iam,
                "UpdateAssumeRolePolicy",
                json!({ "RoleName": "orgwatch-member", "PolicyDocument": trust }),
            )],
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(8))]

    #[test]
    fn whatever_an_administrator_of_one_member_does_there_stays_there(
        seed in any::<u64>(),
        prune in any::<bool>(),
        deeds in proptest::collection::vec((0..1800_u64, hostility()), 1..12),
    ) {
        in_virtual_time(run(Stage::new(ACCOUNTS, seed), prune, deeds));
    }
}

async fn run(stage: Stage, prune: bool, mut deeds: Vec<(u64, Hostility)>) {
    deeds.sort_by_key(|(at, _)| *at);
    let (config, hostile) = (stage.config(&format!("prune = {prune}\n")), stage.accounts[HOSTILE].clone());
    stage.confirming(stage.daemon(&config).apply()).await;
    stage.confirm_subscriptions();
    let daemon = stage.daemon(&config);
    let around = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let calls = stage.calls();
        let began = tokio::time::Instant::now();
        for (at, deed) in deeds {
            tokio::time::sleep_until(began + Duration::from_secs(at)).await;
            // What was done before may stand in the way.
            let _refused = deed.happens(&stage, &hostile);
        }
        tokio::time::sleep_until(began + Duration::from_secs(3600)).await;
        assert_it_stayed_there(&stage, &daemon, calls, &hostile, prune);
    };
    futures::join!(around, daemon.serve_for(Duration::from_secs(3661)));
}

fn assert_it_stayed_there(stage: &Stage, daemon: &Daemon, since: u64, hostile: &str, prune: bool) {
    for entry in stage.simulator.world().journal.since(since).filter(|entry| is_write_of_ours(entry)) {
        assert_eq!(entry.call.caller.account, hostile, "{} {:?}", entry.call.operation, entry.call.input);
        assert!(
            is_asked_for(entry) || (prune && is_removal_of_a_marked_thing(entry)),
            "{} {:?}",
            entry.call.operation,
            entry.call.input
        );
    }
    for view in daemon.controller.views(&daemon.controller.keys()) {
        if view.target.account.as_str() != hostile {
            let wrong = view.resources.iter().find(|resource| resource.verdict != Verdict::InSync);
            assert_eq!(wrong, None, "{}", view.target);
        }
    }
    assert_kept_small(daemon);
}

/// What a call is about: the rule or the role.
fn about(entry: &Entry) -> &str {
    ["Rule", "RoleName", "Name"].iter().find_map(|name| entry.call.text(name)).unwrap_or_default()
}

/// Whether the desired state asks for the call: it puts right what is to be there.
fn is_asked_for(entry: &Entry) -> bool {
    let removes = ["DeleteRule", "DeleteRole"].contains(&entry.call.operation.as_str());
    let tags = entry.call.text("ResourceARN").is_some_and(|arn| arn.ends_with(&format!("rule/{RULE}")));
    !removes && (tags || [RULE, ROLE].contains(&about(entry)))
}

/// Whether the call takes away what carries our mark or tag and is not desired; `prune` asks for that.
fn is_removal_of_a_marked_thing(entry: &Entry) -> bool {
    let removes = ["DeleteRule", "RemoveTargets", "DeleteRole", "DeleteRolePolicy", "DetachRolePolicy"];
    let marked = ["orgwatch-y", "orgwatch-theirs", "orgwatch-forwarder-"];
    removes.contains(&entry.call.operation.as_str())
        && marked.iter().any(|prefix| about(entry).starts_with(prefix))
}

/// No target takes more than its account can hold, and what is kept of a thing does not depend on who made it.
fn assert_kept_small(daemon: &Daemon) {
    for view in daemon.controller.views(&daemon.controller.keys()) {
        let bytes = serde_json::to_string(&*view).expect("a view is JSON").len();
        assert!(view.resources.len() <= RULES_PER_BUS + 64, "{}: {}", view.target, view.resources.len());
        let bound = BYTES_PER_RULE * (view.resources.len() + 4);
        assert!(bytes <= bound, "{}: {bytes} bytes for {} resources", view.target, view.resources.len());
    }
}

#[test]
fn an_administrator_can_do_all_of_it_but_reach_a_bus_that_refuses_and_delete_a_role_in_use() {
    use Hostility::{
        ForgedEvents, Locked, LongDescription, LongPolicies, MarkedRules, Newer, RoleElsewhere, Roles, Rules,
        TagsOnTheirs, Targets,
    };
    in_virtual_time(async {
        let stage = Stage::new(ACCOUNTS, 2);
        stage.confirming(stage.daemon(&stage.config("")).apply()).await;
        let hostile = &stage.accounts[HOSTILE];
        for deed in
            [Rules(3), MarkedRules(3), TagsOnTheirs, LongDescription, LongPolicies, Roles(3), Newer, Locked]
        {
            assert_eq!(deed.happens(&stage, hostile), Vec::<String>::new(), "{deed:?}");
        }
        // The bus that is aimed at or sent to is asked, and IAM deletes no role that has policies.
        for (deed, refused) in [(Targets, 1), (RoleElsewhere, 2), (ForgedEvents, 2)] {
            assert_eq!(deed.happens(&stage, hostile).len(), refused, "{deed:?}");
        }
    });
}

/// More than AWS's quota, which can be raised.
fn too_many_rules() -> usize {
    if crate::many_are_asked_for() { 3_000 } else { RULES_PER_BUS + 100 }
}

#[test]
fn more_rules_with_our_prefix_than_a_bus_bears_are_not_kept_in_memory_and_the_account_is_still_looked_after()
{
    in_virtual_time(async {
        let stage = Stage::new(ACCOUNTS, 2);
        let config = stage.config("");
        stage.confirming(stage.daemon(&config).apply()).await;
        stage.confirm_subscriptions();
        stage.simulator.world().events.rules_per_bus = 2 * too_many_rules();
        let hostile = &stage.accounts[HOSTILE];
        assert_eq!(Hostility::Rules(too_many_rules()).happens(&stage, hostile), Vec::<String>::new());
        Drift::RuleDisabled.happens(&stage, hostile);
        let calls = stage.calls();
        let daemon = stage.daemon(&config);
        stage.ends(daemon.apply()).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        assert_it_stayed_there(&stage, &daemon, calls, hostile, false);
        let writes = stage.told_writes_since(calls);
        assert_eq!(writes, [format!("{hostile} PutRule {RULE} ")], "the rule is in force again");
    });
}
