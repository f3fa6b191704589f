//! One call as AWS sees it: who asks which operation of which service, with what.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::policy::Policy;

/// A service that the simulator knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// AWS Account Management.
    Account,
    /// CloudTrail.
    CloudTrail,
    /// CloudWatch: metrics and alarms.
    CloudWatch,
    /// EventBridge.
    Events,
    /// Identity and Access Management.
    Iam,
    /// Key Management Service.
    Kms,
    /// CloudWatch Logs: log groups and metric filters.
    Logs,
    /// Organizations.
    Organizations,
    /// Simple Notification Service.
    Sns,
    /// Simple Queue Service.
    Sqs,
    /// Security Token Service.
    Sts,
}

impl Service {
    /// The name by which its events know the service: `eventSource` without `.amazonaws.com`, `source` without `aws.`.
    pub fn event_source(self) -> &'static str {
        match self {
            // AWS: CloudWatch's endpoint is called monitoring, and so are its calls in CloudTrail.
            Self::CloudWatch => "monitoring",
            _ => self.prefix(),
        }
    }

    /// The prefix of the service's IAM actions.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::CloudTrail => "cloudtrail",
            Self::CloudWatch => "cloudwatch",
            Self::Events => "events",
            Self::Iam => "iam",
            Self::Kms => "kms",
            Self::Logs => "logs",
            Self::Organizations => "organizations",
            Self::Sns => "sns",
            Self::Sqs => "sqs",
            Self::Sts => "sts",
        }
    }

    /// How the service words a refused permission: HTTP status and error code.
    pub fn denial(self) -> (u16, &'static str) {
        match self {
            Self::Iam | Self::Sts => (403, "AccessDenied"),
            Self::Sns => (403, "AuthorizationError"),
            Self::Account => (403, "AccessDeniedException"),
            Self::CloudTrail | Self::Events | Self::Kms | Self::Logs | Self::Organizations => {
                (400, "AccessDeniedException")
            }
            Self::CloudWatch | Self::Sqs => (403, "AccessDenied"),
        }
    }

    /// How the service words that it is asked too fast: HTTP status and error code.
    pub fn throttling(self) -> (u16, &'static str) {
        match self {
            Self::CloudWatch | Self::Iam | Self::Sts | Self::Sns => (400, "Throttling"),
            Self::Organizations | Self::Account => (400, "TooManyRequestsException"),
            Self::CloudTrail | Self::Events | Self::Kms | Self::Logs => (400, "ThrottlingException"),
            Self::Sqs => (403, "RequestThrottled"),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix())
    }
}

/// Who makes a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Caller {
    /// The account that the credentials belong to.
    pub account: String,
    /// The principal: the administrator's user, or a role's session.
    pub principal: Principal,
    /// The access key that the call was signed with.
    pub access_key: String,
}

/// What kind of principal a caller is.
#[derive(Clone, Debug, PartialEq)]
pub enum Principal {
    /// A user with every right in its account: key `test`, in the management account.
    Administrator,
    /// A session of a role.
    Session(Arc<Session>),
}

/// A session of a role, as AssumeRole gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// The role's name, without its path.
    pub role_name: String,
    /// The role's unique id (`AROA…`): a role made anew under the same name is another one.
    pub role_id: String,
    /// The role's ARN, with its path.
    pub role_arn: String,
    /// The session's name.
    pub name: String,
    /// The secret token that must come with the access key.
    pub token: String,
    /// When the credentials end.
    pub expires_at: Timestamp,
    /// The session policies; empty: none was given.
    pub policies: Vec<Arc<Policy>>,
    /// The source identity, which stays along a chain.
    pub source_identity: Option<String>,
    /// Whether the session was opened with the credentials of another session.
    pub chained: bool,
}

impl Caller {
    /// The ARN that GetCallerIdentity answers: of the user, or of the assumed role's session.
    pub fn arn(&self, partition: &str) -> String {
        match &self.principal {
            Principal::Administrator => format!("arn:{partition}:iam::{}:user/administrator", self.account),
            Principal::Session(session) => format!(
                "arn:{partition}:sts::{}:assumed-role/{}/{}",
                self.account, session.role_name, session.name
            ),
        }
    }

    /// What `aws:PrincipalArn` holds: the user's ARN, or the role's (not the session's).
    pub fn principal_arn(&self, partition: &str) -> String {
        match &self.principal {
            Principal::Administrator => self.arn(partition),
            Principal::Session(session) => session.role_arn.clone(),
        }
    }
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The service that is asked.
    pub service: Service,
    /// The operation, as AWS spells it.
    pub operation: String,
    /// Its input. Values of the query protocols are all text; the accessors below read both forms.
    pub input: Map<String, Value>,
    /// The Region that the request was signed for.
    pub region: String,
    /// Who asks.
    pub caller: Caller,
    /// The id that the answer carries.
    pub request_id: String,
    /// When it came in.
    pub at: Timestamp,
}

impl Call {
    /// A text of the input; `None` when it is absent or null.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.input.get(name).and_then(Value::as_str)
    }

    /// A text that the operation requires.
    ///
    /// # Errors
    /// `ValidationException` (or the service's like) when it is absent.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.text(name).ok_or_else(|| Refusal::missing(self.service, name))
    }

    /// A whole number, written as a number or as text.
    pub fn number(&self, name: &str) -> Option<i64> {
        let value = self.input.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// A truth value, written as such or as text.
    pub fn flag(&self, name: &str) -> Option<bool> {
        let value = self.input.get(name)?;
        value.as_bool().or_else(|| value.as_str()?.parse().ok())
    }

    /// A list; empty when it is absent.
    pub fn list(&self, name: &str) -> &[Value] {
        self.input.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// A structure or map; `None` when it is absent.
    pub fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.input.get(name).and_then(Value::as_object)
    }
}

/// An error that AWS answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The error code, as AWS spells it.
    pub code: String,
    /// What AWS says about it.
    pub message: String,
}

impl Refusal {
    /// An error with a status of its own.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into() }
    }

    /// An error of the caller: status 400.
    pub fn bad(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// A parameter that the operation requires is absent.
    pub fn missing(service: Service, name: &str) -> Self {
        Self::invalid(
            service,
            format!("Value at '{name}' failed to satisfy constraint: Member must not be null"),
        )
    }

    /// A value that the service's validation refuses.
    pub fn invalid(service: Service, message: impl Into<String>) -> Self {
        let code = match service {
            Service::Iam | Service::Sts => "ValidationError",
            Service::Sns => "InvalidParameter",
            Service::CloudWatch | Service::Sqs => "InvalidParameterValue",
            Service::Organizations => "InvalidInputException",
            Service::Logs => "InvalidParameterException",
            Service::Account | Service::CloudTrail | Service::Events | Service::Kms => "ValidationException",
        };
        Self::bad(code, message)
    }
}
