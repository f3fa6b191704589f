"""Prints credentials of an account, as AssumeRole gives them: `enter.py --endpoint URL ACCOUNT`."""

import argparse
import json

from cloud import Cloud


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="e.g. http://127.0.0.1:5000")
    parser.add_argument("account")
    arguments = parser.parse_args()
    account = Cloud(arguments.endpoint).account(arguments.account)
    print(json.dumps({name: account.credentials[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}))


if __name__ == "__main__":
    main()
