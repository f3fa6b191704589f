//! The first look: is everybody covered, since when, what is wrong, what was just done, what waits for a person.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Html;
use jiff::Timestamp;

use super::links::{Asked, query};
use super::records::{self, Lines};
use super::tree::{self, Unit};
use super::words::{self, Badge};
use super::{Head, Refusal, rendered};
use crate::history::{Filter, What};
use crate::http::HttpState;
use crate::http::access::Visitor;
use crate::http::params::Params;
use crate::http::select;
use crate::model::resource::Note;
use crate::model::view::{AccountView, Coverage, CoverageCounts, Snapshot, Standing};

/// Of what is wrong, of what waits and of what was done; the other pages have the rest.
const MOST: usize = 8;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    head: Head<'a>,
    still: bool,
    coverage: CoverageCounts,
    /// Since when all are covered, where they are.
    all_since: Option<Timestamp>,
    segments: Vec<Segment>,
    oldest: Option<Timestamp>,
    wrong: Vec<Group<'a>>,
    wrong_total: usize,
    notes: Vec<&'a Note>,
    waiting: usize,
    units: Vec<Unit>,
    done: Lines,
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

/// Accounts that are not covered for the same reason.
struct Group<'a> {
    badge: Badge,
    reason: &'static str,
    accounts: Vec<&'a AccountView>,
    since: Timestamp,
    href: String,
    /// What to do, where one account stands for all.
    message: &'a str,
}

pub(in crate::http) async fn overview(
    State(state): State<HttpState>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Result<Html<String>, Refusal> {
    let params = Params::parse(&uri, &["refresh"])?;
    params.one_of("refresh", &["off"], |off| off)?;
    let snapshot = state.snapshot();
    let coverage = snapshot.coverage_counts();
    let groups = groups(&snapshot);
    let notes = notes(&snapshot);
    let doubted = usize::from(snapshot.discovery.doubtful.is_some());
    let filter = Filter { what: vec![What::Write, What::Operation], ..Filter::default() };
    let (mut units, _) = tree::units(&snapshot, &Asked::default());
    tree::keep_worst(&mut units, 2 * MOST);
    rendered(&OverviewPage {
        head: Head::new(&snapshot, "/", visitor),
        still: params.text("refresh").is_some(),
        all_since: all_since(&snapshot, &coverage),
        segments: segments(&coverage),
        coverage,
        oldest: snapshot.targets().map(|target| target.observed_at).min(),
        wrong_total: groups.len(),
        wrong: groups.into_iter().take(MOST).collect(),
        waiting: snapshot.holds.len() + notes.len() + snapshot.pauses.len() + doubted,
        notes,
        units,
        done: records::lines(&state, &snapshot, &filter, MOST).await,
    })
}

fn all_since(snapshot: &Snapshot, counts: &CoverageCounts) -> Option<Timestamp> {
    let active = snapshot.accounts.values().filter(|account| account.standing == Standing::Active);
    active.map(|account| account.coverage_since).max().filter(|_| counts.covered == counts.total)
}

fn segments(counts: &CoverageCounts) -> Vec<Segment> {
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
        let href = query("/accounts", [("coverage", coverage.label())]);
        Segment { badge, count, x, width: share(count), href }
    };
    counts.into_iter().map(segment).collect()
}

/// The accounts whose changes would reach nobody, by reason: what is known to be broken first, what is left out on
/// purpose last.
fn groups(snapshot: &Snapshot) -> Vec<Group<'_>> {
    let urgency = |coverage: Coverage| match coverage {
        Coverage::Broken => 0,
        Coverage::Unknown => 1,
        Coverage::Pending => 2,
        Coverage::Uncovered | Coverage::Configured | Coverage::Proven => 3,
    };
    let mut by_reason: BTreeMap<_, Vec<&AccountView>> = BTreeMap::new();
    for account in snapshot.accounts.values().map(AsRef::as_ref) {
        let Some(coverage) = select::coverage(account).filter(|coverage| !coverage.is_covered()) else {
            continue;
        };
        by_reason.entry((urgency(coverage), coverage, account.coverage_reason)).or_default().push(account);
    }
    let groups = by_reason
        .into_iter()
        .filter_map(|((_, coverage, reason), accounts)| group(coverage, reason, accounts));
    groups.collect()
}

fn group<'a>(
    coverage: Coverage,
    reason: &'static str,
    mut accounts: Vec<&'a AccountView>,
) -> Option<Group<'a>> {
    accounts.sort_by_key(|account| account.coverage_since);
    let first = *accounts.first()?;
    let href = query("/accounts", [("coverage", coverage.label()), ("reason", reason)]);
    let (since, message) = (first.coverage_since, first.coverage_message.as_str());
    Some(Group { badge: words::of_coverage(&coverage), reason, accounts, since, href, message })
}

/// What people have to see to on the central side, such as a subscription that nobody confirmed.
fn notes(snapshot: &Snapshot) -> Vec<&Note> {
    snapshot.central.all().flat_map(|target| &target.resources).flat_map(|r| &r.notes).collect()
}
