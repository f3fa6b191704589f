//! What is planned and held, over all accounts.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Chronicle;
use crate::controller::fleet::{Fleet, hold_id, is_releasable};
use crate::model::view::HoldView;

/// Every hold, one for all accounts where kind and reason are the same.
pub(super) fn holds(fleet: &Fleet, chronicle: &mut Chronicle, now: Timestamp) -> Vec<HoldView> {
    let mut holds: BTreeMap<String, HoldView> = BTreeMap::new();
    for (key, view) in fleet.holding() {
        for change in &view.plan.changes {
            let Some(hold) = change.hold.as_ref().filter(|hold| !hold.waits) else { continue };
            let id = hold_id(hold.reason, &change.resource);
            let since = *chronicle.held.entry(id.clone()).or_insert(now);
            let entry = holds.entry(id.clone()).or_insert_with(|| HoldView {
                id,
                reason: hold.reason,
                releasable: is_releasable(hold.reason),
                message: hold.message.clone(),
                accounts: Vec::new(),
                changes: 0,
                since,
            });
            entry.changes += 1;
            // In the order of the keys an account's stand together, but for the central one's, which are first as well.
            if ![entry.accounts.first(), entry.accounts.last()].contains(&Some(&key.account)) {
                entry.accounts.push(key.account.clone());
            }
        }
    }
    // A hold that lapsed begins anew when it comes back.
    chronicle.held.retain(|id, _| holds.contains_key(id));
    holds.into_values().collect()
}
