//! The way of an event: from a bus by rules to targets, and by a target to another bus.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::Value;

use crate::access::{Asker, Resource};
use crate::policy::Context;
use crate::service::events::{self, Arn, Destination, Place, Rule, RuleState, Target};
use crate::service::kms::{self, Cipher};
use crate::service::sqs;
use crate::transform::Vars;
use crate::world::{Part, World};

use super::sink::Sink;

/// How many buses an event passes on after the first. AWS: what a bus received from another bus or account is not sent on
/// to a third. It also keeps a loop of buses from going round for ever.
const MOST_HOPS: u8 = 1;

/// As of when the configuration is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// As deliveries see it now.
    #[default]
    Effective,
    /// As it is written, as if every delay were over but the one until a new role can be assumed.
    Written,
}

impl View {
    pub(super) fn lag(self, world: &World) -> SignedDuration {
        match self {
            Self::Effective => world.lags.effect,
            Self::Written => SignedDuration::ZERO,
        }
    }
}

/// An event on a bus.
struct Arrival {
    place: Place,
    hops: u8,
}

/// Why a target could not be called, as a dead letter tells it.
struct Failure {
    code: String,
    message: String,
}

impl Failure {
    fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    fn no_permissions(message: impl Into<String>) -> Self {
        Self::new("NO_PERMISSIONS", message)
    }
}

/// Walks all the ways of an event that is put on the bus `start`.
pub(super) fn walk(sink: &mut impl Sink, view: View, start: Place, event: &Value) {
    let mut waiting = VecDeque::from([Arrival { place: start, hops: 0 }]);
    while let Some(arrival) = waiting.pop_front() {
        if let Err(code) = unlock(sink.world(), view, &arrival.place) {
            lose(sink, view, &arrival.place, event, code);
            continue;
        }
        for rule in matching(sink.world(), view, &arrival.place, event) {
            sink.count(&rule.arn, |counted| counted.matched += 1);
            for target in rule.targets.values() {
                sink.count(&rule.arn, |counted| counted.invocations += 1);
                match call(sink, view, &arrival, &rule, target, event) {
                    Ok(next) => waiting.extend(next),
                    Err(failure) => fail(sink, &arrival.place, &rule, target, event, failure),
                }
            }
        }
    }
}

/// The rules of the bus that the event triggers; none when there is no such bus.
fn matching(world: &World, view: View, place: &Place, event: &Value) -> Vec<Arc<Rule>> {
    let seen = rules(world, place, view.lag(world));
    let Some(bus) = seen.bus(&place.bus) else { return Vec::new() };
    let read_only = is_read_only(event);
    let triggered = |rule: &&Arc<Rule>| {
        let open = match rule.state {
            RuleState::Disabled => false,
            RuleState::Enabled => !read_only,
            RuleState::EnabledWithAll => true,
        };
        open && rule.pattern.as_ref().is_some_and(|pattern| pattern.compiled.matches(event))
    };
    bus.rules.values().filter(triggered).map(Arc::clone).collect()
}

/// Whether EventBridge may use the key of the bus, if the customer gave it one.
///
/// AWS: with it the events that the bus holds are encrypted, and the patterns and targets of its rules.
fn unlock(world: &World, view: View, place: &Place) -> Result<(), &'static str> {
    let lag = view.lag(world);
    let Some(key) = rules(world, place, lag).bus(&place.bus).and_then(|bus| bus.key.as_deref()) else {
        return Ok(());
    };
    let arn = place.arn(world);
    let context = ("aws:events:event-bus:arn", arn.as_str());
    let cipher = Cipher { key, account: &place.account, region: &place.region, service: "events", context };
    kms::may(world, cipher, &events::asker(None, &place.account, &arn), lag)
}

/// What AWS does with an event that a bus cannot encrypt: it goes into the bus's own dead-letter queue, or is lost.
fn lose(sink: &mut impl Sink, view: View, place: &Place, event: &Value, code: &str) {
    let world = sink.world();
    let arn = place.arn(world);
    let bus = rules(world, place, view.lag(world)).bus(&place.bus);
    let queue = bus.and_then(|bus| bus.dead_letter.as_ref()?.get("Arn")?.as_str()).map(str::to_owned);
    let Some(queue) = queue.filter(|queue| is_near(queue, place)) else { return };
    let letter = BTreeMap::from([
        ("EVENT_BUS_ARN".to_owned(), arn.clone()),
        ("ERROR_CODE".to_owned(), code.to_owned()),
        ("ERROR_MESSAGE".to_owned(), format!("The key of {arn} cannot be used.")),
    ]);
    // What that queue does not take is lost.
    sink.bury(&queue, event, &letter, &events::asker(None, &place.account, &arn)).ok();
}

/// The rules of a place as deliveries see them.
fn rules<'w>(world: &'w World, place: &Place, lag: SignedDuration) -> &'w events::Events {
    events::seen(world, &place.account, &place.region, world.behind(&place.account, Part::Rules, lag))
}

/// Whether it is a read-only management event of CloudTrail, which only some rules get.
///
/// AWS: those whose names start with Get, List or Describe, but not STS's GetFederationToken and GetSessionToken.
fn is_read_only(event: &Value) -> bool {
    let by_trail = event["detail-type"].as_str().is_some_and(|kind| kind.ends_with(" via CloudTrail"));
    if !by_trail || event["detail"]["managementEvent"] == false {
        return false;
    }
    let Some(name) = event["detail"]["eventName"].as_str() else { return false };
    ["Get", "List", "Describe"].iter().any(|prefix| name.starts_with(prefix))
        && !matches!(name, "GetFederationToken" | "GetSessionToken")
}

/// Calls a target; answers where the event goes on, if it does.
fn call(
    sink: &mut impl Sink,
    view: View,
    arrival: &Arrival,
    rule: &Rule,
    target: &Target,
    event: &Value,
) -> Result<Option<Arrival>, Failure> {
    let place = &arrival.place;
    let asker = events::asker(target.role.as_deref(), &place.account, &rule.arn);
    match &target.destination {
        Destination::Bus(next) => {
            hop(sink.world(), view, arrival, rule, target, next, event)?;
            return Ok(Some(Arrival { place: next.clone(), hops: arrival.hops + 1 }));
        }
        Destination::Archive(archive) => sink.archive(archive, event),
        destination => {
            let arn = Arn::parse(&target.arn)
                .filter(|arn| arn.region.is_empty() || arn.region == place.region)
                .ok_or_else(|| Failure::new("NO_RESOURCE", "The target is not in the Region of the rule."))?;
            let vars = Vars {
                rule_arn: rule.arn.clone(),
                rule_name: rule.name.clone(),
                ingestion_time: sink.world().now().to_string(),
            };
            // AWS: a template that comes to no valid document is delivered to nobody, and is no failure.
            let Some(message) = target.transform.delivered(event, &vars) else { return Ok(None) };
            let called = match destination {
                Destination::Topic => sink.publish(&target.arn, &message, &asker),
                Destination::Queue => sink.send(&target.arn, &message, &asker),
                _ => {
                    sink.call(arn.service, &target.arn, &message);
                    Ok(())
                }
            };
            called.map_err(|code| {
                let message = match code.as_str() {
                    "NO_RESOURCE" => format!("{} does not exist.", target.arn),
                    "NO_PERMISSIONS" => format!("Not authorized to deliver to {}.", target.arn),
                    _ => format!("{} refused the message.", target.arn),
                };
                Failure::new(code, message)
            })?;
        }
    }
    Ok(None)
}

/// Whether the event may go on to the bus `next`.
fn hop(
    world: &World,
    view: View,
    arrival: &Arrival,
    rule: &Rule,
    target: &Target,
    next: &Place,
    event: &Value,
) -> Result<(), Failure> {
    let from = &arrival.place;
    // An event that another account put here itself has come over one border already.
    let foreign = event["account"].as_str().is_some_and(|account| account != from.account);
    if arrival.hops >= MOST_HOPS || (foreign && next.account != from.account) {
        let what = if next.account == from.account && next.region != from.region {
            "THIRD_REGION_HOP_DETECTED"
        } else {
            "THIRD_ACCOUNT_HOP_DETECTED"
        };
        return Err(Failure::new(what, "The event was received from another event bus and is not sent on."));
    }
    if next.region != from.region && !events::crosses_regions(&world.partition) {
        return Err(Failure::no_permissions("Events are not sent to other Regions in this partition."));
    }
    if next.account != from.account {
        let role = target.role.as_deref().and_then(Arn::parse);
        if role.is_none_or(|role| role.account != from.account) {
            return Err(Failure::no_permissions(
                "An event bus of another account is only reached with a role of the rule's account.",
            ));
        }
    }
    let lag = view.lag(world);
    let bus = rules(world, next, lag)
        .bus(&next.bus)
        .ok_or_else(|| Failure::new("NO_RESOURCE", format!("{} does not exist.", target.arn)))?;
    let mut context = Context::from([("events:eventbusinvocation".to_owned(), vec!["true".to_owned()])]);
    for field in ["source", "detail-type"] {
        if let Some(value) = event[field].as_str() {
            context.insert(format!("events:{field}"), vec![value.to_owned()]);
        }
    }
    let policy = bus.policy.as_ref().map(|document| document.policy.as_ref());
    let resource = Resource { arn: &target.arn, owner: &next.account, policy };
    let asker = events::asker(target.role.as_deref(), &from.account, &rule.arn);
    world.asker_may(&asker, "events:PutEvents", resource, context, lag).map_err(Failure::no_permissions)
}

/// Who puts what could not be delivered into a queue. AWS: the queue's own policy admits EventBridge; the target's role
/// plays no part.
fn gravedigger(place: &Place, rule: &Rule) -> Asker {
    events::asker(None, &place.account, &rule.arn)
}

/// Whether a dead-letter queue is in the Region of the rule, as it must be.
fn is_near(queue: &str, place: &Place) -> bool {
    Arn::parse(queue).is_some_and(|arn| arn.region == place.region)
}

/// The dead-letter queues that would take the event from the rules of this bus.
pub(super) fn graves(world: &World, view: View, place: &Place, event: &Value) -> BTreeSet<String> {
    let mut graves = BTreeSet::new();
    if unlock(world, view, place).is_err() {
        return graves;
    }
    for rule in matching(world, view, place, event) {
        let queues = rule.targets.values().filter_map(|target| target.dead_letter.as_ref());
        let asker = gravedigger(place, &rule);
        let takes = |queue: &&String| {
            is_near(queue, place) && sqs::may_send_at(world, queue, &asker, view.lag(world)).is_ok()
        };
        graves.extend(queues.filter(takes).cloned());
    }
    graves
}

/// What AWS does with an event that cannot be delivered: it is not tried again but put into the target's dead-letter queue
/// at once, or lost.
///
/// `EXHAUSTED_RETRY_CONDITION` is not set: it names the limit that ended the retries, and there were none.
fn fail(sink: &mut impl Sink, place: &Place, rule: &Rule, target: &Target, event: &Value, failure: Failure) {
    sink.count(&rule.arn, |counted| counted.failed += 1);
    let Some(queue) = &target.dead_letter else { return };
    let letter = BTreeMap::from([
        ("RULE_ARN".to_owned(), rule.arn.clone()),
        ("TARGET_ARN".to_owned(), target.arn.clone()),
        ("ERROR_CODE".to_owned(), failure.code),
        ("ERROR_MESSAGE".to_owned(), failure.message),
        ("RETRY_ATTEMPTS".to_owned(), "0".to_owned()),
    ]);
    let buried = is_near(queue, place) && sink.bury(queue, event, &letter, &gravedigger(place, rule)).is_ok();
    sink.count(&rule.arn, |counted| {
        if buried {
            counted.sent_to_dlq += 1;
        } else {
            counted.failed_to_be_sent_to_dlq += 1;
        }
    });
}
