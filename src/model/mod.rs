//! The words of the product as types: plain data without clock, client or randomness.

pub mod endpoint;
pub mod ids;
pub mod partition;
