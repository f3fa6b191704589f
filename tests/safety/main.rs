//! What must never happen, and what must always come back: properties of the product in a simulated organization.
//!
//! Everything runs in one thread and in virtual time; the product reaches the simulator through the AWS SDK alone.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is all test code, its functions included"
)]

mod attack;
mod converges;
mod drift;
mod installs;
mod privilege;
mod script;
mod stage;

/// So many cases, or more where `PROPTEST_CASES` asks for them.
fn cases(usual: u32) -> proptest::test_runner::Config {
    let default = proptest::test_runner::Config::default();
    let asked = default.cases != 256;
    proptest::test_runner::Config { cases: if asked { default.cases } else { usual }, ..default }
}
