//! What an apply did: a line for each change, and what it came to.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::phrase::{count, elapsed};
use super::style::{Page, Style, Tone};
use super::summary::{PlanSummary, is_as_desired, notices, unseen};
use super::trouble::{Trouble, put_troubles};
use crate::model::error::CloudError;
use crate::model::ids::AccountId;
use crate::model::plan::Change;
use crate::model::resource::{Note, ResourceId, Verdict};
use crate::model::target::TargetKey;
use crate::model::view::TargetView;

/// A change that was tried and not made, or something that could not be seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Failure {
    /// Where.
    pub target: TargetKey,
    /// What; none where the whole target is concerned.
    pub resource: Option<ResourceId>,
    /// Why, where AWS said it.
    pub error: Option<CloudError>,
}

/// Why an apply ended before it had been everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// `--max-failures` was reached.
    MaxFailures,
    /// `--limit` was reached.
    Limit,
    /// A person or the system asked us to stop.
    Interrupted,
}

/// What an apply came to, as read back afterwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ApplySummary {
    /// Changes made.
    pub changes: usize,
    /// Accounts in which they were made.
    pub accounts: usize,
    /// How long all of it took, in seconds where it is JSON.
    #[serde(rename = "elapsed_seconds", serialize_with = "seconds")]
    pub elapsed: Duration,
    /// What was tried and not made.
    pub failures: Vec<Failure>,
    /// Changes that a person must release.
    pub held: usize,
    /// Changes that wait for something just written and are made by the next pass.
    pub waiting: usize,
    /// What could not be read back.
    pub unseen: Vec<Failure>,
    /// Accounts seen in sync by a read after the last write.
    pub in_sync: usize,
    /// Accounts that should be.
    pub total: usize,
    /// Why it ended early, if it did.
    pub stopped: Option<Stopped>,
    /// What waits for a person outside AWS.
    pub notices: Vec<Note>,
    /// Whether it took away instead of putting right.
    pub teardown: bool,
}

fn seconds<S: Serializer>(length: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(length.as_secs_f64())
}

/// One change as it was made, or not: one line, and another with what to do if it was not.
pub fn written(target: &TargetKey, change: &Change, result: Result<(), &CloudError>, style: Style) -> String {
    let mut page = Page::new(style);
    let what = format!(" {} {} in {target}", change.action.sign(), change.resource);
    match result {
        Ok(()) => {
            page.put(Tone::Good, "done  ").put(Tone::Plain, what).end();
        }
        Err(error) => {
            page.put(Tone::Bad, "failed").put(Tone::Plain, what).end();
            page.prose(8, Tone::Plain, error);
        }
    }
    page.finish()
}

/// What the whole apply came to and what to run next.
pub fn summary(summary: &ApplySummary, style: Style) -> String {
    let mut page = Page::new(style);
    if !summary.notices.is_empty() {
        page.heading("Notices");
        for note in &summary.notices {
            page.prose(2, Tone::Plain, format!("{}: {}", note.reason, note.message));
        }
    }
    let sections =
        [("Failed: not changed", &summary.failures), ("Unknown: could not be read back", &summary.unseen)];
    for (heading, failures) in sections {
        if !failures.is_empty() {
            page.heading(heading);
            let troubles: Vec<Trouble<'_>> = failures.iter().map(Failure::trouble).collect();
            put_troubles(&mut page, &troubles, false);
        }
    }
    page.gap();
    let in_sync = format!("{} of {} in sync", summary.in_sync, count(summary.total, "account"));
    let tone = if summary.in_sync == summary.total { Tone::Good } else { Tone::Warn };
    if summary.teardown {
        let (changes, accounts) = (count(summary.changes, "resource"), count(summary.accounts, "account"));
        page.prose(0, tone, format!("Removed {changes} in {accounts} in {}.", elapsed(summary.elapsed)));
    } else if summary.changes == 0 {
        page.prose(0, tone, format!("Nothing was changed; {in_sync}."));
    } else {
        let (changes, accounts) = (count(summary.changes, "change"), count(summary.accounts, "account"));
        let time = elapsed(summary.elapsed);
        page.prose(0, tone, format!("Applied {changes} in {accounts} in {time}; {in_sync}."));
    }
    for step in summary.next_steps() {
        page.prose(0, Tone::Plain, step);
    }
    page.finish()
}

impl Failure {
    fn trouble(&self) -> Trouble<'_> {
        Trouble { target: &self.target, resource: self.resource.as_ref(), error: self.error.as_ref() }
    }

    fn from_trouble(trouble: Trouble<'_>) -> Self {
        Self {
            target: trouble.target.clone(),
            resource: trouble.resource.cloned(),
            error: trouble.error.cloned(),
        }
    }
}

impl ApplySummary {
    /// The summary with all that `views`, read after the last write, say: what is in sync, held, waiting,
    /// unseen or left to a person. What was seen in place after all has not failed.
    #[must_use]
    pub fn read_back(self, views: &[Arc<TargetView>]) -> Self {
        // Somebody else was quicker, or only the answer was lost.
        let in_place = |failure: &Failure| {
            views
                .iter()
                .filter(|view| view.target == failure.target)
                .flat_map(|view| &view.resources)
                .any(|r| Some(&r.id) == failure.resource.as_ref() && r.verdict == Verdict::InSync)
        };
        let plan = PlanSummary::of(views);
        let mut accounts: BTreeMap<&AccountId, bool> = BTreeMap::new();
        for view in views {
            *accounts.entry(&view.target.account).or_insert(true) &= is_as_desired(view);
        }
        Self {
            held: plan.held,
            waiting: plan.waiting,
            unseen: views.iter().flat_map(|v| unseen(v)).map(Failure::from_trouble).collect(),
            in_sync: accounts.values().filter(|in_sync| **in_sync).count(),
            total: accounts.len(),
            notices: views.iter().flat_map(|v| notices(v)).map(|(_, note)| note.clone()).collect(),
            failures: self.failures.iter().filter(|failure| !in_place(failure)).cloned().collect(),
            ..self
        }
    }

    /// What a person should know about what is left, and do next.
    fn next_steps(&self) -> Vec<String> {
        let mut steps = Vec::new();
        match self.stopped {
            Some(Stopped::MaxFailures) => steps.push("Ended early: --max-failures was reached.".to_owned()),
            Some(Stopped::Limit) => steps.push("Ended early: --limit was reached.".to_owned()),
            Some(Stopped::Interrupted) => steps.push("Ended early, as asked.".to_owned()),
            None => {}
        }
        let (held, waiting) = (count(self.held, "change"), count(self.waiting, "change"));
        match self.held {
            0 => {}
            1 => steps.push(format!("{held} is held: `orgwatch plan` shows why and what releases it.")),
            _ => steps.push(format!("{held} are held: `orgwatch plan` shows why and what releases them.")),
        }
        match self.waiting {
            0 => {}
            1 => steps.push(format!(
                "{waiting} waits for something to be seen in place: `orgwatch plan` shows for what."
            )),
            _ => steps.push(format!(
                "{waiting} wait for something to be seen in place: `orgwatch plan` shows for what."
            )),
        }
        if self.teardown && self.in_sync < self.total {
            let why = "The central account stays as long as an account is left that sends to it, or that could not be seen.";
            steps.push(why.to_owned());
        }
        let again = if self.teardown { "teardown" } else { "apply" };
        if self.stopped.is_some() || self.waiting > 0 || !self.failures.is_empty() {
            steps.push(format!("Next: `orgwatch {again}` again; it continues where this run ended."));
        } else if self.teardown {
            steps.push(match (self.held, self.unseen.len()) {
                (0, 0) => "Nothing of this installation is left where it looked.".to_owned(),
                _ => "What is left is listed above; `orgwatch teardown --delete-data` takes data too."
                    .to_owned(),
            });
        } else if self.in_sync < self.total || !self.unseen.is_empty() {
            steps.push("Next: `orgwatch plan` shows what is not in sync and why.".to_owned());
        } else if self.held == 0 {
            let enforce = "with `reconcile.mode = \"enforce\"` it repairs what drifts";
            steps.push(format!("Next: `orgwatch serve` watches over it; {enforce}."));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::plan::Action;
    use crate::model::target::Side;
    use crate::render::fixtures::*;
    use insta::assert_snapshot;

    fn done() -> ApplySummary {
        ApplySummary {
            changes: 93,
            accounts: 31,
            elapsed: Duration::from_millis(4_210),
            in_sync: 30,
            total: 30,
            ..ApplySummary::default()
        }
    }

    #[test]
    fn a_complete_apply_says_so_and_what_comes_next() {
        assert_snapshot!(summary(&done(), Style::PLAIN), @r#"
        Applied 93 changes in 31 accounts in 4.2 s; 30 of 30 accounts in sync.
        Next: `orgwatch serve` watches over it; with `reconcile.mode = "enforce"` it repairs what drifts.
        "#);
    }

    #[test]
    fn an_apply_without_changes_does_not_boast() {
        let nothing = ApplySummary { changes: 0, accounts: 0, ..done() };
        assert_snapshot!(summary(&nothing, Style::PLAIN), @r#"
        Nothing was changed; 30 of 30 accounts in sync.
        Next: `orgwatch serve` watches over it; with `reconcile.mode = "enforce"` it repairs what drifts.
        "#);
    }

    #[test]
    fn failures_are_told_once_for_equal_accounts_with_what_to_do() {
        let failure =
            |n: usize, resource| Failure { target: member(n), resource, error: Some(denied(&member(n))) };
        let rule = Some(id("sender_rule", "orgwatch-iam-changes"));
        let partly = ApplySummary {
            in_sync: 25,
            failures: vec![
                failure(0, None),
                failure(1, None),
                failure(2, None),
                failure(3, None),
                failure(4, rule),
            ],
            stopped: Some(Stopped::MaxFailures),
            ..done()
        };
        assert_snapshot!(summary(&partly, Style::PLAIN), @r"
        Failed: not changed
          the whole target
              in 4 accounts, us-east-1: 333333333333, 334444444444 and 2 more
              sts:AssumeRole: AccessDenied: not authorized to assume arn:aws:iam::<account>:role/orgwatch-member
              next: install the member role's template in this account
          sender_rule orgwatch-iam-changes
              in account 337777777777, us-east-1
              sts:AssumeRole: AccessDenied: not authorized to assume arn:aws:iam::337777777777:role/orgwatch-member [request request-of-337777777777]
              next: install the member role's template in this account

        Applied 93 changes in 31 accounts in 4.2 s; 25 of 30 accounts in sync.
        Ended early: --max-failures was reached.
        Next: `orgwatch apply` again; it continues where this run ended.
        ");
    }

    #[test]
    fn what_is_held_waiting_or_pending_at_a_person_is_named() {
        let open = ApplySummary {
            in_sync: 29,
            held: 1,
            waiting: 2,
            notices: vec![note(
                "SubscriptionPending",
                "security@example.com has not confirmed; ask its owner to",
            )],
            ..done()
        };
        assert_snapshot!(summary(&open, Style::PLAIN), @r"
        Notices
          SubscriptionPending: security@example.com has not confirmed; ask its owner to

        Applied 93 changes in 31 accounts in 4.2 s; 29 of 30 accounts in sync.
        1 change is held: `orgwatch plan` shows why and what releases it.
        2 changes wait for something to be seen in place: `orgwatch plan` shows for what.
        Next: `orgwatch apply` again; it continues where this run ended.
        ");
    }

    #[test]
    fn a_closing_line_never_promises_more_than_was_seen() {
        let promise = "orgwatch serve";
        assert!(summary(&done(), Style::PLAIN).contains(promise));
        for less in [
            ApplySummary { in_sync: 29, ..done() },
            ApplySummary { held: 1, ..done() },
            ApplySummary {
                unseen: vec![Failure { target: member(0), resource: None, error: None }],
                ..done()
            },
            ApplySummary { stopped: Some(Stopped::Limit), ..done() },
        ] {
            assert!(!summary(&less, Style::PLAIN).contains(promise), "{less:?}");
        }
    }

    #[test]
    fn what_is_read_back_decides_what_is_in_sync() {
        let mut torn = view(member(1));
        torn.error = Some(Box::new(denied(&member(1))));
        let views = [
            Arc::new(view(central())),
            Arc::new(view(TargetKey { side: Side::Member, ..central() })),
            planned(member(0), vec![change(Action::Update, id("sender_rule", "orgwatch-x"), "differs")]),
            Arc::new(torn),
        ];
        let read = ApplySummary::default().read_back(&views);
        assert_eq!((read.in_sync, read.total), (1, 3), "two sides of one account count once");
        assert_eq!(read.unseen[0].error, Some(denied(&member(1))));
        assert!(summary(&read, Style::PLAIN).contains("could not be read back"));
    }

    #[test]
    fn what_failed_and_is_in_place_all_the_same_is_no_failure() {
        let rule = |name: &str| id("sender_rule", name);
        let failure = |name: &str| Failure {
            target: member(0),
            resource: Some(rule(name)),
            error: Some(denied(&member(0))),
        };
        let seen = |name: &str, verdict| resource(rule(name), verdict);
        let read = judged(
            member(0),
            vec![seen("orgwatch-x", Verdict::InSync), seen("orgwatch-y", Verdict::Drifted)],
        );
        let failures = vec![failure("orgwatch-x"), failure("orgwatch-y")];
        let read = ApplySummary { failures, ..ApplySummary::default() }.read_back(&[read]);
        assert_eq!(read.failures.len(), 1);
        assert_eq!(read.failures[0].resource, Some(rule("orgwatch-y")));
    }

    #[test]
    fn each_write_is_one_line_and_a_failed_one_says_why() {
        let change = change(Action::Create, id("sender_rule", "orgwatch-iam-changes"), "absent");
        let error = denied(&member(0));
        assert_snapshot!(written(&member(0), &change, Ok(()), Style::PLAIN), @"done   + sender_rule orgwatch-iam-changes in member 333333333333/us-east-1");
        assert_snapshot!(written(&member(0), &change, Err(&error), Style::PLAIN), @r"
        failed + sender_rule orgwatch-iam-changes in member 333333333333/us-east-1
                sts:AssumeRole in account 333333333333 (us-east-1): AccessDenied: not authorized to assume arn:aws:iam::333333333333:role/orgwatch-member [request request-of-333333333333]; install the member role's template in this account
        ");
    }

    #[test]
    fn programs_get_seconds_and_whole_errors() {
        let failure = Failure { target: member(0), resource: None, error: Some(denied(&member(0))) };
        let json = serde_json::json!(ApplySummary { failures: vec![failure], ..done() });
        assert_eq!(json["elapsed_seconds"], 4.21);
        assert_eq!(json["failures"][0]["target"], "member 333333333333/us-east-1");
        assert_eq!(
            json["failures"][0]["error"]["hint"],
            "install the member role's template in this account"
        );
    }
}
