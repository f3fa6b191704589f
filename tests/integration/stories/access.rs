//! Who may ask the daemon.

use reqwest::{Method, StatusCode};

use super::scene::Scene;
use crate::sdk::block_on;

/// The status of a request that shows a token and names a host, if it does.
fn ask(method: Method, url: &str, token: Option<&str>, host: Option<&str>) -> StatusCode {
    block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().expect("a plain client can be built");
        let mut request = client.request(method, url);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(host) = host {
            request = request.header("host", host);
        }
        request.send().await.expect("it answers").status()
    })
}

const PATHS: [&str; 4] = ["/", "/metrics", "/api/v1/status", "/api/v1/accounts"];

#[test]
fn off_loopback_only_a_token_opens_and_a_reader_only_reads() {
    let scene = Scene::new(6);
    let config = scene.config();
    let (_, port) = config.bind.split_once(':').expect("it has a port");
    let orgwatch = scene.orgwatch(&config);
    let token = |name: &str, text: &str| {
        let path = orgwatch.home().join(name);
        std::fs::write(&path, text).expect("our directory is writable");
        path.display().to_string()
    };
    let [reader, operator] = ["a-token-that-only-reads", "a-token-that-also-acts"];
    let tokens = format!(
        "http.bind = '0.0.0.0:{port}'\n\
         [[http.token]]\nname = 'pager'\nrole = 'reader'\nfile = '{}'\n\
         [[http.token]]\nname = 'oncall'\nrole = 'operator'\nfile = '{}'\n",
        token("reader", reader),
        token("operator", operator)
    );
    orgwatch.configure(&config.clone().with(&tokens));
    let daemon = orgwatch.serve();
    let at = |path: &str| format!("{}{path}", daemon.url());
    for path in PATHS {
        for wrong in [None, Some("a-token-that-nobody-has"), Some("")] {
            assert_eq!(ask(Method::GET, &at(path), wrong, None), 401, "{path}");
        }
        for right in [reader, operator] {
            assert_eq!(ask(Method::GET, &at(path), Some(right), None), 200, "{path}");
        }
    }
    // The page on which people log in, and what it looks like, are for everybody.
    for path in ["/healthz", "/readyz", "/login", "/style.css"] {
        assert_eq!(ask(Method::GET, &at(path), None, None), 200, "{path}");
    }
    let reconcile = at("/api/v1/reconcile");
    assert_eq!(ask(Method::POST, &reconcile, None, None), 401);
    assert_eq!(ask(Method::POST, &reconcile, Some(reader), None), 403);
    assert_eq!(ask(Method::POST, &reconcile, Some(operator), None), 202);
    assert!(daemon.log().contains("oncall"), "who acted is logged by name");

    // The command line finds in with the file, and says what is missing without.
    let url = daemon.url().to_owned();
    let file = orgwatch.home().join("reader");
    let file = file.to_str().expect("it is UTF-8");
    orgwatch.run(&["status", "--url", &url, "--token-file", file]).expect_code(0);
    let refused = orgwatch.run(&["status", "--url", &url]).expect_code(1);
    assert!(refused.stderr.contains("--token-file"), "{}", refused.stderr);
    daemon.stop();
}

#[test]
fn off_loopback_without_a_token_nothing_is_served() {
    let scene = Scene::new(6);
    let config = scene.config().with("http.bind = '0.0.0.0:8080'");
    let refused = scene.orgwatch(&config).run(&["serve"]).expect_code(78);
    assert!(refused.stderr.contains("http.token"), "{}", refused.stderr);
    assert_eq!(scene.proxy.calls().len(), 0);
}

#[test]
fn on_loopback_only_loopback_names_are_answered() {
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    let url = format!("{}/api/v1/status", daemon.url());
    let port = daemon.url().rsplit(':').next().expect("it has a port").to_owned();
    for name in ["localhost", "127.0.0.1", "[::1]"] {
        assert_eq!(ask(Method::GET, &url, None, Some(&format!("{name}:{port}"))), 200, "{name}");
    }
    for name in ["rebound.example.com", "127.0.0.1.example.com", "localhost.example.com", "10.0.0.1"] {
        assert_eq!(ask(Method::GET, &url, None, Some(name)), 421, "{name}");
        let reconcile = format!("{}/api/v1/reconcile", daemon.url());
        assert_eq!(ask(Method::POST, &reconcile, None, Some(name)), 421, "{name}");
    }
    daemon.stop();
}
