//! What becomes of an event: which rules match it, or why they do not, and what each topic gets. Pure.
//!
//! It looks at the very rules that would be installed, in the account and Region that the event names.

pub mod cloudtrail;
pub mod transform;

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use crate::config::{Settings, Watch, WatchAccounts};
use crate::kinds::KINDS;
use crate::model::call::RuleTarget;
use crate::model::ids::{AccountId, Region};
use crate::model::target::{Side, TargetKey};
use crate::pattern::matching::{Matcher, Mismatch};
use crate::presets;
use crate::world::{Reach, Target, World};

/// What becomes of one event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Route {
    /// What identifies the event.
    pub event: Head,
    /// The rules on the default bus of the event's account and Region.
    pub senders: Vec<Judged>,
    /// Watches without a rule there, and why.
    pub elsewhere: Vec<Elsewhere>,
    /// Whether a rule forwards it to the central bus.
    pub forwarded: bool,
    /// The rules on the central bus that deliver to topics. They are judged also for what nothing forwards.
    pub alerts: Vec<Judged>,
    /// What cannot be known without asking AWS, and which alerts leave the event out on purpose.
    pub notes: Vec<String>,
}

/// What identifies an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Head {
    /// `detail.eventName`, or else the event's type.
    pub name: String,
    /// Whose event.
    pub source: String,
    /// Where it happened.
    pub account: String,
    /// Where it appeared.
    pub region: String,
    /// When.
    pub time: String,
}

/// A rule with what it says of the event.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The rule's name.
    pub rule: String,
    /// Why it does not match; none: it does.
    pub why_not: Option<WhyNot>,
    /// What its targets get if the event is on its bus.
    pub delivers: Vec<Delivery>,
}

/// Why a rule does not match.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNot {
    /// A field of its pattern.
    Pattern(Mismatch),
    /// The call only reads, and the rule does not take such calls.
    OnlyReads,
    /// The rule is kept switched off.
    Disabled,
}

/// What one target gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The ARN of the topic.
    pub topic: String,
    /// The text; none where EventBridge drops the event because the template makes no JSON of it.
    pub text: Option<String>,
}

/// A watch that has no rule where the event appeared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Elsewhere {
    /// The watch.
    pub watch: String,
    /// Why, in a sentence without a full stop.
    pub why: String,
}

impl fmt::Display for WhyNot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern(mismatch) => mismatch.fmt(f),
            Self::Disabled => f.write_str("the rule is kept disabled: nothing is left for it to match"),
            Self::OnlyReads => f.write_str("the call only reads, and the rule takes calls that change something; set read_events = true in its watch"),
        }
    }
}

/// What becomes of the event in this world.
///
/// # Errors
/// The event names no account or no Region, so that nothing can be said of it.
pub fn route(settings: &Settings, world: &World, event: &Value) -> Result<Route, String> {
    let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
    let account: AccountId =
        text("account").parse().map_err(|_| "the event's `account` is no account id".to_owned())?;
    let region: Region =
        text("region").parse().map_err(|_| "the event's `region` is no Region".to_owned())?;
    let mut notes = Vec::new();
    let mut elsewhere = Vec::new();
    let mut here: Vec<Arc<crate::world::Watch>> = Vec::new();
    for watch in &settings.watches {
        match away(settings, watch, &account, &region, &mut notes) {
            Some(why) => elsewhere.push(Elsewhere { watch: watch.name.clone(), why }),
            None => here.extend(world.watches.iter().find(|resolved| resolved.name == watch.name).cloned()),
        }
    }
    for watch in &here {
        if let Some(around) =
            watch.contained_in.iter().find(|name| here.iter().any(|other| other.name == **name))
        {
            let why = format!("the rule of watch {around} forwards all of its events");
            elsewhere.push(Elsewhere { watch: watch.name.clone(), why });
        }
    }
    let member = target(Side::Member, &account, &region, here);
    let central = target(Side::Central, &world.central, &world.central_region, Vec::new());
    let senders: Vec<Judged> = rules(world, &member, "sender_rule", event);
    let alerts = rules(world, &central, "alert_rule", event);
    let forwarded = senders.iter().any(|rule| rule.why_not.is_none());
    if forwarded {
        notes.extend(hidden(world, event));
    }
    let name = event["detail"]["eventName"].as_str().map_or_else(|| text("detail-type"), str::to_owned);
    let head = Head {
        name,
        source: text("source"),
        account: text("account"),
        region: text("region"),
        time: text("time"),
    };
    Ok(Route { event: head, senders, elsewhere, forwarded, alerts, notes })
}

/// Why a watch has no rule of its own in this account and Region; none if it has.
fn away(
    settings: &Settings,
    watch: &Watch,
    account: &AccountId,
    region: &Region,
    notes: &mut Vec<String>,
) -> Option<String> {
    let management = settings.organization.management_role_arn.as_ref().map(|role| role.account());
    if let WatchAccounts::Only { ids, management: with_management } = &watch.accounts {
        let is_management = management.is_some_and(|management| management == account);
        if !(ids.contains(account) || *with_management && is_management) {
            return Some(format!("it is for other accounts than {account}"));
        }
    }
    if !watch.include_ous.is_empty() || !watch.exclude_ous.is_empty() {
        notes.push(format!(
            "watch {} is limited to organizational units; {account} is taken to be in them",
            watch.name
        ));
    }
    let needs = watch.preset.as_deref().and_then(presets::by_name).map(|preset| preset.regions);
    let partition = settings.partition();
    let one = needs.map_or_else(|| Some(partition.iam_events_region()), |needs| needs.one(partition));
    let there = match &watch.regions {
        crate::config::WatchRegions::All => crate::desired::is_allowed(settings, region),
        crate::config::WatchRegions::Needed => one.is_none_or(|one| one == *region),
        crate::config::WatchRegions::Only(named) => named.contains(region),
    };
    (!there).then(|| format!("it has no rule in {region}"))
}

fn target(
    side: Side,
    account: &AccountId,
    region: &Region,
    watches: Vec<Arc<crate::world::Watch>>,
) -> Target {
    Target {
        key: TargetKey { side, account: account.clone(), region: region.clone() },
        reach: Reach::Ambient,
        watched: !watches.is_empty(),
        watches,
        roles_here: false,
        dead_letters: true,
        writes_role: false,
        enforce: false,
        leaving: false,
        place: None,
    }
}

/// The rules of a kind, each with what it says of the event; those that deliver elsewhere than to a topic or the central
/// bus are the installation's own affair.
fn rules(world: &World, target: &Target, kind: &str, event: &Value) -> Vec<Judged> {
    let of_kind = KINDS.iter().filter(|k| k.name() == kind);
    let specs = of_kind.flat_map(|kind| kind.desired(world, target));
    specs
        .filter_map(|(rule, spec)| {
            let targets: Vec<RuleTarget> = spec["targets"]
                .as_object()?
                .values()
                .filter_map(|target| serde_json::from_value(target.clone()).ok())
                .collect();
            let for_people = |target: &&RuleTarget| target.arn.split(':').nth(2) == Some("sns");
            let forwards = targets.iter().any(|target| target.arn == world.bus_arn());
            let delivers: Vec<Delivery> = targets
                .iter()
                .filter(for_people)
                .map(|target| Delivery {
                    topic: target.arn.clone(),
                    text: transform::delivered(target.transformer.as_ref(), event, &rule),
                })
                .collect();
            (forwards || !delivers.is_empty()).then(|| Judged {
                why_not: why_not(&spec, event),
                rule,
                delivers,
            })
        })
        .collect()
}

/// The alerts that do not deliver the event because somebody asked for that.
fn hidden(world: &World, event: &Value) -> impl Iterator<Item = String> {
    let hides = |alert: &&crate::world::Alert| {
        alert.rules.hidden.iter().any(|rule| {
            let state = match (rule.enabled, alert.read_events) {
                (false, _) => "DISABLED",
                (true, false) => "ENABLED",
                (true, true) => "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            };
            why_not(&json!({ "pattern": rule.pattern, "state": state }), event).is_none()
        })
    };
    world.alerts.iter().filter(hides).map(|alert| {
        format!("alert {} does not deliver it: a suppression hides it, and it is only counted", alert.name)
    })
}

fn why_not(spec: &Value, event: &Value) -> Option<WhyNot> {
    let verdict = Matcher::of(&spec["pattern"])
        .map_err(|refused| Mismatch::Refused(Box::new(refused)))
        .and_then(|matcher| matcher.verdict(event));
    match verdict {
        Err(mismatch) => Some(WhyNot::Pattern(mismatch)),
        Ok(()) if spec["state"] == "DISABLED" => Some(WhyNot::Disabled),
        Ok(()) if spec["state"] == "ENABLED" && only_reads(event) => Some(WhyNot::OnlyReads),
        Ok(()) => None,
    }
}

/// Whether the event is a management call that only reads, which AWS tells by the beginning of its name.
fn only_reads(event: &Value) -> bool {
    let of_cloudtrail = event["detail-type"].as_str().is_some_and(|kind| kind.ends_with(" via CloudTrail"));
    let name = event["detail"]["eventName"].as_str().unwrap_or_default();
    of_cloudtrail
        && event["detail"]["managementEvent"] != false
        && ["Describe", "Get", "List"].iter().any(|read| name.starts_with(read))
        && !["GetFederationToken", "GetSessionToken"].contains(&name)
}

#[cfg(test)]
pub(crate) mod tests;
