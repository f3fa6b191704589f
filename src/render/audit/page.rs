//! The report as a page that stands for itself: an auditor keeps the file, and nothing of it comes from elsewhere.

use std::collections::BTreeMap;

use askama::Template;

use super::{by, demand, moment};
use crate::compliance::report::{Finding, Report, Status};
use crate::model::ids::AccountId;

/// Accounts that a finding names itself; more are listed once, at the end.
const FEW: usize = 6;

#[derive(Template)]
#[template(path = "audit.html")]
struct Sheet<'a> {
    report: &'a Report,
    demand: &'static str,
    read_at: String,
    oldest_at: Option<String>,
    /// Sets of accounts that findings speak of by their number.
    sets: Vec<Vec<(&'a AccountId, &'a str)>>,
    numbers: BTreeMap<&'a [AccountId], usize>,
}

/// The page.
///
/// # Errors
/// The template cannot be filled, which is a defect.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    let mut sheet = Sheet {
        report,
        demand: demand(report.standard.demands),
        read_at: moment(report.observed_at),
        oldest_at: report.oldest_observation_at.map(moment),
        sets: Vec::new(),
        numbers: BTreeMap::new(),
    };
    for finding in report.controls.iter().flat_map(|control| &control.findings) {
        let accounts = finding.accounts.as_slice();
        if accounts.len() > FEW
            && accounts.len() < report.accounts.len()
            && !sheet.numbers.contains_key(accounts)
        {
            let set = accounts.iter().map(|id| (id, sheet.name(id))).collect();
            sheet.sets.push(set);
            sheet.numbers.insert(accounts, sheet.sets.len());
        }
    }
    sheet.render()
}

impl<'a> Sheet<'a> {
    fn name(&self, id: &AccountId) -> &'a str {
        self.report.accounts.get(id).map(String::as_str).unwrap_or_default()
    }

    /// Whether a finding is about every account.
    fn is_about_all(&self, finding: &Finding) -> bool {
        finding.accounts.len() == self.report.accounts.len() && finding.accounts.len() > 1
    }

    /// The number of the set of accounts that a finding is about, if they are many.
    fn number(&self, finding: &Finding) -> Option<usize> {
        self.numbers.get(finding.accounts.as_slice()).copied()
    }

    /// Colour, mark and word of a status; none of them stands alone for it.
    fn badge(status: &Status) -> (&'static str, &'static str, &'static str) {
        match status {
            Status::Met => ("ok", "✓", "met"),
            Status::Unmet => ("bad", "✕", "not met"),
            Status::Unknown => ("unknown", "?", "unknown"),
        }
    }

    fn at(at: &jiff::Timestamp) -> String {
        moment(*at)
    }

    fn by(finding: &Finding) -> &'static str {
        finding.by.map(by).unwrap_or_default()
    }
}
