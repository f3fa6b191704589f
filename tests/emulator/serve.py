"""Serves the emulator on a loopback port and prints its endpoint as the first line.

The emulator is moto as it is; this only adds a port chosen by the system, which no other process
can take in between, an end together with the process that started it, and the protocol that AWS's
SDK for Rust speaks with CloudWatch (see cbor.py).
"""

import argparse
import logging
import os
import sys
import threading

from cbor import Translated
from moto.moto_server import threaded_moto_server
from moto.server import ThreadedMotoServer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    parser.add_argument("--quiet", action="store_true", help="no line per request on standard error")
    parser.add_argument(
        "--until-stdin-closes",
        action="store_true",
        help="end when standard input does, which happens even if the starter is killed",
    )
    arguments = parser.parse_args()
    if arguments.quiet:
        logging.getLogger("werkzeug").setLevel(logging.WARNING)

    plain = threaded_moto_server.DomainDispatcherApplication
    threaded_moto_server.DomainDispatcherApplication = lambda create: Translated(plain(create))
    server = ThreadedMotoServer("127.0.0.1", arguments.port, verbose=False)
    server.start()
    print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
    if arguments.until_stdin_closes:
        sys.stdin.read()
        os._exit(0)  # Requests may be running; nothing here is worth waiting for.
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
