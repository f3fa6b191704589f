//! The request for a reload of the configuration.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde::Serialize;

use super::HttpState;
use super::operations::Caller;
use super::params::NoParams;
use super::problem::Problem;
use crate::config::{self, Difference};

/// The part of the daemon that reads its configuration anew.
pub trait Reloads: Send + Sync + 'static {
    /// Reads the configuration as at the start and goes by it; where anything is wrong with it, nothing changes. It is
    /// in the history before it answers.
    fn reload(&self, by: Arc<str>) -> BoxFuture<'_, Result<Reloaded, ReloadRefused>>;
}

/// A configuration that was taken over.
#[derive(Clone, Debug, Serialize)]
pub struct Reloaded {
    /// What is different, key by key.
    pub changes: Vec<Difference>,
    /// What is doubtful about it.
    pub warnings: Vec<config::Problem>,
    /// The generation from now on.
    pub generation: u64,
    /// When it was read.
    pub loaded_at: Timestamp,
}

/// A configuration that was not taken over.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}; nothing was changed, the configuration of {in_force_since:.0} stays in force", self.why())]
pub struct ReloadRefused {
    /// Everything that is wrong with it; at least one.
    pub problems: Vec<config::Problem>,
    /// When the one that stays was read.
    pub in_force_since: Timestamp,
}

impl ReloadRefused {
    /// What is wrong, in a few words.
    pub fn why(&self) -> String {
        match self.problems.as_slice() {
            [one] => format!("the configuration has a problem: {} {}", one.code, one.path),
            all => format!("the configuration has {} problems", all.len()),
        }
    }
}

impl From<ReloadRefused> for Problem {
    fn from(refused: ReloadRefused) -> Self {
        let detail = refused.to_string();
        Self { problems: refused.problems, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail) }
    }
}

/// Reads the configuration anew.
pub(super) async fn reload(
    State(state): State<HttpState>,
    Extension(Caller(by)): Extension<Caller>,
    _: NoParams,
) -> Result<Json<Reloaded>, Problem> {
    Ok(Json(state.reloads.reload(by).await?))
}
