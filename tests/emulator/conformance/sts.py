"""STS: who one is, and whom one may become."""

import json

from .frame import ACCESS_ROLE, Context, allow, document, pick, probe, tries, trusting


def session(c: Context, role: str, by=None, **arguments):
    by = by or c.management
    return by.sts.assume_role(RoleArn=role, **{"RoleSessionName": "conformance"} | arguments)


@probe
def identity_of_the_management_account(c: Context):
    return pick(c.management.sts.get_caller_identity(), "Account")


@probe
def identity_of_a_session(c: Context):
    answer = c.member.sts.get_caller_identity()
    return {**pick(answer, "Account", "Arn"), "UserId": answer["UserId"].partition(":")[2]}


@probe
def identity_needs_no_permission(c: Context):
    c.limited(c.member).sts.get_caller_identity()


@probe
def identity_with_a_made_up_key(c: Context):
    c.stranger().sts.get_caller_identity()


@probe
def identity_with_a_garbled_token(c: Context):
    c.stranger(c.member.credentials["AccessKeyId"], "garbled").sts.get_caller_identity()


@probe
def other_services_with_a_made_up_key(c: Context):
    stranger = c.stranger()
    return {
        "events": tries(stranger.events.list_rules),
        "organizations": tries(stranger.organizations.describe_organization),
        "sns": tries(stranger.sns.list_topics),
        "iam": tries(stranger.iam.list_roles),
    }


@probe
def assume_role(c: Context):
    answer = session(c, f"arn:aws:iam::{c.member.id}:role/{ACCESS_ROLE}", RoleSessionName="a.b@c=d,e-f_g")
    keys = answer["Credentials"]
    user = answer["AssumedRoleUser"]
    return {
        "Arn": user["Arn"],
        "AssumedRoleId": user["AssumedRoleId"].partition(":")[2],
        "prefix": keys["AccessKeyId"][:4],
        "credentials": sorted(keys),
    }


@probe
def assume_a_role_with_a_path(c: Context):
    role = c.role(c.member, Path="/team/red/")
    answer = session(c, role)
    return {"role": role, **pick(answer["AssumedRoleUser"], "Arn")}


@probe
def assume_a_role_with_a_path_without_it(c: Context):
    role = c.role(c.member, Path="/team/red/")
    session(c, f"arn:aws:iam::{c.member.id}:role/{role.rpartition('/')[2]}")


@probe
def assume_a_role_that_does_not_exist(c: Context):
    session(c, f"arn:aws:iam::{c.member.id}:role/nobody")


@probe
def assume_a_role_of_an_unknown_account(c: Context):
    session(c, f"arn:aws:iam::999999999999:role/{ACCESS_ROLE}")


@probe
def assume_the_access_role_of_the_management_account(c: Context):
    session(c, f"arn:aws:iam::{c.management.id}:role/{ACCESS_ROLE}")


@probe
def assume_a_role_that_trusts_another_account(c: Context):
    session(c, c.role(c.member, {"AWS": f"arn:aws:iam::{c.other.id}:root"}))


@probe
def assume_a_role_that_trusts_a_service(c: Context):
    session(c, c.role(c.member, {"Service": "events.amazonaws.com"}))


@probe
def assume_a_role_with_an_external_id(c: Context):
    name = c.name("role")
    trust = trusting(
        {"AWS": f"arn:aws:iam::{c.management.id}:root"},
        Condition={"StringEquals": {"sts:ExternalId": "right"}},
    )
    role = c.member.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    return {
        "right": tries(session, c=c, role=role, ExternalId="right"),
        "wrong": tries(session, c=c, role=role, ExternalId="wrong"),
        "none": tries(session, c=c, role=role),
    }


@probe
def assume_role_parameters(c: Context):
    role = c.role(c.member)
    bad = {
        "60 seconds": {"DurationSeconds": 60},
        "899 seconds": {"DurationSeconds": 899},
        "longer than the role allows": {"DurationSeconds": 3601},
        "13 hours": {"DurationSeconds": 46800},
        "session name with a space": {"RoleSessionName": "a b"},
        "session name of one letter": {"RoleSessionName": "a"},
        "session name of 65 letters": {"RoleSessionName": "a" * 65},
        "external id of one letter": {"ExternalId": "a"},
    }
    return {what: tries(session, c=c, role=role, **arguments) for what, arguments in bad.items()}


@probe
def assume_a_malformed_arn(c: Context):
    session(c, "OrganizationAccountAccessRole")


@probe
def assume_with_a_malformed_session_policy(c: Context):
    role = c.role(c.member)
    return {
        "not JSON": tries(session, c=c, role=role, Policy="allow all"),
        "no statement": tries(session, c=c, role=role, Policy='{"Version": "2012-10-17"}'),
    }


@probe
def a_session_policy_narrows(c: Context):
    role = f"arn:aws:iam::{c.member.id}:role/{ACCESS_ROLE}"
    narrow = c.assume(role, Policy=json.dumps(document(allow("sns:ListTopics"))))
    return {"inside": tries(narrow.sns.list_topics), "outside": tries(narrow.events.list_rules)}


@probe
def a_session_policy_widens_nothing(c: Context):
    role = c.role(c.member, None, allow("sns:ListTopics"))
    wide = c.assume(role, Policy=json.dumps(document(allow("*"))))
    return {"inside": tries(wide.sns.list_topics), "outside": tries(wide.events.list_rules)}


@probe
def a_session_of_managed_policies(c: Context):
    policy = c.member.iam.create_policy(
        PolicyName=c.name("policy"), PolicyDocument=json.dumps(document(allow("sns:ListTopics")))
    )["Policy"]["Arn"]
    role = f"arn:aws:iam::{c.member.id}:role/{ACCESS_ROLE}"
    narrow = c.assume(role, PolicyArns=[{"arn": policy}])
    return {"inside": tries(narrow.sns.list_topics), "outside": tries(narrow.events.list_rules)}


@probe
def the_packed_size_is_told_of_session_policies_only(c: Context):
    role = f"arn:aws:iam::{c.member.id}:role/{ACCESS_ROLE}"
    with_policy = session(c, role, Policy=json.dumps(document(allow("sns:ListTopics"))))
    return {"with": "PackedPolicySize" in with_policy, "without": "PackedPolicySize" in session(c, role)}


@probe
def a_chained_session_lasts_an_hour_at_most(c: Context):
    role = c.role(c.member, {"AWS": f"arn:aws:iam::{c.central.id}:root"}, MaxSessionDuration=43200)
    return {
        "3600": tries(session, c=c, role=role, by=c.central, DurationSeconds=3600),
        "3601": tries(session, c=c, role=role, by=c.central, DurationSeconds=3601),
    }


@probe
def a_chain_to_a_role_that_does_not_trust(c: Context):
    session(c, f"arn:aws:iam::{c.member.id}:role/{ACCESS_ROLE}", by=c.central)


@probe
def assume_without_the_permission_to(c: Context):
    role = c.role(c.member, {"AWS": f"arn:aws:iam::{c.central.id}:root"})
    poor = c.limited(c.central, allow("sns:*"))
    rich = c.limited(c.central, allow("sts:AssumeRole", resource=role))
    return {
        "without": tries(session, c=c, role=role, by=poor),
        "with": tries(session, c=c, role=role, by=rich),
    }


@probe
def a_trust_in_the_same_account_that_names_the_role_is_enough(c: Context):
    poor_role = c.role(c.member)
    role = c.role(c.member, {"AWS": poor_role})
    session(c, role, by=c.assume(poor_role))


@probe
def a_trust_in_the_same_account_that_names_the_account_delegates(c: Context):
    role = c.role(c.member, {"AWS": f"arn:aws:iam::{c.member.id}:root"})
    session(c, role, by=c.limited(c.member))


@probe
def a_trust_follows_no_role_made_anew(c: Context):
    name = c.name("role")
    trusted = c.role(c.central, None, allow("sts:AssumeRole"), RoleName=name)
    role = c.role(c.member, {"AWS": trusted})
    before = tries(session, c=c, role=role, by=c.assume(trusted))
    c.central.iam.delete_role_policy(RoleName=name, PolicyName="rights")
    c.central.iam.delete_role(RoleName=name)
    c.role(c.central, None, allow("sts:AssumeRole"), RoleName=name)
    return {"before": before, "after": tries(session, c=c, role=role, by=c.assume(trusted))}


@probe
def the_session_of_a_deleted_role_may_nothing(c: Context):
    name = c.name("role")
    caller = c.limited(c.member, allow("sns:ListTopics"), RoleName=name)
    before = tries(caller.sns.list_topics)
    c.member.iam.delete_role_policy(RoleName=name, PolicyName="rights")
    c.member.iam.delete_role(RoleName=name)
    return {"before": before, "after": tries(caller.sns.list_topics)}


@probe
def a_source_identity_needs_the_trusts_leave(c: Context):
    name = c.name("role")
    trust = document(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{c.management.id}:root"},
            "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"],
        }
    )
    open_role = c.member.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    return {
        "without": tries(session, c=c, role=c.role(c.member), SourceIdentity="orgwatch"),
        "with": session(c, open_role, SourceIdentity="orgwatch").get("SourceIdentity"),
    }


@probe
def session_tags_need_the_trusts_leave(c: Context):
    session(c, c.role(c.member), Tags=[{"Key": "team", "Value": "red"}])


@probe
def state_is_each_accounts_own(c: Context):
    name = c.name("rule")
    c.member.events.put_rule(Name=name, EventPattern='{"source": ["aws.iam"]}')
    topic = c.member.sns.create_topic(Name=name)["TopicArn"]
    return {
        "rule": tries(c.other.events.describe_rule, Name=name),
        "topic": tries(c.other.sns.get_topic_attributes, TopicArn=topic.replace(c.member.id, c.other.id)),
        "role": tries(c.other.iam.get_role, RoleName=name),
        "rule in another Region": tries(c.member.client("events", "eu-west-1").describe_rule, Name=name),
    }
