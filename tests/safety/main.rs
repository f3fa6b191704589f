//! What must never happen, and what must always come back: properties of the product in a simulated organization.
//!
//! Everything runs in one thread and in virtual time; the product reaches the simulator through the AWS SDK alone.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is all test code, its functions included"
)]

mod alerts;
mod attack;
mod attacker;
mod audit;
mod audited;
mod canary;
mod configurations;
mod converges;
mod copies;
#[path = "../corpus/mod.rs"]
mod corpus;
mod credentials;
mod drift;
mod drill;
mod foreign;
mod guard;
mod health;
mod hops;
mod installs;
mod interrupted;
mod keys;
mod letters;
mod limits;
mod listings;
mod privilege;
mod proven;
mod regions;
mod script;
mod secrets;
mod sight;
mod stage;
mod strangers;
mod suppressed;
mod teardown;
mod trails;
mod unknown;

/// Whether `PROPTEST_CASES` asks for more than the usual few.
fn many_are_asked_for() -> bool {
    proptest::test_runner::Config::default().cases != 256
}

/// So many cases, or more where `PROPTEST_CASES` asks for them. Seeds that found something are kept.
fn cases(usual: u32) -> proptest::test_runner::Config {
    use proptest::test_runner::{Config, FileFailurePersistence};
    let default = Config::default();
    Config {
        cases: if many_are_asked_for() { default.cases } else { usual },
        failure_persistence: Some(Box::new(FileFailurePersistence::SourceParallel("safety/regressions"))),
        ..default
    }
}
