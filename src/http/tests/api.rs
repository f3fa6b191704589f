//! The interface for programs: what it answers, what it refuses, and with which headers.

mod accounts;
mod overview;

use std::collections::BTreeSet;

use super::*;
use crate::telemetry::metrics::Format;

#[tokio::test]
async fn what_is_asked_wrongly_is_refused_with_what_would_be_right() {
    let server = Server::new(&loopback());
    let cursor = server.json("/api/v1/accounts?limit=3").await["next_cursor"].as_str().unwrap().to_owned();
    let long = format!("/api/v1/accounts?q={}", "a".repeat(1025));
    let other_order = format!("/api/v1/accounts?sort=name&cursor={cursor}");
    for (path, status, says) in [
        ("/api/v1/status?verbose=1", 400, "unknown query parameter `verbose`; this path takes none"),
        ("/api/v1/accounts?verdicts=x", 400, "takes verdict, coverage, reason, ou, q, sort, limit, cursor"),
        ("/api/v1/accounts?verdict=bad", 400, "`verdict`: `bad` is none of inactive, excluded, in_sync"),
        ("/api/v1/accounts?coverage=BROKEN", 400, "`coverage`: `BROKEN` is none of proven"),
        ("/api/v1/accounts?ou=prod", 400, "not an organizational unit id"),
        ("/api/v1/accounts?limit=0", 400, "1 to 1000"),
        ("/api/v1/accounts?limit=1001", 400, "1 to 1000"),
        ("/api/v1/accounts?limit=ten", 400, "`limit`"),
        ("/api/v1/accounts?limit=5&limit=6", 400, "given twice"),
        ("/api/v1/accounts?sort=age", 400, "id, name, verdict or coverage"),
        ("/api/v1/accounts?cursor=zz", 400, "begin without it"),
        ("/api/v1/accounts?cursor=5b5d", 400, "begin without it"),
        (&other_order, 400, "begin without it"),
        (&long, 400, "longer than 1024 bytes"),
        ("/api/v1/accounts/12345", 400, "not an account id of 12 digits"),
        ("/api/v1/accounts/%FF", 400, "not UTF-8"),
        ("/api/v1/accounts/999999999999", 404, "not known in this organization"),
        ("/api/v1/reconciles/none", 404, "POST /api/v1/reconcile"),
        ("/api/v1/reconciles/none?wait=61s", 400, "60s"),
        ("/api/v1/reconciles/none?wait=soon", 400, "`wait`"),
        ("/api/v1/nothing", 404, "there is nothing at /api/v1/nothing"),
        ("/api/v1", 404, "there is nothing"),
        ("/api/v1/status/", 404, "there is nothing"),
    ] {
        let (found, detail) = server.get(path).await.problem();
        assert_eq!(found, status, "{path}: {detail}");
        assert!(detail.contains(says), "{path}: {detail}");
    }
}

#[tokio::test]
async fn other_methods_and_what_is_too_large_are_refused() {
    let server = Server::new(&loopback());
    let answer = server.request("DELETE", "/api/v1/accounts").await;
    assert_eq!(answer.problem(), (405, "/api/v1/accounts does not answer to DELETE".to_owned()));
    assert_eq!(answer.headers[header::ALLOW], "GET,HEAD");
    assert_eq!(server.get("/api/v1/reconcile").await.problem().0, 405);
    let long = format!("/api/v1/accounts?q={}", "a".repeat(5000));
    assert_eq!(server.get(&long).await.problem().0, 414);
    let mut request = request("POST", "/api/v1/reconcile", &[("host", "localhost")]);
    *request.body_mut() = Body::from(vec![b' '; 64 * 1024 + 1]);
    assert_eq!(server.send(request).await.problem().0, 413);
    assert!(server.reconciles.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn every_answer_has_the_headers_that_keep_a_browser_safe() {
    let server = Server::new(&loopback());
    for path in
        ["/", "/accounts/111111111111", "/api/v1/status", "/healthz", "/nothing", "/style.css", "/metrics"]
    {
        let headers = server.get(path).await.headers;
        let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
        assert_eq!(headers[header::REFERRER_POLICY], "same-origin", "{path}");
        let kept = match path {
            "/style.css" => "private, max-age=300",
            // They have validators, and have to be asked for again each time.
            "/" | "/accounts/111111111111" | "/api/v1/status" => "private, no-cache",
            _ => "no-store",
        };
        assert_eq!(headers[header::CACHE_CONTROL], kept, "{path}");
        assert_eq!(headers.get_all(header::CACHE_CONTROL).iter().count(), 1, "{path}");
    }
}

#[tokio::test]
async fn a_panic_is_an_answer_without_internals() {
    let answer = Server::new(&loopback()).request("POST", "/api/v1/accounts/000000000000/reconcile").await;
    let (status, detail) = answer.problem();
    assert_eq!(status, 500);
    assert!(!detail.contains("secret"), "{detail}");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
}

#[tokio::test]
async fn readiness_ends_with_the_stop_and_with_nothing_else() {
    let server = Server::new(&loopback());
    server.snapshot.send_modify(|snapshot| {
        Snapshot::edited(snapshot).discovery.error = Some("AWS does not answer".to_owned());
    });
    let ready = server.get("/readyz").await;
    assert_eq!((ready.status, ready.text.as_str()), (StatusCode::OK, "ready"));
    server.stopping.cancel();
    let stopping = server.get("/readyz").await;
    assert_eq!((stopping.status, stopping.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "stopping"));
    assert_eq!(server.get("/healthz").await.text, "ok");
}

#[tokio::test]
async fn metrics_are_served_as_what_they_are() {
    let server = Server::new(&loopback());
    let answer = server.get("/metrics").await;
    assert_eq!(answer.headers[header::CONTENT_TYPE], Format::Classic.content_type());
    assert!(answer.text.contains("# TYPE orgwatch_build_info gauge\n"), "{}", answer.text);
    let accepts = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3";
    let open = server.send(request("GET", "/metrics", &[("host", "localhost"), ("accept", accepts)])).await;
    assert_eq!(open.headers[header::CONTENT_TYPE], Format::OpenMetrics.content_type());
    assert!(open.text.ends_with("# EOF\n"));
    for text in [answer.text, open.text] {
        assert!(text.contains("orgwatch_coverage_accounts{coverage=\"broken\"} 2\n"));
    }
}

/// The paths of the design that answer; one that vanishes is a break for whoever calls it.
#[tokio::test]
async fn every_read_says_of_which_moment_it_is() {
    let server = Server::new(&loopback());
    let mut seen = BTreeSet::new();
    for path in [
        "status",
        "accounts",
        "accounts/111111111111",
        "central",
        "coverage",
        "drift",
        "plan",
        "holds",
        "version",
    ] {
        let answer = server.json(&format!("/api/v1/{path}")).await;
        let at = answer["observed_at"].as_str().unwrap_or_else(|| panic!("{path} has no observed_at"));
        seen.insert(at.to_owned());
    }
    assert_eq!(json!(seen), json!(["2026-11-20T11:59:19Z", "2026-11-20T11:59:58Z"]));
}
