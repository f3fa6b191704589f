//! What operators tell the daemon, and validators and compression of what it tells them.

use super::*;

fn post(path: &str, body: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request = Request::builder().method("POST").uri(path).header("host", "localhost:8080");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(Body::from(body.to_owned())).unwrap()
}

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

#[tokio::test]
async fn a_pause_has_a_scope_a_reason_and_an_end() {
    let server = Server::new(&loopback());
    let body = r#"{"scope":"ou-ab12-cdefgh34","reason":" a migration ","duration":"2h"}"#;
    let answer = server.send(post("/api/v1/pause", body, &[JSON])).await;
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "by": "loopback",
      "reason": "a migration",
      "scope": "ou-ab12-cdefgh34",
      "since": "2026-11-20T12:00:00Z",
      "until": "2026-11-20T14:00:00Z"
    }
    "#);
    for (body, says) in [
        (r#"{"scope":"everything","reason":"x"}"#, "`scope`"),
        (r#"{"scope":"all","reason":"  "}"#, "`reason`"),
        (r#"{"scope":"all","reason":"a\u001b[31mb"}"#, "`reason`"),
        (r#"{"scope":"all","reason":"x","duration":"0s"}"#, "`duration`"),
        (r#"{"scope":"all","reason":"x","duration":"400d"}"#, "`duration`"),
        (r#"{"scope":"all","reason":"x","duration":"99999999999y"}"#, "`duration`"),
        (r#"{"scope":"all","reason":"x","for":"2h"}"#, "unknown field"),
        (r#"{"scope":"all"}"#, "missing field"),
        (r#"{"scope":"all","reason":"x"} {}"#, "goes on"),
        ("", "cannot be understood"),
    ] {
        let (status, detail) = server.send(post("/api/v1/pause", body, &[JSON])).await.problem();
        assert_eq!(status, 400, "{body}");
        assert!(detail.contains(says), "{body}: {detail}");
    }
}

#[tokio::test]
async fn a_form_of_somebody_elses_page_is_no_json() {
    let server = Server::new(&loopback());
    let body = r#"{"scope":"all","reason":"x"}"#;
    for headers in
        [&[][..], &[("content-type", "text/plain")], &[("content-type", "application/x-www-form-urlencoded")]]
    {
        assert_eq!(server.send(post("/api/v1/pause", body, headers)).await.problem().0, 415);
    }
    let elsewhere = [JSON, ("origin", "https://evil.example")];
    assert_eq!(server.send(post("/api/v1/pause", body, &elsewhere)).await.problem().0, 403);
    let long = "x".repeat(20_000);
    assert_eq!(server.send(post("/api/v1/pause", &long, &[JSON])).await.problem().0, 413);
}

#[tokio::test]
async fn holds_are_released_pauses_resumed_and_levels_changed() {
    let server = Server::new(&loopback());
    let released = server.request("POST", "/api/v1/holds/open/release").await.json();
    assert_eq!(released["targets"], serde_json::json!(["member 333333333333/cn-north-1"]));
    assert_eq!(server.request("POST", "/api/v1/holds/gone/release").await.problem().0, 404);
    assert_eq!(server.request("POST", "/api/v1/holds/Paused-x/release").await.problem().0, 409);
    let resume = async |scope: &str| {
        server.send(post("/api/v1/resume", &format!(r#"{{"scope":"{scope}"}}"#), &[JSON])).await
    };
    assert_eq!(resume("all").await.json()["scope"], "all");
    assert_eq!(resume("333333333333").await.problem().0, 404);
    let level = async |level: &str| {
        server.send(post("/api/v1/log-level", &format!(r#"{{"level":"{level}"}}"#), &[JSON])).await.status
    };
    assert_eq!((level("debug").await, level("loud").await), (StatusCode::OK, StatusCode::BAD_REQUEST));
    assert_eq!(server.request("POST", "/api/v1/discovery/accept").await.json()["departed"], 12);
}

#[tokio::test]
async fn a_reader_tells_the_daemon_nothing() {
    let server = Server::new(&exposed());
    for path in ["/api/v1/pause", "/api/v1/resume", "/api/v1/holds/open/release", "/api/v1/log-level"] {
        let headers = [("host", "orgwatch.example.com"), ("authorization", "Bearer reader-secret-0001")];
        assert_eq!(server.send(request("POST", path, &headers)).await.problem().0, 403, "{path}");
    }
}

#[tokio::test]
async fn who_has_the_same_answer_gets_none_and_a_compressed_answer_is_another() {
    let server = Server::new(&loopback());
    let ask = async |headers: &[(&str, &str)]| {
        let headers: Vec<_> = [("host", "localhost")].into_iter().chain(headers.iter().copied()).collect();
        let response =
            server.router.clone().oneshot(request("GET", "/api/v1/accounts", &headers)).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts, to_bytes(body, usize::MAX).await.unwrap())
    };
    let (plain, body) = ask(&[]).await;
    let tag = plain.headers[header::ETAG].to_str().unwrap().to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(plain.headers[header::CACHE_CONTROL], "private, no-cache");
    let (same, nothing) = ask(&[("if-none-match", &format!("\"x\", W/{tag}"))]).await;
    assert_eq!((same.status, nothing.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(same.headers[header::ETAG], tag.as_str());
    let (zipped, small) = ask(&[("accept-encoding", "gzip"), ("if-none-match", &tag)]).await;
    assert_eq!(
        (zipped.status, &zipped.headers[header::CONTENT_ENCODING]),
        (StatusCode::OK, &"gzip".parse().unwrap())
    );
    assert_ne!(zipped.headers[header::ETAG], tag.as_str());
    assert!(small.len() * 2 < body.len(), "{} of {}", small.len(), body.len());
    server.snapshot.send_modify(|snapshot| Snapshot::edited(snapshot).accounts.clear());
    assert_eq!(ask(&[("if-none-match", &tag)]).await.0.status, StatusCode::OK, "it is another answer");
}
