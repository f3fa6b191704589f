//! How people get in: they paste a token once, and their browser shows a session's cookie from then on.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use askama::Template;
use axum::body::{Body, to_bytes};
use axum::extract::Extension;
use axum::http::header::{COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use sha2::{Digest, Sha256};

use super::access::{Gate, TokenDigest};
use super::proxy::Client;

/// A working day and a night's watch.
const LASTS: Duration = Duration::from_secs(12 * 60 * 60);
/// More people than ever look at it at once; beyond them the one who came first has to come again.
const MOST: usize = 1000;
/// Wrong tokens within a minute, from one client.
const WRONG_PER_MINUTE: u32 = 10;
/// Of so many clients wrong tokens are remembered before those are forgotten that may go on.
const MOST_CLIENTS: usize = 10_000;
/// Longer than any token in a form.
const LONGEST_FORM: usize = 4 * 1024;
const NAME: &str = "orgwatch_session";

#[derive(Debug)]
struct Session {
    /// Of the token that it was opened with: whoever's token goes, their session goes.
    token: TokenDigest,
    began: Instant,
}

/// The open sessions, by the digest of what their cookies hold: who reads this memory has no cookie.
#[derive(Debug)]
pub(super) struct Sessions {
    open: Mutex<HashMap<[u8; 32], Session>>,
    /// By the client's address; one for all whose address is not known.
    wrong: DefaultKeyedRateLimiter<Option<IpAddr>>,
    secure: bool,
}

impl Sessions {
    /// None yet. Cookies are for TLS only where that is `secure`.
    pub(super) fn new(secure: bool) -> Self {
        let most = NonZeroU32::new(WRONG_PER_MINUTE).unwrap_or(NonZeroU32::MIN);
        Self { open: Mutex::default(), wrong: RateLimiter::keyed(Quota::per_minute(most)), secure }
    }

    /// Whether this client may go on showing tokens that are wrong.
    fn may_err(&self, client: Client) -> bool {
        if self.wrong.len() >= MOST_CLIENTS {
            self.wrong.retain_recent();
        }
        self.wrong.check_key(&client.address.map(whole)).is_ok()
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Session>> {
        // Whole entries come and go, so it is in order at any moment.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// With which token the session of the request's cookie was opened, if it is still open.
    pub(super) fn of(&self, headers: &HeaderMap) -> Option<TokenDigest> {
        let digest = digest(cookie(headers)?);
        let open = self.open();
        let session = open.get(&digest).filter(|session| session.began.elapsed() < LASTS)?;
        Some(session.token)
    }

    /// Opens a session; answers what the browser is to keep.
    fn begin(&self, token: TokenDigest, client: Client) -> String {
        let secret = format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>());
        let mut open = self.open();
        open.retain(|_, session| session.began.elapsed() < LASTS);
        if open.len() >= MOST {
            let first = open.iter().min_by_key(|(_, session)| session.began).map(|(digest, _)| *digest);
            first.and_then(|first| open.remove(&first));
        }
        open.insert(digest(&secret), Session { token, began: Instant::now() });
        self.set_cookie(&secret, LASTS, client)
    }

    fn end(&self, headers: &HeaderMap) {
        if let Some(secret) = cookie(headers) {
            self.open().remove(&digest(secret));
        }
    }

    fn set_cookie(&self, secret: &str, lasts: Duration, client: Client) -> String {
        let secure = if self.secure || client.https == Some(true) { "; Secure" } else { "" };
        format!("{NAME}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={}{secure}", lasts.as_secs())
    }
}

/// What one client has for itself: an IPv6 network of 64 bits, of which it takes addresses as it likes.
fn whole(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) >> 64 << 64).into()),
        address => address,
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret).into()
}

/// What our cookie holds; none where it is not there.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|cookies| cookies.split(';'))
        .find_map(|one| one.trim().strip_prefix(NAME)?.strip_prefix('='))
}

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    refused: Option<&'static str>,
}

fn page(status: StatusCode, refused: Option<&'static str>) -> Response {
    match (Page { refused }).render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn to(place: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, HeaderValue::from_static(place))]).into_response()
}

/// Asks for a token; where none is needed, there is nothing to ask.
pub(super) async fn ask(Extension(gate): Extension<Arc<Gate>>, headers: HeaderMap) -> Response {
    if !gate.asks_for_tokens() || gate.has_session(&headers) {
        return to("/");
    }
    page(StatusCode::OK, None)
}

/// Takes a token, and gives a cookie for it.
pub(super) async fn enter(
    Extension(gate): Extension<Arc<Gate>>,
    Extension(client): Extension<Client>,
    body: Body,
) -> Response {
    if !gate.asks_for_tokens() {
        return to("/");
    }
    let form = to_bytes(body, LONGEST_FORM).await.unwrap_or_default();
    let fields = String::from_utf8(form.to_vec()).unwrap_or_default();
    // Only tokens of letters that a form sends as they are, or percent-encoded.
    let token = fields.split('&').find_map(|field| field.strip_prefix("token="));
    let token = token.map(|text| text.replace('+', " "));
    let token =
        token.map(|text| percent_encoding::percent_decode_str(&text).decode_utf8_lossy().trim().to_owned());
    let known = token.filter(|token| !token.is_empty()).and_then(|token| gate.known_as(&token));
    match known {
        Some(token) => {
            let cookie = gate.sessions.begin(token, client);
            let mut response = to("/");
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(SET_COOKIE, value);
            }
            response
        }
        None if !gate.sessions.may_err(client) => {
            let mut response =
                page(StatusCode::TOO_MANY_REQUESTS, Some("Too many wrong tokens; wait a minute."));
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
            response
        }
        None => page(StatusCode::UNAUTHORIZED, Some("This token is not known.")),
    }
}

/// Ends the session.
pub(super) async fn leave(
    Extension(gate): Extension<Arc<Gate>>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
) -> Response {
    gate.sessions.end(&headers);
    let mut response = to("/login");
    if let Ok(value) = HeaderValue::from_str(&gate.sessions.set_cookie("", Duration::ZERO, client)) {
        response.headers_mut().insert(SET_COOKIE, value);
    }
    response
}
