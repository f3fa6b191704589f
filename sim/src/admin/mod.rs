//! The interface for tests and scripts: `/admin/…`, JSON both ways.
//!
//! It does what no caller of AWS can: it moves time, mints credentials, puts AWS's own events on a bus, and tells what
//! was asked and what was received.

mod drift;
mod elsewhere;
mod happenings;
mod observation;
mod organization;
mod settings;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::call::Refusal;
use crate::simulator::Simulator;
use crate::world::World;

/// Answers one request of the interface: 200 with what was asked for, 400 for a request that makes no sense, 404 for a
/// path or a thing that is not there, 409 for what the simulated AWS refuses.
pub fn handle(simulator: &Simulator, request: &Request<Bytes>) -> Response<Bytes> {
    let (status, body) = match route(simulator, request) {
        Ok(body) => (StatusCode::OK, body),
        Err(Fault { status, body }) => (status, body),
    };
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

type Answer = Result<Value, Fault>;

fn route(simulator: &Simulator, request: &Request<Bytes>) -> Answer {
    let path = request.uri().path().trim_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let Some(("admin", rest)) = parts.split_first().map(|(first, rest)| (*first, rest)) else {
        return Err(Fault::absent(format!("nothing at /{path}")));
    };
    let asked = Asked { request };
    // The journal is read under the lock, but written out after it: it may be long.
    if let ("GET", ["journal"]) = (request.method().as_str(), rest) {
        return observation::journal(simulator, &asked);
    }
    let world = &mut *simulator.world();
    match (request.method().as_str(), rest) {
        ("GET", ["world"]) => Ok(organization::world(world)),
        ("POST", ["accounts"]) => organization::join(world, &asked),
        ("DELETE", ["accounts", id]) => organization::depart(world, id),
        ("POST", ["accounts", id, "close"]) => organization::close(world, id),
        ("POST", ["accounts", id, "move"]) => organization::move_to(world, id, &asked),
        ("POST", ["credentials"]) => organization::credentials(world, &asked),
        ("GET", ["faults"]) => settings::faults(world),
        ("POST", ["faults"]) => settings::set_fault(world, &asked),
        ("DELETE", ["faults"]) => settings::clear_faults(world, &asked),
        ("DELETE", ["faults", id]) => settings::remove_fault(world, id),
        ("GET", ["latency"]) => settings::latency(world),
        ("PUT", ["latency"]) => settings::set_latency(world, &asked),
        ("GET", ["quotas"]) => settings::quotas(world),
        ("PUT", ["quotas"]) => settings::set_quotas(world, &asked),
        ("GET", ["lags"]) => Ok(settings::lags(world)),
        ("PUT", ["lags"]) => settings::set_lags(world, &asked),
        ("PUT", ["journal"]) => observation::set_journal(world, &asked),
        ("DELETE", ["journal"]) => observation::clear_journal(world),
        ("GET", ["counters"]) => Ok(observation::counters(world)),
        ("GET", ["received"]) => observation::received(world, &asked),
        ("DELETE", ["received"]) => observation::clear_received(world),
        ("POST", ["events"]) => happenings::event(world, &asked),
        ("POST", ["iam-event"]) => happenings::iam_event(world, &asked),
        ("POST", ["confirm"]) => happenings::confirm(world, &asked),
        ("POST", ["unsubscribe"]) => happenings::unsubscribe(world, &asked),
        ("POST", ["time", "advance"]) => happenings::advance(world, &asked),
        ("POST", ["drift"]) => drift::apply(world, &asked),
        (method, _) => Err(Fault::absent(format!("nothing at {method} /{path}"))),
    }
}

/// Why a request is not answered as it hoped.
#[derive(Debug)]
struct Fault {
    status: StatusCode,
    body: Value,
}

impl Fault {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, body: json!({ "message": message.into() }) }
    }

    fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    fn absent(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let body = json!({ "code": refusal.code, "message": refusal.message });
        Self { status: StatusCode::CONFLICT, body }
    }
}

/// What a request asks with.
struct Asked<'a> {
    request: &'a Request<Bytes>,
}

impl Asked<'_> {
    /// The JSON body; an empty one is an empty object.
    fn body<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let body = self.request.body();
        let body: &[u8] = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
        serde_json::from_slice(body)
            .map_err(|error| Fault::bad(format!("the body is not as expected: {error}")))
    }

    /// The parameters behind the path, each of which must be known.
    fn query<const N: usize>(&self, known: [&str; N]) -> Result<[Option<String>; N], Fault> {
        let mut values = [const { None }; N];
        let query = self.request.uri().query().unwrap_or_default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = known.iter().position(|known| *known == name);
            let Some(slot) = place.and_then(|place| values.get_mut(place)) else {
                return Err(Fault::bad(format!("{name} is none of the parameters {}", known.join(", "))));
            };
            *slot = Some(value.into_owned());
        }
        Ok(values)
    }
}

/// The account must be there, as a member or not.
fn known_account(world: &World, id: &str) -> Result<(), Fault> {
    if world.accounts.contains_key(id) || world.organization.members.contains_key(id) {
        return Ok(());
    }
    Err(Fault::absent(format!("there is no account {id}")))
}
