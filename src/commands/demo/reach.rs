//! The SDK's only way in the demo: plain HTTP to the simulator on loopback, with credentials of the simulator's own.

use std::net::SocketAddr;

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_types::SdkConfig;
use aws_types::region::Region;

use crate::aws::load;

/// A configuration with which the SDK reaches the simulator and can reach nothing else.
///
/// It is built by hand and not loaded, so neither profiles nor variables nor instance metadata have a say.
pub(super) fn only(simulator: SocketAddr, region: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(load::behavior())
        .retry_config(load::retries())
        .timeout_config(load::timeouts())
        .endpoint_url(format!("http://{simulator}"))
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(client(simulator))
        .build()
}

/// The SDK's own default client would go through the proxy that the environment names, loopback or not.
fn client(simulator: SocketAddr) -> SharedHttpClient {
    let plain = Builder::new().build_http();
    http_client_fn(move |settings, components| {
        let inner = plain.http_connector(settings, components);
        SharedHttpConnector::new(Fenced { inner, simulator })
    })
}

/// Sends what is for the simulator, and refuses everything else before a connection is opened.
#[derive(Debug)]
struct Fenced<C> {
    inner: C,
    simulator: SocketAddr,
}

impl<C: HttpConnector> HttpConnector for Fenced<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_for(request.uri(), self.simulator) {
            return self.inner.call(request);
        }
        let refused =
            format!("the demo reaches nothing but its simulator, and this is for {}", request.uri());
        HttpConnectorFuture::ready(Err(ConnectorError::user(refused.into())))
    }
}

fn is_for(uri: &str, simulator: SocketAddr) -> bool {
    uri.strip_prefix(&format!("http://{simulator}"))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

    use super::*;

    #[derive(Debug, Default)]
    struct Counter(Arc<AtomicUsize>);

    impl HttpConnector for Counter {
        fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
            self.0.fetch_add(1, Ordering::SeqCst);
            HttpConnectorFuture::ready(Err(ConnectorError::other("counted".into(), None)))
        }
    }

    #[tokio::test]
    async fn what_is_not_for_the_simulator_is_refused_before_it_is_sent() {
        let sent = Arc::new(AtomicUsize::new(0));
        let simulator: SocketAddr = "127.0.0.1:4010".parse().unwrap();
        let fenced = Fenced { inner: Counter(Arc::clone(&sent)), simulator };
        for stranger in [
            "https://sts.amazonaws.com/",
            "https://127.0.0.1:4010/",
            "http://127.0.0.1:40101/",
            "http://127.0.0.1:4010.example.com/",
            "http://127.0.0.1:4010@example.com/",
            "http://127.0.0.2:4010/",
        ] {
            let mut request = HttpRequest::empty();
            request.set_uri(stranger).unwrap();
            let error = fenced.call(request).await.unwrap_err();
            assert!(error.is_user(), "{stranger}: {error:?}");
        }
        assert_eq!(sent.load(Ordering::SeqCst), 0);
        let mut request = HttpRequest::empty();
        request.set_uri("http://127.0.0.1:4010/?Action=GetCallerIdentity").unwrap();
        assert!(!fenced.call(request).await.unwrap_err().is_user());
        assert_eq!(sent.load(Ordering::SeqCst), 1);
    }
}
