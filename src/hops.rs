//! The path of an alert from an account to people, hop by hop as last seen, and what to do where it ends. Pure.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::canary;
use crate::compile;
use crate::guard;
use crate::judge::{UNKNOWN_SUBSCRIPTION, is_missing};
use crate::kinds::topic::{NO_CONFIRMED_SUBSCRIPTION, SUBSCRIPTION_PENDING, SUSPENDED_BY_VOLUME};
use crate::model::error::ErrorClass;
use crate::model::ids::AccountId;
use crate::model::resource::{FieldChange, Resource, Verdict};
use crate::model::view::{AccountView, Coverage, HoldView, Snapshot, Standing, TargetView};
use crate::news;

/// CloudTrail, without which EventBridge hears of no call.
pub const TRAIL: &str = "trail";
/// The rule on the account's default bus.
pub const SENDER_RULE: &str = "sender_rule";
/// The role that carries events out of the account.
pub const FORWARDING_ROLE: &str = "forwarding_role";
/// The central bus with its policy.
pub const EVENT_BUS: &str = "event_bus";
/// The rule on the central bus.
pub const ALERT_RULE: &str = "alert_rule";
/// The topic with its policy.
pub const TOPIC: &str = "topic";
/// Whoever is subscribed.
pub const PEOPLE: &str = "people";

/// The hop at which events are lost for what differs in a resource, if it makes up one.
pub fn of_resource(resource: &Resource) -> Option<&'static str> {
    // A topic as it should be that some of its subscribers have left loses nothing before them.
    let left = |change: &FieldChange| change.path.starts_with("subscriptions");
    let people = !is_missing(resource) && !resource.changes.is_empty() && resource.changes.iter().all(left);
    if resource.id.kind == TOPIC && people {
        return Some(PEOPLE);
    }
    let kind = match resource.id.kind {
        // It is how the rule delivers.
        "delivery_role" => ALERT_RULE,
        // A key keeps things out of the topic at the latest.
        "kms_key" => TOPIC,
        kind => kind,
    };
    [SENDER_RULE, FORWARDING_ROLE, EVENT_BUS, ALERT_RULE, TOPIC].into_iter().find(|hop| *hop == kind)
}

/// How a hop stands. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum HopState {
    /// Seen as it has to be.
    Works,
    /// Nobody looks at it, as configured.
    NotWatched,
    /// Being made, or waiting for a person.
    Pending,
    /// Could not be seen.
    Unknown,
    /// Seen, and an event would be lost here.
    Broken,
}

impl HopState {
    /// As in JSON.
    pub fn label(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::NotWatched => "not_watched",
            Self::Pending => "pending",
            Self::Unknown => "unknown",
            Self::Broken => "broken",
        }
    }
}

/// One thing that every alert of an account has to pass.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hop {
    /// `trail`, `sender_rule`, `forwarding_role`, `event_bus`, `alert_rule`, `topic` or `people`.
    pub hop: &'static str,
    /// The account that it is in.
    pub account: AccountId,
    /// How it stands; of several rules, roles or topics the worst.
    pub state: HopState,
    /// Names of what is there, with the Region where there is more than one.
    pub names: Vec<String>,
    /// What was seen, for people.
    pub message: String,
}

/// What keeps an account's alerts from reaching people, and what mends it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnosis {
    /// The hop where it ends; none where all of them work.
    pub hop: Option<&'static str>,
    /// What is broken, in one sentence.
    pub sentence: String,
    /// The command that mends it, where one does.
    pub command: Option<String>,
}

/// What a hop is called by people.
pub fn title(hop: &str) -> &'static str {
    match hop {
        "trail" => "CloudTrail",
        "sender_rule" => "Sender rule",
        "forwarding_role" => "Forwarding role",
        "event_bus" => "Event bus",
        "alert_rule" => "Alert rule",
        "topic" => "Topic",
        _ => "People",
    }
}

/// The path from `account` to people, in the order in which an event takes it.
pub fn of_account(snapshot: &Snapshot, account: &AccountView) -> Vec<Hop> {
    let mut hops = vec![trail(account)];
    hops.extend([SENDER_RULE, FORWARDING_ROLE].map(|kind| member(snapshot, account, kind)));
    hops.extend(central_half(snapshot, Some(&account.alerts)));
    // What looks as it should and lets nothing through all the same.
    if account.coverage == Coverage::Broken
        && let Some(hop) = hops.iter_mut().find(|hop| Some(hop.hop) == account.coverage_hop)
        && matches!(hop.state, HopState::Works | HopState::NotWatched)
    {
        (hop.state, hop.message) = (HopState::Broken, account.coverage_message.clone());
    }
    hops
}

/// The half of the path that accounts share, with every alert.
pub fn of_central(snapshot: &Snapshot) -> Vec<Hop> {
    central_half(snapshot, None)
}

/// The central half with these alerts; none: with all of them.
fn central_half(snapshot: &Snapshot, alerts: Option<&BTreeSet<String>>) -> Vec<Hop> {
    let path = Path { snapshot, alerts };
    let mut hops: Vec<Hop> =
        [EVENT_BUS, ALERT_RULE, TOPIC].into_iter().map(|kind| path.central(kind)).collect();
    hops.push(path.people());
    hops
}

/// Whose path is looked at.
struct Path<'a> {
    snapshot: &'a Snapshot,
    /// The alerts on it; none: all.
    alerts: Option<&'a BTreeSet<String>>,
}

fn trail(account: &AccountView) -> Hop {
    let condition = account.conditions.iter().find(|condition| condition.kind == "TrailPresent");
    let (state, message) = match condition {
        Some(condition) => {
            let state = match condition.status {
                "True" => HopState::Works,
                "False" => HopState::Broken,
                _ => HopState::Unknown,
            };
            (state, condition.message.clone())
        }
        None => (HopState::NotWatched, "whether a trail logs here is not looked at".to_owned()),
    };
    Hop { hop: "trail", account: account.id.clone(), state, names: Vec::new(), message }
}

impl Path<'_> {
    /// Whether a resource carries people's alerts; the others watch over the path itself.
    fn carries(&self, resource: &Resource) -> bool {
        let installation = &self.snapshot.installation;
        let own = |name: &str| resource.id.name == format!("{installation}-{name}");
        let wanted = |family: &str| {
            let alert = family.strip_prefix(installation.as_str()).and_then(|rest| rest.strip_prefix('-'));
            self.alerts.is_none_or(|alerts| alert.is_some_and(|alert| alerts.contains(alert)))
        };
        match resource.id.kind {
            "sender_rule" => !own(guard::MEMBER),
            "forwarding_role" => !resource.id.name.ends_with("-guard"),
            "alert_rule" => {
                !own(guard::WAKE)
                    && !own(guard::TAMPER)
                    && !own(news::HEARTBEAT)
                    && !own(news::HEALTH)
                    && !own(canary::RULE)
                    && !compile::is_hidden(&resource.id.name)
                    && wanted(compile::family(&resource.id.name))
            }
            "topic" => !own(guard::TAMPER) && !own(news::HEALTH) && wanted(&resource.id.name),
            _ => true,
        }
    }
}

fn member(snapshot: &Snapshot, account: &AccountView, kind: &'static str) -> Hop {
    let hop = |state, message: &str| Hop {
        hop: kind,
        account: account.id.clone(),
        state,
        names: Vec::new(),
        message: message.to_owned(),
    };
    if account.standing != Standing::Active {
        return hop(HopState::NotWatched, account.standing_reason.as_deref().unwrap_or("left out"));
    }
    if account.targets.is_empty() {
        return match account.coverage_reason {
            "NoManagementRole" | "NoWatch" => hop(HopState::NotWatched, &account.coverage_message),
            _ => hop(HopState::Pending, "not looked at yet"),
        };
    }
    Path { snapshot, alerts: None }.together(&account.id, kind, &account.targets)
}

impl Path<'_> {
    fn central(&self, kind: &'static str) -> Hop {
        let central = &self.snapshot.central;
        if central.targets.is_empty() {
            let message = "not looked at yet".to_owned();
            let (account, state) = (central.account.clone(), HopState::Pending);
            return Hop { hop: kind, account, state, names: Vec::new(), message };
        }
        self.together(&central.account, kind, &central.targets)
    }

    /// The resources of one kind, together.
    fn together(
        &self,
        account: &AccountId,
        kind: &'static str,
        targets: &[std::sync::Arc<TargetView>],
    ) -> Hop {
        let hop = |state, names, message| Hop { hop: kind, account: account.clone(), state, names, message };
        if let Some(error) = targets.iter().find_map(|target| target.error.as_deref()) {
            return hop(HopState::Unknown, Vec::new(), error.to_string());
        }
        let all = targets.iter().flat_map(|target| target.resources.iter().map(move |r| (target, r)));
        let ours: Vec<_> = all
            .filter(|(_, r)| r.id.kind == kind && r.verdict != Verdict::Orphan && self.carries(r))
            .collect();
        let names = ours.iter().map(|(target, r)| match targets.len() {
            1 => r.id.name.clone(),
            _ => format!("{} ({})", r.id.name, target.target.region),
        });
        let names: Vec<String> = names.collect();
        let worst = ours.iter().max_by_key(|(_, r)| (state_of(r), r.verdict));
        match worst {
            None => hop(HopState::NotWatched, names, "none is wanted here".to_owned()),
            Some((_, resource)) => hop(state_of(resource), names, seen(resource)),
        }
    }
}

fn state_of(resource: &Resource) -> HopState {
    match resource.verdict {
        Verdict::InSync | Verdict::Orphan => HopState::Works,
        Verdict::Pending => HopState::Pending,
        Verdict::Unknown => HopState::Unknown,
        // What has come to its subscribers has passed the topic.
        Verdict::Drifted if of_resource(resource).is_some_and(|hop| hop != resource.id.kind) => {
            HopState::Works
        }
        // Descriptions and tags carry no event.
        Verdict::Drifted
            if !resource.changes.is_empty() && resource.changes.iter().all(FieldChange::carries_no_event) =>
        {
            HopState::Works
        }
        Verdict::Drifted | Verdict::Foreign => HopState::Broken,
    }
}

fn seen(resource: &Resource) -> String {
    if let Some(error) = &resource.error {
        return error.to_string();
    }
    match resource.verdict {
        Verdict::InSync | Verdict::Orphan => "as desired".to_owned(),
        Verdict::Pending => "being set up".to_owned(),
        Verdict::Unknown => "could not be read".to_owned(),
        Verdict::Foreign => format!(
            "{} stands at our name and is not ours; rename it, or take it over with `reconcile.adopt`",
            resource.id.name
        ),
        Verdict::Drifted => {
            if is_missing(resource) {
                return format!("{} is not there", resource.id.name);
            }
            let paths: Vec<&str> = resource.changes.iter().map(|change| change.path.as_str()).collect();
            let shown = paths.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            match paths.len().saturating_sub(3) {
                0 => format!("{} differs in {shown}", resource.id.name),
                more => format!("{} differs in {shown} and {more} more", resource.id.name),
            }
        }
    }
}

impl Path<'_> {
    /// The last hop: somebody has to have said yes to the mail.
    fn people(&self) -> Hop {
        let central = &self.snapshot.central;
        let topics = || {
            let resources = central.targets.iter().flat_map(|target| &target.resources);
            resources.filter(|r| r.id.kind == "topic" && r.verdict != Verdict::Orphan && self.carries(r))
        };
        let note = |reason| topics().flat_map(|topic| &topic.notes).find(|note| note.reason == reason);
        let (suspended, nobody) = (note(SUSPENDED_BY_VOLUME), note(NO_CONFIRMED_SUBSCRIPTION));
        let pending = suspended.or_else(|| note(SUBSCRIPTION_PENDING));
        // One more subscriber takes nothing from the others.
        let lost = topics().find(|topic| {
            topic.verdict == Verdict::Drifted
                && topic.reason != Some(UNKNOWN_SUBSCRIPTION)
                && of_resource(topic) == Some(PEOPLE)
        });
        let (state, message) = match (pending, nobody) {
            _ if topics().next().is_none() => {
                (HopState::Unknown, "who is subscribed could not be read".to_owned())
            }
            (Some(suspended), Some(_)) if suspended.reason == SUSPENDED_BY_VOLUME => {
                (HopState::Broken, suspended.message.clone())
            }
            (Some(pending), Some(_)) => (HopState::Pending, pending.message.clone()),
            (None, Some(nobody)) => (HopState::Broken, nobody.message.clone()),
            _ if lost.is_some() => (HopState::Broken, lost.map(seen).unwrap_or_default()),
            (Some(pending), None) => (HopState::Works, format!("confirmed; of others: {}", pending.message)),
            (None, None) => (HopState::Works, "each topic has a confirmed subscription".to_owned()),
        };
        Hop { hop: PEOPLE, account: central.account.clone(), state, names: Vec::new(), message }
    }
}

/// The first hop at which an event of the account would be lost, as one sentence with the command that mends it.
pub fn diagnose(snapshot: &Snapshot, account: &AccountView, hops: &[Hop]) -> Diagnosis {
    let who = &account.id;
    let told = |hop, sentence: String, command: Option<String>| Diagnosis { hop, sentence, command };
    match account.standing {
        Standing::Active => {}
        Standing::Excluded | Standing::Inactive => {
            let why = account.standing_reason.as_deref().unwrap_or("it is left out by configuration");
            return told(None, format!("Account {who} is not watched: {why}."), None);
        }
    }
    if let Some(hold) = &snapshot.wrong_place {
        return told(None, format!("Nothing is written anywhere: {}.", hold.message), None);
    }
    let lost = hops.iter().find(|hop| {
        let asked = hop.hop != "trail" || hop.state != HopState::NotWatched;
        hop.state != HopState::Works && asked
    });
    let Some(hop) = lost else {
        let sentence = format!("Every hop works: an IAM change in account {who} reaches people.");
        return told(None, sentence, None);
    };
    let place = Place { snapshot, account, hop };
    let what = match hop.hop {
        "trail" => "CloudTrail".to_owned(),
        "people" => "the way to people".to_owned(),
        _ => format!("the {}", title(hop.hop).to_lowercase()),
    };
    let verb = match hop.state {
        HopState::Works | HopState::Broken => "is broken",
        HopState::NotWatched => "is not there for it",
        HopState::Pending => "is not ready",
        HopState::Unknown => "could not be looked at",
    };
    let sentence = format!("An IAM change in account {who} ends at {what}, which {verb}: {}.", hop.message);
    told(Some(hop.hop), sentence, place.command())
}

struct Place<'a> {
    snapshot: &'a Snapshot,
    account: &'a AccountView,
    hop: &'a Hop,
}

impl Place<'_> {
    fn is_central(&self) -> bool {
        !matches!(self.hop.hop, "trail" | "sender_rule" | "forwarding_role")
    }

    /// The change of this hop that is held, if one is.
    fn hold(&self) -> Option<&HoldView> {
        let reasons = self.targets().flat_map(|target| &target.plan.changes).filter_map(|change| {
            let hold = change.hold.as_ref().filter(|hold| !hold.waits)?;
            (change.resource.kind == self.hop.hop).then_some(hold.reason)
        });
        let reasons: Vec<&str> = reasons.collect();
        let concerns = |hold: &&HoldView| {
            reasons.contains(&hold.reason)
                && (hold.accounts.is_empty() || hold.accounts.contains(&self.hop.account))
        };
        self.snapshot.holds.iter().find(concerns)
    }

    fn targets(&self) -> impl Iterator<Item = &TargetView> {
        let targets = if self.is_central() { &self.snapshot.central.targets } else { &self.account.targets };
        targets.iter().map(AsRef::as_ref)
    }

    fn command(&self) -> Option<String> {
        let here = self.targets().find_map(|target| target.error.as_deref());
        if let Some(error) = here {
            return match (error.operation, error.class) {
                ("AssumeRole", ErrorClass::Denied | ErrorClass::NotFound) if !self.is_central() => {
                    Some(format!(
                        "aws cloudformation create-stack-instances --stack-set-name orgwatch-member \
                     --deployment-targets Accounts={},AccountFilterType=INTERSECTION,OrganizationalUnitIds={} \
                     --regions {}",
                        self.account.id,
                        self.account.path.split('/').find(|part| part.starts_with("r-")).unwrap_or("ROOT_ID"),
                        self.snapshot.central.region,
                    ))
                }
                _ => None,
            };
        }
        if let Some(hold) = self.hold() {
            let pause = self.snapshot.pauses.iter().find(|pause| {
                let scope = pause.scope.as_str();
                scope == "all"
                    || scope == self.hop.account.as_str()
                    || self.account.path.split('/').any(|p| p == scope)
            });
            return match pause {
                Some(pause) if hold.reason == "Paused" => Some(format!("orgwatch resume {}", pause.scope)),
                _ if hold.releasable => Some(format!("orgwatch release {}", hold.id)),
                _ => None,
            };
        }
        match (self.hop.hop, self.hop.state) {
            // Of these a person has to see to: a trail, a mail, a pass that is under way, a right that is missing.
            ("trail" | "people", _) | (_, HopState::Pending | HopState::Unknown | HopState::NotWatched) => {
                None
            }
            // Whose it is, the configuration says, and no command.
            _ if self.is_foreign() => None,
            _ => Some(format!("orgwatch apply --account {}", self.hop.account)),
        }
    }

    fn is_foreign(&self) -> bool {
        self.targets()
            .flat_map(|target| &target.resources)
            .any(|r| r.id.kind == self.hop.hop && r.verdict == Verdict::Foreign)
    }
}

#[cfg(test)]
mod tests;
