//! The AWS SDK as a test wants it for its own calls: one attempt, no environment.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_sts::Client as Sts;
use aws_smithy_types::retry::RetryConfig;
use aws_types::{SdkConfig, region::Region};

use crate::emulator::Seed;

/// Runs the async part of a test.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime can be made")
        .block_on(work)
}

/// A configuration for these credentials.
pub(crate) fn with(endpoint: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .endpoint_url(endpoint)
        .region(Region::from_static("us-east-1"))
        .retry_config(RetryConfig::disabled())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// A configuration for the central account.
pub(crate) fn central(endpoint: &str, seed: &Seed) -> SdkConfig {
    let ours = &seed.central_credentials;
    let token = Some(ours.session_token.clone());
    with(endpoint, Credentials::new(&ours.access_key_id, &ours.secret_access_key, token, None, "seed"))
}

/// A configuration for `account`, entered from the central one.
pub(crate) async fn member(
    endpoint: &str,
    seed: &Seed,
    account: &str,
    session_policy: Option<&str>,
) -> SdkConfig {
    let answer = Sts::new(&central(endpoint, seed))
        .assume_role()
        .role_arn(format!("arn:aws:iam::{account}:role/OrganizationAccountAccessRole"))
        .role_session_name("self-test")
        .set_policy(session_policy.map(str::to_owned))
        .send()
        .await
        .expect("the emulator lets everybody in");
    let issued = answer.credentials.expect("there are some");
    let token = Some(issued.session_token);
    with(endpoint, Credentials::new(issued.access_key_id, issued.secret_access_key, token, None, "sts"))
}
