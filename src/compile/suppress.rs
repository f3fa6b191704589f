//! Noise that has an owner and an end: what of an alert is hidden, and what is left.

use std::collections::{BTreeMap, BTreeSet};

use super::own::{self, OfService};
use crate::config::{Settings, Suppress};
use crate::model::ids::AccountId;
use crate::pattern::algebra::{CannotSay, Events};

/// Who made the call; of a session only its role says whose it is.
const ACTOR: &str = "detail.userIdentity.arn";

/// Events by the principal, whoever it is in the session.
fn by(suppress: &Suppress) -> Events {
    let arn = suppress.principal.arn();
    Events::with(ACTOR, [arn]).or(&Events::with(&own::issuer("arn"), [arn]))
}

/// Events by none of these.
fn not_by(suppressed: &[&Suppress]) -> Result<Events, CannotSay> {
    let arns = || suppressed.iter().map(|suppress| suppress.principal.arn());
    Events::with(ACTOR, arns()).complement()?.and(&Events::with(&own::issuer("arn"), arns()).complement()?)
}

/// Events of these names; all where none is named.
fn named(suppress: &Suppress) -> Events {
    if suppress.event_names.is_empty() {
        return Events::all();
    }
    Events::with("detail.eventName", suppress.event_names.iter().map(String::as_str))
}

fn in_accounts<'a>(accounts: impl IntoIterator<Item = &'a AccountId>) -> Events {
    Events::with("account", accounts.into_iter().map(AccountId::as_str))
}

/// What no suppression hides: events on our own objects, and those that make a suppressed principal or change what it
/// is and may. Whatever names it as the object counts, so that an operation that AWS adds is in.
pub(super) fn never_hidden(
    settings: &Settings,
    suppressed: &[&Suppress],
    of: &OfService,
) -> Result<Events, CannotSay> {
    let names = |of_role: bool| {
        suppressed.iter().map(|s| &s.principal).filter(move |p| p.is_role() == of_role).map(|p| p.name())
    };
    let parameter = |name: &str| format!("detail.requestParameters.{name}");
    let themselves = Events::with(&parameter("roleName"), names(true))
        .or(&Events::with(&parameter("userName"), names(false)));
    Ok(own::objects(settings, of)?.or(&of("iam", &themselves)?))
}

/// What is hidden of `events`.
pub(super) fn hidden(
    settings: &Settings,
    events: &Events,
    suppressed: &[&Suppress],
) -> Result<Events, CannotSay> {
    let mut noise = Events::none();
    for suppress in suppressed {
        let mut one = by(suppress).and(&named(suppress))?;
        if let Some(accounts) = suppress.where_it_counts() {
            one = one.and(&in_accounts(&accounts))?;
        }
        noise = noise.or(&one);
    }
    // What is never hidden is asked of each service alone, so only that of the alert's own counts.
    let never = never_hidden(settings, suppressed, own::service_in(events))?;
    events.and(&noise)?.minus(&relevant(&never, events)?)
}

/// What is left of `events`.
///
/// Account by account: one pattern in which each suppression stands for itself would double with each of them.
pub(super) fn left(
    settings: &Settings,
    events: &Events,
    suppressed: &[&Suppress],
) -> Result<Events, CannotSay> {
    if suppressed.is_empty() {
        return Ok(events.clone());
    }
    let everywhere = suppressed.iter().filter(|s| s.where_it_counts().is_none()).copied();
    let everywhere: Vec<&Suppress> = everywhere.collect();
    let mut in_account: BTreeMap<AccountId, BTreeSet<usize>> = BTreeMap::new();
    for (i, suppress) in suppressed.iter().enumerate() {
        for account in suppress.where_it_counts().into_iter().flatten() {
            in_account.entry(account).or_default().insert(i);
        }
    }
    let mut alike: BTreeMap<BTreeSet<usize>, Vec<AccountId>> = BTreeMap::new();
    for (account, which) in &in_account {
        alike.entry(which.clone()).or_default().push(account.clone());
    }
    let elsewhere = in_accounts(in_account.keys()).complement()?;
    let mut left = passing(&everywhere)?.and(&elsewhere)?;
    for (which, accounts) in alike {
        let here: Vec<&Suppress> =
            which.iter().map(|i| suppressed[*i]).chain(everywhere.iter().copied()).collect();
        left = left.or(&passing(&here)?.and(&in_accounts(&accounts))?);
    }
    let never = never_hidden(settings, suppressed, own::service_in(events))?;
    Ok(events.and(&left)?.or(&events.and(&relevant(&never, events)?)?))
}

/// Events that none of these suppressions is about, wherever they happened.
fn passing(suppressed: &[&Suppress]) -> Result<Events, CannotSay> {
    let mut by_names: BTreeMap<&BTreeSet<String>, Vec<&Suppress>> = BTreeMap::new();
    for suppress in suppressed {
        by_names.entry(&suppress.event_names).or_default().push(suppress);
    }
    let mut passing = Events::all();
    for alike in by_names.values() {
        let other_names = match alike.first() {
            Some(first) => named(first).complement()?,
            None => Events::none(),
        };
        passing = passing.and(&not_by(alike)?.or(&other_names))?;
    }
    Ok(passing)
}

/// Of `events` those parts that may meet `others`.
fn relevant(events: &Events, others: &Events) -> Result<Events, CannotSay> {
    Ok(events
        .parts()
        .filter(|part| !part.is_apart_from(others))
        .fold(Events::none(), |all, part| all.or(&part)))
}
