"""Plants defects in the product, one at a time, and tells which tests catch each of them.

Works on a copy of the last commit under target/mutations, with a build directory of its own. A defect that no test
catches, or one that can no longer be planted, is a failure. `run.py` runs all; `run.py NAME...` those whose name contains
one of the texts. At each defect it stops at the first test that catches it, the quick ones first; with --all it runs them
all, to list every catcher.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "target/mutations/tree"
# Quick ones first; each is built only when those before it have caught nothing.
SUITES = [["--lib"], ["--test", "safety"]]


def fresh_copy() -> None:
    """The last commit, without what an interrupted run left."""
    if COPY.exists():
        shutil.rmtree(COPY)
    COPY.mkdir(parents=True)
    archive = subprocess.Popen(["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x", "-C", COPY], stdin=archive.stdout, check=True)
    if archive.wait():
        sys.exit("git archive failed")


def tests(suite: list[str], every: bool) -> tuple[list[str], str]:
    """Runs the tests; answers those that failed, or why none could run."""
    command = ["cargo", "nextest", "run", "--package", "orgwatch", "--locked", *suite]
    command += ["--no-fail-fast"] if every else ["--fail-fast"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(COPY.parent / "build"), "RUST_BACKTRACE": "0",
                                # Nothing is built twice from the same text, and whole it is built in a third of the time.
                                "CARGO_INCREMENTAL": "0",
                                "PROPTEST_MAX_SHRINK_ITERS": "0"}
    ran = subprocess.run(command, cwd=COPY, env=environment, capture_output=True, text=True, check=False)
    text = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout + ran.stderr)
    failed = sorted(set(re.findall(r"^\s+(?:FAIL|TIMEOUT|SIGABRT) \[.*?\] \(.*?\) (.+)$", text, re.MULTILINE)))
    if ran.returncode and not failed:
        return [], text[-3000:]
    return failed, ""


def plant(mutation: dict) -> str:
    """Plants a defect; answers the file's former text."""
    path = COPY / mutation["file"]
    text, wanted = path.read_text(), mutation["from"]
    if text.count(wanted) != 1:
        sys.exit(f"{mutation['name']}: {mutation['file']} has its text {text.count(wanted)} times, not once")
    path.write_text(text.replace(wanted, mutation["to"]))
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--all", action="store_true", help="run every test at each defect")
    arguments = parser.parse_args()
    table = tomllib.loads((pathlib.Path(__file__).parent / "mutations.toml").read_text())["mutation"]
    chosen = [m for m in table if not arguments.names or any(name in m["name"] for name in arguments.names)]
    fresh_copy()
    for suite in SUITES:
        failed, why = tests(suite, True)
        if failed or why:
            sys.exit(f"without any defect: {failed or why}")
    survivors = []
    for mutation in chosen:
        began, former, caught = time.monotonic(), plant(mutation), []
        for suite in SUITES:
            failed, why = tests(suite, arguments.all)
            if why:
                sys.exit(f"{mutation['name']}: cannot be built or run:\n{why}")
            caught += failed
            if caught and not arguments.all:
                break
        (COPY / mutation["file"]).write_text(former)
        if not caught:
            survivors.append(mutation["name"])
        print(f"{'caught' if caught else 'SURVIVED':8}  {mutation['name']} ({time.monotonic() - began:.0f} s)", flush=True)
        for test in caught:
            print(f"            {test}", flush=True)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} caught")
    if survivors:
        sys.exit(f"survived: {', '.join(survivors)}")


main()
