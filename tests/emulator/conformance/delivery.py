"""Delivery: from an event on a bus to a queue."""

import json

from .cloudtrail import trail
from .events_permission import statement
from .frame import Context, allow, document, probe, tries

EVENTS = {"Service": "events.amazonaws.com"}

# How long nothing must arrive until it counts as nothing.
NOTHING = 0.15


def queue(c: Context, caller, principal=None, **more) -> tuple[str, str]:
    """A queue that EventBridge may send to: its URL and ARN."""
    url = caller.sqs.create_queue(QueueName=c.name("queue"))["QueueUrl"]
    arn = caller.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    if principal != "nobody":
        policy = document(allow("sqs:SendMessage", resource=arn, Principal=principal or EVENTS, **more))
        caller.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return url, arn


def rule(c: Context, caller, source: str, *targets: dict, bus: str = "default", **arguments) -> str:
    """A rule for events of the source, with its targets; answers its ARN."""
    name = c.name("rule")
    arguments = {"EventPattern": json.dumps({"source": [source]})} | arguments
    arn = caller.events.put_rule(Name=name, EventBusName=bus, **arguments)["RuleArn"]
    given = [{"Id": f"t{number}"} | target for number, target in enumerate(targets)]
    answer = caller.events.put_targets(Rule=name, EventBusName=bus, Targets=given)
    if answer["FailedEntryCount"]:
        raise ValueError(answer["FailedEntries"][0]["ErrorCode"])
    return arn


def put(caller, source: str, bus: str = "default", detail: dict | None = None, **fields) -> dict:
    entry = {"Source": source, "DetailType": "probe", "Detail": json.dumps(detail or {"eventName": "CreateUser"})}
    return caller.events.put_events(Entries=[entry | {"EventBusName": bus} | fields])


def take(c: Context, caller, url: str, wanted: int = 1, seconds: float = 2.0) -> list[dict]:
    """The messages of the queue, waited for until there are as many as wanted."""
    found = []

    def look():
        answer = caller.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        )
        found.extend(answer.get("Messages", []))
        return len(found) >= wanted

    c.until(look, seconds)
    return found


def bodies(c: Context, caller, url: str, wanted: int = 1, seconds: float = 2.0) -> list:
    """As `take`: what was written in them."""
    return [json.loads(message["Body"]) for message in take(c, caller, url, wanted, seconds)]


def trail_of(c: Context, caller) -> None:
    """A trail that logs everything, as CloudTrail events need."""
    caller.cloudtrail.start_logging(Name=trail(c, caller, IsMultiRegionTrail=True))


def arrives(c: Context, caller, url: str) -> int:
    return len(take(c, caller, url, seconds=2.0))


def arrives_not(c: Context, caller, url: str) -> int:
    return len(take(c, caller, url, seconds=NOTHING))


def central_bus(c: Context, **more) -> tuple[str, str]:
    """A bus in the central account that the organization may put events on: its name and ARN."""
    name = c.name("bus")
    arn = c.central.events.create_event_bus(Name=name)["EventBusArn"]
    c.central.events.put_permission(EventBusName=name, Policy=json.dumps(document(statement(c, name, **more))))
    return name, arn


def forwarder(c: Context, bus: str, trust: dict | None = None) -> str:
    """A member's role that may put events on the bus."""
    return c.role(c.member, trust or EVENTS, allow("events:PutEvents", resource=bus))


def forwarded(c: Context, source: str, bus: tuple[str, str]) -> str:
    """A queue behind the central bus that gets what the source sends."""
    url, arn = queue(c, c.central)
    rule(c, c.central, source, {"Arn": arn}, bus=bus[0])
    return url


@probe
def to_a_queue(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member)
    rule(c, c.member, source, {"Arn": arn})
    put(c.member, source, Resources=["arn:aws:iam::111122223333:role/a"])
    event = bodies(c, c.member, url)[0]
    names = ("version", "source", "account", "region", "detail-type", "resources", "detail")
    return {**{name: event.get(name) for name in names}, "id": bool(event.get("id")), "time": bool(event.get("time"))}


@probe
def what_the_pattern_does_not_match_stays(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member)
    rule(c, c.member, source, {"Arn": arn})
    put(c.member, source + "-no")
    return arrives_not(c, c.member, url)


@probe
def to_two_targets(c: Context):
    source = c.name("source")
    one, two = queue(c, c.member), queue(c, c.member)
    rule(c, c.member, source, {"Arn": one[1]}, {"Arn": two[1]})
    put(c.member, source)
    return [arrives(c, c.member, one[0]), arrives(c, c.member, two[0])]


@probe
def a_disabled_rule(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member)
    rule(c, c.member, source, {"Arn": arn}, State="DISABLED")
    put(c.member, source)
    return arrives_not(c, c.member, url)


@probe
def a_rule_without_its_target(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member)
    name = rule(c, c.member, source, {"Arn": arn}).rpartition("/")[2]
    c.member.events.remove_targets(Rule=name, Ids=["t0"])
    put(c.member, source)
    return arrives_not(c, c.member, url)


@probe
def a_rule_on_another_bus(c: Context):
    source, bus = c.name("source"), c.name("bus")
    c.member.events.create_event_bus(Name=bus)
    url, arn = queue(c, c.member)
    rule(c, c.member, source, {"Arn": arn}, bus=bus)
    put(c.member, source)
    before = arrives_not(c, c.member, url)
    put(c.member, source, bus)
    return {"default": before, "its own": arrives(c, c.member, url)}


@probe
def a_rule_in_another_region(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member)
    rule(c, c.member, source, {"Arn": arn})
    entry = {"Source": source, "DetailType": "probe", "Detail": "{}"}
    c.member.client("events", "eu-west-1").put_events(Entries=[entry])
    return arrives_not(c, c.member, url)


@probe
def a_queue_without_a_policy(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member, "nobody")
    rule(c, c.member, source, {"Arn": arn})
    put(c.member, source)
    return arrives_not(c, c.member, url)


@probe
def a_queue_that_admits_one_rule(c: Context):
    one, two = c.name("source"), c.name("source")
    url, arn = queue(c, c.member, "nobody")
    right = rule(c, c.member, one, {"Arn": arn})
    rule(c, c.member, two, {"Arn": arn})
    condition = {"ArnEquals": {"aws:SourceArn": right}}
    policy = document(allow("sqs:SendMessage", resource=arn, Principal=EVENTS, Condition=condition))
    c.member.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    put(c.member, one)
    admitted = arrives(c, c.member, url)
    put(c.member, two)
    return {"that rule": admitted, "another": arrives_not(c, c.member, url)}


@probe
def a_dead_letter_queue(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member)
    target = {"Arn": arn.replace("queue-", "absent-"), "DeadLetterConfig": {"Arn": arn}}
    rule(c, c.member, source, target)
    put(c.member, source)
    messages = take(c, c.member, url)
    attributes = messages[0].get("MessageAttributes", {})
    return {name: attributes.get(name, {}).get("StringValue") for name in ("RULE_ARN", "TARGET_ARN", "ERROR_CODE")}


@probe
def a_dead_letter_queue_after_a_missing_permission(c: Context):
    source = c.name("source")
    closed, dead = queue(c, c.member, "nobody"), queue(c, c.member)
    rule(c, c.member, source, {"Arn": closed[1], "DeadLetterConfig": {"Arn": dead[1]}})
    put(c.member, source)
    messages = take(c, c.member, dead[0])
    return [message["MessageAttributes"]["ERROR_CODE"]["StringValue"] for message in messages]


@probe
def over_the_central_bus(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": forwarder(c, bus[1])})
    put(c.member, source, Resources=["arn:aws:iam::111122223333:role/a"])
    event = bodies(c, c.central, url)[0]
    return {name: event.get(name) for name in ("account", "region", "source", "detail", "resources")}


@probe
def over_a_central_bus_without_a_policy(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": forwarder(c, bus[1])})
    c.central.events.remove_permission(EventBusName=bus[0], RemoveAllPermissions=True)
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def over_a_central_bus_of_another_organization(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": forwarder(c, bus[1])})
    other = statement(c, bus[0], Condition={"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}})
    c.central.events.put_permission(EventBusName=bus[0], Policy=json.dumps(document(other)))
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def over_the_central_bus_by_a_role_without_rights(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    role = forwarder(c, bus[1])
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": role})
    c.member.iam.delete_role_policy(RoleName=role.rpartition("/")[2], PolicyName="rights")
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def over_the_central_bus_by_a_role_that_is_gone(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    role = forwarder(c, bus[1])
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": role})
    name = role.rpartition("/")[2]
    c.member.iam.delete_role_policy(RoleName=name, PolicyName="rights")
    c.member.iam.delete_role(RoleName=name)
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def over_the_central_bus_from_another_region(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    abroad = c.member.client("events", "eu-west-1")
    name = c.name("rule")
    abroad.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    abroad.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": bus[1], "RoleArn": forwarder(c, bus[1])}])
    abroad.put_events(Entries=[{"Source": source, "DetailType": "probe", "Detail": "{}"}])
    return [event.get("region") for event in bodies(c, c.central, url)]


@probe
def no_third_hop(c: Context):
    source, first, second = c.name("source"), central_bus(c), c.name("bus")
    last = c.central.events.create_event_bus(Name=second)["EventBusArn"]
    c.central.events.put_permission(
        EventBusName=second, Policy=json.dumps(document(statement(c, second)))
    )
    url = forwarded(c, source, (second, last))
    role = c.role(c.central, EVENTS, allow("events:PutEvents", resource=last))
    rule(c, c.central, source, {"Arn": last, "RoleArn": role}, bus=first[0])
    rule(c, c.member, source, {"Arn": first[1], "RoleArn": forwarder(c, first[1])})
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def put_straight_on_the_central_bus(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    put(c.member, source, bus[1])
    return [event.get("account") for event in bodies(c, c.central, url)]


@probe
def put_straight_on_a_bus_without_a_policy(c: Context):
    name = c.name("bus")
    arn = c.central.events.create_event_bus(Name=name)["EventBusArn"]
    return {"refused": tries(put, caller=c.member, source="a", bus=arn) != "ok"}


@probe
def iam_calls_are_events(c: Context):
    trail_of(c, c.member)
    url, arn = queue(c, c.member)
    user = c.name("user")
    pattern = {"source": ["aws.iam"], "detail": {"eventName": ["CreateUser"]}}
    rule(c, c.member, "aws.iam", {"Arn": arn}, EventPattern=json.dumps(pattern))
    c.member.iam.create_user(UserName=user)
    event = bodies(c, c.member, url)[0]
    detail = event["detail"]
    names = ("eventSource", "eventName", "awsRegion", "eventType", "readOnly", "recipientAccountId")
    return {
        **{name: event.get(name) for name in ("source", "account", "region", "detail-type")},
        **{name: detail.get(name) for name in names},
        "requestParameters": detail["requestParameters"],
        "by": detail["userIdentity"]["type"],
    }


@probe
def reads_are_no_events_for_an_ordinary_rule(c: Context):
    trail_of(c, c.member)
    ordinary, everything = queue(c, c.member), queue(c, c.member)
    user = c.name("user")
    c.member.iam.create_user(UserName=user)
    pattern = {"source": ["aws.iam"], "detail": {"requestParameters": {"userName": [user]}}}
    text = json.dumps(pattern)
    rule(c, c.member, "aws.iam", {"Arn": ordinary[1]}, EventPattern=text)
    state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
    rule(c, c.member, "aws.iam", {"Arn": everything[1]}, EventPattern=text, State=state)
    c.member.iam.get_user(UserName=user)
    return {
        "all management events": arrives(c, c.member, everything[0]),
        "ordinary": arrives_not(c, c.member, ordinary[0]),
    }
