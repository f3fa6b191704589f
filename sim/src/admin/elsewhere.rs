//! What the interface has done by the services, in one place.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::call::Refusal;
use crate::delivery;
use crate::service::{organizations, sns, sts};
use crate::world::World;

pub(super) fn join(
    world: &mut World,
    name: &str,
    email: &str,
    parent: &str,
    tags: BTreeMap<String, String>,
    member_role_after: SignedDuration,
) -> String {
    organizations::join(world, name, email, parent, tags, member_role_after)
}

pub(super) fn depart(world: &mut World, id: &str) -> bool {
    organizations::depart(world, id)
}

pub(super) fn close(world: &mut World, id: &str) -> bool {
    organizations::close(world, id)
}

pub(super) fn move_to(world: &mut World, id: &str, parent: &str) -> bool {
    organizations::move_to(world, id, parent)
}

/// Credentials in the form of AWS's `credential_process`.
pub(super) fn credentials(
    world: &mut World,
    account: &str,
    role: &str,
    session_name: &str,
    duration: SignedDuration,
) -> Result<Value, Refusal> {
    let issued = sts::issue(world, account, role, session_name, Vec::new(), duration)?;
    Ok(json!({
        "Version": 1,
        "AccessKeyId": issued.access_key_id,
        "SecretAccessKey": issued.secret_access_key,
        "SessionToken": issued.session_token,
        "Expiration": issued.expires_at,
    }))
}

pub(super) fn put_event(world: &mut World, account: &str, region: &str, bus: &str, event: Value) {
    delivery::put(world, account, region, bus, event);
}

pub(super) fn confirm(world: &mut World, topic_arn: &str, endpoint: &str) -> bool {
    sns::confirm(world, topic_arn, endpoint)
}

pub(super) fn click_unsubscribe(world: &mut World, topic_arn: &str, endpoint: &str) -> bool {
    sns::click_unsubscribe(world, topic_arn, endpoint)
}

/// What subscribers of a topic received, or all, oldest first.
pub(super) fn received(world: &World, topic: Option<&str>) -> Vec<Value> {
    let of_topic =
        world.outbox.all().filter(|received| topic.is_none_or(|topic| received.topic_arn == topic));
    let flat = |received: &delivery::Received| {
        let at: Timestamp = received.at;
        json!({
            "at": at,
            "topic_arn": received.topic_arn,
            "protocol": received.protocol,
            "endpoint": received.endpoint,
            "subject": received.subject,
            "body": received.body,
        })
    };
    of_topic.map(flat).collect()
}

pub(super) fn clear_received(world: &mut World) {
    world.outbox.clear();
}
