//! What the daemon tells about itself while it runs: log lines and metrics.

pub mod logs;
pub mod metrics;
