"""Schemathesis against a running daemon and its own OpenAPI document, with a token and without."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from daemon import OPERATOR, Daemon

HERE = Path(__file__).resolve().parent


def hold(daemon: Daemon, cases: int, token: str | None, seed: int):
    """Runs `cases` in all over the operations; any failure ends it."""
    document = daemon.ask("/openapi.json")
    # Of operations that take nothing there are few cases, however many are asked for; so the others make up for them.
    varied = sum(
        bool(operation["parameters"]) or "requestBody" in operation
        for path in document["paths"].values()
        for operation in path.values()
    )
    each = max(1, -(-3 * cases // (2 * varied)))
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "--config-file", str(HERE / "schemathesis.toml"),
        "run", f"{daemon.url}/openapi.json",
        "--phases", "examples,coverage,fuzzing",
        "--max-examples", str(each),
        "--seed", str(seed),
        "--request-timeout", "30",
        # What does not end is looked at by the tests of the stream.
        "--exclude-path", "/api/v1/stream",
        "--no-color",
    ]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    else:
        # Without a token the document itself is not handed out.
        file = daemon.folder / "openapi.json"
        file.write_text(json.dumps(document))
        command[command.index(f"{daemon.url}/openapi.json")] = str(file)
        command += ["--url", daemon.url]
    done = subprocess.run(command, cwd=daemon.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env={**os.environ, "HOME": str(daemon.folder)})
    print(done.stdout[-6000:])
    how = "with a token" if token else "without a token"
    assert done.returncode == 0, f"schemathesis {how}: {done.returncode}"
    made = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert made and int(made[1]) >= cases and made[1] == made[2], f"schemathesis {how}: {done.stdout[-2000:]}"
    print(f"{made[1]} cases {how}: no failure")


def run(setting: dict, cases: int):
    more = "[reconcile]\nmode = 'enforce'\nresync_interval = '5s'\n"
    with Daemon(setting, more) as daemon:
        daemon.ask("/api/v1/status")
        for token in [OPERATOR, None]:
            hold(daemon, cases, token, seed=7)
        assert daemon.ask("/api/v1/status")["accounts"]["total"] == len(setting["accounts"]) + 2
