//! The names that a seeded organization uses.

use std::collections::BTreeMap;

/// The names of units, by level.
pub(super) const UNITS: [&[&str]; 5] = [
    &["Security", "Infrastructure", "Workloads", "Sandbox"],
    &["Production", "Development"],
    &["Europe", "Americas"],
    &["Regulated", "General"],
    &["Online", "Batch"],
];

const TEAMS: [&str; 16] = [
    "Payments",
    "Orders",
    "Catalog",
    "Search",
    "Identity",
    "Billing",
    "Analytics",
    "Logistics",
    "Support",
    "Marketing",
    "Mobile",
    "Platform",
    "Network",
    "Data Lake",
    "Fraud",
    "Research",
];
const STAGES: [&str; 3] = ["Production", "Staging", "Development"];

/// What an account is called, and its tags.
pub(super) struct Words {
    pub(super) name: String,
    pub(super) tags: BTreeMap<String, String>,
}

impl Words {
    pub(super) fn security() -> Self {
        let tags = BTreeMap::from([("team".to_owned(), "security".to_owned())]);
        Self { name: "Security".to_owned(), tags }
    }

    /// The words of the account of that number; no two are the same.
    pub(super) fn of(number: usize) -> Self {
        let team = TEAMS[number / STAGES.len() % TEAMS.len()];
        let stage = STAGES[number % STAGES.len()];
        let round = number / (TEAMS.len() * STAGES.len());
        let name =
            if round == 0 { format!("{team} {stage}") } else { format!("{team} {stage} {}", round + 1) };
        let mut tags = BTreeMap::from([
            ("environment".to_owned(), stage.to_lowercase()),
            ("team".to_owned(), team.to_lowercase()),
        ]);
        if number % 3 == 1 {
            tags.insert("cost-center".to_owned(), format!("{}", 1000 + number % 90));
        }
        // Some were never tagged.
        if number % 7 == 6 {
            tags.clear();
        }
        Self { name, tags }
    }
}
