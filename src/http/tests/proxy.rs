//! Requests by way of proxies, true ones and invented ones.

use std::net::IpAddr;

use super::*;
use crate::http::proxy::Peer;
use crate::telemetry::logs::captured;

const HOST: (&str, &str) = ("host", "orgwatch.example.com");
const PROXY: &str = "10.0.0.7";
const STRANGER: &str = "203.0.113.9";

/// Off loopback, behind a proxy that says who the user is; programs have tokens.
fn behind() -> HttpOptions {
    HttpOptions {
        auth: Auth::Proxy,
        trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
        operators: ["alice".to_owned()].into(),
        ..exposed()
    }
}

fn from(peer: &str, mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(Peer(peer.parse::<IpAddr>().unwrap()));
    request
}

async fn ask(server: &Server, peer: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    server.send(from(peer, request(method, path, headers))).await
}

async fn status(server: &Server, peer: &str, method: &str, headers: &[(&str, &str)]) -> u16 {
    let path = if method == "POST" { "/api/v1/reconcile" } else { "/api/v1/status" };
    ask(server, peer, method, path, headers).await.status.as_u16()
}

#[tokio::test]
async fn a_user_of_the_proxy_looks_and_an_operator_acts() {
    let server = Server::new(&behind());
    let origin = ("origin", "https://orgwatch.example.com");
    for (user, get, post) in [("alice", 200, 202), ("bob", 200, 403), ("Alice", 200, 403)] {
        let headers = [HOST, ("x-forwarded-user", user), origin];
        assert_eq!(status(&server, PROXY, "GET", &headers).await, get, "{user}");
        assert_eq!(status(&server, PROXY, "POST", &headers).await, post, "{user}");
    }
    let without_origin = [HOST, ("x-forwarded-user", "alice")];
    assert_eq!(
        status(&server, PROXY, "POST", &without_origin).await,
        403,
        "another site's page sends it too"
    );
    let elsewhere = [HOST, ("x-forwarded-user", "alice"), ("origin", "https://evil.example.com")];
    assert_eq!(status(&server, PROXY, "POST", &elsewhere).await, 403);
}

#[tokio::test]
async fn who_is_no_proxy_of_ours_cannot_say_who_they_are() {
    let server = Server::new(&behind());
    let claims = [
        HOST,
        ("x-forwarded-user", "alice"),
        ("x-forwarded-for", PROXY),
        ("origin", "https://orgwatch.example.com"),
    ];
    assert_eq!(status(&server, STRANGER, "GET", &claims).await, 401);
    assert_eq!(status(&server, STRANGER, "POST", &claims).await, 401);
    // Whoever has a token needs no proxy, and a proxy that names nobody lets nobody in.
    let token = [HOST, ("authorization", "Bearer operator-secret-01")];
    assert_eq!(status(&server, STRANGER, "POST", &token).await, 202);
    assert_eq!(status(&server, PROXY, "GET", &[HOST]).await, 401);
    assert_eq!(status(&server, PROXY, "GET", &[HOST, ("x-forwarded-user", "")]).await, 401);
    // Where nobody was asked to believe it, the header is of no use.
    let by_token = Server::new(&HttpOptions { auth: Auth::Token, ..behind() });
    assert_eq!(status(&by_token, PROXY, "GET", &claims).await, 401);
}

#[tokio::test]
async fn a_user_header_that_is_there_twice_or_is_no_name_is_refused() {
    let server = Server::new(&behind());
    let twice = [HOST, ("x-forwarded-user", "bob"), ("x-forwarded-user", "alice")];
    assert_eq!(status(&server, PROXY, "GET", &twice).await, 400);
    assert_eq!(status(&server, PROXY, "GET", &[HOST, ("x-forwarded-user", "bob, alice")]).await, 400);
    // Nobody who is not believed anything can be refused for it.
    let token = [
        HOST,
        ("authorization", "Bearer reader-secret-0001"),
        ("x-forwarded-user", "a"),
        ("x-forwarded-user", "b"),
    ];
    assert_eq!(status(&server, STRANGER, "GET", &token).await, 200);
}

#[tokio::test]
async fn a_proxy_on_loopback_is_no_person_on_loopback() {
    let options = HttpOptions {
        bind: "127.0.0.1:8080".parse().unwrap(),
        trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()],
        ..behind()
    };
    let server = Server::new(&options);
    for host in ["localhost:8080", "orgwatch.example.com"] {
        let host = ("host", host);
        assert_eq!(status(&server, "127.0.0.1", "GET", &[host]).await, 401);
        assert_eq!(status(&server, "127.0.0.1", "GET", &[host, ("x-forwarded-user", "bob")]).await, 200);
    }
    let rebound = [("host", "evil.example.com"), ("x-forwarded-user", "alice")];
    assert_eq!(status(&server, "127.0.0.1", "GET", &rebound).await, 421);
    assert_eq!(
        ask(&server, "127.0.0.1", "GET", "/healthz", &[("host", "localhost")]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn the_log_names_the_user_and_the_address_that_the_proxy_saw() {
    let (lines, _guard) = captured::lines(false, "info");
    let server = Server::new(&behind());
    let chain = ("x-forwarded-for", "198.51.100.66, 192.0.2.1, 10.9.9.9");
    let headers = [HOST, ("x-forwarded-user", "bob"), chain, ("origin", "https://orgwatch.example.com")];
    status(&server, PROXY, "POST", &headers).await;
    status(&server, STRANGER, "POST", &headers).await;
    let text = lines.text();
    let line = |caller: &str| {
        text.lines()
            .find(|line| line.contains(&format!("http.caller={caller:?}")))
            .unwrap_or_else(|| panic!("{text}"))
    };
    assert!(line("user:bob").contains("http.client=192.0.2.1 "), "{text}");
    assert!(line("nobody").contains(&format!("http.client={STRANGER} ")), "{text}");
}

#[tokio::test]
async fn wrong_tokens_are_counted_by_the_client_behind_the_proxy() {
    let server = Server::new(&behind());
    let enter = async |peer: &str, client: &str, proto: &str, token: &str| {
        let request = Request::builder().method("POST").uri("/login").header(HOST.0, HOST.1);
        let request = request.header("x-forwarded-for", client).header("x-forwarded-proto", proto);
        let request = request.header("origin", format!("{proto}://orgwatch.example.com"));
        server.send(from(peer, request.body(Body::from(format!("token={token}"))).unwrap())).await
    };
    for n in 0..12 {
        let expected = if n < 10 { 401 } else { 429 };
        assert_eq!(enter(PROXY, "192.0.2.1", "https", "wrong").await.status.as_u16(), expected, "{n}");
    }
    // The same client cannot be another one by inventing where it comes from, and nobody else is kept out.
    assert_eq!(enter(PROXY, "198.51.100.66, 192.0.2.1", "https", "wrong").await.status.as_u16(), 429);
    assert_eq!(enter(PROXY, "192.0.2.2", "https", "wrong").await.status.as_u16(), 401);
    assert_eq!(enter(STRANGER, "192.0.2.1", "http", "wrong").await.status.as_u16(), 401);
    for n in 0..12 {
        let client = format!("2001:db8::{n:x}");
        let expected = if n < 10 { 401 } else { 429 };
        assert_eq!(enter(PROXY, &client, "https", "wrong").await.status.as_u16(), expected, "{client}");
    }
    // By TLS as far as the proxy says so, the cookie never goes without.
    let cookie = async |peer: &str, proto: &str| {
        let entered = enter(peer, "192.0.2.3", proto, "reader-secret-0001").await;
        entered.headers[header::SET_COOKIE].to_str().unwrap().contains("Secure")
    };
    assert_eq!((cookie(PROXY, "https").await, cookie(PROXY, "http").await), (true, false));
    assert!(!cookie(STRANGER, "https").await, "a stranger's word is nothing");
}

#[tokio::test]
async fn a_page_that_came_by_tls_is_not_told_by_one_that_did_not() {
    let server = Server::new(&behind());
    let headers =
        |origin| [HOST, ("x-forwarded-user", "alice"), ("x-forwarded-proto", "https"), ("origin", origin)];
    assert_eq!(status(&server, PROXY, "POST", &headers("https://orgwatch.example.com")).await, 202);
    assert_eq!(status(&server, PROXY, "POST", &headers("http://orgwatch.example.com")).await, 403);
}
