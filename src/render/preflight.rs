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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use insta::assert_snapshot;

    use super::*;
    use crate::preflight::{Code, Mend};
    use crate::render::fixtures::member;

    fn finding(code: Code, found: &str, mend: Mend, accounts: usize) -> Finding {
        let accounts: BTreeSet<_> = (0..accounts).map(|n| member(n).account).collect();
        Finding {
            code,
            notice: code.is_notice(),
            found: found.to_owned(),
            mend,
            count: accounts.len(),
            accounts,
        }
    }

    fn seen(findings: Vec<Finding>) -> Preflight {
        let caller = Caller {
            account: "222222222222".parse().unwrap(),
            arn: "arn:aws:sts::222222222222:assumed-role/orgwatch-task/me".to_owned(),
        };
        let organization = Some("o-a1b2c3d4e5".parse().unwrap());
        Preflight { caller: Some(caller), hosts: 12, organization, accounts: 40, findings }
    }

    #[test]
    fn where_nothing_is_missing_that_is_said_and_what_comes_next() {
        assert_snapshot!(preflight(&seen(Vec::new()), Style::PLAIN), @r"
        Asked as arn:aws:sts::222222222222:assumed-role/orgwatch-task/me
        Looked at 12 service endpoints; organization o-a1b2c3d4e5, 40 accounts

        Nothing is missing.

        Next: `orgwatch plan` shows what `orgwatch apply` would make. docs/preflight.md explains each code.
        ");
    }

    #[test]
    fn problems_stand_before_notices_each_with_its_accounts_and_with_what_mends_it() {
        let mend = |text: &str, command: Option<&str>, template| Mend {
            text: text.to_owned(),
            command: command.map(str::to_owned),
            template,
        };
        let findings = vec![
            finding(
                Code::SubscriptionPending,
                "a@example.com has not confirmed",
                mend("follow the link in the mail", None, None),
                0,
            ),
            finding(
                Code::ClockSkew,
                "the clock is 3 minutes ahead",
                mend("set it", Some("timedatectl set-ntp true"), None),
                1,
            ),
            finding(
                Code::MemberRoleRefuses,
                "<account> does not let us in",
                mend("install the role", None, Some("deploy/cloudformation/member-role.yaml")),
                5,
            ),
        ];
        assert_snapshot!(preflight(&seen(findings), Style::PLAIN), @r"
        Asked as arn:aws:sts::222222222222:assumed-role/orgwatch-task/me
        Looked at 12 service endpoints; organization o-a1b2c3d4e5, 40 accounts

        2 problems
          P-clock-skew  account 333333333333
              found     the clock is 3 minutes ahead
              mend      set it
              command   timedatectl set-ntp true
          P-member-role-refuses  5 accounts: 333333333333, 334444444444 and 3 more
              found     <account> does not let us in
              mend      install the role
              template  deploy/cloudformation/member-role.yaml

        1 notice
          P-subscription-pending
              found     a@example.com has not confirmed
              mend      follow the link in the mail

        Next: `orgwatch plan` shows what `orgwatch apply` would make. docs/preflight.md explains each code.
        ");
    }

    #[test]
    fn without_an_organization_nothing_is_called_complete() {
        assert_snapshot!(preflight(&Preflight::default(), Style::PLAIN), @r"
        Looked at 0 service endpoints; no organization

        Next: `orgwatch plan` shows what `orgwatch apply` would make. docs/preflight.md explains each code.
        ");
    }
}
