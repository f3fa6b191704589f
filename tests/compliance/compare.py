"""Holds `orgwatch audit` against Prowler, control by control, in accounts of the test emulator.

    python3 tests/compliance/compare.py --orgwatch target/debug/orgwatch [--standard ID]...

First where `orgwatch apply` has installed all alarms, then by each standard in accounts that lack one thing each
(`tests/emulator/plant.py`). Which check of Prowler is for which control says Prowler. What the two judge differently stands in
`differences.toml`, with the standard's words and who is right by them; any other difference, and a row that explains none,
fails. The filter patterns in `src/compliance/themes.toml` are held against the audit procedures that Prowler quotes from the
benchmark. Makes its virtual environments under `target/`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EMULATOR = HERE.parent / "emulator"
sys.path.insert(0, str(EMULATOR))

from gaps import GAPS  # noqa: E402
from install import install  # noqa: E402

# The editions of the benchmark by orgwatch's names.
EDITIONS = {"cis-1.4": "1.4", "cis-3.0": "3.0", "cis-5.0": "5.0", "cis-6.0": "6.0"}
# The check of the audit steps about the trail itself.
TRAIL_CHECK = "cloudtrail_multi_region_enabled_logging_management_events"
# What `orgwatch audit` says where it is the trail that does not do.
OF_THE_TRAIL = {"NoTrail", "NoMultiRegionTrail", "TrailStopped", "TrailLacksEvents"}
VERDICTS = {"PASS": "met", "FAIL": "unmet"}


def output(command: list, **options) -> str:
    """What a command prints; it must succeed."""
    ran = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if ran.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {ran.returncode}\n{ran.stderr[-3000:]}")
    return ran.stdout


def toml(path: Path) -> dict:
    return tomllib.loads(path.read_text())


class Prowler:
    """Prowler in a virtual environment of its own."""

    def __init__(self) -> None:
        self.python = install(ROOT / "target/prowler", HERE / "requirements.txt", ("--no-deps",))
        self.benchmarks = {
            standard: json.loads(output([self.python, HERE / "checks.py", "--benchmark", edition]))
            for standard, edition in EDITIONS.items()
        }
        # Of a theme, whichever edition names it.
        self.checks: dict[str, str] = {}
        for standard in toml(ROOT / "src/compliance/standards.toml")["standard"]:
            for control, theme in standard["controls"] if standard["id"] in EDITIONS else []:
                (check,) = self.benchmarks[standard["id"]][control]["checks"]
                if self.checks.setdefault(theme, check) != check:
                    sys.exit(f"Prowler has {check} and {self.checks[theme]} for {theme}")

    def judge(self, endpoint: str, credentials: dict) -> dict[str, str]:
        """By check what it says of an account: the one status of its findings."""
        with tempfile.TemporaryDirectory() as home:
            said = output(
                [self.python, HERE / "checks.py", *self.checks.values(), TRAIL_CHECK],
                env=environment(endpoint, credentials, home),
            )
        judged = {}
        for check, statuses in json.loads(said).items():
            if len(set(statuses)) != 1 or statuses[0] not in VERDICTS:
                sys.exit(f"{check} answers {statuses}")
            judged[check] = statuses[0]
        return judged


def environment(endpoint: str, credentials: dict, home: str) -> dict[str, str]:
    """All that a program of AWS reads, and nothing of whoever runs this."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": home,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


class Scene:
    """An emulated organization, which ends with the block."""

    def __init__(self, python: Path, orgwatch: Path, accounts: int):
        self.python, self.orgwatch, self.size = python, orgwatch, accounts

    def __enter__(self) -> "Scene":
        serve = [self.python, EMULATOR / "serve.py", "--quiet", "--until-stdin-closes"]
        self.server = subprocess.Popen(serve, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.endpoint = self.server.stdout.readline().strip()
        self.home = tempfile.TemporaryDirectory()
        self.seed = json.loads(self.script("seed.py", "--json", "--accounts", self.size))
        left_out = {self.seed["closed_account_id"], self.seed["excluded_account_id"]}
        self.accounts = [account["id"] for account in self.seed["accounts"] if account["id"] not in left_out]
        return self

    def __exit__(self, *_) -> None:
        self.server.stdin.close()
        self.server.wait()
        self.server.stdout.close()
        self.home.cleanup()

    def script(self, name: str, *arguments) -> str:
        return output([self.python, EMULATOR / name, "--endpoint", self.endpoint, *arguments])

    def run(self, *arguments, alarms: str = "") -> str:
        """orgwatch in the central account."""
        seed = self.seed
        role = f"arn:aws:iam::{seed['management_account_id']}:role/OrganizationAccountAccessRole"
        config = Path(self.home.name) / "orgwatch.toml"
        config.write_text(
            f"""
            [organization]
            id = "{seed["organization_id"]}"
            reader_role_arn = "{role}"
            management_role_arn = "{role}"
            exclude_tags = {{ orgwatch = "off" }}
            max_calls_per_second = 1000
            [member]
            role_name = "OrganizationAccountAccessRole"
            [central]
            account_id = "{seed["central_account_id"]}"
            [[alert]]
            name = "iam-changes"
            subscriptions = [{{ protocol = "email", endpoint = "security@example.com" }}]
            [guard]
            enabled = false
            [canary]
            interval = "off"
            [notify]
            alert = "off"
            # The emulator shows an organization's trail to the account that owns it alone.
            [trail]
            required = false
            [reconcile]
            settle_time = "1s"
            iam_writes_per_second = "off"
            [history]
            path = "off"
            {alarms}
            """
        )
        own = seed["central_credentials"]
        credentials = {
            "AccessKeyId": own["access_key_id"],
            "SecretAccessKey": own["secret_access_key"],
            "SessionToken": own["session_token"],
        }
        return output(
            [self.orgwatch, "--config", config, *arguments],
            env=environment(self.endpoint, credentials, self.home.name),
        )

    def audit(self, standard: str, alarms: str = "") -> dict[tuple[str, str], tuple[str, str]]:
        """By account and theme the status that `orgwatch audit` gives, and the reason."""
        report = json.loads(self.run("audit", "--standard", standard, "--json", alarms=alarms))
        return {
            (account, control["theme"]): (finding["status"], finding["reason"])
            for control in report["controls"]
            for finding in control["findings"]
            for account in finding["accounts"]
        }


class Comparison:
    """What was compared, and what of the differences is explained."""

    def __init__(self) -> None:
        self.rows = toml(HERE / "differences.toml")["difference"]
        for row in self.rows:
            if not (row["right"] and row["text"] and row["why"]):
                sys.exit(f"differences.toml does not explain {row}")
        self.used: Counter[int] = Counter()
        self.agreed = 0
        self.unexplained: list[str] = []

    def judge(self, standard: str, gap: str, theme: str, orgwatch: tuple[str, str], prowler: str) -> None:
        status, reason = orgwatch
        if VERDICTS[prowler] == status:
            self.agreed += 1
            return
        case = {"standard": standard, "gap": gap, "theme": theme, "orgwatch": status, "prowler": prowler}

        def explains(row: dict) -> bool:
            return all(value in row.get(key, value).split() for key, value in case.items())

        row = next((index for index, row in enumerate(self.rows) if explains(row)), None)
        if row is None:
            said = f"{theme} is {status} ({reason}) by orgwatch, {prowler} by Prowler"
            self.unexplained.append(f"{standard}, {gap}: {said}")
        else:
            self.used[row] += 1

    def account(self, prowler: Prowler, standard: str, gap: str, account: str, report: dict, said: dict) -> None:
        """Everything that was said of an account by a standard."""
        judged = {theme: found for (owner, theme), found in report.items() if owner == account}
        for theme, found in judged.items():
            self.judge(standard, gap, theme, found, said[prowler.checks[theme]])
        if standard == "cis-1.4":
            reasons = {reason for _, reason in judged.values()}
            trail = ("unmet", ", ".join(sorted(reasons))) if reasons & OF_THE_TRAIL else ("met", "")
            self.judge(standard, gap, "trail", trail, said[TRAIL_CHECK])


def installed(scene: Scene, prowler: Prowler, comparison: Comparison, standards: list[str]) -> None:
    """Where `orgwatch apply` has installed all alarms in the account of the organization's trail."""
    central = scene.seed["central_account_id"]
    alarms = '[compliance]\nmetric_alarms = ["cis-4"]\n'
    scene.script("audit.py", "--prepare", "--account", central, "--central", central)
    scene.run("apply", "--yes", alarms=alarms)
    said = judgements(scene, prowler, scene.accounts)
    for standard in standards:
        report = scene.audit(standard, alarms)
        for account in scene.accounts:
            gap = "installed" if account == central else "installed-elsewhere"
            comparison.account(prowler, standard, gap, account, report, said[account])


def planted(scene: Scene, prowler: Prowler, comparison: Comparison, standard: str) -> None:
    """Where each account lacks one thing."""
    gaps = dict(zip(scene.accounts, GAPS, strict=True))
    scene.script("plant.py", "--standard", standard, *(f"{account}={gap}" for account, gap in gaps.items()))
    said = judgements(scene, prowler, scene.accounts)
    report = scene.audit(standard)
    for account, gap in gaps.items():
        comparison.account(prowler, standard, gap, account, report, said[account])


def judgements(scene: Scene, prowler: Prowler, accounts: list[str]) -> dict[str, dict[str, str]]:
    """What Prowler says of each account."""
    credentials = json.loads(scene.script("enter.py", *accounts))

    def judge(account: str) -> dict[str, str]:
        return prowler.judge(scene.endpoint, credentials[account])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(accounts, pool.map(judge, accounts), strict=True))


def plain(pattern: str) -> str:
    """A pattern less white space, quotes, and the brackets around a single comparison."""
    return re.sub(r"\(([^()]*)\)", r"\1", re.sub(r'[\s"]', "", pattern))


def patterns(prowler: Prowler) -> list[str]:
    """Where the benchmark's filter pattern, as its audit procedure has it, is not the one of the tables."""
    themes = {theme["id"]: theme["pattern"] for theme in toml(ROOT / "src/compliance/themes.toml")["theme"]}
    quotations = toml(HERE / "differences.toml")["quotation"]
    wrong, compared = [], 0
    for standard in toml(ROOT / "src/compliance/standards.toml")["standard"]:
        for control, theme in standard["controls"] if standard["id"] in EDITIONS else []:
            procedure = prowler.benchmarks[standard["id"]][control]["procedure"]
            found = re.search(r"""filterPattern['"]?:\s*['"]?(\{.*?\})""", procedure)
            theirs = plain(found[1]) if found else "none"
            ours = [plain(row["text"]) for row in themes[theme] if standard["id"] in row["meets"]]
            compared += 1
            if theirs in ours:
                continue
            known = next((q for q in quotations if (q["standard"], q["control"]) == (standard["id"], control)), None)
            if known:
                quotations.remove(known)
            else:
                wrong.append(f"{standard['id']} {control}: the benchmark has {theirs}\n  the tables {ours}")
    print(f"{compared} patterns were held against the benchmark's audit procedures")
    return wrong + [f"differences.toml explains what is not there: {quotation}" for quotation in quotations]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orgwatch", type=Path, required=True, help="the program, such as target/debug/orgwatch")
    known = [standard["id"] for standard in toml(ROOT / "src/compliance/standards.toml")["standard"]]
    parser.add_argument("--standard", action="append", choices=known, help="only this one; may be given more than once")
    arguments = parser.parse_args()
    standards = arguments.standard or known
    orgwatch = arguments.orgwatch.resolve(strict=True)
    emulator = install(ROOT / "target/moto", EMULATOR / "requirements.txt")
    prowler = Prowler()
    comparison = Comparison()
    wrong = patterns(prowler)
    with Scene(emulator, orgwatch, 7) as scene:
        installed(scene, prowler, comparison, standards)
    for standard in standards:
        # Two more than gaps: a closed account and one that is left out.
        with Scene(emulator, orgwatch, len(GAPS) + 2) as scene:
            planted(scene, prowler, comparison, standard)
    for index, row in enumerate(comparison.rows):
        name = " ".join(str(row.get(key, "*")) for key in ("gap", "theme"))
        print(f"{comparison.used[index]:5} times: {name}: {row['orgwatch']} by orgwatch, {row['prowler']} by Prowler")
    print(f"{comparison.agreed} judgements agree, {comparison.used.total()} differ as explained")
    if set(standards) == set(known):
        unused = [row for index, row in enumerate(comparison.rows) if not comparison.used[index]]
        wrong += [f"differences.toml explains what is not there: {row}" for row in unused]
    wrong += comparison.unexplained
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
