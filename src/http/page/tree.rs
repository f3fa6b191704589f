//! The organization as a tree of its units, each with how its accounts stand.

use std::collections::{BTreeMap, HashMap};

use super::links::Asked;
use super::words;
use crate::http::select;
use crate::model::view::{Coverage, Snapshot};

/// So many units are shown at once; of more, those on the way to the chosen one and what is below it.
const ALL_OF: usize = 40;

/// A root or organizational unit.
pub(super) struct Unit {
    pub(super) id: String,
    /// What it is called, if that was read.
    pub(super) name: Option<String>,
    /// How deep it lies below the root.
    pub(super) depth: usize,
    pub(super) href: String,
    pub(super) chosen: bool,
    pub(super) counts: Counts,
}

/// How the accounts below a unit stand, inactive ones left out.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) total: usize,
    pub(super) covered: usize,
    pub(super) pending: usize,
    pub(super) broken: usize,
    pub(super) unknown: usize,
    pub(super) uncovered: usize,
}

impl Counts {
    fn count(&mut self, coverage: Coverage) {
        self.total += 1;
        *match coverage {
            Coverage::Proven | Coverage::Configured => &mut self.covered,
            Coverage::Pending => &mut self.pending,
            Coverage::Broken => &mut self.broken,
            Coverage::Unknown => &mut self.unknown,
            Coverage::Uncovered => &mut self.uncovered,
        } += 1;
    }

    fn add(&mut self, others: Self) {
        self.total += others.total;
        self.covered += others.covered;
        self.pending += others.pending;
        self.broken += others.broken;
        self.unknown += others.unknown;
        self.uncovered += others.uncovered;
    }

    /// Tone, beginning and width, of 100, of each part of a bar; in the order in which coverage gets worse.
    pub(super) fn parts(&self) -> Vec<(&'static str, f64, f64)> {
        let counts = [
            ("ok", self.covered),
            ("info", self.pending),
            ("dim", self.uncovered),
            ("unknown", self.unknown),
            ("bad", self.broken),
        ];
        let share = |count: usize| count as f64 * 100.0 / self.total.max(1) as f64;
        let mut before = 0;
        let part = |(tone, count)| {
            let x = share(before);
            before += count;
            (tone, x, share(count))
        };
        counts.into_iter().map(part).filter(|(_, _, width)| *width > 0.0).collect()
    }

    /// What is to be said of it, worst first.
    pub(super) fn words(&self) -> String {
        let counts = [
            (self.broken, "broken"),
            (self.unknown, "unknown"),
            (self.pending, "pending"),
            (self.uncovered, "uncovered"),
        ];
        let told: Vec<_> =
            counts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        if told.is_empty() { "all covered".to_owned() } else { told.join(", ") }
    }
}

/// Of more than `most`, leaves the roots and the units below them of which most accounts are not covered.
pub(super) fn keep_worst(units: &mut Vec<Unit>, most: usize) {
    if units.len() <= most {
        return;
    }
    units.retain(|unit| unit.depth <= 1);
    let lacking = |unit: &Unit| unit.counts.total - unit.counts.covered;
    let mut worst: Vec<usize> = units.iter().filter(|unit| unit.depth == 1).map(lacking).collect();
    worst.sort_unstable_by(|a, b| b.cmp(a));
    let least = worst.get(most).copied().unwrap_or(0);
    let mut left = most;
    units.retain(|unit| {
        let kept = unit.depth == 0 || (left > 0 && lacking(unit) >= least);
        left -= usize::from(kept && unit.depth == 1);
        kept
    });
}

/// The units that are to be shown, each before those below it; and whether there are more.
pub(super) fn units(snapshot: &Snapshot, asked: &Asked) -> (Vec<Unit>, bool) {
    // By whole paths first: thousands of accounts share some hundreds of them.
    let mut by_path: HashMap<&str, Counts> = HashMap::new();
    for account in snapshot.accounts.values() {
        if let Some(coverage) = select::coverage(account) {
            by_path.entry(&account.path).or_default().count(coverage);
        }
    }
    let mut all: BTreeMap<String, Counts> = BTreeMap::new();
    for (whole, counts) in by_path {
        let mut path = String::new();
        for part in whole.split('/').filter(|part| part.starts_with("r-") || part.starts_with("ou-")) {
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(part);
            all.entry(path.clone()).or_default().add(counts);
        }
    }
    let chosen = asked.value("ou");
    let way: Vec<String> = all
        .keys()
        .find(|path| path.rsplit('/').next() == Some(chosen))
        .map_or_else(Vec::new, |path| path.split('/').map(str::to_owned).collect());
    let few = all.len() <= ALL_OF;
    let total = all.len();
    let units = all.into_iter().filter_map(|(path, counts)| {
        let parts: Vec<&str> = path.split('/').collect();
        let (id, above) = parts.split_last()?;
        let shown =
            few || parts.len() <= 2 || above.last().is_some_and(|parent| way.iter().any(|w| w == parent));
        shown.then(|| Unit {
            id: (*id).to_owned(),
            name: words::unit_name(snapshot, id).map(str::to_owned),
            depth: above.len(),
            href: asked.with("ou", if *id == chosen { "" } else { id }),
            chosen: *id == chosen,
            counts,
        })
    });
    let units: Vec<Unit> = units.collect();
    let more = units.len() < total;
    (units, more)
}
