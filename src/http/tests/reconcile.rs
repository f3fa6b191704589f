use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::http::serve;

#[tokio::test]
async fn a_request_is_accepted_with_the_place_to_follow_it() {
    let server = Server::new(&loopback());
    for (path, total) in [("/api/v1/reconcile", 5), ("/api/v1/accounts/111111111111/reconcile", 1)] {
        let answer = server.request("POST", path).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{path}");
        assert_eq!(answer.json()["total"], total, "{path}");
        let location = answer.headers[header::LOCATION].to_str().unwrap();
        assert_eq!(server.json(location).await["state"], "running");
    }
}

#[tokio::test]
async fn a_request_that_leads_to_no_pass_says_why() {
    let server = Server::new(&loopback());
    for (account, status, says) in [
        ("999999999999", 404, "not known"),
        ("666666666666", 409, "excluded by configuration"),
        ("1", 400, "12 digits"),
    ] {
        let answer = server.request("POST", &format!("/api/v1/accounts/{account}/reconcile")).await;
        let (found, detail) = answer.problem();
        assert_eq!(found, status, "{detail}");
        assert!(detail.contains(says), "{detail}");
    }
    assert_eq!(server.request("POST", "/api/v1/reconcile?dry=1").await.problem().0, 400);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_the_request_is_done() {
    let server = Server::new(&loopback());
    server.request("POST", "/api/v1/reconcile").await;
    let begun = tokio::time::Instant::now();
    let finish = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        let running = server.reconciles.0.lock().unwrap();
        // A step on the way is no reason to answer.
        running["r-1"].send_modify(|view| view.done = 3);
        running["r-1"].send_modify(|view| view.state = "done");
    };
    let (answer, ()) = tokio::join!(server.json("/api/v1/reconciles/r-1?wait=30s"), finish);
    assert_eq!((&answer["state"], &answer["done"]), (&"done".into(), &3.into()));
    assert_eq!(begun.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_time_with_the_stop_and_with_the_one_who_works() {
    let server = Server::new(&loopback());
    server.request("POST", "/api/v1/reconcile").await;
    let begun = tokio::time::Instant::now();
    assert_eq!(server.json("/api/v1/reconciles/r-1?wait=1m").await["state"], "running");
    assert_eq!(begun.elapsed().as_secs(), 60);

    let begun = tokio::time::Instant::now();
    assert_eq!(server.json("/api/v1/reconciles/r-1").await["state"], "running");
    assert_eq!(begun.elapsed().as_secs(), 0);

    let drop_sender = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        server.reconciles.0.lock().unwrap().clear();
    };
    let (answer, ()) = tokio::join!(server.json("/api/v1/reconciles/r-1?wait=30s"), drop_sender);
    assert_eq!(answer["state"], "running");
    assert_eq!(begun.elapsed().as_secs(), 5);

    server.request("POST", "/api/v1/reconcile").await;
    server.stopping.cancel();
    let begun = tokio::time::Instant::now();
    assert_eq!(server.json("/api/v1/reconciles/r-1?wait=30s").await["state"], "running");
    assert_eq!(begun.elapsed().as_secs(), 0);
}

async fn listening(server: &Server) -> (String, CancellationToken, tokio::task::JoinSet<anyhow::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(serve(listener, server.router.clone(), None, stop.clone()));
    (url, stop, tasks)
}

#[tokio::test]
async fn a_real_client_is_served_until_the_stop_and_open_requests_end_first() {
    let server = Server::new(&loopback());
    let (url, stop, mut tasks) = listening(&server).await;
    let client = reqwest::Client::new();
    let accepted = client.post(format!("{url}/api/v1/reconcile")).send().await.unwrap();
    assert_eq!(accepted.status(), 202);

    // The server stops while this is open; its work is done a moment later.
    let open = client.get(format!("{url}/api/v1/reconciles/r-1?wait=20s")).send();
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
        tokio::time::sleep(Duration::from_millis(200)).await;
        server.reconciles.0.lock().unwrap()["r-1"].send_modify(|view| view.state = "done");
    };
    let (answer, ()) = tokio::join!(open, end);
    let answer: Value = answer.unwrap().json().await.unwrap();
    assert_eq!(answer["state"], "done");
    // The connection could be used again and is closed all the same: nothing is left to wait for.
    let ended = tokio::time::timeout(Duration::from_secs(2), tasks.join_next()).await;
    ended.expect("the server ends with its last request").unwrap().unwrap().unwrap();
    assert!(client.get(format!("{url}/healthz")).send().await.is_err());
}

#[tokio::test]
async fn the_stop_does_not_wait_for_a_request_that_does_not_end() {
    let server = Server::new(&loopback());
    let (url, stop, mut tasks) = listening(&server).await;
    let client = reqwest::Client::new();
    client.post(format!("{url}/api/v1/reconcile")).send().await.unwrap();
    let open = client.get(format!("{url}/api/v1/reconciles/r-1?wait=60s")).send();
    let end = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        stop.cancel();
        let begun = std::time::Instant::now();
        tasks.join_next().await.unwrap().unwrap().unwrap();
        begun.elapsed()
    };
    let (answer, took) = tokio::join!(open, end);
    assert!(answer.is_err());
    assert!(took < Duration::from_secs(6), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_ends_its_headers_is_let_go() {
    let (url, stop, mut tasks) = listening(&Server::new(&loopback())).await;
    let mut client = TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: local").await.unwrap();
    let mut answer = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut answer)).await;
    assert_eq!(closed.expect("the server closes the connection").unwrap(), 0);
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}
