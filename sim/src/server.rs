//! The simulator over HTTP.

use std::io;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::simulator::{Simulator, Transport};

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
    let service = service_fn(move |request| answer(simulator.clone(), request));
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    // A connection that broke is the client's affair, or a fault that was asked for.
    drop((immediate, served));
}

async fn answer(
    simulator: Simulator,
    request: Request<Incoming>,
) -> io::Result<Response<BoxBody<Bytes, io::Error>>> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let reply = simulator.handle(Request::from_parts(head, body)).await;
    match reply.transport {
        Transport::Whole => {
            Ok(reply.response.map(|body| Full::new(body).map_err(|never| match never {}).boxed()))
        }
        Transport::Truncated => Ok(reply.response.map(|body| Half(Some(body)).boxed())),
        Transport::Reset => Err(io::ErrorKind::ConnectionReset.into()),
        Transport::Silent => std::future::pending().await,
    }
}

/// A body that breaks off in the middle of what it announced.
struct Half(Option<Bytes>);

impl hyper::body::Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        std::task::Poll::Ready(Some(match self.0.take() {
            Some(body) => Ok(Frame::data(body.slice(..body.len() / 2))),
            None => Err(io::ErrorKind::ConnectionReset.into()),
        }))
    }
}
