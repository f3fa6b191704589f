//! Standards: tables that give themes their numbers and say what is asked for; data, in `compliance/standards.toml`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::themes::{self, Theme};

/// What a standard asks of a theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all(deserialize = "kebab-case", serialize = "snake_case"))]
pub enum Demand {
    /// A metric filter with an alarm and people who hear of it. Nothing else will do.
    #[serde(alias = "filter_and_alarm")]
    FilterAndAlarm,
    /// That somebody watches: an event rule that reaches people, or a filter with an alarm.
    Monitored,
}

/// A standard of monitoring.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// How it is asked for: `cis-1.4`.
    pub id: String,
    /// Its own name.
    pub title: String,
    /// What it asks for.
    pub demands: Demand,
    /// What an auditor should know of accounts that do not own the trail; empty: nothing.
    #[serde(default)]
    pub member: String,
    controls: Vec<(String, String)>,
}

/// The standard that is meant where none is named: the newest edition of the benchmark.
pub const DEFAULT: &str = "cis-6.0";

/// The names of all standards.
pub const IDS: [&str; 6] = ["cis-1.4", "cis-3.0", "cis-5.0", "cis-6.0", "security-hub", "cwl-010"];

impl Standard {
    /// Its controls with the theme of each, in its own order.
    pub fn controls(&self) -> impl Iterator<Item = (&str, &'static Theme)> {
        self.controls.iter().filter_map(|(control, theme)| Some((control.as_str(), themes::by_id(theme)?)))
    }
}

#[derive(Deserialize)]
struct Data {
    standard: Vec<Standard>,
}

#[expect(clippy::expect_used, reason = "the data is a constant that a test reads")]
static STANDARDS: LazyLock<Vec<Standard>> = LazyLock::new(|| {
    toml::from_str::<Data>(include_str!("standards.toml")).expect("the standards are read").standard
});

/// All standards.
pub fn all() -> &'static [Standard] {
    &STANDARDS
}

/// The standard of this name.
pub fn by_id(id: &str) -> Option<&'static Standard> {
    STANDARDS.iter().find(|standard| standard.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standard_is_there_and_all_of_its_controls_have_a_theme() {
        assert_eq!(all().iter().map(|standard| standard.id.as_str()).collect::<Vec<_>>(), IDS);
        let counts: Vec<_> = all().iter().map(|standard| standard.controls().count()).collect();
        assert_eq!(counts, [15, 15, 15, 15, 14, 1]);
        for standard in all() {
            assert_eq!(standard.controls().count(), standard.controls.len(), "{}", standard.id);
        }
        assert_eq!(by_id(DEFAULT).unwrap().demands, Demand::Monitored);
    }

    #[test]
    fn each_control_has_a_filter_pattern_that_its_standard_prescribes() {
        for standard in all() {
            for (control, theme) in standard.controls() {
                let own = theme.patterns.iter().any(|pattern| pattern.meets.contains(&standard.id));
                assert!(own, "{} {control}: no pattern of {} is its own", standard.id, theme.id);
            }
        }
    }

    #[test]
    fn every_standard_that_a_pattern_names_is_one() {
        for pattern in themes::all().iter().flat_map(|theme| &theme.patterns) {
            for name in pattern.meets.iter().chain(&pattern.accepted_by) {
                assert!(by_id(name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn the_standards_number_the_themes_as_they_do() {
        let control = |standard: &str, theme: &str| {
            let found = by_id(standard).unwrap().controls().find(|(_, of)| of.id == theme);
            found.map(|(control, _)| control.to_owned())
        };
        assert_eq!(control("cis-1.4", "cis-4.4").as_deref(), Some("4.4"));
        assert_eq!(control("cis-6.0", "cis-4.15").as_deref(), Some("5.15"));
        assert_eq!(control("security-hub", "cis-4.3").as_deref(), Some("CloudWatch.1"));
        assert_eq!(control("security-hub", "cis-4.15"), None);
        assert_eq!(control("cwl-010", "cis-4.4").as_deref(), Some("CWL-010"));
    }
}
