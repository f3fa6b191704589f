//! What is worth telling of the way from one snapshot to the next. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Item, Kind};
use crate::judge::MISSING;
use crate::kinds::topic::{SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::resource::{Resource, ResourceId, Verdict};
use crate::model::view::{AccountView, Coverage, Snapshot, Standing, TargetView};

/// Reasons for which an account is being set up; it is told when that is over.
const BEGINNING: [&str; 3] = ["NotReady", "Installing", SUBSCRIPTION_PENDING];

/// What happened between two snapshots, oldest first. What a process finds when it starts is no news, but for accounts that
/// are not covered.
pub fn between(before: &Snapshot, after: &Snapshot) -> Vec<Item> {
    let mut items = Vec::new();
    if let Some(doubt) = after.discovery.doubtful.as_ref().filter(|_| before.discovery.doubtful.is_none()) {
        items.push(Item::new(Kind::DiscoveryDoubtful, doubt.clone()));
    }
    for (id, account) in &after.accounts {
        let was = before.accounts.get(id);
        // Thousands of accounts stay as they are.
        if was.is_some_and(|was| Arc::ptr_eq(was, account)) {
            continue;
        }
        coverage(was.map(AsRef::as_ref), account, &mut items);
        if let Some(was) = was {
            drift(&was.targets, &account.targets, &mut items);
        }
    }
    drift(&before.central.targets, &after.central.targets, &mut items);
    drift(&before.central.beside, &after.central.beside, &mut items);
    subscriptions(&before.central.targets, &after.central.targets, &mut items);
    let known = |id: &str| before.holds.iter().any(|hold| hold.id == id);
    for hold in after.holds.iter().filter(|hold| hold.releasable && !known(&hold.id)) {
        let message = format!("{}: {} (release: orgwatch release {})", hold.reason, hold.message, hold.id);
        items.push(Item::new(Kind::HoldOpened, message));
    }
    items
}

/// Whether changes in the account would not, or not surely, reach people, and that is nobody's wish.
fn is_uncovered(account: &AccountView) -> bool {
    matches!(account.coverage, Coverage::Broken | Coverage::Unknown)
        || (account.coverage == Coverage::Uncovered && account.standing == Standing::Active)
}

fn coverage(was: Option<&AccountView>, is: &AccountView, items: &mut Vec<Item>) {
    let told = |kind, items: &mut Vec<Item>| {
        let message = format!("{} ({}): {}: {}", is.id, is.name, is.coverage_reason, is.coverage_message);
        items.push(Item::new(kind, message));
    };
    let was_uncovered = was.is_some_and(is_uncovered);
    if is_uncovered(is) && !was_uncovered {
        told(Kind::AccountUncovered, items);
    }
    let was_beginning = was.is_some_and(|was| BEGINNING.contains(&was.coverage_reason));
    if is.coverage.is_covered() && (was_uncovered || was_beginning) {
        told(Kind::AccountCovered, items);
    }
}

type Resources<'a> = BTreeMap<&'a ResourceId, &'a Resource>;

/// Of targets that were looked at anew: their resources before and after.
fn looked_at<'a>(
    before: &'a [Arc<TargetView>],
    after: &'a [Arc<TargetView>],
) -> impl Iterator<Item = (&'a TargetView, Resources<'a>)> {
    after.iter().filter_map(|view| {
        let was = before.iter().find(|was| was.target == view.target)?;
        let changed = !Arc::ptr_eq(was, view);
        changed
            .then(|| (view.as_ref(), was.resources.iter().map(|resource| (&resource.id, resource)).collect()))
    })
}

fn drift(before: &[Arc<TargetView>], after: &[Arc<TargetView>], items: &mut Vec<Item>) {
    let wrong = |verdict| matches!(verdict, Verdict::Drifted | Verdict::Foreign);
    for (view, were) in looked_at(before, after) {
        for resource in &view.resources {
            let Some(was) = were.get(&resource.id) else { continue };
            let kind = match (was.verdict, resource.verdict) {
                (Verdict::InSync, now) if wrong(now) => Kind::DriftFound,
                (then, Verdict::InSync) if wrong(then) && was.reason != Some(MISSING) => Kind::DriftRepaired,
                _ => continue,
            };
            let changes = if kind == Kind::DriftFound { &resource.changes } else { &was.changes };
            let paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).take(5).collect();
            let fields = if paths.is_empty() { String::new() } else { format!(": {}", paths.join(", ")) };
            items.push(Item::new(kind, format!("{} in {}{fields}", resource.id, view.target)));
        }
    }
}

fn subscriptions(before: &[Arc<TargetView>], after: &[Arc<TargetView>], items: &mut Vec<Item>) {
    for (view, were) in looked_at(before, after) {
        for resource in view.resources.iter().filter(|resource| resource.id.kind == "topic") {
            let was = were.get(&resource.id);
            for note in resource.notes.iter().filter(|note| was.is_none_or(|was| !was.notes.contains(note))) {
                let kind = match note.reason {
                    SUBSCRIPTION_PENDING => Kind::SubscriptionPending,
                    SUSPENDED_BY_VOLUME => Kind::SubscriptionLost,
                    _ => continue,
                };
                items.push(Item::new(kind, note.message.clone()));
            }
            if was.is_none_or(|was| was.verdict != Verdict::InSync) || resource.reason == Some(MISSING) {
                continue;
            }
            let lost = resource.changes.iter().filter_map(|change| {
                change.path.strip_prefix("subscriptions.").filter(|_| change.observed.is_null())
            });
            for subscription in lost {
                let message = format!("{subscription} of {} is not there any more", resource.id);
                items.push(Item::new(Kind::SubscriptionLost, message));
            }
        }
    }
}

#[cfg(test)]
mod tests;
