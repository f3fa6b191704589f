//! The receiving side: bus, rules, topics and who is subscribed, what alerts brought and what they leave out on purpose, dead
//! letters, and how long canaries took.

use askama::Template;
use axum::extract::{Extension, State};
use axum::response::Html;

use super::plot::Plot;
use super::words;
use super::{Head, Refusal, rendered};
use crate::hops::{self, Hop};
use crate::http::HttpState;
use crate::http::access::Visitor;
use crate::http::params::NoParams;
use crate::http::problem::Problem;
use crate::http::targets::Targets;

#[derive(Template)]
#[template(path = "central.html")]
struct CentralPage<'a> {
    head: Head<'a>,
    hops: Vec<Hop>,
    plot: Option<Plot>,
    targets: Targets<'a>,
}

pub(in crate::http) async fn central(
    State(state): State<HttpState>,
    Extension(visitor): Extension<Visitor>,
    params: Result<NoParams, Problem>,
) -> Result<Html<String>, Refusal> {
    let NoParams = params?;
    let snapshot = state.snapshot();
    rendered(&CentralPage {
        head: Head::new(&snapshot, "/central", visitor),
        hops: hops::of_central(&snapshot),
        plot: Plot::of(&snapshot.canaries, snapshot.taken_at),
        targets: Targets::of(snapshot.central.all()),
    })
}
