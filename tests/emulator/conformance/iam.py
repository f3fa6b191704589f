"""IAM: roles."""

import json

from .frame import Context, allow, document, pick, probe, tags, tries, trusting

EVENTS = {"Service": "events.amazonaws.com"}


def role(c: Context, **arguments) -> str:
    name = c.name("role")
    c.role(c.member, EVENTS, RoleName=name, **arguments)
    return name


def make(c: Context, **arguments) -> str:
    arguments = {"RoleName": c.name("role"), "AssumeRolePolicyDocument": json.dumps(trusting(EVENTS))} | arguments
    return tries(c.member.iam.create_role, **arguments)


@probe
def create_and_get_a_role(c: Context):
    name = role(c, Path="/team/", Description="what for", Tags=[{"Key": "team", "Value": "red"}])
    found = c.member.iam.get_role(RoleName=name)["Role"]
    return {
        **pick(found, "Path", "RoleName", "Arn", "Description", "MaxSessionDuration", "Tags"),
        "RoleId": found["RoleId"][:4],
        "trust": found["AssumeRolePolicyDocument"],
    }


@probe
def create_a_role_again(c: Context):
    c.role(c.member, EVENTS, RoleName=role(c))


@probe
def create_a_role_that_differs_in_case(c: Context):
    name = c.name("role")
    c.role(c.member, EVENTS, RoleName=name)
    return make(c, RoleName=name.upper())


@probe
def create_roles_with_names_that_cannot_be(c: Context):
    return {
        "with a space": make(c, RoleName=c.name("a b")),
        "with a slash": make(c, RoleName=c.name("a/b")),
        "65 letters": make(c, RoleName=c.name("r" * 65)),
    }


@probe
def create_roles_with_parameters_that_cannot_be(c: Context):
    return {
        "path without slashes": make(c, Path="team"),
        "description too long": make(c, Description="d" * 1001),
        "session too long": make(c, MaxSessionDuration=43201),
        "session too short": make(c, MaxSessionDuration=600),
    }


@probe
def create_roles_with_trust_that_cannot_be(c: Context):
    resource = document(allow("sts:AssumeRole") | {"Principal": EVENTS})
    nobody = document({"Effect": "Allow", "Action": "sts:AssumeRole"})
    return {
        "not JSON": make(c, AssumeRolePolicyDocument="trust me"),
        "no statement": make(c, AssumeRolePolicyDocument='{"Version": "2012-10-17"}'),
        "with a resource": make(c, AssumeRolePolicyDocument=json.dumps(resource)),
        "without a principal": make(c, AssumeRolePolicyDocument=json.dumps(nobody)),
    }


@probe
def create_a_role_that_trusts_a_role_that_does_not_exist(c: Context):
    ghost = trusting({"AWS": f"arn:aws:iam::{c.member.id}:role/ghost"})
    return make(c, AssumeRolePolicyDocument=json.dumps(ghost))


@probe
def create_a_role_with_too_long_a_trust(c: Context):
    trust = trusting(EVENTS, Condition={"StringEquals": {"aws:SourceAccount": ["9" * 12] * 150}})
    return make(c, AssumeRolePolicyDocument=json.dumps(trust))


@probe
def get_what_does_not_exist(c: Context):
    iam, name = c.member.iam, role(c)
    return {
        "GetRole": tries(iam.get_role, RoleName="nobody"),
        "GetRolePolicy": tries(iam.get_role_policy, RoleName=name, PolicyName="nothing"),
        "GetRolePolicy of nobody": tries(iam.get_role_policy, RoleName="nobody", PolicyName="nothing"),
        "ListRolePolicies": tries(iam.list_role_policies, RoleName="nobody"),
        "ListAttachedRolePolicies": tries(iam.list_attached_role_policies, RoleName="nobody"),
        "ListRoleTags": tries(iam.list_role_tags, RoleName="nobody"),
    }


@probe
def change_what_does_not_exist(c: Context):
    iam, trust = c.member.iam, json.dumps(trusting(EVENTS))
    rights = json.dumps(document(allow("sns:Publish")))
    return {
        "UpdateAssumeRolePolicy": tries(iam.update_assume_role_policy, RoleName="nobody", PolicyDocument=trust),
        "UpdateRoleDescription": tries(iam.update_role_description, RoleName="nobody", Description=""),
        "PutRolePolicy": tries(iam.put_role_policy, RoleName="nobody", PolicyName="p", PolicyDocument=rights),
        "DeleteRolePolicy": tries(iam.delete_role_policy, RoleName="nobody", PolicyName="p"),
        "TagRole": tries(iam.tag_role, RoleName="nobody", Tags=[{"Key": "a", "Value": "b"}]),
        "DeleteRole": tries(iam.delete_role, RoleName="nobody"),
        "PutRolePermissionsBoundary": tries(
            iam.put_role_permissions_boundary,
            RoleName="nobody",
            PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess",
        ),
    }


@probe
def change_the_trust(c: Context):
    iam, name = c.member.iam, role(c)
    trust = trusting({"Service": "lambda.amazonaws.com"})
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    return {
        "trust": iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
        "malformed": tries(iam.update_assume_role_policy, RoleName=name, PolicyDocument="trust me"),
    }


@probe
def change_the_description(c: Context):
    iam, name = c.member.iam, role(c, Description="old")
    answered = iam.update_role_description(RoleName=name, Description="new")["Role"]
    return [answered.get("Description"), iam.get_role(RoleName=name)["Role"].get("Description")]


@probe
def delete_a_role(c: Context):
    iam, name = c.member.iam, role(c)
    iam.delete_role(RoleName=name)
    return {"get": tries(iam.get_role, RoleName=name), "again": tries(iam.delete_role, RoleName=name)}


@probe
def delete_a_role_with_policies(c: Context):
    iam, inline, attached = c.member.iam, role(c), role(c)
    rights = json.dumps(document(allow("sns:Publish")))
    iam.put_role_policy(RoleName=inline, PolicyName="p", PolicyDocument=rights)
    arn = iam.create_policy(PolicyName=c.name("policy"), PolicyDocument=rights)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=attached, PolicyArn=arn)
    return {
        "inline": tries(iam.delete_role, RoleName=inline),
        "attached": tries(iam.delete_role, RoleName=attached),
    }


@probe
def delete_a_role_with_a_boundary(c: Context):
    iam, name = c.member.iam, role(c)
    iam.put_role_permissions_boundary(
        RoleName=name,
        PermissionsBoundary=iam.create_policy(
            PolicyName=c.name("policy"), PolicyDocument=json.dumps(document(allow("*")))
        )["Policy"]["Arn"],
    )
    iam.delete_role(RoleName=name)


@probe
def tag_a_role(c: Context):
    iam, name = c.member.iam, role(c)
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "3"}])
    iam.untag_role(RoleName=name, TagKeys=["b", "absent"])
    return {
        "listed": tags(iam.list_role_tags(RoleName=name)["Tags"]),
        "got": tags(iam.get_role(RoleName=name)["Role"].get("Tags", [])),
    }


@probe
def tags_that_cannot_be(c: Context):
    iam, name = c.member.iam, role(c)

    def put(*given):
        return tries(iam.tag_role, RoleName=name, Tags=[{"Key": key, "Value": value} for key, value in given])

    return {
        "key too long": put(("k" * 129, "v")),
        "value too long": put(("k", "v" * 257)),
        "51 tags": put(*[(f"k{number}", "v") for number in range(51)]),
        "reserved key": put(("aws:a", "v")),
    }


@probe
def list_roles_below_a_path(c: Context):
    path = f"/{c.name('path')}/"
    names = sorted(role(c, Path=path, Tags=[{"Key": "a", "Value": "b"}]) for _ in range(3))
    first = c.member.iam.list_roles(PathPrefix=path, MaxItems=2)
    rest = c.member.iam.list_roles(PathPrefix=path, MaxItems=2, Marker=first.get("Marker", ""))
    found = first["Roles"] + rest["Roles"]
    return {
        "pages": [len(first["Roles"]), len(rest["Roles"])],
        "truncated": [first["IsTruncated"], rest["IsTruncated"]],
        "same": sorted(entry["RoleName"] for entry in found) == names,
        "tags": any("Tags" in entry for entry in found),
    }


@probe
def list_roles_limits(c: Context):
    call = c.member.iam.list_roles
    return {str(number): tries(call, MaxItems=number) for number in (0, 1, 1000, 1001)}


@probe
def users(c: Context):
    iam, name = c.member.iam, c.name("user")
    made = iam.create_user(UserName=name)["User"]
    return {
        "Arn": made["Arn"],
        "again": tries(iam.create_user, UserName=name),
        "get": pick(iam.get_user(UserName=name)["User"], "UserName", "Path"),
        "delete": tries(iam.delete_user, UserName=name),
        "get again": tries(iam.get_user, UserName=name),
    }
