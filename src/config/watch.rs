//! `[[watch]]`: what members forward.

use std::collections::BTreeSet;

use toml::Value;

use super::names;
use super::problem::{did_you_mean, quoted};
use super::reader::{Place, Read, Table, read};
use super::watch_regions::WatchRegions;
use crate::model::ids::{AccountId, Installation, OuId};
use crate::pattern::{Finding, Pattern};
use crate::presets;

/// The watch that there is if the configuration names none; also the name of its preset.
pub(super) const DEFAULT: &str = "iam-changes";

/// `[[watch]]`: a named event pattern that members forward.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Its name, part of the name of the sender rules.
    pub name: String,
    /// The preset that the pattern comes from; none if the configuration spells it out.
    pub preset: Option<String>,
    /// What is forwarded.
    pub pattern: Pattern,
    /// Where.
    pub regions: WatchRegions,
    /// OUs or roots whose accounts forward; empty: all.
    pub include_ous: BTreeSet<OuId>,
    /// OUs or roots whose accounts do not.
    pub exclude_ous: BTreeSet<OuId>,
    /// The accounts that forward.
    pub accounts: WatchAccounts,
    /// Whether calls that only read are forwarded as well.
    pub read_events: bool,
}

/// The accounts that forward a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchAccounts {
    /// Every account that counts.
    All,
    /// These alone.
    Only {
        /// Accounts by id.
        ids: BTreeSet<AccountId>,
        /// The management account, whatever its id.
        management: bool,
    },
}

impl Watch {
    /// Whether it wants a sender rule in every Region.
    pub fn everywhere(&self) -> bool {
        let preset = || self.preset.as_deref().and_then(presets::by_name);
        match self.regions {
            WatchRegions::All => true,
            WatchRegions::Needed => preset().is_some_and(|p| p.regions == presets::Regions::Every),
            WatchRegions::Only(_) => false,
        }
    }

    /// The watch of the default preset, over everything.
    pub(super) fn of_default_preset() -> Option<Self> {
        Some(Self {
            name: DEFAULT.to_owned(),
            preset: Some(DEFAULT.to_owned()),
            pattern: presets::by_name(DEFAULT)?.pattern(),
            regions: WatchRegions::Needed,
            include_ous: BTreeSet::new(),
            exclude_ous: BTreeSet::new(),
            accounts: WatchAccounts::All,
            read_events: false,
        })
    }

    /// Where the events of its preset appear in few accounts and it names none, those that are known.
    pub(super) fn accounts_of_preset(&mut self, central: &AccountId) {
        let preset = self.preset.as_deref().and_then(presets::by_name);
        if self.accounts == WatchAccounts::All
            && preset.is_some_and(|preset| preset.accounts == presets::Accounts::IdentityCenter)
        {
            self.accounts = WatchAccounts::Only { ids: BTreeSet::from([central.clone()]), management: true };
        }
    }
}

impl Read for WatchAccounts {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let named: Vec<Named> = Vec::read(value, place)?;
        if named.is_empty() {
            return Some(Self::All);
        }
        let management = named.iter().any(|named| matches!(named, Named::Management));
        let ids = named.into_iter().filter_map(|named| match named {
            Named::Account(id) => Some(id),
            Named::Management => None,
        });
        Some(Self::Only { ids: ids.collect(), management })
    }

    fn absent() -> Option<Self> {
        Some(Self::All)
    }
}

/// One account as a watch names it.
enum Named {
    Account(AccountId),
    Management,
}

impl Read for Named {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        match value.as_str() {
            Some("management") => Some(Self::Management),
            _ => AccountId::read(value, place).map(Self::Account),
        }
    }
}

pub(super) fn read(
    mut t: Table<'_>,
    installation: Option<&Installation>,
    seen: &mut BTreeSet<String>,
) -> Option<Watch> {
    let whole = Place { path: t.path.clone(), report: t.report };
    let (named, matched) = source(&mut t).unzip();
    let watch = read!(t, Watch {
        name = names::read(&mut t, installation, seen),
        preset = named,
        pattern = matched,
        regions,
        include_ous,
        exclude_ous,
        accounts,
        read_events,
    })?;
    if let Some(preset) = watch.preset.as_deref().and_then(presets::by_name) {
        of_preset(preset, &watch, &whole);
    }
    Some(watch)
}

/// What a watch should know of its preset.
fn of_preset(preset: &presets::Preset, watch: &Watch, whole: &Place<'_>) {
    let path = |key: &str| format!("{}.{key}", whole.path);
    if preset.accounts == presets::Accounts::IdentityCenter && watch.accounts == WatchAccounts::All {
        whole.report.add::<()>(
            "W-preset-accounts",
            &path("accounts"),
            format!("{} in the management account and the central one", preset.name),
            "the management account and the delegated administrator of IAM Identity Center",
            "if another account is the administrator, name both: accounts = [\"management\", \"...\"]",
        );
    }
    if preset.reads && !watch.read_events {
        whole.report.add::<()>(
            "W-preset-reads",
            &path("read_events"),
            format!("{} without reading calls", preset.name),
            "read_events = true",
            "without it the rule sees denied writes alone; with it, every reading call of the account passes the rule",
        );
    }
    if let Some(why) = &preset.floods {
        whole.report.add::<()>(
            "W-preset-floods",
            &path("preset"),
            format!("{}: {why}", preset.name),
            "alerts that people can read",
            "feed no mail with it: narrow the alert, or send it to a queue or a SIEM",
        );
    }
}

/// The preset, if it is one, and the pattern of a watch.
fn source(t: &mut Table<'_>) -> Option<(Option<String>, Pattern)> {
    let preset: Option<Option<String>> = t.value("preset");
    let pattern: Option<Option<String>> = t.value("pattern");
    let whole = Place { path: t.path.clone(), report: t.report };
    match (preset?, pattern?) {
        (Some(preset), None) => {
            let pattern = by_name(&preset, &t.place("preset"))?.pattern();
            Some((Some(preset), pattern))
        }
        (None, Some(text)) => parse(&text, &t.place("pattern"), |_| true).map(|pattern| (None, pattern)),
        (preset, _) => whole.report.add(
            "E-preset-or-pattern",
            &whole.path,
            if preset.is_some() { "both a preset and a pattern" } else { "neither a preset nor a pattern" },
            "exactly one of the two",
            "`orgwatch presets` lists the presets",
        ),
    }
}

fn by_name(name: &str, place: &Place<'_>) -> Option<&'static presets::Preset> {
    presets::by_name(name).or_else(|| {
        let known = presets::all().iter().map(|preset| preset.name.as_str());
        place.report.add(
            "E-unknown-preset",
            &place.path,
            quoted(name),
            known.clone().collect::<Vec<_>>().join(", "),
            did_you_mean(name, known, "`orgwatch presets` says what each of them sees"),
        )
    })
}

/// The pattern in `text`, with those of its findings reported that are `wanted`.
pub(super) fn parse(text: &str, place: &Place<'_>, wanted: impl Fn(&Finding) -> bool) -> Option<Pattern> {
    let report = |Finding { code, path, message, mend, .. }: Finding| {
        let path = if path.is_empty() { place.path.clone() } else { format!("{}: {path}", place.path) };
        place.report.add::<()>(code, &path, message, "", mend);
    };
    match Pattern::parse(text) {
        Ok(pattern) => {
            pattern.findings().into_iter().filter(wanted).for_each(report);
            Some(pattern)
        }
        Err(findings) => {
            findings.into_iter().for_each(report);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{all_codes, codes, settings};

    #[test]
    fn without_a_watch_there_is_that_of_the_default_preset() {
        let watches = settings("").watches;
        assert_eq!(watches.len(), 1);
        assert_eq!((watches[0].name.as_str(), watches[0].preset.as_deref()), (DEFAULT, Some(DEFAULT)));
        assert_eq!(watches[0].pattern, presets::by_name(DEFAULT).unwrap().pattern());
    }

    #[test]
    fn a_watch_has_exactly_one_of_preset_and_pattern() {
        assert_eq!(codes("[[watch]]\nname = 'x'"), ["E-preset-or-pattern watch[0]"]);
        assert_eq!(
            codes("[[watch]]\nname = 'x'\npreset = 'cis-4.4'\npattern = '{\"source\":[\"aws.iam\"]}'"),
            ["E-preset-or-pattern watch[0]"]
        );
    }

    #[test]
    fn what_a_preset_needs_is_said() {
        let with = |more: &str| all_codes(&format!("[[watch]]\nname='x'\nregions=['eu-central-1']\n{more}"));
        assert_eq!(
            with("preset='cis-4.1'"),
            ["W-preset-reads watch[0].read_events", "W-preset-floods watch[0].preset"]
        );
        assert_eq!(with("preset='cis-4.1'\nread_events=true"), ["W-preset-floods watch[0].preset"]);
        assert_eq!(with("preset='identity-center-changes'"), ["W-preset-accounts watch[0].accounts"]);
        assert_eq!(with("preset='identity-center-changes'\naccounts=['management']"), [""; 0]);
        assert!(settings("[[watch]]\nname='x'\npreset='cis-4.5'").watches[0].everywhere());
        assert!(!settings("[[watch]]\nname='x'\npreset='cis-4.4'").watches[0].everywhere());
        assert_eq!(
            codes("[[watch]]\nname='x'\npreset='cis-4.15'\nregions=['eu-central-1']"),
            ["E-silent-region watch[0].regions"]
        );
    }

    #[test]
    fn the_accounts_of_identity_center_are_the_management_account_and_the_central_one() {
        let settings =
            settings("[[watch]]\nname='x'\npreset='identity-center-changes'\nregions=['eu-central-1']");
        let central = settings.central.account_id.clone();
        assert_eq!(
            settings.watches[0].accounts,
            WatchAccounts::Only { ids: BTreeSet::from([central]), management: true }
        );
    }

    #[test]
    fn an_unknown_preset_is_reported_with_the_nearest_one() {
        let error = crate::config::parse("[[watch]]\nname = 'x'\npreset = 'iam-change'", []).unwrap_err();
        let problem = error.problems.iter().find(|problem| problem.code == "E-unknown-preset").unwrap();
        assert_eq!(problem.hint, "did you mean `iam-changes`?");
    }

    #[test]
    fn a_finding_of_the_pattern_check_stands_under_the_key() {
        assert_eq!(
            codes(
                "[[watch]]\nname = 'x'\npattern = '{\"source\":[\"aws.iam\"],\"detail\":{\"eventName\":[\"Add*\"]}}'"
            ),
            ["E-pattern-literal-star watch[0].pattern: detail.eventName[0]"]
        );
        assert_eq!(codes("[[watch]]\nname = 'x'\npattern = '{'"), ["E-pattern-not-json watch[0].pattern"]);
    }

    #[test]
    fn accounts_are_ids_or_the_management_account() {
        let watch = |accounts| {
            settings(&format!("[[watch]]\nname='x'\npreset='iam-any'\naccounts={accounts}")).watches.remove(0)
        };
        assert_eq!(watch("[]").accounts, WatchAccounts::All);
        let id: AccountId = "012345678901".parse().unwrap();
        assert_eq!(
            watch("['management', '012345678901']").accounts,
            WatchAccounts::Only { ids: BTreeSet::from([id]), management: true }
        );
        assert_eq!(
            codes("[[watch]]\nname='x'\npreset='iam-any'\naccounts=['managment', 333333333333]"),
            ["E-bad-value watch[0].accounts[0]", "E-wrong-type watch[0].accounts[1]"]
        );
    }
}
