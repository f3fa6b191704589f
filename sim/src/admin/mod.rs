//! The interface for tests and scripts: `/admin/…`.

use bytes::Bytes;
use http::{Request, Response};

use crate::simulator::Simulator;

/// Answers one request of the interface.
pub fn handle(_simulator: &Simulator, _request: &Request<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"{}"));
    *response.status_mut() = http::StatusCode::NOT_FOUND;
    response
}
