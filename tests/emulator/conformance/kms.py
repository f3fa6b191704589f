"""KMS: keys, their state and their policies."""

import json

from .frame import Context, pick, probe, tries


def policy(c: Context, *statements: dict) -> str:
    account = {
        "Sid": "account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{c.central.id}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [account, *statements]})


def key(c: Context, **arguments) -> str:
    """A new key's ARN."""
    return c.central.kms.create_key(**arguments)["KeyMetadata"]["Arn"]


def switched(c: Context, **arguments) -> str:
    """A new key's id: moto finds a key by its ARN only where it reads."""
    return key(c, **arguments).rsplit("/", 1)[1]


def described(c: Context, arn: str) -> dict:
    return c.central.kms.describe_key(KeyId=arn)["KeyMetadata"]


FIELDS = ("Description", "Enabled", "KeyManager", "KeySpec", "KeyState", "KeyUsage", "MultiRegion", "Origin")


@probe
def create_and_describe_a_key(c: Context):
    arn = key(c, Description="watch")
    told = described(c, arn)
    by_id = c.central.kms.describe_key(KeyId=told["KeyId"])["KeyMetadata"]
    return {
        **pick(told, *FIELDS),
        "arn": arn == f"arn:aws:kms:us-east-1:{c.central.id}:key/{told['KeyId']}",
        "by id": by_id["Arn"] == arn,
    }


@probe
def a_key_that_does_not_exist(c: Context):
    absent = f"arn:aws:kms:us-east-1:{c.central.id}:key/00000000-0000-0000-0000-000000000000"
    kms = c.central.kms
    return {
        "describe": tries(kms.describe_key, KeyId=absent),
        "policy": tries(kms.get_key_policy, KeyId=absent, PolicyName="default"),
    }


@probe
def switch_a_key_off_and_on(c: Context):
    id, seen = switched(c), []
    for call in (c.central.kms.disable_key, c.central.kms.enable_key):
        call(KeyId=id)
        seen.append(pick(described(c, id), "Enabled", "KeyState"))
    return seen


@probe
def schedule_and_cancel_the_deletion_of_a_key(c: Context):
    id, seen = switched(c), []
    c.central.kms.schedule_key_deletion(KeyId=id, PendingWindowInDays=7)
    seen.append(pick(described(c, id), "Enabled", "KeyState"))
    c.central.kms.cancel_key_deletion(KeyId=id)
    seen.append(pick(described(c, id), "Enabled", "KeyState"))
    return seen


@probe
def a_key_is_deleted_after_seven_to_thirty_days(c: Context):
    return tries(c.central.kms.schedule_key_deletion, KeyId=switched(c), PendingWindowInDays=3)


@probe
def put_and_get_the_policy_of_a_key(c: Context):
    arn = key(c)
    given = policy(c, {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"})
    c.central.kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=given)
    return json.loads(c.central.kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]) == json.loads(given)


@probe
def a_policy_that_locks_out_whoever_gives_it(c: Context):
    nobody = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "kms:Decrypt", "Resource": "*"}]}
    return tries(c.central.kms.put_key_policy, KeyId=key(c), PolicyName="default", Policy=json.dumps(nobody))


@probe
def another_accounts_key(c: Context):
    return tries(c.member.kms.get_key_policy, KeyId=key(c), PolicyName="default")
