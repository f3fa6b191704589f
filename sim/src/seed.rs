//! Worlds to begin with.

use jiff::SignedDuration;

use crate::clock::Clock;
use crate::partition::{PARTITIONS, Partition};
use crate::service::organizations;
use crate::world::World;

/// What a world is to hold.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The partition.
    pub partition: Partition,
    /// How many accounts, management and central account included.
    pub accounts: usize,
    /// How deep organizational units nest.
    pub ou_depth: usize,
    /// Where all chance comes from.
    pub seed: u64,
    /// Whether there is an organization trail.
    pub trail: bool,
    /// What the watcher's things are named after.
    pub installation: String,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            partition: PARTITIONS[0],
            accounts: 5,
            ou_depth: 2,
            seed: 1,
            trail: true,
            installation: "orgwatch".to_owned(),
        }
    }
}

/// What a world holds that was seeded.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The organization's id.
    pub organization_id: String,
    /// The management account.
    pub management_account_id: String,
    /// The account that watches the others.
    pub central_account_id: String,
    /// All others.
    pub member_ids: Vec<String>,
}

/// Makes the world of a plan.
pub fn build(plan: &Plan, clock: Clock) -> (World, Seeded) {
    let mut world = World::new(plan.partition, clock, plan.seed);
    world.organization.id = "o-simulated00".to_owned();
    world.organization.root = "r-sim0".to_owned();
    let mut ids = Vec::new();
    for number in 0..plan.accounts.max(2) {
        let (name, email) = (format!("account {number}"), format!("aws+{number}@example.com"));
        let id = organizations::join(
            &mut world,
            &name,
            &email,
            "r-sim0",
            Default::default(),
            SignedDuration::ZERO,
        );
        ids.push(id);
    }
    let member_ids = ids.split_off(2);
    world.organization.management = ids[0].clone();
    let seeded = Seeded {
        organization_id: world.organization.id.clone(),
        management_account_id: ids[0].clone(),
        central_account_id: ids[1].clone(),
        member_ids,
    };
    (world, seeded)
}

/// Puts an administrator role into an account that trusts another account.
pub fn simple_member_role(world: &mut World, account: &str, role_name: &str, trusted_account: &str) {
    use std::sync::Arc;

    use crate::policy::Policy;
    use crate::service::iam::{Document, Role};
    let now = world.now();
    let text = format!("trusts {trusted_account}");
    let Ok(policy) = Policy::parse(&text) else { return };
    let role = Role {
        name: role_name.to_owned(),
        path: "/".to_owned(),
        id: world.unique_id("AROA", 17),
        arn: format!("arn:{}:iam::{account}:role/{role_name}", world.partition.name),
        created_at: now,
        description: None,
        trust: Document { text: text.into(), policy: Arc::new(policy) },
        inline: Default::default(),
        attached: Default::default(),
        boundary: None,
        tags: Default::default(),
        max_session_duration: 3600,
    };
    let iam = world.account(account).iam.write(now, SignedDuration::ZERO);
    iam.roles.insert(role_name.to_owned(), role);
}
