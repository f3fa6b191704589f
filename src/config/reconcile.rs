//! `[reconcile]`: how far and how fast we go.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use toml::Value;

use super::problem::quoted;
use super::reader::{POSITIVE, Place, Read, Table, is_none, read, words};
use crate::limits::{ChangedAccounts, Limits};
use crate::model::ids::{AccountId, IdError, OuId, Region};

/// `[reconcile]`: how far and how fast we go.
#[derive(Clone, Debug)]
pub struct ReconcileSettings {
    /// Whether the daemon writes.
    pub mode: Mode,
    /// How often every target is looked at.
    pub resync_interval: Duration,
    /// How many targets are worked on at once.
    pub concurrency: usize,
    /// How long a write may take to show.
    pub settle_time: Duration,
    /// Whether what is ours and no longer desired is removed.
    pub prune: bool,
    /// What exists at our names and may be made ours.
    pub adopt: Vec<Adopt>,
    /// Where a new configuration goes first; empty: central and one member.
    pub first_accounts: BTreeSet<AccountId>,
    /// The pace of IAM writes in accounts that already forward; none: no limit.
    pub iam_writes_per_second: Option<NonZeroU32>,
    /// What is held rather than done.
    pub limits: Limits,
    /// Where another mode holds.
    pub overrides: Vec<Override>,
}

words! {
    /// Whether we write.
    Mode {
        /// We look and tell.
        Observe = "observe",
        /// We also change.
        Enforce = "enforce",
    }
}

impl Read for ChangedAccounts {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        const EXPECTED: &str = "a percentage such as \"10%\", a number of accounts from 1, or \"off\"";
        if is_none(&value) {
            return Some(Self::Off);
        }
        // A number in quotes is how the environment writes it.
        let text = match value {
            Value::Integer(number) => number.to_string(),
            value => place.text(value, EXPECTED)?,
        };
        let parsed = match text.strip_suffix('%') {
            Some(percent) => {
                percent.trim().parse().ok().filter(|p| *p > 0.0 && *p <= 100.0).map(Self::Percent)
            }
            None => text.parse().ok().filter(|count| *count > 0).map(Self::Count),
        };
        parsed.or_else(|| place.bad(quoted(&text), EXPECTED, ""))
    }
}

/// `[[reconcile.override]]`: a mode for a part of the organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Where it holds.
    pub scope: OverrideScope,
    /// The mode there; it binds `apply` too.
    pub mode: Mode,
}

/// Where an override holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OverrideScope {
    /// In one account.
    Account(AccountId),
    /// In an OU or root and everything below.
    Ou(OuId),
}

/// A resource at one of our names that is not ours yet and may be made ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Adopt {
    /// The managed kind.
    pub kind: String,
    /// The account that it is in; none: the central one.
    pub account: Option<AccountId>,
    /// The Region that it is in; none: that of the bus, or none at all.
    pub region: Option<Region>,
    /// Its name.
    pub name: String,
}

impl Adopt {
    /// The kinds that can be adopted, and whether members hold them.
    const KINDS: [(&str, bool); 10] = [
        ("event_bus", false),
        ("topic", false),
        ("alert_rule", false),
        ("archive", false),
        ("metric_alarm", false),
        ("metric_filter", false),
        ("guard_rule", false),
        ("queue", false),
        ("forwarding_role", true),
        ("sender_rule", true),
    ];
}

impl FromStr for Adopt {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let error = || IdError {
            found: text.to_owned(),
            expected: "kind:name with kind event_bus, topic, alert_rule, archive, metric_alarm, metric_filter, guard_rule or queue, \
                       forwarding_role:account/name, or sender_rule:account/region/name",
        };
        let (kind, rest) = text.split_once(':').ok_or_else(error)?;
        let in_member = Self::KINDS.iter().find(|(known, _)| *known == kind).ok_or_else(error)?.1;
        let parts: Vec<&str> = rest.split('/').collect();
        let (account, region, name) = match parts[..] {
            [name] => (None, None, name),
            [account, name] => (Some(account), None, name),
            [account, region, name] => (Some(account), Some(region), name),
            _ => return Err(error()),
        };
        let complete = !in_member || account.is_some() && (kind != "sender_rule" || region.is_some());
        if name.is_empty() || !complete {
            return Err(error());
        }
        Ok(Self {
            kind: kind.to_owned(),
            account: account.map(str::parse).transpose().map_err(|_| error())?,
            region: region.map(str::parse).transpose().map_err(|_| error())?,
            name: name.to_owned(),
        })
    }
}

impl fmt::Display for Adopt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.kind)?;
        self.account.iter().try_for_each(|account| write!(f, "{account}/"))?;
        self.region.iter().try_for_each(|region| write!(f, "{region}/"))?;
        f.write_str(&self.name)
    }
}

impl Read for Adopt {
    fn read(value: Value, place: &Place<'_>) -> Option<Self> {
        let text = place.text(value, "a text such as \"topic:orgwatch-iam-changes\"")?;
        text.parse().map_or_else(
            |e: IdError| place.bad(quoted(&text), e.expected, "status shows what is foreign"),
            Some,
        )
    }
}

pub(super) fn read(mut t: Table<'_>) -> Option<ReconcileSettings> {
    read!(t, ReconcileSettings {
        mode,
        resync_interval = t.duration("resync_interval", &POSITIVE),
        concurrency = concurrency(&mut t),
        settle_time = t.duration("settle_time", &POSITIVE),
        prune,
        adopt,
        first_accounts,
        iam_writes_per_second,
        limits = limits(t.table("limits")),
        overrides = overrides(&mut t),
    })
}

fn concurrency(t: &mut Table<'_>) -> Option<usize> {
    let concurrency: u32 =
        t.checked("concurrency", "an integer from 1 to 1024", "", u32::to_string, |n| {
            (1..=1024).contains(n)
        })?;
    concurrency.try_into().ok()
}

fn limits(mut t: Table<'_>) -> Option<Limits> {
    read!(t, Limits {
        window = t.duration("window", &POSITIVE),
        deletions = t.value("deletions").map(|limit: Option<u32>| limit.filter(|limit| *limit > 0)),
        changed_accounts,
    })
}

fn overrides(t: &mut Table<'_>) -> Option<Vec<Override>> {
    let mut seen = BTreeSet::new();
    t.each("override", |mut t| {
        let whole = Place { path: t.path.clone(), report: t.report };
        let read = read!(t, Override { scope = scope(t.value("account"), t.value("ou"), &whole), mode })?;
        if seen.insert(read.scope.clone()) {
            return Some(read);
        }
        let hint = "remove one of them";
        whole.report.add("E-duplicate-override", &whole.path, "a second mode for the same scope", "one", hint)
    })
    .into_iter()
    .collect()
}

fn scope(
    account: Option<Option<AccountId>>,
    ou: Option<Option<OuId>>,
    whole: &Place<'_>,
) -> Option<OverrideScope> {
    match (account?, ou?) {
        (Some(account), None) => Some(OverrideScope::Account(account)),
        (None, Some(ou)) => Some(OverrideScope::Ou(ou)),
        (account, _) => whole.report.add(
            "E-override-scope",
            &whole.path,
            if account.is_some() { "both an account and an ou" } else { "neither an account nor an ou" },
            "exactly one of the two",
            "write one override for each",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{codes, settings};

    #[test]
    fn what_adopts_gives_back_its_text() {
        for text in [
            "topic:orgwatch-iam-changes",
            "forwarding_role:012345678901/orgwatch-forwarder",
            "sender_rule:333333333333/us-east-1/orgwatch-iam-changes",
            "queue:222222222222/eu-central-1/orgwatch-dead-letters",
        ] {
            assert_eq!(text.parse::<Adopt>().unwrap().to_string(), text);
        }
        for bad in [
            "orgwatch",
            "bucket:x",
            "topic:",
            "sender_rule:x",
            "sender_rule:333333333333/x",
            "forwarding_role:x",
            "sender_rule:3/us-east-1/x",
            "sender_rule:333333333333/moon/x",
            "topic:a/b/c/d",
        ] {
            assert!(bad.parse::<Adopt>().is_err(), "{bad}");
        }
        assert_eq!(
            codes("[reconcile]\nadopt=['x', 'topic:y', 'z']"),
            ["E-bad-value reconcile.adopt[0]", "E-bad-value reconcile.adopt[2]"]
        );
    }

    #[test]
    fn changed_accounts_is_a_part_a_number_or_no_limit() {
        let limit = |text: &str| {
            settings(&format!("[reconcile.limits]\nchanged_accounts = {text}"))
                .reconcile
                .limits
                .changed_accounts
        };
        assert_eq!(limit("'12.5%'"), ChangedAccounts::Percent(12.5));
        assert_eq!(limit("7"), ChangedAccounts::Count(7));
        assert_eq!(limit("'7'"), ChangedAccounts::Count(7));
        assert_eq!(limit("'off'"), ChangedAccounts::Off);
        for bad in ["'0%'", "'101%'", "'NaN%'", "'-1%'", "0", "-1", "'many'"] {
            let found = codes(&format!("[reconcile.limits]\nchanged_accounts = {bad}"));
            assert_eq!(found, ["E-bad-value reconcile.limits.changed_accounts"], "{bad}");
        }
    }

    #[test]
    fn zero_deletions_is_no_limit_and_so_is_off() {
        for text in ["0", "'off'", "''"] {
            assert_eq!(
                settings(&format!("[reconcile.limits]\ndeletions = {text}")).reconcile.limits.deletions,
                None
            );
        }
        assert_eq!(settings("").reconcile.limits.deletions, Some(10));
    }

    #[test]
    fn an_override_names_exactly_one_scope_and_each_scope_once() {
        let one = |text: &str| format!("[[reconcile.override]]\n{text}\nmode = 'observe'\n");
        let (account, ou) = ("account = '012345678901'", "ou = 'ou-ab12-cdefgh34'");
        assert_eq!(settings(&format!("{}{}", one(account), one(ou))).reconcile.overrides.len(), 2);
        assert_eq!(codes(&one(&format!("{account}\n{ou}"))), ["E-override-scope reconcile.override[0]"]);
        assert_eq!(codes(&one("")), ["E-override-scope reconcile.override[0]"]);
        assert_eq!(codes(&format!("{}{}", one(ou), one(ou))), ["E-duplicate-override reconcile.override[1]"]);
        assert_eq!(
            codes(&format!("[[reconcile.override]]\n{ou}")),
            ["E-missing-key reconcile.override[0].mode"]
        );
    }

    #[test]
    fn numbers_and_durations_have_bounds() {
        for (line, path) in [
            ("concurrency = 0", "concurrency"),
            ("concurrency = 1025", "concurrency"),
            ("settle_time = '0s'", "settle_time"),
            ("resync_interval = '0s'", "resync_interval"),
            ("resync_interval = '10years'", "resync_interval"),
            ("resync_interval = 'soon'", "resync_interval"),
            ("iam_writes_per_second = 0", "iam_writes_per_second"),
            ("iam_writes_per_second = -1", "iam_writes_per_second"),
        ] {
            assert_eq!(
                codes(&format!("[reconcile]\n{line}")),
                [format!("E-bad-value reconcile.{path}")],
                "{line}"
            );
        }
        assert_eq!(codes("[reconcile]\nresync_interval = 900"), ["E-wrong-type reconcile.resync_interval"]);
        assert_eq!(
            settings("[reconcile]\niam_writes_per_second = 'off'").reconcile.iam_writes_per_second,
            None
        );
    }
}
