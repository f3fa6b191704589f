"""What nobody should send: malformed requests, slow clients, another site's page, a name that was rebound."""

import random
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from daemon import OPERATOR, Daemon, eventually

# Of 10,000 accounts the budget is 150 MiB; this organization is far smaller.
MOST_MIB = 150


def malformed(chance: random.Random) -> bytes:
    """Bytes that are almost a request."""
    good = (
        f"GET /api/v1/accounts?limit={chance.randrange(-5, 2000)} HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: Bearer {OPERATOR}\r\nConnection: close\r\n\r\n"
    ).encode()
    kind = chance.randrange(12)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 4000))
    if kind == 1:
        return good[: chance.randrange(1, len(good))]
    if kind == 2:
        changed = bytearray(good)
        for _ in range(chance.randrange(1, 8)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)
    if kind == 3:
        return b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n"
    if kind == 4:
        return b"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" + chance.randbytes(40)
    if kind == 5:
        return b"GET / HTTP/1.1\r\n" + b"X-Header: " + b"a" * chance.randrange(1, 200_000) + b"\r\n\r\n"
    if kind == 6:
        return b"GET /" + b"%" * chance.randrange(1, 9000) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    if kind == 7:
        return b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200)
    if kind == 8:
        return b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + chance.randbytes(30)
    if kind == 9:
        body = b'{"scope": ' + b"[" * chance.randrange(1, 5000)
        head = f"POST /api/v1/pause HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {OPERATOR}\r\n"
        return head.encode() + f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    if kind == 10:
        return b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nHost: elsewhere\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"
    return good.replace(b"GET", chance.choice([b"get", b"G\x00T", b"", b"A" * 300, b"CONNECT", b"TRACE"]))


def throw(port: int, seed: int) -> str:
    """Sends one, and answers the class of the status, or that there was none."""
    chance = random.Random(seed)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(malformed(chance))
            client.shutdown(socket.SHUT_WR)
            answer = client.recv(16)
    except (ConnectionError, TimeoutError):
        return "closed"
    if not answer:
        return "closed"
    status = answer.split(b" ")[1][:1].decode() if answer.startswith(b"HTTP/1.") else "?"
    return f"{status}xx"


def storm(daemon: Daemon, requests: int):
    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(lambda seed: throw(daemon.port, seed), range(requests)))
    counts = {one: told.count(one) for one in sorted(set(told))}
    print(f"{requests} malformed requests: {counts}")
    assert not counts.get("5xx") and not counts.get("?xx"), counts
    assert counts.get("4xx", 0) > requests / 10, counts


def slow(daemon: Daemon, clients: int):
    """Clients that never come to the end of their request; others are served all the same, as soon as these time out."""
    held: list[socket.socket] = []
    daemon.forget_most_resident()
    for n in range(clients):
        client = socket.socket()
        client.setblocking(False)
        try:
            client.connect(("127.0.0.1", daemon.port))
        except BlockingIOError:
            pass
        held.append(client)
        if n % 50 == 0:
            time.sleep(0.02)
    began = time.monotonic()
    for client in held:
        try:
            client.send(b"GET /api/v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        except OSError:
            pass

    def served():
        try:
            return daemon.ask("/api/v1/version")
        except (OSError, urllib.error.URLError):
            return None

    eventually("others are served", served, 120)
    took = time.monotonic() - began
    most = daemon.most_resident_mib()
    print(f"{clients} slow clients: somebody else was served after {took:.1f} s; {most:.0f} MiB resident at most")
    assert most < MOST_MIB, most
    for client in held:
        client.close()


def refused(daemon: Daemon):
    """A name that was rebound to us, and a form of another site's page."""

    def status(path: str, method: str, headers: dict[str, str]) -> int:
        request = urllib.request.Request(f"{daemon.url}{path}", method=method, headers=headers)
        try:
            return urllib.request.urlopen(request, timeout=30).status
        except urllib.error.HTTPError as error:
            return error.code

    for path, method in [("/", "GET"), ("/api/v1/status", "GET"), ("/api/v1/reconcile", "POST"), ("/api/v1/stream", "GET")]:
        assert status(path, method, {"Host": "rebound.example.com"}) == 421, path
    for origin in ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1.evil.example"]:
        for path in ["/api/v1/reconcile", "/holds/any/release", "/api/v1/discovery/accept"]:
            assert status(path, "POST", {"Origin": origin}) == 403, (origin, path)
    assert status("/api/v1/reconcile", "POST", {"Origin": daemon.url}) == 202


def run(setting: dict, requests: int, clients: int):
    more = "[reconcile]\nmode = 'enforce'\nresync_interval = '5s'\n"
    with Daemon(setting, more, exposed=False) as daemon:
        refused(daemon)
        before = daemon.resident_mib()
        storm(daemon, requests)
        slow(daemon, clients)
        # The storm may be over before the organization was listed.
        everybody = len(setting["accounts"]) + 2
        eventually(
            "all accounts are known", lambda: daemon.ask("/api/v1/status")["accounts"]["total"] == everybody
        )
        print(f"resident before: {before:.0f} MiB, after: {daemon.resident_mib():.0f} MiB")
