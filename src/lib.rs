//! orgwatch installs IAM change alerting in every account of an AWS Organization and keeps it true.
//!
//! The module map; an arrow reads "is used by":
//! `model` <- `config`, `presets`, `pattern` <- `desired`, `diff`, `plan` <- `kinds` <- `controller` <- `app`.
//! `aws` is used by `kinds` and `controller` only; `http` reads snapshots and posts keys.

pub mod http;
pub mod model;
pub mod telemetry;
