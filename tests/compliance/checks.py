"""Runs checks of Prowler in the account of the credentials in the environment, or tells what Prowler knows of a benchmark.

`checks.py CHECK...` prints, as one JSON object, the statuses of each check's findings. `checks.py --benchmark 1.4` prints for
each control of that edition of the CIS AWS Foundations Benchmark the check that Prowler has for it and the benchmark's audit
procedure. Runs on the packages of `requirements.txt`; Prowler's own command line would import the clients of all clouds.
"""

import argparse
import json
from importlib import import_module, resources

REGION = "us-east-1"


def benchmark(edition: str) -> dict:
    """By control the checks that Prowler has for it, and the audit procedure."""
    text = resources.files("prowler").joinpath(f"compliance/aws/cis_{edition}_aws.json").read_text()
    return {
        row["Id"]: {"checks": row["Checks"], "procedure": row["Attributes"][0]["AuditProcedure"]}
        for row in json.loads(text)["Requirements"]
    }


def run(checks: list[str]) -> dict[str, list[str]]:
    from prowler.providers.aws.aws_provider import AwsProvider
    from prowler.providers.common.models import Audit_Metadata
    from prowler.providers.common.provider import Provider

    provider = AwsProvider(regions={REGION})
    provider.audit_metadata = Audit_Metadata(
        services_scanned=0, expected_checks=checks, completed_checks=0, audit_progress=0
    )
    Provider.set_global_provider(provider)
    statuses = {}
    for check in checks:
        # A check's service is the first word of its name; clients are made, and everything is read, on import.
        module = import_module(f"prowler.providers.aws.services.{check.split('_')[0]}.{check}.{check}")
        statuses[check] = [finding.status for finding in getattr(module, check)().execute()]
    return statuses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--benchmark", metavar="EDITION", help="such as 1.4")
    parser.add_argument("checks", nargs="*", metavar="CHECK")
    arguments = parser.parse_args()
    print(json.dumps(benchmark(arguments.benchmark) if arguments.benchmark else run(arguments.checks)))


if __name__ == "__main__":
    main()
