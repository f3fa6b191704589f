//! The product as its users meet it: one theme a file, each test an organization of its own.

mod converges;
mod drift;
mod limits;
mod ownership;
mod reading;
mod renames;
mod scene;
mod serves;
mod teardown;
