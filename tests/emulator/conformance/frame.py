"""What a probe is, whom it may act as, and the normal form of its outcome."""

import json
import re
import time
import uuid

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

REGION = "us-east-1"
ACCESS_ROLE = "OrganizationAccountAccessRole"

# The client must not refuse what the service shall refuse, nor ask again when it was refused.
CONFIG = Config(
    retries={"total_max_attempts": 1}, proxies={}, parameter_validation=False, read_timeout=20
)

PROBES: dict = {}

# How a client says that it got no answer that is one.
REFUSALS = (ClientError, BotoCoreError, ResponseParserError)

# How many members the probes act in: the central one, a plain one and one more.
MEMBERS = 3


def probe(function):
    """Registers a probe. It takes a `Context`, answers what JSON can hold or nothing, or lets an error pass."""
    name = f"{function.__module__.rpartition('.')[2].partition('_')[0]}.{function.__name__}"
    assert name not in PROBES, name
    PROBES[name] = function
    return function


def error(refused: Exception) -> str:
    """The normal form of a refusal: the HTTP status and the code."""
    if isinstance(refused, ClientError):
        status = refused.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        code = refused.response["Error"].get("Code", "")
        if re.fullmatch(r"[A-Za-z][\w.]+", str(code)):
            return f"{status} {code}"
        return f"{status} without an error code"
    return "an answer that no client can read"


def tries(call, **arguments) -> str:
    """Makes a call of which only matters whether it is refused, and how."""
    try:
        call(**arguments)
    except REFUSALS as refused:
        return error(refused)
    return "ok"


class Caller:
    """Clients with one set of credentials."""

    def __init__(self, context: "Context", credentials: dict, account: str | None = None):
        self.context = context
        self.credentials = credentials
        self.clients: dict = {}
        self.id = account or self.client("sts").get_caller_identity()["Account"]

    def client(self, service: str, region: str = REGION):
        if (service, region) not in self.clients:
            self.clients[service, region] = self.context.session.client(
                service,
                region_name=region,
                endpoint_url=self.context.endpoint,
                config=CONFIG,
                aws_access_key_id=self.credentials["AccessKeyId"],
                aws_secret_access_key=self.credentials["SecretAccessKey"],
                aws_session_token=self.credentials.get("SessionToken"),
            )
        return self.clients[service, region]

    def __getattr__(self, service: str):
        """`caller.events` is its client of EventBridge in the usual Region."""
        if service.startswith("_"):
            raise AttributeError(service)
        return self.client(service)


class Context:
    """The emulated organization as the probes see it."""

    def __init__(self, endpoint: str):
        self.endpoint = endpoint
        self.names: list[str] = []
        self.remains: list = []
        # One for all clients: it caches the service models, which take longer to read than to use.
        self.session = boto3.Session(botocore_session=botocore.session.Session())
        self.management = Caller(self, {"AccessKeyId": "test", "SecretAccessKey": "test"})
        organizations = self.management.organizations
        try:
            self.organization = organizations.describe_organization()["Organization"]["Id"]
        except ClientError:
            self.organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
            for number in range(MEMBERS + 3):
                organizations.create_account(
                    Email=f"conformance-{number}@example.com", AccountName=f"conformance-{number}"
                )
        self.root = organizations.list_roots()["Roots"][0]["Id"]
        members = sorted(
            member["Id"]
            for member in self.every(organizations.list_accounts, "Accounts")
            if member["Id"] != self.management.id and member.get("State", "ACTIVE") == "ACTIVE"
        )[:MEMBERS]
        self.central, self.member, self.other = [self.administrator(member) for member in members]
        self.people = [self.management, self.central, self.member, self.other]

    def every(self, call, key: str, **arguments) -> list:
        """All items of an answer that goes on with NextToken."""
        items = []
        while True:
            answer = call(**arguments)
            items += answer.get(key, [])
            if not answer.get("NextToken"):
                return items
            arguments["NextToken"] = answer["NextToken"]

    def name(self, what: str = "probe") -> str:
        """A name that nothing has yet; it begins with `what`."""
        self.names.append(uuid.uuid4().hex[:10])
        return f"{what}-{self.names[-1]}"

    def assume(self, role: str, by: Caller | None = None, **arguments) -> Caller:
        """Becomes a role."""
        answer = (by or self.management).sts.assume_role(
            RoleArn=role, RoleSessionName="conformance", **arguments
        )
        return Caller(self, answer["Credentials"], role.split(":")[4])

    def administrator(self, account: str) -> Caller:
        """The administrator of a member account."""
        return self.assume(f"arn:aws:iam::{account}:role/{ACCESS_ROLE}")

    def stranger(self, access_key: str = "ASIAUNKNOWNUNKNOWN00", token: str | None = None) -> Caller:
        """Somebody whose credentials nobody has given out."""
        credentials = {"AccessKeyId": access_key, "SecretAccessKey": "secret"}
        if token:
            credentials["SessionToken"] = token
        return Caller(self, credentials, "nobody")

    def role(self, caller: Caller, trust: dict | None = None, *statements: dict, **arguments) -> str:
        """A new role in the caller's account, by its ARN; without `trust` the management account may assume it."""
        name = arguments.pop("RoleName", None) or self.name("role")
        trust = trust or {"AWS": f"arn:aws:iam::{self.management.id}:root"}
        answer = caller.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps(trusting(trust)), **arguments
        )
        if statements:
            caller.iam.put_role_policy(
                RoleName=name, PolicyName="rights", PolicyDocument=json.dumps(document(*statements))
            )
        return answer["Role"]["Arn"]

    def limited(self, caller: Caller, *statements: dict, **arguments) -> Caller:
        """Somebody in the caller's account who may do just this."""
        return self.assume(self.role(caller, None, *statements, **arguments))

    def until(self, look, seconds: float = 5.0):
        """What `look` answers when it is no longer empty, or in the end."""
        end = time.monotonic() + seconds
        while not (seen := look()) and time.monotonic() < end:
            time.sleep(0.02)
        return seen

    def later(self, call, **arguments) -> None:
        """Has something removed after the probe: what is scarce, or would be in the way of another."""
        self.remains.append((call, arguments))

    def outcome(self, function) -> str:
        """Runs a probe and answers its outcome in normal form."""
        try:
            return self.asked(function)
        finally:
            while self.remains:
                call, arguments = self.remains.pop()
                tries(call, **arguments)

    def asked(self, function) -> str:
        try:
            answer = function(self)
        except REFUSALS as refused:
            return error(refused)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as broken:
            return f"an answer without what the probe needs ({type(broken).__name__}: {self.normal(str(broken))})"
        if answer is None or answer == "ok":
            return "ok"
        if isinstance(answer, str) and re.match(r"\d{3} |an answer", answer):
            return answer
        return self.normal("ok " + json.dumps(answer, sort_keys=True, ensure_ascii=False))

    def normal(self, text: str) -> str:
        """Without what differs from run to run and from emulator to emulator."""
        for person, name in zip(self.people, ("management", "central", "member", "other"), strict=True):
            text = text.replace(person.id, f"<{name}>")
        text = text.replace(self.organization, "<organization>").replace(self.root, "<root>")
        for name in self.names:
            text = text.replace(name, "#")
        for pattern, name in NORMAL:
            text = pattern.sub(name, text)
        return text


NORMAL = [
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{12}\b"), "<account>"),
    (re.compile(r"\b(AROA|AIDA|ANPA|ASIA|AKIA)[A-Z0-9]{12,}\b"), r"<\1>"),
    (re.compile(r"\bou-[0-9a-z]{4,32}-[0-9a-z]{8,32}\b"), "<ou>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?"), "<time>"),
]


def document(*statements: dict) -> dict:
    """A policy of these statements."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(*actions: str, resource: str | list = "*", **more) -> dict:
    """A statement of an identity's policy that allows."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def deny(*actions: str, resource: str | list = "*", **more) -> dict:
    """A statement of an identity's policy that denies."""
    return {"Effect": "Deny", "Action": list(actions), "Resource": resource, **more}


def trusting(principal: dict, **more) -> dict:
    """A trust policy."""
    return document({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more})


def pick(answer: dict, *names: str) -> dict:
    """These fields, as far as they are there."""
    return {name: answer[name] for name in names if name in answer}


def tags(pairs: list[dict]) -> dict:
    """Tags as one map."""
    return {pair["Key"]: pair["Value"] for pair in pairs}
