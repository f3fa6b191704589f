//! The guard: what counts as tampering with orgwatch itself, in members and in the central account.
//!
//! In a member a second rule with a role of its own reports it, so that no single call can hide itself. In the central
//! account two rules stand on the default bus, never on our own, which may be what is tampered with.

pub mod fields;
pub mod pattern;
#[cfg(test)]
mod tests;

/// The guard rule of a member, without the installation's name.
pub const MEMBER: &str = "guard";
/// The guard rule of the central account.
pub const CENTRAL: &str = "guard-central";
/// Its second half, for what is done with our own role.
pub const CENTRAL_OWN: &str = "guard-central-own";
/// The rule on the central bus that wakes us.
pub const WAKE: &str = "wake";
/// The built-in alert, its rule and its topic.
pub const TAMPER: &str = "tamper";
