//! Whether an event matches a pattern, and if not, why: EventBridge's matching, offline.
//!
//! It follows the engine that AWS publishes as `aws/event-ruler`, and the user guide where that says more. Where the two
//! differ, recordings of the live service decide: numbers are compared by value, although the guide says by the text.
//!
//! - All fields must match; of a field's alternatives one is enough; a field that is absent matches only
//!   `{"exists": false}`, so not `anything-but` either.
//! - A list in the event matches where one of its elements does; fields below the same list must match in the same
//!   element.
//! - A key with a dot is the same as two keys, in patterns and in events.
//! - Silent mistakes are kept as AWS keeps them: a field beside `$or` and in it is overwritten by whichever is read
//!   last, and a malformed `$or` is a field of that name. The pattern check finds them.

mod address;
mod branches;
mod leaves;
mod mismatch;
mod operator;
mod text;
mod wildcard;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

pub(super) use self::branches::is_alternatives;
use self::leaves::{Leaf, Leaves, Seat};
pub use self::mismatch::{Found, Mismatch, Miss};
use self::operator::Test;
pub(super) use self::operator::parse as parse_alternative;
use super::{Finding, Pattern};

/// The combinations of `$or` arms that a pattern may have.
pub const MAX_COMBINATIONS: usize = 1000;

/// A pattern made ready for matching.
#[derive(Clone, Debug)]
pub struct Matcher {
    /// The ways in which an event may match, never none; each is the fields that must all match, by path.
    branches: Vec<BTreeMap<String, Arc<Field>>>,
    wanted: BTreeSet<String>,
    /// Fields that stand twice in a branch, of which the former is lost.
    overwritten: BTreeSet<String>,
}

/// What is asked of one field.
#[derive(Debug, PartialEq)]
struct Field {
    /// The alternatives as the pattern writes them.
    asked: Vec<Value>,
    tests: Vec<Test>,
}

impl Field {
    fn accepts(&self, value: &Value) -> bool {
        self.tests.iter().any(|test| test.accepts(value))
    }

    fn may_be_absent(&self) -> bool {
        self.tests.contains(&Test::Exists(false))
    }
}

impl Pattern {
    /// The pattern made ready for matching, or what EventBridge refuses in it.
    pub fn matcher(&self) -> Result<Matcher, Finding> {
        Matcher::of(self.value())
    }

    /// Whether the event, with its envelope, matches; [`Mismatch::Refused`] for a pattern that EventBridge refuses.
    ///
    /// For one event; whoever has many makes a [`Matcher`] once.
    pub fn verdict(&self, event: &Value) -> Result<(), Mismatch> {
        self.matcher().map_err(|finding| Mismatch::Refused(Box::new(finding)))?.verdict(event)
    }
}

impl Matcher {
    /// A pattern as JSON made ready for matching, or the first thing that EventBridge refuses in it.
    ///
    /// Keys count in the order of `pattern`, which for what we send is that of the alphabet: `$or` before all names.
    pub fn of(pattern: &Value) -> Result<Self, Finding> {
        let mut overwritten = BTreeSet::new();
        let branches = branches::of(pattern, &mut overwritten)?;
        let wanted = branches.iter().flat_map(|branch| branch.keys().cloned()).collect();
        Ok(Self { branches, wanted, overwritten })
    }

    /// Whether the event, with its envelope, matches; if not, the first field that fails in each way that the pattern
    /// leaves open.
    pub fn verdict(&self, event: &Value) -> Result<(), Mismatch> {
        let leaves = Leaves::of(event, &self.wanted);
        let mut misses: Vec<Miss> = Vec::new();
        for branch in &self.branches {
            let Some(stuck) = stuck(branch, &leaves) else { return Ok(()) };
            let miss = self.miss(branch, &leaves, stuck);
            if !misses.contains(&miss) {
                misses.push(miss);
            }
        }
        Err(Mismatch::Fields(misses))
    }

    /// As [`Matcher::verdict`], for those who need no reason.
    pub fn matches(&self, event: &Value) -> bool {
        let leaves = Leaves::of(event, &self.wanted);
        self.branches.iter().any(|branch| stuck(branch, &leaves).is_none())
    }

    /// The fields of which one condition silently replaces another.
    pub(super) fn overwritten(&self) -> &BTreeSet<String> {
        &self.overwritten
    }

    /// Whether it counts among the 30 rules with wildcards that a bus takes.
    pub fn uses_wildcards(&self) -> bool {
        self.branches
            .iter()
            .flat_map(|branch| branch.values())
            .any(|field| field.tests.iter().any(Test::is_wildcard))
    }

    /// Why a branch in which matching ends at the field `stuck` does not match, as a person would begin to say it.
    fn miss(&self, branch: &BTreeMap<String, Arc<Field>>, leaves: &Leaves<'_>, stuck: &str) -> Miss {
        let mut fields: Vec<(&String, &Arc<Field>)> = branch.iter().collect();
        // What all branches ask for comes first, so that they agree on it; then what tells most.
        fields.sort_by_cached_key(|(path, field)| {
            let shared = self.branches.iter().all(|other| other.get(*path) == Some(*field));
            (!shared, rank(path), (*path).clone())
        });
        let fails = |path: &str, field: &Field| {
            let there = leaves.at(path);
            if there.is_empty() {
                !field.may_be_absent()
            } else {
                !there.iter().any(|leaf| field.accepts(leaf.value))
            }
        };
        let alone = fields.iter().find(|(path, field)| fails(path, field));
        let (path, found) = match alone {
            Some((path, _)) => (path.as_str(), Found::of(leaves.at(path))),
            // Each field matches somewhere, only not all in the same element of a list.
            None => (stuck, Found::Elsewhere(Found::values(leaves.at(stuck)))),
        };
        let asked = branch.get(path).map(|field| field.asked.clone()).unwrap_or_default();
        Miss { path: path.to_owned(), asked, found }
    }
}

/// The field at which a branch can go no further; none if it matches.
///
/// What is kept between fields is which element of each list was chosen: fields below one list must match in one element.
fn stuck<'b>(branch: &'b BTreeMap<String, Arc<Field>>, leaves: &Leaves<'_>) -> Option<&'b str> {
    let mut seats: BTreeSet<Seat> = BTreeSet::from([Seat::default()]);
    for (path, field) in branch {
        let there = leaves.at(path);
        let accepted: Vec<&Leaf<'_>> = there.iter().filter(|leaf| field.accepts(leaf.value)).collect();
        let mut next = BTreeSet::new();
        for seat in &seats {
            if field.may_be_absent() && !there.iter().any(|leaf| seat.with(&leaf.seat).is_some()) {
                next.insert(seat.clone());
            }
            next.extend(accepted.iter().filter_map(|leaf| seat.with(&leaf.seat)));
        }
        if next.is_empty() {
            return Some(path);
        }
        seats = next;
    }
    None
}

/// What a person would look at first.
fn rank(path: &str) -> usize {
    const FIRST: [&str; 6] =
        ["source", "account", "region", "detail-type", "detail.eventSource", "detail.eventName"];
    FIRST.iter().position(|first| *first == path).unwrap_or(FIRST.len())
}
