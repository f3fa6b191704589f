//! What is secret is in the configuration and on the wire to AWS, and nowhere else.

use std::fs;

use super::scene::{SOON, Scene};
use crate::{
    orgwatch::Orgwatch,
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

    let commands: [&[&str]; 13] = [
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
        &["teardown"],
        &["teardown", "--yes", "--delete-data"],
    ];
    for command in commands {
        let finished = orgwatch.run(command);
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
    let look = || {
        let lists = [
            "status",
            "accounts",
            "central",
            "coverage",
            "drift",
            "plan",
            "holds",
            "version",
            "reconciles/1",
        ];
        let api = lists.iter().map(|path| format!("/api/v1/{path}"));
        let pages = ["/", "/metrics", "/healthz", "/readyz"].iter().map(ToString::to_string);
        let each = scene.seed.accounts.iter().flat_map(|account| {
            ["/accounts/", "/api/v1/accounts/"].map(|path| format!("{path}{}", account.id))
        });
        for path in api.chain(pages).chain(each) {
            clean(&path, &daemon.get(&path).body);
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
    clean("the log", &daemon.log());
    daemon.stop();
}
