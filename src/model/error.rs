//! What went wrong in a call to AWS, told so that a person knows what to do next.

use std::fmt;

use serde::Serialize;

use super::ids::{AccountId, Region};

/// What kind of failure a call met; decides when it is tried again and what a person is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// AWS asked us to slow down.
    Throttled,
    /// A policy of the account, of the role or of the session does not allow the call.
    Denied,
    /// A service control policy of the organization forbids the call.
    DeniedByScp,
    /// The Region is not enabled in the account.
    RegionDisabled,
    /// The account or the role is so new that AWS does not know it everywhere yet.
    NotReady,
    /// The thing that the call names is not there.
    NotFound,
    /// Somebody else changed the same thing at the same time.
    Conflict,
    /// AWS refuses the request as it is; repeating it cannot help.
    Invalid,
    /// A quota of the account is used up.
    LimitExceeded,
    /// Our own credentials are missing or have expired.
    Credentials,
    /// No answer: endpoint unreachable, time-out, connection lost, or a fault inside AWS.
    Unreachable,
    /// An operation that a read-only session may not carry out; it was not sent.
    NotSent,
}

impl ErrorClass {
    /// The class in the CamelCase of condition reasons.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Denied => "Denied",
            Self::DeniedByScp => "DeniedByScp",
            Self::RegionDisabled => "RegionDisabled",
            Self::NotReady => "NotReady",
            Self::NotFound => "NotFound",
            Self::Conflict => "Conflict",
            Self::Invalid => "Invalid",
            Self::LimitExceeded => "LimitExceeded",
            Self::Credentials => "Credentials",
            Self::Unreachable => "Unreachable",
            Self::NotSent => "NotSent",
        }
    }

    /// The class in the snake_case of metric labels and JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Denied => "denied",
            Self::DeniedByScp => "denied_by_scp",
            Self::RegionDisabled => "region_disabled",
            Self::NotReady => "not_ready",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Invalid => "invalid",
            Self::LimitExceeded => "limit_exceeded",
            Self::Credentials => "credentials",
            Self::Unreachable => "unreachable",
            Self::NotSent => "not_sent",
        }
    }
}

/// A failed call to AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
pub struct CloudError {
    /// What kind of failure it is.
    pub class: ErrorClass,
    /// The service as AWS's command line calls it: `events`, `sts`.
    pub service: &'static str,
    /// AWS's name of the operation: `PutRule`.
    pub operation: &'static str,
    /// The account that the call was about.
    pub account: Option<AccountId>,
    /// The Region that the call went to.
    pub region: Option<Region>,
    /// AWS's error code, or ours where no answer came.
    pub code: String,
    /// AWS's message.
    pub message: String,
    /// AWS's request id, by which its support finds the call.
    pub request_id: Option<String>,
    /// What to do next.
    pub hint: String,
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.operation)?;
        if let Some(account) = &self.account {
            write!(f, " in account {account}")?;
        }
        if let Some(region) = &self.region {
            write!(f, " ({region})")?;
        }
        write!(f, ": {}", self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " [request {id}]")?;
        }
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}
