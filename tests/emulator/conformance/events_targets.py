"""EventBridge: targets of rules, and events put by hand."""

import json

from .events import bus, rule
from .events_permission import statement
from .frame import REFUSALS, Context, allow, document, error, probe, tries

EVENTS = {"Service": "events.amazonaws.com"}


def arn(c: Context, name: str = "topic") -> str:
    return f"arn:aws:sns:us-east-1:{c.central.id}:{name}"


def put(c: Context, name: str, *targets: dict, **arguments):
    """What PutTargets says: a refusal, or how many entries failed and why."""
    call = c.central.events.put_targets
    return failures(call(Rule=name, Targets=list(targets), **arguments))


def failures(answer: dict):
    if answer["FailedEntryCount"]:
        return [f"{entry['TargetId']}: {entry['ErrorCode']}" for entry in answer["FailedEntries"]]
    return "ok"


def listed(c: Context, name: str, **arguments) -> list:
    found = c.central.events.list_targets_by_rule(Rule=name, **arguments)["Targets"]
    return sorted(found, key=lambda target: target["Id"])


def refusal(c: Context, name: str, *targets: dict) -> str:
    """As `put`, for targets that AWS may refuse in either way."""
    try:
        outcome = put(c, name, *targets)
    except REFUSALS as refused:
        return error(refused)
    return outcome if outcome == "ok" else "failed entries"


@probe
def put_and_list_targets(c: Context):
    name, role = rule(c), c.role(c.central, EVENTS)
    queue = f"arn:aws:sqs:us-east-1:{c.central.id}:queue"
    put(
        c,
        name,
        {
            "Id": "a",
            "Arn": arn(c),
            "RoleArn": role,
            "RetryPolicy": {"MaximumRetryAttempts": 10, "MaximumEventAgeInSeconds": 3600},
            "DeadLetterConfig": {"Arn": queue},
            "InputTransformer": {
                "InputPathsMap": {"name": "$.detail.eventName"},
                "InputTemplate": '"<name> was called"',
            },
        },
        {"Id": "b", "Arn": arn(c), "Input": '{"a": 1}'},
    )
    return listed(c, name)


@probe
def a_target_is_replaced_by_its_namesake(c: Context):
    name = rule(c)
    put(c, name, {"Id": "a", "Arn": arn(c, "one"), "Input": '"1"'})
    put(c, name, {"Id": "a", "Arn": arn(c, "two")})
    return listed(c, name)


@probe
def targets_of_rules_that_do_not_exist(c: Context):
    events, target = c.central.events, {"Id": "a", "Arn": arn(c)}
    return {
        "put": tries(events.put_targets, Rule="absent", Targets=[target]),
        "put on an absent bus": tries(
            events.put_targets, Rule="absent", EventBusName="absent", Targets=[target]
        ),
        "list": tries(events.list_targets_by_rule, Rule="absent"),
        "list on an absent bus": tries(events.list_targets_by_rule, Rule="absent", EventBusName="absent"),
        "remove": tries(events.remove_targets, Rule="absent", Ids=["a"]),
    }


@probe
def targets_with_ids_that_cannot_be(c: Context):
    name = rule(c)
    return {
        "with a space": refusal(c, name, {"Id": "a b", "Arn": arn(c)}),
        "65 letters": refusal(c, name, {"Id": "i" * 65, "Arn": arn(c)}),
    }


@probe
def a_target_that_is_no_arn(c: Context):
    return refusal(c, rule(c), {"Id": "a", "Arn": "topic"})


@probe
def five_targets_at_most(c: Context):
    name = rule(c)
    five = [{"Id": f"t{number}", "Arn": arn(c, f"t{number}")} for number in range(5)]
    return {"five": put(c, name, *five), "six": refusal(c, name, {"Id": "t5", "Arn": arn(c, "t5")})}


@probe
def a_target_with_two_inputs(c: Context):
    transformer = {"InputTemplate": '"a"'}
    return {
        "Input and InputTransformer": refusal(
            c, rule(c), {"Id": "a", "Arn": arn(c), "Input": '"a"', "InputTransformer": transformer}
        ),
        "Input and InputPath": refusal(
            c, rule(c), {"Id": "a", "Arn": arn(c), "Input": '"a"', "InputPath": "$.detail"}
        ),
    }


@probe
def a_target_with_an_undefined_placeholder(c: Context):
    transformer = {"InputPathsMap": {"one": "$.detail"}, "InputTemplate": '"<two>"'}
    return refusal(c, rule(c), {"Id": "a", "Arn": arn(c), "InputTransformer": transformer})


@probe
def a_target_with_a_reserved_path_name(c: Context):
    transformer = {"InputPathsMap": {"AWS-one": "$.detail"}, "InputTemplate": '"<AWS-one>"'}
    return refusal(c, rule(c), {"Id": "a", "Arn": arn(c), "InputTransformer": transformer})


@probe
def a_target_whose_input_is_no_json(c: Context):
    return refusal(c, rule(c), {"Id": "a", "Arn": arn(c), "Input": "no JSON"})


@probe
def a_target_with_retries_that_cannot_be(c: Context):
    return {
        f"{key} {value}": refusal(c, rule(c), {"Id": "a", "Arn": arn(c), "RetryPolicy": {key: value}})
        for key, value in (("MaximumRetryAttempts", 186), ("MaximumEventAgeInSeconds", 59))
    }


@probe
def a_target_with_a_role_that_events_cannot_assume(c: Context):
    role = c.role(c.central, {"Service": "lambda.amazonaws.com"})
    return {
        "trusts another": refusal(c, rule(c), {"Id": "a", "Arn": arn(c), "RoleArn": role}),
        "absent": refusal(c, rule(c), {"Id": "a", "Arn": arn(c), "RoleArn": role + "-no"}),
    }


@probe
def a_bus_of_another_account_needs_a_role(c: Context):
    there = bus(c)
    c.central.events.put_permission(EventBusName=there, Policy=json.dumps(document(statement(c, there))))
    target = f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{there}"
    role = c.role(c.member, EVENTS, allow("events:PutEvents", resource=target))
    name = c.name("rule")
    c.member.events.put_rule(Name=name, EventPattern='{"source": ["a"]}')
    call = c.member.events.put_targets
    return {
        "without": tries(call, Rule=name, Targets=[{"Id": "a", "Arn": target}]),
        "with": tries(call, Rule=name, Targets=[{"Id": "a", "Arn": target, "RoleArn": role}]),
        "listed": c.member.events.list_targets_by_rule(Rule=name)["Targets"][0].get("RoleArn") == role,
    }


@probe
def a_target_on_another_accounts_bus_keeps_its_role(c: Context):
    there = bus(c)
    c.central.events.put_permission(EventBusName=there, Policy=json.dumps(document(statement(c, there))))
    target = f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{there}"
    role, name = c.role(c.member, EVENTS, allow("events:PutEvents", resource=target)), c.name("rule")
    c.member.events.put_rule(Name=name, EventPattern='{"source": ["a"]}')
    call = c.member.events.put_targets
    call(Rule=name, Targets=[{"Id": "a", "Arn": target, "RoleArn": role}])
    # Whether it is refused or the role is kept: it must not be gone.
    tries(call, Rule=name, Targets=[{"Id": "a", "Arn": target}])
    return c.member.events.list_targets_by_rule(Rule=name)["Targets"][0].get("RoleArn") == role


@probe
def remove_targets(c: Context):
    name = rule(c)
    put(c, name, {"Id": "a", "Arn": arn(c)}, {"Id": "b", "Arn": arn(c)})
    answer = c.central.events.remove_targets(Rule=name, Ids=["a"])
    return {"failed": answer["FailedEntryCount"], "left": [target["Id"] for target in listed(c, name)]}


@probe
def remove_a_target_that_does_not_exist(c: Context):
    return failures(c.central.events.remove_targets(Rule=rule(c), Ids=["absent"]))


@probe
def a_rule_with_targets_cannot_be_deleted(c: Context):
    name = rule(c)
    put(c, name, {"Id": "a", "Arn": arn(c)})
    refused = tries(c.central.events.delete_rule, Name=name)
    c.central.events.remove_targets(Rule=name, Ids=["a"])
    return {"with": refused, "without": tries(c.central.events.delete_rule, Name=name)}


@probe
def put_rule_keeps_the_targets(c: Context):
    name = rule(c)
    put(c, name, {"Id": "a", "Arn": arn(c)})
    c.central.events.put_rule(Name=name, EventPattern='{"source": ["b"]}')
    return [target["Id"] for target in listed(c, name)]


@probe
def list_targets_in_pages(c: Context):
    name = rule(c)
    put(c, name, *[{"Id": f"t{number}", "Arn": arn(c)} for number in range(3)])
    call = c.central.events.list_targets_by_rule
    first = call(Rule=name, Limit=2)
    rest = call(Rule=name, Limit=2, NextToken=first.get("NextToken", ""))
    return [[target["Id"] for target in page["Targets"]] for page in (first, rest)]


@probe
def rules_of_a_target(c: Context):
    name, topic = rule(c), arn(c, c.name("topic"))
    put(c, name, {"Id": "a", "Arn": topic})
    return c.central.events.list_rule_names_by_target(TargetArn=topic)["RuleNames"]


def entry(**fields) -> dict:
    return {"Source": "conformance", "DetailType": "probe", "Detail": "{}"} | fields


def put_events(c: Context, *entries: dict) -> list:
    answer = c.central.events.put_events(Entries=list(entries))
    codes = [found.get("ErrorCode", "ok") for found in answer["Entries"]]
    return [answer["FailedEntryCount"], *codes]


@probe
def put_events_by_hand(c: Context):
    return put_events(c, entry(), entry(Detail='{"a": 1}', Resources=["arn:aws:iam::1:role/a"]))


@probe
def put_events_that_cannot_be(c: Context):
    return {
        "no detail": put_events(c, {"Source": "a", "DetailType": "b"}),
        "no source": put_events(c, {"Detail": "{}", "DetailType": "b"}),
        "no detail type": put_events(c, {"Source": "a", "Detail": "{}"}),
        "detail not JSON": put_events(c, entry(Detail="no JSON")),
        "one good, one bad": put_events(c, entry(), entry(Detail="no JSON")),
    }


@probe
def put_events_as_a_service(c: Context):
    return put_events(c, entry(Source="aws.iam"))


@probe
def put_too_many_events(c: Context):
    c.central.events.put_events(Entries=[entry()] * 11)
