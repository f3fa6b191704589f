//! A simulated organization and daemons that run in it, in one thread and in virtual time.

mod connector;
mod daemon;
mod watchman;

pub(crate) use connector::Fuse;
pub(crate) use daemon::Daemon;
