use std::collections::BTreeSet;

use super::*;
use crate::partition;
use crate::seed::staged::world;

#[test]
fn one_seed_makes_one_world_and_another_another() {
    let plan = Plan { accounts: 40, ou_depth: 4, seed: 7, ..Plan::default() };
    let (first, names) = world(&plan);
    let (second, again) = world(&plan);
    assert_eq!(names, again);
    assert_eq!(format!("{:?}", first.organization), format!("{:?}", second.organization));
    let (_, other) = world(&Plan { seed: 8, ..plan });
    assert_ne!(names.organization_id, other.organization_id);
    assert_ne!(names.member_ids, other.member_ids);
}

#[test]
fn as_many_accounts_and_levels_are_there_as_planned() {
    for depth in 0..=6 {
        let (world, seeded) = world(&Plan { accounts: 30, ou_depth: depth, ..Plan::default() });
        assert_eq!(world.organization.members.len(), 30);
        assert_eq!(world.accounts.len(), 30);
        assert_eq!(seeded.member_ids.len(), 28);
        let deepest = world.organization.units.keys().map(|id| world.organization.depth(id)).max();
        assert_eq!(deepest.unwrap_or(0), depth.min(5));
        let names: BTreeSet<_> = world.organization.members.values().map(|m| &m.name).collect();
        let emails: BTreeSet<_> = world.organization.members.values().map(|m| &m.email).collect();
        assert_eq!((names.len(), emails.len()), (30, 30));
    }
}

#[test]
fn the_central_account_is_in_the_unit_security() {
    let (world, seeded) = world(&Plan::default());
    let central = &world.organization.members[&seeded.central_account_id];
    assert_eq!(world.organization.units[&central.parent].name, "Security");
    assert!(!seeded.member_ids.contains(&seeded.central_account_id));
}

#[test]
fn every_member_trusts_the_management_account_which_has_no_such_role() {
    let (world, seeded) = world(&Plan::default());
    for (id, account) in &world.accounts {
        let role = account.iam.current().roles.get(ORGANIZATION_ROLE);
        if *id == seeded.management_account_id {
            assert!(role.is_none());
            continue;
        }
        let role = role.unwrap();
        assert_eq!(role.arn, format!("arn:aws:iam::{id}:role/{ORGANIZATION_ROLE}"));
        assert!(role.trust.text.contains(&format!("iam::{}:root", seeded.management_account_id)));
        assert!(role.attached.contains("arn:aws:iam::aws:policy/AdministratorAccess"));
    }
}

#[test]
fn full_access_is_attached_to_everything_in_the_tree() {
    let (world, _) = world(&Plan::default());
    let organization = &world.organization;
    let everything = organization.members.keys().chain(organization.units.keys()).chain([&organization.root]);
    for target in everything {
        assert!(organization.attachments[target].contains(FULL_ACCESS), "{target}");
    }
}

#[test]
fn a_kit_is_installed_with_its_boundary_and_usable_at_once() {
    let (mut world, seeded) = world(&Plan::default());
    world.lags.role = SignedDuration::from_secs(10);
    let account = seeded.member_ids[0].clone();
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;
    let arn =
        install(&mut world, &account, "reader", trust, &[("one", ALLOW_ALL)], Some(("fence", ALLOW_ALL)));
    assert_eq!(arn.as_deref(), Ok(format!("arn:aws:iam::{account}:role/reader").as_str()));
    let iam = world.accounts[&account].iam.current();
    let role = &iam.roles["reader"];
    assert_eq!(&*role.inline["one"].text, ALLOW_ALL);
    assert!(iam.policies.contains_key(role.boundary.as_ref().unwrap()));
    assert!(role.created_at + world.lags.role <= world.now());
}

#[test]
fn other_partitions_have_their_own_arns() {
    let china = partition::by_name("aws-cn").unwrap();
    let (mut world, seeded) = world(&Plan { partition: china, ..Plan::default() });
    let arn = simple_member_role(&mut world, &seeded.member_ids[0], "watch", &seeded.central_account_id);
    assert!(arn.starts_with("arn:aws-cn:iam::"));
    let trail = &world.accounts[&seeded.management_account_id].trails[0];
    assert!(trail.arn.starts_with("arn:aws-cn:cloudtrail:cn-north-1:"));
}

#[test]
fn ten_thousand_accounts_are_built_in_a_moment() {
    let started = std::time::Instant::now();
    let (world, _) = world(&Plan { accounts: 10_000, ou_depth: 5, ..Plan::default() });
    assert_eq!(world.accounts.len(), 10_000);
    // An unoptimized build on a busy machine; the point is that nothing is quadratic.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

#[test]
fn the_trail_has_its_log_group_where_it_is_wanted() {
    let named = |trail_logs| {
        let (world, seeded) = world(&Plan { trail_logs, ..Plan::default() });
        let trail = world.accounts[&seeded.management_account_id].trails[0].clone();
        let arn =
            trail.settings.get("CloudWatchLogsLogGroupArn").and_then(|arn| arn.as_str()).map(str::to_owned);
        let holder = arn.as_deref().and_then(|arn| arn.split(':').nth(4)).map(str::to_owned);
        if let Some(holder) = &holder {
            let groups = &world.accounts[holder].regions["us-east-1"].logs.groups;
            assert!(groups.contains_key(TRAIL_LOG_GROUP));
        }
        (holder, seeded)
    };
    assert_eq!(named(TrailLogs::Nowhere).0, None);
    let (holder, seeded) = named(TrailLogs::Management);
    assert_eq!(holder, Some(seeded.management_account_id));
    let (holder, seeded) = named(TrailLogs::Central);
    assert_eq!(holder, Some(seeded.central_account_id));
    let (holder, seeded) = named(TrailLogs::Member);
    assert_eq!(holder.as_ref(), seeded.member_ids.first());
}
