//! Loads the standard AWS environment: profiles, container and web identity credentials, endpoints, proxies.

use std::path::PathBuf;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region as SdkRegion};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
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

/// How long a connection to AWS is kept that nobody needs, and how many of them for one host. A pass over many accounts at
/// once opens some hundred, each with buffers of some 20 KiB, twice that with TLS; the SDK keeps all of them for 90 s.
const IDLE_FOR: Duration = Duration::from_secs(20);
const IDLE_PER_HOST: usize = 32;

/// The SDK's own HTTP client, with connections kept as said above: those that are built by its public means would not go
/// by the proxy variables.
fn http_client(trust: TlsContext) -> SharedHttpClient {
    Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = Connector::builder()
            .pool_idle_timeout(IDLE_FOR)
            .pool_max_idle_per_host(IDLE_PER_HOST)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .tls_context(trust.clone());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(|known| known.sleep_impl()));
        connector.build()
    })
}

/// The SDK's configuration. `ca_bundle` is what AWS_CA_BUNDLE says: the Rust SDK itself does not read it.
pub async fn load(region: &Region, ca_bundle: Option<PathBuf>) -> Result<aws_types::SdkConfig, LoadError> {
    let mut trust = TlsContext::default();
    if let Some(path) = ca_bundle {
        let pem =
            std::fs::read(&path).map_err(|source| LoadError::CaBundle { path: path.clone(), source })?;
        trust = TlsContext::builder()
            .with_trust_store(TrustStore::default().with_pem_certificate(pem))
            .build()
            .map_err(|error| LoadError::NoCertificates { path, reason: error.to_string() })?;
    }
    let loader = aws_config::defaults(behavior())
        .region(SdkRegion::new(region.to_string()))
        .retry_config(retries())
        .timeout_config(timeouts())
        .http_client(http_client(trust));
    Ok(loader.load().await)
}
