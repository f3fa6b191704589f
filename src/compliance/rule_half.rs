//! Whether an event rule brings a theme to people: a watch in every Region, an alert, and the account's coverage.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::alarm_half::Question;
use super::evidence::{Evidence, Watched};
use super::half::Half;
use super::report::EventRuleFacts;
use super::watching::Watching;
use crate::model::ids::Region;
use crate::model::view::{AccountView, Coverage};
use crate::presets::{self, Regions};

/// How far on the way an event rule leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Watch,
    Regions,
    Reads,
    Alert,
    Coverage,
}

pub(super) type RuleHalf = Half<Step, EventRuleFacts>;

/// Whether an account meets the control by an event rule; `watching` are the watches that are for the theme.
pub(super) fn of_account(
    question: Question<'_>,
    evidence: &Evidence,
    watching: &[Watching],
    watched: &Watched,
    account: &AccountView,
) -> RuleHalf {
    let theme = question.theme;
    let none = || {
        let message = format!("no watch is for: {}", theme.title);
        let advice =
            format!("add a `[[watch]]` with preset = \"{}\", and name it in an `[[alert]]`", theme.id);
        Half::unmet(Step::Watch, "NotWatched", message).advised(advice)
    };
    watching
        .iter()
        .map(|watching| of_watch(question, evidence, watching, watched, account))
        .reduce(Half::better)
        .unwrap_or_else(none)
}

fn of_watch(
    question: Question<'_>,
    evidence: &Evidence,
    watching: &Watching,
    watched: &Watched,
    account: &AccountView,
) -> RuleHalf {
    let name = &watching.watch;
    let nowhere = BTreeSet::new();
    let has = watched.watches.get(name).unwrap_or(&nowhere);
    let alerts: Vec<&String> =
        watching.alerts.keys().filter(|alert| account.alerts.contains(alert.as_str())).collect();
    let facts = EventRuleFacts {
        watches: vec![name.clone()],
        alerts: alerts.iter().map(|alert| (*alert).clone()).collect(),
        regions: has.iter().map(ToString::to_string).collect(),
        coverage: account.coverage.label().to_owned(),
    };
    let with = |half: RuleHalf| Half { facts: Some(Arc::new(facts.clone())), ..half };
    if has.is_empty() {
        let message = format!("watch {name} is not for this account");
        return with(Half::unmet(Step::Watch, "NotWatched", message).advised(
            "widen the watch's `accounts`, `include_ous` or `exclude_ous`, or give the account a role",
        ));
    }
    match lacking(question, evidence, watched, has) {
        Err(()) => {
            let message = "which Regions the account has enabled could not be read";
            return with(
                Half::unknown(Step::Regions, "RegionsUnknown", message)
                    .advised("give the member role the right account:ListRegions"),
            );
        }
        Ok(lacking) if !lacking.is_empty() => {
            let told: Vec<&str> = lacking.iter().take(3).map(Region::as_str).collect();
            let more = lacking.len().saturating_sub(3);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let message = format!("watch {name} has no sender rule in {}{more}", told.join(", "));
            return with(Half::unmet(Step::Regions, "NotInEveryRegion", message).advised(
                "give the watch the Regions that its theme needs; with a preset, leave `regions` out",
            ));
        }
        Ok(_) => {}
    }
    if watching.lacks_reads {
        let message = format!("watch {name} does not forward denied calls that only read");
        let advice = "set read_events = true in the watch; it is a flood, so give it an alert of its own, or keep to a \
                      metric filter with an alarm";
        return with(Half::unmet(Step::Reads, "ReadsNotForwarded", message).advised(advice));
    }
    if alerts.is_empty() {
        let message = format!("what watch {name} forwards from this account, no alert delivers whole");
        return with(
            Half::unmet(Step::Alert, "NoAlert", message)
                .advised(format!("name watch {name} in an `[[alert]]`")),
        );
    }
    let mut half = of_coverage(account, name, &alerts);
    if alerts.iter().all(|alert| watching.alerts.get(*alert) == Some(&true)) {
        half.remarks.push("what the alert's suppressions name is not delivered".to_owned());
    }
    let theme = presets::by_name(&question.theme.id);
    if evidence.regions_limited && theme.is_some_and(|preset| preset.regions == Regions::Every) {
        half.remarks.push("Regions that `organization.regions` leaves out are not watched".to_owned());
    }
    with(half)
}

/// The Regions that the theme needs and the watch does not have; an error where nobody knows.
fn lacking(
    question: Question<'_>,
    evidence: &Evidence,
    watched: &Watched,
    has: &BTreeSet<Region>,
) -> Result<BTreeSet<Region>, ()> {
    let Some(preset) = presets::by_name(&question.theme.id) else { return Err(()) };
    let needed = match preset.regions.one(evidence.partition) {
        Some(one) => BTreeSet::from([one]),
        None => watched.enabled.clone().ok_or(())?,
    };
    Ok(needed.difference(has).cloned().collect())
}

fn of_coverage(account: &AccountView, watch: &str, alerts: &[&String]) -> RuleHalf {
    let told: Vec<&str> = alerts.iter().map(|alert| alert.as_str()).collect();
    let way = format!("the sender rule of watch {watch} and alert {} bring it to people", told.join(", "));
    let reason = account.coverage_reason;
    let message = &account.coverage_message;
    let what_next = "`orgwatch doctor ACCOUNT` says what is wrong and what mends it";
    match account.coverage {
        Coverage::Proven => Half::met(Step::Coverage, format!("{way}; the account's coverage is proven")),
        Coverage::Configured => {
            let mut half = Half::met(Step::Coverage, format!("{way}; the account's coverage is configured"));
            half.remarks.push(
                "not proven by an alert that arrived: canaries prove the account's half of the way, drills and real \
                 alerts the other"
                    .to_owned(),
            );
            half
        }
        Coverage::Unknown => Half::unknown(Step::Coverage, reason, message).advised(what_next),
        Coverage::Pending | Coverage::Broken | Coverage::Uncovered => {
            Half::unmet(Step::Coverage, reason, message).advised(what_next)
        }
    }
}
