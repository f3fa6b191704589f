//! The watch patterns that ship with orgwatch, by name; what they are is data, in `presets/presets.toml`.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::model::ids::Region;
use crate::model::partition::Partition;
use crate::pattern::Pattern;

/// A watch pattern that ships with orgwatch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// How a watch asks for it.
    pub name: String,
    /// What it sees, in a few words.
    pub title: String,
    /// What it sees, for people who choose one.
    pub description: String,
    /// Where its list of events comes from.
    pub source: String,
    /// Where its events appear, and so where it needs a sender rule.
    pub regions: Regions,
    /// The accounts whose events it can see.
    #[serde(default)]
    pub accounts: Accounts,
    /// Whether it sees all that it should only where reading calls are forwarded too.
    #[serde(default)]
    pub reads: bool,
    /// Why it is too much for people's mail; none: it is not.
    #[serde(default)]
    pub floods: Option<String>,
    pattern: Text,
}

/// The Regions in which a preset's events appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regions {
    /// The one Region of the partition in which IAM's events appear.
    IamEvents,
    /// The one Region of the partition in which the events of AWS Organizations appear.
    Organizations,
    /// Any: a rule is needed in every Region that an account has enabled.
    Every,
}

/// The accounts in which a preset's events appear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accounts {
    /// Any.
    #[default]
    Every,
    /// The management account and the delegated administrator of IAM Identity Center alone. A watch that names no
    /// accounts is installed in the management account and the central one, which usually is that administrator.
    IdentityCenter,
}

/// A pattern as the data writes it, which a test parses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Text(Pattern);

impl TryFrom<String> for Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Pattern::parse(&text).map(Self).map_err(|findings| findings.into_iter().map(|f| f.message).collect())
    }
}

impl Preset {
    /// The pattern of the preset.
    pub fn pattern(&self) -> Pattern {
        self.pattern.0.clone()
    }
}

impl Regions {
    /// The one Region; none where it is every one that an account has enabled.
    pub fn one(self, partition: Partition) -> Option<Region> {
        match self {
            Self::IamEvents => Some(partition.iam_events_region()),
            Self::Organizations => Some(partition.organizations_region()),
            Self::Every => None,
        }
    }

    /// As a reader is told.
    pub fn told(self) -> &'static str {
        match self {
            Self::IamEvents => "where IAM's events appear",
            Self::Organizations => "where the events of AWS Organizations appear",
            Self::Every => "every enabled Region",
        }
    }
}

impl Accounts {
    /// As a reader is told.
    pub fn told(self) -> &'static str {
        match self {
            Self::Every => "every account",
            Self::IdentityCenter => {
                "the management account and the delegated administrator of IAM Identity Center"
            }
        }
    }
}

#[derive(Deserialize)]
struct Data {
    preset: Vec<Preset>,
}

#[expect(clippy::expect_used, reason = "the data is a constant that a test reads")]
static PRESETS: LazyLock<Vec<Preset>> = LazyLock::new(|| {
    toml::from_str::<Data>(include_str!("presets/presets.toml")).expect("the presets are read").preset
});

/// All presets, the default one first.
pub fn all() -> &'static [Preset] {
    &PRESETS
}

/// The preset of this name.
pub fn by_name(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests;
