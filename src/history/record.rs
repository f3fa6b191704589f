//! What is kept: one record for each write, drift, change of verdict or coverage, and deed of a person.

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::error::CloudError;
use crate::model::plan::{Action, Change};
use crate::model::resource::{Fields, Resource};
use crate::model::target::{Side, TargetKey};

/// What a record tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A writing call of ours: what it changed and how it ended.
    Write,
    /// Something that was not as desired, from when it was first seen until it was seen mended.
    Drift,
    /// The verdict of an account or of the central side changed.
    Verdict,
    /// The coverage of an account changed.
    Coverage,
    /// A person told the daemon to do something.
    Operation,
}

impl What {
    /// Everything that there is to tell of.
    pub const ALL: [Self; 5] = [Self::Write, Self::Drift, Self::Verdict, Self::Coverage, Self::Operation];

    /// As in JSON, filters and the file.
    pub fn label(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Drift => "drift",
            Self::Verdict => "verdict",
            Self::Coverage => "coverage",
            Self::Operation => "operation",
        }
    }

    /// The one with this label.
    pub fn of_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|what| what.label() == label)
    }
}

/// How a writing call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// AWS did it.
    Done,
    /// AWS refused it, or could not be reached; `error` says which.
    Failed,
    /// It was about to be made and nobody wrote down how it ended: it is under way, or we were killed in between.
    Unknown,
}

impl Outcome {
    /// Every way to end.
    pub const ALL: [Self; 3] = [Self::Done, Self::Failed, Self::Unknown];

    /// As in JSON, filters and the file.
    pub fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    /// The one with this label.
    pub fn of_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.label() == label)
    }
}

/// One thing that happened. What does not apply to it is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its place in the order of recording; grows with time and is the cursor of lists. 0 until it is kept.
    pub id: i64,
    /// Names it for ever: a second record of the same token replaces the first.
    #[serde(skip)]
    pub token: String,
    /// What it tells of.
    pub what: What,
    /// When it happened; of a drift, when it was first seen; of a write, when it was about to be made.
    pub at: Timestamp,
    /// Of a drift, when it was last seen; of a write, when AWS answered.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<Timestamp>,
    /// Of a drift, when it was first seen mended or gone.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<Timestamp>,
    /// The account concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub account: Option<String>,
    /// The Region concerned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub region: Option<String>,
    /// `central` or `member`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub side: Option<String>,
    /// The managed kind of the resource.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    /// The name of the resource.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// Of a write: `create`, `update` or `delete`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<String>,
    /// AWS's name of the call, or what a person told the daemon to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operation: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// The verdict or coverage before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub from: Option<String>,
    /// The verdict or coverage now; of a drift, its verdict.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub to: Option<String>,
    /// The fields that differed or were changed: path, desired, observed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub fields: Option<Value>,
    /// Of a write: how it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<Outcome>,
    /// AWS's id of the request, by which CloudTrail knows it too.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request_id: Option<String>,
    /// Why the write failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// Who told the daemon to do it, by the name of the token.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
}

/// Gives each record a name that no other process and no other record has.
#[derive(Debug)]
pub(super) struct Tokens {
    process: String,
    next: AtomicU64,
}

impl Tokens {
    pub(super) fn new() -> Self {
        Self { process: format!("{:016x}", rand::random::<u64>()), next: AtomicU64::new(1) }
    }

    fn next(&self) -> String {
        format!("{}-{}", self.process, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl Record {
    /// A record of which nothing is known but what it tells of and when.
    pub(super) fn new(tokens: &Tokens, what: What, at: Timestamp) -> Self {
        Self::of_token(tokens.next(), what, at)
    }

    /// The record of this token, of which nothing is known but what it tells of and when.
    pub(super) fn of_token(token: String, what: What, at: Timestamp) -> Self {
        Self {
            id: 0,
            token,
            what,
            at,
            until: None,
            ended_at: None,
            account: None,
            region: None,
            side: None,
            kind: None,
            name: None,
            action: None,
            operation: None,
            reason: None,
            from: None,
            to: None,
            fields: None,
            outcome: None,
            request_id: None,
            error: None,
            by: None,
        }
    }

    fn in_target(mut self, key: &TargetKey) -> Self {
        self.account = Some(key.account.to_string());
        self.region = Some(key.region.to_string());
        self.side = Some(side(key.side).to_owned());
        self
    }

    /// A call that is about to be made.
    pub(super) fn intent(
        tokens: &Tokens,
        key: &TargetKey,
        change: &Change,
        operation: &str,
        at: Timestamp,
    ) -> Self {
        Self {
            kind: Some(change.resource.kind.to_owned()),
            name: Some(change.resource.name.clone()),
            action: Some(action(change.action).to_owned()),
            operation: Some(operation.to_owned()),
            reason: Some(change.reason.clone()),
            fields: fields(&change.fields),
            outcome: Some(Outcome::Unknown),
            ..Self::new(tokens, What::Write, at).in_target(key)
        }
    }

    /// The same once AWS has answered, or has not.
    pub(super) fn answered(mut self, outcome: &Result<Option<String>, CloudError>, at: Timestamp) -> Self {
        self.until = Some(at);
        match outcome {
            Ok(request_id) => {
                self.outcome = Some(Outcome::Done);
                self.request_id.clone_from(request_id);
            }
            Err(error) => {
                self.outcome = Some(Outcome::Failed);
                self.request_id.clone_from(&error.request_id);
                self.error = Some(error.to_string());
            }
        }
        self
    }

    /// A resource that is not as desired, seen for the first time.
    pub(super) fn drift(tokens: &Tokens, key: &TargetKey, resource: &Resource, at: Timestamp) -> Self {
        Self {
            until: Some(at),
            kind: Some(resource.id.kind.to_owned()),
            name: Some(resource.id.name.clone()),
            reason: resource.reason.map(str::to_owned),
            to: Some(resource.verdict.label().to_owned()),
            fields: fields(&resource.changes),
            ..Self::new(tokens, What::Drift, at).in_target(key)
        }
    }
}

/// As in JSON and the file.
pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Central => "central",
        Side::Member => "member",
        Side::Audit => "audit",
    }
}

fn action(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Update => "update",
        Action::Delete => "delete",
    }
}

/// The fields as they are served; they hold no secret, as nothing of a plan does.
fn fields(changes: &Fields) -> Option<Value> {
    let list = || changes.iter().map(|change| serde_json::json!(change)).collect();
    (!changes.is_empty()).then(list)
}
