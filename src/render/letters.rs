//! Events that could not be delivered.

use std::collections::BTreeMap;

use super::phrase::count;
use super::style::{Page, Style, Tone};
use crate::controller::letters::Fate;
use crate::letters::{Group, Letter, Overview};

/// What became of many letters.
#[derive(Debug, Default)]
pub struct Tally {
    /// Published late.
    pub delivered: usize,
    /// Removed because nobody should hear of them.
    pub removed: usize,
    /// Left where they are, by the reason.
    pub left: BTreeMap<String, usize>,
    /// What went wrong.
    pub errors: Vec<String>,
}

impl Tally {
    /// Counts one.
    pub fn add(&mut self, letter: &Letter, fate: &Fate) {
        match fate {
            Fate::Delivered(_) => self.delivered += 1,
            Fate::Removed => self.removed += 1,
            Fate::Left(why) => *self.left.entry(why.clone()).or_default() += 1,
            Fate::Failed(error) => self.errors.push(format!("letter {}: {error}", letter.id)),
            Fate::NotRemoved(error) => self.errors.push(format!(
                "letter {} was published and could not be removed, so it may be published again: {error}",
                letter.id
            )),
        }
    }
}

/// The list, by account, rule and error.
pub fn overview(overview: &Overview, style: Style) -> String {
    let mut page = Page::new(style);
    let letters = overview.summary.letters;
    if letters == 0 {
        if overview.unreadable.is_empty() {
            page.line(0, Tone::Good, "No event lies in a dead-letter queue.");
        }
    } else {
        page.table(
            &["account", "rule", "error", "events", "from", "to"],
            overview.summary.groups.iter().map(|group| {
                let (tone, account) = account(group);
                let time = |at: Option<jiff::Timestamp>| at.map(|at| format!("{at:.0}")).unwrap_or_default();
                vec![
                    (tone, account),
                    (Tone::Plain, rule(group)),
                    (Tone::Bad, group.error.clone()),
                    (Tone::Plain, group.letters.to_string()),
                    (Tone::Faint, time(group.oldest)),
                    (Tone::Faint, time(group.newest)),
                ]
            }),
        );
        let listed: usize = overview.summary.groups.iter().map(|group| group.letters).sum();
        if listed < letters {
            page.prose(
                0,
                Tone::Plain,
                format!("{} more are of further accounts and rules.", letters - listed),
            );
        }
        page.gap().prose(
            0,
            Tone::Faint,
            "Nobody has heard of these. When the cause is mended, `orgwatch dead-letters deliver` publishes them late.",
        );
    }
    for unreadable in &overview.unreadable {
        page.prose(
            0,
            Tone::Warn,
            format!("The queue in {} could not be read: {}", unreadable.region, unreadable.error),
        );
    }
    page.finish()
}

fn account(group: &Group) -> (Tone, String) {
    match &group.account {
        Some(account) if group.departed => (Tone::Warn, format!("{account} (departed)")),
        Some(account) => (Tone::Strong, account.to_string()),
        None => (Tone::Warn, "no event".to_owned()),
    }
}

fn rule(group: &Group) -> String {
    let on = group.bus.as_ref().map(|bus| format!(" on bus {bus}")).unwrap_or_default();
    let own = if group.own { ", orgwatch's own event" } else { "" };
    format!("{}{on}{own}", group.rule)
}

/// What `dead-letters deliver` asks once the list has been shown.
pub fn question(overview: &Overview, limit: u32) -> String {
    let events = count(overview.summary.letters, "event");
    format!(
        "Publish these {events} to the people of their alerts, {limit} at most in each Region, and remove them?"
    )
}

/// What became of them.
pub fn delivered(tally: &Tally, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(0, Tone::Strong, format!("Published {} late.", count(tally.delivered, "event")));
    if tally.removed > 0 {
        let what = count(tally.removed, "event");
        page.prose(0, Tone::Plain, format!("Removed {what} of orgwatch's own, of which nobody should hear."));
    }
    for (why, letters) in &tally.left {
        page.prose(0, Tone::Warn, format!("Left {} where it lies: {why}.", count(*letters, "event")));
    }
    page.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letters::Summary;
    use insta::assert_snapshot;

    fn group(account: &str, departed: bool, letters: usize) -> Group {
        Group {
            account: account.parse().ok(),
            departed,
            region: "us-east-1".parse().ok(),
            bus: None,
            rule: "orgwatch-iam-changes".to_owned(),
            error: "NO_PERMISSIONS".to_owned(),
            message: String::new(),
            own: false,
            letters,
            oldest: "2026-11-20T12:00:00Z".parse().ok(),
            newest: "2026-11-20T13:00:00Z".parse().ok(),
        }
    }

    fn read(groups: Vec<Group>) -> Overview {
        let letters = groups.iter().map(|group| group.letters).sum();
        Overview {
            summary: Summary { groups, letters },
            unreadable: Vec::new(),
            observed_at: "2026-11-20T14:00:00Z".parse().unwrap(),
        }
    }

    #[test]
    fn letters_are_a_table_and_departed_accounts_are_named_so() {
        let overview = read(vec![group("333333333333", false, 12), group("444444444444", true, 1)]);
        assert_snapshot!(super::overview(&overview, Style::PLAIN), @r"
        account                  rule                  error           events  from                  to
        333333333333             orgwatch-iam-changes  NO_PERMISSIONS  12      2026-11-20T12:00:00Z  2026-11-20T13:00:00Z
        444444444444 (departed)  orgwatch-iam-changes  NO_PERMISSIONS  1       2026-11-20T12:00:00Z  2026-11-20T13:00:00Z

        Nobody has heard of these. When the cause is mended, `orgwatch dead-letters deliver` publishes them late.
        ");
        assert_snapshot!(question(&overview, 100), @"Publish these 13 events to the people of their alerts, 100 at most in each Region, and remove them?");
    }

    #[test]
    fn no_letters_are_good_news_unless_a_queue_could_not_be_read() {
        assert_snapshot!(super::overview(&read(Vec::new()), Style::PLAIN), @"No event lies in a dead-letter queue.");
        let unreadable =
            crate::letters::Unreadable { region: "us-east-1".parse().unwrap(), error: "denied".to_owned() };
        let overview = Overview { unreadable: vec![unreadable], ..read(Vec::new()) };
        assert_snapshot!(super::overview(&overview, Style::PLAIN), @"The queue in us-east-1 could not be read: denied");
    }

    #[test]
    fn what_became_of_them_is_told() {
        let left = BTreeMap::from([("no alert is for it".to_owned(), 2)]);
        let tally = Tally { delivered: 1, removed: 3, left, errors: Vec::new() };
        assert_snapshot!(delivered(&tally, Style::PLAIN), @r"
        Published 1 event late.
        Removed 3 events of orgwatch's own, of which nobody should hear.
        Left 2 events where it lies: no alert is for it.
        ");
    }
}
