"""EventBridge: the policy of a bus."""

import json

from .events import bus
from .frame import Context, document, probe, tries


def policy(c: Context, name: str):
    text = c.central.events.describe_event_bus(Name=name).get("Policy")
    return text and json.loads(text)


def statement(c: Context, name: str, **more) -> dict:
    return {
        "Sid": "organization",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": f"arn:aws:events:us-east-1:{c.central.id}:event-bus/{name}",
        "Condition": {"StringEquals": {"aws:PrincipalOrgID": c.organization}},
        **more,
    }


def put_statement(c: Context, name: str, sid: str, principal: str, **arguments) -> None:
    c.central.events.put_permission(
        EventBusName=name, Action="events:PutEvents", Principal=principal, StatementId=sid, **arguments
    )


@probe
def a_bus_policy_as_a_document(c: Context):
    name = bus(c)
    given = document(statement(c, name))
    c.central.events.put_permission(EventBusName=name, Policy=json.dumps(given))
    return {"as given": policy(c, name) == given}


@probe
def a_bus_policy_as_a_document_replaces_the_former(c: Context):
    name = bus(c)
    put_statement(c, name, "former", c.member.id)
    c.central.events.put_permission(EventBusName=name, Policy=json.dumps(document(statement(c, name))))
    return [entry["Sid"] for entry in policy(c, name)["Statement"]]


@probe
def one_statement_for_an_account(c: Context):
    name = bus(c)
    put_statement(c, name, "one", c.member.id)
    return policy(c, name)


@probe
def one_statement_for_the_organization(c: Context):
    name = bus(c)
    condition = {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": c.organization}
    put_statement(c, name, "one", "*", Condition=condition)
    entry = policy(c, name)["Statement"][0]
    return {key: entry.get(key) for key in ("Principal", "Condition")}


@probe
def a_statement_replaces_its_namesake_only(c: Context):
    name = bus(c)
    put_statement(c, name, "one", c.member.id)
    put_statement(c, name, "two", c.other.id)
    put_statement(c, name, "one", c.management.id)
    return {entry["Sid"]: entry["Principal"] for entry in policy(c, name)["Statement"]}


@probe
def two_statements_for_one_principal(c: Context):
    name = bus(c)
    put_statement(c, name, "one", c.member.id)
    put_statement(c, name, "two", c.member.id)
    return sorted(entry["Sid"] for entry in policy(c, name)["Statement"])


@probe
def bus_policies_that_cannot_be(c: Context):
    name, call = bus(c), c.central.events.put_permission
    return {
        "not JSON": tries(call, EventBusName=name, Policy="allow all"),
        "absent bus": tries(call, EventBusName="absent", Policy=json.dumps(document(statement(c, "absent")))),
    }


@probe
def a_bus_policy_that_is_too_long(c: Context):
    name = bus(c)
    many = document(*[statement(c, name, Sid=f"s{number}") for number in range(60)])
    c.central.events.put_permission(EventBusName=name, Policy=json.dumps(many))


@probe
def remove_a_statement(c: Context):
    name, call = bus(c), c.central.events.remove_permission
    put_statement(c, name, "one", c.member.id)
    put_statement(c, name, "two", c.other.id)
    return {
        "one": tries(call, EventBusName=name, StatementId="one"),
        "left": [entry["Sid"] for entry in policy(c, name)["Statement"]],
        "again": tries(call, EventBusName=name, StatementId="one"),
        "absent bus": tries(call, EventBusName="absent", StatementId="one"),
    }


@probe
def remove_all_statements(c: Context):
    name = bus(c)
    put_statement(c, name, "one", c.member.id)
    c.central.events.remove_permission(EventBusName=name, RemoveAllPermissions=True)
    return {"policy": policy(c, name)}
