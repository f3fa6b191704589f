//! A simulated AWS Organization: what AWS answers, refuses, delivers and drops, for the calls that a forwarder of IAM
//! events makes.
//!
//! It follows AWS, not its users: where the two differ, the users are wrong. It is served over HTTP by [`serve`], or
//! asked in the same process by [`Simulator::handle`].

pub mod access;
pub mod admin;
pub mod call;
pub mod clock;
pub mod delivery;
mod dispatch;
pub mod fault;
pub mod journal;
pub mod partition;
pub mod pattern;
pub mod policy;
pub mod seed;
mod server;
pub mod service;
pub mod settling;
mod simulator;
pub mod trail;
pub mod transform;
pub mod wire;
pub mod world;

pub use server::serve;
pub use simulator::{Reply, Simulator, Transport};
