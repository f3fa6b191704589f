//! Who may ask: the Host header on loopback, a token elsewhere, and no POST sent by somebody else's web page.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, AUTHORIZATION, HOST, LOCATION, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::login::Sessions;
use super::operations;
use super::problem::Problem;
use super::proxy::{self, Client, Peer};
use crate::config::{self, HttpSettings, TokenRole};

/// Whether requests from elsewhere than loopback need a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// They do.
    #[default]
    Token,
    /// They need one, or a user whom a proxy that we trust has let in; on loopback too, where the proxy may be.
    Proxy,
    /// They do not; something else guards the way.
    None,
}

/// What the holder of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read.
    Reader,
    /// Read, and ask for passes.
    Operator,
}

/// How the server is reached and by whom.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// The address that is listened on; on loopback no credential is needed.
    pub bind: SocketAddr,
    /// Whether requests need a token where the address is not loopback.
    pub auth: Auth,
    /// The hosts, with or without a port, that requests may name off loopback; empty: any.
    pub hosts: Vec<String>,
    /// Whether `/metrics` needs no token.
    pub metrics_open: bool,
    /// Name, role and text of each token.
    pub tokens: Vec<(String, Role, SecretString)>,
    /// Whether we are reached by TLS, so that cookies need never go without.
    pub tls: bool,
    /// The networks of the proxies that are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The header in which they name the user.
    pub user_header: HeaderName,
    /// The users of proxies who may act.
    pub operators: BTreeSet<String>,
}

impl From<&HttpSettings> for HttpOptions {
    fn from(settings: &HttpSettings) -> Self {
        let token = |token: &config::Token| {
            let role = match token.role {
                TokenRole::Reader => Role::Reader,
                TokenRole::Operator => Role::Operator,
            };
            (token.name.clone(), role, token.secret.clone())
        };
        Self {
            bind: settings.bind,
            auth: match settings.auth {
                config::Auth::Token => Auth::Token,
                config::Auth::Proxy => Auth::Proxy,
                config::Auth::None => Auth::None,
            },
            hosts: settings.hosts.iter().cloned().collect(),
            metrics_open: settings.metrics_open,
            tls: settings.tls.is_some(),
            tokens: settings.tokens.iter().map(token).collect(),
            trusted_proxies: settings.trusted_proxies.clone(),
            // A name that the configuration takes is one that a header can have.
            user_header: settings.user_header.parse().unwrap_or(proxy::USER),
            operators: settings.operators.clone(),
        }
    }
}

/// A token that is known, as its digest: equal lengths, so that comparing tells nothing about the text.
struct Known {
    name: Arc<str>,
    role: Role,
    digest: TokenDigest,
}

impl Known {
    fn caller(&self, session: bool) -> Caller {
        Caller { name: Arc::clone(&self.name), role: self.role, session }
    }
}

/// What a token is known by.
pub(super) type TokenDigest = [u8; 32];

fn digest_of(token: &str) -> TokenDigest {
    Sha256::digest(token).into()
}

/// Who sent a request, as the log names them.
struct Caller {
    name: Arc<str>,
    role: Role,
    /// Whether a browser's session says so.
    session: bool,
}

impl Caller {
    fn unnamed(name: &'static str) -> Self {
        Self { name: name.into(), role: Role::Operator, session: false }
    }
}

/// What a page needs to know of whoever looks at it.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// Whether it may act.
    pub(super) operator: bool,
    /// Whose session it is, where one can be ended.
    pub(super) session: Option<Arc<str>>,
}

/// Decides who may ask. What it goes by can be replaced while it stands.
pub struct Gate {
    rules: RwLock<Arc<Rules>>,
    pub(super) sessions: Sessions,
}

/// The options as the gate needs them.
struct Rules {
    loopback: bool,
    auth: Auth,
    hosts: Vec<String>,
    metrics_open: bool,
    tokens: Vec<Known>,
    tls: bool,
    trusted_proxies: Vec<IpNet>,
    user_header: HeaderName,
    operators: BTreeSet<String>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

impl Gate {
    /// A gate that goes by these options, without sessions.
    pub fn new(options: &HttpOptions) -> Self {
        Self { rules: RwLock::new(Arc::new(Rules::new(options))), sessions: Sessions::new(options.tls) }
    }

    /// Goes by these options from the next request on. Sessions whose token is no longer known have ended; where it
    /// listens, and whether by TLS, stays as it is.
    pub fn go_by(&self, options: &HttpOptions) {
        let rules = Arc::new(Rules::new(options));
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where a request comes from, and who is asking, if they may ask at all.
    fn caller(&self, request: &Request) -> (Client, Result<Caller, Problem>) {
        let rules = self.rules();
        let peer = request.extensions().get::<Peer>().map(|Peer(address)| *address);
        let client = proxy::client(peer, request.headers(), &rules.trusted_proxies);
        (client, rules.caller(&self.sessions, request, client))
    }

    /// Whether anybody has to show a token here.
    pub(super) fn asks_for_tokens(&self) -> bool {
        let rules = self.rules();
        match rules.auth {
            Auth::Token => !rules.loopback,
            Auth::Proxy => !rules.tokens.is_empty(),
            Auth::None => false,
        }
    }

    /// Whether this token is known, by what it is known.
    pub(super) fn known_as(&self, token: &str) -> Option<TokenDigest> {
        self.rules().known(&digest_of(token)).map(|known| known.digest)
    }

    /// Whether the request's session is open.
    pub(super) fn has_session(&self, headers: &HeaderMap) -> bool {
        let digest = self.sessions.of(headers);
        digest.is_some_and(|digest| self.rules().known(&digest).is_some())
    }
}

impl Rules {
    fn new(options: &HttpOptions) -> Self {
        let known = |(name, role, token): &(String, Role, SecretString)| Known {
            name: name.as_str().into(),
            role: *role,
            digest: digest_of(token.expose_secret()),
        };
        Self {
            loopback: options.bind.ip().to_canonical().is_loopback(),
            auth: options.auth,
            hosts: options.hosts.iter().map(|h| h.to_ascii_lowercase()).collect(),
            metrics_open: options.metrics_open,
            tokens: options.tokens.iter().map(known).collect(),
            tls: options.tls,
            trusted_proxies: options.trusted_proxies.clone(),
            user_header: options.user_header.clone(),
            operators: options.operators.clone(),
        }
    }

    fn caller(&self, sessions: &Sessions, request: &Request, client: Client) -> Result<Caller, Problem> {
        let host = host(request)?;
        if writes(request) {
            let https = client.https.or(self.tls.then_some(true));
            same_origin(request.headers(), host.as_ref(), https)?;
        }
        if self.loopback {
            // Without this a web page could reach us through a name of its own that resolves to loopback.
            let is_ours = |host: &Authority| {
                is_loopback(host.host()) || (self.auth == Auth::Proxy && self.is_allowed(host))
            };
            if !host.as_ref().is_some_and(is_ours) {
                return Err(misdirected("the Host header must be localhost or a loopback address"));
            }
            if self.auth != Auth::Proxy {
                return Ok(Caller::unnamed("loopback"));
            }
        }
        match request.uri().path() {
            "/healthz" | "/readyz" => return Ok(Caller::unnamed("anyone")),
            "/metrics" if self.metrics_open => return Ok(Caller::unnamed("anyone")),
            _ => {}
        }
        if !self.loopback && !self.hosts.is_empty() && !host.is_some_and(|h| self.is_allowed(&h)) {
            return Err(misdirected("this host is not among `http.hosts`"));
        }
        if self.auth == Auth::None {
            return Ok(Caller::unnamed("anyone"));
        }
        if ["/login", "/style.css", "/icon.svg"].contains(&request.uri().path()) {
            return Ok(Caller::unnamed("anyone"));
        }
        if let Some(known) = bearer(request.headers()).and_then(|token| self.known(&digest_of(token))) {
            return Ok(known.caller(false));
        }
        if let Some(caller) = self.let_in(request, client)? {
            return Ok(caller);
        }
        let session = sessions.of(request.headers());
        let Some(known) = session.and_then(|digest| self.known(&digest)) else {
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                match self.auth {
                    Auth::Proxy => {
                        "come by the proxy, which names its user, or send `Authorization: Bearer` with a token that is configured"
                    }
                    Auth::Token | Auth::None => {
                        "send `Authorization: Bearer` with a token that is configured, or log in at /login"
                    }
                },
            ));
        };
        says_its_page(request)?;
        Ok(known.caller(true))
    }

    /// The user whom a proxy that we trust has let in.
    fn let_in(&self, request: &Request, client: Client) -> Result<Option<Caller>, Problem> {
        if self.auth != Auth::Proxy || !client.proxied {
            return Ok(None);
        }
        let Some(user) = proxy::user(request.headers(), &self.user_header)? else { return Ok(None) };
        says_its_page(request)?;
        let role = if self.operators.contains(user) { Role::Operator } else { Role::Reader };
        // Told apart from the names of tokens, which somebody else gave.
        Ok(Some(Caller { name: format!("user:{user}").into(), role, session: false }))
    }

    fn is_allowed(&self, host: &Authority) -> bool {
        let (name, whole) = (host.host().to_ascii_lowercase(), host.as_str().to_ascii_lowercase());
        self.hosts.iter().any(|allowed| *allowed == name || *allowed == whole)
    }

    /// Compares with every token, so that the time taken does not tell which one is near.
    fn known(&self, digest: &TokenDigest) -> Option<&Known> {
        let same = |known: &Known| bool::from(known.digest.ct_eq(digest));
        self.tokens.iter().fold(None, |found, known| if same(known) { Some(known) } else { found })
    }
}

/// Answers what may not be asked, and logs every POST with who sent it and how it ended.
pub(super) async fn guard(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let nobody = || Arc::from("nobody");
    let (client, caller) = gate.caller(&request);
    request.extensions_mut().insert(client);
    let (caller, response): (Arc<str>, Response) = match caller {
        Err(problem)
            if problem.status == StatusCode::UNAUTHORIZED
                && is_person(&request)
                && gate.asks_for_tokens() =>
        {
            (nobody(), (StatusCode::SEE_OTHER, [(LOCATION, "/login")]).into_response())
        }
        Err(problem) => (nobody(), problem.into_response()),
        Ok(Caller { name, role: Role::Reader, .. }) if writes(&request) && path != "/logout" => {
            (name, Problem::new(StatusCode::FORBIDDEN, "this token is for reading only").into_response())
        }
        Ok(Caller { name, role, session }) => {
            let session = session.then(|| Arc::clone(&name));
            request.extensions_mut().insert(Visitor { operator: role == Role::Operator, session });
            request.extensions_mut().insert(operations::Caller(Arc::clone(&name)));
            (name, next.run(request).await)
        }
    };
    if method == Method::POST {
        let status = response.status().as_u16();
        tracing::info!(
            http.caller = &*caller,
            http.client = client.address.map(tracing::field::display),
            http.path = path,
            http.status = status,
            "POST {path}: {status}"
        );
    }
    response
}

/// A browser sends its cookie along with whatever it is made to send, and then says from which page.
fn says_its_page(request: &Request) -> Result<(), Problem> {
    if writes(request) && !request.headers().contains_key(ORIGIN) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "a browser's request must say where it comes from"));
    }
    Ok(())
}

/// Whether a browser asks for a page.
fn is_person(request: &Request) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    *request.method() == Method::GET && accepts.contains("text/html")
}

fn writes(request: &Request) -> bool {
    !matches!(*request.method(), Method::GET | Method::HEAD)
}

fn misdirected(detail: &str) -> Problem {
    Problem::new(StatusCode::MISDIRECTED_REQUEST, detail)
}

/// The one value of a header; none where it is absent, and no answer where it is there twice.
fn single<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (None, _) => Ok(None),
        (Some(Ok(value)), None) => Ok(Some(value)),
        _ => Err(Problem::bad(format!("the {name} header must be there once, as plain text"))),
    }
}

/// The host that the request is for: of its target where that names one, else of the Host header.
fn host(request: &Request) -> Result<Option<Authority>, Problem> {
    let header = single(request.headers(), &HOST)?;
    let host = request.uri().authority().map(Authority::as_str).or(header);
    let parse = |host: &str| host.parse().ok().filter(|_| !host.contains('@'));
    host.map(|host| parse(host).ok_or_else(|| Problem::bad("the Host header names no host"))).transpose()
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(address)) => host.starts_with('[') && address == Ipv6Addr::LOCALHOST,
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Browsers name the page that a POST comes from; it must be one of ours, reached as we are where that is known. Other
/// programs name none.
fn same_origin(headers: &HeaderMap, host: Option<&Authority>, https: Option<bool>) -> Result<(), Problem> {
    let Some(origin) = single(headers, &ORIGIN)? else { return Ok(()) };
    let same =
        origin.parse::<Uri>().is_ok_and(|origin| match (origin.scheme_str(), origin.authority(), host) {
            (Some(scheme), Some(_), Some(_)) if https.is_some_and(|https| https != (scheme == "https")) => {
                false
            }
            (Some(scheme), Some(origin), Some(host)) => {
                let default = if scheme == "https" { 443 } else { 80 };
                origin.host().eq_ignore_ascii_case(host.host())
                    && origin.port_u16().unwrap_or(default) == host.port_u16().unwrap_or(default)
            }
            _ => false,
        });
    if same {
        Ok(())
    } else {
        Err(Problem::new(StatusCode::FORBIDDEN, "the request comes from another site's page"))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = single(headers, &AUTHORIZATION).ok()??.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}
