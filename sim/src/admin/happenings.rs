//! What happens without anybody calling AWS: events, mails that are read, time.

use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Asked, Fault, elsewhere, known_account};
use crate::world::World;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    account: String,
    region: Option<String>,
    bus: Option<String>,
    event: Map<String, Value>,
}

/// Puts an event that AWS alone may put. What every event has and this one lacks is added.
pub(super) fn event(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Event { account, region, bus, mut event } = asked.body()?;
    known_account(world, &account)?;
    let region = region.unwrap_or_else(|| world.partition.iam_region.to_owned());
    let given = [
        ("version", json!("0")),
        ("id", json!(world.uuid())),
        ("account", json!(account)),
        ("time", json!(to_the_second(world))),
        ("region", json!(region)),
        ("resources", json!([])),
        ("detail", json!({})),
    ];
    for (name, value) in given {
        event.entry(name).or_insert(value);
    }
    for name in ["source", "detail-type"] {
        if !event.get(name).is_some_and(Value::is_string) {
            return Err(Fault::bad(format!("the event has no {name}")));
        }
    }
    let id = event.get("id").cloned();
    elsewhere::put_event(world, &account, &region, bus.as_deref().unwrap_or("default"), Value::Object(event));
    Ok(json!({ "event_id": id }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[serde(rename_all = "camelCase")]
struct IamEvent {
    account: String,
    event_name: String,
    /// Absent: IAM's Region.
    region: Option<String>,
    /// Absent: `iam.amazonaws.com`.
    event_source: Option<String>,
    /// Absent: a user named `alice` of the account.
    user_identity: Option<Value>,
    request_parameters: Option<Value>,
    response_elements: Option<Value>,
    #[serde(rename = "sourceIPAddress")]
    source_ip_address: Option<String>,
    user_agent: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
}

/// Puts the event of a call as CloudTrail would, whether a trail logs or not.
pub(super) fn iam_event(world: &mut World, asked: &Asked<'_>) -> Answer {
    let given: IamEvent = asked.body()?;
    let account = given.account;
    known_account(world, &account)?;
    let region = given.region.unwrap_or_else(|| world.partition.iam_region.to_owned());
    let event_source = given.event_source.unwrap_or_else(|| "iam.amazonaws.com".to_owned());
    let time = to_the_second(world);
    let identity = given.user_identity.unwrap_or_else(|| user(world, &account));
    let read_only = ["Get", "List", "Describe"].iter().any(|read| given.event_name.starts_with(read));
    let mut detail = json!({
        "eventVersion": "1.11",
        "userIdentity": identity,
        "eventTime": time,
        "eventSource": event_source,
        "eventName": given.event_name,
        "awsRegion": region,
        "sourceIPAddress": given.source_ip_address.unwrap_or_else(|| "198.51.100.7".to_owned()),
        "userAgent": given.user_agent.unwrap_or_else(|| "aws-cli/2.31.0".to_owned()),
        "requestParameters": given.request_parameters,
        "responseElements": given.response_elements,
        "requestID": world.uuid(),
        "eventID": world.uuid(),
        "readOnly": read_only,
        "eventType": "AwsApiCall",
        "managementEvent": true,
        "recipientAccountId": account,
        "eventCategory": "Management",
    });
    for (name, value) in [("errorCode", given.error_code), ("errorMessage", given.error_message)] {
        if let Some(value) = value {
            detail[name] = json!(value);
        }
    }
    let id = world.uuid();
    let service = event_source.split('.').next().unwrap_or("iam");
    let event = json!({
        "version": "0",
        "id": id,
        "detail-type": "AWS API Call via CloudTrail",
        "source": format!("aws.{service}"),
        "account": account,
        "time": time,
        "region": region,
        "resources": [],
        "detail": detail,
    });
    elsewhere::put_event(world, &account, &region, "default", event.clone());
    Ok(json!({ "event_id": id, "event": event }))
}

fn user(world: &mut World, account: &str) -> Value {
    let principal = world.unique_id("AIDA", 17);
    json!({
        "type": "IAMUser",
        "principalId": principal,
        "arn": format!("arn:{}:iam::{account}:user/alice", world.partition.name),
        "accountId": account,
        "accessKeyId": world.unique_id("AKIA", 16),
        "userName": "alice",
    })
}

/// AWS's events tell the time to the second.
fn to_the_second(world: &World) -> String {
    world.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    topic_arn: String,
    endpoint: String,
}

pub(super) fn confirm(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Subscription { topic_arn, endpoint } = asked.body()?;
    if elsewhere::confirm(world, &topic_arn, &endpoint) {
        return Ok(json!({ "confirmed": true }));
    }
    Err(Fault::absent(format!("no subscription of {endpoint} to {topic_arn} waits for confirmation")))
}

pub(super) fn unsubscribe(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Subscription { topic_arn, endpoint } = asked.body()?;
    if elsewhere::click_unsubscribe(world, &topic_arn, &endpoint) {
        return Ok(json!({ "unsubscribed": true }));
    }
    Err(Fault::absent(format!("no link takes the subscription of {endpoint} to {topic_arn} away")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    seconds: u32,
}

pub(super) fn advance(world: &mut World, asked: &Asked<'_>) -> Answer {
    let Advance { seconds } = asked.body()?;
    world.clock.advance(SignedDuration::from_secs(i64::from(seconds)));
    Ok(json!({ "time": world.now() }))
}
