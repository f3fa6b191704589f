use std::time::Duration;

use axum::body::BodyDataStream;
use futures::StreamExt;
use jiff::SignedDuration;

use super::*;
use crate::model::resource::Verdict;
use crate::model::view::Snapshot;

/// One who listens.
struct Ear {
    events: BodyDataStream,
    text: String,
}

impl Ear {
    async fn open(server: &Server, last: Option<&str>) -> Self {
        let mut headers = vec![("host", "localhost"), ("accept-encoding", "gzip")];
        headers.extend(last.map(|id| ("last-event-id", id)));
        let response =
            server.router.clone().oneshot(request("GET", "/api/v1/stream", &headers)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING), "it would be held back");
        assert!(!response.headers().contains_key(header::ETAG));
        Self { events: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The next event: id, kind and data; none at the end.
    async fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    line.unwrap_or_default().to_owned()
                };
                let found = (field("id"), field("event"), field("data"));
                self.text = rest.to_owned();
                if found.1.is_empty() {
                    continue;
                }
                return Some((found.0, found.1, serde_json::from_str(&found.2).unwrap()));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.events.next()).await.unwrap()?;
            self.text += std::str::from_utf8(&chunk.unwrap()).unwrap();
        }
    }
}

/// Another snapshot, later than the one before.
fn publish(server: &Server, change: impl FnOnce(&mut Snapshot)) {
    server.snapshot.send_modify(|snapshot| {
        let snapshot = Snapshot::edited(snapshot);
        snapshot.taken_at += SignedDuration::from_secs(1);
        change(snapshot);
    });
}

fn set(snapshot: &mut Snapshot, id: &str, verdict: Verdict) {
    let account = snapshot.accounts.get_mut(&id.parse().unwrap()).unwrap();
    Arc::make_mut(account).verdict = verdict;
}

#[tokio::test]
async fn who_listens_is_told_what_changed_and_nothing_else() {
    let server = Server::new(&loopback());
    let mut ear = Ear::open(&server, None).await;
    assert_eq!(ear.next().await.unwrap().1, "hello");
    // Read again, and found the same.
    publish(&server, |snapshot| {
        for account in snapshot.accounts.values_mut() {
            Arc::make_mut(account).observed_at = Some(snapshot.taken_at);
        }
    });
    publish(&server, |snapshot| set(snapshot, "222222222222", Verdict::Drifted));
    let (_, kind, data) = ear.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &data["id"], &data["verdict"]),
        ("account", &"222222222222".into(), &"drifted".into())
    );
    let (_, kind, data) = ear.next().await.unwrap();
    assert_eq!((kind.as_str(), &data["accounts"]["drifted"]), ("status", &2.into()));
    publish(&server, |snapshot| {
        snapshot.accounts.remove(&"777777777777".parse().unwrap());
    });
    let (_, kind, data) = ear.next().await.unwrap();
    assert_eq!((kind.as_str(), &data["id"]), ("departed", &"777777777777".into()));
}

#[tokio::test]
async fn who_comes_back_gets_what_it_missed_once() {
    let server = Server::new(&loopback());
    let mut ear = Ear::open(&server, None).await;
    let (id, ..) = ear.next().await.unwrap();
    drop(ear);
    // Nobody listens meanwhile.
    publish(&server, |snapshot| set(snapshot, "222222222222", Verdict::Drifted));
    publish(&server, |snapshot| set(snapshot, "333333333333", Verdict::InSync));
    let mut ear = Ear::open(&server, Some(&id)).await;
    let (first, kind, data) = ear.next().await.unwrap();
    assert_eq!((kind.as_str(), &data["id"]), ("account", &"222222222222".into()));
    drop(ear);
    let mut ear = Ear::open(&server, Some(&first)).await;
    let (_, kind, data) = ear.next().await.unwrap();
    assert_eq!((kind.as_str(), &data["id"]), ("account", &"333333333333".into()));
}

#[tokio::test]
async fn an_id_that_says_nothing_here_means_to_read_everything_anew() {
    let server = Server::new(&loopback());
    for id in ["nonsense", "00000000-1", "-", "ffffffff-99999999999999999999", "\u{7f}"] {
        let Ok(value) = axum::http::HeaderValue::from_str(id) else { continue };
        let mut ear = Ear::open(&server, value.to_str().ok()).await;
        assert_eq!(ear.next().await.unwrap().1, "reset", "{id}");
    }
    // More happened than is kept.
    let mut ear = Ear::open(&server, None).await;
    let (id, ..) = ear.next().await.unwrap();
    drop(ear);
    for n in 0..1200 {
        let verdict = if n % 2 == 0 { Verdict::Drifted } else { Verdict::InSync };
        publish(&server, |snapshot| set(snapshot, "222222222222", verdict));
        let mut ear = Ear::open(&server, None).await;
        ear.next().await.unwrap();
    }
    let mut ear = Ear::open(&server, Some(&id)).await;
    assert_eq!(ear.next().await.unwrap().1, "reset");
}

#[tokio::test]
async fn the_stream_ends_with_the_daemon_and_says_so() {
    let server = Server::new(&loopback());
    let mut ear = Ear::open(&server, None).await;
    ear.next().await.unwrap();
    server.stopping.cancel();
    assert_eq!(ear.next().await.unwrap().1, "stopping");
    assert!(ear.next().await.is_none());
}

#[tokio::test]
async fn so_many_may_listen_and_who_leaves_makes_room() {
    let server = Server::new(&loopback());
    let mut ears = Vec::new();
    for _ in 0..128 {
        ears.push(Ear::open(&server, None).await);
    }
    let full = server.get("/api/v1/stream").await;
    let (status, detail) = full.problem();
    assert_eq!(status, 503);
    assert!(detail.contains("128 clients listen already"), "{detail}");
    assert!(full.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(server.get("/api/v1/status").await.status, StatusCode::OK, "others are served");
    ears.pop();
    Ear::open(&server, None).await;
}

#[tokio::test]
async fn whoever_may_not_read_may_not_listen_either() {
    let answer = Server::new(&exposed())
        .send(request("GET", "/api/v1/stream", &[("host", "orgwatch.example.com")]))
        .await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(Server::new(&loopback()).get("/api/v1/stream?x=1").await.status, StatusCode::BAD_REQUEST);
}
