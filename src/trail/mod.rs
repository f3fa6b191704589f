//! Whether a trail logs what the watches of an account wait for: without one, EventBridge gets no event of CloudTrail,
//! and every rule looks perfect. Pure.

mod known;
mod need;
mod selectors;

use std::collections::BTreeSet;

pub use known::{Filled, Readings, Trails};
pub use selectors::{Basic, Field, Lack, Logged, Operator, Selectors, Wanted};

use crate::model::error::CloudError;
use crate::model::ids::{AccountId, Region};

/// No trail logs in the account and Region.
pub const NO_TRAIL: &str = "NoTrail";
/// The trail is there, and logging is stopped.
pub const TRAIL_STOPPED: &str = "TrailStopped";
/// The trail logs in another Region alone.
pub const TRAIL_ELSEWHERE: &str = "TrailElsewhere";
/// The trail leaves out the events of global services, of which IAM is one.
pub const NO_GLOBAL_EVENTS: &str = "TrailWithoutGlobalEvents";
/// The trail logs no management events, or none of the kind that is wanted.
pub const NO_MANAGEMENT_EVENTS: &str = "TrailWithoutManagementEvents";
/// The trail leaves out some of the events that are wanted.
pub const EXCLUDES_EVENTS: &str = "TrailExcludesEvents";
/// The trail could not be read.
pub const UNREADABLE: &str = "TrailUnreadable";
/// The trail logs where IAM's events appear, and nobody looked whether others log elsewhere.
pub const ONE_REGION: &str = "TrailOfOneRegion";
/// Nobody looked yet.
pub const NOT_PROBED: &str = "NotProbed";
/// A trail logs it all.
pub const LOGS: &str = "TrailLogs";

/// A trail as an account sees it: its own, its organization's, or the shadow of one from another Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trail {
    /// Its ARN.
    pub arn: String,
    /// The Region that it was made in.
    pub home: String,
    /// Whether it logs in every Region.
    pub multi_region: bool,
    /// Whether it logs in every account of the organization.
    pub organization: bool,
    /// Whether it logs the events of global services.
    pub global_events: bool,
    /// The ARN of the CloudWatch Logs group that it writes to as well, without the `:*` that CloudTrail puts behind it.
    pub log_group: Option<String>,
}

impl Trail {
    /// The account that it belongs to.
    pub fn owner(&self) -> Option<AccountId> {
        self.arn.split(':').nth(4)?.parse().ok()
    }
}

/// What was read of a trail. What was not asked was not needed to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The trail.
    pub trail: Trail,
    /// Whether it logs at all.
    pub logging: Option<Result<bool, CloudError>>,
    /// What it logs.
    pub selectors: Option<Result<Selectors, CloudError>>,
}

/// What the watches of an account wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Where it was looked for trails: where IAM's events appear, if a watch is there.
    pub region: Region,
    /// The event sources of the watches, such as `iam.amazonaws.com`.
    pub sources: BTreeSet<String>,
    /// Whether calls that only read are wanted as well.
    pub reads: bool,
    /// Whether there are watches in other Regions too.
    pub elsewhere: bool,
}

/// Whether a trail logs what is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// One does: its ARN.
    Present(String),
    /// None does, and each could be read.
    Missing(&'static str, String),
    /// None that could be read does, and one could not be.
    Unknown(&'static str, String),
}

/// What one trail does.
enum One {
    Logs,
    Fails(&'static str, String),
    Unseen(&'static str, String),
}

/// The services whose events are global: of a single-Region trail they need `IncludeGlobalServiceEvents`.
const GLOBAL: [&str; 4] =
    ["iam.amazonaws.com", "sts.amazonaws.com", "cloudfront.amazonaws.com", "organizations.amazonaws.com"];

/// Whether these trails log what is needed. Missing only when every trail fails, and none could not be read.
pub fn judge(need: &Need, readings: &[Reading]) -> Presence {
    if readings.is_empty() {
        let message = format!(
            "no trail logs in {}: EventBridge gets no event of CloudTrail from this account; make an organization trail, \
             multi-Region, with management events",
            need.region
        );
        return Presence::Missing(NO_TRAIL, message);
    }
    let mut logs = None;
    for source in &need.sources {
        match of_source(need, source, readings) {
            Presence::Present(arn) => logs = Some(arn),
            other => return other,
        }
    }
    Presence::Present(logs.unwrap_or_else(|| readings[0].trail.arn.clone()))
}

fn of_source(need: &Need, source: &str, readings: &[Reading]) -> Presence {
    let mut failed: Vec<(&'static str, String)> = Vec::new();
    let mut unseen = None;
    for reading in readings {
        match one(need, source, reading) {
            One::Logs => return Presence::Present(reading.trail.arn.clone()),
            One::Fails(reason, message) => failed.push((reason, message)),
            One::Unseen(reason, message) => unseen = Some((reason, message)),
        }
    }
    if let Some((reason, message)) = unseen {
        return Presence::Unknown(reason, message);
    }
    // The last is the one that came furthest: others were not even there.
    let nearest =
        [NO_TRAIL, TRAIL_ELSEWHERE, NO_GLOBAL_EVENTS, TRAIL_STOPPED, NO_MANAGEMENT_EVENTS, EXCLUDES_EVENTS];
    failed.sort_by_key(|(reason, _)| nearest.iter().position(|other| other == reason));
    let reason = failed.last().map_or(NO_TRAIL, |(reason, _)| *reason);
    let messages: Vec<String> = failed.into_iter().rev().map(|(_, message)| message).collect();
    Presence::Missing(reason, messages.join("; "))
}

/// Whether a trail need not be asked, as it logs none of this whatever it answers.
pub fn is_out_of_question(need: &Need, trail: &Trail) -> bool {
    need.sources.iter().all(|source| cannot_log(need, source, trail).is_some())
}

/// What can be said of a trail before it is asked: why it cannot be the one that is needed.
fn cannot_log(need: &Need, source: &str, trail: &Trail) -> Option<(&'static str, String)> {
    let Trail { arn, home, .. } = trail;
    let global = GLOBAL.contains(&source);
    match () {
        () if !trail.multi_region && home != need.region.as_str() => Some((
            TRAIL_ELSEWHERE,
            format!("{arn} logs in {home} alone, and events appear in {}; make it multi-Region", need.region),
        )),
        () if global && !trail.global_events && !trail.multi_region => Some((
            NO_GLOBAL_EVENTS,
            format!("{arn} leaves out the events of global services; set IncludeGlobalServiceEvents"),
        )),
        () => None,
    }
}

fn one(need: &Need, source: &str, reading: &Reading) -> One {
    let Reading { trail, logging, selectors } = reading;
    let arn = &trail.arn;
    if let Some((reason, message)) = cannot_log(need, source, trail) {
        return One::Fails(reason, message);
    }
    let unseen = |error: &CloudError| {
        let owner = trail.owner().map(|owner| format!(", which account {owner} owns,")).unwrap_or_default();
        One::Unseen(UNREADABLE, format!("trail {arn}{owner} could not be read: {error}"))
    };
    match logging {
        Some(Ok(true)) => {}
        Some(Ok(false)) => {
            return One::Fails(
                TRAIL_STOPPED,
                format!("{arn} is stopped; start it: aws cloudtrail start-logging --name {arn}"),
            );
        }
        Some(Err(error)) => return unseen(error),
        None => return One::Unseen(NOT_PROBED, format!("trail {arn} was not asked yet")),
    }
    let selectors = match selectors {
        Some(Ok(selectors)) => selectors,
        Some(Err(error)) => return unseen(error),
        None => return One::Unseen(NOT_PROBED, format!("trail {arn} was not asked yet")),
    };
    let kinds: &[bool] = if need.reads { &[false, true] } else { &[false] };
    for &reads in kinds {
        if let Some(failed) = lacks(arn, selectors, &Wanted { source, reads }) {
            return failed;
        }
    }
    if need.elsewhere && !trail.multi_region {
        return One::Unseen(
            ONE_REGION,
            format!(
                "{arn} logs in {} alone, and watches are in other Regions too; make it multi-Region",
                trail.home
            ),
        );
    }
    One::Logs
}

/// What becomes of the events that are wanted, unless all of them are logged.
fn lacks(arn: &str, selectors: &Selectors, wanted: &Wanted<'_>) -> Option<One> {
    let kind = if wanted.reads { "reading" } else { "writing" };
    let source = wanted.source;
    let fails =
        |reason, what: String| Some(One::Fails(reason, format!("{arn} {what}; correct its event selectors")));
    match selectors.logs(wanted) {
        Logged::All => None,
        Logged::None(Lack::Management) => fails(NO_MANAGEMENT_EVENTS, "logs no management events".to_owned()),
        Logged::None(Lack::Kind) => fails(NO_MANAGEMENT_EVENTS, format!("logs no {kind} management events")),
        Logged::None(Lack::Source) => fails(EXCLUDES_EVENTS, format!("leaves out the events of {source}")),
        Logged::Some(field) => {
            fails(EXCLUDES_EVENTS, format!("logs only some events of {source}: it selects by {field}"))
        }
        Logged::Undecided => Some(One::Unseen(
            EXCLUDES_EVENTS,
            format!(
                "whether the several selectors of {arn} log all events of {source} together cannot be told"
            ),
        )),
    }
}

#[cfg(test)]
mod tests;
