//! CloudTrail trails, and the events that calls leave on an account's default bus.
//!
//! AWS: an event with a CloudTrail detail-type reaches EventBridge only where a trail logs it.

mod event;
mod selectors;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::call::{Call, Caller, Principal, Refusal, Service};
use crate::delivery;
use crate::service::events::{Rule, RuleState};
use crate::service::organizations;
use crate::world::World;

pub use event::reads_only;
pub use selectors::{Happening, Selectors};

/// A trail.
#[derive(Clone, Debug)]
pub struct Trail {
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// The Region that it was made in, and is changed in.
    pub home_region: String,
    /// The account that it belongs to.
    pub owner: String,
    /// Whether it logs in every Region.
    pub multi_region: bool,
    /// Whether it logs in every account of the organization.
    pub organization: bool,
    /// Whether it logs the events of global services.
    pub global_events: bool,
    /// Whether it logs at all.
    pub logging: bool,
    /// When logging was last started.
    pub started_at: Option<Timestamp>,
    /// When logging was last stopped.
    pub stopped_at: Option<Timestamp>,
    /// Which events it logs.
    pub selectors: Selectors,
    /// Whether the selectors were ever set.
    pub custom_selectors: bool,
    /// The bucket that it writes to.
    pub bucket: String,
    /// What else it was made with and is answered as it was given (`S3KeyPrefix`, `KmsKeyId`, …).
    pub settings: BTreeMap<String, Value>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
}

impl Trail {
    /// A trail as CreateTrail makes it, but logging: of the account, in that home Region, all management events.
    pub fn new(partition: &str, owner: &str, home_region: &str, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            arn: format!("arn:{partition}:cloudtrail:{home_region}:{owner}:trail/{name}"),
            home_region: home_region.to_owned(),
            owner: owner.to_owned(),
            multi_region: false,
            organization: false,
            global_events: true,
            logging: true,
            started_at: None,
            stopped_at: None,
            selectors: Selectors::default(),
            custom_selectors: false,
            bucket: format!("{name}-logs"),
            settings: BTreeMap::new(),
            tags: BTreeMap::new(),
        }
    }

    /// Whether the trail is there in the Region: as itself, or as the shadow of a multi-Region trail.
    pub fn is_in(&self, region: &str) -> bool {
        self.multi_region || self.home_region == region
    }
}

/// The trails that log in an account: its own, and the organization's if it is a member.
pub fn trails_of<'a>(world: &'a World, account: &'a str) -> impl Iterator<Item = &'a Trail> {
    let organization = &world.organization;
    let management = organization.management.as_str();
    let member = account != management && organization.members.contains_key(account);
    let own = world.accounts.get(account).into_iter().flat_map(|account| &account.trails);
    let from = member.then(|| world.accounts.get(management)).flatten();
    own.chain(from.into_iter().flat_map(|account| &account.trails).filter(|trail| trail.organization))
}

/// Whether any trail logs such an event in the account and Region.
fn is_logged(world: &World, account: &str, region: &str, global: bool, what: &Happening<'_>) -> bool {
    // AWS: global services' events reach a trail only if it is multi-Region or lives where they appear, and wants them.
    trails_of(world, account).any(|trail| {
        trail.logging
            && trail.is_in(region)
            && (!global || trail.global_events)
            && trail.selectors.select(what)
    })
}

/// Puts the event `AWS API Call via CloudTrail` of a call onto the default bus where AWS puts it, if a trail logs it.
///
/// Data events, throttled calls and calls by nobody known leave none. AWS: AssumeRole across accounts is logged in
/// both.
pub fn emit(world: &mut World, call: &Call, result: &Result<Value, Refusal>) {
    if world.foretold.take().as_ref() != Some(&call.request_id) {
        for left in events(world, call, result, hears) {
            delivery::put(world, &left.account, &left.region, "default", left.event);
        }
    }
    organizations::settle(world);
}

/// Emits the event of a call that is about to succeed and will change what is logged: a trail still tells of the call
/// that stops it.
pub(crate) fn foretell(world: &mut World, call: &Call) {
    emit(world, call, &Ok(Value::Null));
    world.foretold = Some(call.request_id.clone());
}

/// An event, and where it is left.
#[derive(Debug)]
struct Left {
    account: String,
    region: String,
    event: Value,
}

/// The events of a call, where they are logged and `heard`.
fn events(
    world: &mut World,
    call: &Call,
    result: &Result<Value, Refusal>,
    heard: impl Fn(&World, &str, &str, bool) -> bool,
) -> Vec<Left> {
    if !event::is_management(call) || event::is_unlogged(call, result) {
        return Vec::new();
    }
    let source = event::source(call.service);
    let read_only = reads_only(&call.operation);
    let what = Happening { source: &source, name: &call.operation, read_only, service_event: false };
    let (region, global) = place(world, call);
    let owner = event::other_account(world, call, result);
    let mut shared = None;
    let mut left = Vec::new();
    for (account, is_shared) in [(Some(&call.caller.account), owner.is_some()), (owner.as_ref(), true)] {
        let Some(account) = account else { continue };
        if !heard(world, account, &region, read_only) || !is_logged(world, account, &region, global, &what) {
            continue;
        }
        let mut detail = event::detail(world, call, result, account, &region);
        detail["eventID"] = world.uuid().into();
        if is_shared {
            // The accounts that it is logged in know it by the same id.
            let id = shared.get_or_insert_with(|| world.uuid());
            detail["sharedEventID"] = id.as_str().into();
        }
        let source = format!("aws.{}", call.service.event_source());
        let event =
            envelope(world, account, &region, "AWS API Call via CloudTrail", &source, call.at, detail);
        left.push(Left { account: account.clone(), region: region.clone(), event });
    }
    left
}

/// Where the event of a call appears, and whether it is one of a global service.
fn place(world: &World, call: &Call) -> (String, bool) {
    let partition = &world.partition;
    match call.service {
        Service::Iam | Service::Account => (partition.iam_region.to_owned(), true),
        // In China, Organizations is not where IAM is.
        Service::Organizations => (partition.organizations_region.to_owned(), true),
        // AWS: a call of STS is logged in the Region whose endpoint took it.
        _ => (call.region.clone(), false),
    }
}

/// Whether an event put on the account's default bus could have any effect, known without building it.
fn hears(world: &World, account: &str, region: &str, read_only: bool) -> bool {
    let Some(regional) = world.accounts.get(account).and_then(|account| account.regions.get(region)) else {
        return false;
    };
    // Archives hear too, so only what nobody but rules of one state hears is left out: reads.
    let events = regional.events.seen(world.now(), world.lags.effect);
    let hears_reads = |rule: &Rule| rule.state == RuleState::EnabledWithAll;
    let rules = events.buses.get("default").into_iter().flat_map(|bus| bus.rules.values());
    !read_only || rules.into_iter().any(|rule| hears_reads(rule))
}

/// Puts an event that Organizations itself leaves (`AWS Service Event via CloudTrail`) onto the default bus of an account
/// in the Organizations Region, if a trail logs it.
pub(crate) fn emit_service_event(
    world: &mut World,
    account: &str,
    name: &str,
    at: Timestamp,
    details: Value,
) {
    if let Some(left) = service_event(world, account, name, at, details, hears) {
        delivery::put(world, &left.account, &left.region, "default", left.event);
    }
}

fn service_event(
    world: &mut World,
    account: &str,
    name: &str,
    at: Timestamp,
    details: Value,
    heard: impl Fn(&World, &str, &str, bool) -> bool,
) -> Option<Left> {
    let region = world.partition.organizations_region;
    let source = event::source(Service::Organizations);
    let what = Happening { source: &source, name, read_only: false, service_event: true };
    if !heard(world, account, region, false) || !is_logged(world, account, region, true, &what) {
        return None;
    }
    let detail = json!({
        "eventVersion": event::VERSION,
        "userIdentity": { "accountId": account, "invokedBy": source },
        "eventTime": event::time(at),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": source,
        "userAgent": source,
        "requestParameters": null,
        "responseElements": null,
        "eventID": world.uuid(),
        "readOnly": false,
        "eventType": "AwsServiceEvent",
        "managementEvent": true,
        "recipientAccountId": account,
        "serviceEventDetails": details,
        "eventCategory": "Management",
    });
    let kind = "AWS Service Event via CloudTrail";
    let event = envelope(world, account, region, kind, "aws.organizations", at, detail);
    Some(Left { account: account.to_owned(), region: region.to_owned(), event })
}

/// Emits the event of a call that the management account's administrator made of Organizations, and that succeeded.
pub(crate) fn emit_by_administrator(world: &mut World, operation: &str, input: Value) {
    let Value::Object(input) = input else { return };
    let call = Call {
        service: Service::Organizations,
        operation: operation.to_owned(),
        input,
        region: world.partition.organizations_region.to_owned(),
        caller: Caller {
            account: world.organization.management.clone(),
            principal: Principal::Administrator,
            access_key: "test".to_owned(),
        },
        request_id: world.uuid(),
        at: world.now(),
    };
    emit(world, &call, &Ok(Value::Null));
}

fn envelope(
    world: &mut World,
    account: &str,
    region: &str,
    kind: &str,
    source: &str,
    at: Timestamp,
    detail: Value,
) -> Value {
    json!({
        "version": "0",
        "id": world.uuid(),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": event::time(at),
        "region": region,
        "resources": [],
        "detail": detail,
    })
}
