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
    if event::is_management(call) && !event::is_unlogged(call, result) {
        let source = event::source(call.service);
        let what = Happening {
            source: &source,
            name: &call.operation,
            read_only: reads_only(&call.operation),
            service_event: false,
        };
        // The accounts it is logged in share an id of the event.
        let owner = event::other_account(world, call, result);
        let shared = owner.is_some().then(|| world.uuid());
        for recipient in [Some(call.caller.account.clone()), owner].into_iter().flatten() {
            emit_in(world, call, result, &recipient, &what, shared.as_deref());
        }
    }
    organizations::settle(world);
}

fn emit_in(
    world: &mut World,
    call: &Call,
    result: &Result<Value, Refusal>,
    recipient: &str,
    what: &Happening<'_>,
    shared: Option<&str>,
) {
    let (region, global) = place(world, call);
    let heard = hears(world, recipient, &region, what.read_only);
    if !heard || !is_logged(world, recipient, &region, global, what) {
        return;
    }
    let id = world.uuid();
    let mut detail = event::detail(world, call, result, recipient, &region);
    detail["eventID"] = id.into();
    if let Some(shared) = shared {
        detail["sharedEventID"] = shared.into();
    }
    let source = format!("aws.{}", call.service.prefix());
    put(world, recipient, &region, "AWS API Call via CloudTrail", &source, call.at, detail);
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
    // Archives hear too, so only what nobody but rules would want is left out: reads.
    let events = regional.events.seen(world.now(), world.lags.effect);
    !read_only || events.buses.get("default").is_some_and(|bus| !bus.rules.is_empty())
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
    let region = world.partition.organizations_region;
    let source = event::source(Service::Organizations);
    let what = Happening { source: &source, name, read_only: false, service_event: true };
    if !hears(world, account, region, false) || !is_logged(world, account, region, true, &what) {
        return;
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
    put(world, account, region, "AWS Service Event via CloudTrail", "aws.organizations", at, detail);
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

fn put(
    world: &mut World,
    account: &str,
    region: &str,
    kind: &str,
    source: &str,
    at: Timestamp,
    detail: Value,
) {
    let event = json!({
        "version": "0",
        "id": world.uuid(),
        "detail-type": kind,
        "source": source,
        "account": account,
        "time": event::time(at),
        "region": region,
        "resources": [],
        "detail": detail,
    });
    delivery::put(world, account, region, "default", event);
}
