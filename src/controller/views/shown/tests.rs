use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use proptest::prelude::*;
use tokio::sync::watch;

use super::*;
use crate::aws::Cloud;
use crate::clock::Clock;
use crate::controller::{Controller, Purpose};
use crate::desired;
use crate::history::{History, Place};
use crate::inventory::{Account, AccountState};
use crate::model::error::ErrorClass;
use crate::model::plan::{Action, Change, Hold, Plan, Stage};
use crate::model::resource::{Resource, ResourceId, Verdict};
use crate::model::target::TargetKey;
use crate::model::view::Snapshot;
use crate::telemetry::metrics::Metrics;
use crate::world::fixture::{self, at};

/// Everybody who may be in the organization.
const MEMBERS: u64 = 4;

/// Something that changes what is to be shown.
#[derive(Clone, Debug)]
enum Step {
    /// The organization lists these members, of which some are suspended or have joined just now.
    Listed(Vec<(u64, bool, bool)>),
    /// A pass over a target ends with this, and a hold or an error.
    Passed { target: prop::sample::Index, verdict: Verdict, held: Option<bool>, failed: bool },
    /// So many seconds go by.
    Later(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let verdict = prop::sample::select(vec![
        Verdict::InSync,
        Verdict::InSync,
        Verdict::Drifted,
        Verdict::Unknown,
        Verdict::Foreign,
        Verdict::Pending,
    ]);
    let member = (1..=MEMBERS, prop::bool::weighted(0.2), any::<bool>());
    let passed = (any::<prop::sample::Index>(), verdict, any::<Option<bool>>(), prop::bool::weighted(0.2));
    prop_oneof![
        1 => prop::collection::vec(member, 1..5).prop_map(Step::Listed),
        6 => passed.prop_map(|(target, verdict, held, failed)| Step::Passed { target, verdict, held, failed }),
        2 => (0_i64..2000).prop_map(Step::Later),
    ]
}

fn controller(now: &Arc<Mutex<Timestamp>>) -> Controller {
    let settings = Arc::new(fixture::settings("[[watch]]\nname = 'iam-changes'\npreset = 'iam-changes'\n"));
    let now = Arc::clone(now);
    let clock = Clock::new(move || *now.lock().unwrap(), || 0.5);
    let (_, snapshots) = watch::channel(Arc::new(Snapshot::before_anything(&settings, clock.now())));
    let sdk = aws_types::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .http_client(aws_smithy_runtime_api::client::http::http_client_fn(|_, _| unreachable!()))
        .build();
    let cloud = Cloud::new(&sdk, Arc::new(|_, _, _| ()));
    let history = History::open(&Place::Memory, SignedDuration::from_hours(24), clock.clone()).unwrap();
    let metrics = Arc::new(Metrics::new(snapshots));
    Controller::new(settings, cloud, metrics, Arc::new(history), clock, Purpose::default())
}

fn listed(controller: &Controller, members: &[(u64, bool, bool)], now: Timestamp) {
    let member = |(n, suspended, new): &(u64, bool, bool)| Account {
        state: if *suspended { AccountState::Other("SUSPENDED") } else { AccountState::Active },
        joined_at: new.then_some(now),
        ..fixture::account(fixture::member_id(*n))
    };
    let fixed = [fixture::MANAGEMENT, fixture::CENTRAL].map(|id| fixture::account(fixture::id(id)));
    let listing = fixed.into_iter().chain(members.iter().map(member)).collect();
    let (settings, management) = (&controller.settings(), fixture::id(fixture::MANAGEMENT));
    let mut fleet = controller.fleet();
    fleet.inventory.take(listing, &desired::filter(settings), &settings.central.account_id, now);
    let world = fixture::world(settings);
    let targets =
        desired::targets(settings, &world, fleet.inventory.known(), &management, true, &fleet.regions);
    fleet.organization = Some((fixture::organization(), management));
    fleet.set(world, targets);
}

fn passed(fleet: &mut Fleet, key: &TargetKey, step: &Step, now: Timestamp) {
    let Step::Passed { verdict, held, failed, .. } = step else { return };
    let kind = fixture::kind(if key.side == crate::model::target::Side::Central {
        "event_bus"
    } else {
        "sender_rule"
    });
    let id = ResourceId { kind: kind.name(), name: "orgwatch".to_owned() };
    let change = held.map(|waits| Change {
        resource: id.clone(),
        action: Action::Update,
        stage: Stage::Switch,
        reason: String::new(),
        fields: [].into(),
        calls: Vec::new(),
        hold: Some(Hold { reason: "Held", message: "why".to_owned(), waits }),
    });
    let resource =
        Resource { id, verdict: *verdict, reason: None, changes: [].into(), error: None, notes: Vec::new() };
    let begun = fleet.begin(key).unwrap();
    let plan = Plan { target: key.clone(), changes: change.into_iter().collect() };
    let error = failed.then(|| fixture::error(ErrorClass::Denied));
    fleet.finish(&begun, vec![resource], plan, error, now);
}

/// The snapshot that is put together without anything of the last one but since when things are as they are.
fn made_from_nothing(controller: &Controller) -> Snapshot {
    let chronicle = || controller.chronicle.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = std::mem::take(&mut chronicle().shown);
    let snapshot = controller.snapshot();
    chronicle().shown = kept;
    snapshot
}

proptest! {
    #![proptest_config(fixture::cases(64))]

    #[test]
    fn what_is_shown_by_and_by_is_what_would_be_shown_if_all_of_it_were_put_together_anew(
        steps in prop::collection::vec((step(), prop::bool::weighted(0.7)), 1..40)
    ) {
        let now = Arc::new(Mutex::new(at(0)));
        let controller = controller(&now);
        for (step, looked_at) in steps {
            let moment = *now.lock().unwrap();
            match &step {
                Step::Listed(members) => listed(&controller, members, moment),
                Step::Passed { target, .. } => {
                    let mut fleet = controller.fleet();
                    let keys: Vec<TargetKey> = fleet.targets.keys().cloned().collect();
                    if !keys.is_empty() {
                        passed(&mut fleet, target.get(&keys), &step, moment);
                    }
                }
                Step::Later(seconds) => *now.lock().unwrap() += SignedDuration::from_secs(*seconds),
            }
            // Not after every step, so that several changes come together.
            if looked_at {
                let (by_and_by, anew) = (controller.snapshot(), made_from_nothing(&controller));
                prop_assert_eq!(format!("{by_and_by:#?}"), format!("{anew:#?}"));
            }
        }
    }
}

#[test]
fn what_did_not_change_is_shared_with_the_last_snapshot() {
    let now = Arc::new(Mutex::new(at(0)));
    let controller = controller(&now);
    listed(&controller, &[(1, false, false), (2, false, false)], at(0));
    let before = controller.snapshot();
    let step = Step::Passed { target: any_index(), verdict: Verdict::Drifted, held: None, failed: false };
    let key = fixture::key(crate::model::target::Side::Member, fixture::member_id(1));
    passed(&mut controller.fleet(), &key, &step, at(1));
    let after = controller.snapshot();
    let same = |n| {
        let id = fixture::member_id(n);
        Arc::ptr_eq(&before.accounts[&id], &after.accounts[&id])
    };
    assert!(!same(1));
    assert!(same(2));
}

fn any_index() -> prop::sample::Index {
    use proptest::strategy::ValueTree as _;
    any::<prop::sample::Index>()
        .new_tree(&mut proptest::test_runner::TestRunner::deterministic())
        .unwrap()
        .current()
}
