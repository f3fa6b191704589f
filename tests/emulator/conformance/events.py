"""EventBridge: buses, rules, tags, archives, patterns."""

import json

from .frame import Context, pick, probe, tags, tries

PATTERN = json.dumps({"source": ["aws.iam"]})
ABSENT = "arn:aws:events:us-east-1:{}:rule/absent"


def bus(c: Context, **arguments) -> str:
    name = c.name("bus")
    c.central.events.create_event_bus(Name=name, **arguments)
    return name


def rule(c: Context, **arguments) -> str:
    name = c.name("rule")
    c.central.events.put_rule(Name=name, **{"EventPattern": PATTERN} | arguments)
    return name


def put(c: Context, **arguments) -> str:
    return tries(c.central.events.put_rule, **{"Name": c.name("rule"), "EventPattern": PATTERN} | arguments)


@probe
def create_and_describe_a_bus(c: Context):
    name = c.name("bus")
    made = c.central.events.create_event_bus(Name=name, Description="what for")
    found = c.central.events.describe_event_bus(Name=name)
    return {
        "made": pick(made, "EventBusArn", "Description"),
        "found": pick(found, "Name", "Arn", "Description", "Policy"),
    }


@probe
def describe_a_bus_by_its_arn(c: Context):
    arn = f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{bus(c)}"
    return pick(c.central.events.describe_event_bus(Name=arn), "Arn", "Name")


@probe
def create_a_bus_again(c: Context):
    c.central.events.create_event_bus(Name=bus(c))


@probe
def create_buses_with_names_that_cannot_be(c: Context):
    call = c.central.events.create_event_bus
    return {
        "default": tries(call, Name="default"),
        "with a slash": tries(call, Name=c.name("a/b")),
        "with a space": tries(call, Name=c.name("a b")),
        "257 letters": tries(call, Name=c.name("b" * 257)),
        "long description": tries(call, Name=c.name("bus"), Description="d" * 513),
    }


@probe
def every_account_has_a_default_bus(c: Context):
    return pick(c.other.client("events", "eu-west-1").describe_event_bus(), "Name", "Arn")


@probe
def change_a_bus(c: Context):
    name = bus(c, Description="old")
    c.central.events.update_event_bus(Name=name, Description="new")
    return pick(c.central.events.describe_event_bus(Name=name), "Description")


@probe
def buses_that_do_not_exist(c: Context):
    events = c.central.events
    return {
        "describe": tries(events.describe_event_bus, Name="absent"),
        "delete": tries(events.delete_event_bus, Name="absent"),
        "list rules": tries(events.list_rules, EventBusName="absent"),
        "put rule": put(c, EventBusName="absent"),
        "delete rule": tries(events.delete_rule, Name="absent", EventBusName="absent"),
        "describe rule": tries(events.describe_rule, Name="absent", EventBusName="absent"),
    }


@probe
def change_a_bus_that_does_not_exist(c: Context):
    c.central.events.update_event_bus(Name="absent", Description="new")


@probe
def delete_the_default_bus(c: Context):
    c.other.events.delete_event_bus(Name="default")


@probe
def delete_a_bus(c: Context):
    name = bus(c)
    c.central.events.delete_event_bus(Name=name)
    return tries(c.central.events.describe_event_bus, Name=name)


@probe
def delete_a_bus_with_rules(c: Context):
    name = bus(c)
    rule(c, EventBusName=name)
    return tries(c.central.events.delete_event_bus, Name=name)


@probe
def list_buses(c: Context):
    prefix = c.name("many")
    for number in range(3):
        c.central.events.create_event_bus(Name=f"{prefix}-{number}")
    first = c.central.events.list_event_buses(NamePrefix=prefix, Limit=2)
    rest = c.central.events.list_event_buses(NamePrefix=prefix, Limit=2, NextToken=first.get("NextToken", ""))
    return [[entry["Name"] for entry in page["EventBuses"]] for page in (first, rest)]


@probe
def put_and_describe_a_rule(c: Context):
    name = c.name("rule")
    made = c.central.events.put_rule(Name=name, EventPattern=PATTERN, Description="what for", State="DISABLED")
    found = c.central.events.describe_rule(Name=name)
    fields = ("Name", "Arn", "EventPattern", "State", "Description", "EventBusName", "CreatedBy", "ManagedBy")
    return {"made": pick(made, "RuleArn"), "found": pick(found, *fields)}


@probe
def arn_of_a_rule_on_a_custom_bus(c: Context):
    name = bus(c)
    made = c.central.events.put_rule(Name="r", EventBusName=name, EventPattern=PATTERN)
    by_arn = c.central.events.describe_rule(
        Name="r", EventBusName=f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{name}"
    )
    return {**pick(made, "RuleArn"), "by the bus's ARN": pick(by_arn, "Arn")}


@probe
def put_rule_replaces_the_whole_rule(c: Context):
    name = rule(c, Description="old", State="DISABLED")
    c.central.events.put_rule(Name=name, EventPattern='{"source": ["aws.sts"]}')
    return pick(c.central.events.describe_rule(Name=name), "EventPattern", "State", "Description")


@probe
def put_rule_ignores_tags_of_a_rule_that_exists(c: Context):
    name = c.name("rule")
    arn = c.central.events.put_rule(Name=name, EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "1"}])["RuleArn"]
    c.central.events.put_rule(Name=name, EventPattern=PATTERN, Tags=[{"Key": "a", "Value": "2"}])
    return tags(c.central.events.list_tags_for_resource(ResourceARN=arn)["Tags"])


@probe
def states_of_a_rule(c: Context):
    return {
        state: put(c, State=state)
        for state in ("ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS")
    }


@probe
def put_a_rule_with_an_unknown_state(c: Context):
    return put(c, State="BOGUS")


@probe
def put_rules_with_names_that_cannot_be(c: Context):
    return {"with a space": put(c, Name="a b"), "65 letters": put(c, Name="r" * 65)}


@probe
def put_a_rule_with_a_long_description(c: Context):
    return put(c, Description="d" * 513)


@probe
def put_a_rule_for_nothing(c: Context):
    return tries(c.central.events.put_rule, Name=c.name("rule"))


@probe
def a_schedule_on_a_custom_bus(c: Context):
    return tries(
        c.central.events.put_rule, Name="r", EventBusName=bus(c), ScheduleExpression="rate(1 day)"
    )


@probe
def put_rules_with_patterns_that_are_no_objects_of_lists(c: Context):
    return {
        "not JSON": put(c, EventPattern="aws.iam"),
        "a bare text": put(c, EventPattern='{"source": "aws.iam"}'),
        "a list": put(c, EventPattern='["aws.iam"]'),
    }


@probe
def put_rules_with_patterns_that_mean_nothing(c: Context):
    return {
        "unknown operator": put(c, EventPattern='{"source": [{"begins": "aws"}]}'),
        "prefix of a number": put(c, EventPattern='{"source": [{"prefix": 1}]}'),
        "two wildcards in a row": put(c, EventPattern='{"source": [{"wildcard": "a**"}]}'),
        "exists of a text": put(c, EventPattern='{"source": [{"exists": "yes"}]}'),
    }


@probe
def put_a_rule_with_an_empty_pattern(c: Context):
    return put(c, EventPattern="{}")


@probe
def put_a_rule_with_too_long_a_pattern(c: Context):
    return put(c, EventPattern=json.dumps({"source": [f"source-{number:06}" for number in range(300)]}))


@probe
def rules_that_do_not_exist(c: Context):
    events = c.central.events
    return {
        "describe": tries(events.describe_rule, Name="absent"),
        "enable": tries(events.enable_rule, Name="absent"),
        "disable": tries(events.disable_rule, Name="absent"),
        "delete": tries(events.delete_rule, Name="absent"),
        "list targets": tries(events.list_targets_by_rule, Rule="absent"),
        "tag": tries(
            events.tag_resource, ResourceARN=ABSENT.format(c.central.id), Tags=[{"Key": "a", "Value": "b"}]
        ),
        "list tags": tries(events.list_tags_for_resource, ResourceARN=ABSENT.format(c.central.id)),
    }


@probe
def disable_and_enable(c: Context):
    events, name = c.central.events, rule(c)
    states = []
    for call in (events.disable_rule, events.disable_rule, events.enable_rule):
        call(Name=name)
        states.append(events.describe_rule(Name=name)["State"])
    return states


@probe
def delete_a_rule(c: Context):
    name = rule(c)
    c.central.events.delete_rule(Name=name)
    return {
        "describe": tries(c.central.events.describe_rule, Name=name),
        "again": tries(c.central.events.delete_rule, Name=name),
    }


@probe
def list_rules(c: Context):
    prefix = c.name("many")
    for number in range(3):
        c.central.events.put_rule(Name=f"{prefix}-{number}", EventPattern=PATTERN)
    first = c.central.events.list_rules(NamePrefix=prefix, Limit=2)
    rest = c.central.events.list_rules(NamePrefix=prefix, Limit=2, NextToken=first.get("NextToken", ""))
    fields = ("Name", "Arn", "EventPattern", "State", "EventBusName")
    return {
        "pages": [[entry["Name"] for entry in page["Rules"]] for page in (first, rest)],
        "more": ["NextToken" in page for page in (first, rest)],
        "entry": pick(first["Rules"][0], *fields),
    }


@probe
def limits_of_lists(c: Context):
    events, name = c.central.events, rule(c)
    return {
        "ListRules 0": tries(events.list_rules, Limit=0),
        "ListRules 101": tries(events.list_rules, Limit=101),
        "ListTargetsByRule 101": tries(events.list_targets_by_rule, Rule=name, Limit=101),
    }


@probe
def a_made_up_token(c: Context):
    return {
        "ListRules": tries(c.central.events.list_rules, NextToken="made-up"),
        "ListTargetsByRule": tries(c.central.events.list_targets_by_rule, Rule=rule(c), NextToken="made-up"),
    }


@probe
def tag_a_rule(c: Context):
    events, name = c.central.events, rule(c)
    arn = f"arn:aws:events:us-east-1:{c.central.id}:rule/{name}"
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "a", "Value": "3"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["b", "absent"])
    return tags(events.list_tags_for_resource(ResourceARN=arn)["Tags"])


@probe
def tag_a_bus(c: Context):
    events, name = c.central.events, bus(c, Tags=[{"Key": "a", "Value": "1"}])
    arn = f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{name}"
    events.tag_resource(ResourceARN=arn, Tags=[{"Key": "b", "Value": "2"}])
    events.untag_resource(ResourceARN=arn, TagKeys=["a"])
    return {
        "tags": tags(events.list_tags_for_resource(ResourceARN=arn)["Tags"]),
        "of an absent bus": tries(events.list_tags_for_resource, ResourceARN=arn + "-no"),
    }


@probe
def archive_a_bus(c: Context):
    name, archive = bus(c), c.name("archive")
    arn = f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{name}"
    call = c.central.events.create_archive
    made = call(ArchiveName=archive, EventSourceArn=arn, RetentionDays=7)
    rules = c.central.events.list_rules(EventBusName=name)["Rules"]
    return {
        **pick(made, "ArchiveArn", "State"),
        "again": tries(call, ArchiveName=archive, EventSourceArn=arn),
        "described": pick(
            c.central.events.describe_archive(ArchiveName=archive), "EventSourceArn", "RetentionDays", "State"
        ),
        "of an absent bus": tries(call, ArchiveName=c.name("archive"), EventSourceArn=arn + "-no"),
        "rule": [pick(entry, "ManagedBy", "State") for entry in rules],
    }


@probe
def managed_rules_are_not_anybodys_to_change(c: Context):
    events, name = c.central.events, bus(c)
    arn = f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{name}"
    events.create_archive(ArchiveName=c.name("archive"), EventSourceArn=arn)
    managed = events.list_rules(EventBusName=name)["Rules"][0]["Name"]
    return {
        "disable": tries(events.disable_rule, Name=managed, EventBusName=name),
        "delete": tries(events.delete_rule, Name=managed, EventBusName=name),
    }


MATCHES = [
    ("exact", {"source": ["aws.iam"]}, True),
    ("another", {"source": ["aws.sts"]}, False),
    ("one of several", {"source": ["aws.sts", "aws.iam"]}, True),
    ("case", {"source": ["AWS.IAM"]}, False),
    ("star is no wildcard", {"detail": {"eventName": ["Create*"]}}, False),
    ("prefix", {"detail": {"eventName": [{"prefix": "Create"}]}}, True),
    ("suffix", {"detail": {"eventName": [{"suffix": "User"}]}}, True),
    ("wildcard", {"detail": {"eventName": [{"wildcard": "Cr*User"}]}}, True),
    ("ignore case", {"detail": {"eventName": [{"equals-ignore-case": "createuser"}]}}, True),
    ("prefix ignoring case", {"detail": {"eventName": [{"prefix": {"equals-ignore-case": "CREATE"}}]}}, True),
    ("anything but", {"detail": {"eventName": [{"anything-but": ["DeleteUser"]}]}}, True),
    ("anything but a prefix", {"detail": {"eventName": [{"anything-but": {"prefix": "Create"}}]}}, False),
    ("anything but, absent", {"detail": {"nothing": [{"anything-but": ["a"]}]}}, False),
    ("exists", {"detail": {"eventName": [{"exists": True}]}}, True),
    ("exists not", {"detail": {"errorCode": [{"exists": False}]}}, True),
    ("numeric", {"detail": {"count": [{"numeric": [">", 1, "<=", 3]}]}}, True),
    ("numeric no", {"detail": {"count": [{"numeric": [">", 3]}]}}, False),
    ("cidr", {"detail": {"sourceIPAddress": [{"cidr": "10.0.0.0/24"}]}}, True),
    ("null", {"detail": {"empty": [None]}}, True),
    ("empty text", {"detail": {"blank": [""]}}, True),
    ("in an array", {"detail": {"groups": ["admins"]}}, True),
    ("both fields", {"source": ["aws.iam"], "detail": {"eventName": ["DeleteUser"]}}, False),
    ("or", {"$or": [{"source": ["aws.sts"]}, {"detail": {"eventName": ["CreateUser"]}}]}, True),
    ("or no", {"$or": [{"source": ["aws.sts"]}, {"detail": {"eventName": ["DeleteUser"]}}]}, False),
    ("account", {"account": ["111122223333"]}, True),
    ("account star", {"account": ["*"]}, False),
]

EVENT = {
    "version": "0",
    "id": "7bf73129-1428-4cd3-a780-95db273d1602",
    "detail-type": "AWS API Call via CloudTrail",
    "source": "aws.iam",
    "account": "111122223333",
    "time": "2026-11-11T21:29:54Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {
        "eventName": "CreateUser",
        "count": 2,
        "sourceIPAddress": "10.0.0.7",
        "empty": None,
        "blank": "",
        "groups": ["users", "admins"],
    },
}


@probe
def patterns_match(c: Context):
    wrong = {}
    for name, pattern, matches in MATCHES:
        answer = c.central.events.test_event_pattern(EventPattern=json.dumps(pattern), Event=json.dumps(EVENT))
        if answer["Result"] != matches:
            wrong[name] = answer["Result"]
    return {"wrong": wrong}


@probe
def test_a_pattern_that_means_nothing(c: Context):
    c.central.events.test_event_pattern(EventPattern='{"source": "aws.iam"}', Event=json.dumps(EVENT))
