"""One place that knows how to become an account of the emulated organization."""

import boto3
import botocore.session
from botocore.config import Config

REGION = "us-east-1"
ACCESS_ROLE = "OrganizationAccountAccessRole"

# No proxy from the environment: the emulator is on this machine.
CONFIG = Config(region_name=REGION, retries={"total_max_attempts": 1}, proxies={})


class Account:
    """Clients that act inside one account."""

    def __init__(self, endpoint: str, loader: botocore.session.Session, credentials: dict):
        self.endpoint = endpoint
        self.credentials = credentials
        self.session = boto3.Session(botocore_session=loader)
        self.clients: dict = {}

    def client(self, service: str):
        if service not in self.clients:
            self.clients[service] = self.session.client(
                service,
                endpoint_url=self.endpoint,
                config=CONFIG,
                aws_access_key_id=self.credentials["AccessKeyId"],
                aws_secret_access_key=self.credentials["SecretAccessKey"],
                aws_session_token=self.credentials.get("SessionToken"),
            )
        return self.clients[service]

    @property
    def id(self) -> str:
        return self.client("sts").get_caller_identity()["Account"]


class Cloud:
    """The emulator at `endpoint`."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint
        # One for all clients: it caches the service models, which take longer to read than to use.
        self.loader = botocore.session.Session()
        # Any key pair that the emulator has not issued is its first account, the management account.
        self.management = Account(endpoint, self.loader, {"AccessKeyId": "test", "SecretAccessKey": "test"})

    def account(self, account_id: str) -> Account:
        """Becomes the account by AssumeRole, the management account included."""
        answer = self.management.client("sts").assume_role(
            RoleArn=f"arn:aws:iam::{account_id}:role/{ACCESS_ROLE}", RoleSessionName="test-bed"
        )
        return Account(self.endpoint, self.loader, answer["Credentials"])


def pages(call, key: str, **arguments):
    """Every item under `key` of an answer that goes on with NextToken (EventBridge, Organizations, SNS)."""
    while True:
        answer = call(**arguments)
        yield from answer.get(key, [])
        if not answer.get("NextToken"):
            return
        arguments["NextToken"] = answer["NextToken"]
