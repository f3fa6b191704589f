//! The services. Each has its state and one function that performs its operations.

pub mod account;
pub mod cloudtrail;
pub mod cloudwatch;
pub mod events;
pub mod iam;
pub mod kms;
pub mod logs;
pub mod organizations;
pub mod sns;
pub mod sqs;
pub mod sts;
