//! Strong validators: who has the same answer already gets none.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// More than any answer of ours has; beyond it something is wrong.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// Names each answer by its bytes, as they are sent, and answers 304 to whoever has them.
pub(super) async fn validated(request: Request, next: Next) -> Response {
    // An answer to HEAD has no bytes to be named by.
    if *request.method() != Method::GET {
        return next.run(request).await;
    }
    let known = request.headers().get_all(IF_NONE_MATCH).iter().cloned().collect::<Vec<HeaderValue>>();
    let (mut parts, body) = next.run(request).await.into_parts();
    if parts.status != StatusCode::OK {
        return Response::from_parts(parts, body);
    }
    let Ok(bytes) = to_bytes(body, LONGEST_ANSWER).await else {
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer is too long").into_response();
    };
    let digest = Sha256::digest(&bytes);
    let tag: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    if let Ok(value) = HeaderValue::from_str(&tag) {
        parts.headers.insert(ETAG, value);
    }
    // It may be kept, and has to be asked for again each time.
    parts.headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if has(&known, &tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether one of the validators that were sent is this one. A weak one of the same text stands for it (RFC 9110, 13.1.2).
fn has(known: &[HeaderValue], tag: &str) -> bool {
    let listed = |value: &HeaderValue| {
        let text = value.to_str().unwrap_or_default();
        text.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    };
    known.iter().any(listed)
}
