//! `watch.regions`: where a watch has its sender rules.

use std::collections::BTreeSet;

use toml::Value;

use super::reader::{Place, Read};
use crate::model::ids::Region;

/// The word for every Region.
const ALL: &str = "all";

/// Where a watch has its sender rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchRegions {
    /// Where its pattern needs them.
    #[default]
    Needed,
    /// In every Region that the account has enabled and that `organization.regions` allows.
    All,
    /// In these.
    Only(BTreeSet<Region>),
}

impl WatchRegions {
    /// The Regions that the configuration spells out.
    pub fn named(&self) -> impl Iterator<Item = &Region> + Clone + use<'_> {
        let named = match self {
            Self::Only(regions) => Some(regions),
            Self::Needed | Self::All => None,
        };
        named.into_iter().flatten()
    }
}

impl Read for WatchRegions {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let whole = value.as_array().is_some_and(|all| all.iter().any(|one| one.as_str() == Some(ALL)));
        if whole {
            let others = value.as_array().is_some_and(|all| all.len() > 1);
            return if others {
                place.bad(
                    "\"all\" and more",
                    "[\"all\"] alone, or Regions by name",
                    "every Region is in it already",
                )
            } else {
                Some(Self::All)
            };
        }
        let named: BTreeSet<Region> = BTreeSet::read(value, place)?;
        Some(if named.is_empty() { Self::Needed } else { Self::Only(named) })
    }

    fn absent() -> Option<Self> {
        Some(Self::Needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{codes, settings};

    #[test]
    fn regions_are_those_that_are_needed_or_named_or_all() {
        let watch = |regions| {
            settings(&format!("[[watch]]\nname='x'\npreset='iam-any'\n{regions}")).watches.remove(0).regions
        };
        assert_eq!(watch(""), WatchRegions::Needed);
        assert_eq!(watch("regions = []"), WatchRegions::Needed);
        assert_eq!(watch("regions = ['all']"), WatchRegions::All);
        let named = BTreeSet::from(["us-east-1".parse().unwrap()]);
        assert_eq!(watch("regions = ['us-east-1']"), WatchRegions::Only(named));
        assert_eq!(
            codes("[[watch]]\nname='x'\npreset='iam-any'\nregions=['all', 'us-east-1']"),
            ["E-bad-value watch[0].regions"]
        );
    }
}
