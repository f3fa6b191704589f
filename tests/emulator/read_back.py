"""Reads what is installed in the organization, independently of orgwatch, as one JSON object.

"Ours" is what carries the installation's name or starts with it and a dash; everything else that
is read is under "foreign". Documents (patterns, trusts, policies) are parsed, lists are ordered,
and nothing is interpreted: a missing thing is a missing key.
"""

import argparse
import json
import sys

from botocore.exceptions import BotoCoreError, ClientError
from cloud import Account, Cloud, pages


class Reader:
    """Reads one account."""

    def __init__(self, account: Account, installation: str):
        self.events = account.client("events")
        self.iam = account.client("iam")
        self.sns = account.client("sns")
        self.sqs = account.client("sqs")
        self.installation = installation

    def is_ours(self, name: str) -> bool:
        return name == self.installation or name.startswith(f"{self.installation}-")

    def rules(self, bus: str = "default") -> dict:
        # The emulator looks up the tags of a rule by its name alone: where a rule of another bus has
        # the name of one on the default bus, the tags that it shows are those of the latter.
        found = {}
        for rule in pages(self.events.list_rules, "Rules", EventBusName=bus):
            name = rule["Name"]
            pattern = rule.get("EventPattern")
            targets = pages(self.events.list_targets_by_rule, "Targets", Rule=name, EventBusName=bus)
            tags = self.events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"]
            found[name] = {
                "arn": rule["Arn"],
                "state": rule["State"],
                "pattern": json.loads(pattern) if pattern else None,
                "schedule": rule.get("ScheduleExpression"),
                "description": rule.get("Description"),
                "role_arn": rule.get("RoleArn"),
                "managed_by": rule.get("ManagedBy"),
                "tags": as_map(tags),
                "targets": sorted(targets, key=lambda target: target["Id"]),
            }
        return found

    def roles(self) -> dict:
        names = [
            role["RoleName"]
            for page in self.iam.get_paginator("list_roles").paginate()
            for role in page["Roles"]
        ]
        return {name: self.role(name) for name in names}

    def role(self, name: str) -> dict:
        role = self.iam.get_role(RoleName=name)["Role"]
        inline = self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        attached = self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        return {
            "arn": role["Arn"],
            "path": role["Path"],
            "description": role.get("Description"),
            "trust": role["AssumeRolePolicyDocument"],
            "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
            "inline_policies": {
                policy: self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
                for policy in inline
            },
            "attached_policies": sorted(policy["PolicyArn"] for policy in attached),
            "tags": as_map(role.get("Tags", [])),
        }

    def buses(self) -> dict:
        found = {}
        for listed in pages(self.events.list_event_buses, "EventBuses"):
            if listed["Name"] == "default":
                continue
            bus = self.events.describe_event_bus(Name=listed["Name"])
            tags = self.events.list_tags_for_resource(ResourceARN=bus["Arn"])["Tags"]
            found[bus["Name"]] = {
                "arn": bus["Arn"],
                "description": bus.get("Description"),
                "policy": json.loads(bus["Policy"]) if bus.get("Policy") else None,
                "tags": as_map(tags),
                "rules": self.rules(bus["Name"]),
            }
        return found

    def topics(self) -> dict:
        return {
            topic["TopicArn"].rpartition(":")[2]: self.topic(topic["TopicArn"])
            for topic in pages(self.sns.list_topics, "Topics")
        }

    def topic(self, arn: str) -> dict:
        attributes = self.sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        subscriptions = []
        for listed in pages(self.sns.list_subscriptions_by_topic, "Subscriptions", TopicArn=arn):
            subscription = {
                "arn": listed["SubscriptionArn"],
                "protocol": listed["Protocol"],
                "endpoint": listed["Endpoint"],
            }
            if listed["SubscriptionArn"].startswith("arn:"):
                answer = self.sns.get_subscription_attributes(SubscriptionArn=listed["SubscriptionArn"])
                subscription["attributes"] = answer["Attributes"]
            subscriptions.append(subscription)
        return {
            "arn": arn,
            "policy": json.loads(attributes.pop("Policy")) if attributes.get("Policy") else None,
            "attributes": attributes,
            "tags": as_map(self.sns.list_tags_for_resource(ResourceArn=arn)["Tags"]),
            "subscriptions": sorted(subscriptions, key=lambda s: (s["protocol"], s["endpoint"])),
        }

    def queues(self) -> dict:
        found = {}
        for url in self.sqs.list_queues().get("QueueUrls", []):
            attributes = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
            found[url.rpartition("/")[2]] = {
                "policy": json.loads(attributes.pop("Policy")) if attributes.get("Policy") else None,
                "attributes": attributes,
                "tags": self.sqs.list_queue_tags(QueueUrl=url).get("Tags", {}),
            }
        return found

    def member(self) -> dict:
        """What orgwatch manages in any account, and what it must leave alone there."""
        return self.split(rules=self.rules(), roles=self.roles(), topics=self.topics())

    def central(self) -> dict:
        """What orgwatch manages in the central account besides."""
        central = self.split(buses=self.buses(), topics=self.topics(), queues=self.queues())
        # There is one bus of ours at most, and nearly every test is about it.
        central["bus"] = central.pop("buses").get(self.installation)
        central["rules"] = central["bus"].pop("rules") if central["bus"] else {}
        return central

    def split(self, **kinds: dict) -> dict:
        """Ours under the name of their kind, those of others under the same name in `foreign`."""

        def those(ours: bool) -> dict:
            return {
                kind: {name: thing for name, thing in things.items() if self.is_ours(name) == ours}
                for kind, things in kinds.items()
            }

        return those(True) | {"foreign": those(False)}


def as_map(tags: list[dict]) -> dict:
    return {tag["Key"]: tag["Value"] for tag in tags}


def read_back(cloud: Cloud, central_id: str, account_ids: list[str], installation: str) -> dict:
    def reader(account_id: str) -> Reader:
        return Reader(cloud.account(account_id), installation)

    return {
        "accounts": {account_id: reader(account_id).member() for account_id in account_ids},
        "central": reader(central_id).central(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument("--central", required=True, metavar="ID", help="the central account")
    parser.add_argument(
        "--accounts", default="", metavar="ID,ID...", help="whose rules and roles to read; default: none"
    )
    parser.add_argument("--installation", default="orgwatch", help="default: orgwatch")
    arguments = parser.parse_args()
    ids = [account_id for account_id in arguments.accounts.split(",") if account_id]
    try:
        found = read_back(Cloud(arguments.endpoint), arguments.central, ids, arguments.installation)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"not read: {error}")
    print(json.dumps(found, indent=2, sort_keys=True, default=str))


if __name__ == "__main__":
    main()
