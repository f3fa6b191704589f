//! Knocks at AWS's hosts: whether they answer by the way that all calls go, and what time they tell.
//!
//! A knock is a call of the SDK like any other, so proxy, certificates, endpoints, FIPS and dual stack are as they will be.
//! It is signed with a key that nobody has: AWS refuses it before it looks at anything, in no account's records, and it
//! needs neither credentials nor rights.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use jiff::Timestamp;
use jiff::fmt::rfc2822;

use super::{Cloud, error};
use crate::clock::Clock;
use crate::model::ids::Region;
use crate::preflight::{Knock, Service};

/// How long a host may take. A call has several tries of twenty seconds; what is not there should be said sooner.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one request met.
#[derive(Debug, Default)]
struct Heard {
    host: Option<String>,
    /// Whether an answer came, and the time that it told.
    answer: Option<Option<Timestamp>>,
}

/// Listens to a call for its host and for its answer.
#[derive(Clone, Debug, Default)]
struct Listener(Arc<Mutex<Heard>>);

impl Listener {
    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Listener {
    fn name(&self) -> &'static str {
        "Listener"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        let host = uri.split("://").nth(1).and_then(|rest| rest.split('/').next());
        self.heard().host = host.map(ToOwned::to_owned);
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        self.heard().answer = Some(date.and_then(|date| rfc2822::parse(date).ok()).map(|at| at.timestamp()));
        Ok(())
    }
}

/// Makes one call of a service's SDK, in place of the credentials with a key that nobody has.
macro_rules! call {
    ($listener:expr, $region:expr, $sdk:ident, $builder:expr) => {{
        let overrides = $sdk::Config::builder()
            .region($sdk::config::Region::new($region.to_string()))
            .credentials_provider(nobody())
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder().connect_timeout(PATIENCE).operation_timeout(PATIENCE).build(),
            )
            .interceptor($listener.clone());
        $builder.customize().config_override(overrides).send().await.err().map(|refused| why(&refused))
    }};
}

impl Cloud {
    /// Knocks at the host of a service in a Region; changes and reads nothing.
    pub async fn knock(&self, service: Service, region: &Region, clock: &Clock) -> Knock {
        let listener = Listener::default();
        let began = clock.now();
        let failed = match service {
            Service::Sts => call!(listener, region, aws_sdk_sts, self.sts.get_caller_identity()),
            Service::Organizations => {
                call!(listener, region, aws_sdk_organizations, self.organizations.describe_organization())
            }
            Service::Iam => call!(listener, region, aws_sdk_iam, self.iam.get_account_summary()),
            Service::Account => call!(listener, region, aws_sdk_account, self.account.list_regions()),
            Service::CloudTrail => {
                call!(listener, region, aws_sdk_cloudtrail, self.cloudtrail.describe_trails())
            }
            Service::CloudWatch => {
                call!(listener, region, aws_sdk_cloudwatch, self.cloudwatch.describe_alarms())
            }
            Service::Events => call!(listener, region, aws_sdk_eventbridge, self.events.list_event_buses()),
            Service::Kms => call!(listener, region, aws_sdk_kms, self.kms.list_keys()),
            Service::Logs => call!(listener, region, aws_sdk_cloudwatchlogs, self.logs.describe_log_groups()),
            Service::Sns => call!(listener, region, aws_sdk_sns, self.sns.list_topics()),
            Service::Sqs => call!(listener, region, aws_sdk_sqs, self.sqs.list_queues()),
        };
        // In the middle between question and answer, as nobody knows which way took longer.
        let took = clock.now().duration_since(began);
        let ours = began.checked_add(took / 2).unwrap_or(began);
        let heard = std::mem::take(&mut *listener.heard());
        let answer = match heard.answer {
            Some(date) => Ok(date.map(|theirs| ours.duration_since(theirs))),
            None => Err(failed.unwrap_or_else(|| "no answer".to_owned())),
        };
        let host = heard.host.unwrap_or_else(|| format!("{service} in {region}"));
        Knock { service, region: region.clone(), host, answer }
    }
}

/// A key that nobody has.
fn nobody() -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(Credentials::new("orgwatch-knocks", "at-the-door", None, None, "orgwatch"))
}

fn why<E: std::error::Error + 'static>(error: &SdkError<E, HttpResponse>) -> String {
    match error {
        SdkError::TimeoutError(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        other => error::chain(other),
    }
}
