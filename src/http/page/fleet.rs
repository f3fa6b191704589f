//! The first page: is everybody covered, what is wrong, what differs, and every account.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Html;
use jiff::Timestamp;

use super::links::Asked;
use super::words::{self, Badge};
use super::{Head, Refusal, rendered};
use crate::http::HttpState;
use crate::http::select::{self, By, Sort};
use crate::http::targets::Targets;
use crate::model::resource::{Resource, Verdict};
use crate::model::view::{AccountView, Coverage, CoverageCounts, Snapshot, TargetView};

/// More rows than this are a download, not a page.
const MOST_ACCOUNTS: usize = 500;
/// Of what is wrong, and of drift.
const MOST_ITEMS: usize = 100;

#[derive(Template)]
#[template(path = "fleet.html")]
struct FleetPage<'a> {
    head: Head<'a>,
    asked: Asked,
    coverage: CoverageCounts,
    segments: Vec<Segment>,
    oldest: Option<Timestamp>,
    central: Targets<'a>,
    not_covered: Vec<&'a AccountView>,
    drift: Vec<Drift<'a>>,
    drift_total: usize,
    verdicts: Vec<Choice>,
    columns: [Column; 3],
    rows: Vec<&'a Arc<AccountView>>,
    rows_total: usize,
}

/// A part of the coverage bar, and its line in the legend.
struct Segment {
    badge: Badge,
    count: usize,
    /// Where it begins and how wide it is, of 100.
    x: f64,
    width: f64,
    href: String,
}

/// A resource that is not in sync.
struct Drift<'a> {
    target: &'a TargetView,
    resource: &'a Resource,
    /// What its account is called.
    name: &'a str,
}

/// One of several filters.
struct Choice {
    label: &'static str,
    count: usize,
    href: String,
    chosen: bool,
}

/// The head of a column, by which the accounts can be ordered.
struct Column {
    label: &'static str,
    href: String,
    /// The order as assistive technology is told it.
    order: &'static str,
}

pub(in crate::http) async fn fleet(
    State(state): State<HttpState>,
    uri: Uri,
) -> Result<Html<String>, Refusal> {
    let asked = Asked::read(&uri)?;
    let snapshot = state.snapshot();
    let coverage = snapshot.coverage_counts();
    let (drift, drift_total) = drift(&snapshot);
    let rows = select::page(&snapshot, &asked.filter, asked.sort, None, MOST_ACCOUNTS)?;
    rendered(&FleetPage {
        head: Head::new(&snapshot),
        segments: segments(&coverage, &asked),
        coverage,
        oldest: snapshot.targets().map(|target| target.observed_at).min(),
        central: Targets::of(&snapshot.central.targets),
        not_covered: not_covered(&snapshot),
        drift,
        drift_total,
        verdicts: verdicts(&snapshot, &asked),
        columns: [
            ("Account", "name", By::Name),
            ("Verdict", "verdict", By::Verdict),
            ("Coverage", "coverage", By::Coverage),
        ]
        .map(|(label, name, by)| column(label, name, by, &asked)),
        rows: rows.items,
        rows_total: rows.total,
        asked,
    })
}

fn segments(counts: &CoverageCounts, asked: &Asked) -> Vec<Segment> {
    let counts = [
        (Coverage::Proven, counts.proven),
        (Coverage::Configured, counts.configured),
        (Coverage::Pending, counts.pending),
        (Coverage::Broken, counts.broken),
        (Coverage::Unknown, counts.unknown),
        (Coverage::Uncovered, counts.uncovered),
    ];
    let total = counts.iter().map(|(_, count)| count).sum::<usize>().max(1);
    let share = |count: usize| count as f64 * 100.0 / total as f64;
    let mut before = 0;
    let segment = |(coverage, count): (Coverage, usize)| {
        let x = share(before);
        before += count;
        let badge = words::of_coverage(&coverage);
        Segment { badge, count, x, width: share(count), href: asked.with("coverage", coverage.label()) }
    };
    counts.into_iter().map(segment).collect()
}

/// The accounts whose changes would reach nobody: what is known to be broken first, what is left out on purpose last.
fn not_covered(snapshot: &Snapshot) -> Vec<&AccountView> {
    let urgency = |account: &AccountView| match account.coverage {
        Coverage::Broken => 0,
        Coverage::Unknown => 1,
        Coverage::Pending => 2,
        Coverage::Uncovered | Coverage::Configured | Coverage::Proven => 3,
    };
    let lacks = |account: &&AccountView| select::coverage(account).is_some_and(|c| !c.is_covered());
    let mut accounts: Vec<_> = snapshot.accounts.values().map(AsRef::as_ref).filter(lacks).collect();
    accounts.sort_by_key(|account| (urgency(account), account.coverage_since));
    accounts.truncate(MOST_ITEMS);
    accounts
}

fn drift(snapshot: &Snapshot) -> (Vec<Drift<'_>>, usize) {
    let all = || {
        let resources =
            snapshot.targets().flat_map(|target| target.resources.iter().map(move |r| (target, r)));
        resources.filter(|(_, resource)| resource.verdict != Verdict::InSync)
    };
    let shown = all().take(MOST_ITEMS).map(|(target, resource)| {
        let name = snapshot.accounts.get(&target.target.account).map_or("", |account| &account.name);
        Drift { target, resource, name }
    });
    (shown.collect(), all().count())
}

fn verdicts(snapshot: &Snapshot, asked: &Asked) -> Vec<Choice> {
    let choice = |label: &'static str| {
        let count = snapshot.accounts.values().filter(|account| select::verdict(account) == label).count();
        let chosen = asked.filter.verdict == Some(label);
        Choice { label: words::of_verdict(label).label, count, href: asked.with("verdict", label), chosen }
    };
    // Worst first: that is what a filter is wanted for.
    let mut choices: Vec<_> = select::VERDICTS.into_iter().rev().map(choice).collect();
    choices.retain(|choice| choice.count > 0 || choice.chosen);
    choices
}

fn column(label: &'static str, name: &'static str, by: By, asked: &Asked) -> Column {
    let Sort { by: current, descending } = asked.sort;
    let (order, reversed) = match (current == by, descending) {
        (false, _) => ("none", by != By::Name),
        (true, false) => ("ascending", true),
        (true, true) => ("descending", false),
    };
    Column { label, href: asked.with("sort", &format!("{}{name}", if reversed { "-" } else { "" })), order }
}
