//! The simulator held against an emulator that nobody here wrote, call by call.
//!
//! Python asks both the same questions (`tests/emulator/conformance.py`); where their answers differ, the table
//! `tests/emulator/differences.toml` must say so, and say where AWS is documented to do what the simulator does.

use std::{collections::BTreeMap, fmt::Write, thread};

use orgwatch_sim::{Simulator, clock::Clock, seed};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::emulator::{self, Emulator};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/emulator/differences.toml");

/// Outcomes by probe (`service.what`).
type Outcomes = BTreeMap<String, String>;

/// What the table says about a probe.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// The outcome of AWS, and so of the simulator.
    aws: String,
    /// The outcome of moto.
    moto: String,
    /// Where it is written that AWS does so.
    source: String,
}

/// The simulator on a thread of its own; it ends when this is dropped.
struct Served {
    endpoint: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Served {
    fn start() -> Self {
        let plan = seed::Plan { accounts: 8, ou_depth: 2, seed: 1, ..seed::Plan::default() };
        let (world, _) = seed::build(&plan, Clock::real());
        let simulator = Simulator::new(world);
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a thread may have a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has free ports");
                let address = listener.local_addr().expect("it listens");
                tell.send(format!("http://{address}")).expect("the test waits for it");
                let stop = async { drop(stopped.await) };
                orgwatch_sim::serve(simulator, listener, stop).await.expect("it serves until it is stopped");
            });
        });
        let endpoint = told.recv().expect("the simulator tells where it listens");
        Self { endpoint, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn table() -> BTreeMap<String, Difference> {
    let text = std::fs::read_to_string(TABLE).expect("the table is there");
    let services: BTreeMap<String, BTreeMap<String, Difference>> =
        toml::from_str(&text).unwrap_or_else(|error| panic!("{TABLE}: {error}"));
    services
        .into_iter()
        .flat_map(|(service, probes)| {
            probes.into_iter().map(move |(probe, difference)| (format!("{service}.{probe}"), difference))
        })
        .collect()
}

/// Everything that the table and the outcomes do not agree about; empty: all is well.
fn disagreements(simulator: &Outcomes, moto: &Outcomes, table: &BTreeMap<String, Difference>) -> Vec<String> {
    const ABSENT: &str = "(the probe did not run)";
    let mut found = Vec::new();
    let mut names: Vec<_> = simulator.keys().chain(moto.keys()).chain(table.keys()).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let ours = simulator.get(name).map_or(ABSENT, String::as_str);
        let theirs = moto.get(name).map_or(ABSENT, String::as_str);
        let known = table.get(name);
        let problem = match known {
            _ if ours == ABSENT || theirs == ABSENT => "is in the table or ran in one emulator, not in both",
            None if ours == theirs => continue,
            None => "differs, and the table does not know it",
            Some(_) if ours == theirs => "no longer differs, but the table says so",
            Some(known) if known.source.trim().is_empty() => "has no source",
            Some(known) if known.aws != ours => "the simulator does not do what AWS does",
            Some(known) if known.moto != theirs => "moto does something else than the table says",
            Some(_) => continue,
        };
        let mut text = format!("{name}: {problem}\n");
        // The table is shown only where it is a third opinion.
        let aws = known.map_or("", |known| known.aws.as_str());
        let told = known.map_or("", |known| known.moto.as_str());
        for (who, outcome, shown) in [
            ("AWS, by the table", aws, known.is_some() && aws != ours),
            ("simulator", ours, true),
            ("moto, by the table", told, known.is_some() && told != theirs),
            ("moto", theirs, true),
        ] {
            if shown {
                writeln!(text, "    {who:18} {outcome}").expect("a text grows");
            }
        }
        found.push(text);
    }
    found
}

#[test]
fn the_simulator_does_as_aws_does_where_another_emulator_differs() {
    let moto = Emulator::start();
    let simulator = Served::start();
    let (ours, theirs) = thread::scope(|scope| {
        let ours = scope.spawn(|| emulator::conformance(&simulator.endpoint));
        let theirs = emulator::conformance(moto.endpoint());
        (ours.join().expect("the suite ran"), theirs)
    });
    assert!(ours.len() >= 150, "the suite has shrunk to {} probes", ours.len());
    let found = disagreements(&ours, &theirs, &table());
    assert!(found.is_empty(), "{} probes:\n\n{}", found.len(), found.join("\n"));
}

fn outcomes(outcome: &str) -> Outcomes {
    BTreeMap::from([("sns.probe".to_owned(), outcome.to_owned())])
}

fn known(aws: &str, moto: &str) -> BTreeMap<String, Difference> {
    let difference =
        Difference { aws: aws.to_owned(), moto: moto.to_owned(), source: "API reference".to_owned() };
    BTreeMap::from([("sns.probe".to_owned(), difference)])
}

#[test]
fn equal_outcomes_need_no_entry() {
    assert_eq!(disagreements(&outcomes("ok"), &outcomes("ok"), &BTreeMap::new()), Vec::<String>::new());
}

#[test]
fn a_known_difference_passes() {
    let table = known("400 Refused", "ok");
    assert_eq!(disagreements(&outcomes("400 Refused"), &outcomes("ok"), &table), Vec::<String>::new());
}

#[test]
fn every_other_difference_is_told() {
    let table = known("400 Refused", "ok");
    let unsourced = table
        .clone()
        .into_iter()
        .map(|(name, difference)| (name, Difference { source: String::new(), ..difference }));
    for (what, simulator, moto, table) in [
        ("does not know", outcomes("400 Refused"), outcomes("ok"), BTreeMap::new()),
        ("no longer differs", outcomes("ok"), outcomes("ok"), table.clone()),
        ("not do what AWS does", outcomes("403 Refused"), outcomes("ok"), table.clone()),
        ("moto does something else", outcomes("400 Refused"), outcomes("500"), table.clone()),
        ("not in both", Outcomes::new(), Outcomes::new(), table.clone()),
        ("not in both", outcomes("ok"), Outcomes::new(), BTreeMap::new()),
        ("no source", outcomes("400 Refused"), outcomes("ok"), unsourced.collect()),
    ] {
        let found = disagreements(&simulator, &moto, &table);
        assert!(found.len() == 1 && found[0].contains(what), "{what}: {found:?}");
    }
}
