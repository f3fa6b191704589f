//! Who is covered, and what is wrong.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::group::{ACCOUNT, some_of};
use super::head::{Head, age};
use super::phrase::{count, duration, spoken};
use super::style::{Page, Style, Tone};
use super::summary::notices;
use crate::model::ids::AccountId;
use crate::model::resource::Verdict;
use crate::model::view::{AccountView, Coverage, DeliveredView, HoldView, Snapshot, Standing};

/// The answer at an address that is no status of a daemon.
#[derive(Debug, thiserror::Error)]
#[error("this is not the status of an orgwatch daemon ({0}); check that --url is the daemon's address")]
pub struct NotAStatus(#[from] serde_path_to_error::Error<serde_json::Error>);

/// The status for programs, in the form of `GET /api/v1/status`.
pub fn status_json(snapshot: &Snapshot) -> Value {
    json!({
        "version": snapshot.version,
        "installation": snapshot.installation,
        "mode": snapshot.mode,
        "generation": snapshot.generation,
        "organization_id": snapshot.organization_id,
        "accounts": snapshot.account_counts(),
        "coverage": snapshot.coverage_counts(),
        "central": { "verdict": snapshot.central.verdict },
        "holds": snapshot.holds.len(),
        "deliveries": snapshot.deliveries.iter().map(DeliveredView::from).collect::<Vec<_>>(),
        "latency": snapshot.latency,
        "observed_at": snapshot.taken_at,
        "dead_letters": snapshot.dead_letters.as_ref().map(|letters| letters.summary.letters),
        "oldest_observation_age_seconds": age(snapshot),
        "last_resync": snapshot.last_resync,
    })
}

/// What a daemon answered to `GET /api/v1/status`, for people.
pub fn status_from_json(answer: &Value, style: Style) -> Result<String, NotAStatus> {
    let head: Head = serde_path_to_error::deserialize(answer)?;
    let mut page = Page::new(style);
    head.put(&mut page);
    put_pauses(&mut page, answer);
    if head.coverage.covered < head.coverage.total {
        let text = "The daemon's page and its /api/v1/coverage name each account that is not covered.";
        page.gap().prose(0, Tone::Plain, text);
    }
    Ok(page.finish())
}

/// Where people have paused writing, which nobody should have to guess from what is not repaired.
fn put_pauses(page: &mut Page, answer: &Value) {
    let pauses = answer["pauses"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (n, pause) in pauses.iter().enumerate() {
        if n == 0 {
            page.gap();
        }
        let text = |key: &str| pause[key].as_str().unwrap_or_default();
        let until = pause["until"].as_str().map(|until| format!(" until {until}")).unwrap_or_default();
        let told = format!("Paused: {}{until}, by {}: {}", text("scope"), text("by"), text("reason"));
        page.prose(0, Tone::Warn, told);
    }
}

/// The status for people: the counts, then each account that is not covered or not in sync, what is held, and
/// what waits for a person.
pub fn status(snapshot: &Snapshot, style: Style) -> String {
    let mut page = Page::new(style);
    Head::of(snapshot).put(&mut page);
    put_warnings(&mut page, snapshot);
    put_accounts(&mut page, snapshot);
    put_beside(&mut page, snapshot);
    put_holds(&mut page, snapshot);
    put_notices(&mut page, snapshot);
    page.finish()
}

/// What makes everything below doubtful.
fn put_warnings(page: &mut Page, snapshot: &Snapshot) {
    let discovery = &snapshot.discovery;
    let warnings = [
        snapshot
            .wrong_place
            .as_ref()
            .map(|hold| format!("Nothing is written ({}): {}", hold.reason, hold.message)),
        discovery.error.as_ref().map(|error| format!("The organization could not be listed: {error}")),
        discovery.doubtful.as_ref().map(|why| format!("The latest list of accounts is doubtful: {why}")),
    ];
    for (n, warning) in warnings.into_iter().flatten().enumerate() {
        if n == 0 {
            page.gap();
        }
        page.prose(0, Tone::Bad, warning);
    }
}

/// The accounts that somebody should look at, worst first, and once for all of them what to do.
fn put_accounts(page: &mut Page, snapshot: &Snapshot) {
    let mut accounts: Vec<&AccountView> = snapshot
        .accounts
        .values()
        .map(AsRef::as_ref)
        .filter(|a| a.standing != Standing::Inactive)
        .filter(|a| !a.coverage.is_covered() || a.verdict != Verdict::InSync)
        .collect();
    if snapshot.accounts.is_empty() {
        page.gap().prose(0, Tone::Plain, "No account is known yet: the organization has not been listed.");
        return;
    }
    if accounts.is_empty() {
        page.gap().prose(0, Tone::Good, "Every account is covered and in sync.");
        return;
    }
    // Excluded accounts are nobody's work and come last.
    accounts.sort_by_key(|a| (a.standing, Reverse(a.verdict), Reverse(a.coverage), &a.id));
    page.heading("Not covered or not in sync");
    page.table(
        &["account", "name", "verdict", "coverage", "reason", "since"],
        accounts.iter().map(|a| {
            let (verdict, tone) = match a.standing {
                Standing::Excluded => ("excluded", Tone::Faint),
                Standing::Active | Standing::Inactive => (a.verdict.label(), verdict_tone(a.verdict)),
            };
            vec![
                (Tone::Plain, a.id.to_string()),
                (Tone::Plain, a.name.clone()),
                (tone, spoken(verdict)),
                (coverage_tone(a.coverage), a.coverage.label().to_owned()),
                (Tone::Plain, a.coverage_reason.to_owned()),
                (Tone::Faint, ago(snapshot.taken_at, a.coverage_since)),
            ]
        }),
    );
    put_messages(page, &accounts);
}

/// Each distinct message with the accounts that it is about, in the order of the table.
fn put_messages(page: &mut Page, accounts: &[&AccountView]) {
    let mut messages: Vec<Vec<&AccountView>> = Vec::new();
    let mut known = BTreeMap::new();
    for account in accounts.iter().filter(|a| !a.coverage_message.is_empty()) {
        let text = account.coverage_message.replace(account.id.as_str(), ACCOUNT);
        let index = *known.entry(text).or_insert(messages.len());
        match messages.get_mut(index) {
            Some(same) => same.push(account),
            None => messages.push(vec![account]),
        }
    }
    page.gap();
    for same in &messages {
        let ids: Vec<&AccountId> = same.iter().map(|a| &a.id).collect();
        let text = match same.as_slice() {
            [] => continue,
            [one] => one.coverage_message.clone(),
            [first, ..] => first.coverage_message.replace(first.id.as_str(), ACCOUNT),
        };
        page.prose(2, Tone::Plain, format!("{}: {text}", some_of(&ids)));
    }
}

/// What auditors would not find as it should be.
fn put_beside(page: &mut Page, snapshot: &Snapshot) {
    let mut lines = Vec::new();
    for view in &snapshot.central.beside {
        lines.extend(view.error.iter().map(|error| format!("{}: {error}", view.target)));
        let wrong = view.resources.iter().filter(|resource| resource.verdict != Verdict::InSync);
        lines.extend(wrong.map(|r| format!("{} in {}: {}", r.id, view.target, spoken(r.verdict.label()))));
    }
    if lines.is_empty() {
        return;
    }
    page.heading("Metric filters and alarms for auditors");
    for line in lines {
        page.prose(2, Tone::Warn, line);
    }
}

fn put_holds(page: &mut Page, snapshot: &Snapshot) {
    if snapshot.holds.is_empty() {
        return;
    }
    page.heading("Held until a person releases it");
    for HoldView { id, reason, message, accounts, changes, since, releasable: _ } in &snapshot.holds {
        page.line(2, Tone::Warn, format!("{reason} ({id})"));
        let accounts: Vec<&AccountId> = accounts.iter().collect();
        let (changes, since) = (count(*changes, "change"), ago(snapshot.taken_at, *since));
        let place = match accounts.as_slice() {
            [] => String::new(),
            all => format!(" in {}", some_of(all)),
        };
        page.prose(6, Tone::Plain, format!("{changes}{place}, since {since}: {message}"));
    }
}

fn put_notices(page: &mut Page, snapshot: &Snapshot) {
    let mut notices = snapshot
        .targets()
        .flat_map(|t| notices(t).map(move |(id, note)| format!("{id} in {}: {}", t.target, note.message)))
        .peekable();
    if notices.peek().is_some() {
        page.heading("Notices");
    }
    for notice in notices {
        page.prose(2, Tone::Plain, notice);
    }
}

fn ago(now: Timestamp, then: Timestamp) -> String {
    format!("{} ago", duration(now.duration_since(then).try_into().unwrap_or_default()))
}

fn verdict_tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::InSync => Tone::Good,
        Verdict::Pending | Verdict::Orphan => Tone::Warn,
        Verdict::Unknown | Verdict::Drifted | Verdict::Foreign => Tone::Bad,
    }
}

fn coverage_tone(coverage: Coverage) -> Tone {
    match coverage {
        Coverage::Proven | Coverage::Configured => Tone::Good,
        Coverage::Pending | Coverage::Uncovered => Tone::Warn,
        Coverage::Broken | Coverage::Unknown => Tone::Bad,
    }
}

#[cfg(test)]
mod tests;
