//! The plan as people read it before they agree to it.

use std::sync::Arc;

use serde_json::json;

use super::fields::put_fields;
use super::group::{Group, grouped};
use super::phrase::quoted;
use super::style::{Page, Style, Tone};
use super::summary::{PlanSummary, adopt_entry, is_held, left, notices, sorted, unseen};
use super::trouble::{Trouble, put_troubles};
use crate::model::call::Call;
use crate::model::plan::{Action, Change};
use crate::model::resource::{Resource, Verdict};
use crate::model::target::TargetKey;
use crate::model::view::TargetView;

pub use super::summary::plan_json;

/// How a plan is printed.
#[derive(Clone, Copy, Debug)]
pub struct PlanOptions {
    /// Whether to name every account of a change that is the same in several.
    pub expand: bool,
    /// Whether the removal of orphans was asked for.
    pub prune: bool,
    /// How the text is dressed.
    pub style: Style,
}

/// Accounts for which the entry of `reconcile.adopt` is written out.
const ADOPT_ENTRIES: usize = 3;

/// Every change that the plans of `views` hold, then what is not as desired without a change, then the counts.
/// Equal changes over accounts are told once.
pub fn plan(views: &[Arc<TargetView>], options: &PlanOptions) -> String {
    let views = sorted(views);
    let mut page = Page::new(options.style);
    if views.is_empty() {
        page.prose(
            0,
            Tone::Plain,
            "Nothing to look at: no account of the organization is active and wanted. The filters under \
             [organization] in the configuration, --account and --ou decide which are.",
        );
        return page.finish();
    }
    let changes = views.iter().flat_map(|v| v.plan.changes.iter().map(|change| (&v.target, change)));
    for group in grouped(changes, |change| json!(change).to_string()) {
        put_change(&mut page, &group, options.expand);
        page.gap();
    }
    put_left(&mut page, &views, options);
    put_notices(&mut page, &views, options.expand);
    put_unseen(&mut page, &views, options.expand);
    page.gap().prose(0, Tone::Strong, PlanSummary::of(&views).sentence());
    page.finish()
}

fn put_change(page: &mut Page, group: &Group<'_, Change>, expand: bool) {
    let change = group.item;
    let (verb, tone) = match change.action {
        Action::Create => ("create", Tone::Good),
        Action::Update => ("update", Tone::Warn),
        Action::Delete => ("delete", Tone::Bad),
    };
    let mark = match &change.hold {
        None => ' ',
        Some(hold) if hold.waits => '…',
        Some(_) => '!',
    };
    page.put(Tone::Warn, mark).put(tone, format!(" {} {verb} ", change.action.sign()));
    group.put_body(page, |page| {
        page.put(Tone::Strong, &change.resource).end();
    });
    group.put_place(page, 6, expand);
    group.put_body(page, |page| {
        page.prose(6, Tone::Plain, format!("why: {}", change.reason));
        put_fields(page, 6, change.action, &change.fields);
        if !change.calls.is_empty() {
            page.prose(6, Tone::Faint, format!("calls: {}", calls(&change.calls)));
        }
        if let Some(hold) = &change.hold {
            let word = if is_held(change) { "held" } else { "waits" };
            page.prose(6, Tone::Warn, format!("{word} ({}): {}", hold.reason, hold.message));
        }
    });
}

/// `sns:CreateTopic, sns:SetTopicAttributes x3`.
fn calls(calls: &[Call]) -> String {
    let named = |call: &Call| format!("{}:{}", call.service(), call.operation());
    let names: Vec<String> = calls
        .chunk_by(|a, b| named(a) == named(b))
        .map(|run| match run {
            [one] => named(one),
            [first, ..] => format!("{} x{}", named(first), run.len()),
            [] => String::new(),
        })
        .collect();
    names.join(", ")
}

/// What is not in sync and has no change, by verdict, each with what to do next.
fn put_left(page: &mut Page, views: &[Arc<TargetView>], options: &PlanOptions) {
    let sections = [
        (Verdict::Foreign, "Foreign: stands at our name and is not ours"),
        (Verdict::Orphan, "Orphans: ours and no longer desired"),
        (Verdict::Drifted, "Drifted: orgwatch leaves these to a person"),
        (Verdict::Pending, "Pending: judged by a later pass"),
    ];
    for (verdict, heading) in sections {
        let resources = views.iter().flat_map(|v| left(v).map(|r| (&v.target, r)));
        let groups = grouped(resources.filter(|(_, r)| r.verdict == verdict), |r| json!(r).to_string());
        if groups.is_empty() {
            continue;
        }
        page.heading(heading);
        for group in &groups {
            group.put_body(page, |page| {
                page.line(2, Tone::Plain, titled(group.item));
            });
            group.put_place(page, 6, options.expand);
            group.put_body(page, |page| put_fields(page, 6, Action::Update, &group.item.changes));
            match verdict {
                Verdict::Foreign => put_adoption(page, &group.targets, group.item),
                Verdict::Orphan if options.prune => {
                    page.prose(
                        6,
                        Tone::Plain,
                        "not removed yet: it must have been seen twice and be the working path of nothing",
                    );
                }
                Verdict::Orphan => {
                    page.prose(6, Tone::Plain, "next: `orgwatch apply --prune` removes it");
                }
                _ => {}
            }
        }
    }
}

/// `sender_rule orgwatch-iam-changes (NameTaken)`.
fn titled(resource: &Resource) -> String {
    match resource.reason {
        Some(reason) => format!("{} ({reason})", resource.id),
        None => resource.id.to_string(),
    }
}

fn put_adoption(page: &mut Page, targets: &[&TargetKey], resource: &Resource) {
    page.prose(
        6,
        Tone::Plain,
        "next: rename or remove it, or let orgwatch take it over by adding to `adopt` under [reconcile]:",
    );
    for target in targets.iter().take(ADOPT_ENTRIES) {
        page.line(8, Tone::Plain, quoted(&adopt_entry(target, &resource.id)));
    }
    if targets.len() > ADOPT_ENTRIES {
        let more = targets.len() - ADOPT_ENTRIES;
        page.line(8, Tone::Faint, format!("and the same for {more} more accounts (--expand names them)"));
    }
}

fn put_unseen(page: &mut Page, views: &[Arc<TargetView>], expand: bool) {
    let unseen: Vec<Trouble<'_>> = views.iter().flat_map(|v| unseen(v)).collect();
    if !unseen.is_empty() {
        page.heading("Unknown: could not be seen, so nothing is planned for it");
        put_troubles(page, &unseen, expand);
    }
}

fn put_notices(page: &mut Page, views: &[Arc<TargetView>], expand: bool) {
    let notices: Vec<_> =
        views.iter().flat_map(|v| notices(v).map(|(id, note)| (&v.target, (id, note)))).collect();
    if notices.is_empty() {
        return;
    }
    page.heading("Notices: no drift, nothing that orgwatch changes");
    for group in grouped(notices.iter().map(|(t, n)| (*t, n)), |(id, note)| format!("{id} {note:?}")) {
        let (id, note) = group.item;
        group.put_body(page, |page| {
            page.line(2, Tone::Plain, format!("{id} ({})", note.reason));
        });
        group.put_place(page, 6, expand);
        group.put_body(page, |page| {
            page.prose(6, Tone::Plain, &note.message);
        });
    }
}

#[cfg(test)]
mod tests;
