//! Audits: judged from what was last read, which is read anew when somebody asks and it is old.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use tokio::sync::watch;

use super::HttpState;
use super::params::Params;
use super::problem::Problem;
use crate::compliance::Report;
use crate::compliance::report::Status;
use crate::compliance::standards::{self, Standard};
use crate::model::ids::AccountId;
use crate::model::view::Snapshot;

/// The part of the controller that reads what audits are judged by.
pub trait Audits: Send + Sync + 'static {
    /// Has it read anew where the last reading is old, and answers when that was, as it goes on; none as long as nothing
    /// was read.
    fn ask(&self) -> watch::Receiver<Option<Timestamp>>;

    /// What an audit by this standard comes to, by the last reading; none as long as there is none.
    fn report(&self, standard: &'static Standard, snapshot: &Snapshot) -> Option<Report>;
}

/// How long the first one who asks waits for the first reading.
const FIRST_READING: Duration = Duration::from_secs(50);

pub(super) async fn report(State(state): State<HttpState>, uri: Uri) -> Result<Response, Problem> {
    let params = Params::parse(&uri, &["standard", "account", "status"])?;
    let ids: Vec<&'static Standard> = standards::all().iter().collect();
    let standard = params.one_of("standard", &ids, |standard| standard.id.as_str())?;
    let account: Option<AccountId> = params.parsed("account")?;
    let status = params.one_of("status", &Status::ALL, Status::label)?;
    let standard = standard.or_else(|| standards::by_id(standards::DEFAULT));
    let standard = standard.ok_or_else(|| Problem::bad("`standard`: there is none of that name"))?;
    let mut read = state.audits.ask();
    tokio::select! {
        biased;
        // An error says that nobody reads any more: what is known then is the answer.
        _ = read.wait_for(Option::is_some) => {}
        () = state.stopping.cancelled() => {}
        () = tokio::time::sleep(FIRST_READING) => {}
    }
    let snapshot = state.snapshot();
    if let Some(account) = account.as_ref().filter(|account| !snapshot.accounts.contains_key(account)) {
        return Err(super::accounts::unknown(account));
    }
    let report = state.audits.report(standard, &snapshot).ok_or_else(|| {
        let detail = "filters and alarms are being read for the first time; ask again in a moment";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    })?;
    Ok(Json(report.narrowed(account.as_slice(), status)).into_response())
}
