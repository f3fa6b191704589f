//! What orgwatch itself does in accounts, and what is its own there.

use crate::config::Settings;
use crate::pattern::algebra::{CannotSay, Events};

/// Events on objects of orgwatch: roles, policies, rules, the bus, topics and queues whose names begin with the
/// installation's.
///
/// # Errors
/// Never for names that the configuration takes.
pub(super) fn objects(settings: &Settings) -> Result<Events, CannotSay> {
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
    for (source, events) in
        [("aws.iam", iam), ("aws.events", rules), ("aws.sns", topics), ("aws.sqs", queues)]
    {
        all = all.or(&of_source(source, &events)?);
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
pub(super) fn writes(settings: &Settings) -> Result<Events, CannotSay> {
    let bare = |name: &str| name.rsplit('/').next().unwrap_or(name).to_owned();
    let management = settings.organization.management_role_arn.as_ref().map(|role| bare(role.name()));
    let roles: Vec<String> = management.into_iter().chain([bare(&settings.member.role_name)]).collect();
    let by_us = Events::with(&issuer("userName"), roles.iter().map(String::as_str));
    let named = format!("{}-*", settings.installation);
    let role = Events::with(&parameter("roleName"), [named.as_str()]);
    let rule = Events::with(&parameter("name"), [named.as_str()])
        .or(&Events::with(&parameter("rule"), [named.as_str()]))
        .or(&Events::with(&parameter("resourceARN"), [format!("*:rule/{named}").as_str()]));
    let in_iam = of_source("aws.iam", &by_us.and(&role)?)?;
    let in_events =
        of_source("aws.events", &by_us.and(&Events::with(&issuer("type"), ["Role"]))?.and(&rule)?)?;
    Ok(in_iam.or(&in_events))
}

fn parameter(name: &str) -> String {
    format!("detail.requestParameters.{name}")
}

/// What CloudTrail records of the role behind a session.
pub(super) fn issuer(name: &str) -> String {
    format!("detail.userIdentity.sessionContext.sessionIssuer.{name}")
}

fn of_source(source: &str, events: &Events) -> Result<Events, CannotSay> {
    Events::with("source", [source]).and(events)
}
