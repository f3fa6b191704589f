//! Accepts connections and ends them: every task has an owner, every wait an end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::proxy::Peer;
use crate::panics;
use crate::tls::Tls;

/// A client that has not sent its headers by then gets no answer.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// What open requests get after the stop.
const GRACE: Duration = Duration::from_secs(4);
/// More wait in the listener's queue; a few hundred clients are already a lot for a status page.
const CONNECTIONS: usize = 512;
/// How often the files of the certificate are looked at.
const CERTIFICATE_EVERY: Duration = Duration::from_secs(30);
/// Accepting fails when file descriptors run out, and does so again at once.
const ACCEPT_AGAIN: Duration = Duration::from_secs(1);

/// Serves `router` on `listener` until `stop`, then lets open requests end for a few seconds.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listening socket has no address")?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    tracing::info!(http.bind = %address, "Serving {scheme}://{address}");
    let mut look_at_files = tokio::time::interval(CERTIFICATE_EVERY);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => log_panic(ended),
            _ = look_at_files.tick(), if tls.is_some() => refresh(tls.as_deref()),
            accepted = listener.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok((stream, from)) => {
                    let tls = tls.as_ref().map(|tls| tls.config());
                    let served = Served { router: router.clone(), peer: Peer(from.ip()) };
                    connections.spawn(greeted(stream, tls, served, stop.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "Could not accept a connection");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(GRACE, async {
        while let Some(ended) = connections.join_next().await {
            log_panic(ended);
        }
    });
    if drained.await.is_err() {
        tracing::warn!(
            http.connections = connections.len(),
            "Closed connections whose requests had not ended"
        );
        connections.shutdown().await;
    }
    Ok(())
}

fn refresh(tls: Option<&Tls>) {
    match tls.map(Tls::refresh) {
        Some(Ok(true)) => tracing::info!("Serving with the certificate that its file holds now"),
        Some(Err(error)) => {
            tracing::warn!(%error, "The new certificate cannot be used; the former one is served on");
        }
        Some(Ok(false)) | None => {}
    }
}

/// Serves a connection, after the handshake where there is one.
async fn greeted(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    served: Served,
    stop: CancellationToken,
) {
    let Some(tls) = tls else { return connection(stream, served, stop).await };
    let handshake = tokio::time::timeout(HEADERS_WITHIN, TlsAcceptor::from(tls).accept(stream));
    tokio::select! {
        shaken = handshake => match shaken {
            Ok(Ok(stream)) => connection(stream, served, stop).await,
            Ok(Err(error)) => tracing::debug!(%error, "A connection ended in its handshake"),
            Err(_) => tracing::debug!("A handshake took too long"),
        },
        () = stop.cancelled() => {}
    }
}

/// What answers on one connection.
#[derive(Clone)]
struct Served {
    router: Router,
    peer: Peer,
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    Served { router, peer }: Served,
    stop: CancellationToken,
) {
    let answers = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.clone().call(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .serve_connection(TokioIo::new(stream), answers);
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection ended early");
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(error = panics::of_task(error), "A connection panicked");
    }
}
