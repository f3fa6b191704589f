//! Watches of every Region: rules where they are needed and nowhere else, and none forgotten.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use orgwatch::controller::Purpose;
use orgwatch::model::resource::Verdict;
use orgwatch::model::view::Coverage;
use orgwatch_sim::call::Service;
use orgwatch_sim::delivery::{View, would_reach};
use orgwatch_sim::world::World;
use serde_json::{Value, json};

use crate::converges::assert_everybody_is_heard;
use crate::stage::{Daemon, PEOPLE, Stage, Watchman, in_virtual_time};

const HOME: &str = "us-east-1";
const OTHER: &str = "eu-west-1";
/// A Region that an account must enable first.
const OPT_IN: &str = "af-south-1";
const HOUR: Duration = Duration::from_secs(3600);

/// What comes before the sections that the stage writes: the Regions that we may work in.
fn config(stage: &Stage, allowed: &[&str], buckets: &str, prune: bool) -> String {
    resynced("15m", stage, allowed, buckets, prune)
}

fn resynced(resync: &str, stage: &Stage, allowed: &[&str], buckets: &str, prune: bool) -> String {
    let text = stage.config(&format!(
        "[reconcile]\nmode = 'enforce'\niam_writes_per_second = 'off'\nprune = {prune}\n\
         resync_interval = '{resync}'\n[reconcile.limits]\ndeletions = 0\n[guard]\nenabled = false\n\
         [[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n{buckets}"
    ));
    text.replacen("[organization]\n", &format!("[organization]\nregions = {allowed:?}\n"), 1)
}

/// The watch of S3's changes in these Regions.
fn buckets(regions: &[&str]) -> String {
    format!(
        "[[watch]]\nname = 'buckets'\nregions = {regions:?}\n\
         pattern = '{{\"source\":[\"aws.s3\"],\"detail-type\":[\"AWS API Call via CloudTrail\"]}}'\n"
    )
}

/// The names of our rules on the default buses, by account and Region.
fn rules(stage: &Stage) -> BTreeMap<(String, String), BTreeSet<String>> {
    let world = stage.simulator.world();
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for (id, account) in &world.accounts {
        for (region, held) in &account.regions {
            let bus = held.events.current().buses.get("default");
            let ours =
                bus.into_iter().flat_map(|bus| bus.rules.keys()).filter(|n| n.starts_with("orgwatch-"));
            for name in ours {
                found.entry((id.clone(), region.clone())).or_default().insert(name.clone());
            }
        }
    }
    found
}

/// The Regions in which the central account has a dead-letter queue.
fn queues(stage: &Stage) -> BTreeSet<String> {
    let world = stage.simulator.world();
    let regions = world.accounts[&stage.kit.central_account].regions.iter();
    let ours = regions.filter(|(_, held)| held.sqs.queues.contains_key("orgwatch-dead-letters"));
    ours.map(|(region, _)| region.clone()).collect()
}

fn enable(stage: &Stage, account: &str, region: &str) {
    stage.simulator.world().account(account).opted_in.push(region.to_owned());
}

fn forbid_reading_regions(stage: &Stage, account: &str) {
    let document = stage.kit.document("member-role-policy.json", account);
    let document = document.replace("account:ListRegions", "orgwatch:Nothing");
    let input = json!({ "RoleName": "orgwatch-member", "PolicyName": "member-role-policy", "PolicyDocument": document });
    stage.make(account, Service::Iam, "PutRolePolicy", input);
}

/// What must be there: IAM's rule at home in every account, that of the buckets where `enabled` says.
fn wanted(
    stage: &Stage,
    everywhere: &[&str],
    enabled: impl Fn(&str, &str) -> bool,
) -> BTreeMap<(String, String), BTreeSet<String>> {
    let mut wanted: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for account in stage.accounts.iter().chain([&stage.management]) {
        let mut add = |region: &str, rule: &str| {
            wanted.entry((account.clone(), region.to_owned())).or_default().insert(rule.to_owned());
        };
        add(HOME, "orgwatch-iam-changes");
        for region in everywhere.iter().filter(|region| enabled(account, region)) {
            add(region, "orgwatch-buckets");
        }
    }
    wanted
}

async fn serve(stage: &Stage, config: &str, time: Duration) -> Daemon {
    let daemon = stage.daemon(config);
    stage.confirming(daemon.serve_for(time)).await;
    daemon
}

/// A change of a bucket, as the default bus of its Region gets it.
fn bucket_event(account: &str, region: &str) -> Value {
    json!({
        "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "account": account, "region": region,
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "time": "2026-11-20T12:00:00Z",
        "resources": [], "detail": { "eventSource": "s3.amazonaws.com", "eventName": "PutBucketPolicy" },
    })
}

fn hears_buckets(world: &World, account: &str, region: &str) -> bool {
    let reached =
        would_reach(world, account, region, "default", &bucket_event(account, region), View::Effective);
    reached.iter().any(|path| path.ends_with(&format!("email {PEOPLE}")))
}

/// Notes every write after which a bucket's change in one of these Regions no longer reaches the people.
fn watch_buckets(stage: &Stage, regions: &'static [&'static str]) -> Arc<Mutex<Vec<String>>> {
    let broken: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = Arc::clone(&broken);
    let accounts = stage.accounts.clone();
    stage.simulator.watch(move |world, call, _| {
        if orgwatch_sim::journal::is_write(&call.operation) {
            for (account, region) in accounts.iter().flat_map(|id| regions.iter().map(move |r| (id, *r))) {
                if !hears_buckets(world, account, region) {
                    noted.lock().unwrap().push(format!("{account} {region} after {}", call.operation));
                }
            }
        }
    });
    broken
}

#[test]
fn over_three_regions_and_twenty_accounts_rules_are_where_they_are_needed_and_nowhere_else() {
    in_virtual_time(async {
        let stage = Stage::new(20, 1);
        let central = stage.kit.central_account.clone();
        // Every other account has the third Region; the central one too.
        let with: BTreeSet<String> = stage.accounts.iter().step_by(2).cloned().chain([central]).collect();
        with.iter().for_each(|account| enable(&stage, account, OPT_IN));
        let has = |account: &str, region: &str| region != OPT_IN || with.contains(account);
        let allowed = [HOME, OTHER, OPT_IN];

        let all = config(&stage, &allowed, &buckets(&["all"]), true);
        let daemon = serve(&stage, &all, HOUR).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        assert_eq!(rules(&stage), wanted(&stage, &allowed, has));
        assert_eq!(queues(&stage), allowed.map(str::to_owned).into());
        assert_everybody_is_heard(&stage);

        // A Region is taken out of the watch: what was there goes, the queue last, and nothing else is touched.
        let watchman = Watchman::post(&stage.simulator, "orgwatch-");
        let broken = watch_buckets(&stage, &[HOME]);
        let home = config(&stage, &allowed, &buckets(&[HOME]), true);
        let daemon = serve(&stage, &home, 3 * HOUR).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        assert_eq!(rules(&stage), wanted(&stage, &[HOME], has));
        assert_eq!(queues(&stage), [HOME.to_owned()].into());

        // And comes back.
        let daemon = serve(&stage, &all, HOUR).await;
        assert_eq!(daemon.out_of_sync(), Vec::<String>::new());
        assert_eq!(rules(&stage), wanted(&stage, &allowed, has));
        watchman.assert_no_path_was_broken();
        assert_eq!(*broken.lock().unwrap(), Vec::<String>::new());
    });
}

#[test]
fn without_prune_what_is_left_in_a_region_is_shown_and_stays() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let allowed = [HOME, OTHER];
        serve(&stage, &config(&stage, &allowed, &buckets(&["all"]), false), HOUR).await;
        let before = rules(&stage);
        let daemon = serve(&stage, &config(&stage, &allowed, &buckets(&[HOME]), false), HOUR).await;
        assert_eq!(rules(&stage), before);
        let snapshot = daemon.snapshot();
        for account in &stage.accounts {
            let view = &snapshot.accounts[&account.parse().unwrap()];
            assert_eq!((view.verdict, view.coverage), (Verdict::Orphan, Coverage::Configured), "{account}");
        }
        // `apply --prune` takes it away in one go, and the next one finds nothing.
        let text = config(&stage, &allowed, &buckets(&[HOME]), false);
        let purpose = || Purpose { enforce_all: true, prune: true, teardown: None };
        let apply = stage.process(&text, purpose(), crate::stage::Fuse::none());
        stage.ends(apply.apply()).await;
        assert_eq!(rules(&stage), wanted(&stage, &[HOME], |_, _| true));
        assert_eq!(queues(&stage), [HOME.to_owned()].into());
        let calls = stage.calls();
        stage.ends(stage.process(&text, purpose(), crate::stage::Fuse::none()).apply()).await;
        assert_eq!(stage.writes_since(calls), Vec::<String>::new());
    });
}

#[test]
fn a_region_that_a_queue_of_ours_no_longer_tells_of_is_found_by_apply_prune_and_teardown() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let allowed = [HOME, OTHER];
        serve(&stage, &config(&stage, &allowed, &buckets(&["all"]), false), HOUR).await;
        let central = stage.kit.central_account.clone();
        let caller = stage.administrator(&central);
        let Value::Object(input) =
            json!({ "QueueUrl": format!("https://sqs/{central}/orgwatch-dead-letters") })
        else {
            unreachable!("it is an object")
        };
        stage.simulator.ask(&caller, Service::Sqs, OTHER, "DeleteQueue", input).expect("the queue is there");
        let text = config(&stage, &allowed, &buckets(&[HOME]), false);
        let purpose = Purpose { enforce_all: true, prune: true, teardown: None };
        stage.ends(stage.process(&text, purpose, crate::stage::Fuse::none()).apply()).await;
        assert_eq!(rules(&stage), wanted(&stage, &[HOME], |_, _| true));
    });
}

#[test]
fn a_region_that_an_account_enables_is_found_within_a_day_and_regions_that_cannot_be_read_change_nothing() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let allowed = [HOME, OTHER, OPT_IN];
        let text = resynced("2h", &stage, &allowed, &buckets(&["all"]), true);
        let (member, central) = (stage.accounts[1].clone(), stage.kit.central_account.clone());
        let daemon = stage.daemon(&text);
        let around = async {
            tokio::time::sleep(HOUR).await;
            assert_eq!(rules(&stage), wanted(&stage, &[HOME, OTHER], |_, _| true));
            enable(&stage, &member, OPT_IN);
            enable(&stage, &central, OPT_IN);
            tokio::time::sleep(27 * HOUR).await;
            let has =
                |account: &str, region: &str| region != OPT_IN || account == member || account == central;
            assert_eq!(rules(&stage), wanted(&stage, &allowed, has));
            // From now on nobody may read Regions.
            for account in [&member, &central] {
                forbid_reading_regions(&stage, account);
            }
            let calls = stage.calls();
            tokio::time::sleep(30 * HOUR).await;
            assert_eq!(rules(&stage), wanted(&stage, &allowed, has));
            let writes = stage.told_writes_since(calls);
            assert!(writes.is_empty(), "{writes:?}");
        };
        futures::join!(stage.confirming(around), daemon.serve_for(60 * HOUR));
    });
}

#[test]
fn an_account_whose_regions_nobody_may_read_is_unknown_and_says_why() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let member = stage.accounts[1].clone();
        forbid_reading_regions(&stage, &member);
        let daemon = serve(&stage, &config(&stage, &[HOME, OTHER], &buckets(&["all"]), true), HOUR).await;
        let snapshot = daemon.snapshot();
        let view = &snapshot.accounts[&member.parse().unwrap()];
        assert_eq!((view.coverage, view.coverage_reason), (Coverage::Unknown, "RegionsUnknown"));
        assert!(view.coverage_message.contains("account:ListRegions"), "{}", view.coverage_message);
        // Where everybody has it, it is all the same.
        let here = rules(&stage);
        assert!(here[&(member.clone(), HOME.to_owned())].contains("orgwatch-buckets"));
        assert!(!here.contains_key(&(member, OTHER.to_owned())));
    });
}

#[test]
fn a_region_that_a_service_control_policy_denies_is_unknown_with_that_reason_and_the_mend() {
    in_virtual_time(async {
        let stage = Stage::new(3, 1);
        let member = stage.accounts[1].clone();
        // As AWS's own example of a policy that denies Regions: global services are left out of it.
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "Regions", "Effect": "Deny", "Resource": "*",
                "NotAction": ["iam:*", "organizations:*", "sts:*", "account:*"],
                "Condition": { "StringNotEquals": { "aws:RequestedRegion": [HOME] } },
            }],
        });
        let made = stage.make(
            &stage.management,
            Service::Organizations,
            "CreatePolicy",
            json!({ "Name": "regions", "Description": "", "Type": "SERVICE_CONTROL_POLICY", "Content": policy.to_string() }),
        );
        let id = made["Policy"]["PolicySummary"]["Id"].as_str().expect("an id").to_owned();
        let attach = json!({ "PolicyId": id, "TargetId": member });
        stage.make(&stage.management, Service::Organizations, "AttachPolicy", attach);
        let daemon = serve(&stage, &config(&stage, &[HOME, OTHER], &buckets(&["all"]), true), HOUR).await;
        let snapshot = daemon.snapshot();
        let view = &snapshot.accounts[&member.parse().unwrap()];
        assert_eq!((view.coverage, view.coverage_reason), (Coverage::Unknown, "DeniedByScp"));
        assert!(view.coverage_message.contains("`organization.regions`"), "{}", view.coverage_message);
        assert_eq!(snapshot.accounts[&stage.accounts[2].parse().unwrap()].coverage, Coverage::Configured);
        // The advice helps.
        let daemon = serve(&stage, &config(&stage, &[HOME], &buckets(&["all"]), true), HOUR).await;
        let snapshot = daemon.snapshot();
        assert_eq!(snapshot.accounts[&member.parse().unwrap()].coverage, Coverage::Configured);
    });
}

#[test]
fn an_in_sync_pass_over_an_account_costs_three_calls_for_each_region_and_six_where_the_role_is() {
    in_virtual_time(async {
        let stage = Stage::new(2, 1);
        let text = config(&stage, &[HOME, OTHER], &buckets(&["all"]), true);
        let daemon = stage.daemon(&text);
        let counted = async {
            tokio::time::sleep(HOUR).await;
            let calls = stage.calls();
            tokio::time::sleep(2 * HOUR).await;
            let world = stage.simulator.world();
            let member = &stage.accounts[1];
            let of = |region: &str, operation: &str| {
                let all = world.journal.since(calls).map(|entry| &entry.call);
                all.filter(|call| call.caller.account == *member && call.region == region)
                    // Trails are looked at by the hour.
                    .filter(|call| call.service != Service::CloudTrail)
                    .filter(|call| operation.is_empty() || call.operation == operation)
                    .count()
            };
            let passes = (of(HOME, "ListRules"), of(OTHER, "ListRules"));
            assert!(passes.0 >= 7 && passes.1 >= 7, "{passes:?}");
            // Two rules at home: two calls for their targets, one for both, and four for the role.
            assert!(of(HOME, "") <= passes.0 * 7, "{} calls in {} passes", of(HOME, ""), passes.0);
            assert!(of(OTHER, "") <= passes.1 * 2, "{} calls in {} passes", of(OTHER, ""), passes.1);
            assert_eq!(of(HOME, "ListRegions"), 0, "Regions are read once a day");
        };
        futures::join!(stage.confirming(counted), daemon.serve_for(3 * HOUR + HOUR / 2));
    });
}
