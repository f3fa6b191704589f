//! The product as its users meet it: one theme a file, each test an organization of its own.

mod access;
mod bad_input;
mod broken_accounts;
mod credentials;
mod faults;
mod interrupted;
mod observe;
mod scene;
mod secrets;
mod serves;
