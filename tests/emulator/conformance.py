"""Asks an AWS emulator the same questions as any other and tells its answers in a normal form.

Each probe makes its own resources and answers one outcome, so two emulators are compared by comparing
what this prints about them; `differences.toml` beside it lists where they are known to differ, and why.
An emulator without an organization gets one first.
"""

import argparse
import json
import sys
import time

from conformance import account, cloudtrail, cloudwatch, delivery, delivery_paths, delivery_sns, events
from conformance import events_permission, events_targets, iam, iam_policies, kms, logs, organizations, organizations_tree
from conformance import permission, sns, sns_subscriptions, sqs, sts
from conformance.frame import PROBES, Context

# Named so that nobody takes the imports for unused: a module registers its probes when it is read.
MODULES = (
    account,
    cloudtrail,
    cloudwatch,
    delivery,
    delivery_paths,
    delivery_sns,
    events,
    events_permission,
    events_targets,
    iam,
    iam_policies,
    kms,
    logs,
    organizations,
    organizations_tree,
    permission,
    sns,
    sns_subscriptions,
    sqs,
    sts,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument("--json", action="store_true", help="print one JSON object for programs")
    parser.add_argument("--times", action="store_true", help="tell the slow probes on standard error")
    parser.add_argument("probes", nargs="*", help="only probes whose names contain one of these texts")
    arguments = parser.parse_args()
    context = Context(arguments.endpoint)
    outcomes = {}
    for name, probe in PROBES.items():
        if arguments.probes and not any(text in name for text in arguments.probes):
            continue
        start = time.monotonic()
        outcomes[name] = context.outcome(probe)
        if arguments.times and time.monotonic() - start > 0.5:
            print(f"{time.monotonic() - start:5.1f} s  {name}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(outcomes, indent=1))
    else:
        for name, outcome in outcomes.items():
            print(f"{name}: {outcome}")


if __name__ == "__main__":
    main()
