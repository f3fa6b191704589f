//! What must hold of any input whatever: text of a configuration, of a pattern, of a policy, of a message, of a query.
//!
//! Each function takes bytes and panics where something does not hold. libFuzzer calls them in `fuzz_targets/`; the test
//! `fuzzed` calls them with the corpus and with mutations of it, in the build that all tests share.

#![allow(dead_code, reason = "each program that includes this calls one of them")]
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a target tells what it found"
)]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use orgwatch::config::{self, Settings};
use orgwatch::model::resource::Verdict;
use orgwatch::model::view::{AccountView, Coverage, Snapshot, Standing};
use orgwatch::pattern::algebra::Events;
use orgwatch::pattern::{Pattern, Severity};
use orgwatch::{compile, document, http, inbox, preflight};
use serde_json::Value;

/// The moment at which configurations are compiled.
fn now() -> Timestamp {
    Timestamp::from_second(1_763_640_000).expect("a moment of ours")
}

/// Reads a configuration, and compiles one that can be read. Either it is refused with problems that each say where and
/// what, or it is taken and taken in the same way again.
pub(crate) fn configuration(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let read = || config::parse(text, []).and_then(|loaded| compile::checked(loaded, now()));
    match (read(), read()) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.warnings, other.warnings);
            assert!(one.warnings.iter().all(|problem| problem.is_warning()));
        }
        (Err(one), Err(other)) => {
            assert_eq!(one.problems, other.problems);
            assert!(one.problems.iter().any(|problem| !problem.is_warning()), "refused without a reason");
            let told = |problem: &config::Problem| {
                let says =
                    [&problem.found, &problem.expected, &problem.hint].iter().any(|text| !text.is_empty());
                problem.code.starts_with(['E', 'W']) && !problem.path.is_empty() && says
            };
            assert!(one.problems.iter().all(told), "{:?}", one.problems);
        }
        _ => panic!("the same text is taken once and refused once"),
    }
}

/// Parses a pattern, checks it, and reckons with it. What is emitted again is a pattern for the same events.
pub(crate) fn pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let pattern = match Pattern::parse(text) {
        Ok(pattern) => pattern,
        Err(findings) => {
            assert!(
                findings.iter().any(|finding| finding.severity == Severity::Error),
                "refused without a reason"
            );
            return;
        }
    };
    let again = Pattern::parse(&pattern.compact()).expect("the shortest text of a pattern is that pattern");
    assert_eq!(again, pattern);
    assert!(Pattern::same(text, &pattern.compact()), "{text}");
    let findings = pattern.findings();
    assert_eq!(findings, again.findings());
    // Only what the check lets through is ever compiled.
    if findings.iter().any(|finding| finding.severity == Severity::Error) {
        return;
    }
    let Ok(events) = Events::of(pattern.value()) else { return };
    assert!(events.is_within(&events), "{}", pattern.compact());
    if let Ok(emitted) = events.pattern() {
        let back = Events::of(&emitted).expect("what we emit we can read");
        assert!(back.is_within(&events) && events.is_within(&back), "{} became {emitted}", pattern.compact());
    }
    if let Ok(rest) = events.complement() {
        assert!(rest.is_apart_from(&events), "{} and what is not in it overlap", pattern.compact());
    }
    let sent = compile::sender(pattern.value(), "orgwatch-fuzz", true);
    assert!(sent.is_object(), "{sent}");
}

/// Brings a policy into normal form, of which there is one.
pub(crate) fn policy(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let normal = document::policy(text);
    assert_eq!(document::normal_policy(normal.clone()), normal, "{text}");
    if serde_json::from_str::<Value>(text).is_ok() {
        assert_eq!(document::policy(&normal.to_string()), normal, "{text}");
    }
    let bus = "arn:aws:events:us-east-1:222222222222:event-bus/orgwatch";
    assert_eq!(preflight::boundary(text, bus), preflight::boundary(&normal.to_string(), bus), "{text}");
}

/// Reads a message of the inbox, of which nothing long is kept.
pub(crate) fn inbox(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let message = inbox::parse(text);
    assert_eq!(message, inbox::parse(text), "{text}");
    if let inbox::Message::Wake(tampering) = message {
        for kept in [&tampering.actor, &tampering.event_id, &tampering.operation, &tampering.service] {
            assert!(kept.chars().count() <= 300, "{} characters are kept: {kept}", kept.chars().count());
        }
    }
}

/// The parameters of a list of accounts, one a line: `name=value`.
pub(crate) fn query(data: &[u8]) {
    const NAMES: [&str; 8] = ["verdict", "coverage", "reason", "ou", "q", "sort", "cursor", "limit"];
    let Ok(text) = std::str::from_utf8(data) else { return };
    let pairs: Vec<(&'static str, String)> = text
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            Some((*NAMES.iter().find(|known| **known == name)?, value.to_owned()))
        })
        .collect();
    match http::accounts_json(&SNAPSHOT, &pairs) {
        Ok(list) => {
            let items = list["items"].as_array().expect("a list has items");
            assert!(items.len() <= SNAPSHOT.accounts.len());
            let ids: BTreeSet<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
            assert_eq!(ids.len(), items.len(), "an account stands in the list twice: {pairs:?}");
        }
        Err(why) => assert!(!why.is_empty() && why.len() < 4096, "{why}"),
    }
}

/// A few accounts of every sort.
static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    let settings: Settings =
        config::parse("[central]\naccount_id = '222222222222'", []).expect("a sound configuration").settings;
    let mut snapshot = Snapshot::before_anything(&settings, now());
    let sorts = Verdict::ALL.into_iter().zip(Coverage::ALL).chain([(Verdict::InSync, Coverage::Configured)]);
    for (n, (verdict, coverage)) in sorts.enumerate() {
        let id: orgwatch::model::ids::AccountId = format!("{:012}", 300 + n).parse().expect("twelve digits");
        let account = AccountView {
            id: id.clone(),
            name: format!("Account Ünïcode {n}"),
            email: format!("aws+{n}@example.com"),
            path: format!("o-a1b2c3d4e5/r-ab12/ou-ab12-1111111{n}"),
            state: "ACTIVE".to_owned(),
            standing: [Standing::Active, Standing::Excluded, Standing::Inactive][n % 3],
            standing_reason: None,
            verdict,
            coverage,
            coverage_reason: "InSync",
            coverage_message: String::new(),
            coverage_hop: None,
            alerts: Arc::default(),
            coverage_since: now(),
            conditions: Vec::new(),
            targets: Vec::new(),
            observed_at: None,
            last_change_at: None,
        };
        snapshot.accounts.insert(id, Arc::new(account));
    }
    snapshot
});
