//! Asks a running daemon.

use std::time::Duration;

use anyhow::Context;
use reqwest::{Method, RequestBuilder, StatusCode, Url};
use serde_json::{Value, json};

use super::complain;
use crate::cli::exit::Outcome;
use crate::cli::history::DaemonArgs;
use crate::render::problems::{ProblemRow, Severity};

/// A daemon answers from memory; whoever takes longer is no daemon or cannot be reached.
const PATIENCE: Duration = Duration::from_secs(10);
/// Items of one part of a list; the most that a daemon answers.
const PART: usize = 1000;

/// A running daemon.
pub(super) struct Daemon {
    url: Url,
    token: Option<String>,
    client: reqwest::Client,
}

impl Daemon {
    /// The daemon that the arguments name, if they name one.
    pub(super) fn of(arguments: &DaemonArgs) -> anyhow::Result<Option<Self>> {
        Self::within(arguments, PATIENCE)
    }

    /// The same, for a question that it may have to look for an answer to.
    pub(super) fn within(arguments: &DaemonArgs, patience: Duration) -> anyhow::Result<Option<Self>> {
        let Some(url) = arguments.url.clone() else { return Ok(None) };
        let read = |path: &std::path::PathBuf| {
            std::fs::read_to_string(path)
                .with_context(|| format!("the token file `{}` cannot be read", path.display()))
        };
        let token = arguments.token_file.as_ref().map(read).transpose()?;
        let client = reqwest::Client::builder().timeout(patience).build()?;
        Ok(Some(Self { url, token: token.map(|token| token.trim().to_owned()), client }))
    }

    /// What the daemon answers at a path. If it does not, that has been printed, and the outcome is answered.
    pub(super) async fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> anyhow::Result<Result<Value, Outcome>> {
        let mut address = self.url.join(path)?;
        if !query.is_empty() {
            address.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.client.request(Method::GET, address.clone()), &address).await
    }

    /// All items of a list, part by part, as one list.
    pub(super) async fn all(
        &self,
        path: &str,
        query: &[(&'static str, String)],
    ) -> anyhow::Result<Result<Value, Outcome>> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let mut asked = query.to_vec();
            asked.push(("limit", PART.to_string()));
            asked.extend(cursor.map(|cursor| ("cursor", cursor)));
            let mut part = match self.get(path, &asked).await? {
                Ok(part) => part,
                Err(outcome) => return Ok(Err(outcome)),
            };
            items.extend(part["items"].as_array_mut().map(std::mem::take).unwrap_or_default());
            cursor = part["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                part["items"] = json!(items);
                return Ok(Ok(part));
            }
        }
    }

    /// The address of these segments: whatever stands in one of them cannot lead elsewhere.
    fn address(&self, path: &[&str]) -> anyhow::Result<Url> {
        let mut address = self.url.join("/")?;
        address
            .path_segments_mut()
            .map_err(|()| anyhow::anyhow!("the address of the daemon has no paths"))?
            .clear()
            .extend(path);
        Ok(address)
    }

    /// What the daemon answers to being told something at the path of these segments. If it does not do it, that has been
    /// printed, and the outcome is answered.
    pub(super) async fn post(
        &self,
        path: &[&str],
        body: Option<&Value>,
    ) -> anyhow::Result<Result<Value, Outcome>> {
        let address = self.address(path)?;
        let request = self.client.request(Method::POST, address.clone());
        let request = match body {
            Some(body) => request.json(body),
            None => request,
        };
        self.send(request, &address).await
    }

    /// The same, where the daemon's refusal is of interest.
    pub(super) async fn ask(&self, path: &[&str]) -> anyhow::Result<Result<Value, Refusal>> {
        let address = self.address(path)?;
        self.answer(self.client.request(Method::POST, address.clone()), &address).await
    }

    async fn send(&self, request: RequestBuilder, address: &Url) -> anyhow::Result<Result<Value, Outcome>> {
        match self.answer(request, address).await? {
            Ok(value) => Ok(Ok(value)),
            Err(refusal) => {
                complain(&refusal.told)?;
                Ok(Err(Outcome::Error))
            }
        }
    }

    async fn answer(&self, request: RequestBuilder, address: &Url) -> anyhow::Result<Result<Value, Refusal>> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let refused = |told: String| Ok(Err(Refusal { told, problem: Value::Null }));
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) => {
                return refused(format!(
                    "error: no daemon answers at {address} ({}); check the address and that `orgwatch serve` runs\n",
                    cause(&error)
                ));
            }
        };
        let code = answer.status();
        let body: Option<Value> = answer.json().await.ok();
        if !code.is_success() {
            let problem = body.unwrap_or_default();
            let told = match (code, problem["detail"].as_str()) {
                (StatusCode::UNAUTHORIZED, _) => "; give a token with --token-file".to_owned(),
                (_, Some(detail)) => format!(": {detail}"),
                (_, None) => String::new(),
            };
            return Ok(Err(Refusal { told: format!("error: {address} answers {code}{told}\n"), problem }));
        }
        match body {
            Some(value) => Ok(Ok(value)),
            None => {
                refused(format!("error: {address} does not answer as orgwatch does; check the address\n"))
            }
        }
    }
}

/// What a daemon did not do.
pub(super) struct Refusal {
    /// What the user is told.
    pub(super) told: String,
    /// The problem document, or null.
    pub(super) problem: Value,
}

/// The problems of a configuration as a daemon tells them.
pub(super) fn problems(told: &Value) -> Vec<ProblemRow> {
    let text = |problem: &Value, key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    let row = |problem: &Value| {
        let code = text(problem, "code");
        let severity = if code.starts_with("W-") { Severity::Warning } else { Severity::Error };
        ProblemRow {
            path: text(problem, "path"),
            found: text(problem, "found"),
            expected: text(problem, "expected"),
            hint: text(problem, "hint"),
            code,
            severity,
        }
    };
    told.as_array().into_iter().flatten().map(row).collect()
}

/// The innermost cause, which names what happened; the outer ones only repeat the address.
pub(super) fn cause(error: &reqwest::Error) -> String {
    let outermost: &dyn std::error::Error = error;
    std::iter::successors(Some(outermost), |e| e.source()).last().map(ToString::to_string).unwrap_or_default()
}
