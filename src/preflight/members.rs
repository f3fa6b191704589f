//! What was seen in the accounts that let us in, and in the central account.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::hosts::Reach;
use super::{AccountSeen, Boundary, Code, Finding, Mend, Observed, Stacks, entrance, resources, trails};
use crate::judge::MISSING;
use crate::model::error::CloudError;
use crate::model::ids::Region;
use crate::model::target::Side;
use crate::model::view::TargetView;
use crate::world::World;

/// AWS's default quota of rules of a bus. 100 in a few Regions, and adjustable:
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>.
const RULES: usize = 300;
/// AWS's default quota of buses of an account in a Region; same page.
const BUSES: usize = 100;

pub(super) fn judge(observed: &Observed<'_>, reach: &Reach) -> Vec<Finding> {
    let world = observed.world;
    let mut findings = Vec::new();
    for view in &observed.central {
        if let Some(error) = view.error.as_deref().filter(|error| !reach.explains(error)) {
            findings.push(central_error(world, view, error));
        }
        findings.extend(resources::judge(world, view, false, reach));
    }
    match &observed.buses {
        Some(Ok(buses)) if *buses >= BUSES => findings.push(Finding::new(
            Code::BusQuota,
            format!("{} has {buses} buses, and AWS allows {BUSES} unless that was raised; orgwatch needs one more", world.central_region),
            Mend::say("raise the quota `Event buses`, or delete a bus").command(quotas(&world.central_region)),
        )),
        Some(Err(error)) if !reach.explains(error) => {
            findings.push(resources::of_error(world, Side::Central, false, error));
        }
        _ => {}
    }
    for account in observed.accounts.iter().filter(|account| entrance::refusal(account).is_none()) {
        findings.extend(of_account(world, account, reach));
        findings.extend(trails::judge(account));
    }
    findings
}

fn central_error(world: &World, view: &TargetView, error: &CloudError) -> Finding {
    if view.target.side == Side::Audit && error.operation == "AssumeRole" {
        return Finding::new(Code::AlarmsRoleRefuses, entrance::said(error), Stacks(world).alarms());
    }
    resources::of_error(world, view.target.side, false, error)
}

fn of_account(world: &World, account: &AccountSeen, reach: &Reach) -> Vec<Finding> {
    let mut findings = Vec::new();
    let disabled = disabled_regions(account);
    for region in &disabled {
        let found = format!("a watch is for {region}, and the account has not enabled it");
        let mend =
            Mend::say("in the management account: enable the Region there, or leave it out of the watch")
                .command(format!(
                    "aws account enable-region --region-name {region} --account-id {}",
                    account.id
                ));
        findings.push(Finding::new(Code::RegionDisabled, found, mend));
    }
    // What a disabled Region answers is told by its being disabled.
    for view in account.views.iter().filter(|view| !disabled.contains(&view.target.region)) {
        let seen = resources::judge(world, view, account.is_management, reach);
        findings.extend(seen.into_iter().map(|finding| not_yet(account, finding)));
    }
    findings.extend(bounded(world, account, reach));
    findings.extend(account.closer.rules.iter().filter(|(region, _)| !disabled.contains(*region)).filter_map(
        |(region, rules)| {
            let rules = match rules {
                Ok(rules) => *rules,
                Err(error) if reach.explains(error) => return None,
                Err(error) => return Some(resources::of_error(world, Side::Member, account.is_management, error)),
            };
            let wanted = missing_rules(&account.views, region);
            let found = format!(
                "the default bus in {region} has {rules} rules, and AWS allows {RULES} unless that was raised; orgwatch needs \
                 {wanted} more"
            );
            let mend = Mend::say("in the account: raise the quota `Rules`, or delete rules that nobody needs").command(quotas(region));
            (rules + wanted > RULES).then(|| Finding::new(Code::RuleQuota, found, mend))
        },
    ));
    findings.into_iter().map(|finding| finding.of(&account.id)).collect()
}

/// What is refused in a new account may be granted any moment.
fn not_yet(account: &AccountSeen, finding: Finding) -> Finding {
    if !(account.is_new && finding.code == Code::MissingPermission) {
        return finding;
    }
    let mend = Mend::say("wait for `member.grace_period`, and look again");
    Finding::new(Code::NewAccount, "the account is new, and AWS is not done with it", mend)
}

/// The Regions that a watch names and the account does not have.
fn disabled_regions(account: &AccountSeen) -> BTreeSet<Region> {
    let Some(Ok(enabled)) = &account.closer.enabled else { return BTreeSet::new() };
    let wanted = account.views.iter().map(|view| view.target.region.clone());
    wanted.filter(|region| !enabled.contains(region)).collect()
}

/// How many sender rules a Region of an account lacks, by the looks at its targets.
pub fn missing_rules(views: &[Arc<TargetView>], region: &Region) -> usize {
    let here = views.iter().filter(|view| view.target.region == *region);
    here.flat_map(|view| &view.resources)
        .filter(|resource| resource.id.kind == "sender_rule" && resource.reason == Some(MISSING))
        .count()
}

/// Whether the policy that bounds our roles is there, and bounds them.
fn bounded(world: &World, account: &AccountSeen, reach: &Reach) -> Option<Finding> {
    let name = world.boundary_arn(&account.id)?;
    let mend =
        || if account.is_management { Stacks(world).organization() } else { Stacks(world).renew_members() };
    match account.closer.boundary.as_ref()? {
        Ok(Boundary::Right) => None,
        Ok(Boundary::Missing) => {
            let found =
                format!("policy {name} is not there, without which the account takes no role of orgwatch's");
            Some(Finding::new(Code::BoundaryMissing, found, mend()))
        }
        Ok(Boundary::Other(why)) => {
            let found = format!("policy {name} bounds orgwatch's roles otherwise than the template's: {why}");
            Some(Finding::new(Code::BoundaryAllowsMore, found, mend()))
        }
        Err(error) if reach.explains(error) => None,
        Err(error) => Some(resources::of_error(world, Side::Member, account.is_management, error)),
    }
}

fn quotas(region: &Region) -> String {
    format!("aws service-quotas list-service-quotas --service-code events --region {region}")
}
