//! A small installation for tests: an organization with its management account, the central account and members.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::test_runner::Config;
use serde_json::Value;

use super::{Target, Targets, World};
use crate::compliance::place::{LogGroup, Place};
use crate::config::{self, Settings};
use crate::desired;
use crate::inventory::{Account, AccountState, Known};
use crate::kinds::{AnyKind, KINDS};
use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, OrganizationId, Region};
use crate::model::target::{Side, TargetKey};
use crate::model::view::Standing;
use crate::regions::Regions;

pub(crate) const MANAGEMENT: &str = "111111111111";
pub(crate) const CENTRAL: &str = "222222222222";

/// What stands beside the path of an alert, switched off.
const BESIDE: [&str; 3] =
    ["[guard]\nenabled = false\n", "[canary]\ninterval = 'off'\n", "[notify]\nalert = 'off'\n"];

const ALERT: &str =
    "[[alert]]\nname = 'iam-changes'\nsubscriptions = [{ protocol = 'email', endpoint = 'a@example.com' }]\n";

/// The settings of a configuration of which `text` is the interesting part.
pub(crate) fn settings(text: &str) -> Settings {
    let central = format!("[central]\naccount_id = '{CENTRAL}'\narchive_retention = '90d'\n");
    let alert = if text.contains("[[alert]]") { "" } else { ALERT };
    // What a test does not ask for is not there.
    let mut text = text.to_owned();
    for beside in BESIDE {
        if !text.contains(beside.split('\n').next().unwrap()) {
            text = format!("{text}\n{beside}");
        }
    }
    let text = if text.contains("[central]") {
        text.replacen("[central]\n", &central, 1) + "\n" + alert
    } else {
        format!("{text}\n{central}{alert}")
    };
    config::parse(&text, []).unwrap_or_else(|error| panic!("{text}\n{error}")).settings
}

pub(crate) fn organization() -> OrganizationId {
    "o-a1b2c3d4e5".parse().unwrap()
}

pub(crate) fn id(account: &str) -> AccountId {
    account.parse().unwrap()
}

pub(crate) fn region() -> Region {
    "us-east-1".parse().unwrap()
}

/// The id of the `n`th member.
pub(crate) fn member_id(n: u64) -> AccountId {
    format!("3{n:011}").parse().unwrap()
}

pub(crate) fn account(id: AccountId) -> Account {
    Account {
        name: format!("account {id}"),
        email: format!("{id}@example.com"),
        id,
        state: AccountState::Active,
        path: Some(vec!["r-ab12".parse().unwrap(), "ou-ab12-outer000".parse().unwrap()]),
        joined_at: Some("2020-01-01T00:00:00Z".parse().unwrap()),
        tags: None,
    }
}

/// An account that is active and wanted.
pub(crate) fn known(id: AccountId) -> Known {
    let account = account(id);
    Known {
        standing: Standing::Active,
        reason: None,
        certain: true,
        wanted_since: account.joined_at.unwrap(),
        account,
    }
}

/// Everybody: management, central and so many members.
pub(crate) fn everybody(members: u64) -> BTreeMap<AccountId, Known> {
    [id(MANAGEMENT), id(CENTRAL)]
        .into_iter()
        .chain((1..=members).map(member_id))
        .map(|id| (id.clone(), known(id)))
        .collect()
}

/// What must hold by these settings.
pub(crate) fn world(settings: &Settings) -> World {
    desired::world(settings, &organization(), at(0)).unwrap()
}

/// Every target of an organization of so many members, all of which are written.
pub(crate) fn targets(settings: &Settings, members: u64) -> Targets {
    desired::targets(
        settings,
        &world(settings),
        &everybody(members),
        &id(MANAGEMENT),
        true,
        &Regions::default(),
    )
}

pub(crate) fn key(side: Side, account: AccountId) -> TargetKey {
    TargetKey { side, account, region: region() }
}

/// The target of the central bus.
pub(crate) fn central(settings: &Settings) -> Target {
    targets(settings, 1).remove(&key(Side::Central, id(CENTRAL))).unwrap()
}

/// The target of the account that holds the trail's log group, which is the central one.
pub(crate) fn audit(settings: &Settings) -> Target {
    let mut all = targets(settings, 1);
    let name = "trail".to_owned();
    let place = Place::At(LogGroup { account: id(CENTRAL), region: region(), name });
    let (known, management) = (everybody(1), id(MANAGEMENT));
    desired::audit(&mut all, settings, &world(settings), &known, &management, true, Some(&place));
    all.remove(&key(Side::Audit, id(CENTRAL))).unwrap()
}

/// The target of the first member.
pub(crate) fn member(settings: &Settings) -> Target {
    targets(settings, 1).remove(&key(Side::Member, member_id(1))).unwrap()
}

pub(crate) fn error(class: ErrorClass) -> CloudError {
    CloudError {
        class,
        service: "events",
        operation: "ListRules",
        account: None,
        region: None,
        code: class.reason().to_owned(),
        message: String::new(),
        request_id: None,
        hint: String::new(),
    }
}

/// So many seconds after some moment.
pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// So many cases for a property, unless `PROPTEST_CASES` says otherwise.
pub(crate) fn cases(few: u32) -> Config {
    let given = Config::default();
    let few = if given.cases == 256 { few } else { given.cases };
    Config { cases: few, failure_persistence: None, ..given }
}

/// A managed kind by its name.
pub(crate) fn kind(name: &str) -> &'static dyn AnyKind {
    *KINDS.iter().find(|kind| kind.name() == name).unwrap()
}

/// The one resource of this kind that is desired in `target`: its name and spec.
pub(crate) fn desired_one(kind_name: &str, world: &World, target: &Target) -> (String, Value) {
    kind(kind_name).desired(world, target).into_iter().next().unwrap()
}
