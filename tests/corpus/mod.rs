//! Events as EventBridge delivers them, each with the presets that must match it; all others must not.
//!
//! The files beside this one hold them by service: calls that write and that read, that succeed and that fail, by the root
//! user, users, roles, people of IAM Identity Center and services of AWS, and what only looks alike. Shared by the tests
//! of the library and those in this folder: each includes it by its path.

#![allow(dead_code, reason = "each test that includes this uses its own part of it")]
#![allow(clippy::expect_used, reason = "this is all test code")]

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

/// One event of the corpus.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// What happens in it, in a sentence; no two are the same.
    pub(crate) name: String,
    /// The file that it stands in, without its ending: `iam-changes`.
    pub(crate) group: String,
    /// The names of all presets that match it, whatever the state of their rule.
    pub(crate) presets: BTreeSet<String>,
    /// The event with its envelope.
    pub(crate) event: Value,
}

impl Sample {
    /// Whether only a rule in the state `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS` sees it.
    pub(crate) fn is_read(&self) -> bool {
        self.event["detail"]["readOnly"] == true
    }
}

/// The whole corpus, by file and in the order of each file.
pub(crate) fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    files.iter().flat_map(|file| read(file)).collect()
}

fn read(file: &Path) -> Vec<Sample> {
    let text = fs::read_to_string(file).expect("a file of the corpus");
    let entries: Vec<Value> =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    entries
        .into_iter()
        .map(|mut entry| Sample {
            name: text(&entry["name"]),
            group: file.file_stem().expect("a name").to_string_lossy().into_owned(),
            presets: entry["presets"].as_array().expect("a list").iter().map(text).collect(),
            event: entry["event"].take(),
        })
        .collect()
}
