//! `/metrics` of a running daemon, read by Prometheus's own checker.

use std::io::Write;
use std::process::{Command, Stdio};

use super::scene::{Scene, until_covered};

/// Whether promtool is here. Continuous integration installs it; elsewhere its absence is told, not hidden.
fn is_here() -> bool {
    let here = Command::new("promtool").arg("--version").output().is_ok_and(|told| told.status.success());
    assert!(
        here || std::env::var_os("CI").is_none(),
        "no promtool on this machine; install Debian's package prometheus for this test"
    );
    here
}

#[test]
fn prometheus_own_checker_has_nothing_to_say_of_a_real_answer() {
    if !is_here() {
        println!("not run: there is no promtool here");
        return;
    }
    let scene = Scene::new(6);
    let orgwatch = scene.orgwatch(&scene.config());
    let daemon = orgwatch.serve();
    until_covered(&daemon, 4);
    let text = daemon.get("/metrics").body;
    // The checker takes an empty text for a good one.
    for series in
        ["orgwatch_build_info{", "orgwatch_aws_calls_total{", "orgwatch_pass_duration_seconds_bucket{"]
    {
        assert!(text.lines().any(|line| line.starts_with(series)), "{series} is missing in\n{text}");
    }
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it is here");
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads all of it");
    let output = child.wait_with_output().expect("it ends");
    let told = [output.stdout, output.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(output.status.success() && told.is_empty(), "{told}\n{text}");
    daemon.stop();
}
