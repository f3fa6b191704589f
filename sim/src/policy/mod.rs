//! IAM policies: parsing, and whether a set of them allows something.
//!
//! Written for the simulator, as the crate `iam-rs` does not tell how a policy names a principal (which decides what
//! else must allow), never matches a statement without `Resource` (every trust policy), takes `ArnLike` for
//! `StringLike` and compiles its patterns anew at each evaluation.

use std::collections::BTreeMap;

mod condition;
mod document;
mod evaluate;
mod glob;
mod principal;
mod statement;

pub use document::{Policy, PolicyKind};
pub use evaluate::{Decision, Layer, Policies, Request, Within, evaluate};
pub use principal::{Principal, Requester};
pub use statement::{Effect, Statement};

/// The keys of a request's context, in lower case, with their values.
pub type Context = BTreeMap<String, Vec<String>>;
