"""Prints credentials of accounts, as AssumeRole gives them, by their ids: `enter.py --endpoint URL ACCOUNT...`."""

import argparse
import json

from cloud import Cloud


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument("accounts", nargs="+", metavar="ACCOUNT")
    arguments = parser.parse_args()
    cloud, names = Cloud(arguments.endpoint), ("AccessKeyId", "SecretAccessKey", "SessionToken")
    entered = {id: cloud.account(id).credentials for id in arguments.accounts}
    print(json.dumps({id: {name: given[name] for name in names} for id, given in entered.items()}))


if __name__ == "__main__":
    main()
