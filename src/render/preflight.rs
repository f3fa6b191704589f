//! What a preflight found: what is missing first, each with what mends it.

use super::group::some_of;
use super::phrase::count;
use super::style::{Page, Style, Tone};
use crate::model::ids::{AccountId, OrganizationId};
use crate::preflight::{Caller, Finding};

/// How far a preflight came.
#[derive(Clone, Debug, Default)]
pub struct Preflight {
    /// Who asked.
    pub caller: Option<Caller>,
    /// How many hosts were knocked at.
    pub hosts: usize,
    /// The organization, once known.
    pub organization: Option<OrganizationId>,
    /// How many accounts were looked into, successfully or not.
    pub accounts: usize,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// The findings for people.
pub fn preflight(seen: &Preflight, style: Style) -> String {
    let mut page = Page::new(style);
    if let Some(caller) = &seen.caller {
        page.line(0, Tone::Plain, format!("Asked as {}", caller.arn));
    }
    let organization = match &seen.organization {
        Some(id) => format!("organization {id}, {}", count(seen.accounts, "account")),
        None => "no organization".to_owned(),
    };
    page.line(0, Tone::Plain, format!("Looked at {}; {organization}", count(seen.hosts, "service endpoint")));
    let (notices, missing): (Vec<&Finding>, Vec<&Finding>) = seen.findings.iter().partition(|f| f.notice);
    if missing.is_empty() && seen.organization.is_some() {
        page.gap().line(0, Tone::Good, "Nothing is missing.");
    }
    for (findings, noun, tone) in [(missing, "problem", Tone::Bad), (notices, "notice", Tone::Warn)] {
        if findings.is_empty() {
            continue;
        }
        page.heading(count(findings.len(), noun));
        for finding in findings {
            put(&mut page, finding, tone);
        }
    }
    page.gap().prose(
        0,
        Tone::Plain,
        "Next: `orgwatch plan` shows what `orgwatch apply` would make. docs/preflight.md explains each code.",
    );
    page.finish()
}

fn put(page: &mut Page, finding: &Finding, tone: Tone) {
    let Finding { code, found, mend, accounts, .. } = finding;
    let accounts: Vec<&AccountId> = accounts.iter().collect();
    let place = match accounts.as_slice() {
        [] => String::new(),
        [one] => format!("  account {one}"),
        all => format!("  {} accounts: {}", all.len(), some_of(all)),
    };
    page.put(Tone::Plain, "  ").put(tone, code).put(Tone::Strong, place).end();
    page.labelled(6, 10, "found", Tone::Plain, found);
    page.labelled(6, 10, "mend", Tone::Plain, &mend.text);
    if let Some(command) = &mend.command {
        // Never wrapped, so that it can be copied.
        page.put(Tone::Faint, format!("{:6}{:<10}", "", "command")).put(Tone::Strong, command).end();
    }
    if let Some(template) = mend.template {
        page.labelled(6, 10, "template", Tone::Plain, template);
    }
}
