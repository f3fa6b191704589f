"""A running daemon over the simulator, for those who look at it from outside."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE = 60
RULE = "orgwatch-iam-changes"
OPERATOR, READER = "a-token-of-an-operator-0001", "a-token-of-a-reader-000001"


def eventually(what: str, found, patience: float = PATIENCE):
    """The first answer of `found` that is something."""
    end = time.monotonic() + patience
    while True:
        answer = found()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {patience} s: {what}")
        time.sleep(0.1)


class Daemon:
    """`orgwatch serve` as `setting` says: the simulator's address, the environment, who is who, the program."""

    def __init__(self, setting: dict, more: str = "", exposed: bool = True):
        self.setting = setting
        self.folder = Path(tempfile.mkdtemp(prefix="orgwatch-page-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.exposed = exposed
        for name, token in [("operator", OPERATOR), ("reader", READER)]:
            (self.folder / name).write_text(token)
        tokens = "".join(
            f"[[http.token]]\nname = '{name}'\nrole = '{name}'\nfile = '{self.folder / name}'\n"
            for name in ["operator", "reader"]
        )
        role = setting["role"]
        self.config = self.folder / "orgwatch.toml"
        self.config.write_text(f"""
[organization]
max_calls_per_second = 1000
poll_interval = '5s'
regions = ['us-east-1']
reader_role_arn = 'arn:aws:iam::{setting["management"]}:role/{role}'
[member]
role_name = '{role}'
permissions_boundary = 'off'
[central]
account_id = '{setting["central"]}'
[guard]
enabled = false
[canary]
interval = 'off'
[notify]
alert = 'off'
[[alert]]
name = 'iam-changes'
subscriptions = [{{ protocol = 'email', endpoint = 'security@example.com' }}]
[history]
path = '{self.folder / "history.db"}'
[http]
bind = '{"0.0.0.0" if exposed else "127.0.0.1"}:{port}'
{tokens}
{more}
""")
        self.log = open(self.folder / "log", "w")
        self.process = subprocess.Popen(
            [setting["orgwatch"], "--config", self.config, "serve"],
            env={"HOME": str(self.folder), "PATH": "/usr/local/bin:/usr/bin:/bin", **setting["environment"]},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        eventually("the daemon is ready", self.is_ready)

    def is_ready(self) -> bool:
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended: {(self.folder / 'log').read_text()}")
        try:
            return urllib.request.urlopen(f"{self.url}/readyz", timeout=5).status == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def ask(self, path: str, body=None, method: str | None = None, token: str = OPERATOR):
        request = urllib.request.Request(f"{self.url}{path}", method=method)
        request.add_header("Authorization", f"Bearer {token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def covered(self, patience: float = PATIENCE):
        """Waits until all are covered but the management account, which has no role here."""

        def so():
            coverage = self.ask("/api/v1/status")["coverage"]
            return coverage if coverage["total"] > 1 and coverage["covered"] == coverage["total"] - 1 else None

        return eventually("the accounts are covered", so, patience)

    def resident_mib(self, field: str = "VmRSS") -> float:
        """What the process holds in memory."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
        raise AssertionError("the process is not there")

    def most_resident_mib(self) -> float:
        """The most that it held since that was last forgotten."""
        return self.resident_mib("VmHWM")

    def forget_most_resident(self):
        """What it holds now is the most."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def admin(self, path: str, body: dict):
        """Asks the simulator."""
        request = urllib.request.Request(
            f"{self.setting['environment']['AWS_ENDPOINT_URL']}/admin/{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def drift(self, account: str, kind: str):
        self.admin("drift", {"account": account, "kind": kind, "region": "us-east-1"})

    def confirm(self):
        """Opens the mail of AWS and follows its link."""
        topic = f"arn:aws:sns:us-east-1:{self.setting['central']}:{RULE}"
        self.admin("confirm", {"topic_arn": topic, "endpoint": "security@example.com"})

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        self.process.terminate()
        code = self.process.wait(timeout=PATIENCE)
        self.log.close()
        text = (self.folder / "log").read_text()
        if kind is not None:
            print(f"--- the daemon's log ---\n{text[-6000:]}")
        else:
            assert code == 0, f"the daemon ended with {code}: {text[-3000:]}"
            assert "panicked" not in text, text
        shutil.rmtree(self.folder)
