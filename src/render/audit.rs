//! What an audit found: a table with what is missing for a terminal, comma-separated values, and a page.

mod page;

use std::collections::BTreeMap;

use super::phrase::{cell, count, counts};
use super::style::{Page, Style, Tone};
use crate::compliance::report::{By, Control, Finding, Report, Status};
use crate::compliance::standards::Demand;
use crate::model::ids::AccountId;

pub use page::html;

/// Accounts that are named before the rest is counted.
const NAMED: usize = 5;

/// What a standard asks for, in a sentence.
fn demand(demand: Demand) -> &'static str {
    match demand {
        Demand::FilterAndAlarm => {
            "It asks for a metric filter and alarm that reach people; nothing else will do."
        }
        Demand::Monitored => {
            "It asks that each is monitored: by an event rule, or by a metric filter and alarm."
        }
    }
}

/// By what, in words.
fn by(by: By) -> &'static str {
    match by {
        By::EventRule => "event rule",
        By::MetricAlarm => "metric alarm",
        By::Both => "event rule and metric alarm",
    }
}

/// When something was read, for people.
fn moment(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The report for people: how each control stands, then what is missing and what to do.
pub fn report(report: &Report, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(0, Tone::Strong, &report.standard.title);
    page.prose(0, Tone::Plain, demand(report.standard.demands));
    let organization = report.organization_id.as_deref().map(|id| format!(" of {id}")).unwrap_or_default();
    let left_out = match report.left_out.len() {
        0 => String::new(),
        n => format!(", {n} left out"),
    };
    let accounts = count(report.accounts.len(), "account");
    let read = moment(report.observed_at);
    page.prose(0, Tone::Faint, format!("{accounts}{organization}{left_out}; read at {read}"));
    page.gap();
    page.table(
        &["control", "what is watched", "met", "unmet", "unknown", "by"],
        report.controls.iter().map(row),
    );
    page.gap();
    let tone = if report.counts.unmet > 0 {
        Tone::Bad
    } else if report.counts.unknown > 0 {
        Tone::Warn
    } else {
        Tone::Good
    };
    let all =
        [(report.counts.met, "met"), (report.counts.unmet, "not met"), (report.counts.unknown, "unknown")];
    let told = counts(all, ", ");
    let told = if told.is_empty() { "nothing to audit".to_owned() } else { told };
    page.put(tone, told).put(Tone::Faint, ", counting each control of each account").end();
    for (status, title) in [(Status::Unmet, "Not met"), (Status::Unknown, "Could not be seen")] {
        put_status(&mut page, report, status, title);
    }
    put_remarks(&mut page, report);
    page.finish()
}

fn row(control: &Control) -> Vec<(Tone, String)> {
    let counted = |n: usize, tone: Tone| (if n > 0 { tone } else { Tone::Faint }, n.to_string());
    let mut ways: Vec<&str> = control.findings.iter().filter_map(|finding| finding.by.map(by)).collect();
    ways.sort_unstable();
    ways.dedup();
    vec![
        (Tone::Strong, control.control.clone()),
        (Tone::Plain, control.title.clone()),
        counted(control.counts.met, Tone::Good),
        counted(control.counts.unmet, Tone::Bad),
        counted(control.counts.unknown, Tone::Warn),
        (Tone::Plain, ways.join("; ")),
    ]
}

/// Findings of several controls for the same reason in the same accounts.
struct Alike<'a> {
    accounts: &'a [AccountId],
    reason: &'a str,
    found: Vec<(&'a Control, &'a Finding)>,
}

fn alike(report: &Report, status: Status) -> Vec<Alike<'_>> {
    let mut all: Vec<Alike<'_>> = Vec::new();
    for control in &report.controls {
        for finding in control.findings.iter().filter(|finding| finding.status == status) {
            let same = |alike: &&mut Alike<'_>| {
                alike.reason == finding.reason && alike.accounts == finding.accounts.as_slice()
            };
            match all.iter_mut().find(same) {
                Some(alike) => alike.found.push((control, finding)),
                None => all.push(Alike {
                    accounts: &finding.accounts,
                    reason: &finding.reason,
                    found: vec![(control, finding)],
                }),
            }
        }
    }
    all
}

fn put_status(page: &mut Page, report: &Report, status: Status, title: &str) {
    let all = alike(report, status);
    if all.is_empty() {
        return;
    }
    let tone = if status == Status::Unmet { Tone::Bad } else { Tone::Warn };
    page.heading(title);
    for Alike { accounts, reason, found } in all {
        let controls: Vec<&str> = found.iter().map(|(control, _)| control.control.as_str()).collect();
        let controls = spans(report, &controls);
        page.put(Tone::Plain, "  ").put(Tone::Strong, controls).put(tone, format!(" {reason}")).end();
        page.prose(4, Tone::Faint, who(report, accounts));
        // What is the same for all controls is said once.
        let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
        for (control, finding) in &found {
            match told.iter_mut().find(|(message, _)| *message == finding.message) {
                Some((_, controls)) => controls.push(&control.control),
                None => told.push((&finding.message, vec![&control.control])),
            }
        }
        let one = told.len() == 1;
        for (message, controls) in told.iter().take(NAMED) {
            let before = if one { String::new() } else { format!("{}: ", spans(report, controls)) };
            page.prose(4, Tone::Plain, format!("{before}{message}"));
        }
        if told.len() > NAMED {
            page.prose(4, Tone::Faint, format!("and likewise for the other {}", told.len() - NAMED));
        }
        let mut advice: Vec<&str> =
            found.iter().filter_map(|(_, finding)| finding.advice.as_deref()).collect();
        advice.dedup();
        match advice.as_slice() {
            [] => {}
            [one] => {
                page.prose(4, Tone::Plain, format!("next: {one}"));
            }
            [first, ..] => {
                page.prose(4, Tone::Plain, format!("next, for one of them: {first}"));
            }
        }
    }
}

/// Controls in few words: of three or more in a row of the standard the first and the last.
fn spans(report: &Report, controls: &[&str]) -> String {
    let place = |control: &str| report.controls.iter().position(|other| other.control == control);
    let mut runs: Vec<Vec<&str>> = Vec::new();
    for &control in controls {
        match runs.last_mut() {
            Some(run) if run.last().and_then(|last| place(last)).map(|n| n + 1) == place(control) => {
                run.push(control);
            }
            _ => runs.push(vec![control]),
        }
    }
    let told = runs.iter().map(|run| match run.as_slice() {
        [first, _, .., last] => format!("{first} to {last}"),
        few => few.join(", "),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Remarks on what is met, each once.
fn put_remarks(page: &mut Page, report: &Report) {
    let mut remarks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for control in &report.controls {
        for finding in control.findings.iter().filter(|finding| finding.status == Status::Met) {
            for remark in &finding.remarks {
                let controls = remarks.entry(remark).or_default();
                if controls.last() != Some(&control.control.as_str()) {
                    controls.push(&control.control);
                }
            }
        }
    }
    if remarks.is_empty() {
        return;
    }
    page.heading("What an auditor should know of what is met");
    for (remark, controls) in remarks {
        page.prose(2, Tone::Plain, format!("{}: {remark}", spans(report, &controls)));
    }
}

/// Which accounts, by name as long as they are few.
fn who(report: &Report, accounts: &[AccountId]) -> String {
    if accounts.len() == report.accounts.len() && accounts.len() > 1 {
        return "in every account".to_owned();
    }
    let named = accounts.iter().take(NAMED).map(|id| match report.accounts.get(id) {
        Some(name) if !name.is_empty() => format!("{name} ({id})"),
        _ => id.to_string(),
    });
    let named: Vec<String> = named.collect();
    let more = accounts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more; --csv names all") } else { String::new() };
    format!("in {}{more}", named.join(", "))
}

/// The columns of an export.
const COLUMNS: [&str; 23] = [
    "standard",
    "control",
    "theme",
    "title",
    "account",
    "name",
    "status",
    "by",
    "reason",
    "message",
    "advice",
    "remarks",
    "coverage",
    "watches",
    "alerts",
    "trail",
    "log_group",
    "filter",
    "filter_pattern",
    "alarm",
    "topic",
    "confirmed_subscriptions",
    "observed_at",
];

/// The report as comma-separated values (RFC 4180): a line for each control and account.
pub fn csv(report: &Report) -> String {
    let mut text = format!("{}\r\n", COLUMNS.join(","));
    for (control, account, finding) in report.rows() {
        let rule = finding.evidence.event_rule.as_deref();
        let alarm = finding.evidence.metric_alarm.as_deref();
        let topic = alarm.and_then(|alarm| alarm.topic.as_ref());
        let filter = alarm.and_then(|alarm| alarm.filter.as_ref());
        let one = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let cells: [String; 23] = [
            report.standard.id.clone(),
            control.control.clone(),
            control.theme.clone(),
            control.title.clone(),
            account.to_string(),
            report.accounts.get(account).cloned().unwrap_or_default(),
            finding.status.label().to_owned(),
            one(finding.by.map(By::label)),
            finding.reason.clone(),
            finding.message.clone(),
            one(finding.advice.as_deref()),
            finding.remarks.join("; "),
            one(rule.map(|rule| rule.coverage.as_str())),
            rule.map(|rule| rule.watches.join(" ")).unwrap_or_default(),
            rule.map(|rule| rule.alerts.join(" ")).unwrap_or_default(),
            one(alarm.and_then(|alarm| alarm.trail.as_ref()).map(|trail| trail.arn.as_str())),
            one(alarm.and_then(|alarm| alarm.log_group.as_deref())),
            one(filter.map(|filter| filter.name.as_str())),
            one(filter.map(|filter| filter.pattern.as_ref())),
            one(alarm.and_then(|alarm| alarm.alarm.as_ref()).map(|alarm| alarm.arn.as_str())),
            one(topic.map(|topic| topic.arn.as_str())),
            topic.map(|topic| topic.confirmed.to_string()).unwrap_or_default(),
            report.observed_at.to_string(),
        ];
        text.push_str(&cells.map(|text| cell(&text)).join(","));
        text.push_str("\r\n");
    }
    text
}

#[cfg(test)]
mod tests;
