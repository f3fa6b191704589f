//! How a subscription gets confirmed: what is sent to its endpoint, and what the endpoint's owner does with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::arn::{TopicArn, invalid};
use super::publishing::asker;
use super::state::{Standing, Subscription, Token};
use super::{Found, find, regional, subscriptions, write};
use crate::call::{Call, Refusal};
use crate::delivery::Received;
use crate::policy::Context;
use crate::service::sqs;
use crate::world::World;

/// The letters of a token.
const TOKEN_LENGTH: usize = 128;

/// Sends the endpoint a request to confirm its subscription.
///
/// The outbox gets it under the protocol `confirmation`, a queue its own copy as well.
pub(super) fn ask(world: &mut World, topic: TopicArn<'_>, subscription: &Subscription) {
    let now = world.now();
    let token: String = (0..TOKEN_LENGTH / 32).map(|_| world.uuid().replace('-', "")).collect();
    let mailroom = &mut world.regional(topic.account, topic.region).mailroom;
    let valid_for = mailroom.options.token_valid_for;
    mailroom.tokens.retain(|_, token| now.duration_since(token.sent_at) < valid_for);
    let sent = Token { topic: topic.text.to_owned(), id: subscription.id().to_owned(), sent_at: now };
    mailroom.tokens.insert(token.clone(), sent);
    let address = format!("{} {} {}", topic.text, subscription.protocol, subscription.endpoint);
    *mailroom.confirmations.entry(address).or_default() += 1;
    let link = format!(
        "https://sns.{}.{}/?Action=ConfirmSubscription&TopicArn={}&Token={token}",
        topic.region, world.partition.dns_suffix, topic.text
    );
    let mail = matches!(subscription.protocol.as_str(), "email");
    let body = if mail {
        format!("You have chosen to subscribe to the topic: {}\nConfirm subscription: {link}", topic.text)
    } else {
        json!({
            "Type": "SubscriptionConfirmation",
            "MessageId": world.uuid(),
            "Token": token,
            "TopicArn": topic.text,
            "Message": format!(
                "You have chosen to subscribe to the topic {}.\nTo confirm the subscription, visit the SubscribeURL included in this message.",
                topic.text
            ),
            "SubscribeURL": link,
            "Timestamp": format!("{now:.3}"),
            "SignatureVersion": "1",
        })
        .to_string()
    };
    if subscription.protocol == "sqs" {
        let sns = asker(topic);
        // A queue that does not admit SNS never learns of it, and the subscription vanishes.
        sqs::send(world, &subscription.endpoint, &body, &BTreeMap::new(), &sns).ok();
    }
    let subject = mail.then(|| "AWS Notification - Subscription Confirmation".to_owned());
    record(world, topic, "confirmation", subscription, subject, body);
}

/// Tells an endpoint that somebody else ended its subscription.
pub(super) fn tell_cancelled(world: &mut World, topic: TopicArn<'_>, subscription: &Subscription) {
    let body = format!("You have chosen to deactivate subscription {}.", subscription.arn);
    let subject = Some("AWS Notification - Unsubscribe Confirmation".to_owned());
    record(world, topic, "cancellation", subscription, subject, body);
}

fn record(
    world: &mut World,
    topic: TopicArn<'_>,
    protocol: &str,
    subscription: &Subscription,
    subject: Option<String>,
    body: String,
) {
    let received = Received {
        at: world.now(),
        topic_arn: topic.text.to_owned(),
        protocol: protocol.to_owned(),
        endpoint: subscription.endpoint.clone(),
        subject,
        body,
    };
    world.outbox.record(received);
}

/// AWS: ConfirmSubscription with a token that was used already answers the subscription again.
pub(super) fn confirm_by_token(world: &mut World, call: &Call) -> Result<Value, Refusal> {
    let topic = TopicArn::of(call, world, "TopicArn")?;
    // A topic's policy cannot grant this action, so only the caller's own policies are asked.
    world.authorize(call, "sns:ConfirmSubscription", topic.text, Context::new())?;
    let text = call.text("Token").unwrap_or_default();
    if text.len() < TOKEN_LENGTH || !text.bytes().all(|letter| letter.is_ascii_hexdigit()) {
        return Err(Refusal::bad("InvalidParameter", "Invalid token"));
    }
    let id = regional(world, topic).and_then(|regional| {
        let token = regional.mailroom.tokens.get(text)?;
        let works = token.topic == topic.text && regional.mailroom.valid(token, world.now());
        works.then(|| token.id.clone())
    });
    let id = id.ok_or_else(|| invalid("Token"))?;
    let found = Found::current(world, topic).map_err(|_| invalid("Token"))?;
    let subscription = found.topic.subscriptions.get(&id);
    let subscription = subscription.filter(|each| each.lives(found.now, found.options));
    let subscription = Arc::clone(subscription.ok_or_else(|| invalid("Token"))?);
    if subscription.pending() {
        let authenticated = call.flag("AuthenticateOnUnsubscribe") == Some(true);
        subscriptions::stand(world, topic, &id, Standing::Confirmed { authenticated });
    }
    Ok(json!({ "SubscriptionArn": subscription.arn }))
}

/// Clicks the link of the newest confirmation mail for an endpoint; whether that confirmed a subscription.
///
/// The link must have been sent since the subscription became pending: one that was sent back for its volume needs a
/// new mail.
pub fn confirm(world: &mut World, topic_arn: &str, endpoint: &str) -> bool {
    let Some(topic) = TopicArn::parse(topic_arn) else { return false };
    let Some(regional) = regional(world, topic) else { return false };
    let now = world.now();
    let linked = |subscription: &Subscription| {
        let Standing::Pending { since } = subscription.standing else { return false };
        regional.mailroom.tokens.values().any(|token| {
            token.id == subscription.id() && token.sent_at >= since && regional.mailroom.valid(token, now)
        })
    };
    let found = find(world, topic).and_then(|found| {
        found
            .living(now, &regional.mailroom.options)
            .find(|each| each.endpoint == endpoint && linked(each))
            .map(|each| each.id().to_owned())
    });
    let Some(id) = found else { return false };
    subscriptions::stand(world, topic, &id, Standing::Confirmed { authenticated: false });
    true
}

/// Clicks the unsubscribe link of a message that an endpoint got; whether that ended a subscription.
///
/// AWS: the link works for whoever has it, unless the subscription was confirmed with `AuthenticateOnUnsubscribe`.
pub fn click_unsubscribe(world: &mut World, topic_arn: &str, endpoint: &str) -> bool {
    let Some(topic) = TopicArn::parse(topic_arn) else { return false };
    let found = find(world, topic).and_then(|found| {
        found
            .subscriptions
            .values()
            .find(|each| {
                each.endpoint == endpoint && each.standing == Standing::Confirmed { authenticated: false }
            })
            .map(Arc::clone)
    });
    let Some(gone) = found else { return false };
    match write(world, topic) {
        Ok(topic) => topic.remove(gone.id()),
        Err(_) => return false,
    };
    tell_cancelled(world, topic, &gone);
    true
}
