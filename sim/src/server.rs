//! The simulator over HTTP.

mod socket;
#[cfg(test)]
pub(crate) mod tests;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::simulator::{Simulator, Transport};
use socket::Socket;

/// Serves until `stop` is done; then open connections are dropped.
///
/// # Errors
/// When the listener fails for good.
pub async fn serve(
    simulator: Simulator,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => return Ok(()),
            // Ended connections are taken away as they end.
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(simulator.clone(), stream));
                }
                // Out of descriptors, or the peer was gone at once: the next one may fare better.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
            },
        }
    }
}

async fn connection(simulator: Simulator, stream: TcpStream) {
    // Small answers at once: the client waits for each of them.
    let immediate = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let socket = Socket::new(stream, Arc::clone(&reset));
    let service = service_fn(move |request| answer(simulator.clone(), Arc::clone(&reset), request));
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
    // A connection that broke is the client's affair, or a fault that was asked for.
    drop((immediate, served));
}

async fn answer(
    simulator: Simulator,
    reset: Arc<AtomicBool>,
    request: Request<Incoming>,
) -> io::Result<Response<BoxBody<Bytes, io::Error>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let reply = simulator.handle(Request::from_parts(head, body)).await;
    match reply.transport {
        Transport::Whole => {
            Ok(reply.response.map(|body| Full::new(body).map_err(|never| match never {}).boxed()))
        }
        Transport::Truncated => Ok(reply.response.map(|body| Half::of(body).boxed())),
        Transport::Reset => {
            reset.store(true, Ordering::Relaxed);
            Err(io::ErrorKind::ConnectionReset.into())
        }
        Transport::Silent => std::future::pending().await,
    }
}

/// A body that breaks off in the middle of what it announced.
struct Half {
    announced: u64,
    rest: Rest,
}

enum Rest {
    Half(Bytes),
    /// The half is written, but it lies in a buffer yet, which an error would throw away.
    Flush,
    Break,
}

impl Half {
    fn of(body: Bytes) -> Self {
        let announced = u64::try_from(body.len()).unwrap_or(u64::MAX);
        Self { announced, rest: Rest::Half(body.slice(..body.len() / 2)) }
    }
}

impl Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match std::mem::replace(&mut self.rest, Rest::Flush) {
            Rest::Half(half) => Poll::Ready(Some(Ok(Frame::data(half)))),
            Rest::Flush => {
                self.rest = Rest::Break;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Rest::Break => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}
