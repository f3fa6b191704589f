//! What the benchmarks ask of monitoring, and whether it is there.
//!
//! Every edition of the CIS AWS Foundations Benchmark, AWS Security Hub and Trend Micro's rules ask for the same 15 things
//! to be watched; here these are the *themes*, and a standard is a table that gives a theme its number.

pub mod filter;
pub mod installed;
pub mod place;
pub mod themes;

pub use installed::Installed;
pub use themes::{NAMESPACE, Theme};
