//! What is secret is in the configuration and on the wire to AWS, and nowhere else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::JoinHandle;

use super::scene::{SOON, Scene};
use crate::{
    orgwatch::{Daemon, Orgwatch},
    proxy::{Fault, Then},
    wait::eventually,
};

const EXTERNAL_ID: &str = "planted-external-id-7f3a";
const HOOK: &str = "https://hooks.example.com/services/planted-hook-51c2";
const API_TOKEN: &str = "planted-api-token-98de";
const SECRET_KEY: &str = "planted/secret/key/0b1d";
const SESSION_TOKEN: &str = "planted-session-token-c44e";

/// What must not be seen: what we planted, and what STS hands out.
const NOT_TO_BE_SEEN: [&str; 7] = [
    EXTERNAL_ID,
    "planted-hook-51c2",
    API_TOKEN,
    SECRET_KEY,
    "planted%2Fsecret",
    SESSION_TOKEN,
    "<SecretAccessKey>",
];

fn clean(what: &str, text: &str) {
    for secret in NOT_TO_BE_SEEN {
        if let Some(at) = text.find(secret) {
            let around: String =
                text[..at].chars().rev().take(300).collect::<Vec<_>>().into_iter().rev().collect();
            panic!("{what} shows {secret}: ...{around}{}", &text[at..at + secret.len()]);
        }
    }
}

/// What is there only after something else has happened: a request for passes, the first listing.
fn may_be_absent(path: &str) -> bool {
    path.contains("/reconciles/") || path.contains("/accounts/")
}

/// Everything that the stream of `daemon` says until the daemon ends.
fn listen(daemon: &Daemon) -> JoinHandle<String> {
    let address = daemon.url().trim_start_matches("http://").to_owned();
    std::thread::spawn(move || {
        let mut stream = TcpStream::connect(&address).expect("the daemon listens");
        write!(stream, "GET /api/v1/stream HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
            .expect("it takes a request");
        let mut said = Vec::new();
        // However the connection ends, what was said until then is what is looked at.
        let _ended = stream.read_to_end(&mut said);
        String::from_utf8_lossy(&said).into_owned()
    })
}

/// The binary, full of secrets and as talkative as it can be.
fn talkative(scene: &Scene) -> Orgwatch {
    let config = scene.config();
    let orgwatch = scene.orgwatch(&config);
    let token = orgwatch.home().join("token");
    fs::write(&token, API_TOKEN).expect("our directory is writable");
    let secrets = format!(
        r#"
        member.external_id = "{EXTERNAL_ID}"
        log.level = "trace"
        [[alert]]
        name = "iam-changes"
        subscriptions = [{{ protocol = "https", endpoint = "{HOOK}" }}]
        [[http.token]]
        name = "oncall"
        role = "operator"
        file = "{}"
        "#,
        token.display()
    );
    orgwatch.configure(&config.with(&secrets));
    orgwatch.env("AWS_SECRET_ACCESS_KEY", SECRET_KEY).env("AWS_SESSION_TOKEN", SESSION_TOKEN)
}

#[test]
fn no_command_prints_a_secret_however_much_it_logs() {
    let scene = Scene::new(6);
    let orgwatch = talkative(&scene);
    // AWS repeats what it does not like.
    let refused = Then::Respond {
        status: 400,
        code: "InvalidParameter",
        message: "Invalid parameter: Endpoint https://hooks.example.com/services/planted-hook-51c2 is not reachable",
    };
    scene.proxy.fault(Fault::on("sns", "Subscribe", refused).times(1));
    let failed = orgwatch.run(&["apply", "--yes"]);
    assert!(failed.stdout.contains("InvalidParameter"), "the failure is told: {}", failed.stdout);
    clean("a failed Subscribe", &(failed.stdout + &failed.stderr));

    let account = scene.seed.accounts[0].id.clone();
    let account = account.as_str();
    let commands: [&[&str]; 26] = [
        &["check"],
        &["check", "--json"],
        &["check", "--aws"],
        &["plan"],
        &["plan", "--json"],
        &["plan", "--expand"],
        &["apply"],
        &["apply", "--yes", "--json"],
        &["apply", "--yes"],
        &["status"],
        &["status", "--json"],
        &["accounts"],
        &["accounts", "--json"],
        &["account", account],
        &["account", account, "--json"],
        &["doctor", account],
        &["doctor", account, "--json"],
        &["dead-letters"],
        &["dead-letters", "--json"],
        &["drill", "iam-changes", "--yes"],
        &["drill", "iam-changes", "--yes", "--json"],
        &["history", "--json"],
        &["history", "--json-lines"],
        &["history", "--csv"],
        &["teardown"],
        &["teardown", "--yes", "--delete-data"],
    ];
    for command in commands {
        let finished = orgwatch.run(command);
        let said = [finished.stdout.as_str(), &finished.stderr].concat();
        assert!(!said.is_empty() && !said.contains("Usage:"), "{command:?} did its work: {finished:?}");
        clean(&command.join(" "), &finished.stdout);
        clean(&command.join(" "), &finished.stderr);
    }
    // They were there to be shown.
    let calls = scene.proxy.calls();
    let sent = |text: &str| calls.iter().any(|call| call.body.contains(text));
    assert!(sent(EXTERNAL_ID) && sent("planted-hook-51c2"));
}

#[test]
fn a_daemon_shows_no_secret_on_any_page_and_in_no_line() {
    let scene = Scene::new(6);
    let orgwatch = talkative(&scene);
    let refused = Then::Respond {
        status: 400,
        code: "InvalidParameter",
        message: "Invalid parameter: Endpoint https://hooks.example.com/services/planted-hook-51c2 is not reachable",
    };
    scene.proxy.fault(Fault::on("sns", "Subscribe", refused).times(1));
    let daemon = orgwatch.serve();
    let stream = listen(&daemon);
    let look = || {
        let lists = [
            "status",
            "accounts",
            "central",
            "coverage",
            "drift",
            "plan",
            "holds",
            "changes",
            "dead-letters",
            "alerts",
            "alerts/iam-changes",
            "watches",
            "config",
            "version",
            "reconciles/1",
        ];
        let api = lists.iter().map(|path| format!("/api/v1/{path}"));
        let pages = [
            "/",
            "/accounts",
            "/central",
            "/drift",
            "/changes?what=all",
            "/openapi.json",
            "/metrics",
            "/healthz",
            "/readyz",
        ];
        let pages = pages.iter().map(ToString::to_string);
        let each = scene.seed.accounts.iter().flat_map(|account| {
            ["/accounts/", "/api/v1/accounts/"].map(|path| format!("{path}{}", account.id))
        });
        for path in api.chain(pages).chain(each) {
            let answer = daemon.get(&path);
            assert!(answer.status == 200 || may_be_absent(&path), "{path}: {answer:?}");
            clean(&path, &answer.body);
        }
    };
    eventually("it has tried to subscribe", SOON, || {
        look();
        daemon.log().contains("InvalidParameter").then_some(())
    });
    clean("POST", &daemon.post("/api/v1/reconcile").body);
    eventually("all is installed but for the answer of the hook", SOON, || {
        look();
        (daemon.status()["accounts"]["in_sync"] == 4).then_some(())
    });
    let (url, account) = (daemon.url(), scene.seed.accounts[0].id.as_str());
    let commands: [&[&str]; 9] = [
        &["status", "--json", "--url", url],
        &["accounts", "--json", "--url", url],
        &["account", account, "--json", "--url", url],
        &["doctor", account, "--json", "--url", url],
        &["history", "--json", "--url", url],
        &["history", "--json-lines", "--url", url],
        &["history", "--csv", "--url", url],
        &["holds", "--json", "--url", url],
        &["pause", account, "--for", "1h", "--reason", "to see what is told", "--url", url],
    ];
    for command in commands {
        let finished = orgwatch.run(command);
        assert!(!finished.stdout.is_empty(), "{command:?} tells something: {finished:?}");
        clean(&command.join(" "), &(finished.stdout + &finished.stderr));
    }
    look();
    clean("the log", &daemon.log());
    daemon.stop();
    let streamed = stream.join().expect("it only reads");
    assert!(streamed.contains("event: account") && streamed.contains("event: stopping"), "{streamed}");
    clean("the stream", &streamed);
}
