//! What the benchmarks ask of monitoring, and whether it is there. Pure.
//!
//! Every edition of the CIS AWS Foundations Benchmark, AWS Security Hub and Trend Micro's rules ask for the same 15 things
//! to be watched; here these are the *themes*, and a standard is a table that gives a theme its number. An audit holds
//! [`evidence`] against a standard and makes a [`report`] of it.

mod alarm_half;
pub mod evidence;
pub mod filter;
mod half;
pub mod installed;
mod judge;
pub mod place;
pub mod report;
mod rule_half;
pub mod standards;
pub mod themes;
mod watching;

pub use installed::Installed;
pub use judge::report as audit;
pub use report::Report;
pub use standards::Standard;
pub use themes::{NAMESPACE, Theme};

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;
