//! The command line's surface: what can be said, and what the program says by its exit code.

pub mod args;
pub mod audit;
pub mod change;
pub mod delivery;
pub mod demo;
pub mod exit;
pub mod history;
pub mod look;
pub mod offline;
pub mod operate;

pub use args::{Cli, Command};
pub use exit::Outcome;
