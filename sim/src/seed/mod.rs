//! Worlds to begin with: an organization as it might have grown, the same one for the same seed.

mod roles;
#[cfg(test)]
pub(crate) mod staged;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::partition::{PARTITIONS, Partition};
use crate::service::cloudtrail;
use crate::service::logs::LogGroup;
use crate::service::organizations::{
    ControlPolicy, FULL_ACCESS, Member, Note, Unit, new_account_id, new_unit_id,
};
use crate::trail::Trail;
use crate::world::World;

pub(crate) use roles::administrator_role;
pub use roles::{document, install, simple_member_role};

/// The role that CreateAccount makes in a new account for the management account.
pub const ORGANIZATION_ROLE: &str = "OrganizationAccountAccessRole";

/// How old the organization is.
const AGE: SignedDuration = SignedDuration::from_hours(3 * 365 * 24);
const ALLOW_ALL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// What the world is to be like.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The partition that it is in.
    pub partition: Partition,
    /// How many accounts there are, the management and the central one included; at least those two.
    pub accounts: usize,
    /// How many levels of units there are, at most 5; 0: all accounts are directly below the root.
    pub ou_depth: usize,
    /// Where all chances come from.
    pub seed: u64,
    /// Whether there is a multi-Region organization trail that logs all management events.
    pub trail: bool,
    /// In which account the trail has its log group.
    pub trail_logs: TrailLogs,
    /// The owner's name, in the domain of the accounts' addresses.
    pub installation: String,
    /// Opt-in Regions that every account has enabled.
    pub opted_in: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            partition: PARTITIONS[0],
            accounts: 10,
            ou_depth: 2,
            seed: 0,
            trail: true,
            trail_logs: TrailLogs::Nowhere,
            installation: "example".to_owned(),
            opted_in: Vec::new(),
        }
    }
}

/// In which account the organization's trail has its log group. AWS: the one that owns the trail, or a delegated
/// administrator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrailLogs {
    /// It writes to its bucket alone.
    #[default]
    Nowhere,
    /// In the management account, which owns the trail.
    Management,
    /// In the central account.
    Central,
    /// In the first of the other members.
    Member,
}

/// The name of the log group of a seeded trail.
pub const TRAIL_LOG_GROUP: &str = "aws-cloudtrail-logs-organization";

/// Who is who in a seeded world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeded {
    /// `o-…`.
    pub organization_id: String,
    /// The management account.
    pub management_account_id: String,
    /// The central (security) account: a member like others, in the unit Security.
    pub central_account_id: String,
    /// All other accounts, in the order of their ids.
    pub member_ids: Vec<String>,
}

/// Builds a world.
///
/// Every member, but not the management account, holds `OrganizationAccountAccessRole`, as if CreateAccount had made
/// them all. The service control policy that allows everything is attached to everything in the tree, as AWS does.
pub fn build(plan: &Plan, clock: Clock) -> (World, Seeded) {
    let mut world = World::new(plan.partition, clock, plan.seed);
    let founded = world.now().saturating_sub(AGE).unwrap_or(Timestamp::MIN);
    let management = new_account_id(&mut world);
    found(&mut world, plan, &management, founded);
    let units = grow(&mut world, plan.ou_depth.min(5));
    // Whatever the pieces are, a document of the simulator's own parses once for all accounts.
    let trust = roles::trust(plan.partition.name, &management);
    let domain = format!("{}.example", plan.installation);

    let root = world.organization.root.clone();
    let security = units.iter().find(|unit| unit.name == "Security").map_or(&root, |unit| &unit.id).clone();
    let open: Vec<&String> = units.iter().filter(|unit| unit.open).map(|unit| &unit.id).collect();
    let central = new_account_id(&mut world);
    let others = plan.accounts.max(2) - 2;
    let mut member_ids = Vec::with_capacity(others);
    for number in 0..=others {
        // Accounts came one after the other, the central one first.
        let share = f64::from(u32::try_from(number).unwrap_or(u32::MAX));
        let age = AGE.mul_f64(0.9 * (1.0 - share / f64::from(u32::try_from(others + 1).unwrap_or(u32::MAX))));
        let joined_at = world.now().saturating_sub(age).unwrap_or(founded);
        let (id, parent, words) = if number == 0 {
            (central.clone(), security.clone(), words::Words::security())
        } else {
            let id = new_account_id(&mut world);
            member_ids.push(id.clone());
            let parent = open.get(number % open.len().max(1)).map_or(&root, |unit| *unit).clone();
            (id, parent, words::Words::of(number - 1))
        };
        let member = Member {
            id: id.clone(),
            email: format!("aws+{}@{domain}", words.name.replace(' ', "-").to_lowercase()),
            name: words.name,
            parent,
            state: "ACTIVE".to_owned(),
            joined_method: "CREATED".to_owned(),
            joined_at,
            tags: words.tags,
        };
        world.organization.admit(member);
        roles::administrator(&mut world, &id, ORGANIZATION_ROLE, trust.clone(), joined_at);
        world.account(&id).opted_in.clone_from(&plan.opted_in);
    }
    member_ids.sort_unstable();
    let seeded = Seeded {
        organization_id: world.organization.id.clone(),
        management_account_id: management,
        central_account_id: central,
        member_ids,
    };
    let holder = match plan.trail_logs {
        TrailLogs::Nowhere => None,
        TrailLogs::Management => Some(&seeded.management_account_id),
        TrailLogs::Central => Some(&seeded.central_account_id),
        TrailLogs::Member => seeded.member_ids.first(),
    };
    if let Some(holder) = holder.filter(|_| plan.trail) {
        log_to(&mut world, &seeded.management_account_id, holder, founded);
    }
    (world, seeded)
}

/// The organization with its management account and root.
fn found(world: &mut World, plan: &Plan, management: &str, at: Timestamp) {
    let id = world.unique_id("o-", 10).to_lowercase();
    let root = world.unique_id("r-", 4).to_lowercase();
    let full_access = ControlPolicy { name: "FullAWSAccess".to_owned(), document: roles::own(ALLOW_ALL) };
    let organization = &mut world.organization;
    organization.id = id;
    organization.management = management.to_owned();
    organization.carries_paths = true;
    organization.closing_time = SignedDuration::from_mins(1);
    organization.policies.insert(FULL_ACCESS.to_owned(), full_access);
    let note = Note { description: "Allows access to every operation".to_owned(), tags: BTreeMap::new() };
    organization.notes.insert(FULL_ACCESS.to_owned(), note);
    organization.attachments.entry(root.clone()).or_default().insert(FULL_ACCESS.to_owned());
    organization.root.clone_from(&root);
    organization.admit(Member {
        id: management.to_owned(),
        name: "Management".to_owned(),
        email: format!("aws@{}.example", plan.installation),
        parent: root,
        state: "ACTIVE".to_owned(),
        // AWS: the account that made the organization counts as invited.
        joined_method: "INVITED".to_owned(),
        joined_at: at,
        tags: BTreeMap::new(),
    });
    if plan.trail {
        organization.service_access.insert(cloudtrail::PRINCIPAL.to_owned(), at);
    }
    let account = world.account(management);
    account.opted_in.clone_from(&plan.opted_in);
    if plan.trail {
        let mut trail =
            Trail::new(plan.partition.name, management, plan.partition.iam_region, "organization-trail");
        trail.multi_region = true;
        trail.organization = true;
        trail.started_at = Some(at);
        account.trails.push(trail);
    }
}

/// Gives the trail a log group in an account, in its own Region.
fn log_to(world: &mut World, management: &str, holder: &str, at: Timestamp) {
    let (partition, region) = (world.partition.name, world.partition.iam_region);
    let group = LogGroup::new(partition, holder, region, TRAIL_LOG_GROUP, at);
    let settings = [
        ("CloudWatchLogsLogGroupArn", format!("{}:*", group.arn)),
        ("CloudWatchLogsRoleArn", format!("arn:{partition}:iam::{holder}:role/cloudtrail-logs")),
    ];
    world.regional(holder, region).logs.groups.insert(TRAIL_LOG_GROUP.to_owned(), group);
    for trail in &mut world.account(management).trails {
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        trail.settings.extend(settings);
    }
}

/// A unit of the seed.
struct Place {
    id: String,
    name: &'static str,
    /// Whether ordinary accounts go there.
    open: bool,
}

/// The units: four at the top, two below each of the level above.
fn grow(world: &mut World, depth: usize) -> Vec<Place> {
    let mut units: Vec<Place> = Vec::new();
    let mut level = vec![(world.organization.root.clone(), true)];
    for names in words::UNITS.iter().take(depth) {
        let mut next = Vec::new();
        for (parent, open) in level {
            for &name in *names {
                let id = new_unit_id(world);
                world.organization.add_unit(Unit {
                    id: id.clone(),
                    name: name.to_owned(),
                    parent: parent.clone(),
                });
                let open = open && name != "Security";
                units.push(Place { id: id.clone(), name, open });
                next.push((id, open));
            }
        }
        level = next;
    }
    units
}
