"""Delivery: what decides whether a path over a bus works."""

import json

from .delivery import EVENTS, arrives, arrives_not, central_bus, forwarded, forwarder, put, queue, rule
from .frame import Context, allow, deny, document, probe, trusting
from .organizations_tree import enable_policies, policy


def guarded(c: Context, source: str, bus: tuple[str, str], account: str, name: str = "*") -> None:
    """A member's rule to the bus, by a role that EventBridge may assume for these rules only."""
    role = c.name("role")
    condition = {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": f"arn:aws:events:*:{account}:rule/{name}"},
    }
    arn = c.member.iam.create_role(
        RoleName=role, AssumeRolePolicyDocument=json.dumps(trusting(EVENTS, Condition=condition))
    )["Role"]["Arn"]
    rights = document(allow("events:PutEvents", resource=bus[1]))
    c.member.iam.put_role_policy(RoleName=role, PolicyName="rights", PolicyDocument=json.dumps(rights))
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": arn})


@probe
def a_role_for_the_rules_of_the_account(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    guarded(c, source, bus, c.member.id, "rule-*")
    put(c.member, source)
    return arrives(c, c.central, url)


@probe
def a_trust_that_comes_to_exclude_the_rule(c: Context):
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    role = forwarder(c, bus[1])
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": role})
    other = trusting(EVENTS, Condition={"StringEquals": {"aws:SourceAccount": c.other.id}})
    c.member.iam.update_assume_role_policy(
        RoleName=role.rpartition("/")[2], PolicyDocument=json.dumps(other)
    )
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def a_service_control_policy_binds_the_forwarding_role(c: Context):
    enable_policies(c)
    source, bus = c.name("source"), central_bus(c)
    url = forwarded(c, source, bus)
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": forwarder(c, bus[1])})
    organizations = c.management.organizations
    only_there = {"Resource": bus[1]}
    scp = policy(c, Content=json.dumps(document(deny("events:PutEvents") | only_there)))
    organizations.attach_policy(PolicyId=scp, TargetId=c.member.id)
    c.later(organizations.detach_policy, PolicyId=scp, TargetId=c.member.id)
    put(c.member, source)
    return arrives_not(c, c.central, url)


@probe
def over_a_bus_of_the_same_account(c: Context):
    source, name = c.name("source"), c.name("bus")
    bus = c.central.events.create_event_bus(Name=name)["EventBusArn"]
    url = forwarded(c, source, (name, bus))
    role = c.role(c.central, EVENTS, allow("events:PutEvents", resource=bus))
    rule(c, c.central, source, {"Arn": bus, "RoleArn": role})
    put(c.central, source)
    return arrives(c, c.central, url)


@probe
def a_pattern_for_one_account(c: Context):
    source, bus = c.name("source"), central_bus(c)
    right, wrong = queue(c, c.central), queue(c, c.central)
    for target, account in ((right, c.member.id), (wrong, c.other.id)):
        text = json.dumps({"source": [source], "account": [account]})
        rule(c, c.central, source, {"Arn": target[1]}, bus=bus[0], EventPattern=text)
    rule(c, c.member, source, {"Arn": bus[1], "RoleArn": forwarder(c, bus[1])})
    put(c.member, source)
    return {"its own": arrives(c, c.central, right[0]), "another's": arrives_not(c, c.central, wrong[0])}


@probe
def by_a_role_instead_of_a_queues_policy(c: Context):
    source = c.name("source")
    url, arn = queue(c, c.member, "nobody")
    role = c.role(c.member, EVENTS, allow("sqs:SendMessage", resource=arn))
    rule(c, c.member, source, {"Arn": arn, "RoleArn": role})
    put(c.member, source)
    return arrives(c, c.member, url)
