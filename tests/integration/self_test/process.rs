//! The harness around the binary, with a stand-in that does what the test wants.

use std::{fs, os::unix::fs::PermissionsExt};

use super::small_organization;
use crate::{
    config::Config,
    emulator::{PYTHON, Seed},
    orgwatch::Orgwatch,
};

/// Answers HTTP where the configuration says, and ends with `code` on SIGTERM.
const STAND_IN: &str = r#"
import http.server, os, signal, sys, tomllib
arguments = sys.argv[1:]
config = tomllib.load(open(arguments[1], "rb"))
if arguments[2] != "serve":
    print('{"mode": "%s", "region": "%s", "home": "%s"}'
          % (config["reconcile"]["mode"], os.environ["AWS_REGION"], os.environ["HOME"]))
    print("variables:", *sorted(set(os.environ) - {"LC_CTYPE"}), file=sys.stderr)
    sys.exit(3)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = self.path == "/readyz" or self.command == "POST" or self.path.startswith("/api/")
        self.send_response(202 if self.command == "POST" else 200 if ready else 404)
        self.end_headers()
        self.wfile.write(b'{"asked": "%s"}' % self.path.encode())
    do_POST = do_GET

if config["reconcile"]["mode"] == "broken":
    sys.exit("no such mode")
signal.signal(signal.SIGTERM, lambda *_: os._exit(EXIT_CODE))
host, port = config["http"]["bind"].split(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"#;

fn stand_in(seed: &Seed, config: &Config, exit_code: u8) -> Orgwatch {
    let orgwatch = Orgwatch::new("http://127.0.0.1:9", seed, config);
    let path = orgwatch.home().join("stand-in");
    let script = STAND_IN.replace("EXIT_CODE", &exit_code.to_string());
    fs::write(&path, format!("#!{}{script}", *PYTHON)).expect("our directory is writable");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    orgwatch.binary(&path)
}

#[test]
fn a_command_gets_its_configuration_and_a_clean_environment() {
    let (_emulator, seed, _proxy) = small_organization();
    let config = Config::new(&seed);
    let orgwatch = stand_in(&seed, &config, 0).env("AWS_REGION", "eu-west-1");
    let finished = orgwatch.run(&["plan"]).expect_code(3);
    assert_eq!(finished.json()["mode"], "enforce");
    assert_eq!(finished.json()["region"], "eu-west-1", "what is set last counts");
    assert_eq!(finished.json()["home"], orgwatch.home().to_str().expect("it is UTF-8"));
    insta::assert_snapshot!(finished.stderr, @"variables: AWS_ACCESS_KEY_ID AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN HOME PATH");

    orgwatch.configure(&config.clone().with("reconcile.mode = 'observe'"));
    assert_eq!(orgwatch.run(&["plan"]).json()["mode"], "observe");
    orgwatch.configure(&config.raw("reconcile = { mode = 'off' }"));
    assert_eq!(orgwatch.run(&["plan"]).json()["mode"], "off");
}

#[test]
fn a_daemon_is_asked_over_http_and_ends_on_sigterm() {
    let (_emulator, seed, _proxy) = small_organization();
    let orgwatch = stand_in(&seed, &Config::new(&seed), 0);
    let daemon = orgwatch.serve();
    assert_eq!(daemon.status()["asked"], "/api/v1/status");
    assert_eq!(daemon.get("/nowhere").status, 404);
    let posted = daemon.post("/api/v1/reconcile");
    assert_eq!((posted.status, posted.json()["asked"].as_str()), (202, Some("/api/v1/reconcile")));
    assert!(daemon.log().contains("GET /readyz"), "what it prints is kept: {}", daemon.log());
    let url = daemon.url().to_owned();
    daemon.kill();
    let again = orgwatch.serve();
    assert_eq!(again.url(), url, "a daemon started again has its old address");
    let took = again.stop();
    println!("SIGTERM to exit: {took:?}");
}

#[test]
#[should_panic(expected = "exit code")]
fn a_daemon_that_ends_badly_fails_the_test() {
    let (_emulator, seed, _proxy) = small_organization();
    stand_in(&seed, &Config::new(&seed), 1).serve().stop();
}

#[test]
#[should_panic(expected = "ended before it was ready: exit status: 1\nno such mode")]
fn a_daemon_that_never_gets_ready_fails_the_test_with_its_log() {
    let (_emulator, seed, _proxy) = small_organization();
    let config = Config::new(&seed).with("reconcile.mode = 'broken'");
    drop(stand_in(&seed, &config, 0).serve());
}

#[test]
fn the_real_binary_starts() {
    let (_emulator, seed, proxy) = small_organization();
    Orgwatch::new(proxy.endpoint(), &seed, &Config::new(&seed)).run(&["--version"]).expect_code(0);
    assert_eq!(proxy.calls().len(), 0);
}
