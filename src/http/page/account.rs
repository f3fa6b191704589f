//! One account: the path of its alerts, what is there, what is planned, and what happened.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Html;

use super::records::{self, Lines};
use super::words;
use super::{Head, Refusal, rendered};
use crate::history::Filter;
use crate::hops::{self, Diagnosis, Hop};
use crate::http::HttpState;
use crate::http::access::Visitor;
use crate::http::params::{InAccount, NoParams};
use crate::http::problem::Problem;
use crate::http::targets::Targets;
use crate::http::{accounts, select};
use crate::model::view::{AccountView, HoldView};

/// Of what happened.
const LINES: usize = 25;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage<'a> {
    head: Head<'a>,
    account: &'a AccountView,
    hops: Vec<Hop>,
    diagnosis: Diagnosis,
    targets: Targets<'a>,
    holds: Vec<&'a HoldView>,
    log: Lines,
}

pub(in crate::http) async fn account(
    State(state): State<HttpState>,
    Extension(visitor): Extension<Visitor>,
    id: Result<InAccount, Problem>,
    params: Result<NoParams, Problem>,
) -> Result<Html<String>, Refusal> {
    let snapshot = state.snapshot();
    let InAccount(id) = id?;
    let NoParams = params?;
    let account = snapshot.accounts.get(&id).ok_or_else(|| accounts::unknown(&id))?;
    let filter = Filter { account: Some(id.to_string()), ..Filter::default() };
    let hops = hops::of_account(&snapshot, account);
    rendered(&AccountPage {
        head: Head::new(&snapshot, "/accounts/", visitor),
        account,
        diagnosis: hops::diagnose(&snapshot, account, &hops),
        hops,
        targets: Targets::of(&account.targets),
        holds: snapshot.holds.iter().filter(|hold| hold.accounts.contains(&id)).collect(),
        log: records::lines(&state, &snapshot, &filter, LINES).await,
    })
}
