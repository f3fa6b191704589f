//! The edge to AWS: clients built once, credentials given to each call, failures told in our words.

mod account;
mod cloudtrail;
mod cloudwatch;
pub mod credentials;
mod error;
pub mod events;
pub mod execute;
pub mod iam;
pub mod inbox;
mod kms;
mod knock;
pub mod letters;
mod limited;
pub mod load;
mod logs;
pub mod organization;
pub mod sending;
pub mod session_policy;
pub mod sns;
pub mod sqs;
pub mod sts;

use std::sync::Arc;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_types::request_id::RequestId;

use crate::model::error::{CloudError, ErrorClass};
use crate::model::ids::{AccountId, Region};

pub(crate) use limited::Limited;
pub use load::LoadError;

/// Told of every call that was made: service, operation, and the class of its error if it failed.
pub type OnCall = Arc<dyn Fn(&'static str, &'static str, Option<ErrorClass>) + Send + Sync>;

/// What a session may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reads only. The session policy says so to AWS, and an interceptor says so before anything is sent.
    Read,
    /// What one plan needs.
    Write,
    /// Receives and deletes messages of the inbox, and nothing else.
    Inbox,
    /// Looks through dead letters, which stay where they are.
    Letters,
    /// Publishes what dead letters hold, and removes them.
    Delivery,
    /// Sends events of orgwatch's own.
    Send,
}

impl Access {
    /// Whether a session with this access may send an operation; the session policy says the same to AWS.
    pub(crate) fn allows(self, operation: &str) -> bool {
        let reads = || {
            ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb))
                || operation == "AssumeRole"
        };
        let letters =
            || ["ChangeMessageVisibilityBatch", "GetQueueUrl", "ReceiveMessage"].contains(&operation);
        match self {
            Self::Read => reads(),
            Self::Write => true,
            Self::Inbox => ["DeleteMessageBatch", "GetQueueUrl", "ReceiveMessage"].contains(&operation),
            Self::Letters => letters(),
            Self::Send => operation == "PutEvents",
            Self::Delivery => letters() || ["DeleteMessage", "Publish"].contains(&operation),
        }
    }
}

/// Credentials for one account and one Region, and what they may be used for.
#[derive(Clone, Debug)]
pub struct Session {
    /// The account that the credentials belong to.
    pub account: AccountId,
    /// The Region that calls go to.
    pub region: Region,
    /// What it may do.
    pub access: Access,
    /// None: those that the program was started with.
    pub(crate) credentials: Option<SharedCredentialsProvider>,
}

impl Session {
    /// The same session towards another Region.
    pub fn in_region(&self, region: &Region) -> Self {
        Self { region: region.clone(), ..self.clone() }
    }
}

/// One client for each service, shared by all accounts.
#[derive(Clone)]
pub struct Cloud {
    pub(crate) account: aws_sdk_account::Client,
    pub(crate) cloudtrail: aws_sdk_cloudtrail::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) events: aws_sdk_eventbridge::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) organizations: aws_sdk_organizations::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    on_call: OnCall,
}

impl Cloud {
    /// The clients on top of a loaded configuration.
    pub fn new(config: &aws_types::SdkConfig, on_call: OnCall) -> Self {
        Self {
            account: aws_sdk_account::Client::new(config),
            cloudtrail: aws_sdk_cloudtrail::Client::new(config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(config),
            events: aws_sdk_eventbridge::Client::new(config),
            iam: aws_sdk_iam::Client::new(config),
            kms: aws_sdk_kms::Client::new(config),
            logs: aws_sdk_cloudwatchlogs::Client::new(config),
            organizations: aws_sdk_organizations::Client::new(config),
            sns: aws_sdk_sns::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            on_call,
        }
    }

    /// Counts the call and turns its failure into our words.
    fn outcome<O, E>(
        &self,
        service: &'static str,
        operation: &'static str,
        session: &Session,
        result: Result<O, SdkError<E, HttpResponse>>,
    ) -> Result<O, CloudError>
    where
        E: std::error::Error
            + aws_smithy_types::error::metadata::ProvideErrorMetadata
            + RequestId
            + Send
            + Sync
            + 'static,
    {
        let result = result.map_err(|e| error::cloud_error(service, operation, session, e));
        (self.on_call)(service, operation, result.as_ref().err().map(|e| e.class));
        result
    }
}

/// Sends one call with a session's credentials and Region.
///
/// Retries of one account must not starve those of another, so each account and service has a retry partition
/// of its own.
macro_rules! send {
    ($cloud:expr, $session:expr, $sdk:ident, $service:literal, $operation:literal, $builder:expr) => {{
        let session: &$crate::aws::Session = $session;
        let mut overrides = $sdk::Config::builder()
            .region($sdk::config::Region::new(session.region.to_string()))
            .retry_partition($sdk::config::retry::RetryPartition::new(format!(
                concat!($service, "-{}"),
                session.account
            )));
        overrides.set_credentials_provider(session.credentials.clone());
        if session.access != $crate::aws::Access::Write {
            overrides = overrides.interceptor($crate::aws::Limited(session.access));
        }
        let result = $builder.customize().config_override(overrides).send().await;
        $cloud.outcome($service, $operation, session, result)
    }};
}
pub(crate) use send;
