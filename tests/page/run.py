"""Looks at a daemon from outside. The setting (who is who in the simulated organization) comes by standard input.

    run.py browser [--shots FOLDER] | scale | contract --cases N | storm --requests N --clients N
"""

import argparse
import json
import sys
from pathlib import Path

import browse
import contract
import storm


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["browser", "scale", "contract", "storm"])
    parser.add_argument("--shots", type=Path)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--clients", type=int, default=50)
    arguments = parser.parse_args()
    setting = json.load(sys.stdin)
    match arguments.what:
        case "browser":
            browse.run(setting, arguments.shots)
        case "scale":
            browse.scale(setting, len(setting["accounts"]) + 2)
        case "contract":
            contract.run(setting, arguments.cases)
        case "storm":
            storm.run(setting, arguments.requests, arguments.clients)


if __name__ == "__main__":
    main()
