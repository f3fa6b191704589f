//! The log: what was written, what drifted, what changed, and what people did.

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::Uri;
use axum::response::Html;

use super::links::query;
use super::records::{self, Lines};
use super::{Head, Refusal, rendered};
use crate::history::What;
use crate::http::HttpState;
use crate::http::access::Visitor;
use crate::http::changes;
use crate::http::params::Params;

const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "changes.html")]
struct ChangesPage<'a> {
    head: Head<'a>,
    what: &'a str,
    account: &'a str,
    outcome: &'a str,
    since: &'a str,
    whats: [(&'static str, &'static str); 6],
    log: Lines,
    older: Option<String>,
    /// Whether this is the newest part.
    newest: bool,
}

pub(in crate::http) async fn changes(
    State(state): State<HttpState>,
    Extension(visitor): Extension<Visitor>,
    uri: Uri,
) -> Result<Html<String>, Refusal> {
    let params = Params::of_form(&uri, &["what", "account", "outcome", "since", "cursor"])?;
    let snapshot = state.snapshot();
    let value = |name| params.text(name).unwrap_or_default();
    let mut filter = changes::filter(&params, snapshot.taken_at)?;
    if params.text("what").is_none() {
        filter.what = vec![What::Write, What::Operation];
    }
    let log = records::lines(&state, &snapshot, &filter, ROWS).await;
    let older = log.next_cursor.map(|cursor| {
        let cursor = cursor.to_string();
        let kept = ["what", "account", "outcome", "since"].map(|name| (name, value(name)));
        query("/changes", kept.into_iter().chain([("cursor", cursor.as_str())]))
    });
    rendered(&ChangesPage {
        head: Head::new(&snapshot, "/changes", visitor),
        what: value("what"),
        account: value("account"),
        outcome: value("outcome"),
        since: value("since"),
        whats: [
            ("", "writes and operators"),
            ("write", "writes"),
            ("drift", "drift"),
            ("coverage", "coverage"),
            ("operation", "operators"),
            ("all", "everything"),
        ],
        newest: value("cursor").is_empty(),
        log,
        older,
    })
}
