//! Loads the standard AWS environment: profiles, container and web identity credentials, endpoints, proxies.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_types::retry::RetryConfig;

use crate::model::ids::Region;

/// Why the AWS environment cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The certificate bundle that the environment names cannot be read.
    #[error(
        "AWS_CA_BUNDLE names `{path}`, which cannot be read ({source}); correct the path or unset the variable"
    )]
    CaBundle {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The certificate bundle holds no usable certificate.
    #[error("AWS_CA_BUNDLE names `{path}`, which is no bundle of PEM certificates ({reason})")]
    NoCertificates {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// How the SDK behaves: a named version, for one from 2025-08-07 or later is needed for proxy variables to be honoured.
pub fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// Three tries inside the SDK; the next pass is the retry beyond that. Two layers would multiply.
pub fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// How long one try and all tries of a call may take.
pub fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60))
        .build()
}

/// The SDK's configuration. `ca_bundle` is what AWS_CA_BUNDLE says: the Rust SDK itself does not read it.
pub async fn load(region: &Region, ca_bundle: Option<PathBuf>) -> Result<aws_types::SdkConfig, LoadError> {
    let mut loader = aws_config::defaults(behavior())
        .region(SdkRegion::new(region.to_string()))
        .retry_config(retries())
        .timeout_config(timeouts());
    if let Some(path) = ca_bundle {
        let pem =
            std::fs::read(&path).map_err(|source| LoadError::CaBundle { path: path.clone(), source })?;
        let trust = TrustStore::default().with_pem_certificate(pem);
        let context = TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .map_err(|error| LoadError::NoCertificates { path, reason: error.to_string() })?;
        let client = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(context)
            .build_https();
        loader = loader.http_client(client);
    }
    Ok(loader.load().await)
}
