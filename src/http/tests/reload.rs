//! A reload as it is asked for, answered and refused.

use super::*;
use crate::http::Refused;

const HOST: (&str, &str) = ("host", "orgwatch.example.com");

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_reload_answers_what_is_different_from_before() {
    let server = Server::new(&loopback());
    let answer = server.request("POST", "/api/v1/reload").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    insta::assert_json_snapshot!(answer.json(), @r#"
    {
      "changes": [
        {
          "after": {
            "source": "file",
            "value": "a"
          },
          "before": null,
          "path": "alert[a].name",
          "secret": false
        },
        {
          "after": {
            "source": "file",
            "value": "high"
          },
          "before": null,
          "path": "alert[a].severity",
          "secret": false
        }
      ],
      "generation": 2,
      "loaded_at": "2026-11-20T12:00:00Z",
      "warnings": [
        {
          "code": "W-no-subscriber",
          "expected": "somebody who is told",
          "found": "neither a topic nor a subscription",
          "hint": "add subscriptions = [{ protocol = \"email\", endpoint = \"...\" }]",
          "path": "alert[0]"
        },
        {
          "code": "W-no-organization-id",
          "expected": "the id of the organization",
          "found": "nothing",
          "hint": "with it, credentials of another organization are refused before any write",
          "path": "organization.id"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_configuration_that_is_refused_is_answered_with_every_problem() {
    let server = Server::new(&exposed());
    let operator = bearer("operator-secret-01");
    let headers = [HOST, ("authorization", operator.as_str())];
    let answer = server.send(request("POST", "/api/v1/reload", &headers)).await;
    let (status, detail) = answer.problem();
    assert_eq!(status, 422);
    assert!(detail.contains("2 problems") && detail.contains("2026-11-20T12:00:00Z"), "{detail}");
    let problems = answer.json()["problems"].clone();
    let codes: Vec<&str> = problems.as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["E-bad-value", "E-unknown-key"]);
    let reader = bearer("reader-secret-0001");
    let headers = [HOST, ("authorization", reader.as_str())];
    assert_eq!(server.send(request("POST", "/api/v1/reload", &headers)).await.problem().0, 403);
}

#[tokio::test]
async fn the_configuration_shows_the_reload_that_was_refused_until_one_is_taken_over() {
    let server = Server::new(&loopback());
    assert!(server.json("/api/v1/config").await["refused"].is_null());
    let problems = crate::config::parse("", []).unwrap_err().problems;
    server.configuration.send_modify(|shown| {
        let refused = Refused { at: NOW.parse().unwrap(), by: "SIGHUP".to_owned(), problems };
        *shown = Arc::new(Configuration { refused: Some(refused), ..shown.as_ref().clone() });
    });
    let refused = server.json("/api/v1/config").await["refused"].clone();
    assert_eq!((&refused["by"], &refused["at"]), (&json!("SIGHUP"), &json!(NOW)));
    assert!(refused["problems"][0]["code"].is_string(), "{refused}");
}

#[tokio::test]
async fn who_may_ask_changes_with_the_next_request_and_a_session_ends_with_its_token() {
    let server = Server::new(&exposed());
    let reader = bearer("reader-secret-0001");
    let headers = [HOST, ("authorization", reader.as_str())];
    let entered = Request::builder().method("POST").uri("/login").header(HOST.0, HOST.1);
    let entered = entered.header("origin", "http://orgwatch.example.com");
    let entered = server.send(entered.body(Body::from("token=reader-secret-0001")).unwrap()).await;
    let cookie = entered.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let session = [HOST, ("cookie", cookie.as_str())];
    let status = async |headers: &[(&str, &str)]| {
        server.send(request("GET", "/api/v1/status", headers)).await.status.as_u16()
    };
    assert_eq!((status(&headers).await, status(&session).await), (200, 200));
    let mut options = exposed();
    options.tokens.retain(|(name, ..)| name != "wallboard");
    server.gate.go_by(&options);
    assert_eq!((status(&headers).await, status(&session).await), (401, 401));
    server.gate.go_by(&exposed());
    assert_eq!((status(&headers).await, status(&session).await), (200, 200));
    options.hosts = vec!["elsewhere.example.com".to_owned()];
    server.gate.go_by(&options);
    assert_eq!(status(&headers).await, 421);
}
