//! The matcher held against an engine that nobody here wrote, over a generated table and the hand-written one.
//!
//! Python asks LocalStack's engine (`tests/matching/oracle.py`). Where the engine falls short of what AWS says, an amendment
//! of it stands in that script, and `tests/matching/differences.toml` has AWS's words; nothing else may differ.

mod pairs;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
    thread,
};

use orgwatch::pattern::Pattern;
use serde::Deserialize;
use serde_json::{Value, json};

use pairs::{Chance, pair};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/matching");

/// How many pairs are generated.
const PAIRS: usize = 8000;

/// The Python that has the engine; made on first use, shared by all test processes.
static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("cargo's directory has a parent");
    let mut install = Command::new("python3");
    install.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/emulator/install.py"));
    install.arg("--directory").arg(target.join("matching"));
    install.arg("--requirements").arg(format!("{FOLDER}/requirements.txt")).arg("--no-deps");
    let output = install.output().expect("these tests need Python 3.11 or newer");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("a path").trim().to_owned()
});

/// A question to both engines.
#[derive(Clone, Debug)]
struct Pair {
    pattern: String,
    event: Value,
    /// Which operators the pattern has.
    operators: BTreeSet<&'static str>,
}

/// What the other engine says.
#[derive(Debug, Deserialize)]
struct Answer {
    engine: Value,
    amended: Value,
    by: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    amendment: BTreeMap<String, Amendment>,
    case: Vec<CaseDifference>,
}

/// AWS's words on where the engine falls short.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Amendment {
    aws: String,
    source: String,
}

/// A case of the hand-written table in which the engine, amended or not, is wrong.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseDifference {
    pattern: String,
    event: String,
    engine: Value,
    aws: String,
    source: String,
}

fn differences() -> Differences {
    let text = std::fs::read_to_string(format!("{FOLDER}/differences.toml")).expect("the table is there");
    toml::from_str(&text).unwrap_or_else(|error| panic!("differences.toml: {error}"))
}

fn ask(pairs: &[Pair]) -> Vec<Answer> {
    let mut oracle = Command::new(&*PYTHON)
        .arg(format!("{FOLDER}/oracle.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("its Python was there a moment ago");
    let mut stdin = oracle.stdin.take().expect("it is piped");
    let questions: String = pairs
        .iter()
        .map(|pair| format!("{}\n", json!({"pattern": pair.pattern, "event": pair.event})))
        .collect();
    let writer = thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = oracle.wait_with_output().expect("it runs to its end");
    writer.join().expect("it does not panic").expect("it read everything");
    assert!(output.status.success(), "the oracle failed; it says why above");
    let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    let answers: Vec<Answer> =
        text.lines().map(|line| serde_json::from_str(line).expect("an answer")).collect();
    assert_eq!(answers.len(), pairs.len());
    answers
}

fn ours(pair: &Pair) -> bool {
    let pattern =
        Pattern::parse(&pair.pattern).unwrap_or_else(|findings| panic!("{}: {findings:?}", pair.pattern));
    let matcher = pattern.matcher().unwrap_or_else(|finding| panic!("{}: {finding:?}", pair.pattern));
    assert_eq!(matcher.verdict(&pair.event).is_ok(), matcher.matches(&pair.event));
    matcher.matches(&pair.event)
}

#[test]
fn the_matcher_agrees_with_an_independent_engine() {
    let differences = differences();
    let mut chance = Chance(20_261_128);
    let pairs: Vec<Pair> = (0..PAIRS).map(|_| pair(&mut chance)).collect();
    let distinct: BTreeSet<String> =
        pairs.iter().map(|pair| format!("{} {}", pair.pattern, pair.event)).collect();
    assert!(distinct.len() > 5000, "only {} pairs are different", distinct.len());
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    let mut seen: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut agree = 0;
    for (pair, answer) in pairs.iter().zip(ask(&pairs)) {
        let ours = ours(pair);
        assert_eq!(
            answer.amended,
            json!(ours),
            "{} on {}: the engine as it is: {}",
            pair.pattern,
            pair.event,
            answer.engine
        );
        if answer.engine == json!(ours) {
            agree += 1;
        }
        for amendment in answer.by {
            *used.entry(amendment).or_default() += 1;
        }
        for operator in &pair.operators {
            let (matched, unmatched) = seen.entry(operator).or_default();
            *(if ours { matched } else { unmatched }) += 1;
        }
    }
    for operator in OPERATORS {
        let (matched, unmatched) = seen.get(operator).copied().unwrap_or_default();
        assert!(matched >= 50 && unmatched >= 50, "{operator}: {matched} pairs match and {unmatched} do not");
    }
    assert_eq!(
        used.keys().collect::<Vec<_>>(),
        differences.amendment.keys().collect::<Vec<_>>(),
        "each amendment makes a difference, and the table has AWS's words on each"
    );
    for (name, Amendment { aws, source }) in &differences.amendment {
        assert!(!aws.is_empty() && !source.is_empty(), "{name}");
    }
    assert!(agree >= 5000, "the engine as it is agrees on {agree} pairs");
    println!("{} distinct pairs; the engine as it is agrees on {agree}; amended: {used:?}", distinct.len());
}

#[test]
fn the_hand_written_table_holds_for_the_independent_engine_but_where_aws_says_otherwise() {
    #[derive(Deserialize)]
    struct Table {
        case: Vec<Case>,
    }
    #[derive(Deserialize)]
    struct Case {
        pattern: String,
        event: String,
        matches: bool,
    }
    let text = std::fs::read_to_string(format!("{FOLDER}/cases.toml")).expect("the table is there");
    let Table { case: cases } = toml::from_str(&text).expect("a table of cases");
    let explained = differences().case;
    let pairs: Vec<Pair> = cases
        .iter()
        .map(|case| Pair {
            // As it is sent: keys in the order of the alphabet.
            pattern: Pattern::parse(&case.pattern).expect("a pattern").compact(),
            event: serde_json::from_str(&case.event).expect("an event"),
            operators: BTreeSet::new(),
        })
        .collect();
    let mut differing = Vec::new();
    for (case, answer) in cases.iter().zip(ask(&pairs)) {
        if answer.amended != json!(case.matches) {
            let row = explained.iter().find(|row| row.pattern == case.pattern && row.event == case.event);
            let row = row.unwrap_or_else(|| {
                panic!("{} on {}: the engine says {}", case.pattern, case.event, answer.amended)
            });
            assert_eq!(row.engine, answer.amended, "{row:?}");
            assert!(!row.aws.is_empty() && !row.source.is_empty(), "{row:?}");
            differing.push((&case.pattern, &case.event));
        }
    }
    assert_eq!(differing.len(), explained.len(), "a row of differences.toml explains nothing");
}

#[test]
fn the_list_of_iam_operations_is_that_of_botocore() {
    let output = Command::new(&*PYTHON).arg(format!("{FOLDER}/iam_operations.py")).output().expect("it runs");
    assert!(output.status.success());
    let names = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    let ours = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/pattern/iam_operations.txt"));
    assert_eq!(names(ours), names(&String::from_utf8_lossy(&output.stdout)), "refresh it as the script says");
}

/// What the generated table must cover.
const OPERATORS: [&str; 20] = [
    "$or",
    "absent",
    "anything-but",
    "anything-but equals-ignore-case",
    "anything-but list",
    "anything-but prefix",
    "anything-but suffix",
    "anything-but wildcard",
    "cidr",
    "empty",
    "equals-ignore-case",
    "exact",
    "literal",
    "null",
    "number",
    "numeric",
    "prefix",
    "suffix",
    "wildcard",
    "exists",
];
