"""Changes one installed thing behind orgwatch's back.

`drift.py --endpoint URL --account ID rule-disabled` disables the sender rule of that account; names
that start with bus, topic, subscription or alert are about the central account. Without a name of a
drift it lists them.
"""

import argparse
import json
import sys
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from cloud import REGION, Account, Cloud, pages

# What somebody else's rule might match.
OTHER_PATTERN = json.dumps({"source": ["aws.s3"]})


def some(things: list, what: str) -> list:
    """`things`, of which there must be one: a drift that changes nothing would prove nothing."""
    return things or sys.exit(f"there is no {what} to change")


@dataclass
class Scene:
    """The account to change, and what things are called in it."""

    account: Account
    installation: str
    watch: str
    alert: str

    def __post_init__(self) -> None:
        self.sender_rule = f"{self.installation}-{self.watch}"
        self.alert_rule = f"{self.installation}-{self.alert}"
        self.bus = self.installation
        self.role = f"{self.installation}-forwarder"

    @property
    def events(self):
        return self.account.client("events")

    @property
    def iam(self):
        return self.account.client("iam")

    @property
    def sns(self):
        return self.account.client("sns")

    @property
    def topic(self) -> str:
        return f"arn:aws:sns:{REGION}:{self.account.id}:{self.installation}-{self.alert}"

    def targets(self, rule: str, bus: str) -> list[dict]:
        return list(pages(self.events.list_targets_by_rule, "Targets", Rule=rule, EventBusName=bus))

    def put_rule(self, rule: str, bus: str = "default", **changes) -> None:
        """PutRule with everything that the rule has, but for `changes`; None leaves a field out."""
        there = self.events.describe_rule(Name=rule, EventBusName=bus)
        kept = {key: there[key] for key in ("EventPattern", "State", "Description") if key in there}
        fields = {key: value for key, value in (kept | changes).items() if value is not None}
        self.events.put_rule(Name=rule, EventBusName=bus, **fields)

    def remove_targets(self, rule: str, bus: str = "default") -> None:
        targets = some(self.targets(rule, bus), f"target of {rule}")
        self.events.remove_targets(Rule=rule, EventBusName=bus, Ids=[target["Id"] for target in targets])

    def delete_rule(self, rule: str, bus: str = "default") -> None:
        if self.targets(rule, bus):
            self.remove_targets(rule, bus)
        self.events.delete_rule(Name=rule, EventBusName=bus)


def rule_deleted(scene: Scene) -> None:
    """the sender rule and its target are gone"""
    scene.delete_rule(scene.sender_rule)


def rule_disabled(scene: Scene) -> None:
    """the sender rule is disabled"""
    scene.events.disable_rule(Name=scene.sender_rule)


def rule_pattern(scene: Scene) -> None:
    """the sender rule matches something else"""
    scene.put_rule(scene.sender_rule, EventPattern=OTHER_PATTERN)


def rule_bare_put(scene: Scene) -> None:
    """PutRule with name and pattern only, which nulls everything else"""
    scene.put_rule(scene.sender_rule, State=None, Description=None)


def target_removed(scene: Scene) -> None:
    """the sender rule has no target"""
    scene.remove_targets(scene.sender_rule)


def target_role(scene: Scene) -> None:
    """the target is invoked with another role"""
    role = f"arn:aws:iam::{scene.account.id}:role/payroll-runner"
    for target in some(scene.targets(scene.sender_rule, "default"), f"target of {scene.sender_rule}"):
        scene.events.put_targets(Rule=scene.sender_rule, Targets=[target | {"RoleArn": role}])


def target_foreign(scene: Scene) -> None:
    """the sender rule has a second target that is not ours"""
    arn = f"arn:aws:sqs:{REGION}:{scene.account.id}:payroll-queue"
    scene.events.put_targets(Rule=scene.sender_rule, Targets=[{"Id": "payroll", "Arn": arn}])


def rule_foreign(scene: Scene) -> None:
    """somebody else's rule stands at our name, without mark and tag"""
    try:
        scene.delete_rule(scene.sender_rule)
    except scene.events.exceptions.ResourceNotFoundException:
        pass  # The name was free.
    scene.events.put_rule(Name=scene.sender_rule, EventPattern=OTHER_PATTERN)


def mark_removed(scene: Scene) -> None:
    """the sender rule's description has lost our mark, the tag is still there"""
    scene.put_rule(scene.sender_rule, Description="formerly something else")


def ownership_removed(scene: Scene) -> None:
    """the sender rule has lost mark and tags"""
    mark_removed(scene)
    arn = scene.events.describe_rule(Name=scene.sender_rule)["Arn"]
    tags = some(scene.events.list_tags_for_resource(ResourceARN=arn)["Tags"], f"tag of {arn}")
    scene.events.untag_resource(ResourceARN=arn, TagKeys=[tag["Key"] for tag in tags])


def role_deleted(scene: Scene) -> None:
    """the forwarding role is gone"""
    for policy in scene.iam.list_role_policies(RoleName=scene.role)["PolicyNames"]:
        scene.iam.delete_role_policy(RoleName=scene.role, PolicyName=policy)
    for policy in scene.iam.list_attached_role_policies(RoleName=scene.role)["AttachedPolicies"]:
        scene.iam.detach_role_policy(RoleName=scene.role, PolicyArn=policy["PolicyArn"])
    scene.iam.delete_role(RoleName=scene.role)


def role_trust(scene: Scene) -> None:
    """the forwarding role trusts EventBridge on behalf of anybody"""
    trust = scene.iam.get_role(RoleName=scene.role)["Role"]["AssumeRolePolicyDocument"]
    for statement in trust["Statement"]:
        statement.pop("Condition", None)
    scene.iam.update_assume_role_policy(RoleName=scene.role, PolicyDocument=json.dumps(trust))


def role_policy(scene: Scene) -> None:
    """the forwarding role may put events on any bus"""
    statement = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policies = scene.iam.list_role_policies(RoleName=scene.role)["PolicyNames"]
    for policy in some(policies, f"inline policy of {scene.role}"):
        scene.iam.put_role_policy(RoleName=scene.role, PolicyName=policy, PolicyDocument=document)


def role_attached(scene: Scene) -> None:
    """a managed policy is attached to the forwarding role"""
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = scene.iam.create_policy(
        PolicyName="payroll-access",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )["Policy"]
    scene.iam.attach_role_policy(RoleName=scene.role, PolicyArn=policy["Arn"])


def bus_deleted(scene: Scene) -> None:
    """the central bus and its rules are gone"""
    for rule in list(pages(scene.events.list_rules, "Rules", EventBusName=scene.bus)):
        scene.delete_rule(rule["Name"], scene.bus)
    scene.events.delete_event_bus(Name=scene.bus)


def bus_policy(scene: Scene) -> None:
    """the central bus lets another organization in, by a second statement"""
    bus = scene.events.describe_event_bus(Name=scene.bus)
    policy = json.loads(bus["Policy"])
    # The emulator keeps statements of other principals when a whole policy is put, which AWS does
    # not: with the principal of our own statement the repair works in both.
    policy["Statement"].append(
        {
            "Sid": "payroll",
            "Effect": "Allow",
            "Principal": "*",
            "Action": "events:PutEvents",
            "Resource": bus["Arn"],
            "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-somebodyelse"}},
        }
    )
    scene.events.put_permission(EventBusName=scene.bus, Policy=json.dumps(policy))


def topic_policy(scene: Scene) -> None:
    """EventBridge may no longer publish to the alert's topic"""
    statement = {
        "Sid": "payroll",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{scene.account.id}:root"},
        "Action": "sns:Publish",
        "Resource": scene.topic,
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    scene.sns.set_topic_attributes(
        TopicArn=scene.topic, AttributeName="Policy", AttributeValue=document
    )


def topic_deleted(scene: Scene) -> None:
    """the alert's topic and its subscriptions are gone"""
    scene.sns.delete_topic(TopicArn=scene.topic)


def subscription_removed(scene: Scene) -> None:
    """the alert's topic has lost all its subscriptions"""
    listed = pages(scene.sns.list_subscriptions_by_topic, "Subscriptions", TopicArn=scene.topic)
    for subscription in some(list(listed), f"subscription of {scene.topic}"):
        scene.sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


def subscription_unknown(scene: Scene) -> None:
    """somebody unknown listens on the alert's topic"""
    scene.sns.subscribe(TopicArn=scene.topic, Protocol="email", Endpoint="somebody@example.org")


def alert_rule_pattern(scene: Scene) -> None:
    """the alert rule matches something else"""
    scene.put_rule(scene.alert_rule, scene.bus, EventPattern=OTHER_PATTERN)


def alert_rule_disabled(scene: Scene) -> None:
    """the alert rule is disabled"""
    scene.events.disable_rule(Name=scene.alert_rule, EventBusName=scene.bus)


def alert_target_removed(scene: Scene) -> None:
    """the alert rule delivers to nobody"""
    scene.remove_targets(scene.alert_rule, scene.bus)


DRIFTS = {
    function.__name__.replace("_", "-"): function
    for function in (
        rule_deleted,
        rule_disabled,
        rule_pattern,
        rule_bare_put,
        rule_foreign,
        mark_removed,
        ownership_removed,
        target_removed,
        target_role,
        target_foreign,
        role_deleted,
        role_trust,
        role_policy,
        role_attached,
        bus_deleted,
        bus_policy,
        topic_policy,
        topic_deleted,
        subscription_removed,
        subscription_unknown,
        alert_rule_pattern,
        alert_rule_disabled,
        alert_target_removed,
    )
}


def main() -> None:
    listing = "\n".join(f"  {name:<21} {function.__doc__}" for name, function in DRIFTS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"drifts:\n{listing}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--endpoint", help="e.g. http://127.0.0.1:5000")
    parser.add_argument("--account", metavar="ID", help="where to change something")
    parser.add_argument("--installation", default="orgwatch", help="default: orgwatch")
    parser.add_argument("--watch", default="iam-changes", help="of the sender rule; default: iam-changes")
    parser.add_argument(
        "--alert", default="iam-changes", help="of alert rule and topic; default: iam-changes"
    )
    parser.add_argument("drift", nargs="?", choices=DRIFTS, metavar="DRIFT", help="one of those below")
    arguments = parser.parse_args()
    if not arguments.drift:
        print(f"drifts:\n{listing}")
        return
    if not (arguments.endpoint and arguments.account):
        parser.error("--endpoint and --account say where")
    try:
        account = Cloud(arguments.endpoint).account(arguments.account)
        DRIFTS[arguments.drift](Scene(account, arguments.installation, arguments.watch, arguments.alert))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"{arguments.drift} not applied: {error}")
    print(f"{arguments.drift} in {arguments.account}: {DRIFTS[arguments.drift].__doc__}")


if __name__ == "__main__":
    main()
