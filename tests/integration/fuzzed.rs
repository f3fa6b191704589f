//! The targets of `fuzz/`, called with their corpus and with mutations of it, in the build that all tests share.
//!
//! libFuzzer, which is led by what a call reaches, runs them for an hour each in `.ci/deep fuzz`. Here chance leads, from a seed
//! that is always the same; `ORGWATCH_TEST_MUTATIONS` asks for more.

#[path = "../../fuzz/targets.rs"]
mod targets;

use std::fs;
use std::panic;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");

type Target = (&'static str, fn(&[u8]));

const TARGETS: [Target; 5] = [
    ("configuration", targets::configuration),
    ("inbox", targets::inbox),
    ("pattern", targets::pattern),
    ("policy", targets::policy),
    ("query", targets::query),
];

#[expect(clippy::disallowed_methods, reason = "the long run sets it")]
fn mutations() -> usize {
    std::env::var("ORGWATCH_TEST_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(1000)
}

/// The inputs that are kept for a target, in the order of their names.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{CORPUS}/{target}");
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut paths: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    paths.sort();
    assert!(paths.len() >= 5, "{folder} holds {} inputs", paths.len());
    paths.iter().map(|path| fs::read(path).expect("it is readable")).collect()
}

/// One change by chance: of a byte, a piece that is taken out, doubled, or moved in from another input.
fn mutate(input: &mut Vec<u8>, others: &[Vec<u8>], chance: &mut StdRng) {
    const TELLING: &[u8] = b"\"'{}[],:=\\/*-_.0159aZ \n\t\0\x7f";
    let at = if input.is_empty() { 0 } else { chance.random_range(0..input.len()) };
    let length = chance.random_range(1..=16).min(input.len() - at);
    match chance.random_range(0..6) {
        0 if !input.is_empty() => input[at] = TELLING[chance.random_range(0..TELLING.len())],
        1 if !input.is_empty() => input[at] ^= 1 << chance.random_range(0..8),
        2 => drop(input.drain(at..at + length)),
        3 => {
            let piece = input[at..at + length].to_vec();
            input.splice(at..at, piece);
        }
        4 => {
            let other = &others[chance.random_range(0..others.len())];
            let from = if other.is_empty() { 0 } else { chance.random_range(0..other.len()) };
            let to = (from + chance.random_range(1..=64)).min(other.len());
            input.splice(at..at, other[from..to].iter().copied());
        }
        _ => input.insert(at, TELLING[chance.random_range(0..TELLING.len())]),
    }
}

/// Calls a target; an input that it panics at is told as text and as hexadecimal digits.
fn call((name, target): Target, input: &[u8]) {
    if panic::catch_unwind(|| target(input)).is_err() {
        let digits: String = input.iter().map(|byte| format!("{byte:02x}")).collect();
        panic!("target {name} panics at {:?}, which is {digits}", String::from_utf8_lossy(input));
    }
}

#[test]
fn no_target_finds_anything_in_its_corpus_or_in_mutations_of_it() {
    for target in TARGETS {
        let kept = corpus(target.0);
        kept.iter().for_each(|input| call(target, input));
        let mut chance = StdRng::seed_from_u64(1);
        for _ in 0..mutations() {
            let mut input = kept[chance.random_range(0..kept.len())].clone();
            for _ in 0..chance.random_range(1..=4) {
                mutate(&mut input, &kept, &mut chance);
            }
            call(target, &input);
        }
        println!("{}: {} inputs and {} mutations", target.0, kept.len(), mutations());
    }
}

/// The test above can fail: what panics is told.
#[test]
#[should_panic(expected = "which is 6f6f7073")]
fn an_input_at_which_a_target_panics_is_told() {
    call(("oops", |input| assert_ne!(input, b"oops")), b"fine");
    call(("oops", |input| assert_ne!(input, b"oops")), b"oops");
}
