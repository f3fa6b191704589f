//! The real binary against an AWS emulator that nobody here wrote, seen through a recording proxy.
//!
//! Everything here blocks, so tests are plain `#[test]` functions; the proxy runs on threads of its own.

#![expect(clippy::expect_used, clippy::panic, reason = "this is all test code, its functions included")]

mod architecture;
mod config;
mod conformance;
#[cfg(feature = "demo")]
mod demo;
mod deploy;
mod documented;
mod emulator;
mod flooded;
mod full_disk;
mod fuzzed;
mod getting_started;
mod killed;
mod matching;
mod monitored;
mod named;
mod orgwatch;
mod page;
mod preflight;
mod proxy;
mod reloaded;
mod sdk;
mod self_test;
mod staged;
mod stories;
mod wait;
mod watched;
