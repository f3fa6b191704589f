"""Fills an empty emulator with an organization as orgwatch would find one.

Nested OUs, tags, a central (security) account, a closed account, one that the tag `orgwatch=off`
excludes, things of other people that must survive, and what orgwatch's templates install: the policy
that bounds its roles, and in the management account the forwarding role. Names are always the same; ids are the emulator's.
With --add, one account more joins an organization that is already there.
"""

import argparse
import json
import sys

from botocore.exceptions import BotoCoreError, ClientError
from cloud import REGION, Cloud

INSTALLATION = "orgwatch"

# Three levels below the root at the deepest.
OUS = {
    "Security": {},
    "Infrastructure": {"Network": {}, "Shared": {}},
    "Workloads": {"Production": {"Payments": {}, "Web": {}}, "Staging": {}},
    "Sandbox": {},
    "Closed": {},
}

# Accounts that every organization of the test bed has: name, OU, tags.
CENTRAL, CLOSED, EXCLUDED = "security", "old-project", "playground"
FIXED = [
    (CENTRAL, "Security", {}),
    ("log-archive", "Security", {"environment": "security"}),
    (CLOSED, "Closed", {}),
    (EXCLUDED, "Sandbox", {"orgwatch": "off"}),
]
SMALLEST = 1 + len(FIXED) + 1  # the management account, the fixed ones and one plain member

# Where the others go in turn, and the tags that they have there.
TURNS = [
    ("Payments", {"environment": "production", "team": "payments"}),
    ("Web", {"environment": "production"}),
    ("Network", {}),
    ("Staging", {"environment": "staging"}),
    ("Shared", {}),
    ("Sandbox", {}),
]

# How many plain members hold things of other people.
WITH_FOREIGN = 3


def create_ous(organizations, parent: list[str], tree: dict) -> dict[str, list[str]]:
    """Creates the tree below `parent`; answers the ids from the root down to each OU, by its name."""
    paths = {}
    for name, below in tree.items():
        answer = organizations.create_organizational_unit(ParentId=parent[-1], Name=name)
        paths[name] = [*parent, answer["OrganizationalUnit"]["Id"]]
        paths |= create_ous(organizations, paths[name], below)
    return paths


def create_account(organizations, name: str, path: list[str], tags: dict[str, str]) -> dict:
    """Creates an account in the OU at the end of `path`."""
    email = f"{name}@example.com"
    status = organizations.create_account(
        Email=email, AccountName=name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )["CreateAccountStatus"]
    if status["State"] != "SUCCEEDED":
        sys.exit(f"account {name} was not created: {status}")
    account_id = status["AccountId"]
    if len(path) > 1:
        organizations.move_account(
            AccountId=account_id, SourceParentId=path[0], DestinationParentId=path[-1]
        )
    return {"id": account_id, "name": name, "email": email, "path": path, "state": "ACTIVE", "tags": tags}


def install_boundary(account, central_id: str) -> None:
    """What the templates of deploy/ install beside the roles: the policy that bounds what orgwatch makes."""
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": f"arn:aws:events:{REGION}:{central_id}:event-bus/{INSTALLATION}",
            }
        ],
    }
    account.client("iam").create_policy(
        PolicyName=f"{INSTALLATION}-boundary", PolicyDocument=json.dumps(policy)
    )


def install_forwarding_role(management, central_id: str) -> None:
    """What the template installs in the management account, where orgwatch itself never writes IAM."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": management.id},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:aws:events:*:{management.id}:rule/{INSTALLATION}-*"
                    },
                },
            }
        ],
    }
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "events:PutEvents",
                "Resource": f"arn:aws:events:{REGION}:{central_id}:event-bus/{INSTALLATION}",
            }
        ],
    }
    iam, role = management.client("iam"), f"{INSTALLATION}-forwarder"
    iam.create_role(Path="/", RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(
        RoleName=role, PolicyName=f"{INSTALLATION}-forward", PolicyDocument=json.dumps(policy)
    )


def create_foreign_things(account) -> None:
    """A rule, a topic and a role that are nobody's business but the account's."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    account.client("iam").create_role(
        RoleName="payroll-runner", AssumeRolePolicyDocument=json.dumps(trust), Description="runs payroll"
    )
    topic = account.client("sns").create_topic(Name="payroll-done")["TopicArn"]
    events = account.client("events")
    events.put_rule(Name="payroll-nightly", ScheduleExpression="rate(1 day)", Description="starts payroll")
    events.put_targets(Rule="payroll-nightly", Targets=[{"Id": "payroll", "Arn": topic}])


def seed(cloud: Cloud, size: int) -> dict:
    """Creates everything and answers what there is now."""
    organizations = cloud.management.client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]
    root = organizations.list_roots()["Roots"][0]["Id"]
    ous = create_ous(organizations, [root], OUS)

    management = organizations.describe_account(AccountId=organization["MasterAccountId"])["Account"]
    accounts = [
        {
            "id": management["Id"],
            "name": management["Name"],
            "email": management["Email"],
            "path": [root],
            "state": management["State"],
            "tags": {},
        }
    ]
    wanted = list(FIXED)
    for number in range(size - 1 - len(FIXED)):
        ou, tags = TURNS[number % len(TURNS)]
        wanted.append((f"{ou.lower()}-{number // len(TURNS) + 1:02}", ou, tags))
    accounts += [create_account(organizations, name, ous[ou], tags) for name, ou, tags in wanted]

    by_name = {account["name"]: account for account in accounts}
    central_id = by_name[CENTRAL]["id"]
    plain = [account["id"] for account in accounts[1 + len(FIXED) :]]
    for account_id in [central_id, *plain[:WITH_FOREIGN]]:
        create_foreign_things(cloud.account(account_id))
    install_forwarding_role(cloud.management, central_id)
    for account in accounts:
        own = account["id"] == organization["MasterAccountId"]
        install_boundary(cloud.management if own else cloud.account(account["id"]), central_id)

    organizations.close_account(AccountId=by_name[CLOSED]["id"])
    by_name[CLOSED]["state"] = organizations.describe_account(AccountId=by_name[CLOSED]["id"])["Account"][
        "State"
    ]

    credentials = cloud.account(central_id).credentials
    return {
        "organization_id": organization["Id"],
        "root_id": root,
        "management_account_id": organization["MasterAccountId"],
        "central_account_id": central_id,
        "closed_account_id": by_name[CLOSED]["id"],
        "excluded_account_id": by_name[EXCLUDED]["id"],
        "ous": {name: path[-1] for name, path in ous.items()},
        "accounts": accounts,
        "central_credentials": {
            "access_key_id": credentials["AccessKeyId"],
            "secret_access_key": credentials["SecretAccessKey"],
            "session_token": credentials["SessionToken"],
        },
    }


def add(cloud: Cloud, name: str) -> dict:
    """Creates one account more, directly under the root."""
    organizations = cloud.management.client("organizations")
    root = organizations.list_roots()["Roots"][0]["Id"]
    account = create_account(organizations, name, [root], {})
    everybody = organizations.get_paginator("list_accounts").paginate().build_full_result()["Accounts"]
    central_id = next(one["Id"] for one in everybody if one["Name"] == CENTRAL)
    install_boundary(cloud.account(account["id"]), central_id)
    return account


def at_least(smallest: int):
    def parse(text: str) -> int:
        if int(text) < smallest:
            raise argparse.ArgumentTypeError(f"at least {smallest}")
        return int(text)

    return parse


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument(
        "--accounts",
        type=at_least(SMALLEST),
        default=30,
        metavar="N",
        help=f"how many, the management account included; default 30, at least {SMALLEST}",
    )
    parser.add_argument("--add", metavar="NAME", help="only add an account of this name")
    parser.add_argument("--json", action="store_true", help="print one JSON object for programs")
    arguments = parser.parse_args()
    cloud = Cloud(arguments.endpoint)
    try:
        result = add(cloud, arguments.add) if arguments.add else seed(cloud, arguments.accounts)
    except (BotoCoreError, ClientError) as error:
        state = "a seeded" if arguments.add else "an empty"
        sys.exit(f"not seeded: {error} (is {state} emulator at {arguments.endpoint}?)")
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        describe([result] if arguments.add else result["accounts"])


def describe(accounts: list[dict]) -> None:
    """Prints one line for each account."""
    for account in accounts:
        notes = [f"{key}={value}" for key, value in account["tags"].items()]
        if account["state"] != "ACTIVE":
            notes.insert(0, account["state"])
        print(f"{account['id']}  {account['name']:<16} {', '.join(notes)}".rstrip())


if __name__ == "__main__":
    main()
