//! One managed resource as it was judged: what it is, how it stands, and which fields differ.

use std::fmt;
use std::ops::Index;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::error::CloudError;
use super::json::Json;

/// The name of a managed kind, as in `sender_rule`.
pub type KindName = &'static str;

/// Names a resource within a target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceId {
    /// The managed kind.
    pub kind: KindName,
    /// The resource's own name.
    pub name: String,
}

impl fmt::Display for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Serialize for ResourceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How a resource, or the worst resource of an account, stands. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Observed as desired.
    InSync,
    /// Not judged yet, or not ready yet.
    Pending,
    /// Ours and no longer desired.
    Orphan,
    /// Could not be seen.
    Unknown,
    /// Ours, and differs from what is desired.
    Drifted,
    /// Stands at our name and is not ours.
    Foreign,
}

impl Verdict {
    /// The verdict as in JSON and metric labels.
    pub fn label(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::Pending => "pending",
            Self::Orphan => "orphan",
            Self::Unknown => "unknown",
            Self::Drifted => "drifted",
            Self::Foreign => "foreign",
        }
    }

    /// Every verdict, best first.
    pub const ALL: [Self; 6] =
        [Self::InSync, Self::Pending, Self::Orphan, Self::Unknown, Self::Drifted, Self::Foreign];
}

/// One field that differs; `Null` stands for "is not there".
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct FieldChange {
    /// Where in the resource: `targets.central.role_arn`.
    pub path: String,
    /// What it should be.
    pub desired: Json,
    /// What was seen.
    pub observed: Json,
}

/// The field of a bus or topic that says with which customer's key it is encrypted.
pub const KEY_FIELD: &str = "kms_key_arn";

impl FieldChange {
    /// Whether alerts flow as they should whether it is mended or not: a tag or a description carries no event, and what is
    /// not encrypted yet keeps none out.
    pub fn carries_no_event(&self) -> bool {
        let plain = self.path == KEY_FIELD && self.observed.is_null();
        plain || self.path == "description" || self.path.starts_with("tags.")
    }
}

/// The fields in which a resource differs, in the order of their paths. Copies share them, and lists may share what they
/// have in common: verdict and plan tell the same fields, and thousands of accounts lack the same rule at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fields(Arc<[Arc<FieldChange>]>);

impl Fields {
    /// Each of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &FieldChange> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many differ.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Lets `share` put an equal one that others have in the place of each.
    pub fn share(&mut self, share: impl FnMut(&mut Arc<FieldChange>)) {
        if !self.is_empty() {
            Arc::make_mut(&mut self.0).iter_mut().for_each(share);
        }
    }
}

impl FromIterator<FieldChange> for Fields {
    fn from_iter<I: IntoIterator<Item = FieldChange>>(fields: I) -> Self {
        Self(fields.into_iter().map(Arc::new).collect())
    }
}

impl<const N: usize> From<[FieldChange; N]> for Fields {
    fn from(fields: [FieldChange; N]) -> Self {
        fields.into_iter().collect()
    }
}

impl From<Vec<FieldChange>> for Fields {
    fn from(fields: Vec<FieldChange>) -> Self {
        fields.into_iter().collect()
    }
}

impl Index<usize> for Fields {
    type Output = FieldChange;

    fn index(&self, index: usize) -> &FieldChange {
        &self.0[index]
    }
}

/// A remark on a resource that is no drift: something that waits for a person, or that is only reported.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Note {
    /// CamelCase constant: `SubscriptionPending`.
    pub reason: &'static str,
    /// What it is about and what to do.
    pub message: String,
    /// The part of the resource that it is about, by which that part is remembered: `email a@example.com`.
    #[serde(skip)]
    pub about: Option<String>,
}

impl Note {
    /// A remark on the whole of a resource.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), about: None }
    }
}

/// One resource as judged by a pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Resource {
    /// Which resource.
    #[serde(flatten, serialize_with = "id_fields")]
    pub id: ResourceId,
    /// How it stands.
    pub verdict: Verdict,
    /// Why, as a CamelCase constant, where the verdict alone does not say it: `NameTaken`, `Settling`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The fields that differ.
    pub changes: Fields,
    /// The failed read behind `unknown`, or the failed write that should have put right what differs.
    #[serde(serialize_with = "error_text")]
    pub error: Option<Box<CloudError>>,
    /// Remarks that are no drift.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
}

fn id_fields<S: Serializer>(id: &ResourceId, serializer: S) -> Result<S::Ok, S::Error> {
    use serde::ser::SerializeMap;
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("kind", id.kind)?;
    map.serialize_entry("name", &id.name)?;
    map.end()
}

fn error_text<S: Serializer>(error: &Option<Box<CloudError>>, serializer: S) -> Result<S::Ok, S::Error> {
    match error {
        Some(error) => serializer.collect_str(error),
        None => serializer.serialize_none(),
    }
}
