"""SNS: subscriptions."""

import json

from .frame import Context, pick, probe, tries
from .sns import attributes, topic


def subscribe(c: Context, arn: str, protocol: str = "email", endpoint: str = "a@example.com", **arguments) -> str:
    answer = c.central.sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint, **arguments)
    return answer["SubscriptionArn"]


def queue(c: Context) -> str:
    """A queue of the topic's own account, which needs no confirmation."""
    name = c.name("queue")
    c.central.sqs.create_queue(QueueName=name)
    return f"arn:aws:sqs:us-east-1:{c.central.id}:{name}"


def listed(c: Context, arn: str) -> list:
    return c.central.sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]


@probe
def subscribe_an_email(c: Context):
    arn = topic(c)
    answer = subscribe(c, arn)
    return {
        "answer": answer,
        "listed": [pick(entry, "SubscriptionArn", "Owner", "Protocol", "Endpoint") for entry in listed(c, arn)],
        "counts": pick(attributes(c, arn), "SubscriptionsConfirmed", "SubscriptionsPending"),
    }


@probe
def subscribe_an_email_and_be_told_the_arn(c: Context):
    arn = topic(c)
    return subscribe(c, arn, ReturnSubscriptionArn=True)


@probe
def subscribe_an_email_again(c: Context):
    arn = topic(c)
    first, second = (subscribe(c, arn, ReturnSubscriptionArn=True) for _ in range(2))
    return {"same": first == second, "listed": len(listed(c, arn))}


@probe
def subscribe_a_queue(c: Context):
    arn, endpoint = topic(c), queue(c)
    first, second = (subscribe(c, arn, "sqs", endpoint) for _ in range(2))
    return {
        "arn": first,
        "same": first == second,
        "listed": [entry["SubscriptionArn"] == first for entry in listed(c, arn)],
        "counts": pick(attributes(c, arn), "SubscriptionsConfirmed", "SubscriptionsPending"),
    }


@probe
def subscribe_again_with_other_attributes(c: Context):
    arn, endpoint = topic(c), queue(c)
    subscribe(c, arn, "sqs", endpoint, Attributes={"RawMessageDelivery": "true"})
    subscribe(c, arn, "sqs", endpoint, Attributes={"RawMessageDelivery": "false"})


@probe
def subscribe_a_web_address(c: Context):
    arn = topic(c)
    # Nothing listens there.
    answer = subscribe(c, arn, "http", "http://127.0.0.1:9/hook")
    return {"answer": answer, "listed": [entry["SubscriptionArn"] for entry in listed(c, arn)]}


@probe
def subscribe_endpoints_that_cannot_be(c: Context):
    arn = topic(c)
    return {
        "bad email": tries(subscribe, c=c, arn=arn, endpoint="nobody"),
        "unknown protocol": tries(subscribe, c=c, arn=arn, protocol="pigeon"),
        "sqs without an ARN": tries(subscribe, c=c, arn=arn, protocol="sqs", endpoint="queue"),
        "https without https": tries(subscribe, c=c, arn=arn, protocol="https", endpoint="http://example.com"),
        "no endpoint": tries(c.central.sns.subscribe, TopicArn=arn, Protocol="email"),
    }


@probe
def subscribe_with_attributes_that_cannot_be(c: Context):
    arn = topic(c)

    def attempt(protocol="sqs", **given):
        endpoint = queue(c) if protocol == "sqs" else "a@example.com"
        return tries(subscribe, c=c, arn=arn, protocol=protocol, endpoint=endpoint, Attributes=given)

    return {
        "unknown": attempt(Nothing="1"),
        "filter that is no JSON": attempt(FilterPolicy="no JSON"),
        "filter of a bare text": attempt(FilterPolicy='{"a": "b"}'),
        "raw email": attempt("email", RawMessageDelivery="true"),
    }


@probe
def unsubscribe(c: Context):
    sns, arn = c.central.sns, topic(c)
    subscription = subscribe(c, arn, "sqs", queue(c))
    return [
        tries(sns.unsubscribe, SubscriptionArn=subscription),
        tries(sns.get_subscription_attributes, SubscriptionArn=subscription),
        tries(sns.unsubscribe, SubscriptionArn=subscription),
        len(listed(c, arn)),
    ]


@probe
def unsubscribe_what_is_pending(c: Context):
    sns, arn = c.central.sns, topic(c)
    subscription = subscribe(c, arn, ReturnSubscriptionArn=True)
    return {
        "by the list's word": tries(sns.unsubscribe, SubscriptionArn="PendingConfirmation"),
        "by its ARN": tries(sns.unsubscribe, SubscriptionArn=subscription),
    }


@probe
def attributes_of_a_subscription(c: Context):
    sns, arn = c.central.sns, topic(c)
    subscription = subscribe(c, arn, "sqs", queue(c))
    call = sns.set_subscription_attributes

    def put(name, value):
        return tries(call, SubscriptionArn=subscription, AttributeName=name, AttributeValue=value)

    outcomes = {
        "raw": put("RawMessageDelivery", "true"),
        "filter": put("FilterPolicy", '{"kind": ["alert"]}'),
        "scope": put("FilterPolicyScope", "MessageBody"),
        "bad scope": put("FilterPolicyScope", "Anything"),
        "unknown": put("Nothing", "1"),
    }
    found = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    names = ("RawMessageDelivery", "FilterPolicy", "FilterPolicyScope", "PendingConfirmation", "Protocol", "Owner")
    return {**outcomes, "found": {name: found.get(name) for name in names}}


@probe
def a_subscription_that_does_not_exist(c: Context):
    sns, absent = c.central.sns, topic(c) + ":12345678-1234-1234-1234-123456789012"
    return {
        "get": tries(sns.get_subscription_attributes, SubscriptionArn=absent),
        "set": tries(
            sns.set_subscription_attributes,
            SubscriptionArn=absent,
            AttributeName="RawMessageDelivery",
            AttributeValue="true",
        ),
        "unsubscribe": tries(sns.unsubscribe, SubscriptionArn=absent),
        "no ARN": tries(sns.unsubscribe, SubscriptionArn="subscription"),
    }


@probe
def confirm_with_a_made_up_token(c: Context):
    c.central.sns.confirm_subscription(TopicArn=topic(c), Token="t" * 64)


@probe
def a_deleted_topic_takes_its_subscriptions_along(c: Context):
    sns, name = c.central.sns, c.name("topic")
    arn = sns.create_topic(Name=name)["TopicArn"]
    subscription = subscribe(c, arn, "sqs", queue(c))
    sns.delete_topic(TopicArn=arn)
    sns.create_topic(Name=name)
    return {
        "listed": len(listed(c, arn)),
        "get": tries(sns.get_subscription_attributes, SubscriptionArn=subscription),
    }


@probe
def list_subscriptions_in_pages_of_100(c: Context):
    arn = topic(c)
    for number in range(101):
        subscribe(c, arn, endpoint=f"a{number}@example.com")
    call = c.central.sns.list_subscriptions_by_topic
    first = call(TopicArn=arn)
    rest = call(TopicArn=arn, NextToken=first.get("NextToken", ""))
    return [len(first["Subscriptions"]), len(rest["Subscriptions"]), "NextToken" in rest]


@probe
def a_filter_policy_in_json(c: Context):
    sns, arn = c.central.sns, topic(c)
    policy = json.dumps({"detail": {"eventName": [{"prefix": "Create"}]}})
    given = {"FilterPolicy": policy, "FilterPolicyScope": "MessageBody"}
    subscription = subscribe(c, arn, "sqs", queue(c), Attributes=given)
    found = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    return {name: found.get(name) for name in given}
