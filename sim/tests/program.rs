//! The program as scripts start it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests end at the first thing that is wrong")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn start(arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_orgwatch-sim"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The line that it prints when it serves.
fn ready(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

fn ends_well(mut child: Child) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(10) {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("it did not end");
}

#[test]
fn it_tells_where_it_serves_and_ends_with_its_input() {
    let mut child = start(&["--accounts", "7", "--exit-with-stdin"]);
    let line = ready(&mut child);
    let told: serde_json::Value = serde_json::from_str(&line).unwrap();
    let names: Vec<_> = line.split('"').skip(1).step_by(4).take(4).collect();
    assert_eq!(names, ["url", "organization_id", "management_account_id", "central_account_id"]);
    assert_eq!((told["accounts"].as_u64(), told["seed"].as_u64()), (Some(7), Some(1)));
    let address = told["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /admin/world HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains(told["central_account_id"].as_str().unwrap())
    );
    drop(child.stdin.take());
    ends_well(child);
}

#[test]
fn it_ends_at_a_signal_though_a_client_is_connected() {
    let mut child = start(&["--threads", "1"]);
    let told: serde_json::Value = serde_json::from_str(&ready(&mut child)).unwrap();
    let address = told["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    let _connected = TcpStream::connect(address).unwrap();
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    ends_well(child);
}

#[test]
fn it_serves_on_loopback_only() {
    let output = start(&["--listen", "0.0.0.0:0"]).wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("only loopback addresses are served"));
}
