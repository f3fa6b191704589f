//! The product as its users meet it: one theme a file, each test an organization of its own.

mod broken_accounts;
mod faults;
mod interrupted;
mod observe;
mod scene;
mod serves;
