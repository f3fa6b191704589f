//! Values to text for people: pure functions that return what the commands print.
//!
//! All text goes through `Page` of [`style`], the one place where colour is added and where text that AWS
//! or a user supplied loses what could steer a terminal.

pub mod account;
pub mod apply;
pub mod audit;
pub mod confirm;
pub mod history;
pub mod letters;
pub mod operate;
pub mod plan;
pub mod preflight;
pub mod presets;
pub mod problems;
pub mod progress;
pub mod route;
pub mod status;
#[cfg(feature = "demo")]
pub mod story;
pub mod style;
pub mod summary;

mod fields;
mod group;
mod head;
mod phrase;
mod trouble;

#[cfg(test)]
pub(crate) mod fixtures;

pub use style::Style;
