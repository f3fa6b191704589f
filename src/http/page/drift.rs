//! Everything that is not in sync, with what is desired beside what was observed.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Html;

use super::links::query;
use super::words;
use super::{Head, Refusal, rendered};
use crate::http::HttpState;
use crate::http::access::Visitor;
use crate::http::params::Params;
use crate::http::problem::Problem;
use crate::model::resource::{Resource, Verdict};
use crate::model::view::{Snapshot, TargetView};

const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "drift.html")]
struct DriftPage<'a> {
    head: Head<'a>,
    verdict: Option<Verdict>,
    verdicts: Vec<(Verdict, usize)>,
    q: &'a str,
    items: Vec<Drift<'a>>,
    total: usize,
    begin: usize,
    earlier: Option<String>,
    later: Option<String>,
}

/// A resource that is not in sync.
pub(super) struct Drift<'a> {
    pub(super) target: &'a TargetView,
    pub(super) resource: &'a Resource,
    /// What its account is called.
    pub(super) name: &'a str,
}

/// All that is not in sync, central side first.
fn all(snapshot: &Snapshot) -> impl Iterator<Item = Drift<'_>> {
    let resources = snapshot.targets().flat_map(|target| target.resources.iter().map(move |r| (target, r)));
    resources.filter(|(_, resource)| resource.verdict != Verdict::InSync).map(|(target, resource)| {
        let name = snapshot.accounts.get(&target.target.account).map_or("", |account| &account.name);
        Drift { target, resource, name }
    })
}

pub(in crate::http) async fn drift(
    State(state): State<HttpState>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Result<Html<String>, Refusal> {
    let params = Params::of_form(&uri, &["verdict", "q", "page"])?;
    let verdict = params.one_of("verdict", &Verdict::ALL, Verdict::label)?;
    let page = params.parsed::<usize>("page")?.unwrap_or(1);
    if !(1..=1_000_000).contains(&page) {
        return Err(Problem::bad("`page`: write a number from 1 on").into());
    }
    let q = params.text("q").unwrap_or_default();
    let sought = q.trim().to_lowercase();
    let snapshot = state.snapshot();
    let found = || {
        all(&snapshot).filter(|drift| verdict.is_none_or(|verdict| drift.resource.verdict == verdict)).filter(
            |drift| {
                sought.is_empty()
                    || drift.target.target.account.as_str().contains(&sought)
                    || drift.name.to_lowercase().contains(&sought)
                    || drift.resource.id.to_string().to_lowercase().contains(&sought)
            },
        )
    };
    let total = found().count();
    let begin = (page - 1) * ROWS;
    let to = |page: usize| {
        let page = page.to_string();
        let verdict = verdict.map_or("", Verdict::label);
        query("/drift", [("verdict", verdict), ("q", q), ("page", if page == "1" { "" } else { &page })])
    };
    let verdicts = Verdict::ALL.into_iter().rev().filter(|one| *one != Verdict::InSync);
    let verdicts = verdicts.map(|one| (one, all(&snapshot).filter(|d| d.resource.verdict == one).count()));
    rendered(&DriftPage {
        head: Head::new(&snapshot, "/drift", visitor),
        verdict,
        verdicts: verdicts.filter(|(one, count)| *count > 0 || verdict == Some(*one)).collect(),
        q,
        items: found().skip(begin).take(ROWS).collect(),
        total,
        begin,
        earlier: (page > 1).then(|| to(page - 1)),
        later: (begin + ROWS < total).then(|| to(page + 1)),
    })
}
