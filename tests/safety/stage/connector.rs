//! The SDK's way to the simulator without a socket: nothing real is waited for, so hours pass in milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use orgwatch_sim::{Simulator, Transport};
use tokio::sync::Notify;

/// Ends a process in the middle: after so many calls nothing is answered any more.
#[derive(Debug)]
pub(crate) struct Fuse {
    left: AtomicI64,
    blown: Notify,
}

impl Fuse {
    /// A fuse that blows when `calls` calls were performed, before the last of them is answered.
    pub(crate) fn after(calls: i64) -> Arc<Self> {
        Arc::new(Self { left: AtomicI64::new(calls), blown: Notify::new() })
    }

    /// A fuse that never blows.
    pub(crate) fn none() -> Arc<Self> {
        Self::after(i64::MAX)
    }

    /// Waits until it has blown.
    pub(crate) async fn blown(&self) {
        self.blown.notified().await;
    }

    /// Whether it has blown.
    pub(crate) fn has_blown(&self) -> bool {
        self.left.load(Ordering::SeqCst) <= 0
    }

    /// How many calls more it bears.
    pub(crate) fn left(&self) -> i64 {
        self.left.load(Ordering::SeqCst)
    }

    /// One call less; whether its answer still arrives.
    fn burn(&self) -> bool {
        let left = self.left.fetch_sub(1, Ordering::SeqCst) - 1;
        if left <= 0 {
            self.blown.notify_one();
        }
        left > 0
    }
}

#[derive(Clone, Debug)]
struct InProcess {
    simulator: Simulator,
    fuse: Arc<Fuse>,
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { simulator, fuse } = self.clone();
        HttpConnectorFuture::new(async move {
            if fuse.has_blown() {
                std::future::pending::<()>().await;
            }
            let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
            let body = |body: SdkBody| body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
            let reply = simulator.handle(request.map(body)).await;
            if !fuse.burn() {
                std::future::pending::<()>().await;
            }
            match reply.transport {
                Transport::Whole => HttpResponse::try_from(reply.response.map(SdkBody::from))
                    .map_err(|error| ConnectorError::user(error.into())),
                Transport::Truncated | Transport::Reset => {
                    Err(ConnectorError::io(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()))
                }
                Transport::Silent => std::future::pending().await,
            }
        })
    }
}

/// An HTTP client whose every request the simulator answers.
pub(crate) fn client(simulator: &Simulator, fuse: &Arc<Fuse>) -> SharedHttpClient {
    let connector =
        SharedHttpConnector::new(InProcess { simulator: simulator.clone(), fuse: Arc::clone(fuse) });
    http_client_fn(move |_, _| connector.clone())
}
