"""Who may do what: the layers of policies, seen through ordinary calls."""

import json

from .frame import Context, allow, deny, document, probe, tries, trusting
from .organizations import create
from .organizations_tree import enable_policies, ou, policy


@probe
def a_role_without_policies_may_nothing(c: Context):
    poor = c.limited(c.member)
    return {
        "events PutRule": tries(poor.events.put_rule, Name=c.name(), EventPattern='{"source": ["a"]}'),
        "events ListRules": tries(poor.events.list_rules),
        "events DescribeEventBus": tries(poor.events.describe_event_bus),
        "sns CreateTopic": tries(poor.sns.create_topic, Name=c.name()),
        "sns ListTopics": tries(poor.sns.list_topics),
        "iam CreateRole": tries(poor.iam.create_role, RoleName=c.name(), AssumeRolePolicyDocument="{}"),
        "iam GetRole": tries(poor.iam.get_role, RoleName="OrganizationAccountAccessRole"),
        "iam ListRoles": tries(poor.iam.list_roles),
        "sqs CreateQueue": tries(poor.sqs.create_queue, QueueName=c.name()),
        "sqs ListQueues": tries(poor.sqs.list_queues),
        "organizations DescribeOrganization": tries(poor.organizations.describe_organization),
        "cloudtrail DescribeTrails": tries(poor.cloudtrail.describe_trails),
    }


@probe
def the_management_accounts_roles_need_permission_too(c: Context):
    poor = c.limited(c.management, allow("organizations:ListRoots"))
    return {
        "allowed": tries(poor.organizations.list_roots),
        "not allowed": tries(poor.organizations.list_accounts),
    }


@probe
def what_is_not_allowed_is_not_told_to_be_absent(c: Context):
    poor = c.limited(c.member)
    return {
        "rule": tries(poor.events.describe_rule, Name="absent"),
        "role": tries(poor.iam.get_role, RoleName="absent"),
    }


@probe
def an_explicit_denial_wins(c: Context):
    caller = c.limited(c.member, allow("events:*"), deny("events:PutRule"))
    return {
        "denied": tries(caller.events.put_rule, Name=c.name(), EventPattern='{"source": ["a"]}'),
        "allowed": tries(caller.events.list_rules),
    }


@probe
def permission_for_one_resource(c: Context):
    mine, its = c.name("mine"), c.name("its")
    caller = c.limited(c.member, allow("events:PutRule", resource=f"arn:aws:events:*:*:rule/{mine}*"))
    return {
        name: tries(caller.events.put_rule, Name=rule, EventPattern='{"source": ["a"]}')
        for name, rule in (("mine", mine), ("another", its))
    }


@probe
def permission_for_one_bus(c: Context):
    bus = c.name("bus")
    c.member.events.create_event_bus(Name=bus)
    caller = c.limited(c.member, allow("events:PutRule", resource=f"arn:aws:events:*:*:rule/{bus}/*"))
    return {
        "there": tries(caller.events.put_rule, Name="r", EventBusName=bus, EventPattern='{"source": ["a"]}'),
        "on the default bus": tries(caller.events.put_rule, Name=c.name(), EventPattern='{"source": ["a"]}'),
    }


@probe
def permission_by_tags(c: Context):
    rights = allow("iam:CreateRole", "iam:TagRole", Condition={"StringEquals": {"aws:RequestTag/team": "red"}})
    caller = c.limited(c.member, rights)
    trust = json.dumps(trusting({"Service": "events.amazonaws.com"}))

    def make(**arguments):
        return tries(caller.iam.create_role, RoleName=c.name(), AssumeRolePolicyDocument=trust, **arguments)

    return {
        "right tag": make(Tags=[{"Key": "team", "Value": "red"}]),
        "wrong tag": make(Tags=[{"Key": "team", "Value": "blue"}]),
        "no tag": make(),
    }


@probe
def tags_on_creation_need_permission_to_tag(c: Context):
    caller = c.limited(c.member, allow("events:PutRule", "events:CreateEventBus"))
    pattern, given = '{"source": ["a"]}', [{"Key": "a", "Value": "b"}]
    return {
        "without": tries(caller.events.put_rule, Name=c.name(), EventPattern=pattern),
        "with": tries(caller.events.put_rule, Name=c.name(), EventPattern=pattern, Tags=given),
    }


@probe
def a_boundary_limits(c: Context):
    boundary = c.member.iam.create_policy(
        PolicyName=c.name("boundary"), PolicyDocument=json.dumps(document(allow("sns:*")))
    )["Policy"]["Arn"]
    caller = c.limited(c.member, allow("*"), PermissionsBoundary=boundary)
    return {"inside": tries(caller.sns.list_topics), "outside": tries(caller.events.list_rules)}


@probe
def a_boundary_must_be_given_where_it_is_demanded(c: Context):
    boundary = c.member.iam.create_policy(
        PolicyName=c.name("boundary"), PolicyDocument=json.dumps(document(allow("sns:*")))
    )["Policy"]["Arn"]
    rights = allow("iam:CreateRole", Condition={"StringEquals": {"iam:PermissionsBoundary": boundary}})
    caller = c.limited(c.member, rights)
    trust = json.dumps(trusting({"Service": "events.amazonaws.com"}))

    def make(**arguments):
        return tries(caller.iam.create_role, RoleName=c.name(), AssumeRolePolicyDocument=trust, **arguments)

    return {"with": make(PermissionsBoundary=boundary), "without": make()}


@probe
def a_service_control_policy_binds_administrators_of_members(c: Context):
    enable_policies(c)
    organizations, account, unit = c.management.organizations, create(c)["AccountId"], ou(c)
    organizations.move_account(AccountId=account, SourceParentId=c.root, DestinationParentId=unit)
    administrator = c.administrator(account)
    before = tries(administrator.sns.list_topics)
    scp = policy(c, Content=json.dumps(document(deny("sns:*"))))
    organizations.attach_policy(PolicyId=scp, TargetId=unit)
    return {
        "before": before,
        "after": tries(administrator.sns.list_topics),
        "another service": tries(administrator.events.list_rules),
    }


@probe
def no_service_control_policy_binds_the_management_account(c: Context):
    enable_policies(c)
    organizations = c.management.organizations
    scp = policy(c, Content=json.dumps(document(deny("cloudtrail:ListTrails"))))
    organizations.attach_policy(PolicyId=scp, TargetId=c.root)
    try:
        return {
            "management": tries(c.management.cloudtrail.list_trails),
            "member": tries(c.member.cloudtrail.list_trails),
        }
    finally:
        organizations.detach_policy(PolicyId=scp, TargetId=c.root)


@probe
def a_target_with_a_role_needs_permission_to_pass_it(c: Context):
    role = c.role(c.member, {"Service": "events.amazonaws.com"}, allow("sns:Publish"))
    topic, rule = c.member.sns.create_topic(Name=c.name())["TopicArn"], c.name("rule")
    c.member.events.put_rule(Name=rule, EventPattern='{"source": ["a"]}')
    outcomes = {}
    passing = allow(
        "iam:PassRole", resource=role, Condition={"StringEquals": {"iam:PassedToService": "events.amazonaws.com"}}
    )
    for what, rights in (("without", [allow("events:*")]), ("with", [allow("events:*"), passing])):
        caller = c.limited(c.member, *rights)
        target = {"Id": "a", "Arn": topic, "RoleArn": role}
        outcomes[what] = tries(caller.events.put_targets, Rule=rule, Targets=[target])
    return outcomes


@probe
def a_policy_that_changes_counts_for_open_sessions(c: Context):
    name = c.name("role")
    caller = c.limited(c.member, allow("sns:ListTopics"), RoleName=name)
    before = tries(caller.sns.list_topics)
    c.member.iam.delete_role_policy(RoleName=name, PolicyName="rights")
    return {"before": before, "after": tries(caller.sns.list_topics)}
