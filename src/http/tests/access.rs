use super::*;
use crate::telemetry::logs::captured;

const READER: (&str, &str) = ("authorization", "Bearer reader-secret-0001");
const OPERATOR: (&str, &str) = ("authorization", "bearer operator-secret-01");
const HOST: (&str, &str) = ("host", "orgwatch.example.com");

async fn status(server: &Server, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    server.send(request(method, path, headers)).await.status.as_u16()
}

#[tokio::test]
async fn on_loopback_only_a_loopback_host_is_answered() {
    let server = Server::new(&loopback());
    for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080"] {
        assert_eq!(status(&server, "GET", "/api/v1/status", &[("host", host)]).await, 200, "{host}");
    }
    for host in [
        "evil.example.com",
        "evil.example.com:8080",
        "localhost.evil.example.com",
        "127.0.0.1.evil.example.com",
        "0.0.0.0:8080",
        "192.168.0.1",
        "[::2]",
        "::1",
        "localhost@evil.example.com",
        "evil@localhost",
        "",
    ] {
        for path in ["/api/v1/status", "/", "/metrics", "/healthz"] {
            let status = status(&server, "GET", path, &[("host", host)]).await;
            assert!(matches!(status, 400 | 421), "{host} {path}: {status}");
        }
    }
    assert_eq!(status(&server, "GET", "/", &[]).await, 421);
    assert_eq!(
        status(&server, "GET", "/", &[("host", "localhost"), ("host", "evil.example.com")]).await,
        400
    );
    // A target that names a host counts more than the header.
    assert_eq!(status(&server, "GET", "http://evil.example.com/", &[("host", "localhost")]).await, 421);
}

#[tokio::test]
async fn on_loopback_no_token_is_asked_for() {
    let server = Server::new(&loopback());
    assert_eq!(status(&server, "POST", "/api/v1/reconcile", &[("host", "localhost")]).await, 202);
}

#[tokio::test]
async fn off_loopback_everything_but_health_needs_a_token() {
    let server = Server::new(&exposed());
    for path in ["/", "/api/v1/status", "/accounts/111111111111", "/metrics", "/nothing"] {
        let answer = server.send(request("GET", path, &[HOST])).await;
        assert_eq!(answer.problem().0, 401, "{path}");
        assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer", "{path}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(status(&server, "GET", path, &[("host", "10.0.0.7:8080")]).await, 200, "{path}");
    }
    assert_eq!(status(&server, "GET", "/api/v1/status", &[HOST, READER]).await, 200);
}

#[tokio::test]
async fn what_is_nearly_a_token_is_none() {
    let server = Server::new(&exposed());
    for value in [
        "reader-secret-0001",
        "Basic reader-secret-0001",
        "Bearer reader-secret-000",
        "Bearer reader-secret-00011",
        "Bearer READER-SECRET-0001",
        "Bearer",
        "Bearer ",
    ] {
        assert_eq!(
            status(&server, "GET", "/api/v1/status", &[HOST, ("authorization", value)]).await,
            401,
            "{value}"
        );
    }
    assert_eq!(status(&server, "GET", "/api/v1/status", &[HOST, READER, OPERATOR]).await, 401, "two at once");
}

#[tokio::test]
async fn an_empty_token_in_the_options_opens_nothing() {
    let mut options = exposed();
    options.tokens = vec![("empty".to_owned(), Role::Operator, SecretString::from(""))];
    let server = Server::new(&options);
    for value in ["Bearer ", "Bearer  "] {
        assert_eq!(status(&server, "GET", "/", &[HOST, ("authorization", value)]).await, 401);
    }
}

#[tokio::test]
async fn a_reader_may_not_ask_for_passes_and_an_operator_may() {
    let server = Server::new(&exposed());
    let path = "/api/v1/accounts/111111111111/reconcile";
    assert_eq!(server.send(request("POST", path, &[HOST, READER])).await.problem().0, 403);
    assert!(server.reconciles.0.lock().unwrap().is_empty());
    assert_eq!(status(&server, "POST", path, &[HOST, OPERATOR]).await, 202);
}

#[tokio::test]
async fn metrics_are_open_where_the_options_say_so() {
    let server = Server::new(&HttpOptions { metrics_open: true, ..exposed() });
    assert_eq!(status(&server, "GET", "/metrics", &[("host", "10.0.0.7:8080")]).await, 200);
    assert_eq!(status(&server, "GET", "/", &[HOST]).await, 401);
}

#[tokio::test]
async fn without_authentication_only_the_host_is_looked_at() {
    let server = Server::new(&HttpOptions { auth: Auth::None, ..exposed() });
    assert_eq!(status(&server, "GET", "/api/v1/status", &[HOST]).await, 200);
    assert_eq!(status(&server, "GET", "/api/v1/status", &[("host", "other.example.com")]).await, 421);
}

#[tokio::test]
async fn off_loopback_the_listed_hosts_count_and_none_means_any() {
    let server = Server::new(&exposed());
    for (host, expected) in [
        ("orgwatch.example.com", 200),
        ("ORGWATCH.example.com:8443", 200),
        ("other.example.com", 421),
        ("orgwatch.example.com.evil.example.com", 421),
        ("localhost", 421),
    ] {
        assert_eq!(
            status(&server, "GET", "/api/v1/status", &[("host", host), READER]).await,
            expected,
            "{host}"
        );
    }
    let with_port = Server::new(&HttpOptions { hosts: vec!["a.example.com:8443".to_owned()], ..exposed() });
    assert_eq!(status(&with_port, "GET", "/", &[("host", "a.example.com:8443"), READER]).await, 200);
    assert_eq!(status(&with_port, "GET", "/", &[("host", "a.example.com"), READER]).await, 421);
    let any = Server::new(&HttpOptions { hosts: Vec::new(), ..exposed() });
    assert_eq!(status(&any, "GET", "/", &[("host", "whatever.example.com"), READER]).await, 200);
}

#[tokio::test]
async fn a_post_from_the_page_of_another_site_is_refused() {
    let server = Server::new(&loopback());
    for (origin, expected) in [
        ("http://localhost:8080", 202),
        ("http://localhost", 403),
        ("http://127.0.0.1:8080", 403),
        ("https://evil.example.com", 403),
        ("null", 403),
    ] {
        let headers = [("host", "localhost:8080"), ("origin", origin)];
        assert_eq!(status(&server, "POST", "/api/v1/reconcile", &headers).await, expected, "{origin}");
        assert_eq!(status(&server, "GET", "/api/v1/status", &headers).await, 200, "{origin}");
    }
    let behind_tls = Server::new(&exposed());
    let headers = [HOST, OPERATOR, ("origin", "https://orgwatch.example.com")];
    assert_eq!(status(&behind_tls, "POST", "/api/v1/reconcile", &headers).await, 202);
    let headers = [HOST, OPERATOR, ("origin", "https://orgwatch.example.com:8443")];
    assert_eq!(status(&behind_tls, "POST", "/api/v1/reconcile", &headers).await, 403);
}

#[tokio::test]
async fn every_post_is_logged_with_who_sent_it_and_no_token_ever_is() {
    let (lines, _guard) = captured::lines(false, "trace");
    let options = exposed();
    let server = Server::new(&options);
    for token in [READER, OPERATOR, ("authorization", "Bearer guessed-secret-99")] {
        server.send(request("POST", "/api/v1/reconcile", &[HOST, token])).await;
        server.send(request("GET", "/api/v1/status", &[HOST, token])).await;
    }
    let text = lines.text() + &format!("{options:?}");
    let posts = || text.lines().filter(|line| line.contains("http.path=\"/api/v1/reconcile\""));
    for (caller, status) in [("wallboard", 403), ("oncall", 202), ("nobody", 401)] {
        let says = |line: &str| {
            line.contains(&format!("http.caller={caller:?}")) && line.contains(&format!("={status}"))
        };
        assert!(posts().any(says), "{caller}: {text}");
    }
    assert_eq!(posts().count(), 3, "{text}");
    assert!(!text.contains("secret-"), "{text}");
}
