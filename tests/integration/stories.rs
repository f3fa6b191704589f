//! The product as its users meet it: one theme a file, each test an organization of its own.

mod access;
mod audit;
mod audited;
mod bad_input;
mod broken_accounts;
mod converges;
mod credentials;
mod drift;
mod faults;
mod interrupted;
mod limits;
mod metrics;
mod observe;
mod ownership;
mod reading;
mod renames;
mod scene;
mod secrets;
mod serves;
mod teardown;
