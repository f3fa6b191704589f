"""Stands in for the AWS command line where a test follows docs/getting-started.md.

`cloudformation` installs nothing: it holds the template, its parameters and the order of the commands against what the
template says. `organizations` asks the endpoint of the test. Whatever else it is asked, it fails.
"""

import json
import os
import re
import sys
import urllib.request
from pathlib import Path

import yaml


def options(arguments: list[str]) -> dict[str, list[str]]:
    """`--name value value` as a map; an option without a value has an empty list."""
    found: dict[str, list[str]] = {}
    name = None
    for argument in arguments:
        if argument.startswith("--"):
            name = argument
            found[name] = []
        elif name is None:
            sys.exit(f"aws: unexpected {argument}")
        else:
            found[name].append(argument)
    return found


def template(path: str, given: dict[str, str]) -> None:
    """Fails unless the template takes these parameters, and needs no more."""
    parameters = yaml.safe_load(Path(path.removeprefix("file://")).read_text())["Parameters"]
    if unknown := given.keys() - parameters.keys():
        sys.exit(f"aws: {path} has no parameters {sorted(unknown)}")
    if missing := {name for name, parameter in parameters.items() if "Default" not in parameter} - given.keys():
        sys.exit(f"aws: {path} needs the parameters {sorted(missing)}")
    for name, value in given.items():
        pattern = parameters[name].get("AllowedPattern")
        if pattern and not re.search(pattern, value):
            sys.exit(f"aws: {path}: {name} may not be {value!r}")


def cloudformation(command: str, given: dict[str, list[str]]) -> None:
    if not given.get("--region", [""])[0]:
        sys.exit("aws: in which Region?")
    made = Path("stack-sets.txt")
    if command == "deploy":
        pairs = (pair.split("=", 1) for pair in given["--parameter-overrides"])
        template(given["--template-file"][0], dict(pairs))
    elif command == "create-stack-set":
        pairs = (dict(part.split("=", 1) for part in pair.split(",", 1)) for pair in given["--parameters"])
        template(given["--template-body"][0], {p["ParameterKey"]: p["ParameterValue"] for p in pairs})
        made.write_text(given["--stack-set-name"][0])
    elif command == "create-stack-instances":
        if not made.exists() or made.read_text() != given["--stack-set-name"][0]:
            sys.exit("aws: there is no such stack set")
        if not given["--deployment-targets"][0].startswith("OrganizationalUnitIds=r-"):
            sys.exit(f"aws: {given['--deployment-targets']} is not the root")
    elif command != "activate-organizations-access":
        sys.exit(f"aws: cloudformation {command} is not known here")
    if command in ("deploy", "create-stack-set") and given.get("--capabilities") != ["CAPABILITY_NAMED_IAM"]:
        sys.exit("aws: the template names roles, which needs CAPABILITY_NAMED_IAM")


def organizations(command: str, given: dict[str, list[str]]) -> None:
    operation = {"describe-organization": "DescribeOrganization", "list-roots": "ListRoots"}[command]
    # By the key of the management account's administrator in the simulator.
    credential = "test/20260101/us-east-1/organizations/aws4_request"
    request = urllib.request.Request(
        os.environ["AWS_ENDPOINT_URL"],
        data=b"{}",
        headers={
            "X-Amz-Target": f"AWSOrganizationsV20161128.{operation}",
            "Content-Type": "application/x-amz-json-1.1",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        value = json.loads(answer.read())
    # The few forms of JMESPath that the page uses.
    for step in given["--query"][0].replace("[", ".").replace("]", "").split("."):
        value = value[int(step)] if step.isdigit() else value[step]
    print(value)


def main() -> None:
    service, command, *rest = sys.argv[1:]
    {"cloudformation": cloudformation, "organizations": organizations}[service](command, options(rest))


if __name__ == "__main__":
    main()
