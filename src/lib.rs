//! orgwatch installs IAM change alerting in every account of an AWS Organization and keeps it true.
//!
//! The module map; an arrow reads "is used by":
//! `model` <- `document`, `diff`, `world`, `inventory` <- `kinds` <- `controller` <- `app`.
//! `aws` is used by `kinds` and `controller` only; `http` reads snapshots and posts keys.

pub mod aws;
pub mod diff;
pub mod document;
pub mod inventory;
pub mod judge;
pub mod kinds;
pub mod limits;
pub mod model;
pub mod planning;
pub mod world;
