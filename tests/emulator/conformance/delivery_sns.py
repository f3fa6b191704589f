"""Delivery: messages made by input transformers, and over topics."""

import json

from .delivery import (
    EVENTS,
    arrives,
    arrives_not,
    bodies,
    central_bus,
    forwarder,
    put,
    queue,
    rule,
    take,
)
from .frame import Context, allow, document, probe


def topic(c: Context, caller, policy: bool = True) -> str:
    arn = caller.sns.create_topic(Name=c.name("topic"))["TopicArn"]
    if policy:
        text = json.dumps(document(allow("sns:Publish", resource=arn, Principal=EVENTS)))
        caller.sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=text)
    return arn


def subscribed(c: Context, caller, arn: str, **attributes: str) -> str:
    """A queue that subscribes to the topic."""
    url, endpoint = queue(c, caller, {"Service": "sns.amazonaws.com"})
    caller.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint, Attributes=attributes)
    return url


@probe
def publish_to_a_queue(c: Context):
    arn = topic(c, c.member)
    url = subscribed(c, c.member, arn)
    c.member.sns.publish(TopicArn=arn, Message="message", Subject="subject")
    envelope = bodies(c, c.member, url)[0]
    return {name: envelope.get(name) for name in ("Type", "TopicArn", "Message", "Subject")}


@probe
def publish_raw_to_a_queue(c: Context):
    arn = topic(c, c.member)
    url = subscribed(c, c.member, arn, RawMessageDelivery="true")
    c.member.sns.publish(TopicArn=arn, Message="message")
    return [message["Body"] for message in take(c, c.member, url)]


@probe
def publish_to_a_queue_without_a_policy(c: Context):
    arn = topic(c, c.member)
    url, endpoint = queue(c, c.member, "nobody")
    c.member.sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=endpoint)
    c.member.sns.publish(TopicArn=arn, Message="message")
    return arrives_not(c, c.member, url)


@probe
def publish_through_a_filter(c: Context):
    arn = topic(c, c.member)
    policy = json.dumps({"kind": ["alert"]})
    url = subscribed(c, c.member, arn, FilterPolicy=policy, FilterPolicyScope="MessageBody")
    c.member.sns.publish(TopicArn=arn, Message=json.dumps({"kind": "noise"}))
    noise = arrives_not(c, c.member, url)
    c.member.sns.publish(TopicArn=arn, Message=json.dumps({"kind": "alert"}))
    return {"noise": noise, "alert": arrives(c, c.member, url)}


@probe
def to_a_topic(c: Context):
    source, arn = c.name("source"), topic(c, c.member)
    url = subscribed(c, c.member, arn)
    rule(c, c.member, source, {"Arn": arn})
    put(c.member, source)
    event = json.loads(bodies(c, c.member, url)[0]["Message"])
    return {name: event.get(name) for name in ("source", "detail", "account")}


@probe
def to_a_topic_without_a_policy(c: Context):
    source, arn = c.name("source"), topic(c, c.member, policy=False)
    url = subscribed(c, c.member, arn)
    rule(c, c.member, source, {"Arn": arn})
    put(c.member, source)
    return arrives_not(c, c.member, url)


@probe
def from_a_member_over_the_central_bus_to_a_topic(c: Context):
    source, bus, arn = c.name("source"), central_bus(c), topic(c, c.central)
    url = subscribed(c, c.central, arn)
    rule(c, c.central, source, {"Arn": arn}, bus=bus[0])
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": forwarder(c, bus[1])})
    put(c.member, source)
    event = json.loads(bodies(c, c.central, url)[0]["Message"])
    return {name: event.get(name) for name in ("source", "detail", "account")}


def transformed(c: Context, template: str, paths: dict | None = None, **target) -> str:
    source = c.name("source")
    url, arn = queue(c, c.member)
    transformer = {"InputPathsMap": paths or {}, "InputTemplate": template}
    rule(c, c.member, source, {"Arn": arn} | (target or {"InputTransformer": transformer}))
    put(c.member, source, detail={"eventName": "CreateUser", "who": {"name": "ann"}, "list": [1, 2]})
    return take(c, c.member, url)[0]["Body"]


@probe
def a_text_template(c: Context):
    return transformed(c, '"<name> by <who>"', {"name": "$.detail.eventName", "who": "$.detail.who.name"})


@probe
def a_json_template(c: Context):
    paths = {"name": "$.detail.eventName", "who": "$.detail.who", "list": "$.detail.list"}
    return json.loads(transformed(c, '{"name": "<name>", "who": <who>, "list": <list>, "n": <name>}', paths))


@probe
def a_template_of_several_lines(c: Context):
    return transformed(c, '"first <name>"\n"second"', {"name": "$.detail.eventName"})


@probe
def a_template_with_the_whole_event(c: Context):
    body = json.loads(transformed(c, '{"event": <aws.events.event.json>, "rule": "<aws.events.rule-name>"}'))
    return {"detail": body["event"]["detail"], "rule": body["rule"]}


@probe
def a_template_with_an_absent_path(c: Context):
    return json.loads(transformed(c, '{"name": "<name>"}', {"name": "$.detail.nothing"}))


@probe
def a_constant_input(c: Context):
    return {"a": json.loads(transformed(c, "", Input='{"a": 1}')).get("a")}


@probe
def a_path_of_the_input(c: Context):
    return {"name": json.loads(transformed(c, "", InputPath="$.detail.who")).get("name")}
