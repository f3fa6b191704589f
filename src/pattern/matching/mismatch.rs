//! Why an event does not match.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::leaves::Leaf;
use crate::pattern::Finding;

/// Why an event does not match a pattern.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mismatch {
    /// EventBridge does not take the pattern.
    Refused(Box<Finding>),
    /// For each way in which the event could have matched, the first field that fails; never empty, none twice.
    Fields(Vec<Miss>),
}

/// A field that fails.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Miss {
    /// The path of the field: `detail.eventName`.
    pub path: String,
    /// The alternatives that the pattern has for it, as it writes them.
    pub asked: Vec<Value>,
    /// What the event has there.
    pub found: Found,
}

/// What an event has at a path.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Nothing, or no value: an object is none, nor is an empty list.
    Absent,
    /// These values; several in a list.
    Values(Vec<Value>),
    /// These values, of which one would do, but in another element of the list than the fields before it.
    Elsewhere(Vec<Value>),
}

impl Found {
    pub(super) fn of(leaves: &[Leaf<'_>]) -> Self {
        if leaves.is_empty() { Self::Absent } else { Self::Values(Self::values(leaves)) }
    }

    pub(super) fn values(leaves: &[Leaf<'_>]) -> Vec<Value> {
        leaves.iter().map(|leaf| leaf.value.clone()).collect()
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(finding) => write!(f, "EventBridge refuses the pattern: {}", finding.message),
            Self::Fields(misses) => {
                let misses: Vec<String> = misses.iter().map(ToString::to_string).collect();
                f.write_str(&misses.join("; and "))
            }
        }
    }
}

impl fmt::Display for Miss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, asked, found } = self;
        match found {
            Found::Absent => write!(f, "the event has no `{path}`")?,
            Found::Values(values) => write!(f, "`{path}` is {}", list(values))?,
            Found::Elsewhere(values) => {
                write!(
                    f,
                    "`{path}` is {}, but not in the same element of its list as the fields before it",
                    list(values)
                )?;
            }
        }
        write!(f, "; asked for {} {}", if asked.len() > 1 { "is one of" } else { "is" }, list(asked))
    }
}

/// Some values, as JSON; not all of a long list.
fn list(values: &[Value]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = values.iter().take(SHOWN).map(ToString::to_string).collect();
    match values.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
