"""What a team would write: every account's sender rule and forwarding role, read and compared.

One pool of threads, a session of boto3 for each of them, and for each account the credentials of its member role. Prints
one line of JSON: how long it took, its processor time, its calls, and its memory at its highest.
"""

import argparse
import json
import os
import resource
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
from botocore.config import Config

ROLE = "orgwatch-forwarder"
RULE = "orgwatch-iam-changes"
TICKS = os.sysconf("SC_CLK_TCK")
CONFIG = Config(retries={"mode": "standard", "max_attempts": 3})

local = threading.local()


def session() -> boto3.session.Session:
    """This thread's session; loading AWS's service models again for every account would be the most part."""
    if not hasattr(local, "session"):
        local.session = boto3.session.Session()
        local.sts = local.session.client("sts", config=CONFIG)
    return local.session


def normal(policy: dict) -> dict:
    """A policy whose lists of one element are that element."""
    def lone(value):
        if isinstance(value, dict):
            return {key: lone(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return lone(value[0]) if len(value) == 1 else sorted((lone(inner) for inner in value), key=str)
        return value
    return lone(policy)


def look(account: str, options: argparse.Namespace, pattern: dict) -> list[str]:
    """What differs in one account."""
    own = session()
    partition, central = options.partition, options.central
    given = local.sts.assume_role(
        RoleArn=f"arn:{partition}:iam::{account}:role/orgwatch-member", RoleSessionName="script"
    )["Credentials"]
    keys = {
        "aws_access_key_id": given["AccessKeyId"],
        "aws_secret_access_key": given["SecretAccessKey"],
        "aws_session_token": given["SessionToken"],
        "config": CONFIG,
    }
    found = []
    events = own.client("events", **keys)
    region = events.meta.region_name
    bus = f"arn:{partition}:events:{region}:{central}:event-bus/orgwatch"
    rules = events.list_rules(NamePrefix="orgwatch-")["Rules"]
    if [rule["Name"] for rule in rules] != [RULE]:
        found.append("rules")
    for rule in rules:
        if rule["State"] != "ENABLED" or normal(json.loads(rule["EventPattern"])) != pattern:
            found.append(f"rule {rule['Name']}")
        targets = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
        wanted = [(bus, f"arn:{partition}:iam::{account}:role/{ROLE}")]
        if [(target["Arn"], target.get("RoleArn")) for target in targets] != wanted:
            found.append(f"targets of {rule['Name']}")
    iam = own.client("iam", **keys)
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    if normal(trust)["Statement"]["Principal"] != {"Service": "events.amazonaws.com"}:
        found.append("trust")
    policies = {
        name: normal(iam.get_role_policy(RoleName=ROLE, PolicyName=name)["PolicyDocument"])
        for name in iam.list_role_policies(RoleName=ROLE)["PolicyNames"]
    }
    if [p["Statement"].get("Resource") for p in policies.values()] != [bus]:
        found.append("policies")
    if iam.list_attached_role_policies(RoleName=ROLE)["AttachedPolicies"]:
        found.append("attached policies")
    return found


def calls() -> int:
    """The calls that the simulator has answered."""
    with urllib.request.urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/admin/counters") as answer:
        return json.load(answer)["calls"]


def processor_time(pid: int) -> float:
    """Seconds of processor time of another process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=Path, required=True, help="a list of ids in JSON")
    parser.add_argument("--pattern", type=Path, required=True, help="the pattern of the rule")
    parser.add_argument("--partition", required=True)
    parser.add_argument("--central", required=True)
    parser.add_argument("--threads", type=int, default=64)
    parser.add_argument("--simulator-pid", type=int, required=True)
    options = parser.parse_args()
    accounts = json.loads(options.accounts.read_text())
    pattern = normal(json.loads(options.pattern.read_text()))

    answered, its = calls(), processor_time(options.simulator_pid)
    own, began = time.process_time(), time.monotonic()
    with ThreadPoolExecutor(options.threads) as pool:
        found = dict(zip(accounts, pool.map(lambda account: look(account, options, pattern), accounts)))
    lap = {
        "name": "cold",
        "seconds": time.monotonic() - began,
        "cpu_seconds": time.process_time() - own,
        "simulator_cpu_seconds": processor_time(options.simulator_pid) - its,
        "calls": calls() - answered,
    }
    differs = {account: what for account, what in found.items() if what}
    if differs:
        sys.exit(f"{len(differs)} accounts differ, among them {next(iter(differs.items()))}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"laps": [lap], "peak_mib": peak}))


if __name__ == "__main__":
    main()
