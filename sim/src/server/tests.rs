//! The server as clients see it, over real sockets.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;
use crate::clock::Clock;
use crate::partition::PARTITIONS;
use crate::world::World;

/// A server, which ends with it.
pub(crate) struct Served {
    pub(crate) simulator: Simulator,
    address: SocketAddr,
    _runtime: Runtime,
}

pub(crate) fn served() -> Served {
    let mut world = World::new(PARTITIONS[0], Clock::real(), 1);
    world.organization.management = "111122223333".to_owned();
    serving(world)
}

/// A server of that world.
pub(crate) fn serving(world: World) -> Served {
    let simulator = Simulator::new(world);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(serve(simulator.clone(), listener, std::future::pending()));
    Served { simulator, address, _runtime: runtime }
}

impl Served {
    fn connect(&self) -> std::net::TcpStream {
        let stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream
    }

    /// Asks the admin interface: status and answer.
    pub(crate) fn admin(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let mut stream = self.connect();
        let length = body.len();
        let request =
            format!("{method} /admin/{path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let (head, body) = whole(&mut stream);
        assert!(head.contains("content-type: application/json"), "{head}");
        (head[9..12].parse().unwrap(), serde_json::from_str(&body).unwrap())
    }

    fn fault(&self, action: Value) {
        let mut world = self.simulator.world();
        let now = world.now();
        world
            .faults
            .set(serde_json::from_value(json!({ "id": "it", "action": action })).unwrap(), now)
            .unwrap();
    }

    fn journalled(&self) -> u64 {
        self.simulator.world().journal.last()
    }
}

fn request(target: &str, path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-amz-target: {target}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn list_rules() -> String {
    request("AWSEvents.ListRules", "/", "{}")
}

/// What comes until the connection ends, and how it ends.
fn rest(stream: &mut std::net::TcpStream) -> (String, Option<ErrorKind>) {
    let mut bytes = Vec::new();
    let end = stream.read_to_end(&mut bytes).err().map(|error| error.kind());
    (String::from_utf8(bytes).unwrap(), end)
}

/// One whole answer: its head, and as much body as it announces.
fn whole(stream: &mut std::net::TcpStream) -> (String, String) {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap().to_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

#[test]
fn a_connection_is_kept_for_the_next_call() {
    let served = served();
    let mut stream = served.connect();
    for number in 1..=3 {
        stream.write_all(list_rules().as_bytes()).unwrap();
        let (head, _) = whole(&mut stream);
        assert!(head.starts_with("http/1.1 ") && head.contains("x-amzn-requestid: "), "{head}");
        assert_eq!(served.journalled(), number);
    }
}

#[test]
fn a_refusal_is_answered_in_the_services_words() {
    let served = served();
    served.fault(json!("throttle"));
    let mut stream = served.connect();
    stream.write_all(list_rules().as_bytes()).unwrap();
    let (head, body) = whole(&mut stream);
    assert!(
        head.starts_with("http/1.1 400 ") && head.contains("x-amzn-errortype: throttlingexception"),
        "{head}"
    );
    assert_eq!(body, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#);
}

#[test]
fn a_reset_is_a_tcp_reset() {
    let served = served();
    for (action, error) in [("reset", Some("SimulatedReset")), ("lost-answer", None)] {
        served.fault(json!(action));
        let mut stream = served.connect();
        stream.write_all(request("AWSOrganizationsV20161128.Nothing", "/", "{}").as_bytes()).unwrap();
        assert_eq!(rest(&mut stream), (String::new(), Some(ErrorKind::ConnectionReset)), "{action}");
        let world = served.simulator.world();
        let entry = world.journal.since(world.journal.last() - 1).next().unwrap();
        let reached = entry.error.as_deref() != Some("SimulatedReset");
        assert_eq!(reached, error.is_none(), "{action}");
    }
}

#[test]
fn a_truncated_answer_ends_before_what_it_announced() {
    let served = served();
    served.fault(json!("truncated"));
    let mut stream = served.connect();
    stream.write_all(list_rules().as_bytes()).unwrap();
    let (answer, end) = rest(&mut stream);
    assert!(end.is_none(), "{end:?}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let announced: usize = head
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .unwrap()
        .split("\r\n")
        .next()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(body.len(), announced / 2, "{answer}");
    assert!(!body.is_empty());
}

#[test]
fn a_silent_answer_keeps_its_client_waiting() {
    let served = served();
    served.fault(json!("timeout"));
    let mut stream = served.connect();
    stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    stream.write_all(list_rules().as_bytes()).unwrap();
    let (answer, end) = rest(&mut stream);
    assert_eq!(answer, "");
    assert!(matches!(end, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{end:?}");
    assert_eq!(served.journalled(), 1);
}

#[test]
fn a_delay_is_waited_for_by_its_own_client_only() {
    let served = served();
    served.fault(json!({ "delay": { "fixed": "300ms" } }));
    let begin = Instant::now();
    let mut streams: Vec<_> = (0..20).map(|_| served.connect()).collect();
    streams.iter_mut().for_each(|stream| stream.write_all(list_rules().as_bytes()).unwrap());
    streams.iter_mut().for_each(|stream| drop(whole(stream)));
    let took = begin.elapsed();
    assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn a_client_that_leaves_does_not_keep_organizations_busy() {
    let served = served();
    served.fault(json!({ "delay": { "fixed": "1h" } }));
    let change = serde_json::from_value(json!({ "quotas": true })).unwrap();
    served.simulator.world().faults.quotas.change(change).unwrap();
    let list = request("AWSOrganizationsV20161128.ListAccounts", "/", "{}");
    let mut leaving = served.connect();
    leaving.write_all(list.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    served.fault(json!({ "delay": { "fixed": "1ms" } }));
    let mut stream = served.connect();
    stream.write_all(list.as_bytes()).unwrap();
    assert!(whole(&mut stream).1.contains("already in progress"));
    drop(leaving);
    let begin = Instant::now();
    loop {
        stream.write_all(list.as_bytes()).unwrap();
        if !whole(&mut stream).1.contains("already in progress") {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(5), "the call of who left is still in progress");
        std::thread::sleep(Duration::from_millis(20));
    }
}
