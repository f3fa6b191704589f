#!/usr/bin/env python3
"""Writes the policies of deploy/iam into the CloudFormation templates.

    deploy/policies.py            writes them
    deploy/policies.py --check    writes nothing, and fails where a template says something else

A template says by a comment which file belongs under the key that follows it:

    # from iam/member-role-policy.json
    PolicyDocument:

With `; CONDITION else iam/OTHER.json` after it, statements that the other file lacks are there only under the
template's condition, and those that only the other file has are there without it. With `; external id` a trust policy
demands the parameter ExternalId where it is set.

What stands under such a key is this program's; everything else in a template is written by hand, and a policy of that
kind has a comment that begins with `Not from deploy/iam`. Standard library only.
"""

import argparse
import difflib
import json
import re
import sys
from pathlib import Path

DEPLOY = Path(__file__).resolve().parent
TEMPLATES = DEPLOY / "cloudformation"

MARK = re.compile(
    r"^ *# from iam/(?P<file>[a-z-]+\.json)"
    r"(?:; (?P<condition>[A-Za-z]+) else iam/(?P<other>[a-z-]+\.json))?"
    r"(?P<external>; external id)?$"
)
NOT_OURS = re.compile(r"^ *# Not from deploy/iam\b")
KEY = re.compile(r"^(?P<indent> *)(?:- )?(?P<key>PolicyDocument|AssumeRolePolicyDocument):$")
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# A text that YAML would read as something else than a text, or as none.
NEEDS_QUOTES = re.compile(r"^$|^(null|true|false|yes|no|on|off|~)$|^[\d\-+.*&!%@`{}\[\]|>?,#'\"]|: |:$| #", re.IGNORECASE)


class Mistake(Exception):
    """What stands in the way of writing a template, in words for whoever runs this."""


def policy(name: str) -> dict:
    """A file of deploy/iam."""
    path = DEPLOY / "iam" / name
    try:
        return json.loads(path.read_text())
    except FileNotFoundError as error:
        raise Mistake(f"{path}: no such file") from error
    except json.JSONDecodeError as error:
        raise Mistake(f"{path}: {error}") from error


def merged(policy: dict, other: dict, condition: str) -> dict:
    """Both policies in one: what they have in common stands plainly, the rest under the condition or without it."""
    here, there = policy["Statement"], other["Statement"]
    identity = [json.dumps(statement, sort_keys=True) for statement in here]
    other_identity = [json.dumps(statement, sort_keys=True) for statement in there]
    nothing = {"Ref": "AWS::NoValue"}
    statements = []
    matcher = difflib.SequenceMatcher(a=identity, b=other_identity, autojunk=False)
    for what, begin, end, other_begin, other_end in matcher.get_opcodes():
        if what == "equal":
            statements += here[begin:end]
            continue
        statements += [{"Fn::If": [condition, one, nothing]} for one in here[begin:end]]
        statements += [{"Fn::If": [condition, nothing, one]} for one in there[other_begin:other_end]]
    return {**policy, "Statement": statements}


def with_external_id(trust: dict) -> dict:
    """The trust policy, demanding the external id if the parameter has one."""
    wanted = {"Fn::If": ["HasExternalId", {"Ref": "ExternalId"}, {"Ref": "AWS::NoValue"}]}
    trust = json.loads(json.dumps(trust))
    for statement in trust["Statement"]:
        statement.setdefault("Condition", {}).setdefault("StringEquals", {})["sts:ExternalId"] = wanted
    return trust


def in_cloudformation(value, names: dict):
    """The value with its placeholders as CloudFormation's functions."""
    if isinstance(value, dict):
        return {key: in_cloudformation(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_cloudformation(inner, names) for inner in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    text = PLACEHOLDER.sub(lambda found: "${%s}" % names.get(found[1], found[1]), value)
    whole = re.fullmatch(r"\$\{([\w:]+)\}", text)
    return {"Ref": whole[1]} if whole else {"Fn::Sub": text}


def scalar(value) -> str:
    """A plain value in YAML."""
    if isinstance(value, str):
        return json.dumps(value) if NEEDS_QUOTES.search(value) else value
    return json.dumps(value)


def key_of(text: str) -> str:
    """A key in YAML; null is the one condition operator that needs quotes."""
    return json.dumps(text) if NEEDS_QUOTES.search(text) else text


def lines(value, indent: int) -> list[str]:
    """A mapping or a list in YAML's block style."""
    pad = " " * indent
    out = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, (dict, list)):
                out.append(f"{pad}{key_of(key)}:")
                out += lines(inner, indent + 2)
            else:
                out.append(f"{pad}{key_of(key)}: {scalar(inner)}")
        return out
    for inner in value:
        if isinstance(inner, (dict, list)):
            first, *rest = lines(inner, indent + 2)
            out += [f"{pad}- {first.lstrip()}", *rest]
        else:
            out.append(f"{pad}- {scalar(inner)}")
    return out


def written(template: Path) -> str:
    """The template as it should be."""
    source = template.read_text().splitlines()
    # Where a template is for the central account only, this account is that account.
    names = {"Partition": "AWS::Partition", "Account": "AWS::AccountId"}
    if "  CentralAccount:" not in source:
        names["CentralAccount"] = "AWS::AccountId"
    out, number = [], 0
    while number < len(source):
        line = source[number]
        out.append(line)
        number += 1
        where = f"{template.name}, line {number}"
        mark = MARK.match(line)
        if not mark:
            if "# from iam/" in line:
                raise Mistake(f"{where}: not understood: {line.strip()}")
            if KEY.match(line) and not NOT_OURS.match(out[-2]) and not MARK.match(out[-2]):
                raise Mistake(f"{where}: no comment says from which file of deploy/iam this policy is")
            continue
        key = KEY.match(source[number]) if number < len(source) else None
        if not key:
            raise Mistake(f"{where}: the next line is not `PolicyDocument:` or `AssumeRolePolicyDocument:`")
        out.append(source[number])
        number += 1
        document = policy(mark["file"])
        if mark["other"]:
            document = merged(document, policy(mark["other"]), mark["condition"])
        if mark["external"]:
            document = with_external_id(document)
        indent = len(key["indent"]) + (2 if "- " in source[number - 1] else 0)
        out += lines(in_cloudformation(document, names), indent + 2)
        while number < len(source) and source[number].startswith(" " * (indent + 1)):
            number += 1
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a template says something else")
    check = parser.parse_args().check
    differ = []
    for template in sorted(TEMPLATES.glob("*.yaml")):
        wanted = written(template)
        if wanted == template.read_text():
            continue
        differ.append(template)
        if check:
            difference = difflib.unified_diff(
                template.read_text().splitlines(), wanted.splitlines(), str(template), "deploy/iam", lineterm="", n=2
            )
            print("\n".join(difference), file=sys.stderr)
        else:
            template.write_text(wanted)
            print(f"written: {template}")
    if check and differ:
        print("\nThe templates differ from deploy/iam. Run: deploy/policies.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Mistake as mistake:
        sys.exit(f"deploy/policies.py: {mistake}")
