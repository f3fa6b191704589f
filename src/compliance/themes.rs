//! The themes of monitoring that benchmarks name, each with the metric filters that they prescribe for it; data, in
//! `compliance/themes.toml`.

use std::sync::LazyLock;

use serde::Deserialize;

use super::filter::Normal;

/// Where the metrics of the themes are counted: the namespace of the CloudTrail user guide's own examples.
pub const NAMESPACE: &str = "CloudTrailMetrics";

/// What benchmarks ask to be watched: one and the same in all of them, whatever number they give it.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Theme {
    /// Its name, which is that of the preset that watches for it: `cis-4.4`.
    pub id: String,
    /// What is watched for, in a few words.
    pub title: String,
    /// The metric that its filter counts, in [`NAMESPACE`].
    pub metric_name: String,
    /// How its alarm is called, without the prefix of an installation.
    pub alarm_name: String,
    /// The filter patterns that standards prescribe; the first is the one that is installed.
    #[serde(rename = "pattern")]
    pub patterns: Vec<Prescribed>,
}

/// A metric filter pattern that one standard or several prescribe for a theme.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prescribed {
    /// The standards whose own text it is.
    pub meets: Vec<String>,
    /// The standards whose text differs, and whose aim it reaches.
    #[serde(default)]
    pub accepted_by: Vec<String>,
    /// What an auditor of these should know of the difference.
    #[serde(default)]
    pub remark: String,
    /// The pattern, on one line.
    pub text: Line,
}

/// A pattern that the data may break into lines.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Line {
    text: String,
    normal: Normal,
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { normal: Normal::of(&text), text }
    }
}

impl Line {
    /// The pattern.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The pattern by its meaning.
    pub fn normal(&self) -> &Normal {
        &self.normal
    }
}

impl Theme {
    /// The filter pattern that is installed for the theme.
    pub fn pattern(&self) -> &str {
        self.patterns.first().map_or("", |prescribed| prescribed.text.as_str())
    }

    /// The pattern that a standard has in its own text; where it has none, the one that is installed.
    pub fn pattern_of(&self, standard: &str) -> Option<&Prescribed> {
        let own = |prescribed: &&Prescribed| prescribed.meets.iter().any(|name| name == standard);
        self.patterns.iter().find(own).or_else(|| self.patterns.first())
    }

    /// Whether any standard prescribes this pattern for the theme.
    pub fn knows(&self, pattern: &Normal) -> bool {
        self.patterns.iter().any(|prescribed| prescribed.text.normal() == pattern)
    }

    /// Whether a filter of this pattern is one of the theme's in the eyes of a standard: none, it is not; a remark, it is,
    /// with what an auditor should know; an empty one, it is to the letter.
    pub fn prescribes(&self, standard: &str, pattern: &Normal) -> Option<&str> {
        let of = |prescribed: &&Prescribed| prescribed.text.normal() == pattern;
        let names = |names: &[String]| names.iter().any(|name| name == standard);
        self.patterns.iter().find(of).and_then(|prescribed| {
            let letter = names(&prescribed.meets).then_some("");
            letter.or_else(|| names(&prescribed.accepted_by).then_some(prescribed.remark.as_str()))
        })
    }
}

#[derive(Deserialize)]
struct Data {
    theme: Vec<Theme>,
}

#[expect(clippy::expect_used, reason = "the data is a constant that a test reads")]
static THEMES: LazyLock<Vec<Theme>> =
    LazyLock::new(|| toml::from_str::<Data>(include_str!("themes.toml")).expect("the themes are read").theme);

/// All themes, in the order of the benchmark.
pub fn all() -> &'static [Theme] {
    &THEMES
}

/// The theme of this name; `cwl-010` is another for that of `cis-4.4`.
pub fn by_id(id: &str) -> Option<&'static Theme> {
    let id = if id == "cwl-010" { "cis-4.4" } else { id };
    THEMES.iter().find(|theme| theme.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_theme_is_that_of_a_preset_and_says_what_it_is() {
        let ids: Vec<&str> = all().iter().map(|theme| theme.id.as_str()).collect();
        assert_eq!(ids, (1..=15).map(|n| format!("cis-4.{n}")).collect::<Vec<_>>());
        for theme in all() {
            assert_eq!(theme.title, crate::presets::by_name(&theme.id).unwrap().title);
            assert!(
                theme.alarm_name.starts_with(&format!("CIS-{}-", &theme.id[4..])),
                "{}",
                theme.alarm_name
            );
            assert_eq!(by_id(&theme.id), Some(theme));
        }
        assert_eq!(by_id("cwl-010").unwrap().id, "cis-4.4");
        assert_eq!(by_id("cis-4.16"), None);
    }

    #[test]
    fn metrics_and_alarms_have_names_of_their_own() {
        let metrics: BTreeSet<&str> = all().iter().map(|theme| theme.metric_name.as_str()).collect();
        let alarms: BTreeSet<&str> = all().iter().map(|theme| theme.alarm_name.as_str()).collect();
        assert_eq!((metrics.len(), alarms.len()), (15, 15));
    }

    /// A filter pattern is at most 1,024 characters long.
    #[test]
    fn every_pattern_is_one_that_aws_takes_and_that_we_can_read() {
        for prescribed in all().iter().flat_map(|theme| &theme.patterns) {
            let text = prescribed.text.as_str();
            assert!(text.len() <= 1024, "{}: {text}", text.len());
            assert!(Normal::of(text).is_understood(), "{text}");
            assert_eq!(prescribed.remark.is_empty(), prescribed.accepted_by.is_empty(), "{text}");
        }
    }

    /// Where a filter's pattern names events, its preset waits for the same ones, but for those that it adds.
    #[test]
    fn each_preset_waits_for_the_events_that_the_filter_of_its_theme_counts() {
        for theme in all() {
            let preset = crate::presets::by_name(&theme.id).unwrap().pattern().compact();
            for part in theme.pattern().split("$.eventName = ").skip(1) {
                let name = part.split(')').next().unwrap().trim_matches('"');
                assert!(preset.contains(&format!("\"{name}\"")), "{}: {name}", theme.id);
            }
        }
    }

    #[test]
    fn one_filter_is_installed_for_a_theme_that_every_standard_accepts_but_where_texts_exclude_each_other() {
        for theme in all() {
            let installed = Normal::of(theme.pattern());
            let hub = theme.patterns.iter().any(|p| p.meets.iter().any(|name| name == "security-hub"));
            assert_eq!(theme.prescribes("security-hub", &installed).is_some(), hub, "{}", theme.id);
            for standard in ["cis-1.4", "cis-3.0", "cis-5.0", "cis-6.0"] {
                let newer = theme.id == "cis-4.10" && standard > "cis-4";
                assert_eq!(
                    theme.prescribes(standard, &installed).is_some(),
                    !newer,
                    "{} {standard}",
                    theme.id
                );
            }
        }
    }

    #[test]
    fn a_pattern_that_no_standard_prescribes_is_nobodys() {
        let theme = by_id("cis-4.4").unwrap();
        assert_eq!(theme.prescribes("cis-1.4", &Normal::of("{ $.eventName = DeleteGroupPolicy }")), None);
        assert_eq!(theme.prescribes("cwl-010", &Normal::of(theme.pattern())), Some(""));
        let calls = by_id("cis-4.1").unwrap();
        let remark = calls.prescribes("cis-5.0", &Normal::of(calls.pattern()));
        assert!(remark.is_some_and(|remark| remark.contains("v1.2")), "{remark:?}");
    }
}
