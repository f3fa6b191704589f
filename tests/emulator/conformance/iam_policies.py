"""IAM: inline and managed policies, boundaries."""

import json

from .frame import Context, allow, document, pick, probe, tries
from .iam import role

RIGHTS = json.dumps(document(allow("sns:Publish")))
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def managed(c: Context, text: str = RIGHTS) -> str:
    return c.member.iam.create_policy(PolicyName=c.name("policy"), PolicyDocument=text)["Policy"]["Arn"]


def attached(c: Context, name: str) -> list[str]:
    listed = c.member.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return [policy["PolicyArn"] for policy in listed]


@probe
def inline_policies(c: Context):
    iam, name = c.member.iam, role(c)
    iam.put_role_policy(RoleName=name, PolicyName="b", PolicyDocument=RIGHTS)
    iam.put_role_policy(RoleName=name, PolicyName="a", PolicyDocument=RIGHTS)
    listed = iam.list_role_policies(RoleName=name)
    got = iam.get_role_policy(RoleName=name, PolicyName="a")
    iam.delete_role_policy(RoleName=name, PolicyName="a")
    return {
        "listed": sorted(listed["PolicyNames"]),
        "got": pick(got, "RoleName", "PolicyName", "PolicyDocument"),
        "deleted": tries(iam.get_role_policy, RoleName=name, PolicyName="a"),
        "delete again": tries(iam.delete_role_policy, RoleName=name, PolicyName="a"),
    }


@probe
def an_inline_policy_is_replaced(c: Context):
    iam, name = c.member.iam, role(c)
    iam.put_role_policy(RoleName=name, PolicyName="a", PolicyDocument=RIGHTS)
    iam.put_role_policy(RoleName=name, PolicyName="a", PolicyDocument=RIGHTS.replace("sns", "sqs"))
    return iam.get_role_policy(RoleName=name, PolicyName="a")["PolicyDocument"]


@probe
def inline_policies_that_cannot_be(c: Context):
    iam, name = c.member.iam, role(c)

    def put(text, policy="p"):
        return tries(iam.put_role_policy, RoleName=name, PolicyName=policy, PolicyDocument=text)

    principal = json.dumps(document(allow("sns:Publish") | {"Principal": "*"}))
    return {
        "not JSON": put("allow all"),
        "no statement": put('{"Version": "2012-10-17"}'),
        "with a principal": put(principal),
        "without a resource": put(RIGHTS.replace(', "Resource": "*"', "")),
        "name with a space": put(RIGHTS, "a b"),
        "name too long": put(RIGHTS, "p" * 129),
    }


@probe
def inline_policies_too_long_together(c: Context):
    iam, name = c.member.iam, role(c)
    text = json.dumps(document(allow("sns:Publish", resource=[f"arn:aws:sns:us-east-1:*:{'t' * 200}{n}" for n in range(25)])))
    outcomes = [
        tries(iam.put_role_policy, RoleName=name, PolicyName=policy, PolicyDocument=text) for policy in "ab"
    ]
    return outcomes


@probe
def attach_a_managed_policy(c: Context):
    iam, name, policy = c.member.iam, role(c), managed(c)
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    before = attached(c, name)
    return {
        "attached": before,
        "delete in use": tries(iam.delete_policy, PolicyArn=policy),
        "detach": tries(iam.detach_role_policy, RoleName=name, PolicyArn=policy),
        "detach again": tries(iam.detach_role_policy, RoleName=name, PolicyArn=policy),
        "left": attached(c, name),
        "delete": tries(iam.delete_policy, PolicyArn=policy),
    }


@probe
def attach_a_policy_of_aws(c: Context):
    name = role(c)
    c.member.iam.attach_role_policy(RoleName=name, PolicyArn=ADMINISTRATOR)
    return attached(c, name)


@probe
def attach_a_policy_that_does_not_exist(c: Context):
    c.member.iam.attach_role_policy(RoleName=role(c), PolicyArn=f"arn:aws:iam::{c.member.id}:policy/nothing")


@probe
def managed_policies(c: Context):
    iam, name = c.member.iam, c.name("policy")
    arn = iam.create_policy(PolicyName=name, PolicyDocument=RIGHTS)["Policy"]["Arn"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    return {
        "Arn": arn,
        "again": tries(iam.create_policy, PolicyName=name, PolicyDocument=RIGHTS),
        "got": pick(iam.get_policy(PolicyArn=arn)["Policy"], "DefaultVersionId", "AttachmentCount", "Path"),
        "version": pick(version, "Document", "VersionId", "IsDefaultVersion"),
        "malformed": tries(iam.create_policy, PolicyName=c.name(), PolicyDocument="{}"),
        "absent": tries(iam.get_policy, PolicyArn=arn + "-no"),
        "absent version": tries(iam.get_policy_version, PolicyArn=arn, VersionId="v9"),
    }


@probe
def versions_of_a_policy(c: Context):
    iam, arn = c.member.iam, managed(c)
    made = [
        tries(iam.create_policy_version, PolicyArn=arn, PolicyDocument=RIGHTS, SetAsDefault=True)
        for _ in range(5)
    ]
    return {
        "made": made,
        "default": iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"],
        "delete the default": tries(iam.delete_policy_version, PolicyArn=arn, VersionId="v5"),
        "delete the first": tries(iam.delete_policy_version, PolicyArn=arn, VersionId="v1"),
    }


@probe
def boundary_of_a_role(c: Context):
    iam, name, policy = c.member.iam, role(c), managed(c)
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=policy)
    before = iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary")
    iam.delete_role_permissions_boundary(RoleName=name)
    return {
        "before": before,
        "after": "PermissionsBoundary" in iam.get_role(RoleName=name)["Role"],
    }


@probe
def boundary_on_creation(c: Context):
    name = role(c, PermissionsBoundary=managed(c))
    return c.member.iam.get_role(RoleName=name)["Role"].get("PermissionsBoundary")


@probe
def a_boundary_that_is_no_policy(c: Context):
    c.member.iam.put_role_permissions_boundary(RoleName=role(c), PermissionsBoundary="nothing")
