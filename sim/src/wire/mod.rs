//! The wire protocols of AWS: JSON 1.0 and 1.1, query, REST JSON, RPC v2 CBOR.

mod cbor;
mod query;
mod xml;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::call::{Call, Refusal, Service};

pub use xml::entries;

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `X-Amz-Target` and a JSON body.
    Json,
    /// The same, and error codes of the older query protocol in a header, as SQS answers.
    JsonWithQueryErrors,
    /// A form with `Action`, answered in XML.
    Query,
    /// A path and a JSON body.
    RestJson,
    /// The operation in the path, and a CBOR body.
    Cbor,
}

/// A request, read but not yet known to be anybody's.
#[derive(Debug)]
pub struct Incoming {
    /// The service.
    pub service: Service,
    /// The operation.
    pub operation: String,
    /// Its input.
    pub input: Map<String, Value>,
    /// The Region of the signature.
    pub region: Option<String>,
    /// The access key of the signature; `None`: unsigned.
    pub access_key: Option<String>,
    /// The session token that came with it.
    pub session_token: Option<String>,
    /// When it was signed, as the caller's clock says: `20261120T120000Z`.
    pub signed_at: Option<Timestamp>,
}

/// Reads a request.
///
/// # Errors
/// What AWS answers to a request that names no known operation, with the protocol to answer in.
pub fn read(request: &Request<Bytes>) -> Result<(Protocol, Incoming), (Protocol, Refusal)> {
    let signature = Signature::of(request);
    let (protocol, service, operation, input) = if header(request, "smithy-protocol") == Some("rpc-v2-cbor") {
        read_cbor(request)?
    } else if let Some(target) = header(request, "x-amz-target") {
        read_json(target, request.body())?
    } else if request.method() == http::Method::POST && request.uri().path() == "/" {
        query::read(request.body()).map_err(|refusal| (Protocol::Query, refusal))?
    } else {
        read_rest(request)?
    };
    let incoming = Incoming {
        service,
        operation,
        input,
        region: signature.region,
        access_key: signature.access_key,
        session_token: header(request, "x-amz-security-token").map(str::to_owned),
        signed_at: header(request, "x-amz-date").and_then(signed_at),
    };
    Ok((protocol, incoming))
}

fn signed_at(date: &str) -> Option<Timestamp> {
    let time = jiff::civil::DateTime::strptime(SIGNED, date).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

/// How signatures spell their time.
pub(crate) const SIGNED: &str = "%Y%m%dT%H%M%SZ";

type Read = (Protocol, Service, String, Map<String, Value>);

fn read_json(target: &str, body: &Bytes) -> Result<Read, (Protocol, Refusal)> {
    let unknown =
        || (Protocol::Json, Refusal::bad("UnknownOperationException", format!("no target {target}")));
    let (interface, operation) = target.rsplit_once('.').ok_or_else(unknown)?;
    let interface = interface.rsplit('.').next().unwrap_or(interface);
    let (protocol, service) = match interface {
        "AWSEvents" => (Protocol::Json, Service::Events),
        "AWSOrganizationsV20161128" => (Protocol::Json, Service::Organizations),
        "CloudTrail_20131101" => (Protocol::Json, Service::CloudTrail),
        "Logs_20140328" => (Protocol::Json, Service::Logs),
        "TrentService" => (Protocol::Json, Service::Kms),
        "AmazonSQS" => (Protocol::JsonWithQueryErrors, Service::Sqs),
        "GraniteServiceVersion20100801" => (Protocol::JsonWithQueryErrors, Service::CloudWatch),
        _ => return Err(unknown()),
    };
    Ok((protocol, service, operation.to_owned(), object(protocol, body)?))
}

fn read_cbor(request: &Request<Bytes>) -> Result<Read, (Protocol, Refusal)> {
    let protocol = Protocol::Cbor;
    let path = request.uri().path();
    let mut parts = path.trim_matches('/').split('/');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("service"), Some("GraniteServiceVersion20100801"), Some("operation"), Some(name), None) => {
            let input = cbor::read(request.body())
                .map_err(|e| (protocol, Refusal::bad("SerializationException", e)))?;
            Ok((protocol, Service::CloudWatch, name.to_owned(), input))
        }
        _ => Err((protocol, Refusal::bad("UnknownOperationException", format!("no operation at {path}")))),
    }
}

fn read_rest(request: &Request<Bytes>) -> Result<Read, (Protocol, Refusal)> {
    let protocol = Protocol::RestJson;
    // Account Management names its operations by path: POST /listRegions.
    let name = request.uri().path().trim_matches('/');
    let mut letters = name.chars();
    let operation = match letters.next() {
        Some(first) if request.method() == http::Method::POST && !name.contains('/') => {
            first.to_uppercase().chain(letters).collect()
        }
        _ => {
            let message = format!("no operation at {} {}", request.method(), request.uri().path());
            return Err((protocol, Refusal::new(404, "UnknownOperationException", message)));
        }
    };
    Ok((protocol, Service::Account, operation, object(protocol, request.body())?))
}

fn object(protocol: Protocol, body: &Bytes) -> Result<Map<String, Value>, (Protocol, Refusal)> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_slice(body)
        .map_err(|e| (protocol, Refusal::bad("SerializationException", e.to_string())))
}

/// The answer of a call that succeeded.
pub fn answer(protocol: Protocol, call: &Call, output: &Value) -> Response<Bytes> {
    match protocol {
        Protocol::Query => xml::answer(call, output),
        Protocol::Json | Protocol::JsonWithQueryErrors | Protocol::RestJson => {
            let body = if output.is_null() { "{}".to_owned() } else { output.to_string() };
            json_response(protocol, StatusCode::OK, &call.request_id, body)
        }
        Protocol::Cbor => cbor_response(StatusCode::OK, &call.request_id, output),
    }
}

/// The answer of a call that was refused.
pub fn refuse(protocol: Protocol, request_id: &str, refusal: &Refusal) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if protocol == Protocol::Query {
        return xml::refuse(status, request_id, refusal);
    }
    let body = json!({ "__type": refusal.code, "message": refusal.message });
    let mut response = match protocol {
        Protocol::Cbor => cbor_response(status, request_id, &body),
        _ => json_response(protocol, status, request_id, body.to_string()),
    };
    let headers = response.headers_mut();
    if let Ok(code) = refusal.code.parse::<http::HeaderValue>() {
        headers.insert("x-amzn-errortype", code);
    }
    if matches!(protocol, Protocol::JsonWithQueryErrors | Protocol::Cbor) {
        let fault = if status.is_server_error() { "Receiver" } else { "Sender" };
        let code = crate::service::sqs::query_code(&refusal.code);
        if let Ok(value) = format!("{code};{fault}").parse::<http::HeaderValue>() {
            headers.insert("x-amzn-query-error", value);
        }
    }
    response
}

fn json_response(protocol: Protocol, status: StatusCode, request_id: &str, body: String) -> Response<Bytes> {
    let content_type = match protocol {
        Protocol::JsonWithQueryErrors => "application/x-amz-json-1.0",
        Protocol::RestJson => "application/json",
        Protocol::Json | Protocol::Query | Protocol::Cbor => "application/x-amz-json-1.1",
    };
    response(status, content_type, request_id, body)
}

fn cbor_response(status: StatusCode, request_id: &str, output: &Value) -> Response<Bytes> {
    let mut response = response(status, "application/cbor", request_id, cbor::write(output));
    response.headers_mut().insert("smithy-protocol", http::HeaderValue::from_static("rpc-v2-cbor"));
    response
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    request_id: &str,
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    if let Ok(id) = http::HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

fn header<'a>(request: &'a Request<Bytes>, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

/// What the signature tells: `AWS4-HMAC-SHA256 Credential=<key>/<date>/<region>/<service>/aws4_request, …`.
#[derive(Default)]
struct Signature {
    access_key: Option<String>,
    region: Option<String>,
}

impl Signature {
    fn of(request: &Request<Bytes>) -> Self {
        let scope = header(request, "authorization")
            .and_then(|value| value.split("Credential=").nth(1))
            .and_then(|rest| rest.split(',').next());
        let Some(scope) = scope else { return Self::default() };
        let mut parts = scope.split('/').map(|part| part.trim().to_owned());
        let access_key = parts.next();
        Self { access_key, region: parts.nth(1) }
    }
}
