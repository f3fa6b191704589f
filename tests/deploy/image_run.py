#!/usr/bin/env python3
"""Runs what an image holds as its own user on a read-only root: `demo`, or `serve` against a simulated organization.

    tests/deploy/image_run.py ROOT orgwatch|demo

Must be root, to make the mounts. Standard library only.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
USER = 65532
PATIENCE = 120

# In a mount namespace of its own: the root cannot be written to, the data directory is in memory and the user's.
INSIDE = """
set -eu
mount --bind "$ROOT" "$ROOT"
mount -o remount,bind,ro,nosuid,nodev "$ROOT"
mount -t tmpfs -o size=64m,uid={user},gid={user},mode=750 tmpfs "$ROOT/var/lib/orgwatch"
install -m 0400 -o {user} -g {user} "$CONFIGURATION" "$ROOT/var/lib/orgwatch/orgwatch.toml"
! touch "$ROOT/x" 2>/dev/null
exec env -i ORGWATCH_CONFIG=/var/lib/orgwatch/orgwatch.toml {environment} \\
    /usr/sbin/chroot --userspec={user}:{user} --groups= "$ROOT" /orgwatch "$@"
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def get(url: str):
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.loads(answer.read())


def eventually(what: str, probe):
    """The first answer of `probe` that is one."""
    end, last = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        try:
            if answer := probe():
                return answer
        except (OSError, urllib.error.URLError) as error:
            last = error
        time.sleep(0.5)
    sys.exit(f"FAILED: not within {PATIENCE} s: {what}; {last}")


class Started(subprocess.Popen):
    """What it says goes into a file: nobody reads a pipe while it runs, and a full one would stop it."""

    def __init__(self, command: list, environment: dict):
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        super().__init__(command, env=environment, stderr=self.log, stdout=subprocess.DEVNULL)

    def said(self) -> str:
        return Path(self.log.name).read_text()[-3000:]


def start(root: Path, configuration: str, environment: dict, *arguments: str) -> Started:
    file = tempfile.NamedTemporaryFile("w", suffix=".toml", delete=False)
    file.write(configuration)
    file.close()
    variables = " ".join(f"{name}={value}" for name, value in environment.items())
    script = INSIDE.format(user=USER, environment=variables)
    return Started(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *arguments],
        {**os.environ, "ROOT": str(root), "CONFIGURATION": file.name},
    )


def ends_when_told(process: Started) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        sys.exit("FAILED: it does not end within 30 s of SIGTERM")
    if process.returncode != 0:
        sys.exit(f"FAILED: it ended with {process.returncode}:\n{process.said()}")


def is_the_user(process: Started) -> None:
    status = Path(f"/proc/{process.pid}/status").read_text()
    ids = next(line for line in status.splitlines() if line.startswith("Uid:")).split()[1:]
    if set(ids) != {str(USER)}:
        sys.exit(f"FAILED: it runs as {ids}")


def credentials(endpoint: str, role: str) -> dict:
    """What somebody gets who enters a role as the administrator of the management account, by the simulator's key."""
    query = {"Action": "AssumeRole", "Version": "2011-06-15", "RoleArn": role, "RoleSessionName": "image"}
    scope = "Credential=test/20260101/us-east-1/sts/aws4_request, SignedHeaders=host, Signature=0"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 {scope}", "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(endpoint, data=urllib.parse.urlencode(query).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        text = answer.read().decode()
    names = {"AccessKeyId": "ACCESS_KEY_ID", "SecretAccessKey": "SECRET_ACCESS_KEY", "SessionToken": "SESSION_TOKEN"}
    return {f"AWS_{name}": re.search(f"<{tag}>([^<]+)</{tag}>", text)[1] for tag, name in names.items()}


def serve(root: Path) -> None:
    build = ["cargo", "build", "--locked", "--quiet", "--package", "orgwatch-sim", "--bin", "orgwatch-sim"]
    subprocess.run(build, cwd=REPOSITORY, check=True)
    simulator = subprocess.Popen(
        [REPOSITORY / "target" / "debug" / "orgwatch-sim", "--accounts", "8", "--member-role", "orgwatch-member"]
        + ["--exit-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        about = json.loads(simulator.stdout.readline())
        port = free_port()
        configuration = f"""
            [organization]
            id = "{about["organization_id"]}"
            reader_role_arn = "arn:aws:iam::{about["management_account_id"]}:role/orgwatch-member"
            max_calls_per_second = 1000
            [member]
            permissions_boundary = "off"
            [central]
            account_id = "{about["central_account_id"]}"
            [[alert]]
            name = "iam-changes"
            subscriptions = [{{ protocol = "sqs", endpoint = "arn:aws:sqs:us-east-1:{about["central_account_id"]}:people" }}]
            [reconcile]
            mode = "enforce"
            [reconcile.limits]
            changed_accounts = "off"
            [http]
            bind = "127.0.0.1:{port}"
        """
        environment = {
            "AWS_ENDPOINT_URL": about["url"],
            "AWS_REGION": "us-east-1",
            **credentials(
                about["url"], f"arn:aws:iam::{about['central_account_id']}:role/OrganizationAccountAccessRole"
            ),
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        daemon = start(root, configuration, environment, "serve")
        page = f"http://127.0.0.1:{port}"

        def covered():
            if daemon.poll() is not None:
                sys.exit(f"FAILED: it ended with {daemon.returncode}:\n{daemon.said()}")
            coverage = get(f"{page}/api/v1/status")["coverage"]
            return coverage if coverage["covered"] >= coverage["total"] - 1 and coverage["total"] else None

        coverage = eventually("every account but the management account is covered", covered)
        is_the_user(daemon)
        health = start(root, configuration, environment, "health")
        if health.wait(timeout=30) != 0:
            sys.exit(f"FAILED: its health check: {health.said()}")
        ends_when_told(daemon)
        gone = start(root, configuration, environment, "health")
        if gone.wait(timeout=30) == 0:
            sys.exit("FAILED: the health check does not notice that nothing serves")
        print(f"serve: {coverage['covered']} of {coverage['total']} accounts covered; health check right both times")
    finally:
        simulator.stdin.close()
        simulator.wait(timeout=30)


def demo(root: Path) -> None:
    port = free_port()
    daemon = start(root, "", {"HOME": "/var/lib/orgwatch"}, "demo", "--accounts", "12", "--bind", f"127.0.0.1:{port}")

    def covered():
        if daemon.poll() is not None:
            sys.exit(f"FAILED: it ended with {daemon.returncode}:\n{daemon.said()}")
        coverage = get(f"http://127.0.0.1:{port}/api/v1/status")["coverage"]
        return coverage if coverage["covered"] >= 8 else None

    coverage = eventually("most accounts of the demo are covered", covered)
    is_the_user(daemon)
    ends_when_told(daemon)
    print(f"demo: {coverage['covered']} of {coverage['total']} accounts covered")


if __name__ == "__main__":
    {"orgwatch": serve, "demo": demo}[sys.argv[2]](Path(sys.argv[1]))
