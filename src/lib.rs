//! orgwatch installs IAM change alerting in every account of an AWS Organization and keeps it true.
//!
//! The module map; an arrow reads "is used by":
//! `model` <- `document`, `diff`, `config`, `presets`, `pattern` <- `world`, `inventory`, `desired` <- `kinds` <-
//! `judge`, `planning` <- `controller` <- `cli`, `app`. `aws` is used by `kinds` and `controller` only; `http` reads
//! snapshots and posts keys; `render` turns values into text.

pub mod app;
pub mod aws;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod compile;
pub mod compliance;
pub mod config;
pub mod controller;
#[cfg(test)]
#[path = "../tests/corpus/mod.rs"]
mod corpus;
pub mod deliveries;
pub mod desired;
pub mod diff;
pub mod document;
pub mod drill;
pub mod format;
pub mod guard;
pub mod history;
pub mod hops;
pub mod http;
pub mod inbox;
pub mod inventory;
pub mod judge;
mod keys;
pub mod kinds;
pub mod letters;
pub mod limits;
pub mod model;
pub mod news;
mod pace;
pub mod panics;
pub mod pattern;
pub mod planning;
pub mod preflight;
pub mod presets;
pub mod regions;
pub mod reload;
pub mod render;
pub mod route;
mod spelling;
pub mod telemetry;
pub mod tls;
pub mod trail;
pub mod units;
pub mod world;
