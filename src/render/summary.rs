//! What a set of plans comes to: its counts, and what stays although it is not as desired.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::phrase::{count, counts};
use super::trouble::Trouble;
use crate::model::plan::{Action, Change};
use crate::model::resource::{Note, Resource, ResourceId, Verdict};
use crate::model::target::{Side, TargetKey};
use crate::model::view::TargetView;

/// The counts of a plan over many targets. A change counts once: as held, or by its action.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlanSummary {
    /// Changes that create.
    pub create: usize,
    /// Changes that update.
    pub update: usize,
    /// Changes that delete.
    pub delete: usize,
    /// Accounts with at least one of these.
    pub accounts: usize,
    /// How many of these wait for something else and go ahead by themselves.
    pub waiting: usize,
    /// Changes that a person must release.
    pub held: usize,
    /// Targets and resources that could not be seen.
    pub unknown: usize,
    /// Resources at our names that are not ours.
    pub foreign: usize,
    /// Orphans whose removal is not planned.
    pub orphan: usize,
    /// Resources that differ and that orgwatch does not change.
    pub left_to_a_person: usize,
    /// Resources that are judged later.
    pub pending: usize,
    /// Remarks that are no drift.
    pub notices: usize,
    /// Targets looked at.
    pub targets: usize,
    /// Targets where everything was seen and is as desired.
    pub as_desired: usize,
}

impl PlanSummary {
    /// Counts what `views` hold.
    pub fn of(views: &[Arc<TargetView>]) -> Self {
        let mut summary = Self { targets: views.len(), ..Self::default() };
        let mut accounts = BTreeSet::new();
        for view in views {
            for change in &view.plan.changes {
                if is_held(change) {
                    summary.held += 1;
                    continue;
                }
                accounts.insert(&view.target.account);
                summary.waiting += usize::from(change.hold.is_some());
                match change.action {
                    Action::Create => summary.create += 1,
                    Action::Update => summary.update += 1,
                    Action::Delete => summary.delete += 1,
                }
            }
            for resource in left(view) {
                match resource.verdict {
                    Verdict::Foreign => summary.foreign += 1,
                    Verdict::Orphan => summary.orphan += 1,
                    Verdict::Drifted => summary.left_to_a_person += 1,
                    Verdict::Pending => summary.pending += 1,
                    // Counted with the targets that could not be seen.
                    Verdict::Unknown | Verdict::InSync => {}
                }
            }
            summary.unknown += unseen(view).len();
            summary.notices += notices(view).count();
            summary.as_desired += usize::from(is_as_desired(view));
        }
        summary.accounts = accounts.len();
        summary
    }

    /// The changes that are not held.
    pub fn changes(&self) -> usize {
        self.create + self.update + self.delete
    }

    /// Whether anything that was seen is not as desired.
    pub fn is_drift(&self) -> bool {
        self.changes() + self.held + self.foreign + self.orphan + self.left_to_a_person > 0
    }

    /// The closing line of a printed plan.
    pub fn sentence(&self) -> String {
        let rest = counts(
            [
                (self.held, "held"),
                (self.unknown, "unknown"),
                (self.foreign, "foreign"),
                (self.orphan, if self.orphan == 1 { "orphan" } else { "orphans" }),
                (self.left_to_a_person, "left to a person"),
                (self.pending, "pending"),
            ],
            "; ",
        );
        let head = if self.changes() > 0 {
            let changes = counts(
                [(self.create, "to create"), (self.update, "to update"), (self.delete, "to delete")],
                ", ",
            );
            let waiting =
                if self.waiting > 0 { format!(" ({} waiting)", self.waiting) } else { String::new() };
            format!("Plan: {changes} in {}{waiting}", count(self.accounts, "account"))
        } else if self.held > 0 {
            "Plan: nothing to change now".to_owned()
        } else {
            let targets = count(self.targets, "target");
            let are = if self.targets == 1 { "is" } else { "are" };
            format!("No changes. {} of {targets} {are} as desired", self.as_desired)
        };
        if rest.is_empty() { format!("{head}.") } else { format!("{head}; {rest}.") }
    }
}

/// What could not be seen in `view`. A resource that fell with its target is not named again.
pub(super) fn unseen(view: &TargetView) -> Vec<Trouble<'_>> {
    let target = &view.target;
    let whole = view.error.as_deref().map(|error| Trouble { target, resource: None, error: Some(error) });
    let parts = view
        .resources
        .iter()
        .filter(|r| r.verdict == Verdict::Unknown)
        .filter(|r| view.error.is_none() || (r.error.is_some() && r.error != view.error))
        .map(|r| Trouble { target, resource: Some(&r.id), error: r.error.as_deref() });
    whole.into_iter().chain(parts).collect()
}

/// The resources that are not in sync and that the plan leaves as they are.
pub(super) fn left(view: &TargetView) -> impl Iterator<Item = &Resource> {
    view.resources
        .iter()
        .filter(|r| r.verdict != Verdict::InSync)
        .filter(|r| view.plan.changes.iter().all(|change| change.resource != r.id))
}

/// The remarks on resources.
pub(super) fn notices(view: &TargetView) -> impl Iterator<Item = (&ResourceId, &Note)> {
    view.resources.iter().flat_map(|r| r.notes.iter().map(move |note| (&r.id, note)))
}

/// Whether `change` stays undone until a person releases it.
pub(super) fn is_held(change: &Change) -> bool {
    change.hold.as_ref().is_some_and(|hold| !hold.waits)
}

/// The entry of `reconcile.adopt` by which the resource becomes ours.
pub(super) fn adopt_entry(target: &TargetKey, id: &ResourceId) -> String {
    match target.side {
        Side::Central => format!("{}:{}", id.kind, id.name),
        Side::Member | Side::Audit => format!("{}:{}/{}/{}", id.kind, target.account, target.region, id.name),
    }
}

/// Whether everything in the target was seen and is as desired. What is ours and no longer desired harms nothing.
pub(super) fn is_as_desired(view: &TargetView) -> bool {
    view.error.is_none()
        && view.plan.changes.is_empty()
        && view.resources.iter().all(|r| matches!(r.verdict, Verdict::InSync | Verdict::Orphan))
}

/// The plans for programs: those with changes, what could not be seen, what is left as it is, and the counts.
pub fn plan_json(views: &[Arc<TargetView>]) -> Value {
    let views = sorted(views);
    let unknown = |r: &&Resource| r.verdict != Verdict::Unknown;
    let left = views.iter().flat_map(|v| left(v).filter(unknown).map(|r| (&v.target, r)));
    let notices = views.iter().flat_map(|v| notices(v).map(|(id, note)| (&v.target, id, note)));
    json!({
        "plans": views.iter().map(|v| &v.plan).filter(|p| !p.changes.is_empty()).collect::<Vec<_>>(),
        "unseen": views.iter().flat_map(|v| unseen(v)).collect::<Vec<_>>(),
        "left": left.map(|(target, r)| json!({ "target": target, "resource": r })).collect::<Vec<_>>(),
        "notices": notices
            .map(|(target, id, note)| json!({ "target": target, "resource": id, "note": note }))
            .collect::<Vec<_>>(),
        "summary": PlanSummary::of(&views),
    })
}

/// The views by target, central before members, whoever finished first.
pub(super) fn sorted(views: &[Arc<TargetView>]) -> Vec<Arc<TargetView>> {
    let mut views = views.to_vec();
    views.sort_by(|a, b| a.target.cmp(&b.target));
    views
}
