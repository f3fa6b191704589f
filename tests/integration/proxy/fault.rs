//! Faults that the proxy injects, in the wire protocol of the request that they answer.

use std::time::Duration;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use serde_json::json;

use super::call::Call;

/// What shall go wrong, with which requests, how often.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    service: String,
    operation: String,
    account: Option<String>,
    role_arn: Option<String>,
    writes_only: bool,
    after: u32,
    times: Option<u32>,
    pub(super) then: Then,
}

/// What happens to a request that a fault meets.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// An error answer of AWS; the request does not arrive.
    Respond { status: u16, code: &'static str, message: &'static str },
    /// This answer, in the content type of the request; the request does not arrive.
    Answer { status: u16, body: String },
    /// The connection closes without an answer; the request does not arrive.
    Drop,
    /// The request arrives later.
    Delay(Duration),
    /// The request arrives, its answer does not: the connection closes.
    LoseAnswer,
}

impl Fault {
    /// Meets every request for the operation of the service, `*` for any.
    pub(crate) fn on(service: &str, operation: &str, then: Then) -> Self {
        let (service, operation) = (service.to_owned(), operation.to_owned());
        Self {
            service,
            operation,
            account: None,
            role_arn: None,
            writes_only: false,
            after: 0,
            times: None,
            then,
        }
    }

    /// Meets every request that could change something.
    pub(crate) fn on_writes(then: Then) -> Self {
        Self { writes_only: true, ..Self::on("*", "*", then) }
    }

    /// Only if signed with credentials of this account.
    pub(crate) fn account(mut self, id: &str) -> Self {
        self.account = Some(id.to_owned());
        self
    }

    /// Only an AssumeRole whose role's ARN contains this text, an account id for instance.
    pub(crate) fn role_arn(mut self, contains: &str) -> Self {
        self.role_arn = Some(contains.to_owned());
        self
    }

    /// Lets so many requests pass first.
    pub(crate) fn after(mut self, passing: u32) -> Self {
        self.after = passing;
        self
    }

    /// Only the next so many requests.
    pub(crate) fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Whether it is about this call; it then counts, even if it is let pass.
    pub(super) fn concerns(&self, call: &Call) -> bool {
        let fits = |wanted: &str, is: &str| wanted == "*" || wanted == is;
        fits(&self.service, &call.service)
            && fits(&self.operation, &call.operation)
            && self.account.as_ref().is_none_or(|id| call.account.as_ref() == Some(id))
            && self.role_arn.as_ref().is_none_or(|text| call.role_arn().is_some_and(|arn| arn.contains(text)))
            && (!self.writes_only || call.is_write())
    }

    /// Whether a call that it is about is one of those that it lets pass first.
    pub(super) fn lets_pass(&self, counted: u32) -> bool {
        counted < self.after
    }

    /// How many it has met of so many that it has counted.
    pub(super) fn met(&self, counted: u32) -> u32 {
        counted.saturating_sub(self.after)
    }

    /// Whether it meets a call that it is about, after so many others of these.
    pub(super) fn is_due(&self, counted: u32) -> bool {
        counted >= self.after && self.times.is_none_or(|times| counted - self.after < times)
    }
}

/// An answer of a service that speaks JSON.
pub(super) fn answer(request: &HeaderMap, status: u16, body: String) -> Response<Body> {
    let json = HeaderValue::from_static("application/json");
    let asked = request.get(CONTENT_TYPE).cloned().unwrap_or(json);
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, asked);
    *response.status_mut() = StatusCode::from_u16(status).expect("a fault names an HTTP status");
    response
}

/// An error of AWS as the sender of a request with these headers expects it.
pub(super) fn error(request: &HeaderMap, status: u16, code: &str, message: &str) -> Response<Body> {
    let json = HeaderValue::from_static("application/json");
    let asked = request.get(CONTENT_TYPE).cloned().unwrap_or(json);
    let is_form = asked.as_bytes().starts_with(b"application/x-www-form-urlencoded");
    let mut response = if is_form {
        let error = format!("<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message>");
        let mut response = Response::new(Body::from(format!(
            "<ErrorResponse><Error>{error}</Error><RequestId>injected</RequestId></ErrorResponse>"
        )));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        response
    } else {
        // JSON 1.0, JSON 1.1 and REST: the answer is of the request's content type. Services differ
        // in the case of `message`, the REST protocol looks for the code in the header.
        let body = json!({ "__type": code, "message": message, "Message": message }).to_string();
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, asked);
        let code = HeaderValue::from_str(code).expect("codes are ASCII");
        response.headers_mut().insert("x-amzn-errortype", code);
        response
    };
    *response.status_mut() = StatusCode::from_u16(status).expect("a fault names an HTTP status");
    response
}
