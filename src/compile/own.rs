//! What orgwatch itself does in accounts, and what is its own there.

use crate::config::Settings;
use crate::pattern::algebra::{CannotSay, Events};

/// Events on objects of orgwatch: roles, policies, rules, the bus, topics and queues whose names begin with the
/// installation's.
///
/// # Errors
/// Never for names that the configuration takes.
pub(super) fn objects(settings: &Settings, of: &OfService) -> Result<Events, CannotSay> {
    let installation = settings.installation.as_str();
    let named = format!("{installation}-*");
    let bus = |field: &str| Events::with(field, [installation, &format!("*:event-bus/{installation}")]);
    let iam = Events::with(&parameter("roleName"), [named.as_str()])
        .or(&Events::with(&parameter("policyArn"), [format!("*:policy/{named}").as_str()]));
    let rules = Events::with(&parameter("name"), [named.as_str(), installation])
        .or(&Events::with(&parameter("rule"), [named.as_str()]))
        .or(&Events::with(&parameter("resourceARN"), [format!("*:rule/{named}").as_str()]))
        .or(&bus(&parameter("eventBusName")));
    let topics = Events::with(&parameter("topicArn"), [format!("*:{named}").as_str()]);
    let queues = Events::with(&parameter("queueUrl"), [format!("*/{named}").as_str()]);
    let mut all = Events::none();
    for (service, events) in [("iam", iam), ("events", rules), ("sns", topics), ("sqs", queues)] {
        all = all.or(&of(service, &events)?);
    }
    Ok(all)
}

/// What orgwatch itself writes in members: done with one of the roles that it enters accounts with, on an object of
/// its own. Both must hold: what somebody else does with that role, and what anybody else does to our objects, people
/// hear of.
///
/// The role is told by its name, of which an account has one whatever the path. A user of that name may have federated
/// sessions; those can call everything but IAM.
///
/// # Errors
/// Never for names that the configuration takes.
fn writes(settings: &Settings, of: &OfService) -> Result<Events, CannotSay> {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let management = settings.organization.management_role_arn.as_ref().map(|role| bare(role.name()));
    let roles: Vec<String> = management.into_iter().chain([bare(&settings.member.role_name)]).collect();
    let by_us = Events::with(&issuer("userName"), roles.iter().map(String::as_str));
    let named = format!("{}-*", settings.installation);
    let role = Events::with(&parameter("roleName"), [named.as_str()]);
    let rule = Events::with(&parameter("name"), [named.as_str()])
        .or(&Events::with(&parameter("rule"), [named.as_str()]))
        .or(&Events::with(&parameter("resourceARN"), [format!("*:rule/{named}").as_str()]));
    let in_iam = of("iam", &by_us.and(&role)?)?;
    let in_events = of("events", &by_us.and(&Events::with(&issuer("type"), ["Role"]))?.and(&rule)?)?;
    Ok(in_iam.or(&in_events))
}

/// Says which of some events are of a service, by its name.
pub(super) type OfService = dyn Fn(&str, &Events) -> Result<Events, CannotSay> + Sync;

/// What is to be said of `events` and a service: by an event's source, which every watch asks for.
///
/// A watch of every source (`"prefix": "aws."`) cannot also exclude one: a field takes one condition. The service then
/// is told by CloudTrail's own name for it, which the same record carries in another field.
pub(super) fn service_in(events: &Events) -> &'static OfService {
    let excludes_one = events.minus(&Events::with("source", ["aws.iam"]));
    if excludes_one.is_ok() { &by_source } else { &by_record }
}

fn by_source(service: &str, events: &Events) -> Result<Events, CannotSay> {
    Events::with("source", [format!("aws.{service}").as_str()]).and(events)
}

fn by_record(service: &str, events: &Events) -> Result<Events, CannotSay> {
    Events::with("detail.eventSource", [format!("{service}.amazonaws.com").as_str()]).and(events)
}

/// `events` less what orgwatch itself writes in members.
///
/// # Errors
/// Where the events ask so much of the same fields that it cannot be said.
pub(super) fn without_writes(events: &Events, settings: &Settings) -> Result<Events, CannotSay> {
    events.minus(&writes(settings, service_in(events))?)
}

fn parameter(name: &str) -> String {
    format!("detail.requestParameters.{name}")
}

/// What CloudTrail records of the role behind a session.
pub(super) fn issuer(name: &str) -> String {
    format!("detail.userIdentity.sessionContext.sessionIssuer.{name}")
}
