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
    times: Option<u32>,
    pub(super) then: Then,
}

/// What happens to a request that a fault meets.
#[derive(Clone, Debug)]
pub(crate) enum Then {
    /// An error answer of AWS; the request does not arrive.
    Respond { status: u16, code: &'static str, message: &'static str },
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
        Self { service, operation, account: None, role_arn: None, times: None, then }
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

    /// Only the next so many requests.
    pub(crate) fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Whether it meets this call, having met `hits` others.
    pub(super) fn meets(&self, call: &Call, hits: u32) -> bool {
        let fits = |wanted: &str, is: &str| wanted == "*" || wanted == is;
        fits(&self.service, &call.service)
            && fits(&self.operation, &call.operation)
            && self.account.as_ref().is_none_or(|id| call.account.as_ref() == Some(id))
            && self.role_arn.as_ref().is_none_or(|text| call.role_arn().is_some_and(|arn| arn.contains(text)))
            && self.times.is_none_or(|times| hits < times)
    }
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
