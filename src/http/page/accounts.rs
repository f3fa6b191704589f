//! All accounts: the tree of units beside a list that is filtered, ordered and paged.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Html;

use super::links::Asked;
use super::tree::{self, Unit};
use super::words;
use super::{Head, Refusal, rendered};
use crate::http::HttpState;
use crate::http::access::Visitor;
use crate::http::select::{self, By, Sort};
use crate::model::view::{AccountView, Coverage, Snapshot};

/// Rows of a page.
const ROWS: usize = 100;

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    head: Head<'a>,
    asked: Asked,
    units: Vec<Unit>,
    more_units: bool,
    verdicts: Vec<Choice>,
    coverages: Vec<Choice>,
    columns: [Column; 3],
    rows: Vec<&'a Arc<AccountView>>,
    /// The place of the first row among all that are asked for, from 0.
    begin: usize,
    total: usize,
    next: Option<String>,
}

/// One of several filters.
struct Choice {
    value: &'static str,
    label: &'static str,
    count: usize,
    chosen: bool,
}

/// The head of a column, by which the accounts can be ordered.
struct Column {
    label: &'static str,
    href: String,
    /// The order as assistive technology is told it.
    order: &'static str,
}

pub(in crate::http) async fn accounts(
    State(state): State<HttpState>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Result<Html<String>, Refusal> {
    let asked = Asked::read(&uri)?;
    let snapshot = state.snapshot();
    let cursor = Some(asked.value("cursor")).filter(|cursor| !cursor.is_empty());
    let page = select::page(&snapshot, &asked.filter, asked.sort, cursor, ROWS)?;
    let next = page.next_cursor.map(|cursor| asked.with("cursor", &cursor));
    let (units, more_units) = tree::units(&snapshot, &asked);
    let (verdicts, coverages) = choices(&snapshot, &asked);
    rendered(&AccountsPage {
        head: Head::new(&snapshot, "/accounts", visitor),
        units,
        more_units,
        verdicts,
        coverages,
        columns: [
            ("Account", "name", By::Name),
            ("Verdict", "verdict", By::Verdict),
            ("Coverage", "coverage", By::Coverage),
        ]
        .map(|(label, name, by)| column(label, name, by, &asked)),
        rows: page.items,
        begin: page.begin,
        total: page.total,
        next,
        asked,
    })
}

/// The choices of both filters, with how many accounts each would leave of all. Worst first: that is what a filter is
/// wanted for.
fn choices(snapshot: &Snapshot, asked: &Asked) -> (Vec<Choice>, Vec<Choice>) {
    // In one walk: whoever types asks for it with every letter.
    let mut by_verdict = [0; select::VERDICTS.len()];
    let mut by_coverage = [0; Coverage::ALL.len()];
    for account in snapshot.accounts.values() {
        let shown = select::verdict(account);
        if let Some(place) = select::VERDICTS.iter().position(|verdict| *verdict == shown) {
            by_verdict[place] += 1;
        }
        let coverage = select::coverage(account);
        if let Some(place) = coverage.and_then(|one| Coverage::ALL.iter().position(|each| *each == one)) {
            by_coverage[place] += 1;
        }
    }
    let verdicts = select::VERDICTS.into_iter().zip(by_verdict).rev().map(|(value, count)| {
        let chosen = asked.filter.verdict == Some(value);
        Choice { value, label: words::of_verdict(value).label, count, chosen }
    });
    let coverages = Coverage::ALL.into_iter().zip(by_coverage).rev().map(|(coverage, count)| {
        let chosen = asked.filter.coverage == Some(coverage);
        Choice { value: coverage.label(), label: words::of_coverage(&coverage).label, count, chosen }
    });
    let wanted = |choice: &Choice| choice.count > 0 || choice.chosen;
    (verdicts.filter(wanted).collect(), coverages.filter(wanted).collect())
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
