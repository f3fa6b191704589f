//! The words of the product as types: plain data without clock, client or randomness.

pub mod alarm;
pub mod call;
pub mod endpoint;
pub mod error;
pub mod ids;
pub mod json;
pub mod metric_filter;
pub mod partition;
pub mod plan;
pub mod resource;
pub mod scope;
pub mod target;
pub mod view;
