"""Organizations: OUs, where accounts are, tags, service control policies."""

import json

from .frame import Context, deny, document, pick, probe, tags, tries
from .organizations import create

ABSENT_OU = "ou-abcd-12345678"


def ou(c: Context, parent: str | None = None, name: str | None = None) -> str:
    answer = c.management.organizations.create_organizational_unit(
        ParentId=parent or c.root, Name=name or c.name("ou")
    )
    return answer["OrganizationalUnit"]["Id"]


def policy(c: Context, **arguments) -> str:
    content = json.dumps(document(deny("sns:DeleteTopic")))
    arguments = {"Name": c.name("scp"), "Description": "", "Content": content} | arguments
    answer = c.management.organizations.create_policy(Type="SERVICE_CONTROL_POLICY", **arguments)
    return answer["Policy"]["PolicySummary"]["Id"]


def enable_policies(c: Context) -> None:
    """An organization that exists for some time has them."""
    tries(c.management.organizations.enable_policy_type, RootId=c.root, PolicyType="SERVICE_CONTROL_POLICY")


@probe
def list_roots(c: Context):
    roots = c.management.organizations.list_roots()["Roots"]
    return [pick(root, "Id", "Arn", "Name") for root in roots]


@probe
def nested_ous(c: Context):
    organizations, outer = c.management.organizations, ou(c)
    inner = ou(c, outer)
    described = organizations.describe_organizational_unit(OrganizationalUnitId=inner)["OrganizationalUnit"]
    listed = organizations.list_organizational_units_for_parent(ParentId=outer)["OrganizationalUnits"]
    return {
        "described": pick(described, "Arn", "Name"),
        "listed": [unit["Id"] == inner for unit in listed],
        "parent": organizations.list_parents(ChildId=inner)["Parents"][0]["Type"],
        "children": organizations.list_children(ParentId=outer, ChildType="ORGANIZATIONAL_UNIT")["Children"],
    }


@probe
def an_ou_with_a_name_that_is_taken(c: Context):
    name = c.name("ou")
    ou(c, name=name)
    ou(c, name=name)


@probe
def ous_six_levels_deep(c: Context):
    parent = c.root
    for _ in range(6):
        parent = ou(c, parent)


@probe
def create_ous_that_cannot_be(c: Context):
    call = c.management.organizations.create_organizational_unit
    return {
        "unknown parent": tries(call, ParentId=ABSENT_OU, Name=c.name()),
        "malformed parent": tries(call, ParentId="nowhere", Name=c.name()),
        "long name": tries(call, ParentId=c.root, Name="n" * 129),
    }


@probe
def reads_below_a_parent_that_does_not_exist(c: Context):
    organizations = c.management.organizations
    return {
        "ListAccountsForParent": tries(organizations.list_accounts_for_parent, ParentId=ABSENT_OU),
        "ListOrganizationalUnitsForParent": tries(
            organizations.list_organizational_units_for_parent, ParentId=ABSENT_OU
        ),
        "ListChildren": tries(organizations.list_children, ParentId=ABSENT_OU, ChildType="ACCOUNT"),
        "DescribeOrganizationalUnit": tries(
            organizations.describe_organizational_unit, OrganizationalUnitId=ABSENT_OU
        ),
        "ListParents": tries(organizations.list_parents, ChildId="999999999999"),
    }


@probe
def list_ous_in_pages(c: Context):
    organizations, outer = c.management.organizations, ou(c)
    made = sorted(ou(c, outer) for _ in range(3))
    call = organizations.list_organizational_units_for_parent
    first = call(ParentId=outer, MaxResults=2)
    rest = call(ParentId=outer, MaxResults=2, NextToken=first["NextToken"])
    found = [unit["Id"] for unit in first["OrganizationalUnits"] + rest["OrganizationalUnits"]]
    return {"same": sorted(found) == made, "done": "NextToken" not in rest}


@probe
def accounts_below_a_parent_are_only_direct_ones(c: Context):
    organizations, outer = c.management.organizations, ou(c)
    inner, account = ou(c, outer), create(c)["AccountId"]
    organizations.move_account(AccountId=account, SourceParentId=c.root, DestinationParentId=inner)
    return {
        where: [
            found["Id"] == account
            for found in organizations.list_accounts_for_parent(ParentId=parent)["Accounts"]
        ]
        for where, parent in (("outer", outer), ("inner", inner))
    }


@probe
def move_account(c: Context):
    organizations, there, account = c.management.organizations, ou(c), create(c)["AccountId"]
    call = organizations.move_account
    outcomes = {
        "wrong source": tries(call, AccountId=account, SourceParentId=there, DestinationParentId=c.root),
        "absent source": tries(call, AccountId=account, SourceParentId=ABSENT_OU, DestinationParentId=there),
        "absent destination": tries(
            call, AccountId=account, SourceParentId=c.root, DestinationParentId=ABSENT_OU
        ),
        "absent account": tries(
            call, AccountId="999999999999", SourceParentId=c.root, DestinationParentId=there
        ),
        "right": tries(call, AccountId=account, SourceParentId=c.root, DestinationParentId=there),
    }
    outcomes["is there"] = organizations.list_parents(ChildId=account)["Parents"][0]["Id"] == there
    return outcomes


@probe
def tags_of_an_account(c: Context):
    organizations, key = c.management.organizations, c.name("key")
    organizations.tag_resource(ResourceId=c.member.id, Tags=[{"Key": key, "Value": "1"}])
    organizations.tag_resource(ResourceId=c.member.id, Tags=[{"Key": key, "Value": "2"}])
    tagged = tags(organizations.list_tags_for_resource(ResourceId=c.member.id)["Tags"])
    organizations.untag_resource(ResourceId=c.member.id, TagKeys=[key])
    left = tags(organizations.list_tags_for_resource(ResourceId=c.member.id)["Tags"])
    return {"tagged": tagged.get(key), "left": left.get(key)}


@probe
def tags_of_what_does_not_exist(c: Context):
    organizations = c.management.organizations
    return {
        "list": tries(organizations.list_tags_for_resource, ResourceId="999999999999"),
        "tag": tries(organizations.tag_resource, ResourceId="999999999999", Tags=[{"Key": "a", "Value": "b"}]),
    }


@probe
def service_control_policy(c: Context):
    enable_policies(c)
    organizations, unit, scp = c.management.organizations, ou(c), policy(c)
    organizations.attach_policy(PolicyId=scp, TargetId=unit)
    listed = organizations.list_policies_for_target(TargetId=unit, Filter="SERVICE_CONTROL_POLICY")["Policies"]
    outcomes = {
        "listed": scp in [found["Id"] for found in listed],
        "attach again": tries(organizations.attach_policy, PolicyId=scp, TargetId=unit),
        "delete in use": tries(organizations.delete_policy, PolicyId=scp),
        "detach": tries(organizations.detach_policy, PolicyId=scp, TargetId=unit),
        "detach again": tries(organizations.detach_policy, PolicyId=scp, TargetId=unit),
        "delete": tries(organizations.delete_policy, PolicyId=scp),
        "delete again": tries(organizations.delete_policy, PolicyId=scp),
        "attach deleted": tries(organizations.attach_policy, PolicyId=scp, TargetId=unit),
    }
    return outcomes


@probe
def create_policies_that_cannot_be(c: Context):
    enable_policies(c)
    organizations, name = c.management.organizations, c.name("scp")
    policy(c, Name=name)
    content = json.dumps(document(deny("sns:DeleteTopic")))
    call, kind = organizations.create_policy, {"Type": "SERVICE_CONTROL_POLICY", "Description": ""}
    return {
        "name taken": tries(call, Name=name, Content=content, **kind),
        "not JSON": tries(call, Name=c.name(), Content="deny all", **kind),
        "no statement": tries(call, Name=c.name(), Content="{}", **kind),
    }


@probe
def every_new_account_has_full_access_attached(c: Context):
    enable_policies(c)
    account = create(c)["AccountId"]
    listed = c.management.organizations.list_policies_for_target(
        TargetId=account, Filter="SERVICE_CONTROL_POLICY"
    )
    return [pick(found, "Id", "AwsManaged") for found in listed["Policies"]]
