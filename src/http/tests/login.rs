//! Sessions of people.

use super::*;

const HOST: (&str, &str) = ("host", "orgwatch.example.com");
const OURS: (&str, &str) = ("origin", "http://orgwatch.example.com");

async fn enter(server: &Server, token: &str) -> Answer {
    let request =
        Request::builder().method("POST").uri("/login").header(HOST.0, HOST.1).header(OURS.0, OURS.1);
    server.send(request.body(Body::from(format!("token={token}"))).unwrap()).await
}

/// What the browser sends back.
fn cookie(answer: &Answer) -> String {
    answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_is_led_to_the_login_gets_in_and_leaves_again() {
    let server = Server::new(&exposed());
    let page = server.send(request("GET", "/", &[HOST, ("accept", "text/html,*/*")])).await;
    assert_eq!(
        (page.status, &page.headers[header::LOCATION]),
        (StatusCode::SEE_OTHER, &"/login".parse().unwrap())
    );
    let login = server.send(request("GET", "/login", &[HOST])).await;
    assert!(login.status == StatusCode::OK && login.text.contains("type=\"password\""), "{}", login.text);
    let entered = enter(&server, "reader-secret-0001").await;
    assert_eq!(entered.status, StatusCode::SEE_OTHER);
    let set = entered.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["Path=/", "HttpOnly", "SameSite=Strict", "Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("secret") && !set.contains("Secure"), "{set}");
    let cookie = cookie(&entered);
    let session = ("cookie", cookie.as_str());
    assert_eq!(server.send(request("GET", "/", &[HOST, session])).await.status, StatusCode::OK);
    assert_eq!(server.send(request("GET", "/login", &[HOST, session])).await.status, StatusCode::SEE_OTHER);
    let write = server.send(request("POST", "/api/v1/reconcile", &[HOST, OURS, session])).await;
    assert_eq!(write.problem().0, 403, "a reader's session reads");
    let left = server.send(request("POST", "/logout", &[HOST, OURS, session])).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER, "leaving changes nothing but the session");
    assert_eq!(server.send(request("GET", "/api/v1/status", &[HOST, session])).await.problem().0, 401);
}

#[tokio::test]
async fn an_operators_session_acts_from_our_own_pages_only() {
    let server = Server::new(&exposed());
    let cookie = cookie(&enter(&server, "operator-secret-01").await);
    let session = ("cookie", cookie.as_str());
    let post = async |headers: &[(&str, &str)]| {
        server.send(request("POST", "/api/v1/reconcile", headers)).await.status.as_u16()
    };
    assert_eq!(post(&[HOST, OURS, session]).await, 202);
    assert_eq!(post(&[HOST, session]).await, 403);
    assert_eq!(post(&[HOST, session, ("origin", "https://evil.example")]).await, 403);
    assert_eq!(post(&[HOST, session, ("origin", "null")]).await, 403);
    let left = server.send(request("POST", "/logout", &[HOST, OURS, session])).await;
    assert!(left.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(server.send(request("GET", "/api/v1/status", &[HOST, session])).await.problem().0, 401);
}

#[tokio::test]
async fn wrong_tokens_and_made_up_cookies_let_nobody_in_and_guessing_is_slow() {
    let server = Server::new(&exposed());
    for cookie in
        ["orgwatch_session=", "orgwatch_session=x", "other=1; orgwatch_session=00", "orgwatch_session"]
    {
        let answer = server.send(request("GET", "/api/v1/status", &[HOST, ("cookie", cookie)])).await;
        assert_eq!(answer.problem().0, 401, "{cookie}");
    }
    let mut statuses = std::collections::BTreeSet::new();
    for guess in 0..15 {
        let answer = enter(&server, &format!("guess-{guess}")).await;
        assert!(!answer.headers.contains_key(header::SET_COOKIE));
        statuses.insert(answer.status.as_u16());
    }
    assert_eq!(statuses, std::collections::BTreeSet::from([401, 429]));
    assert_eq!(
        enter(&server, "operator-secret-01").await.status,
        StatusCode::SEE_OTHER,
        "who knows it gets in"
    );
}

#[tokio::test]
async fn under_tls_the_cookie_goes_by_tls_only_and_where_no_token_is_asked_for_there_is_no_login() {
    let server = Server::new(&HttpOptions { tls: true, ..exposed() });
    assert_eq!(
        enter(&server, "operator-secret-01").await.status,
        StatusCode::FORBIDDEN,
        "from a page without TLS"
    );
    let by_tls = ("origin", "https://orgwatch.example.com");
    let request =
        Request::builder().method("POST").uri("/login").header(HOST.0, HOST.1).header(by_tls.0, by_tls.1);
    let entered = server.send(request.body(Body::from("token=operator-secret-01")).unwrap()).await;
    assert!(entered.headers[header::SET_COOKIE].to_str().unwrap().ends_with("; Secure"));
    let open = Server::new(&loopback());
    assert_eq!(open.request("GET", "/login").await.status, StatusCode::SEE_OTHER);
}
